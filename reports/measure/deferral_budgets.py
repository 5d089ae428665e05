"""Performance by deferral budget: the best settings by the share of cases that may be deferred."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from study.reports.measure.panels import (
    baselines,
    deciding_on_test,
    decision_maker_alone,
    decision_makers_shown,
)
from study.results.fronts import MORE_COLUMNS
from study.results.limits import OBJECTIVES, Question, best
from study.results.settings import in_reading_order
from study.words import NO_DECISION_MAKER

BUDGETS: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
# The one that the page takes as its example.
EXAMPLE: Final = 0.3
LOWEST_ERROR: Final = "lowest error"
LOWEST_DI: Final = "lowest odds difference"
AIMS: Final = (LOWEST_ERROR, LOWEST_DI)
BASELINE: Final = "baseline"
ALONE: Final = "decision-maker"


def by_budget(settings: pd.DataFrame, decision_makers: pd.DataFrame) -> pd.DataFrame:
    """For every decision-maker and budget, the settings with the lowest error and odds difference.

    Columns decision_maker, budget (a share of the cases), aim, then those of `facts_of`. What no setting
    satisfies has no row. Without a decision-maker there is one budget, 0.
    """
    rows = []
    for name in decision_makers_shown(settings):
        own = with_decision_maker(settings, name)
        most = reference_limits(own, decision_makers, name)
        for budget in BUDGETS if name != NO_DECISION_MAKER else (0.0,):
            for aim in AIMS:
                result = aimed(own, aim, budget, most)
                if result is not None and result["excess"] == 0:
                    rows.append([name, budget, aim, *facts_of(result).values()])
    columns = ["decision_maker", "budget", "aim", *facts_of(pd.Series(dtype=object))]
    return pd.DataFrame(rows, columns=columns)


def operating_points(settings: pd.DataFrame, decision_makers: pd.DataFrame) -> pd.DataFrame:
    """For every decision-maker the best of each method at the budget `EXAMPLE`, and what to compare with.

    Chosen on validation, as in `by_budget`; of a method without a setting within the limits
    it is what comes nearest. So nothing is chosen by the metrics that are shown.

    Columns decision_maker, what (method and aim; `BASELINE`: the binary setting with alpha 0 of the
    smallest validation error; `ALONE`: the decision-maker whose decisions count on test), then those of
    `facts_of`. What does not exist has no row, and a setting has one at most.
    """
    base = baselines(settings).dropna(subset=["validation_error"])
    base = base.sort_values(["validation_error", "setting_id"]).head(1)
    tested = deciding_on_test(settings)
    rows: list[list[Any]] = []
    for name in decision_makers_shown(settings):
        own = with_decision_maker(settings, name)
        most = reference_limits(own, decision_makers, name)
        shown = set(base["setting_id"])
        for method in in_reading_order(own[["method"]].drop_duplicates(), ["method"])["method"][::-1]:
            for aim in AIMS:
                result = aimed(own[own["method"] == method], aim, EXAMPLE, most)
                if result is not None and result["setting_id"] not in shown:
                    shown.add(result["setting_id"])
                    rows.append([name, f"{method}, {aim}", *facts_of(result).values()])
        rows += [[name, BASELINE, *facts_of(row).values()] for row in base.to_dict("records")]
        for row in decision_maker_alone(decision_makers, tested.get(name, name)).to_dict("records"):
            alone = {"test_error": row["error"], "test_di": row["di"], "test_idk_rate": 1.0}
            rows.append([name, ALONE, *facts_of(alone).values()])
    return pd.DataFrame(rows, columns=["decision_maker", "what", *facts_of({})])


def aimed(
    settings: pd.DataFrame, aim: str, budget: float, most: Mapping[str, float]
) -> "pd.Series[Any] | None":
    """The best on validation, as `limits.best` has it, with a deferral rate of at most the budget.

    The lowest odds difference is that of the settings whose metrics are at most `most`: of all settings it
    would be one that gives every case the same decision.
    """
    most_of = {"idk_rate": budget} | ({} if aim == LOWEST_ERROR else dict(most))
    return best(settings.assign(seed=0), Question("error" if aim == LOWEST_ERROR else "di", most_of))


def reference_limits(settings: pd.DataFrame, decision_makers: pd.DataFrame, name: str) -> dict[str, float]:
    """The largest metrics on validation for the aim `LOWEST_DI`: `reference_error`, and the balanced error.

    The latter is the baseline's, where it is known: where an outcome is rare, a constant decision may have
    fewer errors than the baseline.
    """
    base = baselines(settings).get("validation_balanced_error", pd.Series(dtype=float)).min()
    balanced = {} if np.isnan(base) else {"balanced_error": float(base)}
    return {"error": reference_error(settings, decision_makers, name), **balanced}


def reference_error(settings: pd.DataFrame, decision_makers: pd.DataFrame, name: str) -> float:
    """The largest error on validation for the aim `LOWEST_DI`: the baseline's.

    Without a baseline it is that of the decision-maker alone, and without that there is no limit.
    """
    base = baselines(settings)["validation_error"].min()
    own = decision_makers["decision_maker"].eq(name) & decision_makers["split"].eq("validation")
    known = [error for error in (base, decision_makers.loc[own, "error"].min()) if not np.isnan(error)]
    return float(known[0]) if known else np.inf


def with_decision_maker(settings: pd.DataFrame, name: str) -> pd.DataFrame:
    """The settings with a decision-maker, and binary ones, which have none."""
    return settings[settings["decision_maker"].isin([name, NO_DECISION_MAKER])]


def facts_of(setting: "pd.Series[Any] | Mapping[Any, Any]") -> dict[str, Any]:
    """What tables say of a setting: method, model, test medians, coefficients and its name."""
    names = ("method", "model", *(f"test_{metric}" for metric in OBJECTIVES), "alpha", "gamma")
    return {
        name.removeprefix("test_"): setting.get(name, np.nan)
        for name in (*names, *MORE_COLUMNS, "setting_id")
    }
