import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from reports.fronts import COLUMNS
from reports.page import write_report
from tests.reports.synthetic import ledger, results

LOADS = {"src", "data", "poster", "action", "srcset"}
# Elements that HTML itself leaves open.
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: elements, their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(out: Path) -> Page:
    return Page((out / "index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    assert write_report(results(ledger(300)), out) == out / "index.html"
    return out


def test_a_report_has_the_page_the_figures_and_the_tables(report: Path) -> None:
    tables = ("fronts", "fronts_by_idk_rate", "idk_cdf", "settings", "decision_makers")
    for name in tables:
        assert len(pd.read_csv(report / f"{name}.csv"))
    assert tuple(pd.read_csv(report / "fronts.csv")) == COLUMNS
    names = {path.stem for path in (report / "figures").glob("*.png")}
    assert names == {path.stem for path in (report / "figures").glob("*.svg")}
    assert names == {
        "fronts-ordinal",
        "fronts-by-idk-rate-paper-ordinal",
        "fronts-by-idk-rate-honest-ordinal",
        "idk-cdf-ordinal",
        "idk-rate-by-gamma-ordinal",
    }
    assert not list(report.rglob(".*"))


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    # Many settings, so that the figures hold images.
    write_report(results(ledger(6000)), tmp_path)
    seen = page(tmp_path)
    assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in seen.elements}
    for tag, attributes in seen.elements:
        assert not LOADS & set(attributes)
        target = attributes.get("xlink:href") or attributes.get("href") or ""
        assert not target.startswith(("http", "//"))
        if tag != "a":
            assert target == "" or target.startswith(("#", "data:image/png;base64,"))
        elif not target.startswith("#"):
            assert (tmp_path / target).exists()
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "@import" not in source
    assert not re.search(r"url\((?!#)", source)


def test_ids_are_unique_and_references_resolve(tmp_path: Path) -> None:
    write_report(results(ledger(500, models=("mlp", "ordinal"))), tmp_path)
    seen = page(tmp_path)
    ids = [a["id"] for _, a in seen.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in seen.elements:
        for value in attributes.values():
            for reference in re.findall(r"url\(#(.*?)\)", value or ""):
                assert reference in ids
        target = attributes.get("xlink:href") or attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids


def test_figures_are_described(report: Path) -> None:
    drawings = [attributes for tag, attributes in page(report).elements if tag == "svg"]
    assert len(drawings) == 5
    assert all(a["role"] == "img" and len(a["aria-label"] or "") > 40 for a in drawings)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x>', "_$x^{2$ --> & ]]>"])
def test_names_are_shown_and_not_run(tmp_path: Path, name: str) -> None:
    runs = ledger(300, models=(name, "mlp"), decision_makers=(name,))
    given = results(runs, state=name, manifest={name: {name: name}})
    given = replace(given, study={"study": name, "dataset": name, name: [name]})
    write_report(given, tmp_path)
    seen = page(tmp_path)
    assert not {"script", "img"} & {tag for tag, _ in seen.elements}
    assert not any(a.startswith("on") for _, attributes in seen.elements for a in attributes)
    assert seen.text.count(name) > 10


def test_an_empty_ledger_says_that_nothing_has_finished(tmp_path: Path) -> None:
    runs = pd.DataFrame(columns=ledger(5).columns)
    write_report(results(runs, planned=900, state="running"), tmp_path)
    seen = page(tmp_path)
    assert "0 of 900 runs finished" in seen.text
    assert "Nothing has finished yet" in seen.text
    assert "svg" not in {tag for tag, _ in seen.elements}
    assert tuple(pd.read_csv(tmp_path / "fronts.csv")) == COLUMNS


def test_an_unfinished_study_says_how_far_it_is(tmp_path: Path) -> None:
    write_report(results(ledger(312), planned=900, failed=2, state="interrupted"), tmp_path)
    seen = page(tmp_path)
    assert "interrupted: 312 of 900 runs finished, 2 failed" in seen.text
    (bar,) = [attributes for tag, attributes in seen.elements if tag == "progress"]
    assert (bar["value"], bar["max"]) == ("312", "900")


def test_a_finished_study_has_no_progress(report: Path) -> None:
    assert "progress" not in {tag for tag, _ in page(report).elements}


@pytest.mark.parametrize("methods", [("binary",), ("defer",), ("reject", "novel"), ("binary", "reject")])
def test_methods_may_be_missing(tmp_path: Path, methods: tuple[str, ...]) -> None:
    write_report(results(ledger(60, methods=methods)), tmp_path)
    assert set(pd.read_csv(tmp_path / "fronts.csv")["method"]) == set(methods)


def test_one_run_of_one_setting_is_enough(tmp_path: Path) -> None:
    runs = ledger(1, seeds=1, methods=("defer",), seed=3).drop(columns="status")
    write_report(results(runs), tmp_path)
    assert "1 of 1 run · 1 setting · finished" in page(tmp_path).text


def test_runs_that_all_diverged_give_a_page(tmp_path: Path) -> None:
    runs = ledger(30)
    figures = [c for c in runs if c.startswith(("train_", "validation_", "test_"))]
    runs[figures] = float("nan")
    write_report(results(runs.assign(status="diverged")), tmp_path)
    assert "nothing to sum up" in page(tmp_path).text


def test_a_study_without_decision_makers_gives_a_page(tmp_path: Path) -> None:
    given = results(ledger(60, methods=("binary",)))
    write_report(replace(given, decision_makers=given.decision_makers[:0]), tmp_path)
    assert "None is recorded" in page(tmp_path).text


def test_how_it_ran_counts_and_adds_up(tmp_path: Path) -> None:
    runs = ledger(50).assign(seconds=72.0, epochs=100, status="patience")
    runs.loc[:2, "status"] = "diverged"
    write_report(results(runs), tmp_path)
    text = page(tmp_path).text
    for said in ("60 min (72 s per run)", "stopped: diverged3 (", "epochs, median100", "workers1"):
        assert said in text


def test_a_long_front_is_thinned_on_the_page_and_whole_in_the_table(tmp_path: Path) -> None:
    runs = ledger(120, seeds=1, methods=("defer",), decision_makers=("standard",))
    for split in ("test", "validation"):
        runs[f"{split}_error"] = [0.2 + i / 1000 for i in range(120)]
        runs[f"{split}_di"] = [0.2 - i / 1000 for i in range(120)]
    write_report(results(runs.assign(status="patience")), tmp_path)
    seen = page(tmp_path)
    assert "120 points, 40 shown" in seen.text
    assert len(pd.read_csv(tmp_path / "fronts.csv")) == 240


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_report(results(ledger(300)), tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 17
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_a_report_replaces_an_earlier_one(tmp_path: Path) -> None:
    write_report(results(ledger(60), planned=100, state="running"), tmp_path)
    write_report(results(ledger(100)), tmp_path)
    assert "100 of 100 runs" in page(tmp_path).text
