"""The paper's figures as one collection, at a reduced size and on the data that ship with the package."""

import csv
import json
from pathlib import Path

import pytest

from study.cli import main
from study.collection import Collection, is_collection
from study.commands.arguments import INCOMPLETE, WRONG_INPUT
from study.config.presets import COLLECTIONS, preset_names
from study.errors import LedgerError, StudyFileError
from study.reports.figures.album import Album

SMALL = [
    "dataset=compas-two-year",
    "search.settings=4",
    "seeds=2",
    "training={hidden: 2, max_epochs: 2, batch_size: 512}",
]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """All figures, run without Ray; the studies' own reports are without theirs and without a page."""
    collection = Collection.begin("paper", tmp_path_factory.mktemp("paper"), SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("study.reports.page.report.album", lambda *_: Album())
        patch.setattr("study.reports.page.report.page_of", lambda *_: "")
        assert collection.train(in_process=True, log=lambda text: None)
    collection.report()
    return collection


def test_every_figure_of_the_paper_is_a_preset_or_a_collection() -> None:
    names = {*preset_names(), *COLLECTIONS}
    assert {f"paper-figure-{figure}" for figure in ("3a", "3b", "4", "5", "6", "7", "8", "9")} <= names
    assert not set(preset_names()) & set(COLLECTIONS)


def test_page_has_a_section_and_a_drawing_for_every_figure(paper: Collection) -> None:
    page = (paper.root / "report" / "index.html").read_text("utf-8")
    figures = COLLECTIONS["paper"][0]
    for figure in figures:
        assert f'id="figure-{figure}"' in page
    assert page.count("<svg") >= len(figures) - 1  # Figure 8 is drawn beside Figure 7


def test_every_claim_has_a_verdict_by_the_rule(paper: Collection) -> None:
    claims = _claims(paper)
    places = {row["claim"].partition(",")[0] for row in claims}
    assert places >= {"Appendix B", *(f"Figure {name}" for name in ("3a", "3b", "4", "5", "6", "9"))}
    allowed = {"holds", "holds in part", "does not hold", "undefined"}
    assert {row["verdict"] for row in claims} <= allowed


def test_status_adds_up_the_studies(paper: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    status = paper.status()
    assert status.state == "finished"
    assert status.finished == status.planned == sum(part.finished for part in status.parts) > 0
    assert main(["status", str(paper.root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [part["study"] for part in said["studies"]] == list(paper.presets)
    assert said["planned"] == status.planned


def test_studies_that_were_not_begun_are_planned_and_said_to_be_not_run(tmp_path: Path) -> None:
    collection = Collection.begin("paper-figure-8", tmp_path, SMALL)
    status = collection.status()
    assert (status.state, status.finished) == ("interrupted", 0)
    assert status.planned > 0
    collection.report()
    assert {row["verdict"] for row in _claims(collection)} == {"not run"}


def test_a_directory_keeps_to_what_was_begun_in_it(tmp_path: Path) -> None:
    begun = Collection.begin("paper-figure-4", tmp_path, SMALL)
    assert Collection.begin("paper-figure-4", tmp_path, SMALL) == begun == Collection.open(tmp_path)
    with pytest.raises(LedgerError, match="other studies were begun"):
        Collection.begin("paper-figure-7", tmp_path, SMALL)
    with pytest.raises(LedgerError, match="other studies were begun"):
        Collection.begin("paper-figure-4", tmp_path, [])


def test_a_wrong_override_costs_nothing(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="serch"):
        Collection.begin("paper", tmp_path / "new", ["serch.settings=4"])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"collection": "other", "overrides": []}', '{"collection": 1}']
)
def test_a_broken_collection_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "collection.json").write_text(content)
    assert is_collection(tmp_path)
    assert main(["resume", str(tmp_path)]) == WRONG_INPUT


def test_select_asks_for_one_study(paper: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", str(paper.root)]) == WRONG_INPUT
    assert "holds several studies" in capsys.readouterr().err
    assert main(["select", str(paper.root / paper.presets[0])]) in (0, INCOMPLETE)


def _claims(collection: Collection) -> list[dict[str, str]]:
    with (collection.root / "report" / "claims.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
