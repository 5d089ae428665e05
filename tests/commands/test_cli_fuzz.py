"""Hundreds of malformed study files and tables: exit status 2 and one line each, and nothing is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from study.cli import main
from tests.config.malformed_files import VALID, malformed_files
from tests.data.malformed import ROWS, as_csv, as_parquet, malformed
from tests.worlds.own_tables import cases

pytestmark = pytest.mark.usefixtures("_own_sigterm")

ROLES = [
    "--label",
    "bad",
    "--sensitive",
    "{column: race, is: B}",
    "--drop",
    "case",
    "--decision-maker",
    "judge",
]
VERBS = ("describe", "write", "init")
LEFT_OUT = {
    "many levels": "city",
    **{f"skill all {value!r}": "skill" for value in ("2020-01-01", "2020-01-01 10:00:00", "12:30:00")},
    **{
        f"Parquet with a {what}": "odd"
        for what in ("list", "dict", "bytes", "time", "date", "moment", "span", "map")
    },
}
"""Malformed tables of which one column is at fault, and that column."""


ALL_OF_IT = {
    "dataset": {
        "path": "wrong.csv",
        "label": "bad",
        "sensitive": {"column": "race", "is": "B"},
        "drop": ["case"],
        "decision_maker": "judge",
    }
}


def _accepted(*anything: object) -> None:
    raise AssertionError("was accepted")


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., None]:
    """Give the command line words that it must refuse; in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("study.training.launch.session", _accepted)
    (tmp_path / "cases.csv").write_bytes(cases(ROWS).to_csv(index=False).encode())

    def check(what: str, *words: str) -> None:
        before = sorted(os.listdir())
        try:
            status = main(words)
        except SystemExit as left:
            status = int(left.code or 0)
        out, err = capsys.readouterr()
        said = f"{what}: {' '.join(words)}\n{err}"
        assert (status, out) == (2, ""), said
        assert len(err.splitlines()) == 1, said
        assert err.startswith("study"), said
        assert len(err) < 1000, said
        assert sorted(os.listdir()) == before, said

    return check


def test_malformed_study_files_and_tables_are_more_than_three_hundred() -> None:
    assert len(list(malformed_files())) >= 200
    assert len(malformed()) >= 100


def test_malformed_study_files(refused: Callable[..., None]) -> None:
    for number, (what, content) in enumerate(malformed_files()):
        Path("wrong.yaml").write_bytes(content)
        if number % 2 and "inconsistent" not in what:
            refused(what, "data", "describe", "wrong.yaml")
        else:
            refused(what, "run", "wrong.yaml", "--out", "out")


def test_malformed_tables(refused: Callable[..., None]) -> None:
    Path("whole.yaml").write_text(yaml.safe_dump(ALL_OF_IT))
    for number, (what, content) in enumerate(malformed().items()):
        Path("wrong.csv").write_bytes(content)
        verb = VERBS[number % len(VERBS)]
        words = ["init"] if verb == "init" else ["data", verb]
        out = ["--out", "out.parquet"] if verb == "write" else []
        refused(what, "data", "describe", "whole.yaml")
        if what not in LEFT_OUT:
            refused(what, *words, "wrong.csv", *ROLES, *out)


def test_columns_that_cannot_be_used_are_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a study file, which columns are features is inferred."""
    monkeypatch.chdir(tmp_path)
    found = malformed()
    for number, (what, column) in enumerate(LEFT_OUT.items()):
        Path("wrong.csv").write_bytes(found[what])
        verb = VERBS[number % len(VERBS)]
        words = ["init"] if verb == "init" else ["data", verb]
        out = [] if verb == "describe" else ["--out", str(number)]
        assert main([*words, "wrong.csv", *ROLES, *out]) == 0
        assert f"drop: not used: {column} (" in capsys.readouterr().out


def test_malformed_roles_on_the_command_line(refused: Callable[..., None]) -> None:
    odd = [
        "",
        "nowhere",
        "[",
        "{",
        "[]",
        "{}",
        "[x, y]",
        "{a: 1}",
        "{column: 3}",
        "{columns: []}",
        "[[]]",
        "[1]",
    ]
    roles = ("label", "sensitive", "decision-maker", "features", "drop", "dm-only", "split", "group")
    for role in roles:
        for value in odd:
            if value == "[]" and role in ("drop", "dm-only"):
                continue  # Nothing is dropped: that may be said.
            given = dict(zip(ROLES[::2], ROLES[1::2], strict=True)) | {f"--{role}": value}
            words = [word for pair in given.items() for word in pair]
            refused(f"{role} {value}", "data", "describe", "cases.csv", *words)
            refused(f"{role} {value}", "init", "cases.csv", *words)


def test_the_files_that_are_spoilt_are_good_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("right.csv").write_bytes(as_csv())
    Path("right.parquet").write_bytes(as_parquet())
    Path("cases.csv").write_bytes(as_csv())
    Path("study.yaml").write_text(yaml.safe_dump(VALID))
    assert main(["data", "describe", "right.csv", *ROLES]) == 0
    assert main(["data", "write", "right.parquet", *ROLES, "--out", "t.parquet"]) == 0
    assert main(["init", "right.csv", *ROLES]) == 0
    assert main(["data", "describe", "study.yaml"]) == 0
    monkeypatch.setattr("study.training.launch.session", _accepted)
    with pytest.raises(AssertionError, match="was accepted"):
        # Its thread, which trains the decision-makers, may write after this test has left the folder.
        main(["run", "study.yaml", "--out", str(tmp_path / "out")])
