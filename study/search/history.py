"""The study as Optuna studies in a file that optuna-dashboard opens: what `study optuna` writes."""

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from study.config.plan import Plan
from study.errors import OutputError
from study.results.directory import ResultsDirectory
from study.results.limits import POINT
from study.results.settings import medians_by_setting
from study.search.samplers import (
    FinishedTrial,
    History,
    Observation,
    Point,
    write_storage,
)
from study.words import Arm

SHOWN = ("test_error", "test_di", "test_idk_rate")
"""Test metrics that go with a setting, as medians over seeds; a search never saw them."""

_LOG_EVERY = 3.0


def write_optuna(
    directory: ResultsDirectory,
    out: Path,
    plan: Plan,
    *,
    log: Callable[[str], None] = print,
) -> int:
    """Write an Optuna study for every arm into a new SQLite file ``out``; return how many settings it has.

    A setting is a trial: its parameters; as values the validation medians that a search minimises; as
    attributes its test medians, its id and the run that `study export` would take. A setting without all
    values has failed. Settings that have not finished, and the baseline, which was not searched for, are
    left out. The file appears whole or not at all. Raises LedgerError where the ledger cannot be read,
    OutputError where ``out`` already exists or cannot be written.
    """
    if out.exists():
        raise OutputError(f"{out}: already exists; give another --out, or delete it")
    histories = _histories(directory, plan, log)
    settings = sum(len(history.trials) for history in histories)
    beside = out.parent / f".{out.name}.{uuid.uuid4().hex}.part"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(exist_ok=False)
        write_storage(beside, histories, _progress(settings, log))
        beside.replace(out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{out}: cannot be written ({reason}); give a writable --out") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return settings


def _histories(directory: ResultsDirectory, plan: Plan, log: Callable[[str], None]) -> list[History]:
    """Return what the study's searches did, arm by arm, as far as it has finished."""
    runs, broken = directory.read_runs()
    for item in broken:
        log(f"{item}; its runs are left out")
    finished = _finished(runs)
    points: dict[Arm, dict[str, Point]] = {}
    for pack in directory.packs_of_all_rows():
        for proposal in pack.of_search:
            # What was proposed twice ran once.
            setting = proposal.setting
            first = points.setdefault(pack.arm, {})
            first.setdefault(setting.setting_id, Point(setting.params, proposal.memory or {}))
    histories = []
    for searched in plan.search.arms:
        known = ((id_, p) for id_, p in points.get(searched.arm, {}).items() if id_ in finished)
        trials = [_trial(id_, point, finished[id_], plan.search.objectives) for id_, point in known]
        name, notes = f"{plan.study}-{searched.arm}", _notes(plan, searched.arm)
        histories.append(History(name, searched.spaces, notes, trials, plan.search.objectives))
    return histories


def _finished(runs: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return by setting its medians, None where undefined, the run nearest to them, and when it ran."""
    medians = medians_by_setting(runs).set_index("setting_id")
    ranked = runs.dropna(subset=["validation_error"]).sort_values([*POINT, "seed"])
    medians["run_id"] = ranked.groupby("setting_id")["run_id"].first()
    of_setting = runs.groupby("setting_id")
    medians["ended"] = of_setting["finished_at"].max()
    medians["seconds"] = of_setting["seconds"].sum()
    defined = medians.astype(object).where(medians.notna(), None)
    return {str(id_): dict(row) for id_, row in defined.iterrows()}


def _trial(setting_id: str, point: Point, row: dict[str, Any], objectives: Sequence[str]) -> FinishedTrial:
    values = tuple(row[name] for name in objectives)
    notes = {name: row[name] for name in (*SHOWN, "seeds", "run_id")}
    ended = row["ended"].to_pydatetime()
    return FinishedTrial(
        Observation(point, None if None in values else values),
        {"setting_id": setting_id, **notes},
        began=ended - timedelta(seconds=row["seconds"] or 0.0),
        ended=ended,
    )


def _notes(plan: Plan, arm: Arm) -> dict[str, Any]:
    """Say whose search it was."""
    of_study = {"study": plan.study, "dataset": plan.dataset, "sampler": plan.search.sampler}
    # Only an arm of a later split says which.
    return of_study | {key: value for key, value in arm._asdict().items() if value != 0}


def _progress(settings: int, log: Callable[[str], None]) -> Callable[[], None]:
    """Return what to call after every setting; it writes to the log once in a few seconds."""
    done, logged = 0, time.monotonic()

    def step() -> None:
        nonlocal done, logged
        done += 1
        if time.monotonic() - logged > _LOG_EVERY:
            logged = time.monotonic()
            log(f"{done:,} of {settings:,} settings")

    return step
