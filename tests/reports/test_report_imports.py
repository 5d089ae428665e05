import json
import subprocess
import sys

DRAWING = {"matplotlib"}
TRAINING = {"torch", "ray", "optuna", "study", "models"}
PURE = [
    "reduce",
    "alpha",
    "fronts",
    "idk",
    "hypervolume",
    "headline",
    "panels",
    "reductions",
    "descriptions",
    "limits",
    "workloads",
    "choices",
    "setting_intervals",
    "weighing",
    "summary",
    "chooser",
]


def loaded_after(modules: list[str]) -> dict[str, set[str]]:
    """The top-level packages loaded once each module was imported, one after the other."""
    code = (
        "import importlib, json, sys\n"
        "seen = {}\n"
        f"for module in {modules}:\n"
        "    importlib.import_module(f'study.reports.{module}')\n"
        "    seen[module] = sorted({name.split('.')[0] for name in sys.modules})\n"
        "print(json.dumps(seen))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {module: set(names) for module, names in json.loads(done.stdout).items()}


def test_importing_a_module_stays_light() -> None:
    for module, names in loaded_after([*PURE, "page"]).items():
        unwanted = TRAINING if module == "page" else TRAINING | DRAWING
        assert not unwanted & names, module
