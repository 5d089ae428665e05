import pkgutil
import subprocess
import sys
from pathlib import Path

import models

IMPORT_ALL = """
import importlib, pkgutil, sys
import models
for module in pkgutil.walk_packages(models.__path__, "models."):
    importlib.import_module(module.name)
print(*sorted(sys.modules))
"""
FOREIGN = {"study", "reports", "tests", "ray", "pandas", "optuna", "pyarrow", "matplotlib", "pydantic"}


def test_models_imports_nothing_of_the_other_rooms_or_their_libraries():
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(run.stdout.split())
    modules = {module.name for module in pkgutil.walk_packages(models.__path__, "models.")}
    assert len(modules) >= 10
    assert modules <= imported
    assert {name.split(".")[0] for name in imported} & FOREIGN == set()
