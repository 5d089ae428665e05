"""The decision-makers of a study, the test rows, and what runs decide on these."""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from study.errors import LedgerError
from study.results.files.reading import Broken, ResultsPaths, broken, legible, read_each
from study.results.files.schema import (
    CLUSTERS_NAME,
    DECISION_MAKER_SCHEMA,
    UNREADABLE,
    BoolArray,
    ExampleColumns,
    frame,
    open_table,
    read_decisions,
    read_table,
    read_test_rows,
    to_parquet,
    to_table,
)
from study.results.outcomes import Clusters, MissingOutcomesError, Outcomes, units
from study.storage.locations import Location, files_in
from study.storage.whole_files import read_whole, write_whole
from study.words import CELL_NAMES

_PROBABILITIES = b"probabilities"
"""What the digest of the decision-makers' probabilities is called in the test rows' file."""
_AGAIN = "; `study resume` makes it again"
_LOST = "is missing, although test rows were decided by those in it"


class DecisionFiles(ResultsPaths):
    """Who decides in a study, and about whom: the tables that its runs share, and the runs' outcomes."""

    def write_decision_makers(self, rows: Mapping[str, Sequence[Any]], split: int = 0) -> None:
        """Write the decision-makers of a split, a row each with the columns of DECISION_MAKER_SCHEMA."""
        write_whole(self.decision_makers_of(split), to_parquet(to_table(rows, DECISION_MAKER_SCHEMA)))

    def read_decision_makers(self, split: int = 0) -> pd.DataFrame:
        """Return those of a split; empty before they are trained, LedgerError if unreadable or lost."""
        file = self.decision_makers_of(split)
        if not file.exists():
            if self.test_rows_of(split).exists():
                raise LedgerError(f"{file}: {_LOST}{_AGAIN}")
            return frame(DECISION_MAKER_SCHEMA.empty_table())
        with legible(file, _AGAIN):
            return frame(_read_makers(read_whole(file), self.test_rows_of(split)))

    def write_test_rows(
        self,
        label: BoolArray,
        sensitive: BoolArray,
        probabilities: Mapping[str, npt.NDArray[Any]],
        rows: npt.NDArray[Any] | slice = slice(None),
        clusters: Clusters | None = None,
        split: int = 0,
        row_id: npt.NDArray[Any] | None = None,
    ) -> None:
        """Write a split's test rows, ``rows`` of the N of the data, and what decision-makers decide there.

        ``clusters`` are those of the N rows; the test rows' are numbered anew. ``row_id`` (N,) names them.
        Where they were written before they must be the same, and the probabilities (N,) equal to the last
        bit: with them the finished runs were trained and measured. Raises LedgerError where they differ.
        """
        columns: dict[str, npt.NDArray[Any]] = {"label": label[rows], "sensitive": sensitive[rows]}
        columns |= {f"decision_{name}": chances[rows] >= 0.5 for name, chances in probabilities.items()}
        fields = [(name, pa.bool_()) for name in columns]
        metadata = {_PROBABILITIES: _digest(probabilities.values())}
        if clusters is not None:
            columns["cluster"] = np.unique(clusters.number[rows], return_inverse=True)[1]
            fields.append(("cluster", pa.int32()))
            metadata[CLUSTERS_NAME] = clusters.name.encode()
        if row_id is not None:
            columns["row_id"] = row_id[rows]
            fields.append(("row_id", pa.string()))
        schema = pa.schema(fields, metadata)
        table = to_table(columns, schema)
        file = self.test_rows_of(split)
        if not file.exists():
            write_whole(file, to_parquet(table))
            return
        with legible(file, _AGAIN):
            known = open_table(read_whole(file))
        if not table.equals(known, check_metadata=True):
            raise LedgerError(
                f"{file}: differs from what the data and the decision-makers give now, so "
                "new rows would not go with the finished ones; give another --out"
            )

    def read_outcomes(self, runs: pd.DataFrame) -> Outcomes | None:
        """Return the test decisions of runs of the ledger; None where no decisions are kept.

        ``runs`` has their run_id and pack_id: only the files of their packs are opened, and no other runs
        unpacked. A run whose pack has no outcomes is left out. All are of one ``split`` (0 without that
        column), else MissingOutcomesError. Raises LedgerError for a file that cannot be read.
        """
        splits = set(runs["split"]) if "split" in runs else {0}
        if len(splits) > 1:
            raise MissingOutcomesError("the runs are tested on the rows of different splits")
        file = self.test_rows_of(next(iter(splits), 0))
        paths = files_in(self.outcomes, "*.parquet")
        if not paths or not file.exists():
            return None
        with legible(file, _AGAIN):
            examples = read_test_rows(read_whole(file))
        label = examples.label
        if not _tested_on(examples, runs):
            raise LedgerError(
                f"{file}: its rows are not those on which the runs were tested; restore it from a copy, "
                "or delete it: `study resume` makes it again"
            )
        by_pack = runs.groupby("pack_id", observed=True)["run_id"]
        wanted = {pack: pa.array(own, pa.string()) for pack, own in by_pack}
        none = np.zeros((0, len(label)), np.bool_)

        def read(path: Location) -> tuple[list[str], BoolArray, BoolArray]:
            with legible(path, _AGAIN):
                decided = read_decisions(read_whole(path), len(label), wanted[path.stem])
                if not set(decided[0]) >= set(wanted[path.stem].to_pylist()):
                    raise ValueError("its runs are not those of the pack's rows")
                return decided

        of_packs = read_each([path for path in paths if path.stem in wanted], read)
        names, deferred, positive = zip(([], none, none), *of_packs, strict=True)
        outcomes = Outcomes(
            run_id=[run_id for of_pack in names for run_id in of_pack],
            deferred=np.concatenate(deferred),
            positive=np.concatenate(positive),
            label=label,
            sensitive=examples.sensitive,
            decisions=examples.decisions,
            clusters=examples.clusters,
        )
        once = np.sort(np.unique(outcomes.run_id, return_index=True)[1])
        return outcomes if len(once) == len(outcomes.run_id) else outcomes.take(once)

    def test_units(self) -> str:
        """Return what intervals of test metrics resample: test cases, or groups of them."""
        if not self.test_rows_file.exists():
            return units(None)
        with legible(self.test_rows_file, _AGAIN):
            return units(read_test_rows(read_whole(self.test_rows_file)).clusters)

    def broken_tables(self) -> list[Broken]:
        """Return which of the tables that the runs share are damaged."""
        made, rows = self.decision_makers_file.stem, self.test_rows_file.stem
        tested = files_in(self.root, f"{rows}*.parquet")
        named = {file.name: file for file in files_in(self.root, f"{made}*.parquet")}
        # Test rows are written after their decision-makers: without these they were lost.
        lost = (self.root / file.name.replace(rows, made) for file in tested)
        result = []
        for file in (named | {file.name: file for file in lost}).values():
            of_split = self.root / file.name.replace(made, rows)
            result.append(broken(file, partial(_read_makers, tested=of_split), needed=True))
        return [*filter(None, [*result, *(broken(file, read_test_rows) for file in tested)])]


