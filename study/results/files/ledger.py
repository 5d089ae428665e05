"""The ledger of finished runs: what is in it is done, what is not is still to do.

A pack writes its rows as one Parquet file that appears whole or not at all, after its weights and outcomes,
so a row never points at what is missing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from study.errors import LedgerError
from study.results.files.reading import Broken, ResultsPaths, broken, legible, one_line, read_each
from study.results.files.schema import (
    OUTCOME_SCHEMA,
    RUN_SCHEMA,
    UNREADABLE,
    WEIGHT_SCHEMA,
    Rows,
    frame,
    outcomes_table,
    read_table,
    to_parquet,
    to_table,
)
from study.results.packs import split_id
from study.storage.locations import Location, files_in
from study.storage.lock import held
from study.storage.whole_files import read_whole, write_whole
from study.words import FAILED

_IN_MEMORY = 256
"""How many files are kept as they are read: many small tables take twice the room of a large one."""


class Ledger(ResultsPaths):
    """The rows of finished runs, their weights and their outcomes, a file of each for every pack."""

    def write_runs(
        self,
        pack_id: str,
        rows: Mapping[str, Sequence[Any]],
        *,
        weights: Sequence[np.ndarray[Any, Any]] = (),
        deferred: Sequence[bytes] = (),
        positive: Sequence[bytes] = (),
        benefit: Sequence[np.ndarray[Any, Any]] | None = None,
        tested_on: str = "",
    ) -> None:
        """Add a pack's finished runs: columns by name as in RUN_SCHEMA, the rest in row order.

        ``tested_on`` is the digest of the test rows, as ``write_test_rows`` returns it.
        """
        trained = {"run_id": rows["run_id"], "weights": list(weights)}
        decided = {"run_id": rows["run_id"], "deferred": deferred, "positive": positive}
        decided["benefit"] = [None] * len(rows["run_id"]) if benefit is None else list(benefit)
        tables = (to_table(rows, RUN_SCHEMA), to_table(trained, WEIGHT_SCHEMA))
        self.write_rows(pack_id, Rows(*tables, outcomes_table(decided, tested_on)))

    def write_rows(self, pack_id: str, rows: Rows) -> None:
        """Add the tables of a pack; the runs come last, so that they never point at what is missing."""
        runs_file, *other_files = self.rows_files(pack_id)
        for path, table in zip((*other_files, runs_file), (*rows[1:], rows.runs), strict=True):
            write_whole(path, to_parquet(table))

    def remove_rows(self, pack_id: str) -> None:
        """Take a pack out of the ledger; its runs come first."""
        for path in self.rows_files(pack_id):
            path.unlink(missing_ok=True)

    def has_runs(self, pack_id: str) -> bool:
        """Say whether a pack's rows are in the ledger."""
        return self.rows_files(pack_id)[0].is_file()

    def read_pack_runs(self, pack_id: str, columns: Sequence[str] = RUN_SCHEMA.names) -> pd.DataFrame:
        """Return ``columns`` of one pack's rows; raises LedgerError where the file is missing or broken."""
        path = self.rows_files(pack_id)[0]
        with legible(path):
            return frame(_runs_of(read_whole(path), pack_id, columns))

    def read_runs(self, columns: Sequence[str] = RUN_SCHEMA.names) -> tuple[pd.DataFrame, list[Broken]]:
        """Return ``columns`` of every finished run, one row each, and the files that cannot be read."""
        wanted = list(dict.fromkeys(["run_id", *columns]))
        nothing, unreadable = RUN_SCHEMA.empty_table().select(wanted), list[Broken]()

        def read(path: Location) -> pa.Table | Broken:
            try:
                return _runs_of(read_whole(path), path.stem, wanted)
            except UNREADABLE as error:
                return Broken(path, one_line(error))

        def rows(paths: Sequence[Location]) -> pa.Table:
            tables = [nothing]
            for table in read_each(paths, read):
                (unreadable if isinstance(table, Broken) else tables).append(table)
            return pa.concat_tables(tables).combine_chunks()

        paths = files_in(self.runs, "*.parquet")
        if lost := self._lost_rows({path.stem for path in paths}):
            # Where a driver is at work they may be about to be written.
            unreadable += [] if held(self.root) else lost
        parts = (rows(paths[start : start + _IN_MEMORY]) for start in range(0, len(paths), _IN_MEMORY))
        runs = frame(pa.concat_tables([nothing, *parts]))
        again = runs["run_id"].duplicated()
        # A copy is half a gigabyte where there are a million runs, and hardly ever is one there twice.
        return (runs[~again].reset_index(drop=True) if again.any() else runs)[list(columns)], unreadable

    def _lost_rows(self, with_rows: Collection[str]) -> list[Broken]:
        """Return the files of rows that lack though the pack's weights or outcomes are there."""
        others = (files_in(folder, "*.parquet") for folder in (self.weights, self.outcomes))
        lost = {path.stem for paths in others for path in paths} - set(with_rows)
        why = "it is missing, although the pack's weights or outcomes are there"
        return [Broken(self.rows_files(pack_id)[0], why) for pack_id in sorted(lost)]

    def broken_packs(self) -> list[Broken]:
        """Return a damaged file of every pack that has one, looking at its runs, weights and outcomes.

        Where only rows lack of a pack that was asked for, it is trained again over what is there: a worker
        that outlived its driver may be about to write them.
        """

        def look(path: Location) -> Broken | None:
            runs, weights, outcomes = self.rows_files(path.stem)
            trained = set[str]()

            def check(content: bytes, schema: pa.Schema) -> None:
                if set(read_table(content, schema)["run_id"].to_pylist()) != trained:
                    raise ValueError("its runs are not those of the pack's rows")

            return (
                broken(runs, lambda content: trained.update(_trained(_runs_of(content, runs.stem))))
                or broken(weights, lambda content: check(content, WEIGHT_SCHEMA), needed=True)
                or broken(outcomes, lambda content: check(content, OUTCOME_SCHEMA), needed=True)
            )

        paths = files_in(self.runs, "*.parquet")
        lost = self._lost_rows({path.stem for path in paths})
        strays = [item for item in lost if not self.pack_file(split_id(item.path.stem)[0]).exists()]
        return [*filter(None, read_each(paths, look)), *strays]

    def remove_half_written(self) -> None:
        """Remove weights and outcomes of packs without rows, which killed writers left."""
        for item in self._lost_rows({path.stem for path in files_in(self.runs, "*.parquet")}):
            self.remove_rows(item.path.stem)

    def read_weights(self, run_id: str, pack_id: str) -> np.ndarray[Any, Any]:
        """Return the trained parameters (P,) float32 of a run of a pack.

        Raises LedgerError where the pack has none, or none of the run.
        """
        path = self.rows_files(pack_id)[1]
        for _, weights in _lists_of(path, WEIGHT_SCHEMA, "weights", {run_id}):
            return weights
        raise LedgerError(f"{path}: no weights of run {run_id}")

    def read_benefits(self, runs: pd.DataFrame) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
        """Yield of these rows of the ledger the run_id, and by how much deferring each test case is better.

        That is (N,) float32, above 0 where the run defers and nowhere else; runs of methods that never
        defer have none. Raises LedgerError where a file is missing or damaged.
        """
        for pack_id, own in runs.groupby("pack_id", observed=True)["run_id"]:
            path = self.rows_files(str(pack_id))[2]
            yield from _lists_of(path, OUTCOME_SCHEMA, "benefit", set(own.astype(str)))


