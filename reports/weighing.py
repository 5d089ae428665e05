"""What helps a person to choose, measured once: settings to choose from, and how far to trust them."""

from dataclasses import dataclass

import pandas as pd

from reports.choices import Choices, choices
from reports.comparisons import Comparisons, comparisons
from reports.deciding import Deciding, deciding
from reports.front_seeds import front_by_seed, front_stability, runs_on_front
from reports.importance import importance
from reports.panels import deciding_on_test
from reports.reductions import Reductions
from reports.results import Results
from reports.setting_intervals import SettingIntervals, setting_intervals


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
