"""The results directory: what is written comes back, what is broken is named, one driver at a time."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.errors import LedgerError, OutputError
from study.results.choice.chosen_run import select
from study.results.directory import ResultsDirectory
from study.results.files.reading import Broken
from study.results.files.schema import DECISION_MAKER_SCHEMA, RUN_SCHEMA, to_parquet
from study.results.limits import Question
from study.results.outcomes import MissingOutcomesError
from study.results.packs import Pack, split_of
from study.search.pack_queue import PackQueue
from tests.worlds.small_study import (
    IDENTITY,
    PEOPLE,
    TINY,
    config_of,
    made_up_decisions,
    made_up_rows,
    write_made_up,
    write_rows,
)

FIGURES = [
    *("error", "di", "di_y0", "di_y1", "idk_rate", "idk_rate_a0", "idk_rate_a1", "error_a0", "error_a1"),
    *("model_error", "dm_error"),
]
CONTRACT = {
    **dict.fromkeys(("run_id", "setting_id", "study"), "string"),
    **dict.fromkeys(("dataset", "data_fingerprint", "decision_maker", "method", "model"), "string"),
    **dict.fromkeys(("alpha", "gamma"), "double"),
    "seed": "int64",
    **dict.fromkeys(("t0_a0", "t1_a0", "t0_a1", "t1_a1"), "double"),
    **dict.fromkeys(("epochs", "best_epoch"), "int32"),
    **{f"{split}_{figure}": "double" for split in ("train", "validation", "test") for figure in FIGURES},
    "validation_loss": "double",
    "seconds": "double",
    "pack_id": "string",
    "worker": "string",
    "finished_at": "timestamp",
}
ALLOWED_MORE = {"status", "reason", "model_alpha", "test_decision_maker", "split"} | {
    f"{split}_{name}"
    for split in ("train", "validation", "test")
    for name in (
        *("balanced_error", "fpr", "fnr", "aurc", "cost"),
        *(
            f"{count}_a{a}_y{y}"
            for count in ("cases", "deferred", "model_errors", "dm_errors")
            for a in (0, 1)
            for y in (0, 1)
        ),
    )
}


@pytest.fixture
def directory(tmp_path: Path) -> ResultsDirectory:
    return ResultsDirectory(tmp_path / "results")


@pytest.fixture
def packs(directory: ResultsDirectory) -> list[Pack]:
    """All packs of a small study, with made-up rows in the ledger."""
    queue = PackQueue(config_of(TINY).plan().search, IDENTITY, directory)
    while (pack := queue.next()) is not None:
        write_made_up(directory, pack)
        queue.finish(pack)
    return directory.read_packs()


def runs_file(directory: ResultsDirectory, pack: Pack) -> Path:
    return directory.runs / f"{pack.pack_id}.parquet"


def copy_of(directory: ResultsDirectory, pack: Pack) -> None:
    """Let another pack have the same runs."""
    write_rows(directory, replace(pack, pack_id="copy"), made_up_rows(replace(pack, pack_id="copy")))


# Columns


def test_columns_are_the_contracts() -> None:
    types = {field.name: str(field.type).split("[")[0] for field in RUN_SCHEMA}
    assert {name: types.get(name) for name in CONTRACT} == CONTRACT
    assert set(types) - set(CONTRACT) == ALLOWED_MORE


def test_files_have_the_contracts_columns(directory: ResultsDirectory, packs: list[Pack]) -> None:
    for pack in packs:
        schema = pq.read_schema(runs_file(directory, pack))
        assert {f.name: str(f.type).split("[")[0] for f in schema if f.name in CONTRACT} == CONTRACT
        weights = pq.read_schema(directory.weights / f"{pack.pack_id}.parquet")
        assert str(weights.field("run_id").type) == "string"
        assert weights.field("weights").type == pa.list_(pa.float32())


# Round trips


def test_rows_come_back_as_written(directory: ResultsDirectory, packs: list[Pack]) -> None:
    runs, broken = directory.read_runs()
    assert broken == []
    assert list(runs) == RUN_SCHEMA.names
    assert runs["run_id"].is_unique
    assert len(runs) == sum(pack.runs for pack in packs) == 20
    for pack in packs:
        written = made_up_rows(pack)
        for rows in (directory.read_pack_runs(pack.pack_id), runs[runs["pack_id"] == pack.pack_id]):
            for name in set(RUN_SCHEMA.names) - {"finished_at", "gamma", "model_alpha"}:
                assert list(rows[name]) == list(written[name]), name
            for name in ("gamma", "model_alpha"):
                assert [None if pd.isna(x) else x for x in rows[name]] == written[name]


def test_numbers_come_back_to_the_last_bit_and_undefined_ones_as_missing(
    directory: ResultsDirectory, packs: list[Pack]
) -> None:
    pack = packs[0]
    rows = made_up_rows(pack)
    numbers = [0.1 + 0.2, 5e-324, -0.0, 1.7976931348623157e308, None, 2**53 + 1.0, *[0.5] * 9]
    rows["test_error"] = numbers[: pack.runs]
    rows["seed"] = [2**63 - 1 - index for index in range(pack.runs)]
    write_rows(directory, pack, rows)
    read = directory.read_pack_runs(pack.pack_id)
    assert [None if pd.isna(x) else x.hex() for x in read["test_error"]] == [
        None if x is None else x.hex() for x in numbers[: pack.runs]
    ]
    assert list(read["seed"]) == rows["seed"]


def test_weights_come_back_by_run(directory: ResultsDirectory, packs: list[Pack]) -> None:
    pack = packs[-1].pack_id
    for index, run in enumerate(made_up_rows(packs[-1])["run_id"]):
        weights = directory.read_weights(run, pack)
        assert weights.dtype == np.float32
        assert weights.tolist() == [index, 0.5]
    with pytest.raises(LedgerError, match=rf"{pack}\.parquet: no weights of run nobody"):
        directory.read_weights("nobody", pack)
    with pytest.raises(LedgerError, match=r"missing\.parquet: cannot be read .* `study resume`"):
        directory.read_weights("nobody", "missing")
    (directory.weights / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(LedgerError, match=r"broken\.parquet: cannot be read"):
        directory.read_weights("nobody", "broken")


def test_weights_and_decisions_are_there_before_the_rows(
    directory: ResultsDirectory, packs: list[Pack], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    original = os.replace
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda a, b: (written.append(Path(b).parent.name), original(a, b))[1]
    )
    write_made_up(directory, packs[0])
    assert written == ["weights", "outcomes", "runs"]


def test_empty_directory_has_no_runs_but_all_columns(directory: ResultsDirectory) -> None:
    runs, broken = directory.read_runs()
    assert (len(runs), broken, list(runs)) == (0, [], RUN_SCHEMA.names)


def test_run_that_two_files_hold_counts_once(directory: ResultsDirectory, packs: list[Pack]) -> None:
    copy_of(directory, packs[0])
    runs, _ = directory.read_runs()
    assert len(runs) == 20
    assert runs["run_id"].is_unique


def test_more_columns_are_tolerated(directory: ResultsDirectory, packs: list[Pack]) -> None:
    path = runs_file(directory, packs[0])
    table = pq.ParquetFile(path).read()
    path.write_bytes(to_parquet(table.append_column("more", pa.array([1] * table.num_rows))))
    runs, broken = directory.read_runs()
    assert (len(runs), broken, list(runs)) == (20, [], RUN_SCHEMA.names)


def test_nothing_but_whole_files_is_left_behind(directory: ResultsDirectory, packs: list[Pack]) -> None:
    names = {path.name for path in directory.root.rglob("*") if path.is_file()}
    expected = {f"{pack.pack_id}{end}" for pack in packs for end in (".json", ".parquet")}
    assert names == expected


def test_manifest_and_study_come_back(directory: ResultsDirectory) -> None:
    assert not directory.exists()
    directory.write_study(config_of(TINY).resolved())
    assert directory.exists()
    assert directory.read_study() == config_of(TINY).resolved()
    directory.write_manifest({"rows": 3, "sessions": []})
    assert directory.read_manifest() == {"rows": 3, "sessions": []}


def test_decision_makers_come_back(directory: ResultsDirectory) -> None:
    assert directory.read_decision_makers().empty
    columns = {name: [0.5, None] for name in DECISION_MAKER_SCHEMA.names}
    columns |= {"decision_maker": ["standard", "oracle"], "probability": [[0.25, 0.75], [1.0]]}
    directory.write_decision_makers(columns)
    read = directory.read_decision_makers()
    assert list(read["decision_maker"]) == ["standard", "oracle"]
    assert [list(row) for row in read["probability"]] == [[0.25, 0.75], [1.0]]
    directory.decision_makers_file.write_bytes(b"torn")
    with pytest.raises(
        LedgerError, match=r"decision_makers\.parquet: cannot be read.*`study resume` makes it again"
    ):
        directory.read_decision_makers()


# What was decided for whom


@pytest.fixture
def tested(directory: ResultsDirectory, packs: list[Pack]) -> ResultsDirectory:
    """The small study, with people whom it decides on."""
    directory.write_test_rows(
        made_up_decisions("label"),
        made_up_decisions("sensitive"),
        {name: made_up_decisions(name) for name in ("standard", "label")},
    )
    return directory


def assert_outcomes_of(directory: ResultsDirectory, runs: pd.DataFrame) -> None:
    outcomes = directory.read_outcomes(directory.read_runs()[0])
    assert outcomes is not None
    assert sorted(outcomes.run_id) == sorted(runs["run_id"])
    for index, run in enumerate(outcomes.run_id):
        for what, decided in (("deferred", outcomes.deferred), ("positive", outcomes.positive)):
            assert decided.shape == (len(outcomes.run_id), PEOPLE)
            assert decided.dtype == np.bool_
            assert list(decided[index]) == list(made_up_decisions(run, what))
    assert list(outcomes.label) == list(made_up_decisions("label"))
    assert list(outcomes.sensitive) == list(made_up_decisions("sensitive"))
    assert set(outcomes.decisions) == {"standard", "label"}
    assert list(outcomes.decisions["standard"]) == list(made_up_decisions("standard"))


def test_decisions_come_back_by_run_though_their_number_is_no_multiple_of_8(
    tested: ResultsDirectory,
) -> None:
    assert PEOPLE % 8
    assert_outcomes_of(tested, tested.read_runs()[0])


@given(st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decisions_of_any_number_of_people_come_back(
    directory: ResultsDirectory, data: st.DataObject
) -> None:
    people, runs = data.draw(st.integers(1, 40)), data.draw(st.integers(0, 3))
    rows = st.lists(st.booleans(), min_size=people, max_size=people).map(np.array)
    deferred, positive = (data.draw(st.lists(rows, min_size=runs, max_size=runs)) for _ in range(2))
    label, sensitive, maker = (data.draw(rows) for _ in range(3))
    directory.test_rows_file.unlink(missing_ok=True)
    directory.write_test_rows(label, sensitive, {"oracle": maker})
    made = {f.name: [None] * runs for f in RUN_SCHEMA} | {"run_id": [f"r{index}" for index in range(runs)]}
    bits = ([np.packbits(row).tobytes() for row in decided] for decided in (deferred, positive))
    written = dict(zip(("deferred", "positive"), bits, strict=True))
    directory.write_runs("p", made, weights=[np.zeros(1, np.float32)] * runs, **written)
    rows = pd.DataFrame({"run_id": made["run_id"], "pack_id": "p"})
    outcomes = directory.read_outcomes(rows)
    assert outcomes is not None
    assert list(outcomes.run_id) == made["run_id"]
    for found, expected in ((outcomes.deferred, deferred), (outcomes.positive, positive)):
        assert found.shape == (runs, people)
        assert [list(row) for row in found] == [list(row) for row in expected]
    assert list(outcomes.decisions["oracle"]) == list(maker)


def test_decisions_are_those_of_finished_runs_alone(tested: ResultsDirectory, packs: list[Pack]) -> None:
    """A pack whose worker was lost between decisions and rows does not count yet."""
    runs_file(tested, packs[1]).unlink()
    assert_outcomes_of(tested, tested.read_runs()[0])


@pytest.mark.parametrize("name", ["outcomes", "test_rows.parquet"])
def test_file_without_which_decisions_are_unknown_is_named(
    name: str, tested: ResultsDirectory, packs: list[Pack]
) -> None:
    runs, path = tested.read_runs()[0], tested.root / name
    path = path / f"{packs[1].pack_id}.parquet" if path.is_dir() else path
    path.unlink()
    with pytest.raises(MissingOutcomesError, match=rf"{path}: is missing; `study resume` makes it again"):
        tested.read_outcomes(runs)
    others = tested.read_outcomes(runs[runs["pack_id"] != packs[1].pack_id]) if "outcomes" in name else None
    assert others is None or len(others.run_id) == 20 - packs[1].runs


def test_run_whose_decisions_two_files_hold_counts_once(
    tested: ResultsDirectory, packs: list[Pack]
) -> None:
    copy_of(tested, packs[0])
    assert_outcomes_of(tested, tested.read_runs()[0])


def test_decisions_are_read_of_the_packs_asked_for_alone(
    tested: ResultsDirectory, packs: list[Pack], opened: list[str]
) -> None:
    runs = tested.read_runs()[0]
    wanted = runs[runs["pack_id"].isin([packs[0].pack_id, packs[2].pack_id])].iloc[[0, -1]]
    opened.clear()
    outcomes = tested.read_outcomes(wanted)
    assert outcomes is not None
    assert sorted(outcomes.run_id) == sorted(wanted["run_id"])
    names = [f"outcomes/{packs[number].pack_id}.parquet" for number in (0, 2)]
    assert sorted(opened) == sorted([*names, "results/test_rows.parquet"])
    none = tested.read_outcomes(wanted[:0])
    assert none is not None
    assert none.deferred.shape == (0, PEOPLE)


def _with_decisions_of_other_people(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    path.write_bytes(to_parquet(table.set_column(1, "deferred", pa.array([b"\0"] * table.num_rows))))


def _without_decisions(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    path.write_bytes(to_parquet(table.set_column(1, "deferred", pa.nulls(table.num_rows, pa.binary()))))


@pytest.mark.parametrize(
    "break_it",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(to_parquet(pa.table({"x": [1]}))),
        _with_decisions_of_other_people,
        _without_decisions,
    ],
    ids=["empty", "torn", "another table", "of other people", "without decisions"],
)
def test_broken_decisions_are_named_with_what_to_do(
    break_it: Callable[[Path], object], tested: ResultsDirectory, packs: list[Pack]
) -> None:
    name = f"{packs[2].pack_id}.parquet"
    break_it(tested.outcomes / name)
    with pytest.raises(
        LedgerError, match=rf"outcomes/{name}: cannot be read .*; `study resume` makes it again"
    ):
        tested.read_outcomes(tested.read_runs()[0])


@pytest.mark.parametrize(
    "table", [None, pa.table({"x": [True]}), pa.table({"label": ["a"], "sensitive": [1]})]
)
def test_broken_people_are_named_with_what_to_do(tested: ResultsDirectory, table: pa.Table | None) -> None:
    if table is None:
        _torn(tested.test_rows_file)
    else:
        tested.test_rows_file.write_bytes(to_parquet(table))
    with pytest.raises(
        LedgerError, match=r"test_rows\.parquet: cannot be read .*; `study resume` makes it again"
    ):
        tested.read_outcomes(tested.read_runs()[0])


# Broken files


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _without_a_column(path: Path) -> None:
    path.write_bytes(to_parquet(pq.ParquetFile(path).read().drop_columns(["alpha"])))


def _with_a_column_twice(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    path.write_bytes(to_parquet(table.append_column("alpha", table["alpha"])))


def _with_text_for_numbers(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    at = table.schema.get_field_index("alpha")
    path.write_bytes(to_parquet(table.set_column(at, "alpha", pa.array(["many"] * table.num_rows))))


def _with_fractions_for_seeds(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    at = table.schema.get_field_index("seed")
    path.write_bytes(to_parquet(table.set_column(at, "seed", pa.array([0.5] * table.num_rows))))


def _a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


BREAKS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(os.urandom(500)),
    "garbage between magic words": lambda path: path.write_bytes(b"PAR1" + b"\x07" * 90 + b"PAR1"),
    "torn": _torn,
    "another table": lambda path: path.write_bytes(to_parquet(pa.table({"x": [1]}))),
    "without a column": _without_a_column,
    "a column twice": _with_a_column_twice,
    "text for numbers": _with_text_for_numbers,
    "fractions for seeds": _with_fractions_for_seeds,
    "a directory": _a_directory,
}


@pytest.mark.parametrize("in_memory", [1, 2, 3])
def test_files_read_in_several_goes_are_the_same_ledger(
    in_memory: int, directory: ResultsDirectory, packs: list[Pack], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_of(directory, packs[0])
    for broken in (packs[2], packs[-1]):
        runs_file(directory, broken).write_bytes(b"")
    expected, named = directory.read_runs()
    monkeypatch.setattr("study.results.files.ledger._IN_MEMORY", in_memory)
    runs, broken_ones = directory.read_runs()
    pd.testing.assert_frame_equal(runs, expected, check_exact=True)
    assert broken_ones == named
    assert len(broken_ones) == 2


@pytest.mark.parametrize("way", BREAKS)
def test_broken_file_is_named_and_set_aside_and_the_others_are_read(
    way: str, directory: ResultsDirectory, packs: list[Pack]
) -> None:
    path = runs_file(directory, packs[2])
    BREAKS[way](path)
    runs, broken = directory.read_runs()
    assert [item.path for item in broken] == [path]
    assert broken[0].reason
    assert len(broken[0].reason.splitlines()) == 1
    assert len(runs) == 20 - packs[2].runs
    with pytest.raises(LedgerError, match=packs[2].pack_id):
        directory.read_pack_runs(packs[2].pack_id)

    aside = directory.set_aside(broken[0])
    assert aside.exists()
    assert not path.exists()
    assert not directory.has_runs(packs[2].pack_id)
    assert directory.read_runs()[1] == []

    queue = PackQueue(config_of(TINY).plan().search, IDENTITY, directory)
    again = queue.next()
    assert again == packs[2]
    assert queue.next() is None


def test_broken_file_set_aside_twice_leaves_one(directory: ResultsDirectory, packs: list[Pack]) -> None:
    path = runs_file(directory, packs[0])
    for content in (b"first", b"second"):
        path.write_bytes(content)
        aside = directory.set_aside(Broken(path, "a reason"))
    assert aside.read_bytes() == b"second"


@pytest.mark.parametrize("folder", ["runs", "weights", "outcomes"])
def test_pack_with_a_damaged_file_is_set_aside_whole(
    folder: str, directory: ResultsDirectory, packs: list[Pack]
) -> None:
    path = directory.root / folder / f"{packs[1].pack_id}.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    (broken,) = directory.broken()
    assert broken.path == path
    aside = directory.set_aside(broken)
    assert aside == path.with_name(f"_{path.name}.broken")
    assert directory.broken() == []
    for name in ("runs", "weights", "outcomes"):
        left = pd.read_parquet(directory.root / name)
        assert left["run_id"].nunique() == 20 - packs[1].runs


def test_rows_of_another_pack_than_the_file_is_named_after_are_no_rows(
    directory: ResultsDirectory, packs: list[Pack]
) -> None:
    one, other = (runs_file(directory, pack) for pack in packs[:2])
    one.write_bytes(other.read_bytes())
    (broken,) = directory.read_runs()[1]
    assert broken.path == one
    assert packs[1].pack_id in broken.reason


@pytest.mark.parametrize("lacking", [("runs",), ("runs", "weights"), ("runs", "outcomes")])
def test_rows_that_lack_next_to_other_tables_are_named_unless_they_are_being_written(
    lacking: tuple[str, ...], directory: ResultsDirectory, packs: list[Pack]
) -> None:
    name = f"{packs[1].pack_id}.parquet"
    for folder in lacking:
        (directory.root / folder / name).unlink()
    (broken,) = directory.read_runs()[1]
    assert broken.path == directory.runs / name
    assert directory.packs_without_rows() == [packs[1].pack_id]
    with directory.locked():
        assert directory.read_runs()[1] == []
        assert directory.packs_without_rows() == []
    assert directory.broken_packs() == []  # Who resumes trains it again, over what is there.
    directory.sweep()
    assert directory.read_runs()[1] == []
    assert not [path for path in directory.root.rglob("*") if path.name == name]


def test_copies_of_tables_that_are_of_no_pack_are_set_aside(
    directory: ResultsDirectory, packs: list[Pack]
) -> None:
    copy = directory.weights / f"{packs[1].pack_id}_copy.parquet"
    shutil.copy(directory.weights / f"{packs[1].pack_id}.parquet", copy)
    (broken,) = directory.broken_packs()
    assert directory.read_runs()[1] == [broken]
    assert broken.path.name == copy.name
    directory.set_aside(broken)
    assert not copy.exists()
    assert directory.read_runs()[1] == []


def test_pack_that_proposes_only_what_earlier_ones_train_lacks_no_rows(
    directory: ResultsDirectory, packs: list[Pack]
) -> None:
    earlier = packs[1]
    directory.write_pack(
        Pack.of(earlier.arm, 7, earlier.proposals, earlier.seeds, taken=set(earlier.fresh))
    )
    assert directory.packs_without_rows() == []


def test_split_of_a_pack_is_in_its_id(packs: list[Pack]) -> None:
    for split in (0, 1, 12):
        arm = packs[1].arm._replace(split=split)
        pack = Pack.of(arm, 3, packs[1].proposals, packs[1].seeds)
        assert [split_of(one.pack_id) for one in (pack, *pack.halves())] == [split] * 3


def test_what_is_no_file_ends_in_an_error(
    directory: ResultsDirectory, packs: list[Pack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading a pipe would wait forever, and a folder that is closed is not an empty one."""
    path = runs_file(directory, packs[1])
    path.unlink()
    os.mkfifo(path)
    (broken,) = directory.read_runs()[1]
    assert (broken.path, broken.reason) == (path, "[Errno 22] is not a file")
    shutil.rmtree(path.parent)
    runs, lost = directory.read_runs()
    with pytest.raises(LedgerError, match=rf"no run has finished .*; left out: {lost[0].path}: "):
        select(runs, directory.read_outcomes, Question(), planned=20, broken=lost)
    directory.checkpoint_file("p").mkdir(parents=True)
    directory.drop_checkpoint("p")
    directory.sweep()

    def closed(folder: Path) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("study.storage.locations.os.listdir", closed)
    with pytest.raises(LedgerError, match=rf"{path.parent}: cannot be read \(Permission denied\)"):
        directory.read_runs()


