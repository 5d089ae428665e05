"""A person's table in a file -> a frame of raw columns, or one clear line about what is wrong with it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import fs

from study.data.preprocessing import shown
from study.errors import DataError
from study.storage.locations import location

MISSING_VALUES = [
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
"""What pandas, too, takes for a missing value in a CSV file."""

_INDEX = ("", "__index_level_0__")


def read_frame(path: str, *, text: Sequence[str] = ()) -> pd.DataFrame:
    """Return the columns of a CSV (also compressed) or Parquet file, local or a URI that pyarrow opens.

    Which of the two it is, its first bytes say. CSV columns are numbers, booleans, dates or text as all
    their values allow; those in ``text`` stay text. An index that pandas wrote without a name is left
    out. Raises DataError for a file that cannot be read, a row of another length, no row, and a name
    that is there twice.
    """
    with naming(path):
        try:
            table = _read(path, text)
            _check(table.column_names)
            index = [name for name in table.column_names if name in _INDEX]
            frame: pd.DataFrame = table.drop_columns(index).to_pandas(ignore_metadata=True)
        except (pa.ArrowException, OSError, ValueError, EOFError, OverflowError, RuntimeError) as error:
            words = (getattr(error, "strerror", None) or str(error)).replace(path, shown_place(path))
            reason = " ".join(words.split())[:200]
            raise DataError(f"cannot be read ({reason}); a CSV or Parquet file is allowed") from None
        if frame.empty:
            raise DataError("has no rows; one for each case is allowed")
    return frame


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Put the file's name before whatever is wrong with it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{shown_place(path)}: {error}") from None


def shown_place(path: str) -> str:
    """Return a path or URI as it may be shown: without the keys that a URI can hold."""
    if "://" not in path or not {"@", "?"} & set(path):
        return path
    try:
        return str(location(path))
    except ValueError:  # It is no URI; whatever it holds is not said.
        return path.partition("://")[0] + "://..."


def has_keys(path: str) -> bool:
    """Say whether a URI has a key, or an option that may be one."""
    return "://" in path and _key_places(path) != _key_places(shown_place(path))


def _key_places(path: str) -> tuple[str, int]:
    """Return where a URI can have keys: its host, and how many options it has."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return path, 0
    return parts.netloc, len(parse_qsl(parts.query))


def _read(path: str, text: Sequence[str]) -> pa.Table:
    system, file_path = _opened(path)
    with system.open_input_file(file_path) as file:
        if file.read(4) == b"PAR1":
            return pq.ParquetFile(file).read()
    convert = pa_csv.ConvertOptions(
        null_values=MISSING_VALUES,
        strings_can_be_null=True,
        column_types=dict.fromkeys(text, pa.string()),
    )
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    with system.open_input_stream(file_path) as stream:
        return pa_csv.read_csv(stream, parse_options=parse, convert_options=convert)


def _opened(path: str) -> tuple[fs.FileSystem, str]:
    """Return the file system that holds ``path``, and its place there."""
    if "://" in path:
        system, file_path = fs.FileSystem.from_uri(path)
        return system, file_path
    return fs.LocalFileSystem(), path


def _check(names: Sequence[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"column {shown(doubled[0])} is there twice; rename one")
