"""A results directory in an object store, with what such stores do: errors, slowness, half a request."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler

import numpy as np
import pandas as pd
import pytest

import study.storage.retries
from study.data.own.reading import read_frame
from study.errors import LedgerError, OutputError, UserError
from study.results.directory import ResultsDirectory
from study.results.packs import Pack
from study.search.pack_queue import PackQueue
from study.storage.lock import Hold
from study.storage.whole_files import write_whole
from study.training.launch import launch
from tests.worlds.small_study import (
    IDENTITY,
    TINY,
    assert_same_rows,
    config_of,
    finished_packs,
    made_up_decisions,
    made_up_rows,
    write_made_up,
)
from tests.worlds.store import Store, answers, drips, hangs, hangs_up, slow


@pytest.fixture
def there(store: Store) -> ResultsDirectory:
    return ResultsDirectory(store.uri("studies/one"))


@pytest.fixture(autouse=True)
def _tries_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for hundredths of a second between two tries."""
    monkeypatch.setattr(study.storage.retries, "FIRST_WAIT", 0.01)


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is patient for a moment where it would be for minutes."""
    monkeypatch.setattr(study.storage.retries, "PATIENCE", 0.05)


def filled(directory: ResultsDirectory) -> list[Pack]:
    """Put the study TINY into a directory, with made-up rows."""
    directory.write_study(config_of(TINY).resolved())
    queue = PackQueue(config_of(TINY).plan().search, IDENTITY, directory)
    while (pack := queue.next()) is not None:
        write_made_up(directory, pack)
        queue.finish(pack)
    label, sensitive = made_up_decisions("label"), made_up_decisions("sensitive")
    directory.write_test_rows(label, sensitive, {"standard": made_up_decisions("standard")})
    return directory.read_packs()


# What is written comes back


def test_a_ledger_in_a_store_is_the_same_as_one_here(
    there: ResultsDirectory, results: ResultsDirectory
) -> None:
    packs = filled(results)
    assert filled(there) == packs
    (runs, broken), (expected, _) = there.read_runs(), results.read_runs()
    pd.testing.assert_frame_equal(runs, expected, check_exact=True)
    assert broken == []
    assert there.exists()
    assert there.read_study() == results.read_study()
    assert finished_packs(there) == {pack.pack_id for pack in packs}
    outcomes, others = there.read_outcomes(runs), results.read_outcomes(runs)
    assert outcomes is not None
    assert others is not None
    assert outcomes.run_id == others.run_id
    assert np.array_equal(outcomes.deferred, others.deferred)
    for index, run in enumerate(made_up_rows(packs[-1])["run_id"]):
        assert there.read_weights(run, packs[-1].pack_id).tolist() == [index, 0.5]
    with pytest.raises(LedgerError, match="no weights of run nobody"):
        there.read_weights("nobody", packs[-1].pack_id)


def test_checkpoint_comes_back_and_goes(there: ResultsDirectory) -> None:
    assert there.read_checkpoint("p") is None
    for content in (b"first", b"second"):
        there.write_checkpoint("p", content)
        assert there.read_checkpoint("p") == content
    there.drop_checkpoint("p")
    there.drop_checkpoint("p")
    assert there.read_checkpoint("p") is None


def test_halves_of_a_pack_are_read_like_the_whole_and_training_leaves_nothing_else(
    there: ResultsDirectory,
) -> None:
    pack = max(filled(there), key=lambda pack: pack.runs)
    expected = there.read_runs()[0]
    there.remove_rows(pack.pack_id)
    assert len(there.read_runs()[0]) == len(expected) - pack.runs
    for half in pack.halves():
        assert there.read_pack(half.pack_id) == half
        write_made_up(there, half)
    assert_same_rows(*(rows.drop(columns="pack_id") for rows in (there.read_runs()[0], expected)))
    there.write_checkpoint("p", b"of a pack that is in")
    there.sweep()
    assert there.read_checkpoint("p") is None
    assert len(there.read_runs()[0]) == sum(pack.runs for pack in there.read_packs())


def test_empty_place_has_no_study_and_no_runs(there: ResultsDirectory) -> None:
    assert not there.exists()
    assert there.read_runs()[0].empty
    assert there.read_packs() == []
    assert there.read_outcomes(there.read_runs()[0]) is None
    assert not there.is_locked()


def test_what_is_no_table_is_named_and_set_aside(there: ResultsDirectory) -> None:
    pack = filled(there)[2]
    write_whole(there.runs / f"{pack.pack_id}.parquet", b"PAR1 but no more")
    (broken,) = there.read_runs()[1]
    assert str(broken.path) == str(there.runs / f"{pack.pack_id}.parquet")
    aside = there.set_aside(broken)
    assert aside.read_bytes() == b"PAR1 but no more"
    runs, broken_ones = there.read_runs()
    assert (len(runs), broken_ones) == (20 - pack.runs, [])


def test_rows_of_a_pack_are_three_requests_and_a_whole_pack_is_few(
    there: ResultsDirectory, store: Store
) -> None:
    pack = filled(there)[0]
    store.asked.clear()
    write_made_up(there, pack)
    assert store.asked == [
        f"PUT studies/one/{folder}/{pack.pack_id}.parquet" for folder in ("weights", "outcomes", "runs")
    ]
    store.asked.clear()
    there.read_packs()
    finished_packs(there)
    assert len(store.asked) == 2 + 2 * 6


# Whole or not at all


def test_a_request_cut_off_in_the_middle_leaves_nothing_and_is_done_again(
    there: ResultsDirectory, store: Store
) -> None:
    with store.trouble("PUT .*manifest", hangs_up(times=2)):
        there.write_manifest({"rows": 3, "source": "x" * 10_000})
    assert there.read_manifest() == {"rows": 3, "source": "x" * 10_000}


@pytest.mark.usefixtures("_hurried")
def test_what_was_there_stays_when_writing_fails(there: ResultsDirectory, store: Store) -> None:
    there.write_manifest({"rows": 3})
    with (
        store.trouble("PUT .*manifest", hangs_up()),
        pytest.raises(OutputError, match="cannot be written: s3://"),
    ):
        there.write_manifest({"rows": 4})
    assert there.read_manifest() == {"rows": 3}


def test_an_interrupt_in_the_middle_of_writing_leaves_a_whole_file(
    there: ResultsDirectory, store: Store
) -> None:
    def interrupt(request: object) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return False

    with store.trouble("PUT .*manifest", interrupt), pytest.raises(KeyboardInterrupt):
        there.write_manifest({"rows": 3})
    assert there.read_manifest() == {"rows": 3}


# Errors that pass, and errors that do not


@pytest.mark.parametrize(
    "make",
    [answers(503, times=5), answers(500, times=5), hangs_up(times=5)],
    ids=["503", "500", "hangs up"],
)
@pytest.mark.parametrize("method", ["PUT", "HEAD", "GET"])
def test_errors_that_pass_are_waited_for(
    make: Callable[..., bool], method: str, there: ResultsDirectory, store: Store
) -> None:
    with store.trouble(f"{method} .*manifest", make):
        there.write_manifest({"rows": 3})
        assert there.read_manifest() == {"rows": 3}


def test_a_slow_store_is_waited_for(there: ResultsDirectory, store: Store) -> None:
    with store.trouble(".*", slow(0.2)):
        there.write_manifest({"rows": 3})
        assert there.read_manifest() == {"rows": 3}
        assert there.read_packs() == []


@pytest.mark.usefixtures("_hurried")
def test_errors_that_stay_are_one_line_and_break_no_file(there: ResultsDirectory, store: Store) -> None:
    """A store that does not answer says nothing of its files: they are not set aside."""
    filled(there)
    for method in ("HEAD", "GET"):
        with (
            store.trouble(f"{method} .*runs/.*parquet", answers(503)),
            pytest.raises(LedgerError) as raised,
        ):
            there.read_runs()
        assert_one_line(raised.value)
    with store.trouble("GET .*list-type", answers(503)), pytest.raises(LedgerError) as raised:
        there.read_packs()
    assert_one_line(raised.value)
    assert len(there.read_runs()[0]) == 20


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set when the test is over, in which a request may take a third of a second."""
    monkeypatch.setattr(study.storage.retries, "ANSWER_WITHIN", 0.3)
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("make", [hangs, drips])
@pytest.mark.usefixtures("_hurried")
def test_a_store_that_never_answers_is_given_up_in_one_line(
    make: Callable[..., Callable[..., bool]],
    there: ResultsDirectory,
    store: Store,
    over: threading.Event,
) -> None:
    with store.trouble(".*", make(over)):
        acts = (there.exists, there.read_study, there.read_runs, lambda: there.write_manifest({}))
        for act in (*acts, lambda: read_frame(store.uri("cases.parquet"))):
            with pytest.raises(UserError, match=r"gave no answer within \d+ s") as raised:
                act()
            assert_one_line(raised.value)


