"""Let an exported model decide for the rows of a file: what `study apply` does."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from study.data import read_frame
from study.deploy.model_file import load_model
from study.errors import DataError, OutputError
from study.storage.locations import local_path
from study.storage.tables import write_csv
from study.storage.whole_files import write_whole

ENDINGS = (".csv", ".parquet")


def apply(model: Path | str, table: Path | str, out: Path | str) -> pd.DataFrame:
    """Decide for every row of a CSV or Parquet file; write and return its columns, with decisions added.

    ``out`` ends in .csv or .parquet. From CSV to CSV the table's own cells stay as they are, except that
    what says that a value is missing becomes an empty cell, and a cell that a spreadsheet would run as a
    formula gets a leading apostrophe. A column of the table that is named as one of the decisions' is
    written as "NAME (table)". Raises ModelError, DataError (the table), or OutputError.
    """
    place, source = local_path(out), str(table)
    if place.suffix.lower() not in ENDINGS:
        raise OutputError(f"{place}: decisions are written as .csv or .parquet; give such an --out")
    if place.resolve() == Path(source).resolve():
        raise OutputError(f"{place}: is the table itself; give another --out")
    deployed = load_model(model)
    frame = read_frame(source, text=deployed.preprocessing.text_columns)
    try:
        decisions = deployed.decide(frame)
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    as_csv = place.suffix.lower() == ".csv"
    # As text, so that 007 is not written as 7.
    own = read_frame(source, text=list(frame.columns)) if as_csv else frame
    decided = _renamed(own, set(decisions.columns)).join(decisions)
    if as_csv:
        write_csv(place, decided)
    else:
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pandas(decided, preserve_index=False), sink, compression="zstd")
        write_whole(place, sink.getvalue().to_pybytes())
    return decided


def _renamed(own: pd.DataFrame, taken: set[str]) -> pd.DataFrame:
    """Give columns whose names are ``taken`` others."""
    names = set(map(str, own.columns)) | taken
    new = {}
    for name in filter(taken.__contains__, own.columns):
        new[name] = f"{name} (table)"
        while new[name] in names:
            new[name] += "'"
        names.add(new[name])
    return own.rename(columns=new)
