"""Let an exported model decide for the people of a file: what `study apply` does."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from reports.files import FORMULA
from study.data import read_frame
from study.deployed import load_model
from study.errors import DataError, OutputError
from study.files import write_whole

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def apply(model: Path | str, table: Path | str, out: Path | str) -> pd.DataFrame:
    """Decide for every row of a CSV or Parquet file; write and return its columns, decisions beside.

    ``out`` ends in .csv or .parquet. From CSV to CSV the table's own cells stay as they are, except that a
    cell which a spreadsheet would run as a formula gets a leading apostrophe. Raises ModelError, DataError
    (the table), or OutputError.
    """
    place, source = Path(out), str(table)
    write = _writer(place)
    if place.resolve() == Path(source).resolve():
        raise OutputError(f"{place}: is the table itself; give another --out")
    deployed = load_model(model)
    frame = read_frame(source, text=deployed.preprocessing.text_columns)
    try:
        decisions = deployed.decide(frame)
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    taken = [name for name in decisions if name in frame]
    if taken:
        raise DataError(f"{source}: column {taken[0]}: is the name of a decision's column; rename it")
    own = frame if write is _parquet else _as_text(source, frame)
    decided = pd.concat([own, decisions], axis=1)
    write_whole(place, write(decided))
    return decided


def _writer(place: Path) -> Callable[[pd.DataFrame], bytes]:
    """Return what turns a frame into a file of this name; raises OutputError for other endings."""
    if place.suffix.lower() == ".csv":
        return _csv
    if place.suffix.lower() == ".parquet":
        return _parquet
    raise OutputError(f"{place}: decisions are written as .csv or .parquet; give such an --out")


def _as_text(source: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of a CSV file as they stand there, so that 007 is not written as 7.

    Those of a Parquet file have types of their own, and stay as they are.
    """
    return read_frame(source, text=list(frame.columns))


def _csv(frame: pd.DataFrame) -> bytes:
    safe = frame.rename(columns=lambda name: _disarmed(str(name)))
    for name, column in safe.items():
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            safe[name] = column.astype(object).map(_disarmed, na_action="ignore")
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(pa.Table.from_pandas(safe, preserve_index=False), sink)
    return bytes(sink.getvalue())


def _parquet(frame: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")
    return bytes(sink.getvalue())


def _disarmed(cell: Any) -> str:
    """Return a cell as text that no spreadsheet runs; numbers stay numbers."""
    text = str(cell)
    return f"'{text}" if re.match(FORMULA, text) and not _NUMBER.fullmatch(text) else text
