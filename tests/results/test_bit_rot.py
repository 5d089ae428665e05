"""Damage to any file of a results directory: no verb's answer changes without naming the file."""

import io
import json
import random
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from study.api import Study
from study.cli import main
from study.errors import UserError
from study.results.directory import ResultsDirectory
from study.results.files.schema import open_table, to_parquet
from tests.worlds.small_study import facts, resume

pytestmark = pytest.mark.usefixtures("_own_sigterm")

SINGLE = ("study.yaml", "manifest.json", "decision_makers.parquet", "test_rows.parquet")
KINDS = (*SINGLE, "packs", "runs", "weights", "outcomes")
MADE_AGAIN = tuple(kind for kind in KINDS if kind not in ("study.yaml", "manifest.json"))
"""What `study resume` makes again; nothing else says what the other two do: what was asked for, and what
happened."""


@dataclass(frozen=True)
class Answer:
    """What a verb gave, and everything that it said."""

    given: object
    said: str


def shell(*words: object) -> Answer:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(word) for word in words])
    said = out.getvalue() + err.getvalue()
    assert "Traceback" not in said
    assert status != 2 or err.getvalue().count("\n") == 1
    return Answer((status, out.getvalue()), said)


def status(directory: ResultsDirectory, beside: Path) -> Answer:
    return shell("status", directory.root, "--json")


def select(directory: ResultsDirectory, beside: Path) -> Answer:
    return shell("select", directory.root, "--max-idk", "0.9", "--json")


def results(directory: ResultsDirectory, beside: Path) -> Answer:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            rows = Study(directory.root).results()
        except UserError as error:
            return Answer(None, str(error))
    return Answer(facts(rows).to_json(), "\n".join(str(warning.message) for warning in caught))


def optuna(directory: ResultsDirectory, beside: Path) -> Answer:
    answer = shell("optuna", directory.root, "--out", beside / "h.db")
    trials: list[object] = []
    if (beside / "h.db").exists():
        with closing(sqlite3.connect(beside / "h.db")) as history:
            trials = history.execute("select * from trial_values").fetchall()
        (beside / "h.db").unlink()
    return Answer(trials, answer.said)


def export(directory: ResultsDirectory, beside: Path) -> Answer:
    run = json.loads((beside / "chosen.json").read_text())["run_id"]
    answer = shell("export", directory.root, run, "--out", beside / "model")
    files = {}
    if (beside / "model").exists():
        for path in sorted((beside / "model").iterdir()):
            files[path.name] = path.read_bytes()
            path.unlink()
        (beside / "model").rmdir()
    return Answer(files, answer.said)


def report(directory: ResultsDirectory, beside: Path) -> Answer:
    answer = shell("report", directory.root, "--out", beside / "report")
    tables = {path.name: path.read_bytes() for path in (beside / "report").glob("*.csv")}
    for path in (beside / "report").rglob("*"):
        if path.is_file():
            path.unlink()
    return Answer(tables, answer.said)


Verb = Callable[[ResultsDirectory, Path], Answer]
VERBS: tuple[Verb, ...] = (status, select, results, optuna, export)


@pytest.fixture
def beside(tiny_results: ResultsDirectory, tmp_path: Path) -> Path:
    """Where verbs write; the run that they export is there."""
    (tmp_path / "beside").mkdir()
    chosen = select(tiny_results, tmp_path).said
    (tmp_path / "beside" / "chosen.json").write_text(chosen)
    return tmp_path / "beside"


def drawn_file(root: Path, kind: str, drawn: random.Random, beside: Path) -> Path:
    """A file of this kind; of a pack's, every other time that of the run that is exported."""
    if kind in SINGLE:
        return root / kind
    files = sorted(path for path in (root / kind).iterdir() if not path.name.startswith("_"))
    chosen = json.loads((beside / "chosen.json").read_text())["run_id"]
    runs = ResultsDirectory(root).read_runs()[0].set_index("run_id")
    own = [path for path in files if path.stem == runs["pack_id"].get(chosen)]
    return drawn.choice(own if own and drawn.random() < 0.5 else files)


