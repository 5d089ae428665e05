"""Writing files: beside, flushed, moved into place; tables as CSV."""

import io
import os
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

# What a spreadsheet takes for the beginning of a formula; tab and carriage return lead up to one.
FORMULA = r"[=+\-@\t\r]"


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

    A text cell that a spreadsheet would run as a formula (it begins with = + - @, a tab or a
    carriage return) gets a leading apostrophe; numbers do not.
    """
    safe = frame.copy(deep=False)
    for column in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[column]):
            continue
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            continue
        safe[column] = _disarmed(frame[column])
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(pa.Table.from_pandas(safe, preserve_index=False), buffer)
    write_bytes(path, buffer.getvalue())


def _disarmed(cells: pd.Series) -> pd.Series:
    # Settings repeat few names, so look at each different one once.
    codes, values = pd.factorize(cells)
    texts = pd.Series([str(value) for value in values], dtype="object")
    texts = texts.where(~texts.str.match(FORMULA), "'" + texts) if len(texts) else texts
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(texts)), index=cells.index).astype(object)
