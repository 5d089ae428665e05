"""A user's table in a file -> a frame of raw columns, or one clear line about what is wrong with it."""

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import fs

from study.data.raw_values import shown, some
from study.errors import DataError, LedgerError
from study.storage.locations import Location, location, shown_location
from study.storage.whole_files import GIB, MIB, TABLE_GIB, table_bytes, why_not_read

MISSING_VALUES = [
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
"""What pandas, too, takes for a missing value in a CSV file."""

_INDEX = ("", "__index_level_0__")
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_NO_TEXT = {
    b"PK\x03\x04": "is a workbook or a zip archive; save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is a workbook; save the sheet as CSV",
    b"\xff\xfe": "is in UTF-16; save it as CSV in UTF-8",
    b"\xfe\xff": "is in UTF-16; save it as CSV in UTF-8",
}
_MARK = b"\xef\xbb\xbf"
_LONGEST_ROW = 64 * MIB
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


def read_frame(path: str) -> pd.DataFrame:
    """Return the columns of a CSV or Parquet file, compressed or not, local or a URI that pyarrow opens.

    Which of the two it is, its first bytes say. CSV columns are numbers, booleans, dates or text as all
    their values allow; they are separated by commas, else by semicolons, tabs or bars. An index that
    pandas wrote without a name is left out. Raises DataError for a file that cannot be read or is too
    large, a row of another length, no row, no header, and a name that occurs twice.
    """
    with naming(path):
        frame: pd.DataFrame = _checked(_read(path, text=False)).to_pandas(ignore_metadata=True)
        return frame


def read_cells(path: str, columns: Sequence[str] = ()) -> tuple[pa.Table, pd.DataFrame]:
    """Return a table as it stands, and a frame of it to be read as training decided.

    In CSV every cell is text, since 007 is not 7 and a column's type depends on all of its rows; in the
    frame MISSING_VALUES are missing. With ``columns`` only these are returned, the first of each name.
    Raises DataError as ``read_frame`` does, and where one of them is missing.
    """
    with naming(path):
        table = _read(path, text=True)
        table = _chosen(table, columns) if columns else _checked(table)
        known = table
        for at, column in enumerate(table.columns):
            if pa.types.is_string(column.type):
                missing = pc.is_in(column, pa.array(MISSING_VALUES))
                known = known.set_column(at, known.field(at), pc.if_else(missing, None, column))
        return table, known.to_pandas(ignore_metadata=True)


@contextmanager
def naming(path: str, allowed: str = "a CSV or Parquet file") -> Iterator[None]:
    """Put the file's name before whatever is wrong with it, or what is ``allowed`` if it is unreadable."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{shown_location(path)}: {error}") from None
    except (
        *(pa.ArrowException, OSError, ValueError, EOFError, OverflowError, RuntimeError),
        *(BadZipFile, zlib.error, LedgerError),
    ) as error:
        words = (getattr(error, "strerror", None) or str(error)).replace(path, shown_location(path))
        reason = " ".join(words.removeprefix(f"{shown_location(path)}: ").split())[:200]
        raise DataError(
            f"{shown_location(path)}: cannot be read ({reason}); {allowed} is allowed"
        ) from None


def _read(path: str, *, text: bool) -> pa.Table:
    """Return the table, every cell of CSV as ``text`` if wanted."""
    place = location(path)
    limit = table_bytes()
    advice = f"set {TABLE_GIB} above {limit / GIB:g} to allow larger tables"
    if isinstance(place, Path) and (why := why_not_read(place, limit, advice)):
        raise DataError(why)
    with _opened(place, limit, advice) as file:
        first = file.read(4)
        file.seek(0)
        if first == b"PAR1":
            return _read_parquet(file, limit, advice)
        codec = next((codec for magic, codec in _COMPRESSED.items() if first.startswith(magic)), None)
        content = (pa.CompressedInputStream(file, codec) if codec else file).read(limit + 1)
    if len(content) > limit:
        raise DataError(f"has more than {limit:,} bytes; {advice}")
    return _read_csv(content, text=text)


def _opened(place: Location, limit: int, advice: str) -> pa.NativeFile:
    """Return a file to read from; one in a store is fetched before, which ends in bounded time."""
    if isinstance(place, Path):
        return fs.LocalFileSystem().open_input_file(str(place))
    content = place.read_bytes(limit)
    if len(content) > limit:
        raise DataError(f"has more than {limit:,} bytes; {advice}")
    return pa.BufferReader(content)


def _read_parquet(file: Any, limit: int, advice: str) -> pa.Table:
    """Return a Parquet file's table, once it is known to fit: a short code can stand for a long value."""
    parquet = pq.ParquetFile(file)
    metadata = parquet.metadata
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    stored = fixed = 0
    texts = []
    for at in range(len(metadata.schema)):
        leaf = metadata.schema.column(at)
        chunks = [group.column(at) for group in groups]
        stored += sum(chunk.total_uncompressed_size for chunk in chunks)
        fixed += max(8, leaf.length) * sum(chunk.num_values for chunk in chunks)
        if leaf.physical_type == "BYTE_ARRAY":
            texts.append(leaf.path)
    if max(stored, fixed) > limit or fixed + _text_bytes(file, texts, limit - fixed) > limit:
        raise DataError(f"needs more than {limit:,} bytes for {metadata.num_rows:,} rows; {advice}")
    return parquet.read()


def _text_bytes(file: Any, leaves: list[str], limit: int) -> int:
    """Return how many bytes the texts in ``leaves`` have; once above ``limit``, no more are counted.

    They are counted as codes, also within lists and structures: no text is there more than once.
    """
    size = 0
    if leaves:
        for batch in pq.ParquetFile(file, read_dictionary=leaves).iter_batches(columns=leaves):
            size += sum(map(_bytes_of_texts, batch.columns))
            if size > limit:
                break
    return size


def _bytes_of_texts(array: pa.Array) -> int:
    """Return how many bytes the texts in an array have that came as codes."""
    if isinstance(array, pa.DictionaryArray):
        lengths = pc.binary_length(array.dictionary).cast(pa.int64()).take(array.indices)
        return pc.sum(lengths).as_py() or 0
    if isinstance(array, pa.StructArray):
        return sum(map(_bytes_of_texts, array.flatten()))
    if isinstance(array, pa.MapArray):
        return _bytes_of_texts(array.keys) + _bytes_of_texts(array.items)
    return _bytes_of_texts(array.flatten()) if pa.types.is_nested(array.type) else 0


def _read_csv(content: bytes, *, text: bool) -> pa.Table:
    for magic, words in _NO_TEXT.items():
        if content.startswith(magic):
            raise DataError(words)
    first = content[:_LONGEST_ROW].removeprefix(_MARK).partition(b"\n")[0]
    told = re.fullmatch(rb'"?sep=(.)"?\r?', first)
    separator = told[1].decode("latin-1") if told else _separator(first)
    options: dict[str, Any] = {
        "read_options": pa_csv.ReadOptions(block_size=_LONGEST_ROW, skip_rows=1 if told else 0),
        "parse_options": pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
    }
    try:
        if text:
            names = pa_csv.open_csv(pa.BufferReader(content), **options).schema.names
            types = dict.fromkeys(names, pa.string())
            convert = pa_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
        else:
            convert = pa_csv.ConvertOptions(null_values=MISSING_VALUES, strings_can_be_null=True)
        table = pa_csv.read_csv(pa.BufferReader(content), convert_options=convert, **options)
    except pa.ArrowInvalid as error:
        if "straddling object" in str(error):
            raise DataError(
                f"has a row of more than {_LONGEST_ROW // MIB} MiB, or a quote is not closed"
            ) from None
        raise
    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise DataError(f"column {shown(field.name)}: is not text in UTF-8; save the file in UTF-8")
    kinds = zip(table.column_names, table.schema.types, strict=True)
    above = [name for name, kind in kinds if pa.types.is_integer(kind) or pa.types.is_floating(kind)]
    if above and all(map(_NUMBER.fullmatch, above)):
        raise DataError(
            f"has no header: its first row is {some(table.column_names)}, which looks like data; write the "
            "columns' names into a row above"
        )
    return table


def _separator(header: bytes) -> str:
    """Return what stands between the names in a header: a comma wherever there is one outside of quotes."""
    bare = re.sub(rb'"[^"]*"', b"", header)
    count = {mark: bare.count(mark) for mark in (b";", b"\t", b"|")}
    most = max(count, key=lambda mark: count[mark])
    return "," if b"," in bare or not count[most] else most.decode()


def _chosen(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    names = table.column_names
    if missing := [name for name in columns if name not in names]:
        raise DataError(f"no column {', '.join(missing)}; needed are {', '.join(columns)}")
    return table.select([names.index(name) for name in columns])


def _checked(table: pa.Table) -> pa.Table:
    """Return a table with a name for each column and a row; DataError says what is wrong."""
    names = table.column_names
    # Excel writes commas for columns that were once used.
    unnamed = [at for at, name in enumerate(names) if not name]
    if len(unnamed) > 1:
        blank = {at for at in unnamed if table.column(at).null_count == table.num_rows}
        table = table.select([at for at in range(len(names)) if at not in blank])
        if len(unnamed) - len(blank) > 1:
            raise DataError(
                f"has {len(unnamed) - len(blank)} columns without a name; name them, or delete them"
            )
    names = table.column_names
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"duplicate column {shown(doubled[0])}; rename one")
    table = table.drop_columns([name for name in names if name in _INDEX])
    if not table.num_rows or not table.num_columns:
        raise DataError("has no rows; one for each case is needed")
    return table
