"""The settings of every split and seed: as measured, and on bootstrap resamples of the test cases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.group_metrics import RESAMPLES
from study.results.limits import POINT
from study.results.outcomes import (
    WEIGHTED_METRICS,
    MissingOutcomesError,
    metrics_alone,
    outcomes_of,
    weighted_metrics,
)
from study.results.settings import REPLICATE
from study.results.study_results import Results

NAMES: Final = ("method", "model", "decision_maker", "test_decision_maker")

Metrics = Mapping[str, npt.NDArray[Any]]


class NotRunError(Exception):
    """Nothing of what a statistic needs is in the ledger."""


@dataclass(frozen=True, eq=False)
class Settings:
    """The settings of one seed, a run each, with B versions of their test metrics.

    B is 1 for the metrics as measured, else the number of resamples of the test examples. What is
    known without the test set (and so what is chosen on validation) is the same in all of them.

    Attributes:
        facts: a row per setting, columns setting_id, `NAMES`, alpha, gamma, `limits.POINT`, validation_cost
            and median_validation_di (over the seeds).
        test: `outcomes.WEIGHTED_METRICS` by name, each (n, B).
        alone: by decision-maker, its error and odds difference, deciding everything alone, each (B,).
    """

    facts: pd.DataFrame
    test: Metrics
    alone: Mapping[str, Metrics]

    def take(self, rows: npt.NDArray[Any]) -> "Settings":
        """Those rows, by mask or number; may be none."""
        columns = {name: values[rows] for name, values in self.test.items()}
        return Settings(self.facts.iloc[np.arange(len(self.facts))[rows]], columns, self.alone)

    def where(self, **equal: str | float) -> "Settings":
        """The settings whose facts are these; raises NotRunError where there are none."""
        mask = np.ones(len(self.facts), dtype=np.bool_)
        for name, value in equal.items():
            mask &= self.facts[name].to_numpy() == value
        if not mask.any():
            raise NotRunError
        return self.take(mask)

    def decision_maker(self, name: str) -> Metrics:
        """A decision-maker alone; raises NotRunError where it is not in the study."""
        if name not in self.alone:
            raise NotRunError
        return self.alone[name]


@dataclass(frozen=True, eq=False)
class Samples:
    """The settings of a study by split of the data and seed.

    Attributes:
        observed: by seed, metrics as measured.
        resampled: the same seeds with the same test cases drawn again in all runs; empty where that is
            not possible.
        missing: why it is not; empty if it is.
        splits: of the data, the one that each of `observed` was measured on.
    """

    observed: list[Settings]
    resampled: list[Settings]
    missing: str
    splits: tuple[int, ...] = ()

    def models(self) -> list[str]:
        """Models that may defer, in alphabetical order."""
        result = [s.facts.loc[s.facts["method"] != "binary", "model"] for s in self.observed]
        return sorted({str(model) for models in result for model in models.unique()})


def resample(results: Results, generator: np.random.Generator, resamples: int = RESAMPLES) -> Samples:
    """Resample the test cases of a study; reads the outcomes of its runs.

    Runs without metrics (diverged ones) are left out. Decision-makers alone come from the outcomes
    where there are any, else from `results.decision_makers`, on test.
    """
    runs = results.runs
    columns = ["test_error", "test_di", *POINT]
    runs = runs[runs[columns].notna().all(axis=1)].reset_index(drop=True)
    facts = _facts(runs)
    code = runs.groupby(REPLICATE, sort=True).ngroup().to_numpy()
    rows = [np.flatnonzero(code == number) for number in range(code.max(initial=-1) + 1)]
    splits = tuple(int(runs["split"].iloc[own[0]]) for own in rows)
    measured = {name: runs[f"test_{name}"].to_numpy(np.float64)[:, None] for name in WEIGHTED_METRICS}
    observed = _by_seed(rows, facts, measured, _known_alone(results.decision_makers))

    if results.splits > 1:
        return Samples(observed, [], "", splits)
    try:
        outcomes = outcomes_of(results.outcomes, runs)
    except MissingOutcomesError as error:
        return Samples(observed, [], str(error), splits)
    once = np.ones((1, len(outcomes.label)))
    observed = _by_seed(rows, facts, measured, metrics_alone(outcomes, once))
    weights = outcomes.resampled(generator, resamples)
    drawn = weighted_metrics(outcomes, list(facts["test_decision_maker"]), weights)
    return Samples(observed, _by_seed(rows, facts, drawn, metrics_alone(outcomes, weights)), "", splits)


def _facts(runs: pd.DataFrame) -> pd.DataFrame:
    facts = runs[["setting_id", *NAMES, "alpha", "gamma", *POINT, "validation_cost"]].copy()
    # Parquet's dictionaries come as categories; comparisons below are of plain text.
    facts[list(NAMES)] = facts[list(NAMES)].astype(object)
    medians = facts.groupby("setting_id", observed=True)["validation_di"].transform("median")
    return facts.assign(median_validation_di=medians)


def _known_alone(decision_makers: pd.DataFrame) -> dict[str, Metrics]:
    on_test = decision_makers[decision_makers["split"] == "test"]
    return {
        str(row["decision_maker"]): {name: np.array([row[name]], np.float64) for name in ("error", "di")}
        for row in on_test.to_dict("records")
    }


def _by_seed(
    rows: list[npt.NDArray[Any]], facts: pd.DataFrame, test: Metrics, alone: Mapping[str, Metrics]
) -> list[Settings]:
    everything = Settings(facts, test, alone)
    return [everything.take(own) for own in rows]
