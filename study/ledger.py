"""The results directory: where everything in it lives, and the ledger of finished runs.

What is in the ledger is done; what is not is still to do. A pack writes its rows as one Parquet file that
appears whole or not at all, after its weights, so a row never points at weights that are not there.
"""

import contextlib
import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from reports.outcomes import Outcomes
from reports.reduce import FIGURES
from study.data.splits import SPLITS
from study.errors import LedgerError, OutputError, StudyFileError
from study.files import write_whole
from study.plan import Pack
from study.yaml_text import dump_yaml, parse_yaml

RUN_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("run_id", "setting_id", "study", "dataset")),
        *((name, pa.string()) for name in ("data_fingerprint", "decision_maker", "test_decision_maker")),
        *((name, pa.string()) for name in ("method", "model")),
        *((name, pa.float64()) for name in ("alpha", "gamma", "model_alpha")),
        ("seed", pa.int64()),
        *((name, pa.float64()) for name in ("t0_a0", "t1_a0", "t0_a1", "t1_a1")),
        *((name, pa.int32()) for name in ("epochs", "best_epoch")),
        ("status", pa.string()),
        *((f"{split}_{figure}", pa.float64()) for split in SPLITS for figure in FIGURES),
        *((name, pa.float64()) for name in ("validation_loss", "seconds")),
        *((name, pa.string()) for name in ("pack_id", "worker")),
        ("finished_at", pa.timestamp("us", tz="UTC")),
    ]
)
WEIGHT_SCHEMA = pa.schema([("run_id", pa.string()), ("weights", pa.list_(pa.float32()))])
OUTCOME_SCHEMA = pa.schema([("run_id", pa.string()), ("deferred", pa.binary()), ("positive", pa.binary())])
"""The decisions of a run on the test rows, a bit each (numpy.packbits): deferred, and the model's class."""
DECISION_MAKER_SCHEMA = pa.schema(
    [
        ("decision_maker", pa.string()),
        ("alpha", pa.float64()),
        ("probability", pa.list_(pa.float32())),
        *((f"{split}_{figure}", pa.float64()) for split in SPLITS for figure in FIGURES),
    ]
)

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Broken:
    """A file of the ledger that cannot be read, and why."""

    path: Path
    reason: str


