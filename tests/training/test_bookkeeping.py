"""What a driver does beside the training costs the same for every pack, and its memory does not grow."""

from pathlib import Path

import pytest

from study.api import Study
from study.results.directory import ResultsDirectory
from study.results.files import ledger
from study.search.pack_queue import PackQueue
from tests.benchmarks.bookkeeping import SEEDS, SETTINGS, measure
from tests.worlds.small_study import IDENTITY, config_of, write_made_up


def test_real_ray_queue_and_ledger_keep_the_books_of_thousands_of_runs(
    ray_here: int, tmp_path: Path
) -> None:
    packs = 40
    cost = measure(packs * SETTINGS * SEEDS, tmp_path / "results")
    # One more than asked for: the baseline.
    assert (cost.packs, cost.runs) == (packs + 1, (packs * SETTINGS + 1) * SEEDS)
    status = Study(tmp_path / "results").status()
    assert (status.finished, status.planned, status.failed) == (cost.runs, cost.runs, 0)
    assert len(cost.memory) == 4
    # The rows of these thirty packs alone would take as much.
    assert cost.memory[-1] - cost.memory[0] < 30


@pytest.mark.parametrize("sampler", ["random", "nsga2", "tpe"])
def test_every_pack_is_read_once_and_no_earlier_one_again(
    sampler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = ledger.read_whole
    monkeypatch.setattr(ledger, "read_whole", lambda path: read.append(path.name) or whole(path))
    search = {"sampler": sampler, "settings": 40}
    config = config_of({"search": search, "seeds": 2, "pack": {"settings": 5}, "methods": "defer"})
    directory = ResultsDirectory(tmp_path / "results")
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    trained = []
    while (pack := queue.next()) is not None:
        write_made_up(directory, pack)
        queue.finish(pack)
        trained.append(f"{pack.pack_id}.parquet")
    assert len(trained) == 9
    assert read == trained
    assert queue.front.summary().startswith("front: ")

    read.clear()
    again = PackQueue(config.plan().search, IDENTITY, directory)
    assert sorted(name for name in read if name.endswith(".parquet")) == sorted(trained)
    assert again.front.summary() == queue.front.summary()
    assert again.finished_runs == queue.finished_runs == 82