def test_test_rows_are_written_once_and_others_are_refused(tested: ResultsDirectory) -> None:
    label, sensitive = made_up_decisions("label"), made_up_decisions("sensitive")
    chances = {name: made_up_decisions(name) for name in ("standard", "label")}
    written = tested.test_rows_file.read_bytes()
    tested.write_test_rows(label, sensitive, chances)
    assert tested.test_rows_file.read_bytes() == written
    # The same decisions, but of probabilities that are not the same to the last bit.
    others = chances | {"standard": np.where(chances["standard"], 0.75, 0.25)}
    for one, chance in ((~label, chances), (label, others), (label, {"standard": chances["standard"]})):
        with pytest.raises(LedgerError, match=r"test_rows\.parquet: differs from"):
            tested.write_test_rows(one, sensitive, chance)
    assert tested.test_rows_file.read_bytes() == written


@pytest.mark.parametrize("garbage", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_broken_manifest_is_named(garbage: bytes, directory: ResultsDirectory) -> None:
    directory.write_study(config_of(TINY).resolved())
    directory.manifest_file.write_bytes(garbage)
    with pytest.raises(LedgerError, match=r"manifest\.json: "):
        directory.read_manifest()
    directory.study_file.write_bytes(garbage + b"\xff")
    with pytest.raises(LedgerError, match=r"study\.yaml: cannot be read"):
        directory.read_study()


# One driver at a time

HOLD = """
import sys
from study.results.directory import ResultsDirectory
with ResultsDirectory(sys.argv[1]).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(directory: ResultsDirectory):  # type: ignore[no-untyped-def]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_driver_is_kept_out(directory: ResultsDirectory, holder: subprocess.Popen[str]) -> None:
    assert directory.is_locked()
    with (
        pytest.raises(LedgerError, match="another `study run` or `study resume` is at work there"),
        directory.locked(),
    ):
        pytest.fail("both drivers hold the directory")


def test_lock_is_free_when_its_process_is_killed(
    directory: ResultsDirectory, holder: subprocess.Popen[str]
) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert not directory.is_locked()
    with directory.locked():
        assert directory.is_locked()
    assert not directory.is_locked()


def test_lock_is_free_after_an_error(directory: ResultsDirectory) -> None:
    with pytest.raises(KeyboardInterrupt), directory.locked():
        raise KeyboardInterrupt
    with directory.locked():
        pass


def test_looking_whether_a_study_runs_creates_nothing(directory: ResultsDirectory) -> None:
    assert not directory.is_locked()
    assert not directory.root.exists()


# Places that cannot be written


def test_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with (
            pytest.raises(OutputError, match=r"cannot be written.*give a writable --out"),
            ResultsDirectory(place).locked(),
        ):
            pytest.fail("locked what is a file")


def test_rows_that_cannot_be_written_are_an_output_error(
    directory: ResultsDirectory, packs: list[Pack]
) -> None:
    path = runs_file(directory, packs[0])
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_made_up(directory, packs[0])
    assert not [file for file in directory.runs.iterdir() if file.name.startswith(".")]


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_directory_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(OutputError, match="cannot be written"),
        ResultsDirectory(tmp_path / "results").locked(),
    ):
        pytest.fail("locked what cannot be written")
