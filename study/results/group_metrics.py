"""Test metrics of runs by group, with bootstrap intervals over the cases tested on."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from study.results.intervals import Interval, percentile_interval
from study.results.metrics import GROUPS, Values, cost, joint_metrics, rates, selection_rates
from study.results.outcomes import CELLS, Cells, Outcomes, decision_makers_wrong

RESAMPLES: Final = 400
# Of the resamples of the test set: the same in a report and in `study select`.
SEED: Final = 0
BY_CELL: Final = {f"_a{cell // 2}_y{cell % 2}": slice(cell, cell + 1) for cell in range(CELLS)}


class Spread(NamedTuple):
    """A metric of a run and the bootstrap's interval, None where the metric is undefined too often."""

    value: float
    test_set: Interval | None


def group_metrics(outcomes: Outcomes, decision_maker: Sequence[str], cells: Cells) -> dict[str, Values]:
    """Test metrics of R runs in B versions, whole and by group, and what the other would have decided.

    decision_maker (R,) decides where a run defers. (R, B) each, NaN where no case is counted: those of the
    ledger by their names there, the rates of the four cells as idk_rate_a0_y0 and error_a0_y0, how often
    the decision is 1 as selection_rate with selection_ratio, and, as no case is decided twice in practice,
    dm_error_on_kept and model_error_on_left. Those of a group end in _a0 or _a1.
    """
    wrong, code = decision_makers_wrong(outcomes, decision_maker)
    maker, model = wrong[code], outcomes.positive != outcomes.label
    left, kept = outcomes.deferred, ~outcomes.deferred
    examples = cells.examples[:, None]
    idk = cells.count(left)
    model_kept, maker_kept = cells.count(model & kept), cells.count(maker & kept)
    model_left, maker_left = cells.count(model & left), cells.count(maker & left)
    known = np.isin(np.asarray(decision_maker, dtype=str), list(outcomes.decisions))[:, None]
    maker_kept = np.where(known, maker_kept, np.nan)
    kept_count, errors = examples - idk, model_kept + maker_left
    costs = {
        f"cost{group}": cost(errors[cell], idk[cell], examples[cell], outcomes.costs)
        for group, cell in GROUPS.items()
        if group
    }
    return {
        **joint_metrics(errors, idk, examples, outcomes.costs),
        **costs,
        **selection_rates(errors, examples),
        **rates("error", errors, examples, BY_CELL),
        **rates("idk_rate", idk, examples, BY_CELL),
        **rates("model_error", model_kept, kept_count),
        **rates("dm_error_on_kept", maker_kept, kept_count),
        **rates("dm_error", maker_left, idk),
        **rates("model_error_on_left", model_left, idk),
    }


def resampled_cells(outcomes: Outcomes, resamples: int = RESAMPLES) -> Cells:
    """The examples as they are, then `resamples` times drawn again; the same for the same number."""
    drawn = outcomes.resampled(np.random.default_rng(SEED), resamples)
    return Cells(outcomes, np.vstack([np.ones_like(outcomes.label, dtype=drawn.dtype), drawn]))


def spreads(outcomes: Outcomes, decision_maker: str, cells: Cells) -> dict[str, Spread]:
    """Every metric of one run, given its outcomes alone and who decides where it defers."""
    metrics = group_metrics(outcomes, [decision_maker], cells)
    return {name: _spread(values[0].astype(np.float64)) for name, values in metrics.items()}


def _spread(values: Values) -> Spread:
    known = not np.isnan(values[0])
    return Spread(float(values[0]), percentile_interval(values[1:]) if known else None)
