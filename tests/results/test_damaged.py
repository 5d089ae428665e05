"""Results directories that are damaged or made up: one line, never a traceback, nothing of them is run."""

import io
import json
import random
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from study.cli import main
from study.errors import UserError
from study.results.directory import ResultsDirectory
from study.results.files.schema import RUN_SCHEMA, to_parquet
from study.storage.seals import open_json, sealed_json, sealed_yaml
from tests.worlds.small_study import resume

pytestmark = [
    pytest.mark.usefixtures("_own_sigterm"),
    # What hostile figures do to means and medians is said in the report's own words.
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

HOSTILE: list[Any] = [
    *(
        None,
        True,
        -1,
        0,
        2**70,
        1e308,
        float("nan"),
        "",
        "../../x",
        "/etc/passwd",
        "a\0b",
        "<script>",
        "=1+1",
    ),
    *([], {}, [[]], {"a": {}}, ["x"], "x" * 100_000, [None] * 50, "\ud800"),
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in nested plain data, a few of each list."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from spots(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(2, len(value))):
            yield from spots(value[index], (*path, index))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The data with something else in one place."""
    if not path:
        return new
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def assert_refused_or_done(*words: object) -> int:
    """One line and exit status 2, or an answer."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(word) for word in words])
    assert status in (0, 1, 2)
    if status == 2:
        assert out.getvalue() == ""
        assert err.getvalue().startswith("study: ")
        assert err.getvalue().count("\n") == 1
        assert len(err.getvalue()) < 2_000
    return status


def assert_resumed_or_refused(directory: ResultsDirectory) -> None:
    with suppress(UserError):
        resume(directory, in_process=True, log=lambda text: None)


@pytest.mark.parametrize("name", ["study.yaml", "manifest.json", "packs"])
@pytest.mark.parametrize("seed", range(2))
def test_made_up_words_and_numbers_are_refused_or_harmless(
    name: str, seed: int, tiny_copy: ResultsDirectory, tmp_path: Path
) -> None:
    drawn = random.Random(f"{name}-{seed}")
    assert isinstance(tiny_copy.root, Path)
    path = tiny_copy.root / name
    if name == "packs":
        path = sorted(path.iterdir())[seed]
    load = yaml.safe_load if name == "study.yaml" else open_json
    sound = path.read_bytes()
    content = load(sound)
    places = list(spots(content))
    before = {entry for entry in tmp_path.rglob("*") if "tiny" not in entry.parts}
    for number, place in enumerate(drawn.sample(places, min(10, len(places)))):
        damaged = put(content, place, drawn.choice(HOSTILE))
        path.write_bytes(sealed(name, damaged))
        assert_refused_or_done("status", tiny_copy.root)
        if number % 2:
            assert_refused_or_done("select", tiny_copy.root, "--json")
        else:
            assert_resumed_or_refused(tiny_copy)
        path.write_bytes(sound)
    assert {entry for entry in tmp_path.rglob("*") if "tiny" not in entry.parts} == before


def sealed(name: str, content: Any) -> bytes:
    """As an attacker would write it: with a digest that is right."""
    if name == "study.yaml":
        return sealed_yaml(yaml.safe_dump(content))
    return sealed_json(content) if isinstance(content, dict) else json.dumps(content).encode()


NOTHING = (b"", b"\0" * 100, b"[" * 100_000, b"{}", b"\xff\xfe", b"null", b"1e999")


@pytest.mark.parametrize(
    "name", ["study.yaml", "manifest.json", "packs", "runs", "outcomes", "test_rows.parquet"]
)
def test_files_that_are_none_are_refused_or_done_again(name: str, tiny_copy: ResultsDirectory) -> None:
    assert isinstance(tiny_copy.root, Path)
    path = tiny_copy.root / name
    path = sorted(path.iterdir())[1] if path.is_dir() else path
    for content in NOTHING:
        path.write_bytes(content)
        assert_refused_or_done("status", tiny_copy.root)
    assert_refused_or_done("select", tiny_copy.root)
    assert_resumed_or_refused(tiny_copy)


ESCAPES = ["../../escaped", "/tmp/escaped", "a/b", "..", ".hidden", "a\\b/../c", "x" * 300]


@pytest.mark.parametrize("name", ESCAPES)
def test_pack_ids_cannot_leave_the_directory(
    name: str, tiny_copy: ResultsDirectory, tmp_path: Path
) -> None:
    assert isinstance(tiny_copy.root, Path)
    path = sorted((tiny_copy.root / "packs").iterdir())[0]
    path.write_bytes(sealed_json(open_json(path.read_bytes()) | {"pack_id": name}))
    (tiny_copy.root / "runs" / f"{path.stem}.parquet").unlink()
    assert assert_refused_or_done("status", tiny_copy.root) == 2
    with pytest.raises(UserError, match="is not a pack's manifest"):
        resume(tiny_copy, in_process=True, log=lambda text: None)
    assert {entry.name for entry in tmp_path.iterdir()} == {"tiny"}


# Tables

Change = Callable[[pa.Table], pa.Table]


def column(name: str, values: Callable[[int], pa.Array]) -> Change:
    return lambda table: table.set_column(table.schema.get_field_index(name), name, values(table.num_rows))


TEXTS = ["<script>alert(1)</script>", "=HYPERLINK(1)", "../../x", "x" * 10_000, "", "a\0b"]
WORDS = ("run_id", "setting_id", "pack_id", "method", "model", "decision_maker", "status")
NUMBERS = ("alpha", "gamma", "validation_error", "test_di", "seconds")


def changes() -> Iterator[tuple[str, Change]]:
    """What a user might make of a pack's rows, by name."""
    for name in ("run_id", "alpha", "test_di"):
        yield f"no {name}", lambda table, name=name: table.drop_columns([name])
    for name in WORDS:
        yield f"null {name}", column(name, lambda n: pa.nulls(n, pa.string()))
        for text in TEXTS[:3]:
            yield f"{name} {text}", column(name, lambda n, text=text: pa.array([text] * n))
    yield "a method as long as a book", column("method", lambda n: pa.array(["x" * 100_000] * n))
    for name in NUMBERS:
        yield f"null {name}", column(name, lambda n: pa.nulls(n, pa.float64()))
        for number in (float("inf"), float("nan"), -5.0, 1e308):
            yield f"{name} {number}", column(name, lambda n, number=number: pa.array([number] * n))
    yield "text for numbers", column("test_error", lambda n: pa.array(["many"] * n))
    yield "lists for numbers", column("seed", lambda n: pa.array([[1]] * n))
    dates = pa.timestamp("us", tz="UTC")
    yield "no dates", column("finished_at", lambda n: pa.nulls(n, dates))
    yield "dates beyond pandas", column("finished_at", lambda n: pa.array([2**62] * n, dates))
    opaque = pa.opaque(pa.string(), "a type", "of nobody")
    yield (
        "an extension",
        column("run_id", lambda n: pa.ExtensionArray.from_storage(opaque, pa.array(["r"] * n))),
    )
    yield "no rows", lambda table: table.slice(0, 0)
    yield "no columns", lambda table: table.select([])
    yield "metadata", lambda table: table.replace_schema_metadata({b"pandas": b"[not json"})


CHANGES = dict(changes())


@pytest.mark.parametrize("what", CHANGES)
def test_tables_that_are_made_up_are_refused_or_shown_as_they_are(
    what: str, tiny_copy: ResultsDirectory
) -> None:
    assert isinstance(tiny_copy.root, Path)
    path = sorted((tiny_copy.root / "runs").iterdir())[1]
    path.write_bytes(to_parquet(CHANGES[what](pq.ParquetFile(path).read())))
    assert_refused_or_done("status", tiny_copy.root)
    assert_refused_or_done("select", tiny_copy.root)


@pytest.mark.parametrize("text", TEXTS[:3])
def test_report_of_a_ledger_that_was_made_up_runs_nothing(text: str, tiny_copy: ResultsDirectory) -> None:
    """Markup is shown as text, and no cell of our tables begins as a formula does."""
    assert isinstance(tiny_copy.root, Path)
    for path in (tiny_copy.root / "runs").iterdir():
        table = pq.ParquetFile(path).read()
        for name in ("model", "decision_maker", "setting_id", "worker", "status", "dataset", "study"):
            table = column(name, lambda n: pa.array([text] * n))(table)
        path.write_bytes(to_parquet(table.cast(RUN_SCHEMA)))
    manifest = tiny_copy.read_manifest()
    manifest |= {"data_source": text, "code": text}
    manifest["sessions"] = [dict.fromkeys(manifest["sessions"][0], text)]
    tiny_copy.write_manifest(manifest)
    if assert_refused_or_done("report", tiny_copy.root) == 2:
        return
    page = (tiny_copy.root / "report" / "index.html").read_text()
    assert "<script>alert" not in page
    for table_file in (tiny_copy.root / "report").glob("*.csv"):
        cells = [
            cell.strip('"') for line in table_file.read_text().splitlines() for cell in line.split(",")
        ]
        assert not [cell for cell in cells if cell.startswith("=")]
