"""A model and a file in, a file of decisions out."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study import load_model
from study.cli import main
from study.deploy.apply import apply
from study.errors import DataError, ModelError, OutputError
from study.storage.locations import location
from tests.data.malformed import malformed
from tests.worlds.own_tables import cases
from tests.worlds.small_study import write_cases
from tests.worlds.store import Store


@pytest.fixture
def model(exported: dict[str, Path]) -> Path:
    return exported["defer-posthoc"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The table that the model was trained on, but for the category that training did not see."""
    path = tmp_path / "cases.csv"
    write_cases(path)
    lines = [line for line in path.read_text().splitlines() if "elsewhere" not in line]
    path.write_text("\n".join(lines) + "\n")
    return path


def text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_cells_of_the_table_stand_as_they_did_and_the_decisions_beside(
    model: Path, table: Path, tmp_path: Path
) -> None:
    returned = apply(model, table, tmp_path / "decisions.csv")
    before, after = text(table), text(tmp_path / "decisions.csv")
    decided = load_model(model).decide(pd.read_csv(table))
    assert len(before) == 299
    own = [*before.columns.drop("score")]
    pd.testing.assert_frame_equal(after[own].drop(columns="note"), before[own].drop(columns="note"))
    assert set(before["code"]) == {"007", "07", "X1"}
    assert (after["score (table)"] == before["score"]).all()
    added = [name for name in after if name not in own][1:]
    assert [name for name in added if name != "queue"] == list(decided)
    assert added[added.index("queue") + 1] == "benefit"
    for name in ("prediction", "probability", "score", "lower", "upper"):
        assert (after[name].astype(float) == decided[name]).all()
    assert (after["defer"] == decided["defer"].map({True: "true", False: "false"})).all()
    assert (after["reason"] == decided["reason"]).all()
    pd.testing.assert_frame_equal(returned[list(decided)], decided)


def test_the_queue_numbers_the_deferred_cases_from_the_largest_benefit_down(
    model: Path, table: Path, tmp_path: Path
) -> None:
    apply(model, table, tmp_path / "decisions.csv")
    decided = pd.read_csv(tmp_path / "decisions.csv")
    assert ((decided["benefit"] > 0) == decided["defer"]).all()
    in_turn = decided[decided["defer"]].sort_values("queue")
    assert in_turn["queue"].tolist() == list(range(1, len(in_turn) + 1))
    assert len(in_turn) > 10
    assert in_turn["benefit"].is_monotonic_decreasing
    assert decided.loc[~decided["defer"], "queue"].isna().all()


def test_a_model_that_never_defers_has_no_queue(
    exported: dict[str, Path], table: Path, tmp_path: Path
) -> None:
    apply(exported["binary-mlp"], table, tmp_path / "decisions.csv")
    assert not {"queue", "benefit"} & {*pd.read_csv(tmp_path / "decisions.csv")}


def test_nothing_in_a_cell_or_a_name_runs_in_a_spreadsheet(
    model: Path, table: Path, tmp_path: Path
) -> None:
    frame = text(table).assign(note=["=1+1", "@x", "-5", "+cmd|' /C calc'!A0"] * 74 + ["\t=1"] * 3)
    frame.rename(columns={"note": "=note"}).to_csv(table, index=False)
    apply(model, table, tmp_path / "decisions.csv")
    after = text(tmp_path / "decisions.csv")
    assert list(after["'=note"][:4]) == ["'=1+1", "'@x", "-5", "'+cmd|' /C calc'!A0"]
    assert after["'=note"].iloc[-1] == "'\t=1"
    numbers = after.apply(lambda column: pd.to_numeric(column, errors="coerce").notna())
    assert not after.where(~numbers, "").apply(lambda c: c.str.match(r"[=+\-@\t\r\n]")).any(axis=None)


def test_decisions_are_the_same_whatever_the_files(model: Path, table: Path, tmp_path: Path) -> None:
    apply(model, table, tmp_path / "one.csv")
    frame = pd.read_csv(table)
    frame.to_parquet(tmp_path / "cases.parquet")
    apply(model, tmp_path / "cases.parquet", tmp_path / "two.csv")
    apply(model, tmp_path / "cases.parquet", tmp_path / "three.PARQUET")
    apply(model, table, tmp_path / "new" / "four.parquet")
    names = list(load_model(model).decide(frame))
    first = pd.read_csv(tmp_path / "one.csv")[names]
    for path in ("two.csv", "three.PARQUET", "new/four.parquet"):
        read = pd.read_csv if path.endswith("csv") else pd.read_parquet
        pd.testing.assert_frame_equal(read(tmp_path / path)[names], first)
    kept = pd.read_parquet(tmp_path / "three.PARQUET").rename(columns={"score (table)": "score_"})
    assert (kept["employed"] == frame["employed"]).all()
    assert kept["income"].equals(frame["income"])


