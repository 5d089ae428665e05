"""Several studies that belong together: the figures of the paper, run one after the other into one page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from study.api import Study
from study.config.presets import COLLECTIONS
from study.data import load_dataset
from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.results.files.reading import legible, read_json
from study.status import Status
from study.storage.locations import Location
from study.storage.seals import sealed_json
from study.storage.whole_files import delivered, write_whole

_FILE = "collection.json"


@dataclass(frozen=True)
class Collection:
    """The studies of ``name`` in one directory, each in a results directory of its own below it."""

    name: str
    root: Location
    overrides: tuple[str, ...]

    @staticmethod
    def begin(name: str, root: Location, overrides: Sequence[str]) -> "Collection":
        """Write down what belongs together in ``root``, or resume what is there.

        Raises StudyFileError for a wrong override, LedgerError where something else was begun there,
        OutputError where nothing can be written.
        """
        collection = Collection(name, root, tuple(overrides))
        for preset in collection.presets:
            collection.study(preset)
        if is_collection(root):
            if Collection.open(root) != collection:
                raise LedgerError(f"{root / _FILE}: other studies were begun there; give another --out")
        elif ResultsDirectory(root).exists():
            raise LedgerError(f"{root}: a single study was begun there; give another --out")
        content = {"collection": name, "overrides": list(overrides)}
        write_whole(root / _FILE, sealed_json(content, indent=2))
        return collection

    @staticmethod
    def open(root: Location) -> "Collection":
        """Return what was begun in ``root``; raises LedgerError where its file is not readable."""
        content = read_json(root / _FILE, "; restore it from a copy, or begin it again with another --out")
        with legible(root / _FILE):
            name, overrides = content["collection"], tuple(map(str, content["overrides"]))
        if name not in COLLECTIONS:
            raise LedgerError(f"{root / _FILE}: {name!r} is unknown; there are {', '.join(COLLECTIONS)}")
        return Collection(name, root, overrides)

    @property
    def presets(self) -> tuple[str, ...]:
        """The studies, in the order in which they run."""
        return COLLECTIONS[self.name][1]

    def train(self, *, log: Callable[[str], None] = print, **options: Any) -> bool:
        """Begin or resume all studies, with the options of ``launch``; write the report of each.

        Returns whether every planned run is there. Raises as ``launch`` does, before anything is trained
        where a study's data cannot be had.
        """
        studies = {preset: self.study(preset) for preset in self.presets}
        for name, path in dict.fromkeys(
            (data.name, data.path) for data in (study.config.dataset for study in studies.values())
        ):
            load_dataset(name, path=path)
        complete = True
        for number, (preset, study) in enumerate(studies.items(), start=1):
            log(f"{preset} ({number} of {len(studies)})")
            complete &= study.train(log=log, **options)
            study.report()
        return complete

    def report(self, out: Location | None = None) -> Location:
        """Write the page of all studies begun so far, and return where it is.

        Raises OutputError where it cannot be written.
        """
        # Not above: only a report waits for matplotlib.
        from study.reports.paper.paper import write_paper

        where = out or self.root / "report"
        studies = {preset: self.study(preset) for preset in self.presets}
        begun = {preset: study for preset, study in studies.items() if study.directory.exists()}
        results = {preset: study.full_results() for preset, study in begun.items()}
        with delivered(where) as folder:
            return where / write_paper(results, folder, COLLECTIONS[self.name][0]).name

    def status(self) -> Status:
        """Return how the studies stand together, and each of them."""
        parts = tuple(self.study(preset).status() for preset in self.presets)
        states = {part.state for part in parts}
        return Status(
            study=self.name,
            state="running" if "running" in states else states.pop() if len(states) == 1 else "interrupted",
            planned=sum(part.planned for part in parts),
            finished=sum(part.finished for part in parts),
            failed=sum(part.failed for part in parts),
            failures=tuple(failure for part in parts for failure in part.failures),
            broken=tuple(broken for part in parts for broken in part.broken),
            parts=parts,
        )

    def study(self, preset: str) -> Study:
        """Return one of the studies, begun or not; raises StudyFileError for a wrong override."""
        return Study.of(preset, out=self.root / preset, overrides=self.overrides)


def is_collection(root: Location) -> bool:
    """Say whether several studies were begun in ``root``."""
    return (root / _FILE).is_file()
