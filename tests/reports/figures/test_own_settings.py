"""A user's settings of matplotlib do not reach the figures of a report."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DRAW = """
import sys
from pathlib import Path
import pandas as pd
from study.reports.figures.album import OF_STUDY
from study.reports.figures.render import render
from study.reports.measure.measures import Measures
from tests.reports.synthetic import ledger, results
measures = Measures(results(ledger(60, methods=("binary",))))
Path(sys.argv[1]).write_bytes(render(lambda: OF_STUDY["di-and-error-by-alpha"](measures), "x").png)
import matplotlib
print(matplotlib.get_backend(auto_select=False), matplotlib.rcParams["axes.facecolor"])
"""
ROOT = Path(__file__).parents[3]


def drawn(folder: Path, **environment: str) -> tuple[bytes, str]:
    """A figure, and the backend and colour that the user is left with."""
    given = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"} | environment
    out = folder / "figure.png"
    command = [sys.executable, "-c", DRAW, str(out)]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out.read_bytes(), done.stdout.strip()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return drawn(tmp_path_factory.mktemp("plain"))[0]


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "no such backend"])
def test_a_backend_that_is_not_installed_changes_nothing(
    backend: str, plain: bytes, tmp_path: Path
) -> None:
    assert drawn(tmp_path, MPLBACKEND=backend)[0] == plain


def test_a_matplotlibrc_and_a_backend_stay_the_user_s_own(plain: bytes, tmp_path: Path) -> None:
    rc = tmp_path / "matplotlibrc"
    rc.write_text("axes.facecolor: red\nfigure.dpi: 30\nsavefig.bbox: tight\nlines.linewidth: 9\n", "utf-8")
    found, left = drawn(tmp_path, MATPLOTLIBRC=str(rc), MPLBACKEND="svg")
    assert found == plain
    assert left == "svg red"