def test_decisions_can_be_decided_again(model: Path, table: Path, tmp_path: Path) -> None:
    """Their columns are then the table's; no name is there twice."""
    apply(model, table, tmp_path / "one.csv")
    frame = (
        pd.read_csv(tmp_path / "one.csv").drop(columns="score").rename(columns={"score (table)": "score"})
    )
    frame.assign(**{"score (table)": 0}).to_csv(tmp_path / "again.csv", index=False)
    apply(model, tmp_path / "again.csv", tmp_path / "two.csv")
    after = pd.read_csv(tmp_path / "two.csv")
    assert {"score", "score (table)", "score (table)'", "prediction (table)"} <= set(after)
    assert after["prediction"].equals(after["prediction (table)"])
    assert after.columns.is_unique


@pytest.mark.parametrize("rows", [1, 2])
def test_one_case_is_a_table(rows: int, model: Path, table: Path, tmp_path: Path) -> None:
    """Columns of few rows are read as other types than those of many: a code as a number, say."""
    whole = apply(model, table, tmp_path / "whole.csv")
    for start in range(0, 12, rows):
        text(table).iloc[start : start + rows].to_csv(tmp_path / "few.csv", index=False)
        few = apply(model, tmp_path / "few.csv", tmp_path / "out.csv")
        expected = whole.iloc[start : start + rows].reset_index(drop=True)
        names = ["prediction", "probability", "defer", "score", "reason"]
        pd.testing.assert_frame_equal(few[names], expected[names], check_exact=True)


