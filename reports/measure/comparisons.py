"""Hypervolumes of the methods and their differences, paired by seed and by person, with intervals."""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from study.reports.measure.panels import in_usual_order
from study.reports.measure.resampling import resample
from study.reports.measure.seed_statistics import Statistic, estimate, front_gain, front_of
from study.results.group_metrics import SEED
from study.results.settings import in_reading_order
from study.results.study_results import Results
from study.words import METHODS, NO_DECISION_MAKER


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Hypervolumes of the methods' validation-selected fronts and their differences.

    Attributes:
        frame: decision_maker, model, first, second (None where the hypervolume of `first` itself is
            meant, else the difference first less second), estimate (mean over seeds), seeds_low, seeds_high
            (Student's t over these), test_low, test_high (bootstrap over the test examples), seeds.
            NaN where there is no interval.
        missing: why there is no bootstrap; empty if there is.
    """

    frame: pd.DataFrame
    missing: str


def comparisons(results: Results, own_fronts: pd.DataFrame) -> Comparisons:
    """Compare the methods of every model and decision-maker; reads the outcomes of the fronts' runs alone.

    Args:
        results: of a study.
        own_fronts: as `runs_on_front` returns them: each seed's own front, chosen on validation.
    """
    samples = resample(replace(results, runs=own_fronts), np.random.default_rng(SEED))
    rows = []
    for model, name, methods in _arms(own_fronts):
        of_arm: dict[str, Any] = {"kind": "honest", "model": model, "decision_maker": name}
        of_arm["costs"] = results.costs
        contrasts: list[tuple[str, str | None, Statistic]] = [
            (method, None, front_of(method, **of_arm)) for method in methods
        ]
        contrasts += [
            (first, second, front_gain(first, second, **of_arm))
            for second, first in combinations(methods, 2)
        ]
        for first, second, statistic in contrasts:
            result = estimate(statistic, samples)
            if result is None:
                continue
            ends = [*(result.seeds or (np.nan, np.nan)), *(result.test_set or (np.nan, np.nan))]
            rows.append([name, model, first, second, result.mean, *ends, result.defined])
    columns = ["decision_maker", "model", "first", "second", "estimate"]
    columns += ["seeds_low", "seeds_high", "test_low", "test_high", "seeds"]
    return Comparisons(pd.DataFrame(rows, columns=columns), samples.missing)


def _arms(runs: pd.DataFrame) -> list[tuple[str, str, list[str]]]:
    """Models and decision-makers that are compared, and their methods, binary ones next to the others."""
    names = ["method", "model", "decision_maker"]
    arms = in_reading_order(runs[names].astype(str).drop_duplicates(), names)
    binary = arms["method"] == "binary"
    others = arms[~binary]
    if not len(others):
        return [(str(model), NO_DECISION_MAKER, ["binary"]) for model in arms["model"]]
    result = []
    for name in in_usual_order(others["decision_maker"].unique()):
        for model in sorted(others["model"].unique()):
            own = others[(others["model"] == model) & (others["decision_maker"] == name)]
            methods = ["binary"] * bool(binary.any()) + list(own["method"])
            if len(own):
                result.append((model, name, sorted(methods, key=_order)))
    return result


def _order(method: str) -> tuple[int, str]:
    return (list(METHODS).index(method) if method in METHODS else len(METHODS), method)