@pytest.mark.usefixtures("_hurried")
def test_what_is_finished_when_a_store_stops_answering_is_kept(
    there: ResultsDirectory, store: Store, tiny_results: ResultsDirectory, over: threading.Event
) -> None:
    config = config_of(TINY, methods="reject")
    first = []

    def second(request: BaseHTTPRequestHandler) -> bool:
        first.append(request)
        return len(first) > 1 and drips(over)(request)

    with store.trouble("PUT .*/runs/", second), pytest.raises(UserError) as raised:
        launch(config, there, in_process=True, log=lambda text: None)
    assert_one_line(raised.value)
    over.set()
    (finished,) = finished_packs(there)
    before = (there.runs / f"{finished}.parquet").modified()
    assert launch(config, there, in_process=True, log=lambda text: None)
    assert (there.runs / f"{finished}.parquet").modified() == before
    rows, expected = there.read_runs()[0], tiny_results.read_runs()[0]
    assert_same_rows(*(of[of["method"] == "reject"].drop(columns="study") for of in (rows, expected)))


@pytest.mark.parametrize(
    "change",
    [
        lambda store: ResultsDirectory(store.uri("x").replace(store.bucket, "nobodys-bucket")),
        lambda store: ResultsDirectory(store.uri("x")),
    ],
    ids=["no such bucket", "forbidden"],
)
def test_errors_that_cannot_pass_are_said_at_once(
    change: Callable[[Store], ResultsDirectory], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study.storage.retries.time, "sleep", lambda seconds: pytest.fail("waited"))
    directory = change(store)
    with store.trouble(r"PUT x/.*", answers(403)), pytest.raises(OutputError) as raised:
        directory.write_manifest({})
    assert_one_line(raised.value)
    assert len(store.asked) < 9


def assert_one_line(error: UserError) -> None:
    assert "\n" not in str(error)
    assert "s3://" in str(error)
    assert "hush" not in str(error)
    assert len(str(error)) < 600


# Two drivers


def test_rows_are_unique_even_if_two_drivers_run(
    there: ResultsDirectory, store: Store, tiny_results: ResultsDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the lease is there to prevent, made to happen."""
    monkeypatch.setattr("study.results.directory.holding", lambda root, log: nullcontext(Hold()))
    both = threading.Barrier(2, timeout=60)
    complete: list[bool] = []

    def drive() -> None:
        both.wait()
        uri = there.where
        complete.append(
            launch(config_of(TINY), ResultsDirectory(uri), in_process=True, log=lambda text: None)
        )

    drivers = [threading.Thread(target=drive) for _ in range(2)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
    assert complete == [True, True]
    runs, broken = there.read_runs()
    assert broken == []
    assert runs["run_id"].is_unique
    assert_same_rows(runs, tiny_results.read_runs()[0])
