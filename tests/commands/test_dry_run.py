"""What a study will take, said before it begins."""

import json
from math import ceil
from pathlib import Path

import pytest
import yaml

from study import Study
from study.estimate import rounded
from study.results.directory import ResultsDirectory
from study.words import cell_columns
from tests.commands.answers import Say, assert_refused
from tests.worlds.small_study import TINY, write_cases

pytestmark = pytest.mark.usefixtures("_own_sigterm")


def test_dry_run_foretells_runs_and_packs_and_writes_nothing(
    tiny_results: ResultsDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    answer = say("run", "tiny.yaml", "--dry-run", "--workers", 3)
    assert (answer.status, answer.err) == (0, "")
    packs = len(list(tiny_results.packs.iterdir()))
    first, second = answer.out.splitlines()
    assert first == (
        f"tiny: 20 runs in {packs} packs on 3 cores, about 20 seconds and 3 MB in results/tiny"
    )
    assert second.startswith("nothing was written")
    foretold = json.loads(say("run", "tiny.yaml", "--dry-run", "--json").out)
    assert (foretold["study"], foretold["runs"], foretold["packs"]) == ("tiny", 20, packs)
    size = sum(path.stat().st_size for path in tiny_results.root.rglob("*") if path.is_file())
    assert size / 20 < foretold["bytes"] < size * 20
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_dry_run_of_a_collection_foretells_each_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = say("run", "paper-figure-7", "--dry-run", "--set", "dataset=compas-two-year")
    assert answer.status == 0
    names = [line.partition(":")[0] for line in answer.out.splitlines()[:-1]]
    assert names == ["paper-figure-7-compas", "paper-figure-7-health"]
    assert list(tmp_path.iterdir()) == []


def test_dry_run_refuses_what_run_refuses(tmp_path: Path, say: Say) -> None:
    section = write_cases(tmp_path / "cases.csv") | {"label": "baad"}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"dataset": section}))
    assert_refused(say("run", tmp_path / "own.yaml", "--dry-run"), "dataset.label: column baad not found")
    assert_refused(say("run", "--dry-run", "--set", "seeds=many"), "seeds", "'many'")


def test_steps_that_are_foretold_are_about_those_that_a_study_takes(tmp_path: Path) -> None:
    """Seconds follow from steps by rates that docs/speed.md measures."""
    section = write_cases(tmp_path / "cases.csv")
    change = {"dataset": section, "training": {"batch_size": 16}, "seeds": 1, "pack": {}}
    study = Study.of(TINY | change, out=tmp_path / "results")
    foretold = study.estimate(workers=1)
    assert study.train(in_process=True, log=lambda text: None)
    runs = study.runs()
    batches = ceil(runs[cell_columns("train")[:4]].iloc[0].sum() / 16)
    assert foretold.steps / 2 < runs["epochs"].sum() * batches < 2 * foretold.steps


def test_seconds_are_those_of_the_measured_default_study() -> None:
    """41 seconds on two quiet cores, docs/speed.md."""
    assert 41 / 1.5 < Study.of("default").estimate(workers=2).seconds < 41 * 1.5


def test_more_and_slower_runs_take_longer() -> None:
    def seconds(*changes: str, workers: int = 1) -> float:
        return Study.of(TINY, overrides=changes).estimate(workers=workers).seconds

    base = seconds("search.settings=500")
    assert base < seconds("search.settings=1000")
    assert base < seconds("search.settings=500", "training.hidden=50")
    assert base < seconds("search.settings=500", "training.max_epochs=100")
    assert base < seconds("search.settings=500", "resources.backend=eager")
    assert base > seconds("search.settings=500", workers=2)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "10 seconds"), (94, "90 seconds"), (95, "2 minutes"), (3000, "50 minutes"), (9000, "2.5 hours")],
)
def test_estimates_are_rounded(seconds: float, words: str) -> None:
    assert rounded(seconds) == words