def flip_a_bit(path: Path, drawn: random.Random) -> None:
    content = bytearray(path.read_bytes())
    bit = drawn.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def swap_or_lose(path: Path, drawn: random.Random, others: Path) -> None:
    """Leave half of it, nothing of it, or the same kind of file of another study in its place."""
    content = path.read_bytes()
    kind = path.name if path.name in SINGLE else f"{path.parent.name}/*"
    of_another = drawn.choice(sorted(others.glob(kind))).read_bytes()
    left = drawn.choice([content[: len(content) // 2], None, of_another, of_another])
    path.unlink()
    if left is not None:
        path.write_bytes(left)


def silent(path: Path, verb: Verb, sound: Answer, damaged: Answer) -> bool:
    """Whether a verb gives another answer than of the sound directory without naming the file."""
    return damaged.given != sound.given and path.name not in damaged.said


def tables_of(directory: ResultsDirectory) -> dict[str, pd.DataFrame]:
    """All that training leaves, as far as it does not differ by nature."""
    assert isinstance(directory.root, Path)
    tables = {"runs": facts(directory.read_runs()[0])}
    tables["packs"] = pd.DataFrame({"pack": [pack.to_json() for pack in directory.read_packs()]})
    for name in ("weights", "outcomes"):
        tables[name] = pd.read_parquet(directory.root / name).sort_values("run_id", ignore_index=True)
    for name in ("decision_makers", "test_rows"):
        tables[name] = pd.read_parquet(directory.root / f"{name}.parquet")
    return tables


def resumed(directory: ResultsDirectory) -> str:
    """All that resuming says, be it a refusal."""
    said: list[str] = []
    try:
        assert resume(directory, in_process=True, log=said.append)
    except UserError as error:
        said.append(str(error))
    return "\n".join(said)


def assert_all_is_as_in(directory: ResultsDirectory, expected: ResultsDirectory) -> None:
    """Whatever was damaged was made again, to the last bit."""
    again = tables_of(directory)
    for name, table in tables_of(expected).items():
        pd.testing.assert_frame_equal(again[name], table, check_exact=True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_verb_changes_its_answer_silently(
    kind: str,
    tiny_copy: ResultsDirectory,
    beside: Path,
    tiny_results: ResultsDirectory,
    families: ResultsDirectory,
) -> None:
    drawn = random.Random(kind)
    assert isinstance(tiny_copy.root, Path)
    assert isinstance(families.root, Path)
    path = drawn_file(tiny_copy.root, kind, drawn, beside)
    sound = [verb(tiny_copy, beside) for verb in VERBS]
    whole = path.read_bytes()
    for damage in (flip_a_bit, partial(swap_or_lose, others=families.root)):
        damage(path, drawn)
        for verb, before in zip(VERBS, sound, strict=True):
            assert not silent(path, verb, before, verb(tiny_copy, beside)), verb
        path.write_bytes(whole)
    flip_a_bit(path, drawn)
    said = resumed(tiny_copy)
    assert path.name in said
    if kind not in MADE_AGAIN:
        assert "from a copy" in said or "put back" in said
    else:
        assert path.with_name(f"_{path.name}.broken").exists()
        assert_all_is_as_in(tiny_copy, tiny_results)


@pytest.mark.parametrize("kind", ["weights", "outcomes"])
@pytest.mark.parametrize("how", ["missing", "another pack's"])
def test_tables_that_are_not_those_of_their_rows_are_made_again(
    kind: str, how: str, tiny_copy: ResultsDirectory, tiny_results: ResultsDirectory
) -> None:
    assert isinstance(tiny_copy.root, Path)
    one, other = sorted((tiny_copy.root / kind).iterdir())[1:3]
    one.unlink()
    if how != "missing":
        one.write_bytes(other.read_bytes())
    if how != "missing" and kind == "outcomes":
        runs = tiny_copy.read_pack_runs(one.stem)
        with pytest.raises(UserError, match=rf"{one.name}.*its runs are not those"):
            tiny_copy.read_outcomes(runs)
    assert f"{one}: cannot be read" in resumed(tiny_copy)
    assert_all_is_as_in(tiny_copy, tiny_results)


@pytest.mark.usefixtures("without_figures")
def test_decision_makers_of_another_study_are_refused_and_made_again(
    tiny_copy: ResultsDirectory, beside: Path, tiny_results: ResultsDirectory
) -> None:
    makers = tiny_copy.read_decision_makers()
    makers["probability"] = [1 - chances for chances in makers["probability"]]
    tiny_copy.write_decision_makers(makers.to_dict("list"))
    refusal = (
        "decision_makers.parquet: cannot be read (its decision-makers are not those of test_rows.parquet)"
    )
    assert refusal in export(tiny_copy, beside).said
    assert refusal in resumed(tiny_copy)
    assert_all_is_as_in(tiny_copy, tiny_results)


@pytest.mark.usefixtures("without_figures")
def test_decision_makers_that_are_missing_are_named_and_made_again(
    tiny_copy: ResultsDirectory, beside: Path, tiny_results: ResultsDirectory
) -> None:
    tiny_copy.decision_makers_file.unlink()
    budget = shell("select", tiny_copy.root, "--to-budget", "--max-idk", "0.3")
    for answer in (budget, report(tiny_copy, beside), export(tiny_copy, beside)):
        assert "decision_makers.parquet: is missing" in answer.said
        assert "`study resume` makes it again" in answer.said
    assert budget.given == (2, "")
    assert f"{tiny_copy.decision_makers_file}: cannot be read (it is missing)" in resumed(tiny_copy)
    assert_all_is_as_in(tiny_copy, tiny_results)


def turned(rows: pa.Table) -> pa.Table:
    """As many rows of each group and outcome, in the same order, of which people decide the others."""
    decided = rows["decision_standard"].to_numpy()
    both = np.stack([rows[name].to_numpy() for name in ("label", "sensitive")])
    for cell in np.unique(both, axis=1).T:
        own = (both == cell[:, None]).all(axis=0)
        decided[own] = decided[own][::-1]
    at = rows.schema.get_field_index("decision_standard")
    return rows.set_column(at, rows.schema.field(at), pa.array(decided))


OTHERS: dict[str, Callable[[pa.Table], pa.Table]] = {
    "a row twice": lambda rows: pa.concat_tables([rows, rows.slice(7, 1)]),
    "fewer": lambda rows: rows.slice(0, 100),
    "another order": lambda rows: rows.take(np.arange(len(rows))[::-1]),
    "other decisions": turned,
    "other groups": lambda rows: rows.append_column(
        pa.field("cluster", pa.int32()), pa.array(np.arange(len(rows)) // 2, pa.int32())
    ).replace_schema_metadata({b"clusters": b"person", **rows.schema.metadata}),
}


@pytest.mark.parametrize("how", OTHERS)
def test_rows_on_which_the_runs_were_not_tested_are_named_and_made_again(
    how: str, tiny_copy: ResultsDirectory, beside: Path, tiny_results: ResultsDirectory
) -> None:
    file = Path(str(tiny_copy.test_rows_file))
    rows = open_table(file.read_bytes())
    file.write_bytes(to_parquet(OTHERS[how](rows)))
    refusal = f"study: {file}: its rows are not those on which the runs were tested by {tiny_copy.outcomes}"
    for words in ((), ("--guarantee", "error<=0.9"), ("--to-budget", "--max-idk", "0.3")):
        assert shell("select", tiny_copy.root, *words).said.startswith(refusal)
    assert export(tiny_copy, beside).said.startswith(refusal)
    assert f"{file}: cannot be read (its rows are not those" in resumed(tiny_copy)
    assert_all_is_as_in(tiny_copy, tiny_results)


def test_test_rows_that_were_lost_are_not_made_of_other_decision_makers(
    tiny_copy: ResultsDirectory,
) -> None:
    makers = tiny_copy.read_decision_makers()
    makers["probability"] = [1 - chances for chances in makers["probability"]]
    tiny_copy.write_decision_makers(makers.to_dict("list"))
    tiny_copy.test_rows_file.unlink()
    assert f"{tiny_copy.test_rows_file}: differs from what the data" in resumed(tiny_copy)
    assert not tiny_copy.test_rows_file.exists()


def test_outcomes_that_are_missing_are_named(tiny_copy: ResultsDirectory, beside: Path) -> None:
    chosen = json.loads((beside / "chosen.json").read_text())["run_id"]
    runs = tiny_copy.read_runs()[0].set_index("run_id")
    file = tiny_copy.rows_files(runs.loc[chosen, "pack_id"])[2]
    file.unlink()
    missing = f"{file}: is missing; `study resume` makes it again"
    assert missing in json.loads(select(tiny_copy, beside).said)["unread"]
    for how in (("--guarantee", "error<=0.9"), ("--to-budget", "--max-idk", "0.3")):
        assert shell("select", tiny_copy.root, *how).said.startswith(f"study: {missing}")
    assert export(tiny_copy, beside).said.startswith(f"study: {missing}")


def test_pack_whose_writer_was_killed_before_its_rows_is_trained_over_what_is_there(
    tiny_copy: ResultsDirectory, tiny_results: ResultsDirectory
) -> None:
    root = Path(str(tiny_copy.root))
    sorted((root / "runs").iterdir())[0].unlink()
    resumed(tiny_copy)
    assert_all_is_as_in(tiny_copy, tiny_results)
    assert list(root.rglob("*.broken")) == []


def test_rows_of_a_pack_that_are_missing_leave_a_study_unfinished(
    tiny_copy: ResultsDirectory, beside: Path, tiny_results: ResultsDirectory
) -> None:
    path = sorted(Path(str(tiny_copy.runs)).iterdir())[0]
    left = 20 - len(tiny_copy.read_pack_runs(path.stem))
    path.unlink()
    for verb in (status, select, results, optuna):
        assert path.name in verb(tiny_copy, beside).said
    for how in (("--guarantee", "error<=0.9"), ("--to-budget", "--max-idk", "0.3")):
        assert path.name in shell("select", tiny_copy.root, *how).said
    for others in tiny_copy.rows_files(path.stem)[1:]:
        others.unlink()
    words = f"unfinished: {left} of 20 runs"
    assert words in optuna(tiny_copy, beside).said
    assert path.name in results(tiny_copy, beside).said
    for how in (("--guarantee", "error<=0.9"), ("--to-budget", "--max-idk", "0.3")):
        assert words in shell("select", tiny_copy.root, *how).said
    resumed(tiny_copy)
    assert_all_is_as_in(tiny_copy, tiny_results)


def test_study_file_of_another_study_is_named_by_every_verb(
    tiny_copy: ResultsDirectory, beside: Path
) -> None:
    tiny_copy.write_study(tiny_copy.read_study() | {"seeds": [0, 1, 2]})
    refusal = (
        f"{tiny_copy.study_file}: cannot be read (it or manifest.json was changed after the study began, "
        "in seeds ([0, 1] before, [0, 1, 2] now))"
    )
    for verb in (status, select, optuna, export, report):
        assert refusal in verb(tiny_copy, beside).said
    assert refusal in resumed(tiny_copy)


@pytest.mark.parametrize("how", [("--guarantee", "error<=0.9"), ("--to-budget", "--max-idk", "0.3")])
def test_nothing_is_guaranteed_or_moved_while_a_pack_is_damaged(
    how: tuple[str, ...], tiny_copy: ResultsDirectory
) -> None:
    path = sorted(Path(str(tiny_copy.runs)).iterdir())[0]
    flip_a_bit(path, random.Random(2))
    answer = shell("select", tiny_copy.root, *how, "--json")
    assert answer.given == (2, "")
    assert path.name in answer.said


def test_report_names_a_damaged_file(tiny_copy: ResultsDirectory, beside: Path) -> None:
    drawn = random.Random(1)
    assert isinstance(tiny_copy.root, Path)
    for kind in ("test_rows.parquet", "runs", "decision_makers.parquet"):
        path = drawn_file(tiny_copy.root, kind, drawn, beside)
        whole = path.read_bytes()
        flip_a_bit(path, drawn)
        assert path.name in report(tiny_copy, beside).said
        path.write_bytes(whole)
