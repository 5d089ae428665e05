import csv
import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from study.reports import page as page_folder
from study.reports.figures.render import LAYOUTS
from study.reports.measure.calibration import COLUMNS as CALIBRATION
from study.reports.measure.measures import TABLES
from study.reports.page.rendering import SCRIPTS
from study.reports.page.report import write_report
from study.results.directory import ResultsDirectory
from study.results.fronts import COLUMNS
from study.storage.tables import FORMULA
from tests.reports.browser import page, undrawn
from tests.reports.decided import counted, world
from tests.reports.synthetic import ledger, results

LOADS = {"src", "data", "poster", "action", "srcset"}
NASTY = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "_$x^{2$ --> & {0} ]]>")


def test_a_report_has_the_page_the_figures_and_the_tables(report: Path) -> None:
    assert {path.stem for path in report.glob("*.csv")} == set(TABLES)
    empty = {name for name in TABLES if pd.read_csv(report / f"{name}.csv").empty}
    # No run can be chosen of this ledger, which has no counts by cell, so no curves either.
    assert empty == {"calibration"}
    assert tuple(pd.read_csv(report / "calibration.csv")) == CALIBRATION
    names = {path.stem for path in (report / "figures").glob("*.png")}
    assert names == {path.stem for path in (report / "figures").glob("*.svg")}
    assert names == {
        "fronts-ordinal",
        "fronts-by-idk-rate-paper-ordinal",
        "fronts-by-idk-rate-honest-ordinal",
        "idk-cdf-ordinal",
        "idk-rate-by-gamma-ordinal",
        "di-and-error-by-alpha",
        "differences",
    }
    assert not list(report.rglob(".*"))


def test_the_tables_keep_the_contract(report: Path) -> None:
    fronts = pd.read_csv(report / "fronts.csv")
    assert tuple(fronts) == COLUMNS
    assert set(fronts["front"]) == {"paper", "honest"}
    curves = pd.read_csv(report / "idk_cdf.csv")
    columns = ["method", "model", "decision_maker", "group", "cutoff", "fraction"]
    assert list(curves) == columns
    assert set(curves["group"]) == {"all", "0", "1"}
    assert curves["cutoff"].between(0, 1).all()
    assert curves["fraction"].between(0, 1).all()


def test_the_page_needs_nothing_but_itself(crowded: Path) -> None:
    seen = page(crowded)
    assert seen.named("image")
    assert not {"link", "iframe", "img", "object"} & {tag for tag, _ in seen.elements}
    for tag, attributes in seen.elements:
        assert not LOADS & set(attributes)
        target = attributes.get("xlink:href") or attributes.get("href") or ""
        assert not target.startswith(("http", "//"))
        if tag != "a":
            assert target == "" or target.startswith(("#", "data:image/png;base64,"))
        elif not target.startswith("#"):
            assert (crowded / target).exists()
    source = (crowded / "index.html").read_text(encoding="utf-8")
    for library in Path(page_folder.__file__).parent.glob("vega/*.js"):
        source = source.replace(library.read_text("utf-8"), "")
    assert "@import" not in source
    assert not re.search(r"url\((?!#)", source)


