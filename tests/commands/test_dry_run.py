"""What a study will take, said before it begins."""

import json
from pathlib import Path

import pytest
import yaml

from study import Study
from study.estimate import rounded
from study.results.directory import ResultsDirectory
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
        f"tiny: 20 runs in {packs} packs on 3 cores, about 10 seconds and 3 MB in results/tiny"
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
