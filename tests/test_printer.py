"""What reaches a terminal: no keys, no control characters, and characters that it cannot show as ``?``."""

import io
import queue
import re
import subprocess
import sys
from pathlib import Path

import pytest

from study import printer
from tests.training.driver import environment
from tests.worlds.own_tables import cases


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://AK:SE/CR+ET@bucket/a b", "s3://bucket/a b"),
        ("s3:/AK:SECRET@bucket/a", "s3:/bucket/a"),
        ("at 'gs://user@bucket': no", "at 'gs://bucket': no"),
        ("s3://b/x?region=eu&secret_key=k/k+k=: cannot", "s3://b/x?region=eu: cannot"),
        ("s3://b/x?access_key=k", "s3://b/x"),
        ("abfss://container@account/x", "abfss://container@account/x"),
        ("abfss://container:key@account/x", "abfss://account/x"),
        ("http://host:8265/a@b and s3://b/a@b", "http://host:8265/a@b and s3://b/a@b"),
        ("me@example.org: 3 < 4? yes", "me@example.org: 3 < 4? yes"),
    ],
)
def test_keys_of_uris_are_not_shown(text: str, shown: str) -> None:
    assert printer.clean(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07x", "x"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("\x9b2Jgone", "gone"),
        ("bell\x07, back\x08, return\rto", "bell, back, returnto"),
        ("turned \u202eround\u2066", "turned round"),
        ("a\tb\nc", "a\tb\nc"),
        ("älter, 東京, −1", "älter, 東京, −1"),
    ],
)
def test_what_a_terminal_would_obey_is_not_shown(text: str, shown: str) -> None:
    assert printer.clean(text) == shown


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_stream_gets_what_its_encoding_has(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding)
    printer.write(stream, "± − \udcff\n")
    assert raw.getvalue() == "± − ?\n".encode(encoding, "replace")


def test_table_of_odd_names_is_described_to_a_terminal_that_knows_ascii_alone(tmp_path: Path) -> None:
    name = "cases\x1b[2J.csv"
    cases(300).rename(columns={"case": "casé"}).to_csv(tmp_path / name, index=False)
    roles = ["--label", "bad", "--sensitive", "{column: race, is: B}", "--decision-maker", "judge"]
    done = subprocess.run(
        [sys.executable, "-m", "study", "data", "describe", name, *roles],
        capture_output=True,
        cwd=tmp_path,
        env=environment() | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert b"cas?" in done.stdout
    assert b"\x1b" not in done.stdout


def test_last_column_of_a_table_is_wrapped_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [("one", "1", "a description that is longer than what is left"), ("three", "10", "short")]
    printer.table(("name", "runs", "text"), rows)
    assert capsys.readouterr().out.splitlines()[1] == f"one    1     {rows[0][2]}"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    printer.table(("name", "runs", "text"), rows)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(line[13:].strip() for line in lines[1:-1]) == rows[0][2]
    assert lines[-1] == "three  10    short"


def test_long_work_says_what_it_is_before_five_seconds_have_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printer.SILENT < 5
    monkeypatch.setattr(printer, "SILENT", 0.001)
    said: queue.Queue[str] = queue.Queue()
    with printer.working("starting Ray", said.put):
        assert re.fullmatch(r"starting Ray \(\d+ s\)", said.get(timeout=60))
        said.get(timeout=60)


def test_short_work_says_nothing() -> None:
    said: list[str] = []
    with printer.working("starting Ray", said.append):
        pass
    assert said == []
