"""Files that are no table to learn from, and roles that their columns cannot have."""

import datetime
import functools
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.worlds.own_tables import cases

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
        "bars in the header alone": csv.replace(b",", b"|", csv.split(b"\n")[0].count(b",")),
        "no header": csv.partition(b"\n")[2],
        "UTF-16, the other end first": b"\xfe\xff" + csv.decode().encode("utf-16-be"),
        "an old workbook": b"\xd0\xcf\x11\xe0" + csv,
        "two columns without a name": csv.replace(b"skill,income", b","),
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
        f"sensitive {name}": {"sensitive": name}
        for name in ("skill", "sex", "race", "city", "sure", "nowhere")
    },
    **{
        f"decided by {name}": {"decision_maker": (name,)}
        for name in ("skill", "income", "sex", "city", "race", "bad", "case")
    },
    **{f"split by {name}": {"split": name} for name in ("skill", "sex", "city", "employed", "judge")},
    **{f"{key} is the label": {key: ("bad",)} for key in ("drop", "dm_only", "features", "decision_maker")},
    "positive is nowhere": {"positive": "nowhere"},
    "positive of three": {"label": "race", "positive": "A", "sensitive": "judge"},
    "threshold of a text": {"sensitive": {"column": "race", "at_least": 3.0}},
    "threshold nobody reaches": {"sensitive": {"column": "skill", "at_least": 1e9}},
    "threshold everybody reaches": {"sensitive": {"column": "skill", "at_least": -1e9}},
    "threshold of what is missing": {"sensitive": {"column": "income", "at_least": 1.0}},
    "no features left": {
        "drop": ("case", "skill", "income", "sex", "city", "employed", "judge", "sure", "one")
    },
    "group with gaps": {"group": "city"},
    "one group": {"group": "one"},
}