def _lists_of(
    path: Location, schema: pa.Schema, column: str, wanted: Collection[str]
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield those run ids of a file that are ``wanted``, with their numbers in a column of lists."""
    with legible(path, "; `study resume` makes it again"):
        table = read_table(read_whole(path), schema, ["run_id", column])
    for run_id, values in zip(table["run_id"].to_pylist(), table[column], strict=True):
        if run_id in wanted and values.is_valid:
            yield run_id, np.array(values.values.to_numpy(zero_copy_only=False), dtype=np.float32)


def _trained(runs: pa.Table) -> list[str]:
    """Return the ids of the runs that did not fail: these have weights and outcomes."""
    failed = pc.fill_null(pc.equal(runs["status"], FAILED), False)
    ids: list[str] = runs.filter(pc.invert(failed))["run_id"].to_pylist()
    return ids


def _runs_of(content: bytes, pack_id: str, columns: Sequence[str] = RUN_SCHEMA.names) -> pa.Table:
    """Return ``columns`` of the rows of a pack; raises ValueError where one is of another pack."""
    table = read_table(content, RUN_SCHEMA, list(dict.fromkeys([*columns, "pack_id"])))
    others = [name for name in pc.unique(table["pack_id"]).to_pylist() if name != pack_id]
    if others:
        raise ValueError(f"a row of pack {others[0]}, which is not the file's name")
    return table.select(list(columns))
