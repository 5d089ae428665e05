"""A run against what could be done instead: paired differences on the test cases, with intervals.

The alternatives are the baseline, the decision-maker deciding every case alone, and deferring as many
cases at random. Every resample of the test cases is the same for both sides of a difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from study.results.group_metrics import resampled_cells
from study.results.intervals import Interval, percentile_interval
from study.results.limits import NAMES
from study.results.metrics import Values, joint_metrics
from study.results.outcomes import Bools, Outcomes, decision_makers_wrong
from study.results.wording import signed
from study.words import BASELINE_MODELS, NO_DECISION_MAKER

BASELINE: Final = "the baseline"
ALONE: Final = "the decision-maker alone"
RANDOM: Final = "deferring as many cases at random"
COMPARED: Final = ("error", "di", "balanced_error")
"""Metrics in which a run is compared; its cost comes first where errors have costs of their own."""


@dataclass(frozen=True)
class Difference:
    """A metric of the chosen run less that of an alternative.

    Attributes:
        chosen, other: the metrics of both.
        value: their difference; below 0 where the chosen run is better.
        interval: of 95 %, from the bootstrap over test cases; None where it is undefined too often.
    """

    chosen: float
    other: float
    value: float
    interval: Interval | None


@dataclass(frozen=True)
class Comparison:
    """A run against one alternative.

    Attributes:
        to: `BASELINE`, `ALONE` or `RANDOM`.
        run_id: the baseline's run; empty for the others.
        differences: by metric, of `COMPARED` and perhaps the cost.
    """

    to: str
    run_id: str
    differences: Mapping[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        parts = {
            name: {
                "chosen": one.chosen,
                "other": one.other,
                "difference": one.value,
                "interval": one.interval,
            }
            for name, one in self.differences.items()
        }
        return {"to": self.to, **({"run_id": self.run_id} if self.run_id else {}), **parts}

    @property
    def main(self) -> Difference:
        """The difference in cost, where errors have costs of their own, and else in error."""
        return self.differences.get("cost", self.differences["error"])

    def sentence(self) -> str:
        """Say in one sentence which has the lower error or cost, and whether that may be chance."""
        one, priced = self.main, "cost" in self.differences
        name, scale, digits = (NAMES["cost"], 1, 3) if priced else ("error", 100, 1)
        gap = f"{abs(scale * one.value):.{digits}f}" + ("" if priced else " points")
        who = f"the chosen run has a {'lower' if one.value < 0 else 'higher'} {name} than {self.to}"
        if round(1000 * one.value) == 0:
            who, gap = f"the chosen run has the {name} of {self.to}", "no difference"
        told = f"{who}: {one.chosen:.3f} against {one.other:.3f} ({gap}"
        if one.interval is None:
            return f"{told})"
        low, high = (f"{scale * end:+.{digits}f}".replace("-", "−") for end in one.interval)
        chance = ", which may be chance" if one.interval.low <= 0 <= one.interval.high else ""
        return f"{told}; 95 % interval {low} to {high}){chance}"


def people_first(found: Sequence[Comparison]) -> list[str]:
    """Say that the decision-maker alone does better, or may do, where it does: the first thing to know."""
    first = []
    for one in found:
        if one.to == ALONE and one.main.value > 0:
            sure = one.main.interval is not None and one.main.interval.low > 0
            first.append(f"People alone {'do' if sure else 'may do'} better: {one.sentence()}.")
    return first


def compared_lines(found: Sequence[Comparison]) -> list[str]:
    """Return a table of the differences for a terminal; nothing where there are none."""
    if not found:
        return []
    names = found[0].differences
    heads = "".join(f"{NAMES[name]:>27}" for name in names)
    lines = [f"  {'on test, the run less':<36}{heads}"]
    for one in found:
        cells = "".join(f"{_written(one.differences[name]):>27}" for name in names)
        lines.append(f"  {'  ' + one.to:<36}{cells}")
    return lines


def _written(one: Difference) -> str:
    if np.isnan(one.value):
        return "-"
    write = signed(3)
    ends = "" if one.interval is None else " ({} to {})".format(*map(write, one.interval))
    return f"{write(one.value)}{ends}"


def baseline_of(runs: pd.DataFrame, run: "pd.Series[Any]") -> pd.DataFrame:
    """Return the baseline's run that a run is compared with, a row of the ledger or none.

    The baseline is the binary plain model trained for accuracy alone, or the given model. Its run is that
    of the same split and seed; where there is none, the one with the median validation error (of two the
    lower).
    """
    plain = runs[(runs["method"] == "binary") & (runs["alpha"] == 0)]
    model = next((name for name in BASELINE_MODELS if (plain["model"] == name).any()), None)
    own: pd.DataFrame = plain[(plain["model"] == model) & (plain["split"] == run["split"])]
    own = own.dropna(subset=["validation_error"])
    same: pd.DataFrame = own[own["seed"] == run["seed"]]
    ranked: pd.DataFrame = own.sort_values(["validation_error", "seed"])
    return same.head(1) if len(same) else ranked.iloc[(len(ranked) - 1) // 2 :].head(1)


def comparisons(
    outcomes: Outcomes, decision_makers: Sequence[str], *, baseline: Sequence[str] = (), alone: str = ""
) -> tuple[Comparison, ...]:
    """Compare a run with what could be done instead.

    Args:
        outcomes: of the run, and then of the baseline's run where there is one.
        decision_makers: who decides where each of these defers.
        baseline: the run_id of the latter, if any.
        alone: the decision-maker to compare with where the run has none; unless given that of the outcomes,
            where there is one only.

    Returns:
        The baseline, unless it is the run itself; the decision-maker alone, where its decisions are known;
        random deferral, where the run defers some cases and not all. At random a case is deferred with the
        run's deferral rate r, so the expected errors are 1 - r times those of the run's model deciding
        everything and r times those of the decision-maker alone, cell by cell.
    """
    cells = resampled_cells(outcomes)
    wrong, code = decision_makers_wrong(outcomes, decision_makers)
    deferred, model = outcomes.deferred[:, None], (outcomes.positive != outcomes.label)[:, None]

    def count(marked: Bools) -> Values:
        return cells.count(marked)[:, 0].astype(np.float64)

    compared = COMPARED if outcomes.costs.metric == "error" else ("cost", *COMPARED)

    def measured(errors: Values, deferrals: Values) -> Mapping[str, Values]:
        found = joint_metrics(errors, deferrals, cells.examples.astype(np.float64), outcomes.costs)
        return {name: found[name] for name in compared}

    joint = [
        measured(count(np.where(deferred[k], wrong[code[k]], model[k])), count(deferred[k]))
        for k in range(len(code))
    ]
    chosen, found = joint[0], []
    for run_id in baseline:
        found.append(_compared(BASELINE, run_id, chosen, joint[1]))
    only = next(iter(outcomes.decisions)) if len(outcomes.decisions) == 1 else ""
    name = decision_makers[0] if decision_makers[0] != NO_DECISION_MAKER else alone or only
    if name in outcomes.decisions:
        maker = count((outcomes.decisions[name] != outcomes.label)[None])
        found.append(_compared(ALONE, "", chosen, measured(maker, cells.examples)))
        rate = count(deferred[0]).sum(axis=0) / cells.examples.sum(axis=0)
        if 0 < rate[0] < 1:
            at_random = (1 - rate) * count(model[0]) + rate * maker
            found.append(_compared(RANDOM, "", chosen, measured(at_random, rate * cells.examples)))
    return tuple(found)


def _compared(
    to: str, run_id: str, chosen: Mapping[str, Values], other: Mapping[str, Values]
) -> Comparison:
    differences = {}
    for name in chosen:
        gap = chosen[name] - other[name]
        ends = percentile_interval(gap[1:])
        differences[name] = Difference(float(chosen[name][0]), float(other[name][0]), float(gap[0]), ends)
    return Comparison(to, run_id, differences)
