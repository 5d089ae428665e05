"""Which settings to try next, and how others may look at those tried: the only file that knows Optuna.

What is proposed depends on the observations, on what is pending and on a seed, and on nothing else: the
Optuna study is rebuilt in memory for every pack, so that an interruption changes nothing. Samplers that do
not look at results need no Optuna: all their settings are drawn at once.
"""

import logging
import math
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from study.config.sections import ADAPTIVE
from study.config.spaces import FoundRange, Range, Space
from study.results.fronts import pareto_mask
from study.seeds import stream_seed

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

OBJECTIVES = ("validation_error", "validation_di", "validation_idk_rate")
"""What is minimised, unless errors have costs of their own."""

_UNIT = Range(low=0, high=1)

NEWEST = 200
UNBEATEN = 100
"""An adaptive search looks at the NEWEST observations, and of those before them at the last UNBEATEN that
no other beats. What it costs to ask then stays the same, however many settings a study tries."""


@dataclass(frozen=True)
class Point:
    """A point of the space that is searched, and what the sampler must remember of it."""

    params: Mapping[str, float]
    memory: Mapping[str, Any]


@dataclass(frozen=True)
class Observation:
    """A point that was proposed and what came of it: the medians over seeds of what is minimised.

    ``values`` is None where no run of the setting has all of them (a diverged model, say).
    """

    point: Point
    values: tuple[float, ...] | None


@dataclass(frozen=True)
class FinishedTrial:
    """A setting that came of a search and has finished: notes for the reader, and when it ran."""

    observation: Observation
    notes: Mapping[str, Any]
    began: datetime
    ended: datetime


@dataclass(frozen=True)
class History:
    """What one search did, in the order in which it proposed."""

    name: str
    spaces: Mapping[str, Space]
    notes: Mapping[str, Any]
    trials: Sequence[FinishedTrial]
    objectives: Sequence[str]


def grid(spaces: Mapping[str, Space]) -> list[Point]:
    """Cross the listed values of all spaces; raises TypeError for a range."""
    listed = []
    for space in spaces.values():
        if not isinstance(space, tuple):
            raise TypeError("a grid needs listed values")
        listed.append(space)
    return [Point(dict(zip(spaces, values, strict=True)), {}) for values in product(*listed)]


def propose(
    sampler: str,
    spaces: Mapping[str, Space],
    count: int,
    *,
    seed: tuple[int, str, int],
    observed: Sequence[Observation] = (),
    pending: Sequence[Point] = (),
) -> list[Point]:
    """Ask ``sampler`` for ``count`` settings, given what was ``observed`` and what is ``pending``.

    ``seed`` names the stream: the study's search seed, the arm, and how many packs came before.
    Raises ValueError for an unknown sampler.
    """
    stream = stream_seed("search", *seed) % 2**32
    if sampler not in ADAPTIVE:
        return [Point(params, {}) for params in _drawn(sampler, spaces, count, stream)]
    _quiet()
    # In a range that a pilot found, Optuna sees how many of its settings lie below one, and not its gamma.
    sought = {n: _UNIT if isinstance(space, FoundRange) else space for n, space in spaces.items()}
    distributions = {name: _distribution(space) for name, space in sought.items()}
    study = optuna.create_study(
        directions=["minimize"] * len(OBJECTIVES),
        sampler=_sampler(sampler, stream),
    )
    known = [replace(past, point=_placed(past.point, spaces)) for past in looked_at(observed)]
    study.add_trials([_trial(past, distributions) for past in known])
    # Their parameters say all; what is remembered of them would be parsed again for every setting asked.
    out = [Observation(Point(_placed(point, spaces).params, {}), None) for point in pending]
    study.add_trials([_trial(past, distributions, TrialState.RUNNING) for past in out])
    for _ in range(count):
        study.ask(distributions)
    new = study.get_trials(deepcopy=False)[-count:]
    return [Point(_from_places(trial.params, spaces), _plain(trial.system_attrs)) for trial in new]


def looked_at(observed: Sequence[Observation]) -> list[Observation]:
    """Return what an adaptive search looks at of all that was observed, in the same order."""
    older, newest = observed[:-NEWEST], observed[-NEWEST:]
    if not older:
        return list(observed)
    undefined = (float("nan"),) * len(OBJECTIVES)
    mask = pareto_mask([past.values or undefined for past in observed])
    unbeaten = [past for past, stands in zip(older, mask, strict=False) if stands]
    return [*unbeaten[-UNBEATEN:], *newest]


