"""What helps a person to choose, measured once: settings to choose from, and how far to trust them."""

from dataclasses import dataclass

import pandas as pd

from study.reports.measure.choices import Choices, choices
from study.reports.measure.comparisons import Comparisons, comparisons
from study.reports.measure.deciding import Deciding, deciding
from study.reports.measure.front_seeds import front_by_seed, front_stability, runs_on_front
from study.reports.measure.importance import importance
from study.reports.measure.panels import deciding_on_test
from study.reports.measure.reductions import Reductions
from study.reports.measure.setting_intervals import SettingIntervals, setting_intervals
from study.results.study_results import Results


@dataclass(frozen=True, eq=False)
class Weighed:
    """What the functions of the same names return."""

    choices: Choices
    intervals: SettingIntervals
    deciding: Deciding
    comparisons: Comparisons
    front_by_seed: pd.DataFrame
    stability: pd.DataFrame
    importance: pd.DataFrame


def weigh(results: Results, reduced: Reductions) -> Weighed:
    """Measure it; reads the outcomes of the operating points and of each seed's front alone."""
    own_fronts = runs_on_front(results.runs)
    by_seed = front_by_seed(results.runs, own_fronts, reduced.fronts)
    tested = deciding_on_test(reduced.settings)
    points, makers = reduced.points, results.decision_makers
    fronts, menu = reduced.fronts, reduced.menu["setting_id"]
    honest = fronts.loc[fronts["front"] == "honest", "setting_id"]
    named = pd.concat([menu, points["setting_id"].dropna()])
    carried = choices(reduced.settings, named.tolist(), honest.tolist(), results.runs)
    return Weighed(
        choices=carried,
        intervals=setting_intervals(carried.frame["setting_id"].tolist(), results.runs, results.outcomes),
        deciding=deciding(points, results.runs, makers, tested, results.outcomes),
        comparisons=comparisons(results, own_fronts),
        front_by_seed=by_seed,
        stability=front_stability(by_seed, own_fronts),
        importance=importance(reduced.settings),
    )
