"""How a study stands, read from its results directory alone; needs neither torch nor Ray."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study.results.directory import ResultsDirectory
from study.results.files.reading import Broken
from study.results.packs import split_id
from study.results.study_results import Results
from study.results.wording import unfinished
from study.words import FAILED, METRICS, SPLITS


@dataclass(frozen=True)
class Status:
    """Counts of runs, and ``state``: ``running``, ``interrupted`` or ``finished``.

    ``failed`` runs could not be trained, ``failures`` say why, by pack; ``broken`` are files of the
    ledger that cannot be read, whose runs `study resume` does again; ``parts`` are the studies of a
    collection.
    """

    study: str
    state: str
    planned: int
    finished: int
    failed: int
    failures: tuple[str, ...]
    broken: tuple[Broken, ...]
    parts: tuple["Status", ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the status as plain data, the contract's keys first."""
        return {
            "planned": self.planned,
            "finished": self.finished,
            "failed": self.failed,
            "state": self.state,
            "study": self.study,
            "failures": list(self.failures),
            "broken": [str(item.path) for item in self.broken],
            **({"studies": [part.to_json() for part in self.parts]} if self.parts else {}),
        }

    def unfinished(self) -> str:
        """Say in words that fewer runs have finished than are planned; empty where all have."""
        return unfinished(self.finished, self.planned)

    def summary(self) -> str:
        """Return the status in a line for each fact."""
        lines = [f"{self.study}: {self.state}, {self.finished:,} of {self.planned:,} runs finished"]
        if self.parts:
            return "\n".join([*lines, *(part.summary() for part in self.parts)])
        if self.failed:
            lines.append(f"{self.failed:,} runs failed; `study resume` tries them again")
        lines += [f"  {failure}" for failure in self.failures]
        lines += [f"{item}; `study resume` does its runs again" for item in self.broken]
        return "\n".join(lines)


def study_status(directory: ResultsDirectory, study: str, planned: int) -> Status:
    """Return how the study in ``directory`` stands, of whose runs so many are ``planned``."""
    return _status(
        directory, study, planned, *directory.read_runs(["run_id", "pack_id", "status", "reason"])
    )


def study_results(directory: ResultsDirectory, resolved: Mapping[str, Any], planned: int) -> Results:
    """Return everything that a report is made from; ``resolved`` is the study file."""
    runs, broken = directory.read_runs()
    status = _status(directory, resolved["study"], planned, runs, broken)
    manifest = directory.read_manifest() if directory.manifest_file.exists() else {}
    if status.failed:
        runs = runs[runs["status"] != FAILED].reset_index(drop=True)
    return Results(
        runs=runs,
        decision_makers=_by_split(_of_splits(directory, resolved)),
        study=resolved,
        manifest={key: value for key, value in manifest.items() if key != "study"},
        planned=status.planned,
        failed=status.failed,
        state=status.state,
        outcomes=directory.read_outcomes,
        benefits=directory.read_benefits,
        units=directory.test_units(),
        splits=_splits(resolved),
    )


def _status(
    directory: ResultsDirectory, study: str, planned: int, runs: pd.DataFrame, broken: list[Broken]
) -> Status:
    failed = runs[runs["status"] == FAILED]
    finished = len(runs) - len(failed)
    at_rest = "finished" if finished >= planned else "interrupted"
    return Status(
        study=study,
        state="running" if directory.is_locked() else at_rest,
        planned=planned,
        finished=finished,
        failed=len(failed),
        failures=tuple(_failures(failed)),
        broken=tuple(broken),
    )


def _failures(failed: pd.DataFrame) -> Iterator[str]:
    """Return which runs failed and why, a line for every pack and reason."""
    pack = failed["pack_id"].map(lambda pack_id: split_id(pack_id)[0])
    for (pack_id, reason), runs in failed.groupby([pack, "reason"]):
        which = f"run {runs['run_id'].iloc[0]}" if len(runs) == 1 else f"{len(runs):,} runs"
        yield f"{pack_id}: {which}: {reason}"


def _splits(resolved: Mapping[str, Any]) -> int:
    return int(resolved["dataset"].get("splits", 1))


def _of_splits(directory: ResultsDirectory, resolved: Mapping[str, Any]) -> pd.DataFrame:
    """Return the decision-makers; with several splits of the data, means over those that are trained."""
    makers = [directory.read_decision_makers(split) for split in range(_splits(resolved))]
    if len(makers) == 1:
        return makers[0]
    known = pd.concat(makers).drop(columns="probability")
    return known.groupby("decision_maker", sort=False).mean().reset_index()


def _by_split(decision_makers: pd.DataFrame) -> pd.DataFrame:
    """Turn one row per decision-maker into one per decision-maker and split."""
    parts = []
    for split in SPLITS:
        names = {f"{split}_{metric}": metric for metric in METRICS}
        part = decision_makers[["decision_maker", "alpha", *names]].rename(columns=names)
        parts.append(part.assign(split=split))
    return pd.concat(parts, ignore_index=True)
