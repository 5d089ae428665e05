"""Whatever is in a person's file, the answer is a data set or one line."""

import contextlib
import dataclasses
import datetime
import functools
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.data import Group, Preprocessing, cautions, describe, guess
from study.data.table import load_table
from study.data.table_file import read_frame
from study.errors import DataError
from tests.data.own import COLUMNS, cases

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
ROWS = 40


@functools.cache
def as_csv() -> bytes:
    return cases(ROWS).to_csv(index=False).encode()


@functools.cache
def as_parquet() -> bytes:
    sink = io.BytesIO()
    cases(ROWS).to_parquet(sink)
    return sink.getvalue()


def changed(column: str, value: Any, row: int | None = None) -> bytes:
    """The CSV file with a column's values replaced, all or in one row."""
    frame = cases(ROWS).astype(object)
    if row is None:
        frame[column] = value
    else:
        frame.loc[row, column] = value
    return frame.to_csv(index=False).encode()


def with_column(values: list[Any] | pa.Array, name: str = "odd") -> bytes:
    """The Parquet file with another column."""
    sink = io.BytesIO()
    table = pa.Table.from_pandas(cases(ROWS)).append_column(name, pa.array(values))
    pq.write_table(table, sink)
    return sink.getvalue()


def lines() -> list[str]:
    return as_csv().decode().splitlines()


def malformed() -> dict[str, bytes]:
    """Files that nothing can be learned from, by what is wrong with them."""
    csv, parquet, row = as_csv(), as_parquet(), lines()
    nested = {"list": [[1, 2]], "dict": [{"a": 1}], "bytes": [b"\xff"], "time": [datetime.time(1)]}
    dates = {
        "date": [datetime.date(2020, 1, 2)],
        "moment": [datetime.datetime(2020, 1, 2)],
        "span": [datetime.timedelta(1)],
    }
    found = {
        "empty": b"",
        "newline": b"\n",
        "newlines": b"\n\n\n",
        "nul": b"\0",
        "only a byte-order mark": b"\xef\xbb\xbf",
        "only a header": row[0].encode(),
        "one row": "\n".join(row[:2]).encode(),
        "two rows": "\n".join(row[:3]).encode(),
        "magic alone": b"PAR1",
        "magic twice": b"PAR1PAR1",
        "UTF-16": csv.decode().encode("utf-16"),
        "UTF-32": csv.decode().encode("utf-32"),
        "Latin 1 in a header": csv.replace(b"skill", b"\xe9\xff"),
        "Latin 1 in a value": csv.replace(b",f,", b",\xe9\xff,"),
        "zip": b"PK\x03\x04" + csv,
        "gzip that is none": b"\x1f\x8b" + csv,
        "an image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "HTML": b"<!doctype html><html><body>not found</body></html>",
        "JSON": json.dumps([{"bad": 1}]).encode(),
        "semicolons": csv.replace(b",", b";"),
        "tabs": csv.replace(b",", b"\t"),
        "open quote": csv + b'"',
        "a name twice": csv.replace(b"skill", b"income", 1),
        "the label twice": csv.replace(b"skill", b"bad", 1),
        "header of another case": csv.replace(b"bad", b"BAD", 1),
        "blanks around names": csv.replace(b",bad", b", bad", 1),
        "many levels": cases(200)
        .assign(city=[f"level {i}" for i in range(200)])
        .to_csv(index=False)
        .encode(),
    }
    found |= {f"Parquet cut at {n}": parquet[:n] for n in range(4, len(parquet), len(parquet) // 45)}
    found |= {f"Parquet ending with {n} others": parquet[:-n] + b"x" * n for n in range(1, 12)}
    found |= {
        f"row {n} too short": "\n".join([*row[:n], row[n][:-4], *row[n + 1 :]]).encode()
        for n in range(1, 9)
    }
    found |= {
        f"row {n} too long": "\n".join([*row[:n], row[n] + ",1", *row[n + 1 :]]).encode()
        for n in range(1, 9)
    }
    found |= {
        f"label {value!r} in row 3": changed("bad", value, 3)
        for value in (2, -1, 0.5, "yes", "", None, np.nan, 1e300, 10**400)
    }
    found |= {
        f"label all {value!r}": changed("bad", value)
        for value in (0, 1, "", "x", None, np.inf, "2020-01-01")
    }
    found |= {
        f"nobody's race {value!r}": changed("race", value)
        for value in ("A", "B", "", 1, True, "b", "B ", None)
    }
    found |= {f"race missing in row {n}": changed("race", None, n) for n in (0, 7, ROWS - 1)}
    found |= {
        f"skill {value!r} in row 5": changed("skill", value, 5)
        for value in ("inf", "-inf", np.inf, 1e200, -1e308, 10**300)
    }
    found |= {
        f"skill all {value!r}": changed("skill", value)
        for value in ("2020-01-01", "2020-01-01 10:00:00", "12:30:00")
    }
    found |= {
        f"Parquet with a {what}": with_column(values * ROWS) for what, values in (nested | dates).items()
    }
    found |= {
        "Parquet with a map": with_column(pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int64()))),
        "Parquet with another label": with_column([1] * ROWS, "bad"),
        "Parquet with no rows": pq_of(cases(ROWS).head(0)),
        "Parquet with no columns": pq_of(pd.DataFrame(index=range(3))),
        "Parquet with infinity": with_column([np.inf] * ROWS),
        "Parquet with one infinity": with_column([1.0] * (ROWS - 1) + [-np.inf]),
        "Parquet with one infinity and nothing": with_column([None] * (ROWS - 1) + [np.inf]),
    }
    for name in ("bad", "race", "case"):
        found[f"no column {name}"] = cases(ROWS).drop(columns=name).to_csv(index=False).encode()
        found[f"Parquet with no column {name}"] = pq_of(cases(ROWS).drop(columns=name))
    for name in ("label", "sensitive", "split"):
        found[f"a feature named {name}"] = csv.replace(b"skill", name.encode(), 1)
    return found


