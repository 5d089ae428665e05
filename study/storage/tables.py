"""Tables as files: CSV that a spreadsheet can open without running what is in it, and Parquet."""

import io

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from study.storage.locations import Location
from study.storage.whole_files import write_whole

# What a spreadsheet takes for the beginning of a formula; a tab or the end of a line leads up to one. The
# wide signs are those of East Asian keyboards.
FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"


def write_csv(path: Location, frame: pd.DataFrame) -> None:
    """Write a table: numbers in full precision, NaN and None as empty cells.

    A name or text that a spreadsheet would run as a formula (it begins with = + - @, a tab or the end of a
    line, and is no number) gets a leading apostrophe.
    """
    safe = frame.copy(deep=False)
    for column in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[column]):
            continue
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            continue
        safe[column] = _disarmed(frame[column])
    safe.columns = pd.Index(_disarmed(pd.Series(frame.columns)))
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(pa.Table.from_pandas(safe, preserve_index=False), buffer)
    write_whole(path, buffer.getvalue())


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as the content of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _disarmed(cells: pd.Series) -> pd.Series:
    # Settings repeat few names, so look at each different one once.
    codes, values = pd.factorize(cells)
    texts = pd.Series([str(value) for value in values], dtype="object")
    if len(texts):
        armed = texts.str.match(FORMULA) & ~texts.str.fullmatch(NUMBER)
        texts = texts.where(~armed, "'" + texts)
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(texts)), index=cells.index).astype(object)