def wrong(frame: pd.DataFrame, **columns: object) -> pd.DataFrame:
    changed = frame.copy()
    for name, value in columns.items():
        changed.loc[7, name] = value
    return changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns=["sex"]), "column sex not found; columns are case, skill"),
        (lambda t: t.drop(columns=["race"]), "column race not found"),
        (lambda t: wrong(t, sex="x"), "column sex: x in row 8 was in no training row; f, m are allowed"),
        (lambda t: wrong(t, skill="high"), "column skill: high is not a finite number"),
        (lambda t: wrong(t, skill="inf"), "column skill: inf is not a finite number"),
        (lambda t: wrong(t, race=""), "column race: missing in 1 of 299 rows"),
        (lambda t: t.head(0), "has no rows"),
        (lambda t: t.set_axis(["skill", *t.columns[1:]], axis=1), "duplicate column skill"),
    ],
)
def test_wrong_table_is_refused_by_the_name_of_its_file(
    change,
    words: str,
    model: Path,
    table: Path,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    change(text(table)).to_csv(table, index=False)
    with pytest.raises(DataError) as caught:
        apply(model, table, tmp_path / "decisions.csv")
    message = str(caught.value)
    assert message.startswith(f"{table}: ")
    assert words in message
    assert message.count(str(table)) == 1
    assert len(message.splitlines()) == 1
    assert not (tmp_path / "decisions.csv").exists()


def test_files_that_do_not_do_are_refused(model: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json: cannot be read"):
        apply(tmp_path, table, tmp_path / "decisions.csv")
    with pytest.raises(DataError, match=r"nothing\.csv: cannot be read"):
        apply(model, tmp_path / "nothing.csv", tmp_path / "decisions.csv")
    with pytest.raises(OutputError, match=r"decisions are written as \.csv or \.parquet"):
        apply(model, table, tmp_path / "decisions.xlsx")
    with pytest.raises(OutputError, match="is the table itself; give another --out"):
        apply(model, table, tmp_path / "." / "cases.csv")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"d\.csv: cannot be written"):
        apply(model, table, tmp_path / "file" / "d.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv", "file"]


def test_old_decisions_are_replaced(model: Path, table: Path, tmp_path: Path) -> None:
    (tmp_path / "decisions.csv").write_text("old")
    apply(model, table, tmp_path / "decisions.csv")
    assert len(pd.read_csv(tmp_path / "decisions.csv")) == 299


def test_table_need_not_have_outcomes_or_decisions(model: Path, tmp_path: Path) -> None:
    """New cases have neither."""
    new = cases(30, seed=5).drop(columns=["bad", "judge", "sure"]).assign(code="007", place="here", score=1)
    new.to_csv(tmp_path / "new.csv", index=False)
    assert len(apply(model, tmp_path / "new.csv", tmp_path / "decisions.csv")) == 30


CARRIED = {
    "zeros": pa.array(["007", "07", "7"]),
    "large": pa.array([9007199254740995, None, 9007199254740993], pa.int64()),
    "listed": pa.array([[1, 2], None, []], pa.list_(pa.int8())),
}
"""Cells that are lost where they become floats, or numbers; of the last kind CSV has none."""
CARRIED_AS_TEXT = {
    "zeros": ["007", "07", "7"],
    "large": ["9007199254740995", "", "9007199254740993"],
    "listed": ["[1, 2]", "", "[]"],
}


@pytest.mark.parametrize("to", ["csv", "parquet"])
@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_what_is_carried_along_does_not_change(source: str, to: str, model: Path, tmp_path: Path) -> None:
    new = cases(3, seed=5).drop(columns=["bad", "judge", "sure"]).assign(code="007", place="here", score=1)
    table, out = tmp_path / f"new.{source}", tmp_path / f"decisions.{to}"
    if source == "csv":
        new.assign(**CARRIED_AS_TEXT).to_csv(table, index=False)
    else:
        own = pa.Table.from_pandas(new, preserve_index=False)
        for name, column in CARRIED.items():
            own = own.append_column(name, column)
        pq.write_table(own, table)
    apply(model, table, out)
    if to == "csv":
        after = text(out)
        assert {name: after[name].tolist() for name in CARRIED} == CARRIED_AS_TEXT
    else:
        kept = pq.read_table(out)
        expected = (
            {name: [cell or None for cell in cells] for name, cells in CARRIED_AS_TEXT.items()}
            if source == "csv"
            else {name: column.to_pylist() for name, column in CARRIED.items()}
        )
        assert {name: kept.column(name).to_pylist() for name in CARRIED} == expected
        assert source == "csv" or all(kept.column(name).type == CARRIED[name].type for name in CARRIED)


@pytest.mark.parametrize("unseen", ["b", "B ", "D", "1"])
def test_group_that_the_study_did_not_have_is_refused_in_the_shell(
    unseen: str, model: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would count as A = 0 in silence."""
    wrong(text(table), race=unseen).to_csv(table, index=False)
    assert main(["apply", str(model), str(table), "--out", str(tmp_path / "decisions.csv")]) == 2
    shown = capsys.readouterr()
    value = repr(unseen) if unseen.endswith(" ") else unseen
    words = f"column race: {value} in row 8 was not in the study's table; A, B, C are allowed"
    assert (shown.out, shown.err) == ("", f"study: {table}: {words}\n")
    assert not (tmp_path / "decisions.csv").exists()


def test_malformed_tables_are_decided_or_refused_in_one_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What spoils a table for training may do here: an outcome is not needed."""
    table, refused = tmp_path / "wrong.csv", 0
    for what, content in malformed().items():
        table.write_bytes(content)
        status = main(["apply", str(model), str(table), "--out", str(tmp_path / "decisions.csv")])
        lines = capsys.readouterr().err.splitlines()
        assert (status, len(lines)) in ((0, 0), (2, 1)), what
        assert all(line.startswith(f"study: {table}: ") and len(line) < 1000 for line in lines), what
        refused += len(lines)
    assert refused > 50


def test_key_of_a_tables_uri_is_never_shown(
    model: Path, table: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = location(store.uri("cases.csv"))
    place.write_bytes(table.read_bytes())
    out = str(tmp_path / "decisions.csv")
    assert main(["apply", str(model), store.uri("cases.csv"), "--out", out]) == 0
    place.write_bytes(table.read_bytes().replace(b",B,", b",b,"))
    for name in ("cases.csv", "nothing.csv"):
        assert main(["apply", str(model), store.uri(name), "--out", out]) == 2
        shown = capsys.readouterr()
        assert len(shown.err.splitlines()) == 1
        assert f"{store.bucket}/{name}" in shown.err
        assert "hush" not in shown.err + shown.out
    assert "hush" not in Path(out).read_text()
