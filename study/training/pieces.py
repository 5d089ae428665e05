"""Parts of a pack, trained apart where the pack as a whole cannot be, and put together again.

A piece is some settings of a pack under some of its seeds. Its rows are those that the pack would have
written, bit for bit, since a run does not depend on what trains beside it. Pieces are written to a ledger
of their own, ``DIR/pieces``; a pack enters the study's ledger whole, when every run of it has its row.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from study.results.directory import ResultsDirectory
from study.results.packs import Pack, run_id
from study.results.schema import Rows

_NAME = re.compile(r"(.+)\.(\d+)-(\d+)x(\d+)-(\d+)")


@dataclass(frozen=True)
class Piece:
    """The settings ``settings`` of a pack's ``fresh`` ones under its seeds ``seeds``, both by number."""

    pack: Pack
    settings: range
    seeds: range

    @staticmethod
    def whole(pack: Pack) -> "Piece":
        """Return the piece that is all of a pack."""
        return Piece(pack, range(len(pack.fresh)), range(len(pack.seeds)))

    @staticmethod
    def named(pack: Pack, name: str) -> "Piece":
        """Return the piece of a pack with this name."""
        a, b, c, d = (int(number) for number in re.findall(r"\d+", name.rpartition(".")[2]))
        return Piece(pack, range(a, b), range(c, d))

    @property
    def name(self) -> str:
        """The piece's id: the pack's, and what of it."""
        a, b, c, d = self.settings.start, self.settings.stop, self.seeds.start, self.seeds.stop
        return f"{self.pack.pack_id}.{a}-{b}x{c}-{d}"

    @property
    def run_ids(self) -> list[str]:
        """The runs of the piece, seed by seed and setting by setting."""
        fresh, seeds = self.pack.fresh, self.pack.seeds
        return [run_id(fresh[setting], seeds[seed]) for seed in self.seeds for setting in self.settings]

    def as_pack(self) -> Pack:
        """Return the piece as a pack, which trains like any other."""
        fresh = self.pack.fresh[self.settings.start : self.settings.stop]
        seeds = self.pack.seeds[self.seeds.start : self.seeds.stop]
        return replace(self.pack, pack_id=self.name, fresh=fresh, seeds=seeds)

    def halves(self) -> tuple["Piece", "Piece"]:
        """Return two pieces that make up this one: half its settings each, or of one half its seeds."""
        if len(self.settings) > 1:
            first, second = _halved(self.settings)
            return replace(self, settings=first), replace(self, settings=second)
        first, second = _halved(self.seeds)
        return replace(self, seeds=first), replace(self, seeds=second)

    def without(self, runs: Collection[str]) -> list["Piece"]:
        """Return the largest pieces of this one that have none of ``runs`` and together all others."""
        there = [run in runs for run in self.run_ids]
        if not any(there):
            return [self]
        if all(there):
            return []
        return [piece for half in self.halves() for piece in half.without(runs)]


def read_piece(directory: ResultsDirectory, name: str) -> tuple[Pack, ResultsDirectory]:
    """Return the pack or piece of a pack with this id, and the ledger that its rows go to.

    Raises LedgerError where there is none.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return directory.read_pack(name), directory
    return Piece.named(directory.read_pack(found[1]), name).as_pack(), directory.pieces


def pieces_in(directory: ResultsDirectory) -> dict[str, list[str]]:
    """Return the names of the pieces that have been trained, by their pack's id."""
    found: dict[str, list[str]] = {}
    for name in sorted(directory.pieces.finished_packs()):
        if named := _NAME.fullmatch(name):
            found.setdefault(named[1], []).append(name)
    return found


def put_together(
    pack: Pack, directory: ResultsDirectory, pieces: Collection[str], given_up: Sequence[Rows]
) -> None:
    """Write a pack's rows: those of its pieces, of runs given up, and what sound ones it has already.

    The pieces are removed once the rows are in.
    """
    parts = [*(directory.pieces.read_rows(name) for name in pieces), *given_up]
    if directory.has_runs(pack.pack_id):
        parts.append(directory.read_rows(pack.pack_id).sound())
    order = pa.array(Piece.whole(pack).run_ids, pa.string())
    runs, weights, outcomes = (_in_order(tables, order) for tables in zip(*parts, strict=True))
    of_pack = pa.array([pack.pack_id] * len(runs), pa.string())
    runs = runs.set_column(runs.column_names.index("pack_id"), "pack_id", of_pack)
    directory.write_rows(pack.pack_id, Rows(runs, weights, outcomes))
    remove_pieces(pack.pack_id, directory)


def remove_pieces(pack_id: str, directory: ResultsDirectory) -> None:
    """Remove all that was written of a pack's pieces."""
    for name in pieces_in(directory).get(pack_id, []):
        directory.pieces.remove_rows(name)


def _halved(numbers: range) -> tuple[range, range]:
    middle = len(numbers) // 2
    return numbers[:middle], numbers[middle:]


def _in_order(tables: Sequence[pa.Table], run_ids: pa.Array) -> pa.Table:
    """Return the rows of ``run_ids`` in their order, each once, as far as there are any."""
    table = pa.concat_tables(tables)
    return table.take(pc.index_in(run_ids, table["run_id"].combine_chunks()).drop_null())
