"""docs/from-table-to-model.ipynb, run cell by cell as a notebook runs it."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib import pyplot

from tests.docs.pages import ROOT

NOTEBOOK = ROOT / "docs" / "from-table-to-model.ipynb"


def cells(kind: str) -> list[str]:
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (content["nbformat"], content["metadata"]["language_info"]["name"]) == (4, "python")
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def run(code: str, names: dict[str, Any]) -> Any:
    """Run a cell; return what it shows: the value of its last line, unless that ends in a semicolon."""
    tree = ast.parse(code)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr) or code.rstrip().endswith(";"):
        exec(compile(tree, str(NOTEBOOK), "exec"), names)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), str(NOTEBOOK), "exec"), names)
    return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)


def test_each_cell_runs_and_shows_what_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    with matplotlib.rc_context():
        pyplot.switch_backend("agg")
        shown = [run(code, names) for code in cells("code")]
        pyplot.close("all")
    assert "hospital: 26 runs in " in capsys.readouterr().out
    study, chosen, model = names["study"], names["chosen"], names["model"]
    assert study.status().state == "finished"
    assert all("<" in value._repr_html_() for value in shown if hasattr(value, "_repr_html_"))
    assert {id(study), id(chosen), id(model)} <= {id(value) for value in shown}
    assert 0.5 < shown[-1] < 1
    assert {path.name for path in tmp_path.iterdir()} == {"results", "model"}


def test_links_lead_to_pages() -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", "\n".join(cells("markdown"))):
        assert (NOTEBOOK.parent / target).is_file(), target
