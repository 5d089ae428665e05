"""What is said of a running study."""

import io
import re
import threading
import time

import pytest

import study.training.progress as progress_module
from study import printer
from study.training.progress import Progress, _duration


class Queue:
    """As much of a queue as progress looks at."""

    planned_runs = 1300
    finished_runs = 0
    failed_runs = 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def queue() -> Queue:
    return Queue()


def progress_of(queue: Queue, stream: io.StringIO) -> Progress:
    return Progress(queue, lambda: "front: 3 settings", stream)  # type: ignore[arg-type]


def test_line_of_a_fresh_study_has_no_rate(queue: Queue) -> None:
    assert progress_of(queue, io.StringIO()).line() == "0 of 1,300 runs"


def test_line_counts_finished_and_partly_trained_packs(queue: Queue) -> None:
    progress = progress_of(queue, io.StringIO())
    progress.pack_advanced("a", 5)
    progress.pack_advanced("b", 3)
    assert progress.line().startswith("8 of 1,300 runs | ")
    queue.finished_runs += 10
    progress.pack_finished("a")
    parts = progress.line().split(" | ")
    assert parts[0] == "13 of 1,300 runs"
    assert re.fullmatch(r"[\d,]+\.\d runs/s", parts[1])
    assert parts[2].endswith(" left")
    assert parts[3] == "front: 3 settings"


def test_no_time_left_is_said_before_a_hundredth_of_the_runs_tells(queue: Queue) -> None:
    progress = progress_of(queue, io.StringIO())
    progress.pack_advanced("a", 12)
    assert "runs/s" in progress.line()
    assert "left" not in progress.line()
    progress.pack_advanced("a", 13)
    assert progress.line().endswith(" left")


def test_runs_of_an_earlier_session_are_done_but_make_no_rate(queue: Queue) -> None:
    progress = progress_of(queue, io.StringIO())
    progress.pack_advanced("a", 900, taken_up=True)
    assert progress.line() == "900 of 1,300 runs"
    progress.pack_stopped("a")
    progress.pack_advanced("a", 901, taken_up=True)
    assert progress.line().startswith("901 of 1,300 runs | ")


def test_pack_that_starts_again_does_not_count_twice(queue: Queue) -> None:
    progress = progress_of(queue, io.StringIO())
    progress.pack_advanced("a", 5)
    progress.pack_advanced("a", 1)
    assert progress.line().startswith("1 of 1,300 runs")


def test_failures_are_said_at_once_and_counted(queue: Queue) -> None:
    stream = io.StringIO()
    progress = progress_of(queue, stream)
    progress.pack_advanced("a", 5)
    progress.pack_stopped("a")
    progress.note("4 runs of pack a failed: out of memory")
    queue.failed_runs += 4
    assert "4 runs of pack a failed: out of memory\n" in stream.getvalue()
    assert progress.line() == "0 of 1,300 runs | 4 failed"


def test_halves_of_a_pack_are_counted_like_packs(queue: Queue) -> None:
    progress = progress_of(queue, io.StringIO())
    progress.pack_advanced("a.0", 5)
    progress.pack_advanced("a.1", 4)
    assert progress.line().startswith("9 of 1,300 runs | ")
    queue.finished_runs += 6
    progress.pack_finished("a.0")
    assert progress.line().startswith("10 of 1,300 runs | ")


def test_resumed_study_knows_its_front_and_counts_only_new_runs_for_the_rate(queue: Queue) -> None:
    queue.finished_runs = 1300
    assert progress_of(queue, io.StringIO()).line() == "1,300 of 1,300 runs | front: 3 settings"


def test_file_gets_plain_lines_and_none_of_them_twice(queue: Queue) -> None:
    stream = io.StringIO()
    progress = progress_of(queue, stream)
    queue.finished_runs = 1300
    progress.pack_finished("a")
    progress.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0] == "0 of 1,300 runs"
    assert lines[1].startswith("1,300 of 1,300 runs")
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_terminal_gets_one_line_that_renews_itself_and_stays_at_the_end(queue: Queue) -> None:
    stream = Terminal()
    progress = progress_of(queue, stream)
    progress.pack_finished("a")
    progress.pack_finished("b")
    assert "\n" not in stream.getvalue()
    progress.note("something")
    progress.close()
    said, last, nothing = (line.rpartition("\x1b[2K")[2] for line in stream.getvalue().split("\n"))
    assert said == "something"
    assert last.startswith("0 of 1,300 runs")
    assert nothing == ""


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_bar_has_percentage_elapsed_and_remaining_time_and_never_wraps(queue: Queue, width: int) -> None:
    progress = progress_of(queue, Terminal())
    progress.pack_advanced("a", 650)
    bar = progress.bar(width)
    assert len(bar) <= width
    assert bar.startswith(" 50%|")
    if width >= 80:
        assert "| 650 of 1,300 runs | 0 s elapsed | " in bar
        assert " left" in bar
    assert ("front: 3 settings" in bar) is False
    progress.pack_finished("a")
    assert ("front: 3 settings" in progress.bar(width)) == (width >= 80)


def test_bar_of_a_long_study_keeps_elapsed_and_remaining_time_at_80_columns(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.planned_runs, queue.failed_runs = 2_000_000, 12_345
    progress = progress_of(queue, Terminal())
    progress.pack_finished("a")
    now = time.monotonic() + 36_000
    monkeypatch.setattr("study.training.progress.time.monotonic", lambda: now)
    progress.pack_advanced("b", 300_000)
    bar = progress.bar(79)
    assert len(bar) <= 79
    assert bar.startswith(" 15%|")
    assert bar.endswith("| 300,000 of 2,000,000 runs | 10 h 00 min elapsed | 56 h 15 min left")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_state_is_shown_again_while_nothing_happens(
    queue: Queue, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_EVERY_TERMINAL", "_EVERY_PLAIN"):
        assert getattr(progress_module, name) < 5
        monkeypatch.setattr(progress_module, name, 0.001)
    shown = threading.Semaphore(0)
    emit = printer.emit

    def noting(stream: io.StringIO, text: str) -> None:
        emit(stream, text)
        shown.release()

    monkeypatch.setattr(printer, "emit", noting)
    with progress_of(queue, stream):
        for _ in range(3):
            assert shown.acquire(timeout=60)
    assert stream.getvalue().endswith("\n")
    with pytest.raises(KeyboardInterrupt), progress_of(queue, stream):
        raise KeyboardInterrupt
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_quiet_progress_shows_nothing(queue: Queue) -> None:
    stream = io.StringIO()
    with Progress(queue, lambda: "front", stream, quiet=True) as progress:
        progress.pack_finished("a")
        progress.note("something")
    assert stream.getvalue() == ""


def test_escapes_in_a_note_do_not_reach_the_terminal(queue: Queue) -> None:
    stream = Terminal()
    progress_of(queue, stream).note("run failed: \x1b[2Jbad s3://key:secret@bucket/x")
    assert stream.getvalue() == "\r\x1b[2Krun failed: bad s3://bucket/x\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (7260, "2 h 01 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert _duration(seconds) == words
