"""The range of gamma that suits a study's data: short trainings at many prices, before its first pack.

Which gammas matter depends on the data, the decision-maker and the method: a deferring loss compares nats
with nats, the field's losses count errors. So a pilot trains every arm briefly at a wide grid of prices,
and once more where the deferral rate on validation changes. The settings of the study follow the curve that
it sees, so that they differ about evenly in how often they defer. The pilot draws from seeds of its own and
never looks at the test split.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
import torch

from study.engines.backends import make_engine
from study.models.draws import stream
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.training import TrainingOptions, train_pack
from study.results.packs import Pack, Proposal
from study.seeds import stream_seed
from study.training.backend import code_directory
from study.training.evaluation import evaluate
from study.training.study_data import StudyData
from study.words import Arm

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

OFTEN, SELDOM = 0.9, 0.02
"""The deferral rates between which a range of gamma is wanted: from over OFTEN to under SELDOM."""

_PRICES = 32
# In errors, and in nats: no decision-maker's answer is worth more, and no model is so unsure.
_LOWEST, _HIGHEST = -1.5, 1.0
_SEEDS = tuple(stream_seed("pilot", number) for number in range(3))
_STEPS, _BATCH, _LEARNING_RATE, _ROWS = 400, 128, 0.02, 4096
_MARGIN, _NARROWEST, _DIGITS = 0.1, 0.1, 6
_POINTS = 21
# A short training at one alpha is a little off: so many of the settings lie evenly in the range itself.
_EVENLY = 0.2


@dataclass(frozen=True)
class Found:
    """Gammas between which equally many settings are to lie, and the deferral rates seen at each."""

    gamma: tuple[float, ...]
    deferral: tuple[float, ...]


def find_ranges(
    arms: Mapping[Arm, Mapping[str, float]], data: StudyData, log: Callable[[str], None]
) -> dict[str, Found]:
    """Return for every arm, by name, between which gammas its deferral rate goes from often to seldom.

    Args:
        arms: what else a setting of each arm has next to gamma.
        data: of the study.
        log: takes a line for the user.
    """
    log(f"pilot: finding the range of gamma for {len(arms)} methods, before the first run")
    torch.set_num_threads(1)
    small = _small(data)
    result = {}
    for arm, params in arms.items():
        found = _range(arm, params, small)
        result[str(arm)] = found
        log(
            f"pilot: {arm}: gamma from {found.gamma[0]:.3g} ({found.deferral[0]:.0%} deferred) to "
            f"{found.gamma[-1]:.3g} ({found.deferral[-1]:.0%})"
        )
    return result


def _range(arm: Arm, params: Mapping[str, float], data: StudyData) -> Found:
    family = FAMILIES[arm.model]
    exact = family.chosen_afterwards(arm.method) and data.thresholds.sampler == "exact"
    worst = max(data.costs[:2])
    lowest = 0.0 if exact else _LOWEST * worst
    gammas = np.linspace(lowest, _HIGHEST * worst, _PRICES)
    for stage in range(2):
        rates = _deferral_rates(arm, params, gammas.tolist(), data)
        first, last = crossing(rates)
        between = slice(first, last + 1)
        if stage == 0:
            gammas = spread(gammas[between], rates[between], _PRICES)
    # A short training is a little off, which matters most where few prices lie between always and never.
    width = gammas[last] - gammas[first]
    beyond = max(width * _MARGIN, (_NARROWEST - width) / 2)
    ends = max(gammas[first] - beyond, lowest), gammas[last] + beyond
    gammas = np.array([*ends[:1], *gammas[between], *ends[1:]])
    rates = [rates[first], *rates[between], rates[last]]
    points = spread(gammas, rates, _POINTS)
    seen = np.interp(points, gammas, falling(rates))
    return Found(tuple(points.round(_DIGITS).tolist()), tuple(seen.round(3).tolist()))


def spread(gammas: FloatArray, rates: Sequence[float], count: int) -> FloatArray:
    """Return ``count`` prices from the first to the last of ``gammas`` (n,), which ascend.

    Between neighbours the deferral rate falls about equally far; an ``_EVENLY`` share is spaced evenly.
    """
    gammas, first = np.unique(gammas, return_index=True)
    seen = falling(np.asarray(rates)[first])
    place = (gammas - gammas[0]) / (gammas[-1] - gammas[0])
    if seen[0] > seen[-1]:
        place = _EVENLY * place + (1 - _EVENLY) * (seen[0] - seen) / (seen[0] - seen[-1])
    return np.interp(np.linspace(0, 1, count), place, gammas)


def falling(rates: Sequence[float] | FloatArray) -> FloatArray:
    """Return rates (n,) that never rise: the middle of the least so far and the largest still to come."""
    known = np.asarray(rates, dtype=np.float64)
    return (np.minimum.accumulate(known) + np.maximum.accumulate(known[::-1])[::-1]) / 2


def crossing(rates: Sequence[float]) -> tuple[int, int]:
    """Return where, at ascending prices, deferral rates are last high and first low; first < last.

    Where they never are above OFTEN or below SELDOM, their extremes, within SELDOM, stand in for these.
    """
    often, seldom = min(OFTEN, max(rates) - SELDOM), max(SELDOM, min(rates) + SELDOM)
    never = len(rates) - 1 if rates[-1] >= OFTEN else 0
    first = next((i for i, rate in enumerate(rates) if rate < often), never) - 1
    first = min(max(first, 0), len(rates) - 2)
    last = next((i for i in range(first + 1, len(rates)) if rates[i] < seldom), len(rates) - 1)
    return first, last


def _deferral_rates(
    arm: Arm, params: Mapping[str, float], gammas: Sequence[float], data: StudyData
) -> list[float]:
    """Return the median deferral rate on validation over the pilot's seeds, for every gamma."""
    family = FAMILIES[arm.model]
    settings = [data.identity.setting(arm, {**params, "gamma": gamma}) for gamma in gammas]
    pack = Pack.of(arm, 0, [Proposal(setting, None) for setting in settings], _SEEDS)
    afterwards = family.chosen_afterwards(arm.method)
    networks = settings[:1] if afterwards else settings
    engine = make_engine(
        "eager",
        family.model(arm.method),
        loss_of(family.trained_method(arm.method), data.costs, data.partly(arm.decision_maker)),
        *(data.examples(use, arm.decision_maker, given=family.given) for use in ("train", "validation")),
        hidden=data.options.hidden,
        batch_size=data.options.batch_size,
        code=code_directory(),
    )
    trained = train_pack(
        engine,
        alpha=torch.tensor([setting.trained_alpha for setting in networks]),
        gamma=torch.tensor([0.0 if afterwards else setting.gamma or 0.0 for setting in networks]),
        seeds=_SEEDS,
        options=data.options,
    )
    lane = torch.zeros(len(settings), dtype=torch.int64) if afterwards else torch.arange(len(settings))
    rates = evaluate(family, pack, data, trained, lane).columns["validation_idk_rate"]
    medians: list[float] = rates.double().nanmedian(0).values.nan_to_num().tolist()
    return medians


def _small(data: StudyData) -> StudyData:
    """Return the study's data with few rows and a short training; validation is its test split."""
    rows = {}
    for use in ("train", "validation"):
        order = torch.randperm(len(data.rows[use]), generator=stream("pilot rows", use)).numpy()
        rows[use] = np.sort(data.rows[use][order[:_ROWS]])
    batch = min(_BATCH, len(rows["train"]))
    options = TrainingOptions(
        hidden=data.options.hidden,
        learning_rate=_LEARNING_RATE,
        batch_size=batch,
        patience=data.options.max_epochs,
        max_epochs=min(data.options.max_epochs, ceil(_STEPS / (len(rows["train"]) // batch))),
    )
    rows |= {"choice": rows["validation"], "test": rows["validation"]}
    return replace(data, rows=rows, options=options, test_decision_maker=None)
