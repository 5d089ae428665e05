"""The tables of a results directory: their columns, and how they become bytes and are read back.

What is read may be damaged or made up: it is data, checked, and raises one of UNREADABLE.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.results.outcomes import Clusters
from study.storage.seals import check_parquet, seal_parquet
from study.words import AREAS, METRICS, SPLITS, THRESHOLDS, cell_columns

RUN_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("run_id", "setting_id", "study", "dataset")),
        *((name, pa.string()) for name in ("data_fingerprint", "decision_maker", "test_decision_maker")),
        *((name, pa.string()) for name in ("method", "model")),
        *((name, pa.float64()) for name in ("alpha", "gamma", "model_alpha")),
        ("seed", pa.int64()),
        ("split", pa.int64()),
        *((name, pa.float64()) for name in THRESHOLDS),
        *((name, pa.int32()) for name in ("epochs", "best_epoch")),
        *((name, pa.string()) for name in ("status", "reason")),
        *((f"{split}_{metric}", pa.float64()) for split in SPLITS for metric in METRICS),
        *((name, pa.int32()) for split in SPLITS for name in cell_columns(split)),
        *((name, pa.float64()) for name in (*AREAS, "validation_loss", "seconds")),
        *((name, pa.string()) for name in ("pack_id", "worker")),
        ("finished_at", pa.timestamp("us", tz="UTC")),
    ]
)
WEIGHT_SCHEMA = pa.schema([("run_id", pa.string()), ("weights", pa.list_(pa.float32()))])
OUTCOME_SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        *((name, pa.binary()) for name in ("deferred", "positive")),
        ("benefit", pa.list_(pa.float32())),
    ]
)
"""The decisions of a run on the test rows, a bit each (numpy.packbits): deferred, and the model's class;
and by how much deferring each of them is better, null for a method that never defers."""
_DECISIONS = ("run_id", "deferred", "positive")
DECISION_MAKER_SCHEMA = pa.schema(
    [
        ("decision_maker", pa.string()),
        ("alpha", pa.float64()),
        ("probability", pa.list_(pa.float32())),
        *((f"{split}_{metric}", pa.float64()) for split in SPLITS for metric in METRICS),
    ]
)
_NAMES = ("run_id", "setting_id", "pack_id", "method", "model", "decision_maker")
"""What every row must have: rows are identified and grouped by these."""
UNREADABLE = (OSError, KeyError, TypeError, ValueError, OverflowError, pa.ArrowException)
"""What reading a table that is none may raise."""

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


CLUSTERS_NAME = b"clusters"
"""In the metadata of test_rows.parquet: which column of the table ``cluster`` numbers the values of."""
_TESTED_ON = b"test_rows"
"""In the metadata of outcomes: the digest of the test rows that they are decisions on."""


class OtherTestRowsError(Exception):
    """Outcomes are decisions on other test rows than these."""


class ExampleColumns(NamedTuple):
    """What is known of the N test rows, whatever a run decides: (N,) each; and `digest_of` them."""

    label: BoolArray
    sensitive: BoolArray
    decisions: Mapping[str, BoolArray]
    clusters: Clusters | None
    digest: str


class Rows(NamedTuple):
    """What a pack leaves in the ledger, a table each; a run that failed has no weights and no outcomes."""

    runs: pa.Table
    weights: pa.Table
    outcomes: pa.Table

    @staticmethod
    def failed(columns: Mapping[str, Sequence[Any]]) -> "Rows":
        """Return the rows of runs that could not be trained, columns by name as in RUN_SCHEMA."""
        nothing = (WEIGHT_SCHEMA.empty_table(), OUTCOME_SCHEMA.empty_table())
        return Rows(to_table(columns, RUN_SCHEMA), *nothing)


def to_table(columns: Mapping[str, Sequence[Any] | BoolArray], schema: pa.Schema) -> pa.Table:
    """Return columns by name as a table."""
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def to_parquet(table: pa.Table) -> bytes:
    """Return a table as a sealed Parquet file's content."""
    sink = pa.BufferOutputStream()
    # Our readers check the whole file; the checksums are for those of other programs.
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return seal_parquet(sink.getvalue().to_pybytes())


