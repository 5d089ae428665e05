"""What a report is made from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.outcomes import OutcomeReader
from study.words import Costs

BenefitReader = Callable[[pd.DataFrame], Iterable[tuple[str, npt.NDArray[np.float32]]]]
"""Reads by how much deferring each test case is better, of those rows of the ledger that have it."""
CalibrationReader = Callable[[str], Mapping[str, pd.DataFrame]]
"""Returns reliability curves of a run on test, as `calibration.reliability` does: of `probability` and,
where it is estimated, of `dm_right`. LedgerError or DataError where they cannot be had."""


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that is known about one study, as plain data.

    Attributes:
        runs: the ledger, one row per finished run; may have no rows, but has columns.
        decision_makers: one row per decision-maker and split (train, validation, test) with its metrics and
            alpha, the fairness coefficient it was trained with; NaN where it was not trained.
        study: the resolved study file.
        manifest: as `training.session` writes it, without the study; any key may be missing.
        planned: runs that the study asks for.
        failed: runs that could not be completed.
        state: `running`, `interrupted` or `finished`.
        benefits: reads by how much deferring each test case is better, only when asked.
        outcomes: reads what the runs asked for decided on every test example, only when asked, as they
            are large; None where they are not at hand.
        calibration: reads curves, only when asked, as the run's model is evaluated for them.
        guarantee: a certified run and what is guaranteed of it, as `Certificate.to_json` has it.
        splits: how many times the data was split anew.
        units: what a bootstrap draws, in words: test cases, or groups of them.
    """

    runs: pd.DataFrame
    decision_makers: pd.DataFrame
    study: Mapping[str, Any]
    manifest: Mapping[str, object]
    planned: int
    failed: int
    state: str
    outcomes: OutcomeReader = lambda runs: None
    benefits: BenefitReader = lambda runs: ()
    calibration: CalibrationReader = lambda run_id: {}
    units: str = "test cases"
    splits: int = 1
    guarantee: Mapping[str, Any] | None = None

    @property
    def costs(self) -> Costs:
        """What errors and deferrals cost."""
        return Costs.of(self.study)

    @property
    def interval(self) -> str:
        """What an interval of a test metric is, in words."""
        if self.splits > 1:
            return f"interval over {self.splits} splits of the data (corrected resampled t)"
        return f"bootstrap interval over {self.units}"