class ResultsDirectory:
    """The one place that knows what lies where in a results directory."""

    def __init__(self, root: Path | str) -> None:
        if re.match(r"[A-Za-z0-9+.-]+:/", str(root)):
            raise LedgerError(f"{root}: a results directory is a local path for now; give one")
        self.root = Path(root)
        self.study_file = self.root / "study.yaml"
        self.manifest_file = self.root / "manifest.json"
        self.decision_makers_file = self.root / "decision_makers.parquet"
        self.runs = self.root / "runs"
        self.weights = self.root / "weights"
        self.outcomes = self.root / "outcomes"
        self.test_rows_file = self.root / "test_rows.parquet"
        self.packs = self.root / "packs"
        self.logs = self.root / "logs"
        self.report = self.root / "report"
        self._lock_file = self.root / ".lock"

    # What was asked for

    def exists(self) -> bool:
        """Say whether a study was begun here."""
        return self.study_file.is_file()

    def require(self) -> None:
        """Raise LedgerError unless a study was begun here."""
        if not self.exists():
            raise LedgerError(f"{self.root}: no study there (no study.yaml); `study run` begins one")

    def write_study(self, resolved: Mapping[str, Any]) -> None:
        """Write the study file as resolved."""
        write_whole(self.study_file, dump_yaml(resolved).encode())

    def read_study(self) -> dict[str, Any]:
        """Return the study file as resolved; raises LedgerError where it is unreadable."""
        self.require()
        try:
            return parse_yaml(self.study_file.read_text("utf-8"), str(self.study_file))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, StudyFileError) as error:
            raise LedgerError(f"{self.study_file}: cannot be read ({error})") from None

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write versions, fingerprint and sessions."""
        write_whole(self.manifest_file, json.dumps(manifest, indent=2).encode())

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest; raises LedgerError where it is missing or unreadable."""
        manifest = _read_json(self.manifest_file)
        if not isinstance(manifest, dict):
            raise LedgerError(f"{self.manifest_file}: is not a JSON object")
        return manifest

    # Packs

    def write_pack(self, pack: Pack) -> None:
        """Write what a pack is asked to run, before it runs."""
        write_whole(self._pack_file(pack.pack_id), json.dumps(pack.to_json()).encode())

    def read_pack(self, pack_id: str) -> Pack:
        """Return one pack's manifest; raises LedgerError where it is missing or unreadable."""
        path = self._pack_file(pack_id)
        try:
            return Pack.from_json(_read_json(path))
        except (KeyError, TypeError, AttributeError) as error:
            raise LedgerError(f"{path}: is not a pack's manifest ({error})") from None

    def read_packs(self) -> list[Pack]:
        """Return all packs asked for, by arm and index."""
        names = sorted(path.stem for path in self.packs.glob("*.json"))
        packs = [self.read_pack(name) for name in names if not name.endswith(".failed")]
        return sorted(packs, key=lambda pack: (pack.arm, pack.index))

    def write_failure(self, pack: Pack, message: str) -> None:
        """Note that a pack could not be trained, and why."""
        failure = {"pack_id": pack.pack_id, "runs": pack.runs, "error": message}
        write_whole(self._failure_file(pack.pack_id), json.dumps(failure, indent=2).encode())

    def clear_failures(self) -> None:
        """Forget which packs failed: they are to be tried again."""
        for path in self.packs.glob("*.failed.json"):
            path.unlink(missing_ok=True)

    def failures(self) -> list[dict[str, Any]]:
        """Return {pack_id, runs, error} of every pack that could not be trained."""
        return [_read_json(path) for path in sorted(self.packs.glob("*.failed.json"))]

    def _pack_file(self, pack_id: str) -> Path:
        return self.packs / f"{pack_id}.json"

    def _failure_file(self, pack_id: str) -> Path:
        return self.packs / f"{pack_id}.failed.json"

    # The ledger

    def write_nothing(self, pack_id: str) -> None:
        """Note that a pack had no run of its own: other packs train all its settings."""
        nothing = {name: list[Any]() for name in RUN_SCHEMA.names}
        self.write_runs(pack_id, nothing, weights=[], deferred=[], positive=[])

    def write_runs(
        self,
        pack_id: str,
        rows: Mapping[str, Sequence[Any]],
        *,
        weights: Sequence[np.ndarray[Any, Any]],
        deferred: Sequence[bytes],
        positive: Sequence[bytes],
    ) -> None:
        """Add a pack's finished runs: columns by name as in RUN_SCHEMA, the rest in row order."""
        trained = {"run_id": rows["run_id"], "weights": list(weights)}
        _write_table(self.weights / f"{pack_id}.parquet", trained, WEIGHT_SCHEMA)
        decided = {"run_id": rows["run_id"], "deferred": deferred, "positive": positive}
        _write_table(self.outcomes / f"{pack_id}.parquet", decided, OUTCOME_SCHEMA)
        _write_table(self._runs_file(pack_id), rows, RUN_SCHEMA)

    def has_runs(self, pack_id: str) -> bool:
        """Say whether a pack's rows are in the ledger."""
        return self._runs_file(pack_id).is_file()

    def read_pack_runs(self, pack_id: str, columns: Sequence[str] = RUN_SCHEMA.names) -> pd.DataFrame:
        """Return ``columns`` of one pack's rows; raises LedgerError where the file is missing or broken."""
        try:
            return _frame(_read_runs(self._runs_file(pack_id), columns))
        except (OSError, pa.ArrowException, ValueError) as error:
            raise LedgerError(f"{self._runs_file(pack_id)}: cannot be read ({error})") from None

    def read_runs(self, columns: Sequence[str] = RUN_SCHEMA.names) -> tuple[pd.DataFrame, list[Broken]]:
        """Return ``columns`` of every finished run, one row each, and the files that cannot be read."""
        wanted = list(dict.fromkeys(["run_id", *columns]))
        tables, broken = [RUN_SCHEMA.empty_table().select(wanted)], []
        for path in sorted(self.runs.glob("*.parquet")):
            try:
                tables.append(_read_runs(path, wanted))
            except (OSError, pa.ArrowException, ValueError) as error:
                reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
                broken.append(Broken(path, reason))
        runs = _frame(pa.concat_tables(tables, promote_options="default"))
        return runs.drop_duplicates("run_id", ignore_index=True)[list(columns)], broken

    def set_aside(self, broken: Broken) -> Path:
        """Move a broken file out of the ledger, so that its runs are done again; return where to."""
        aside = broken.path.with_suffix(".parquet.broken")
        broken.path.replace(aside)
        return aside

    def read_weights(self, run_id: str) -> np.ndarray[Any, Any]:
        """Return a run's trained parameters (P,) float32; raises LedgerError for an unknown run."""
        for path in sorted(self.weights.glob("*.parquet")):
            try:
                found = pq.read_table(path, filters=[("run_id", "=", run_id)])
            except (OSError, pa.ArrowException) as error:
                raise LedgerError(f"{path}: cannot be read ({error})") from None
            if found.num_rows:
                return np.asarray(found["weights"][0].as_py(), dtype=np.float32)
        raise LedgerError(f"{self.weights}: no weights of run {run_id}")

    def _runs_file(self, pack_id: str) -> Path:
        return self.runs / f"{pack_id}.parquet"

    # Decision-makers and the people tested

    def write_test_rows(
        self, label: BoolArray, sensitive: BoolArray, decisions: Mapping[str, BoolArray]
    ) -> None:
        """Write who the models are tested on, (N,) each, and what each decision-maker decides for them."""
        columns = {"label": label, "sensitive": sensitive}
        columns |= {f"decision_{name}": decided for name, decided in decisions.items()}
        _write_table(self.test_rows_file, columns, pa.schema([(name, pa.bool_()) for name in columns]))

    def read_outcomes(self, run_ids: Collection[str] | None = None) -> Outcomes | None:
        """Return the test decisions of the runs in the ledger; None where they are not kept.

        ``run_ids`` are the runs wanted, and no others are unpacked; without it all are. A run whose pack
        has no outcomes is left out. Raises LedgerError for a file that cannot be read.
        """
        paths = [path for path in sorted(self.outcomes.glob("*.parquet")) if self.has_runs(path.stem)]
        if not paths or not self.test_rows_file.exists():
            return None
        people = _read_people(self.test_rows_file)
        wanted = None if run_ids is None else pa.array(list(run_ids), pa.string())
        decided = [_read_decided(path, len(people["label"]), wanted) for path in paths]
        names, deferred, positive = zip(*decided, strict=True)
        outcomes = Outcomes(
            run_id=[run_id for of_pack in names for run_id in of_pack],
            deferred=np.concatenate(deferred),
            positive=np.concatenate(positive),
            label=people.pop("label"),
            sensitive=people.pop("sensitive"),
            decisions={name.removeprefix("decision_"): made for name, made in people.items()},
        )
        once = np.sort(np.unique(outcomes.run_id, return_index=True)[1])
        return outcomes if len(once) == len(outcomes.run_id) else outcomes.take(once)

    def write_decision_makers(self, rows: Mapping[str, Sequence[Any]]) -> None:
        """Write the decision-makers, a row each with the columns of DECISION_MAKER_SCHEMA."""
        _write_table(self.decision_makers_file, rows, DECISION_MAKER_SCHEMA)

    def read_decision_makers(self) -> pd.DataFrame:
        """Return the decision-makers; empty before they are trained, LedgerError if unreadable."""
        if not self.decision_makers_file.exists():
            return _frame(DECISION_MAKER_SCHEMA.empty_table())
        try:
            return _frame(pq.read_table(self.decision_makers_file))
        except (OSError, pa.ArrowException) as error:
            raise LedgerError(
                f"{self.decision_makers_file}: cannot be read ({error}); "
                "delete it and resume to train the decision-makers again"
            ) from None

    # One driver at a time

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against a second driver; raises LedgerError where there is one."""
        handle = self._try_lock(patience=1.0)
        if handle is None:
            raise LedgerError(
                f"{self.root}: another `study run` or `study resume` is at work there; "
                "wait for it, stop it, or give another --out"
            )
        try:
            yield
        finally:
            os.close(handle)

    def is_locked(self) -> bool:
        """Say whether a driver is at work here."""
        if not self._lock_file.exists():
            return False
        handle = self._try_lock(patience=0.0)
        if handle is None:
            return True
        os.close(handle)
        return False

    def _try_lock(self, patience: float) -> int | None:
        """Return a locked file descriptor, or None; the kernel frees it when its process dies."""
        import fcntl

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise OutputError(
                f"{self.root}: cannot be written ({error.strerror}); give a writable --out"
            ) from None
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            except OSError:
                if time.monotonic() >= deadline:
                    os.close(handle)
                    return None
                # A `study status` may hold the lock for an instant while it looks.
                time.sleep(0.05)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path}: cannot be read ({error})") from None


def _write_table(path: Path, columns: Mapping[str, Sequence[Any] | BoolArray], schema: pa.Schema) -> None:
    sink = pa.BufferOutputStream()
    table = pa.table(
        {
            name: pa.array(columns[name], field.type)
            for name, field in zip(schema.names, schema, strict=True)
        },
        schema=schema,
    )
    pq.write_table(table, sink, compression="zstd")
    write_whole(path, sink.getvalue().to_pybytes())


def _read_runs(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read columns of one file of the ledger; ValueError where one of the schema is missing, or twice."""
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        wrong = [name for name in RUN_SCHEMA.names if names.count(name) != 1]
        if wrong:
            raise ValueError(f"{names.count(wrong[0])} columns {wrong[0]}, one is needed")
        table = file.read(columns)
    return table.select(columns).cast(pa.schema([RUN_SCHEMA.field(name) for name in columns]))


