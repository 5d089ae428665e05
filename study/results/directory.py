"""The results directory: where everything in it lives, and the ledger of finished runs.

What is in the ledger is done; what is not is still to do. A pack writes its rows as one Parquet file that
appears whole or not at all, after its weights, so a row never points at weights that are not there.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from study.errors import LedgerError, StudyFileError
from study.results.legible import each, legible, words
from study.results.outcomes import Outcomes
from study.results.packs import Pack, split_id
from study.results.schema import (
    DECISION_MAKER_SCHEMA,
    OUTCOME_SCHEMA,
    RUN_SCHEMA,
    UNREADABLE,
    WEIGHT_SCHEMA,
    BoolArray,
    Rows,
    frame,
    read_decided,
    read_people,
    read_table,
    to_parquet,
    to_table,
)
from study.storage.locations import Location, files_in, local_logs, location, renamed
from study.storage.lock import Hold, held, holding
from study.storage.whole_files import read_whole, write_whole
from study.storage.yaml_text import dump_yaml, parse_yaml

_IN_MEMORY = 256
"""How many files are kept as they are read: many small tables take twice the room of a large one."""


@dataclass(frozen=True)
class Broken:
    """A file of the ledger that cannot be read, and why."""

    path: Location
    reason: str


class ResultsDirectory:
    """The one place that knows what lies where in a results directory."""

    def __init__(self, root: Location | str) -> None:
        self.root = location(root)
        self.study_file = self.root / "study.yaml"
        self.manifest_file = self.root / "manifest.json"
        self.decision_makers_file = self.root / "decision_makers.parquet"
        self.runs = self.root / "runs"
        self.weights = self.root / "weights"
        self.outcomes = self.root / "outcomes"
        self.test_rows_file = self.root / "test_rows.parquet"
        self.packs = self.root / "packs"
        self.checkpoints = self.root / "checkpoints"
        self.logs = local_logs(self.root)
        self.report = self.root / "report"
        self._hold = Hold()

    @property
    def where(self) -> str:
        """What another process opens this directory by; a URI with its keys, so it is never shown."""
        return str(self.root.resolve()) if isinstance(self.root, Path) else self.root.uri

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
        errors = (OSError, UnicodeDecodeError, yaml.YAMLError, StudyFileError)
        with legible(self.study_file, errors=errors):
            return parse_yaml(read_whole(self.study_file).decode(), str(self.study_file))

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write versions, fingerprint and sessions."""
        self._hold.check()
        write_whole(self.manifest_file, json.dumps(manifest, indent=2).encode())

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest; raises LedgerError where it is missing or unreadable."""
        manifest: dict[str, Any] = _read_json(self.manifest_file)
        sessions = manifest.get("sessions", []) if isinstance(manifest, dict) else None
        if not isinstance(sessions, list) or not all(isinstance(session, dict) for session in sessions):
            raise LedgerError(f"{self.manifest_file}: is not a manifest: an object with a list of sessions")
        return manifest

    # Packs

    def write_pack(self, pack: Pack) -> None:
        """Write what a pack is asked to run, before it runs."""
        self._hold.check()
        write_whole(self._pack_file(pack.pack_id), json.dumps(pack.to_json()).encode())

    def read_pack(self, pack_id: str) -> Pack:
        """Return a pack, or a sub-pack of one; raises LedgerError where its file is missing or damaged."""
        root, _ = split_id(pack_id)
        path = self._pack_file(root)
        try:
            pack = Pack.from_json(_read_json(path))
            if pack.pack_id != root:
                raise ValueError("its pack_id is not its file's name")
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise LedgerError(f"{path}: is not a pack's manifest ({words(error)})") from None
        return pack.sub_pack(pack_id)

    def read_packs(self) -> list[Pack]:
        """Return all packs asked for, by arm and index."""
        packs = each(files_in(self.packs, "*.json"), lambda path: self.read_pack(path.stem))
        return sorted(packs, key=lambda pack: (pack.arm, pack.index))

    def _pack_file(self, pack_id: str) -> Location:
        return self.packs / f"{pack_id}.json"

    # Packs in training

    def write_checkpoint(self, pack_id: str, content: bytes) -> None:
        """Keep the state of a pack that is in training."""
        write_whole(self._checkpoint_file(pack_id), content)

    def read_checkpoint(self, pack_id: str) -> bytes | None:
        """Return what was kept of a pack in training, None where nothing was; LedgerError if unreadable."""
        path = self._checkpoint_file(pack_id)
        with legible(path, errors=(OSError,)), contextlib.suppress(FileNotFoundError):
            return read_whole(path)
        return None

    def drop_checkpoint(self, pack_id: str) -> None:
        """Remove what was kept of a pack in training."""
        self._checkpoint_file(pack_id).unlink(missing_ok=True)

    def _checkpoint_file(self, pack_id: str) -> Location:
        return self.checkpoints / f"{pack_id}.checkpoint"

    # The ledger

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
        decided = {"run_id": rows["run_id"], "deferred": deferred, "positive": positive}
        tables = ((rows, RUN_SCHEMA), (trained, WEIGHT_SCHEMA), (decided, OUTCOME_SCHEMA))
        self.write_rows(pack_id, Rows(*(to_table(columns, schema) for columns, schema in tables)))

    def write_rows(self, pack_id: str, rows: Rows) -> None:
        """Add what a pack leaves; the runs come last, so that they never point at what is not there."""
        write_whole(self.weights / f"{pack_id}.parquet", to_parquet(rows.weights))
        write_whole(self.outcomes / f"{pack_id}.parquet", to_parquet(rows.outcomes))
        write_whole(self._runs_file(pack_id), to_parquet(rows.runs))

    def remove_rows(self, pack_id: str) -> None:
        """Take a pack out of the ledger; its runs come first."""
        for folder in (self.runs, self.weights, self.outcomes):
            (folder / f"{pack_id}.parquet").unlink(missing_ok=True)

    def has_runs(self, pack_id: str) -> bool:
        """Say whether a pack's rows are in the ledger."""
        return self._runs_file(pack_id).is_file()

    def finished_packs(self) -> set[str]:
        """Return the ids of the packs whose rows are in the ledger."""
        return {path.stem for path in self.runs.glob("*.parquet")}

    def read_pack_runs(self, pack_id: str, columns: Sequence[str] = RUN_SCHEMA.names) -> pd.DataFrame:
        """Return ``columns`` of one pack's rows; raises LedgerError where the file is missing or broken."""
        path = self._runs_file(pack_id)
        with legible(path):
            return frame(read_table(read_whole(path), RUN_SCHEMA, columns))

    def read_runs(self, columns: Sequence[str] = RUN_SCHEMA.names) -> tuple[pd.DataFrame, list[Broken]]:
        """Return ``columns`` of every finished run, one row each, and the files that cannot be read."""
        wanted = list(dict.fromkeys(["run_id", *columns]))
        nothing, broken = RUN_SCHEMA.empty_table().select(wanted), list[Broken]()

        def rows(paths: Sequence[Location]) -> pa.Table:
            found = each(paths, lambda path: _rows(path, wanted))
            broken.extend(item for item in found if isinstance(item, Broken))
            tables = [item for item in found if not isinstance(item, Broken)]
            return pa.concat_tables([nothing, *tables]).combine_chunks()

        paths = files_in(self.runs, "*.parquet")
        parts = (rows(paths[start : start + _IN_MEMORY]) for start in range(0, len(paths), _IN_MEMORY))
        runs = frame(pa.concat_tables([nothing, *parts]))
        again = runs["run_id"].duplicated()
        # A copy is half a gigabyte where there are a million runs, and hardly ever is one there twice.
        return (runs[~again].reset_index(drop=True) if again.any() else runs)[list(columns)], broken

    def broken(self) -> list[Broken]:
        """Return the files of the ledger that cannot be read, in any column; keeps none of the others."""

        def look(path: Location) -> Broken | None:
            found = _rows(path, RUN_SCHEMA.names)
            return found if isinstance(found, Broken) else None

        return [item for item in each(files_in(self.runs, "*.parquet"), look) if item is not None]

    def set_aside(self, broken: Broken) -> Location:
        """Move a broken file out of the ledger, so that its runs are done again; return where to."""
        return renamed(broken.path, f"{broken.path.name}.broken")

    def read_weights(self, run_id: str, pack_id: str) -> np.ndarray[Any, Any]:
        """Return the trained parameters (P,) float32 of a run of a pack.

        Raises LedgerError where the pack has none, or none of the run.
        """
        path = self.weights / f"{pack_id}.parquet"
        missing = LedgerError(f"{path}: no weights of run {run_id}")
        with legible(path):
            try:
                table = read_table(read_whole(path), WEIGHT_SCHEMA)
            except FileNotFoundError:
                raise missing from None
        at = table["run_id"].index(run_id).as_py()
        if at < 0:
            raise missing
        return np.asarray(table["weights"][at].as_py(), dtype=np.float32)

    def _runs_file(self, pack_id: str) -> Location:
        return self.runs / f"{pack_id}.parquet"

    # Decision-makers and the people tested

    def write_test_rows(
        self, label: BoolArray, sensitive: BoolArray, decisions: Mapping[str, BoolArray]
    ) -> None:
        """Write who the models are tested on, (N,) each, and what each decision-maker decides for them."""
        columns = {"label": label, "sensitive": sensitive}
        columns |= {f"decision_{name}": decided for name, decided in decisions.items()}
        schema = pa.schema([(name, pa.bool_()) for name in columns])
        write_whole(self.test_rows_file, to_parquet(to_table(columns, schema)))

    def read_outcomes(self, runs: pd.DataFrame) -> Outcomes | None:
        """Return the test decisions of runs of the ledger; None where no decisions are kept.

        ``runs`` has their run_id and pack_id: only the files of their packs are opened, and no other runs
        unpacked. A run whose pack has no outcomes is left out. Raises LedgerError for a file that cannot
        be read.
        """
        paths = files_in(self.outcomes, "*.parquet")
        if not paths or not self.test_rows_file.exists():
            return None
        people = self._read_people()
        by_pack = runs.groupby("pack_id", observed=True)["run_id"]
        wanted = {pack: pa.array(own, pa.string()) for pack, own in by_pack}
        nobody = np.zeros((0, len(people["label"])), np.bool_)
        decided = each(
            [path for path in paths if path.stem in wanted],
            lambda path: self._read_decided(path, len(people["label"]), wanted[path.stem]),
        )
        names, deferred, positive = zip(([], nobody, nobody), *decided, strict=True)
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

    def _read_people(self) -> dict[str, BoolArray]:
        with legible(self.test_rows_file, "; delete it and resume"):
            return read_people(read_whole(self.test_rows_file))

    def _read_decided(
        self, path: Location, people: int, wanted: pa.Array
    ) -> tuple[list[str], BoolArray, BoolArray]:
        with legible(path, f"; delete it and runs/{path.name}, and resume"):
            return read_decided(read_whole(path), people, wanted)

    def write_decision_makers(self, rows: Mapping[str, Sequence[Any]]) -> None:
        """Write the decision-makers, a row each with the columns of DECISION_MAKER_SCHEMA."""
        write_whole(self.decision_makers_file, to_parquet(to_table(rows, DECISION_MAKER_SCHEMA)))

    def read_decision_makers(self) -> pd.DataFrame:
        """Return the decision-makers; empty before they are trained, LedgerError if unreadable."""
        if not self.decision_makers_file.exists():
            return frame(DECISION_MAKER_SCHEMA.empty_table())
        advice = "; delete it and resume to train the decision-makers again"
        with legible(self.decision_makers_file, advice):
            return frame(read_table(read_whole(self.decision_makers_file), DECISION_MAKER_SCHEMA))

    def sweep(self) -> None:
        """Remove what only a study in training needs, and what killed writers left half written."""
        written = (self.root, self.packs, self.runs, self.weights, self.outcomes, self.report)
        folders = (*written, self.checkpoints)
        for at, pattern in ((self.checkpoints, "*"), *((folder, ".*.part") for folder in folders)):
            for path in at.glob(pattern):
                path.unlink(missing_ok=True)
        if isinstance(self.checkpoints, Path):
            with contextlib.suppress(OSError):
                self.checkpoints.rmdir()

    # One driver at a time

    @contextlib.contextmanager
    def locked(self, say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
        """Hold the directory against a second driver; raises LedgerError where there is one.

        ``say`` is told what is waited for. `study.storage.lock` says what this guarantees in an
        object store.
        """
        with holding(self.root, say) as self._hold:
            yield

    def is_locked(self) -> bool:
        """Say whether a driver is at work here."""
        return held(self.root)


def _rows(path: Location, columns: Sequence[str]) -> pa.Table | Broken:
    try:
        return read_table(read_whole(path), RUN_SCHEMA, columns)
    except UNREADABLE as error:
        return Broken(path, words(error))


def _read_json(path: Location) -> Any:
    with legible(path, errors=(OSError, ValueError, RecursionError)):
        return json.loads(read_whole(path))
