"""What is wanted of a run, and the rule by which one is chosen: the best on validation under limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, Unpack

import numpy as np
import pandas as pd

from study.errors import UserError, did_you_mean
from study.words import FAILED, MEASURED, NO_DECISION_MAKER, Objective

NAMES: Final = {metric.column: metric.name for metric in MEASURED.values()}

# In the order in which they settle ties.
OBJECTIVES: Final = ("error", "di", "idk_rate")
POINT: Final = [f"validation_{metric}" for metric in OBJECTIVES]
NAMING = ["run_id", "setting_id", "seed", "status", *POINT]
"""The columns of the ledger that ``run_named`` needs."""


class Wanted(TypedDict, total=False):
    """What `select` and `certify` are asked, as keywords; None is no limit, and any name."""

    max_error: float | None
    max_di: float | None
    max_idk: float | None
    max_balanced_error: float | None
    max_fpr: float | None
    max_fnr: float | None
    max_cost: float | None
    min_idk: float | None
    minimise: Objective
    method: str | None
    model: str | None
    decision_maker: str | None
    include_degenerate: bool


@dataclass(frozen=True)
class Question:
    """What a run is to be like on validation, and which runs it is chosen from.

    Attributes:
        minimise: the metric of which the smallest is best, by its column.
        most, least: the largest and the smallest values that are accepted, by column.
        among: names by column: method, model, decision_maker.
        include_degenerate: whether runs that are no better than a constant decision are in the choice.
    """

    minimise: str = "error"
    most: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)
    among: Mapping[str, str] = field(default_factory=dict)
    include_degenerate: bool = False

    @staticmethod
    def of(**wanted: Unpack[Wanted]) -> "Question":
        """Return a question in the words of the command line."""
        unknown = set(wanted) - set(Wanted.__annotations__)
        if unknown:
            first = sorted(unknown)[0]
            near = did_you_mean(first, Wanted.__annotations__)
            raise TypeError(f"unknown arguments: {', '.join(sorted(unknown))}{near}")
        given: Mapping[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        for name, value in given.items():
            if name.startswith(("max_", "min_")):
                _check_limit(name, value)
        objective = given.get("minimise", "error")
        if objective not in MEASURED:
            raise UserError(
                f"minimise: {objective!r} is unknown; allowed are {', '.join(MEASURED)}"
                f"{did_you_mean(objective, MEASURED)}"
            )
        limits = {
            kind: {
                metric.column: given[key]
                for word, metric in MEASURED.items()
                if (key := f"{kind}_{word.replace('-', '_')}") in given
            }
            for kind in ("max", "min")
        }
        return Question(
            minimise=MEASURED[objective].column,
            most=limits["max"],
            least=limits["min"],
            among={name: given[name] for name in ("method", "model", "decision_maker") if name in given},
            include_degenerate=given.get("include_degenerate", False),
        )

    def excess(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return by how much ``values`` by column, of one shape, miss the limits; 0 where they are kept."""
        over = {}
        for column in reversed(NAMES):
            if column in self.most or column in self.least:
                value = values[column]
                above = np.maximum(value - self.most.get(column, np.inf), 0)
                over[column] = above + np.maximum(self.least.get(column, -np.inf) - value, 0)
        return over

    def narrowed(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return the runs of the names in `among`; binary ones go with every decision-maker.

        Raises UserError for a name that is not in the ledger.
        """
        among = ""
        for column, name in self.among.items():
            known = sorted(set(runs[column]) - {NO_DECISION_MAKER})
            if len(runs) and name not in known:
                flag, allowed = column.replace("_", "-"), ", ".join(known) or "none"
                raise UserError(
                    f"--{flag}: {name!r} is not in the ledger{among}; allowed are {allowed}"
                    f"{did_you_mean(name, known)}"
                )
            among += f" with {column.replace('_', '-')} {name}"
            also = NO_DECISION_MAKER if column == "decision_maker" else name
            runs = runs[runs[column].isin([name, also])]
        return runs


def _check_limit(name: str, value: Any) -> None:
    """Raise UserError unless a limit is a number that the metric can have."""
    highest = np.inf if name.endswith("_cost") else 1
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not (0 <= value <= highest and value < np.inf):
        allowed = "from 0 to 1" if highest == 1 else "from 0 on"
        raise UserError(f"{name}: must be a number {allowed}, got {value!r}")


def best(runs: pd.DataFrame, question: Question) -> "pd.Series[Any] | None":
    """The run with the smallest validation metric among those within the limits.

    Where none is within them all, it is chosen among those whose excess over them sums to least. Ties go
    to the smaller error, odds difference and deferral rate, in this order, and then to the smaller
    `setting_id` and seed. Runs that lack a metric of `POINT`, or one that is asked about, are left out;
    where all lack the odds difference, as where a group has cases of one class only, it is not needed.
    `among` and degenerate runs are the caller's business.

    Returns its row, with `excess` (0 within the limits); None where no run has the metrics.
    """
    asked = {question.minimise, *question.most, *question.least}
    columns = [f"validation_{name}" for name in ("error", *sorted(asked))]
    known = runs.dropna(subset=list(dict.fromkeys([*POINT, *columns])))
    if known.empty:
        known = runs.dropna(subset=list(dict.fromkeys(columns)))
    over = question.excess({name: known[f"validation_{name}"] for name in asked})
    known = known.assign(excess=sum(over.values(), start=pd.Series(0.0, index=known.index)))
    order = ["excess", f"validation_{question.minimise}", *POINT, "setting_id", "seed"]
    for column in order[:2]:
        # Of a million runs few are worth sorting.
        known = known[known[column] == known[column].min()]
    ranked = known.sort_values(list(dict.fromkeys(order)))
    return None if ranked.empty else ranked.iloc[0]


def run_named(runs: pd.DataFrame, name: str) -> str:
    """Return the id of the run of the ledger that ``name`` means; ``name`` itself where there is none.

    It is a run's id, a setting's (its run with the smallest validation error), or the first characters of
    either. Raises UserError where several begin so.
    """
    if not name or name in set(runs["run_id"]):
        return name
    named = [str(run) for run in runs["run_id"] if str(run).startswith(name)]
    settings = sorted({str(one) for one in runs["setting_id"] if str(one).startswith(name)})
    found = [*(f"run {one}" for one in named), *(f"setting {one}" for one in settings)]
    if len(found) > 1:
        more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
        raise UserError(f"{name}: begins the ids of {', '.join(found[:3])}{more}; give more characters")
    if settings:
        own = runs[(runs["setting_id"] == settings[0]) & (runs["status"] != FAILED)]
        chosen = best(own, Question())
        return name if chosen is None else str(chosen["run_id"])
    return named[0] if named else name
