import pkgutil
import subprocess
import sys
from pathlib import Path

import study.models

IMPORT_ALL = """
import importlib, pkgutil, sys
import study.models
for module in pkgutil.walk_packages(study.models.__path__, "study.models."):
    importlib.import_module(module.name)
print(*sorted(sys.modules))
"""
FOREIGN = {"reports", "tests", "ray", "pandas", "optuna", "pyarrow", "matplotlib", "pydantic"}


def test_models_imports_nothing_of_the_other_rooms_or_their_libraries():
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(run.stdout.split())
    modules = {module.name for module in pkgutil.walk_packages(study.models.__path__, "study.models.")}
    assert len(modules) >= 10
    assert modules <= imported
    assert {name.split(".")[0] for name in imported} & FOREIGN == set()
    rooms = {name.split(".")[1] for name in imported if name.startswith("study.")}
    assert rooms <= {"models", "seeds", "words"}