def write_storage(path: Path, histories: Sequence[History], step: Callable[[], None]) -> None:
    """Write searches as Optuna studies into a new SQLite file, calling ``step`` after every setting.

    What the sampler must remember is kept as well. Nothing is flushed to the disk in between, which makes
    it several times as fast: a file that was not finished is of no use. Raises OSError where the file
    cannot be written.
    """
    _quiet()

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF")
        return connection

    # The address says only that it is SQLite in a file; ``connect`` knows which one.
    storage = optuna.storages.RDBStorage("sqlite:///file", engine_kwargs={"creator": connect})
    try:
        for history in histories:
            study = optuna.create_study(
                storage=storage, study_name=history.name, directions=["minimize"] * len(OBJECTIVES)
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names(list(history.objectives))
            for name, value in history.notes.items():
                study.set_user_attr(name, value)
            distributions = {name: _distribution(space) for name, space in history.spaces.items()}
            for done in history.trials:
                trial = _trial(done.observation, distributions)
                trial.user_attrs = dict(done.notes)
                trial.datetime_start, trial.datetime_complete = (
                    _local(done.began),
                    _local(done.ended),
                )
                study.add_trial(trial)
                step()
    except optuna.exceptions.StorageInternalError as error:
        raise OSError(f"SQLite: {error.__cause__ or error}") from None
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "nsga2":
            return optuna.samplers.NSGAIISampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)


def _drawn(sampler: str, spaces: Mapping[str, Space], count: int, seed: int) -> Iterator[dict[str, float]]:
    """Draw settings independently, or from a scrambled Sobol sequence; their order in ``spaces`` counts."""
    if sampler == "random":
        points = np.random.default_rng(seed).random((count, len(spaces)))
    elif sampler == "qmc":
        # Not above: it takes half a second, and workers import this file too.
        from scipy.stats import qmc  # type: ignore[import-untyped]

        sequence = qmc.Sobol(len(spaces), scramble=True, rng=np.random.default_rng(seed))
        points = sequence.random_base2(max(0, count - 1).bit_length())[:count]
    else:
        raise ValueError(f"unknown sampler {sampler}")
    columns = [_within(space, of_space) for space, of_space in zip(spaces.values(), points.T, strict=True)]
    for values in zip(*(column.tolist() for column in columns), strict=True):
        yield dict(zip(spaces, values, strict=True))


def _within(space: Space, at: FloatArray) -> FloatArray:
    """Map (n,) places in [0, 1) into a space."""
    if isinstance(space, FoundRange):
        return np.interp(at, np.linspace(0, 1, len(space.gamma)), space.gamma)
    if not isinstance(space, Range):
        return np.array(space, dtype=np.float64)[(at * len(space)).astype(np.int64)]
    if space.log:
        low, high = math.log(space.low), math.log(space.high)
        values = np.exp(low + at * (high - low))
    else:
        values = space.low + at * (space.high - space.low)
    # Rounding must not carry a value out of its range.
    return values.clip(space.low, space.high)


def _placed(point: Point, spaces: Mapping[str, Space]) -> Point:
    """Return a point with its place in [0, 1] of a range that a pilot found instead of its gamma."""
    places = {
        name: float(np.interp(point.params[name], space.gamma, np.linspace(0, 1, len(space.gamma))))
        for name, space in spaces.items()
        if isinstance(space, FoundRange)
    }
    return Point({**point.params, **places}, point.memory)


def _from_places(params: Mapping[str, float], spaces: Mapping[str, Space]) -> dict[str, float]:
    """Undo `_placed`."""
    gammas = {
        name: float(_within(space, np.array(params[name])))
        for name, space in spaces.items()
        if isinstance(space, FoundRange)
    }
    return {**params, **gammas}


def _distribution(space: Space) -> BaseDistribution:
    if isinstance(space, FoundRange):
        return FloatDistribution(space.gamma[0], space.gamma[-1])
    if isinstance(space, Range):
        return FloatDistribution(space.low, space.high, log=space.log)
    return CategoricalDistribution(space)


def _trial(
    past: Observation, distributions: dict[str, BaseDistribution], state: TrialState | None = None
) -> optuna.trial.FrozenTrial:
    if state is None:
        state = TrialState.COMPLETE if past.values is not None else TrialState.FAIL
    return optuna.trial.create_trial(
        state=state,
        params=dict(past.point.params),
        distributions=distributions,
        values=list(past.values) if state is TrialState.COMPLETE and past.values else None,
        system_attrs=dict(past.point.memory),
    )


def _local(moment: datetime) -> datetime:
    """Return a moment as Optuna writes it down: this machine's time, without saying so."""
    return moment.astimezone().replace(tzinfo=None)


def _plain(memory: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in memory.items() if isinstance(value, int | float | str)}


def _quiet() -> None:
    """Send Optuna's words to the logging of the program that uses it, not to the terminal."""
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(logging.WARNING)
