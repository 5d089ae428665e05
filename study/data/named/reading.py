"""A person's CSV file -> named columns of text, or one clear line about what is wrong with it."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from study.errors import DataError

MISSING_VALUES = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"]
"""What a cell of a CSV file may hold to say that there is no value."""


def read_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return ``columns`` of the CSV file at ``path``: frame (N, C) of text, missing as NA.

    Row i is data row i of the file. Where a column name occurs twice, the first one counts. Raises
    DataError for a file that is missing, empty, not UTF-8 CSV, has a row of another length (as a
    truncated file does), or lacks one of ``columns``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"{path}: cannot be read ({reason}); give a CSV file") from error
    names = _header(path, content)
    missing = [column for column in columns if column not in names]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}; the CSV file must have the columns "
            f"{', '.join(columns)}"
        )
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(content),
            read_options=pa_csv.ReadOptions(column_names=_distinct(names), skip_rows=1),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.string()),
                null_values=MISSING_VALUES,
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: not a readable CSV file ({reason})") from error
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _header(path: Path, content: bytes) -> list[str]:
    """Names in the first line of a CSV file's ``content``."""
    first_line = content.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").rstrip("\r")
    try:
        names = next(csv.reader([first_line]), [])
    except csv.Error as error:
        raise DataError(f"{path}: not a readable CSV file ({error})") from error
    if not names:
        raise DataError(f"{path}: the file is empty or its first line is; give a CSV file")
    return names


def _distinct(names: list[str]) -> list[str]:
    """Return ``names`` with every later repetition renamed, since Arrow selects columns by name."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        distinct.append(name if seen[name] == 0 else f"{name}\0{seen[name]}")
        seen[name] += 1
    return distinct