def pq_of(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


WRONG_ROLES: dict[str, dict[str, Any]] = {
    **{f"no such {key}": {key: "nowhere"} for key in ("label", "split", "group")},
    **{
        f"no such {key} listed": {key: ("nowhere",)}
        for key in ("drop", "dm_only", "features", "decision_maker")
    },
    **{
        f"label {name}": {"label": name}
        for name in ("skill", "income", "sex", "city", "race", "sure", "case", "<script>")
    },
    **{
        f"sensitive {name}": {"sensitive": Group(name)}
        for name in ("skill", "sex", "race", "city", "sure", "nowhere")
    },
    **{
        f"decided by {name}": {"decision_maker": (name,)}
        for name in ("skill", "income", "sex", "city", "race", "bad", "case")
    },
    **{f"split by {name}": {"split": name} for name in ("skill", "sex", "city", "employed", "judge")},
    **{f"{key} is the label": {key: ("bad",)} for key in ("drop", "dm_only", "features", "decision_maker")},
    "positive is nowhere": {"positive": "nowhere"},
    "positive of three": {"label": "race", "positive": "A", "sensitive": Group("judge")},
    "threshold of a text": {"sensitive": Group("race", at_least=3.0)},
    "threshold nobody reaches": {"sensitive": Group("skill", at_least=1e9)},
    "threshold everybody reaches": {"sensitive": Group("skill", at_least=-1e9)},
    "threshold of what is missing": {"sensitive": Group("income", at_least=1.0)},
    "no features left": {
        "drop": ("case", "skill", "income", "sex", "city", "employed", "judge", "sure", "one")
    },
    "group with gaps": {"group": "city"},
    "one group": {"group": "one"},
}


def load(content: bytes, place: Path, **roles: Any) -> None:
    """Everything that is done with a table before anything is trained."""
    place.write_bytes(content)
    columns = dataclasses.replace(COLUMNS, path=str(place), **roles)
    dataset = load_table(columns, name="cases", split_seed=0)
    assert len(describe(dataset)) > 100
    assert all(len(line.splitlines()) == 1 for line in cautions(dataset))
    assert np.isfinite(dataset.features).all()
    assert dataset.own is not None
    stored = Preprocessing.from_json(json.loads(json.dumps(dataset.preprocessing.to_json())))
    assert np.array_equal(stored.transform(dataset.own.frame), dataset.features)


def assert_refused(action: Callable[[], None], place: Path) -> None:
    with pytest.raises(DataError) as caught:
        action()
    message = str(caught.value)
    assert str(place) in message
    assert len(message) < 700
    assert "Traceback" not in message


def test_malformed_files_are_refused_in_one_line(tmp_path: Path) -> None:
    place, found = tmp_path / "cases.csv", malformed()
    assert len(found) + len(WRONG_ROLES) >= 150
    for what, content in found.items():
        try:
            assert_refused(lambda content=content: load(content, place), place)  # type: ignore[misc]
        except BaseException as error:
            error.add_note(what)
            raise


@pytest.mark.parametrize("what", WRONG_ROLES)
def test_wrong_roles_are_refused_in_one_line(what: str, tmp_path: Path) -> None:
    place = tmp_path / "cases.csv"
    content = cases(ROWS).assign(one=1).to_csv(index=False).encode()
    assert_refused(lambda: load(content, place, **WRONG_ROLES[what]), place)


def test_the_files_that_are_spoilt_are_good_otherwise(tmp_path: Path) -> None:
    load(as_csv(), tmp_path / "cases.csv")
    load(as_parquet(), tmp_path / "cases.csv")
    load(as_csv(), tmp_path / "cases.csv", decision_maker=("judge",))


def attempt(content: bytes) -> None:
    """Load, or be refused; also guess."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cases.csv"
        message = str(place)
        try:
            load(content, place, decision_maker=("judge", "sure"), combine="draw")
        except DataError as error:
            message = str(error)
        assert str(place) in message
        with contextlib.suppress(DataError):
            guess(read_frame(str(place)), {})


@QUICK
@given(st.data())
def test_bytes_changed_anywhere(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([as_csv(), as_parquet()])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    attempt(bytes(content))


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["NaN", "inf", "yes", "no", "<script>", "2020-01-01", "1e5", "007", '"', "\n", "train"]
    ),
)


@QUICK
@given(st.data())
def test_odd_cells_and_names(data: st.DataObject) -> None:
    frame = cases(ROWS).astype(object)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(list(frame.columns)))
        rows = data.draw(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=6))
        for row in rows:
            frame.loc[row, name] = data.draw(CELLS)
    if data.draw(st.booleans()):
        names = data.draw(st.text(max_size=8) | st.sampled_from(["<script>", "", "skill", "split", "x=1"]))
        frame = frame.rename(columns={data.draw(st.sampled_from(["skill", "sex", "bad"])): names})
    attempt(frame.to_csv(index=False).encode("utf-8", errors="replace"))