def _read_people(path: Path) -> dict[str, BoolArray]:
    """Return the columns of test_rows.parquet, (N,) each; raises LedgerError where it is not that."""
    try:
        table = pq.ParquetFile(path).read()
        names = ["label", "sensitive", *(n for n in table.column_names if n.startswith("decision_"))]
        return {name: table[name].cast(pa.bool_()).to_numpy() for name in names}
    except (OSError, KeyError, pa.ArrowException) as error:
        raise LedgerError(f"{path}: cannot be read ({error}); delete it and resume") from None


def _read_decided(
    path: Path, people: int, wanted: pa.Array | None
) -> tuple[list[str], BoolArray, BoolArray]:
    """Return R run ids and their decisions, (R, people) each; raises LedgerError where they are not."""
    try:
        table = pq.ParquetFile(path).read().select(OUTCOME_SCHEMA.names).cast(OUTCOME_SCHEMA)
        if wanted is not None:
            table = table.filter(pc.is_in(table["run_id"], wanted))
        deferred, positive = (_bits(table[name], people) for name in OUTCOME_SCHEMA.names[1:])
        return table["run_id"].to_pylist(), deferred, positive
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise LedgerError(
            f"{path}: cannot be read ({error}); delete it and runs/{path.name}, and resume"
        ) from None


def _bits(column: pa.ChunkedArray, count: int) -> BoolArray:
    """Unpack rows of bits into (R, count); raises ValueError where there are more or fewer."""
    packed = np.frombuffer(b"".join(column.to_pylist()), dtype=np.uint8)
    return np.unpackbits(packed.reshape(len(column), -(-count // 8)), axis=1, count=count).astype(bool)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame
