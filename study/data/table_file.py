"""A data set as a file: the table as the models see it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.data.dataset import Dataset
from study.storage.whole_files import write_whole
from study.words import SPLITS


def write_table(dataset: Dataset, path: Path | str) -> None:
    """Write the table as the models see it before standardising, as Parquet.

    Columns: the features by name, ``label``, ``sensitive``, one per value that only the decision-maker
    sees, ``split`` (train, validation, test); before them ``row_id``, where the table has one. Raises
    OutputError where ``path`` cannot be written.
    """
    table = dataset.table
    names = [*table.feature_names, "label", "sensitive", *table.dm_only_names]
    frame = table.frame[names].assign(split=[SPLITS[code] for code in dataset.split])
    if dataset.row_id is not None:
        frame.insert(0, "row_id", dataset.row_id)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")
    write_whole(Path(path), sink.getvalue().to_pybytes())
