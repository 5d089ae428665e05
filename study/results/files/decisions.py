"""The decision-makers of a study, the test rows, and what runs decide on these."""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    OtherTestRowsError,
    digest_of,
    frame,
    open_table,
    read_decisions,
    read_table,
    read_test_rows,
    tested_on,
    to_parquet,
    to_table,
)
from study.results.outcomes import Clusters, MissingOutcomesError, Outcomes, units
from study.results.packs import split_of
from study.storage.locations import Location, files_in
from study.storage.whole_files import read_whole, write_whole

_PROBABILITIES = b"probabilities"
"""What the digest of the decision-makers' probabilities is called in the test rows' file."""
_AGAIN = "; `study resume` makes it again"
_LOST = "is missing, although test rows were decided by those in it"
_OF_SPLIT = re.compile(r"(?:decision_makers|test_rows)(?:_split(\d+))?\.parquet")
_OTHERS = "its rows are not those on which the runs were tested"


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
    ) -> str:
        """Write a split's test rows, ``rows`` of the N of the data, and what decision-makers decide there.

        ``clusters`` are those of the N rows; the test rows' are numbered anew. ``row_id`` (N,) names them.
        Where they were written before they must be the same, and the probabilities (N,) equal to the last
        bit: with them the finished runs were trained and measured. Raises LedgerError where they differ.
        Returns their digest, which outcomes are to carry.
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
        file, digest = self.test_rows_of(split), digest_of(table)
        if file.exists():
            with legible(file, _AGAIN):
                known = digest_of(open_table(read_whole(file)))
        else:
            known = self._tested_on(split) or digest
        if known != digest:
            raise LedgerError(
                f"{file}: differs from what the data and the decision-makers give now, so "
                "new rows would not go with the finished ones; give another --out"
            )
        if not file.exists():
            write_whole(file, to_parquet(table))
        return digest

    def read_outcomes(self, runs: pd.DataFrame) -> Outcomes | None:
        """Return the test decisions of runs of the ledger; None where there are neither runs nor test rows.

        ``runs`` has their run_id and pack_id: only the files of their packs are opened, and no other runs
        unpacked. All are of one ``split`` (0 without that column), else MissingOutcomesError, which names
        a file that is missing, too. Raises LedgerError for a file that cannot be read, and for test rows
        other than those that the runs decided on.
        """
        splits = set(runs["split"]) if "split" in runs else {0}
        if len(splits) > 1:
            raise MissingOutcomesError("the runs are tested on the rows of different splits")
        file = self.test_rows_of(next(iter(splits), 0))
        if not file.exists():
            if runs.empty:
                return None
            raise MissingOutcomesError(f"{file}: is missing{_AGAIN}")
        with legible(file, _AGAIN):
            examples = read_test_rows(read_whole(file))
        label = examples.label
        by_pack = runs.groupby("pack_id", observed=True)["run_id"]
        wanted = {pack: pa.array(own, pa.string()) for pack, own in by_pack}
        none = np.zeros((0, len(label)), np.bool_)

        def read(path: Location) -> tuple[list[str], BoolArray, BoolArray]:
            try:
                with legible(path, _AGAIN):
                    try:
                        content = read_whole(path)
                    except FileNotFoundError:
                        raise MissingOutcomesError(f"{path}: is missing{_AGAIN}") from None
                    return read_decisions(content, examples, wanted[path.stem])
            except OtherTestRowsError:
                raise LedgerError(f"{file}: {_OTHERS} by {path}{_AGAIN}") from None

        of_packs = read_each([self.rows_files(str(pack))[2] for pack in wanted], read)
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
        """Return which of the tables that the runs share are damaged, or missing."""
        names = (
            file.name
            for name in ("decision_makers", "test_rows")
            for file in files_in(self.root, f"{name}*")
        )
        splits = sorted({int(table[1] or 0) for name in names if (table := _OF_SPLIT.fullmatch(name))})
        return [damaged for split in splits for damaged in self._broken_of(split)]

    def _broken_of(self, split: int) -> Iterator[Broken]:
        makers, rows = self.decision_makers_of(split), self.test_rows_of(split)
        expected = self._tested_on(split)

        def check(content: bytes) -> None:
            if read_test_rows(content).digest != expected and expected:
                raise ValueError(_OTHERS)

        # Test rows are written after their decision-makers: without these they were lost.
        needed = rows.exists()
        damaged = broken(rows, check, needed=expected != "")
        if damaged:
            yield damaged
        # Only the right test rows tell whether the decision-makers are.
        of_makers = partial(_read_makers, tested=None if damaged else rows)
        if damaged := broken(makers, of_makers, needed=needed):
            yield damaged

    def _tested_on(self, split: int) -> str:
        """Return the digest of the test rows that a split's outcomes are decisions on; empty if unknown."""
        for path in files_in(self.outcomes, "*.parquet"):
            if split_of(path.stem) == split:
                with contextlib.suppress(*UNREADABLE):
                    return tested_on(read_whole(path))
        return ""


def _read_makers(content: bytes, tested: Location | None) -> pa.Table:
    """Return decision-makers; raises one of UNREADABLE, also where the ``tested`` rows are of others."""
    table = read_table(content, DECISION_MAKER_SCHEMA)
    if tested is None:
        return table
    known = None
    with contextlib.suppress(*UNREADABLE):
        known = (open_table(read_whole(tested)).schema.metadata or {}).get(_PROBABILITIES)
    own = (np.array(of.values.to_numpy(zero_copy_only=False), np.float32) for of in table["probability"])
    if known and known != _digest(own):
        raise ValueError(f"its decision-makers are not those of {tested.name}")
    return table


def _digest(probabilities: Iterable[npt.NDArray[Any]]) -> bytes:
    """Return a digest of decision-makers' probabilities, as the test rows' file keeps it."""
    joined = b"".join(chances.tobytes() for chances in probabilities)
    return hashlib.sha256(joined).hexdigest().encode()
