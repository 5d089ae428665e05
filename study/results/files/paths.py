"""What lies where in a results directory."""

from pathlib import Path

from study.storage.locations import Location, local_logs, location


class ResultsPaths:
    """The files and folders of a results directory, a local path or a URI."""

    def __init__(self, root: Location | str) -> None:
        self.root = location(root)
        self.study_file = self.root / "study.yaml"
        self.manifest_file = self.root / "manifest.json"
        self.decision_makers_file = self.decision_makers_of(0)
        self.test_rows_file = self.test_rows_of(0)
        self.packs = self.root / "packs"
        self.runs = self.root / "runs"
        self.weights = self.root / "weights"
        self.outcomes = self.root / "outcomes"
        self.checkpoints = self.root / "checkpoints"
        self.report = self.root / "report"
        self.logs = local_logs(self.root)

    def decision_makers_of(self, split: int) -> Location:
        """The decision-makers of a split."""
        return self.root / f"decision_makers{_suffix(split)}.parquet"

    def test_rows_of(self, split: int) -> Location:
        """The test rows of a split."""
        return self.root / f"test_rows{_suffix(split)}.parquet"

    @property
    def where(self) -> str:
        """What another process opens this directory by; a URI with its keys, so it is never shown."""
        return str(self.root.resolve()) if isinstance(self.root, Path) else self.root.uri

    def pack_file(self, pack_id: str) -> Location:
        """What a pack was asked to run."""
        return self.packs / f"{pack_id}.json"

    def checkpoint_file(self, pack_id: str) -> Location:
        """The state of a pack in training."""
        return self.checkpoints / f"{pack_id}.checkpoint"

    def rows_files(self, pack_id: str) -> tuple[Location, Location, Location]:
        """A pack's runs, weights and outcomes."""
        name = f"{pack_id}.parquet"
        return self.runs / name, self.weights / name, self.outcomes / name


def _suffix(split: int) -> str:
    return f"_split{split}" if split else ""
