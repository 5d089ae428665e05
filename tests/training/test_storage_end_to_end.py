"""A study in an object store, from the command line on real Ray: interrupted, resumed, looked at."""

import json
import os
import signal
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pandas as pd
import pytest
import yaml

from study.api import Study
from study.cli import main
from study.collection import Collection, is_collection
from study.results.directory import ResultsDirectory
from study.storage.locations import location
from tests.training.driver import driver, until
from tests.worlds.small_study import LONG, LONG_RUNS, assert_same_rows, finished_packs
from tests.worlds.store import Store, answers

pytestmark = [pytest.mark.usefixtures("_own_sigterm", "without_figures"), pytest.mark.waits]


def every(nth: int, make: Callable[[BaseHTTPRequestHandler], bool]) -> Callable[..., bool]:
    """Trouble for one request in so many."""
    count = [0]

    def sometimes(request: BaseHTTPRequestHandler) -> bool:
        count[0] += 1
        return count[0] % nth == 0 and make(request)

    return sometimes


def test_study_in_a_store_is_run_interrupted_resumed_reported_and_chosen_from(
    store: Store,
    tmp_path: Path,
    undisturbed: pd.DataFrame,
    ray_here: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "long.yaml").write_text(yaml.safe_dump(LONG))
    uri, there = store.uri("studies/long"), ResultsDirectory(store.uri("studies/long"))

    words = ("run", tmp_path / "long.yaml", "--out", uri, "--workers", 1)
    with driver(*words, results=tmp_path) as started:
        until(lambda: finished_packs(there) or started.process.poll() is not None, "a pack")
        os.kill(started.process.pid, signal.SIGINT)
        status, out, err = started.end()
    assert (status, out) == (130, "")
    assert err.splitlines()[-1].startswith(
        "study: interrupted; what is finished is kept, resume with: study resume"
    )
    assert "hush" not in err
    finished = finished_packs(there)
    assert 0 < len(finished) < 7
    assert main(["status", uri, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "interrupted"

    with store.trouble(".*", every(9, answers(503))):
        assert main(["resume", uri]) == 0
    page = there.root / "report" / "index.html"
    assert capsys.readouterr().out == f"report: {page}\n"
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    rows, broken = there.read_runs()
    assert broken == []
    assert len(rows) == LONG_RUNS
    assert_same_rows(rows, undisturbed)
    written = [words for words in store.asked if words.startswith("PUT studies/long/runs/")]
    assert {Path(words).stem for words in written} == finished_packs(there)
    assert not there.is_locked()

    assert main(["status", uri]) == 0
    assert capsys.readouterr().out == "long: finished, 26 of 26 runs finished\n"
    assert main(["report", uri, "--out", store.uri("elsewhere")]) == 0
    assert (location(store.uri("elsewhere")) / "fronts.csv").read_bytes() == (
        there.report / "fronts.csv"
    ).read_bytes()
    capsys.readouterr()
    assert main(["select", uri, "--json"]) == 0
    chosen = json.loads(capsys.readouterr().out)
    assert chosen["run_id"] in set(rows["run_id"])
    assert chosen["test_interval"]["error"] is not None
    (pack,) = rows.loc[rows["run_id"] == chosen["run_id"], "pack_id"]
    assert Study(uri).directory.read_weights(chosen["run_id"], pack).size > 0


def test_place_without_a_study_is_refused_in_one_line(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("resume", "status", "report", "select"):
        assert main([command, store.uri("nothing")]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "no study there" in err
        assert err.count("\n") == 1
        assert "hush" not in err


def test_collection_in_a_store_is_begun_continued_and_reported(store: Store) -> None:
    root = location(store.uri("paper"))
    assert not is_collection(root)
    begun = Collection.begin("paper-figure-4", root, ["seeds=1"])
    assert is_collection(root)
    assert Collection.begin("paper-figure-4", root, ["seeds=1"]) == begun == Collection.open(root)
    assert begun.status().state == "interrupted"
    assert str(begun.report()) == str(root / "report" / "index.html")
    assert (root / "report" / "index.html").is_file()
