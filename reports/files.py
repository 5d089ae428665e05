"""Writing files: beside, flushed, moved into place; tables as CSV."""

import io
import os
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

# What a spreadsheet takes for the beginning of a formula; a tab or the end of a line leads up to one. The
# wide signs are those of East Asian keyboards.
FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all. Its directory is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp lets nobody else read; a report is to be read.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(beside, 0o666 & ~umask)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def write_csv(path: Path, frame: pd.DataFrame) -> None:
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
    write_bytes(path, buffer.getvalue())


def _disarmed(cells: pd.Series) -> pd.Series:
    # Settings repeat few names, so look at each different one once.
    codes, values = pd.factorize(cells)
    texts = pd.Series([str(value) for value in values], dtype="object")
    if len(texts):
        armed = texts.str.match(FORMULA) & ~texts.str.fullmatch(NUMBER)
        texts = texts.where(~armed, "'" + texts)
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(texts)), index=cells.index).astype(object)
