"""Let an exported model decide for the rows of a file: what `study apply` does."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from study.data import read_cells
from study.deploy.model_file import load_model
from study.errors import DataError, OutputError
from study.storage.locations import local_path, shown_location
from study.storage.tables import parquet_bytes, write_csv
from study.storage.whole_files import write_whole

ENDINGS = (".csv", ".parquet")


def apply(model: Path | str, table: Path | str, out: Path | str) -> pd.DataFrame:
    """Decide for every row of a CSV or Parquet file; write and return its columns, with decisions added.

    These are those of ``DeployedModel.decide``, and the ``queue`` of the deferred cases.

    ``out`` ends in .csv or .parquet. The table's own cells stay as they are: those of
    CSV are text, whatever they look like, and those of Parquet keep their types, or become text in CSV; a
    cell that a spreadsheet would run as a formula gets a leading apostrophe there. A column of the table
    that is named as one of the decisions' is written as "NAME (table)". Raises ModelError, DataError (the
    table), or OutputError.
    """
    place, source = local_path(out), str(table)
    as_csv = place.suffix.lower() == ".csv"
    if place.suffix.lower() not in ENDINGS:
        raise OutputError(f"{place}: decisions are written as .csv or .parquet; give such an --out")
    if "://" not in source and place.resolve() == Path(source).resolve():
        raise OutputError(f"{place}: is the table itself; give another --out")
    deployed = load_model(model)
    cells, frame = read_cells(source)
    try:
        decisions = deployed.decide(frame)
    except DataError as error:
        raise DataError(f"{shown_location(source)}: {error}") from None
    if "benefit" in decisions:
        decisions.insert(list(decisions).index("benefit"), "queue", queue(decisions))
    own = _renamed(cells, set(decisions.columns))
    decided = own
    added = pa.Table.from_pandas(decisions, preserve_index=False)
    for field, column in zip(added.schema, added.columns, strict=True):
        decided = decided.append_column(field, column)
    if as_csv:
        texts = {name: _as_text(own.column(name)) for name in own.column_names}
        write_csv(place, pd.DataFrame(texts, index=decisions.index).join(decisions))
    else:
        write_whole(place, parquet_bytes(decided))
    result: pd.DataFrame = decided.to_pandas()
    return result


def queue(decisions: pd.DataFrame) -> "pd.Series[Any]":
    """Return each deferred case's place among those of its table, null for others: 1 has most to gain."""
    benefit = decisions["benefit"].where(decisions["defer"])
    return benefit.rank(method="first", ascending=False).astype("Int64")


def _as_text(column: pa.ChunkedArray) -> "pd.Series[Any]":
    """Return a column's cells as CSV has them; those it has no form for, such as lists, as JSON."""
    try:
        cells: pd.Series[Any] = column.cast(pa.string()).to_pandas()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        values = column.to_pylist()
        cells = pd.Series([None if value is None else json.dumps(value, default=str) for value in values])
    return cells


def _renamed(own: pa.Table, taken: set[str]) -> pa.Table:
    """Give columns whose names are ``taken`` others."""
    names = {*own.column_names} | taken
    renamed = []
    for name in own.column_names:
        new = name
        while new in taken or (new != name and new in names):
            new = f"{name} (table)" if new == name else f"{new}'"
        names.add(new)
        renamed.append(new)
    # What pandas noted of the columns holds no longer.
    return own.rename_columns(renamed).replace_schema_metadata(None)
