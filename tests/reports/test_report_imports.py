"""Data flows one way through the rooms of the report, and none of them loads what trains."""

import subprocess
import sys
from pathlib import Path

import pytest

from study import reports
from tests.test_architecture import imported

ROOT = Path(reports.__file__).parent
MAY_IMPORT = {
    "measure": set(),
    "figures": {"measure"},
    "page": {"measure", "figures"},
    "paper": {"measure", "figures", "page"},
}
# A page of one study shows the section of the paper about it.
EXCEPTION = ("page/report.py", {"study.reports.paper.review"})


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_those_before_it(room: str) -> None:
    for path in (ROOT / room).glob("*.py"):
        names = {name for name in imported(path) if name.startswith("study.reports.")}
        if path.relative_to(ROOT).as_posix() == EXCEPTION[0]:
            names -= EXCEPTION[1]
        assert {name.split(".")[2] for name in names} - {room} <= MAY_IMPORT[room], path


def loaded_after(module: str) -> set[str]:
    """The packages, and rooms of this one, that are loaded once a module was imported."""
    code = f"import {module}, sys\nprint(*{{'.'.join(name.split('.')[:2]) for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    return {name.partition(".")[0] for name in names if not name.startswith("study.")} | {
        name for name in names if name.startswith("study.")
    }


def test_measures_load_neither_what_draws_nor_what_trains() -> None:
    names = loaded_after("study.reports.measure.measures")
    assert not names & {"matplotlib", "jinja2", "torch", "ray", "optuna", "study.models", "study.training"}


def test_a_page_loads_nothing_that_trains() -> None:
    names = loaded_after("study.reports.page.report")
    assert not names & {"torch", "ray", "optuna", "study.models", "study.training", "study.engines"}
    assert "matplotlib" in names
