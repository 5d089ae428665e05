"""The study as Optuna studies in a file that optuna-dashboard opens: what `study optuna` writes."""

import contextlib
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from study.config.study_file import StudyConfig
from study.errors import OutputError
from study.results.directory import ResultsDirectory
from study.results.settings import median_runs, medians_by_setting
from study.search.plan import Arm, arms
from study.search.samplers import OBJECTIVES, Asked, History, Told, Tried, write_storage
from study.status import stored_config

SHOWN = ("test_error", "test_di", "test_idk_rate")
"""Test figures that go with a setting, as medians over seeds; a search never saw them."""

_SAY_EVERY = 3.0


def write_optuna(
    directory: ResultsDirectory, out: Path | str, *, say: Callable[[str], None] = print
) -> int:
    """Write an Optuna study for every arm into a new SQLite file ``out``; return how many settings it has.

    A setting is a trial: its parameters; as values the validation medians that a search minimises; as
    attributes its test medians, its id and the run that `study export` would take. A setting without all
    values has failed. Settings that have not finished, and the baseline, which nobody searched for, are
    not there. The file appears whole or not at all. Raises LedgerError where there is no study, OutputError
    where ``out`` is there already or cannot be written.
    """
    place = Path(out)
    config = stored_config(directory)
    if place.exists():
        raise OutputError(f"{place}: is there already; give another --out, or delete it")
    histories = _histories(directory, config, say)
    settings = sum(len(history.tried) for history in histories)
    beside = place.parent / f".{place.name}.{uuid.uuid4().hex}.part"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(exist_ok=False)
        write_storage(beside, histories, _progress(settings, say))
        beside.replace(place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{place}: cannot be written ({reason}); give a writable --out") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return settings


def _histories(
    directory: ResultsDirectory, config: StudyConfig, say: Callable[[str], None]
) -> list[History]:
    """Return what the study's searches did, arm by arm, as far as it has finished."""
    runs, broken = directory.read_runs()
    for item in broken:
        say(f"{item}; its runs are left out")
    finished = _finished(runs)
    asked: dict[str, dict[str, Asked]] = {}
    for pack in directory.read_packs():
        for proposal in pack.of_search:
            # What was asked for twice ran once.
            setting = proposal.setting
            first = asked.setdefault(pack.arm, {})
            first.setdefault(setting.setting_id, Asked(setting.params, proposal.memory or {}))
    histories = []
    for arm in arms(config):
        known = ((id_, a) for id_, a in asked.get(arm.name, {}).items() if id_ in finished)
        tried = [_tried(id_, a, finished[id_]) for id_, a in known]
        histories.append(History(f"{config.study}-{arm.name}", arm.spaces, _notes(config, arm), tried))
    return histories


def _finished(runs: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return by setting its medians, None where undefined, the run nearest to them, and when it ran."""
    medians = medians_by_setting(runs).set_index("setting_id")
    medians["run_id"] = median_runs(runs, "validation_error")
    of_setting = runs.groupby("setting_id")
    medians["ended"] = of_setting["finished_at"].max()
    medians["seconds"] = of_setting["seconds"].sum()
    defined = medians.astype(object).where(medians.notna(), None)
    return {str(id_): dict(row) for id_, row in defined.iterrows()}


def _tried(setting_id: str, asked: Asked, row: dict[str, Any]) -> Tried:
    values = tuple(row[name] for name in OBJECTIVES)
    notes = {name: row[name] for name in (*SHOWN, "seeds", "run_id")}
    ended = row["ended"].to_pydatetime()
    return Tried(
        Told(asked, None if None in values else values),
        {"setting_id": setting_id, **notes},
        began=ended - timedelta(seconds=row["seconds"] or 0.0),
        ended=ended,
    )


def _notes(config: StudyConfig, arm: Arm) -> dict[str, Any]:
    """Say whose search it was."""
    return {
        "study": config.study,
        "dataset": config.dataset.name,
        "sampler": config.search.sampler,
        "method": arm.method,
        "model": arm.model,
        "decision_maker": arm.decision_maker,
    }


def _progress(settings: int, say: Callable[[str], None]) -> Callable[[], None]:
    """Return what to call after every setting; it speaks once in a few seconds."""
    done, spoke = 0, time.monotonic()

    def step() -> None:
        nonlocal done, spoke
        done += 1
        if time.monotonic() - spoke > _SAY_EVERY:
            spoke = time.monotonic()
            say(f"{done:,} of {settings:,} settings")

    return step
