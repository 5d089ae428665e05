"""What a report is made from."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from study.results.outcomes import OutcomeReader


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that is known about one study, as plain data.

    Attributes:
        runs: the ledger, one row per finished run, in the columns of the contract (`runs/`); an
            optional column `status` says why a run stopped. May have no rows, but has columns.
        decision_makers: one row per decision-maker and split, columns decision_maker, split
            (train, validation, test), error, di, di_y0, di_y1, error_a0, error_a1, alpha (the
            fairness coefficient it was trained with; NaN where it was not trained). May have more.
        study: the resolved study file.
        manifest: `sessions` (a list of mappings: started, ended, state, host, platform, python,
            executor, versions), data_fingerprint, data_source, rows, code, backend, cautions (lines
            about the data); any of them may be missing, and others are shown as they come.
        planned: runs that the study asks for.
        failed: runs that could not be completed.
        state: `running`, `interrupted` or `finished`.
        outcomes: reads what the runs asked for decided on every test example, only when asked, as they
            are large; None where they are not at hand.
        units: what a bootstrap draws, in words: test cases, or groups of them.
    """

    runs: pd.DataFrame
    decision_makers: pd.DataFrame
    study: Mapping[str, object]
    manifest: Mapping[str, object]
    planned: int
    failed: int
    state: str
    outcomes: OutcomeReader = lambda runs: None
    units: str = "test cases"
