"""What people's time buys: the best settings by the share of cases that people can take on."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from study.reports.measure.panels import baselines, decision_makers_shown
from study.results.fronts import MORE_COLUMNS
from study.results.limits import FIGURES, best
from study.words import NO_DECISION_MAKER

WORKLOADS: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
# The one that the page takes as its example.
EXAMPLE: Final = 0.3
FEWEST: Final = "fewest errors"
FAIREST: Final = "fairest"
AIMS: Final = (FEWEST, FAIREST)


def by_workload(settings: pd.DataFrame, decision_makers: pd.DataFrame) -> pd.DataFrame:
    """For every decision-maker and workload the setting with the fewest errors, and the fairest.

    Args:
        settings: as `medians_by_setting` returns them.
        decision_makers: as in `Results`.

    Returns:
        Columns decision_maker, workload (a share of the cases), aim, then those of `facts_of`. What no
        setting satisfies has no row. Without a decision-maker there is one workload, 0.
    """
    rows = []
    for name in decision_makers_shown(settings):
        own = beside(settings, name)
        most = reference_error(own, decision_makers, name)
        for workload in WORKLOADS if name != NO_DECISION_MAKER else (0.0,):
            for aim in AIMS:
                found = aimed(own, aim, workload, most)
                if found is not None and found["excess"] == 0:
                    rows.append([name, workload, aim, *facts_of(found).values()])
    columns = ["decision_maker", "workload", "aim", *facts_of(pd.Series(dtype=object))]
    return pd.DataFrame(rows, columns=columns)


def aimed(settings: pd.DataFrame, aim: str, workload: float, most: float) -> "pd.Series[Any] | None":
    """The best on validation, as `limits.best` has it, with an IDK rate of at most the workload.

    The fairest has the smallest DI of those that err no more than `most`: of all settings it would be one
    that gives everybody the same decision.
    """
    if aim == FEWEST:
        return best(settings, {"idk_rate": workload}, "error")
    return best(settings, {"idk_rate": workload, "error": most}, "di")


def reference_error(settings: pd.DataFrame, decision_makers: pd.DataFrame, name: str) -> float:
    """The error on validation that fairness is not to pass: the baseline's.

    Without a baseline it is that of the decision-maker alone, and without that there is no limit.
    """
    base = baselines(settings)["validation_error"].min()
    own = decision_makers["decision_maker"].eq(name) & decision_makers["split"].eq("validation")
    known = [error for error in (base, decision_makers.loc[own, "error"].min()) if not np.isnan(error)]
    return float(known[0]) if known else np.inf


def beside(settings: pd.DataFrame, name: str) -> pd.DataFrame:
    """The settings with a decision-maker, and binary ones, which have none."""
    return settings[settings["decision_maker"].isin([name, NO_DECISION_MAKER])]


def facts_of(setting: "pd.Series[Any] | Mapping[Any, Any]") -> dict[str, Any]:
    """What tables say of a setting: method, model, test medians, coefficients and its name."""
    names = ("method", "model", *(f"test_{figure}" for figure in FIGURES), "alpha", "gamma")
    return {
        name.removeprefix("test_"): setting.get(name, np.nan)
        for name in (*names, *MORE_COLUMNS, "setting_id")
    }
