"""Which runs are candidates for a choice: those that do more than decide every case alike."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri  # type: ignore[import-untyped]

from study.errors import LedgerError
from study.results.limits import Question
from study.results.metrics import LedgerCounts
from study.results.wording import counted

LEVEL: Final = 0.05
"""Of the test that a run is better than a constant decision."""
SWING: Final = 0.1
"""The largest range over seeds of a validation deferral rate that is called stable."""


def degenerate(runs: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each run's joint system is no better than a constant decision on validation, (R,).

    So it is where a one-sided test at `LEVEL` does not show that its balanced error is below 0.5, or where
    it is wrong about every case of one outcome in a group. A balanced error of 0.5 means that the system
    decides for an outcome equally often whether it is the true one or not. So the test is that of two
    proportions with pooled variance: how often it decides 1 among the cases with Y = 1 and with Y = 0. What
    cannot be tested, as where an outcome has no cases, is not called degenerate.

    Args:
        runs: rows of the ledger.
    """
    counts = LedgerCounts.of(runs, "validation")
    cases, wrong = counts.examples, counts.model_errors + counts.dm_errors
    never_right = ((wrong == cases) & (cases > 0)).any(axis=0)
    of_0, of_1 = cases[::2].sum(axis=0), cases[1::2].sum(axis=0)
    ones_of_0, ones_of_1 = wrong[::2].sum(axis=0), of_1 - wrong[1::2].sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (ones_of_0 + ones_of_1) / (of_0 + of_1)
        error = np.sqrt(pooled * (1 - pooled) * (1 / of_0 + 1 / of_1))
        better = ones_of_1 / of_1 - ones_of_0 / of_0
    result: npt.NDArray[np.bool_] = np.isfinite(better) & (
        never_right | ~(better > ndtri(1 - LEVEL) * error)
    )
    return result


def unstable(runs: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether the validation deferral rate of each run's setting ranges over more than `SWING`, (R,).

    Over the seeds of that setting in `runs`, so rows of all its seeds are needed.
    """
    rate = runs.groupby("setting_id", observed=True)["validation_idk_rate"]
    result: npt.NDArray[np.bool_] = (rate.transform("max") - rate.transform("min") > SWING).to_numpy()
    return result


def marked(runs: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the ledger, all that there are, with the columns `degenerate` and `unstable` (bool).

    Every row is a run that could be chosen: its own run_id, setting_id, method, model, decision_maker,
    alpha, gamma and seed, and its own metrics on every split.
    """
    return runs.assign(degenerate=degenerate(runs), unstable=unstable(runs))


def candidates(runs: pd.DataFrame, question: Question) -> tuple[pd.DataFrame, int]:
    """Return the runs that a question chooses from, and how many degenerate ones it leaves out.

    Raises:
        UserError: a name is not in the ledger.
        LedgerError: all runs are degenerate.
    """
    runs = question.narrowed(runs)
    if question.include_degenerate or runs.empty:
        return runs, 0
    left_out = degenerate(runs)
    if left_out.all():
        raise LedgerError(
            f"no run decides better than a constant decision on validation ({left_out_words(len(runs))}); "
            "--include-degenerate chooses among them"
        )
    return runs[~left_out], int(left_out.sum())


def left_out_words(number: int) -> str:
    """Say how many runs are left out as degenerate."""
    return (
        f"{counted(number, 'degenerate run')} left out: no better on validation than a constant decision, "
        "or never right about an outcome of a group"
    )
