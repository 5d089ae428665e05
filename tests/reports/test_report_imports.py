import subprocess
import sys

import pytest

DRAWING = {"matplotlib"}
TRAINING = {"torch", "ray", "optuna", "study", "models"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        *((f"reports.{m}", DRAWING | TRAINING) for m in ("reduce", "fronts", "idk", "hypervolume")),
        *((f"reports.{m}", DRAWING | TRAINING) for m in ("headline", "panels", "reductions")),
        ("reports.page", TRAINING),
    ],
)
def test_importing_a_module_stays_light(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not unwanted & set(done.stdout.split())