def read_table(content: bytes, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Return ``columns`` (all of the schema) of a Parquet file, in the schema's types.

    Raises ValueError where the file is damaged, a column of the schema is missing, duplicate, or of another
    kind, and where a row has no name.
    """
    with _opened(content) as file:
        return _read(file, schema, schema.names if columns is None else list(columns))


def _read(file: pq.ParquetFile, schema: pa.Schema, wanted: Sequence[str]) -> pa.Table:
    names = file.schema_arrow.names
    wrong = [name for name in schema.names if names.count(name) != 1]
    if wrong:
        raise ValueError(f"{names.count(wrong[0])} columns {wrong[0]}, one is needed")
    table = file.read(wanted)
    nameless = [name for name in wanted if name in _NAMES and table[name].null_count]
    if nameless:
        raise ValueError(f"a row without {nameless[0]}")
    return table.select(wanted).cast(pa.schema([schema.field(name) for name in wanted]))


def read_test_rows(content: bytes) -> ExampleColumns:
    """Return the columns of test_rows.parquet; raises one of UNREADABLE."""
    table = open_table(content)
    makers = [name for name in table.column_names if name.startswith("decision_")]
    label, sensitive, *made = (
        table[name].cast(pa.bool_()).to_numpy() for name in ("label", "sensitive", *makers)
    )
    decisions = {name.removeprefix("decision_"): row for name, row in zip(makers, made, strict=True)}
    clusters = None
    if "cluster" in table.column_names:
        number = table["cluster"].cast(pa.int64()).to_numpy()
        if len(number) and not np.array_equal(np.unique(number), np.arange(number.max() + 1)):
            raise ValueError("cluster: numbers from 0 on without gaps are needed")
        clusters = Clusters((table.schema.metadata or {})[CLUSTERS_NAME].decode(), number)
    return ExampleColumns(label, sensitive, decisions, clusters, digest_of(table))


def digest_of(test_rows: pa.Table) -> str:
    """Return a digest of all that test rows hold, the same whatever version of Arrow wrote them."""
    metadata = {key.decode(): text.decode() for key, text in (test_rows.schema.metadata or {}).items()}
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, column in zip(test_rows.column_names, test_rows.columns, strict=True):
        digest.update(f"{name} {column.type}".encode())
        digest.update(
            json.dumps(column.to_pylist()).encode()
            if pa.types.is_string(column.type)
            else column.to_numpy().tobytes()
        )
    return digest.hexdigest()


def outcomes_table(columns: Mapping[str, Sequence[Any]], tested_on: str) -> pa.Table:
    """Return outcomes by name as a table, which says on which test rows they are; see `digest_of`."""
    known = {_TESTED_ON: tested_on.encode()} if tested_on else None
    return to_table(columns, OUTCOME_SCHEMA).replace_schema_metadata(known)


def tested_on(outcomes: bytes) -> str:
    """Return the digest of the test rows that outcomes are decisions on; empty where they do not say."""
    with _opened(outcomes) as file:
        return _tested_on(file)


def _tested_on(file: pq.ParquetFile) -> str:
    known: bytes = (file.schema_arrow.metadata or {}).get(_TESTED_ON, b"")
    return known.decode()


def read_decisions(
    content: bytes, examples: ExampleColumns, wanted: pa.Array
) -> tuple[list[str], BoolArray, BoolArray]:
    """Return R run ids, those that are ``wanted``, and their decisions on N ``examples``, (R, N) each.

    Raises one of UNREADABLE, also where one of the wanted lacks, and OtherTestRowsError where they are
    decisions on others.
    """
    with _opened(content) as file:
        table, decided_on = _read(file, OUTCOME_SCHEMA, _DECISIONS), _tested_on(file)
    table = table.filter(pc.is_in(table["run_id"], wanted))
    if not {*wanted.to_pylist()} <= {*table["run_id"].to_pylist()}:
        raise ValueError("its runs are not those of the pack's rows")
    if decided_on not in ("", examples.digest):
        raise OtherTestRowsError
    deferred, positive = (_bits(table[name], len(examples.label)) for name in _DECISIONS[1:])
    return table["run_id"].to_pylist(), deferred, positive


def frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as pandas has it, whatever its metadata say; the table is used up."""
    made: pd.DataFrame = table.to_pandas(ignore_metadata=True, self_destruct=True)
    return made


def open_table(content: bytes) -> pa.Table:
    """Return a sealed Parquet file as it is; raises one of UNREADABLE."""
    with _opened(content) as file:
        return file.read()


def _opened(content: bytes) -> pq.ParquetFile:
    check_parquet(content)
    return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)


def _bits(column: pa.ChunkedArray, count: int) -> BoolArray:
    """Unpack rows of bits into (R, count); raises ValueError where there are more or fewer."""
    packed = np.frombuffer(b"".join(column.to_pylist()), dtype=np.uint8)
    return np.unpackbits(packed.reshape(len(column), -(-count // 8)), axis=1, count=count).astype(bool)
