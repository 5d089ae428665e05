"""The results directory, as every other room uses it: all that is kept of a study."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from study.errors import LedgerError, StudyFileError
from study.results.files.decisions import DecisionFiles
from study.results.files.ledger import Ledger
from study.results.files.reading import Broken, broken, legible, one_line, read_each, read_json
from study.results.outcomes import Outcomes
from study.results.packs import Pack, is_pack_id, split_id
from study.storage.locations import Location, files_in, renamed
from study.storage.lock import Hold, held, holding
from study.storage.seals import check_text, sealed_json, sealed_yaml
from study.storage.whole_files import read_whole, write_whole
from study.storage.yaml_text import dump_yaml, parse_yaml
from study.words import UNIT_COSTS, Costs


class ResultsDirectory(Ledger, DecisionFiles):
    """A study's files: the study file, the packs, the ledger, and the lock on them."""

    def __init__(self, root: Location | str) -> None:
        super().__init__(root)
        self._hold = Hold()

    # The study file

    def exists(self) -> bool:
        """Say whether a study was begun here."""
        return self.study_file.is_file()

    def require(self) -> None:
        """Raise LedgerError unless a study was begun here."""
        if not self.exists():
            raise LedgerError(f"{self.root}: no study there (no study.yaml); `study run` begins one")

    def write_study(self, resolved: Mapping[str, Any]) -> None:
        """Write the study file as resolved."""
        write_whole(self.study_file, sealed_yaml(dump_yaml(resolved)))

    def read_study(self) -> dict[str, Any]:
        """Return the study file as resolved; raises LedgerError where it was changed or is unreadable."""
        self.require()
        errors = (OSError, ValueError, yaml.YAMLError, StudyFileError)
        advice = "; put back what `study run` wrote, or run another study with another --out"
        with legible(self.study_file, advice, errors=errors):
            content = read_whole(self.study_file)
            try:
                check_text(content)
            except ValueError as error:
                raise ValueError(f"{error}{self._changes(content)}") from None
            study = parse_yaml(content.decode(), str(self.study_file))
            # What lost its end, where the resources are, is refused as incomplete.
            if "resources" in study and (changes := self._changes(content)):
                both = f"it or {self.manifest_file.name}"
                raise ValueError(f"{both} was changed after the study began{changes}")
            return study

    @cached_property
    def costs(self) -> Costs:
        """What errors and deferrals cost."""
        return Costs.of(self.read_study()) if self.exists() else UNIT_COSTS

    def read_outcomes(self, runs: pd.DataFrame) -> Outcomes | None:
        """Return the test decisions of runs of the ledger, with the study's costs; see `DecisionFiles`."""
        outcomes = super().read_outcomes(runs)
        return outcomes and replace(outcomes, costs=self.costs)

    def _changes(self, content: bytes) -> str:
        """Return in which keys a study file differs from the study that began, where that can be told."""
        with contextlib.suppress(
            LedgerError, StudyFileError, ValueError, KeyError, TypeError, AttributeError
        ):
            edited = parse_yaml(content.decode(), str(self.study_file))
            if edited and (changed := changed_keys(self.read_manifest()["study"], edited)):
                return f", in {'; '.join(changed)}"
        return ""

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write versions, fingerprint and sessions."""
        self._hold.check()
        write_whole(self.manifest_file, sealed_json(manifest, indent=2))

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest; raises LedgerError where it is missing or unreadable."""
        advice = (
            "; restore it from a copy, or resume without it: its record of earlier sessions (times, "
            "versions, backend) is then lost"
        )
        manifest = read_json(self.manifest_file, advice)
        sessions = manifest.get("sessions", [])
        if not isinstance(sessions, list) or not all(isinstance(session, dict) for session in sessions):
            raise LedgerError(f"{self.manifest_file}: is not a manifest: an object with a list of sessions")
        if not isinstance(manifest.get("study", {}), dict):
            raise LedgerError(f"{self.manifest_file}: is not a manifest: study is not a mapping")
        return manifest

    # Packs

    def write_pack(self, pack: Pack) -> None:
        """Write what a pack is asked to run, before it runs."""
        self._hold.check()
        write_whole(self.pack_file(pack.pack_id), sealed_json(pack.to_json()))

    def read_pack(self, pack_id: str) -> Pack:
        """Return a pack, or a sub-pack of one; raises LedgerError where its file is missing or damaged."""
        root, _ = split_id(pack_id)
        path = self.pack_file(root)
        try:
            pack = Pack.from_json(read_json(path, "; `study resume` makes it again"))
            if pack.pack_id != root:
                raise ValueError("its pack_id is not its file's name")
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise LedgerError(
                f"{path}: is not a pack's manifest ({one_line(error)}); restore it from a copy, or "
                "delete it: `study resume` makes it again"
            ) from None
        return pack.sub_pack(pack_id)

    def read_packs(self) -> list[Pack]:
        """Return all packs asked for, by arm and index."""
        packs = read_each(files_in(self.packs, "*.json"), lambda path: self.read_pack(path.stem))
        return sorted(packs, key=lambda pack: (pack.arm, pack.index))

    def packs_of_all_rows(self) -> list[Pack]:
        """Return `read_packs`; raises LedgerError, too, where the file of a pack with rows is missing."""
        with_rows = self._packs_with_rows()
        packs = self.read_packs()
        if lost := with_rows - {pack.pack_id for pack in packs}:
            raise LedgerError(f"{self.pack_file(min(lost))}: is missing; `study resume` makes it again")
        return packs

    def packs_without_rows(self) -> list[str]:
        """Return the ids of packs that were asked for and have no rows, unless a driver is at work."""
        with_rows = self._packs_with_rows()
        lacking = [path.stem for path in files_in(self.packs, "*.json") if path.stem not in with_rows]
        return [] if not lacking or self.is_locked() else [*filter(self._trains, lacking)]

    def _packs_with_rows(self) -> set[str]:
        names = (path.stem for path in files_in(self.runs, "*.parquet"))
        return {split_id(name)[0] for name in names if is_pack_id(name)}

    def _trains(self, pack_id: str) -> bool:
        """Say whether a pack has runs of its own: earlier packs may train all that it proposes."""
        try:
            return self.read_pack(pack_id).runs > 0
        except LedgerError:
            return True

    # Packs in training

    def write_checkpoint(self, pack_id: str, content: bytes) -> None:
        """Keep the state of a pack that is in training."""
        write_whole(self.checkpoint_file(pack_id), content)

    def read_checkpoint(self, pack_id: str) -> bytes | None:
        """Return what was kept of a pack in training, None where nothing was; LedgerError if unreadable."""
        path = self.checkpoint_file(pack_id)
        with legible(path, errors=(OSError,)), contextlib.suppress(FileNotFoundError):
            return read_whole(path)
        return None

    def drop_checkpoint(self, pack_id: str) -> None:
        """Remove what was kept of a pack in training."""
        with contextlib.suppress(OSError):
            self.checkpoint_file(pack_id).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what only a study in training needs, and what killed writers left half written."""
        self.remove_half_written()
        written = (self.root, self.packs, self.runs, self.weights, self.outcomes, self.report)
        folders = (*written, self.checkpoints)
        for at, pattern in ((self.checkpoints, "*"), *((folder, ".*.part") for folder in folders)):
            for path in at.glob(pattern):
                with contextlib.suppress(OSError):  # Nothing reads what cannot be removed.
                    path.unlink(missing_ok=True)
        if isinstance(self.checkpoints, Path):
            with contextlib.suppress(OSError):
                self.checkpoints.rmdir()

    # Damage

    def broken(self) -> list[Broken]:
        """Return the damaged files that `study resume` makes again."""
        packs = read_each(files_in(self.packs, "*.json"), lambda path: broken(path, check_text))
        return [*filter(None, packs), *self.broken_packs(), *self.broken_tables()]

    def packs_set_aside(self) -> list[str]:
        """Return the ids of the packs whose files were set aside, now or earlier."""
        return [path.stem.removesuffix(".json")[1:] for path in files_in(self.packs, "_*.json.broken")]

    def set_aside(self, damaged: Broken) -> Location:
        """Rename a damaged file, so that it is made again; return where to.

        So are the other tables of its pack, as all three are written together.
        """
        tables = self.rows_files(damaged.path.stem)
        for path in tables if damaged.path in tables else [damaged.path]:
            if path.exists():
                renamed(path, f"_{path.name}.broken")
        return damaged.path.parent / f"_{damaged.path.name}.broken"

    # One driver at a time

    @contextlib.contextmanager
    def locked(self, log: Callable[[str], None] = lambda text: None) -> Iterator[None]:
        """Hold the directory against a second driver; raises LedgerError where there is one.

        ``log`` gets a line about what is waited for. `study.storage.lock` says what this guarantees in an
        object store.
        """
        with holding(self.root, log) as self._hold:
            yield

    def is_locked(self) -> bool:
        """Say whether a driver is at work here."""
        return held(self.root)


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys whose values differ, with both values; ``resources`` decide no row."""
    result = []
    for key in dict.fromkeys([*old, *new]):
        name = f"{prefix}{key}"
        if name == "resources" or old.get(key) == new.get(key):
            continue
        if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
            result += changed_keys(old[key], new[key], f"{name}.")
        else:
            result.append(f"{name} ({old.get(key)} before, {new.get(key)} now)")
    return result