def test_ids_are_unique_and_references_resolve(crowded: Path) -> None:
    seen = page(crowded)
    ids = [a["id"] for _, a in seen.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in seen.elements:
        for value in attributes.values():
            for reference in re.findall(r"url\(#(.*?)\)", value or ""):
                assert reference in ids
        target = attributes.get("xlink:href") or attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids


def test_every_figure_is_described_with_its_key_figures(report: Path) -> None:
    drawings = [attributes for attributes in page(report).named("svg") if "role" in attributes]
    assert len(drawings) == 7 * len(LAYOUTS)
    for attributes in drawings:
        assert attributes["role"] == "img"
        assert re.search(r"\d\.\d{3}|\d %", attributes["aria-label"] or "")


def test_every_table_heading_says_what_it_heads(report: Path) -> None:
    headings = page(report).named("th")
    assert {attributes.get("scope") for attributes in headings} == {"col", "row", "rowgroup"}


def test_the_header_names_study_and_data(report: Path) -> None:
    seen = page(report)
    assert "Study “synthetic”\ndata: compas · 300 of 300 runs · 60 settings · finished" in seen.text
    assert "{'" not in seen.text
    assert not seen.named("progress")


def test_names_are_shown_and_not_run(tmp_path: Path) -> None:
    study, name, model = NASTY
    runs = ledger(300, models=(model,), methods=("binary", "defer"), decision_makers=(name,))
    runs.loc[0, "status"] = study
    manifest = {study: {name: [{model: name}]}, "sessions": [{"host": study, "versions": {name: study}}]}
    given = results(runs, state=name, manifest=manifest)
    named = {"sensitive": {"column": study, "is": name}, "label": {"column": model, "positive": study}}
    asked = {"study": study, "dataset": {"name": name, "split_seed": 0, **named}, model: [name]}
    write_report(replace(given, study=asked), tmp_path)
    seen = page(tmp_path)
    assert not seen.named("img")
    assert [a.get("type") for a in seen.named("script")] == ["application/json", None, None, None]
    folder = Path(page_folder.__file__).parent
    assert seen.scripts[1:] == [(folder / file).read_text("utf-8") for file in SCRIPTS.values()]
    assert not any(a.startswith("on") for _, attributes in seen.elements for a in attributes)
    assert seen.text.count(study) > 5
    assert seen.text.count(name) > 10
    assert seen.text.count(model) > 5


def test_no_table_holds_what_a_spreadsheet_would_run(tmp_path: Path) -> None:
    model, name = '=HYPERLINK("http://example.org")', "@SUM(1+1)*cmd|'/C calc'!A0"
    runs = ledger(300, models=(model,), decision_makers=(name, "-2+3"))
    runs["setting_id"] = "=" + runs["setting_id"]
    write_report(results(runs), tmp_path)
    tables = sorted(tmp_path.glob("*.csv"))
    assert {path.stem for path in tables} == set(TABLES)
    disarmed = set()
    for path in tables:
        for row in csv.reader(path.read_text("utf-8").splitlines()):
            for cell in row:
                assert not re.match(FORMULA, cell) or is_number(cell), (path.name, cell)
                disarmed |= {path.stem} if cell.startswith("'") else set()
    # Importance has no name of the user's, and calibration, with no run chosen, no rows.
    assert disarmed == set(TABLES) - {"importance", "calibration"}
    # The page itself shows the names as they are.
    assert page(tmp_path).text.count(name) > 5


def test_the_table_of_curves_holds_nothing_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    name = "@SUM(1+1)*cmd|'/C calc'!A0"
    curve = pd.DataFrame({"mean": [0.2, 0.8], "share": [0.3, 0.6], "cases": [10, 30]})
    given = counted(world(seeds=2))
    outcomes = given.outcomes(given.runs)
    assert outcomes is not None
    outcomes = replace(outcomes, decisions={**outcomes.decisions, name: outcomes.decisions["standard"]})
    given = replace(
        given,
        runs=given.runs.replace("standard", name),
        decision_makers=given.decision_makers.replace("standard", name),
        outcomes=lambda wanted: outcomes,
        calibration=lambda run: {"probability": curve},
    )
    write_report(given, tmp_path)
    shown = pd.read_csv(tmp_path / "calibration.csv")
    assert "'" + name in set(shown["decision_maker"])
    assert not shown["decision_maker"].str.match(FORMULA).any()
    assert (tmp_path / "figures" / "calibration.png").exists()


def is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


@pytest.mark.parametrize("typed", [False, True])
def test_an_empty_ledger_says_that_nothing_has_finished(typed: bool, tmp_path: Path) -> None:
    runs = pd.DataFrame(columns=ledger(5).columns)
    if typed:
        # As the ledger of a study that has begun is read: columns of Arrow without chunks.
        runs, _ = ResultsDirectory(tmp_path / "begun").read_runs()
    write_report(results(runs, planned=900, state="running"), tmp_path)
    seen = page(tmp_path)
    assert "0 of 900 runs finished" in seen.text
    assert "Nothing finished yet" in seen.text
    assert not seen.named("svg")
    assert tuple(pd.read_csv(tmp_path / "fronts.csv")) == COLUMNS


def test_an_unfinished_study_says_so_above_everything_else() -> None:
    seen = undrawn(results(ledger(312), planned=900, failed=2, state="interrupted"))
    said = seen.text.index("interrupted: 312 of 900 runs finished, 2 failed")
    assert said < seen.text.index("Summary")
    (bar,) = seen.named("progress")
    assert (bar["value"], bar["max"]) == ("312", "900")


def test_only_the_page_of_a_running_study_renews_itself() -> None:
    for state, renewed in (("running", True), ("interrupted", False)):
        seen = undrawn(results(ledger(30), planned=900, state=state))
        assert any("location.reload()" in script for script in seen.scripts) == renewed
        refresh = [meta for meta in seen.named("meta") if meta.get("http-equiv") == "refresh"]
        assert len(refresh) == renewed
        assert ("This page renews itself" in seen.text) == renewed


@pytest.mark.parametrize("methods", [("binary",), ("reject", "novel")])
def test_methods_may_be_missing(tmp_path: Path, methods: tuple[str, ...]) -> None:
    write_report(results(ledger(60, methods=methods, decision_makers=("standard",))), tmp_path)
    assert set(pd.read_csv(tmp_path / "fronts.csv")["method"]) == set(methods)
    assert page(tmp_path).named("svg")


def test_one_run_of_one_setting_is_enough(tmp_path: Path) -> None:
    runs = ledger(1, seeds=1, methods=("defer",), seed=3).assign(status="patience")
    write_report(results(runs), tmp_path)
    assert "1 of 1 run · 1 setting · finished" in page(tmp_path).text


def test_runs_that_all_diverged_give_a_page(tmp_path: Path) -> None:
    runs = ledger(30, decision_makers=("standard",))
    figures = [c for c in runs if c.startswith(("train_", "validation_", "test_"))]
    runs[figures] = float("nan")
    write_report(results(runs.assign(status="diverged")), tmp_path)
    text = page(tmp_path).text
    assert "nothing to sum up" in text
    assert "stopped: diverged30 runs" in text


def test_a_study_without_decision_makers_gives_a_page() -> None:
    given = results(ledger(60, methods=("binary",)))
    assert "None is recorded" in undrawn(replace(given, decision_makers=given.decision_makers[:0])).text


def test_the_same_results_replace_others_with_the_same_bytes(report: Path, tmp_path: Path) -> None:
    runs = ledger(300)
    write_report(results(runs[:0], planned=300, state="running"), tmp_path)
    write_report(results(runs), tmp_path)
    files = sorted(p.relative_to(report) for p in report.rglob("*.*"))
    assert len(files) == 28
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.*"))
    for file in files:
        assert (report / file).read_bytes() == (tmp_path / file).read_bytes(), file