def _read_makers(content: bytes, tested: Location) -> pa.Table:
    """Return decision-makers; raises one of UNREADABLE, also where the test rows are of others."""
    table = read_table(content, DECISION_MAKER_SCHEMA)
    known = None
    with contextlib.suppress(*UNREADABLE):
        known = (open_table(read_whole(tested)).schema.metadata or {}).get(_PROBABILITIES)
    own = (np.array(of.values.to_numpy(zero_copy_only=False), np.float32) for of in table["probability"])
    if known and known != _digest(own):
        raise ValueError("its decision-makers are not those of the test rows")
    return table


def _tested_on(examples: ExampleColumns, runs: pd.DataFrame) -> bool:
    """Say whether there are as many test rows of each group and outcome as the ledger counts for runs."""
    counted = [f"test_cases_{cell}" for cell in CELL_NAMES]
    if not set(counted) <= set(runs.columns):
        return True
    cases = np.bincount(2 * examples.sensitive + examples.label, minlength=len(CELL_NAMES))
    return bool((runs[counted].dropna() == cases).to_numpy().all())


def _digest(probabilities: Iterable[npt.NDArray[Any]]) -> bytes:
    """Return a digest of decision-makers' probabilities, as the test rows' file keeps it."""
    joined = b"".join(chances.tobytes() for chances in probabilities)
    return hashlib.sha256(joined).hexdigest().encode()
