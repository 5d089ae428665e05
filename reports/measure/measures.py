"""Every frame of a report, shared by its tables, figures and text."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

import pandas as pd

from study.reports.measure.alpha import binary_runs, curves_by_alpha
from study.reports.measure.candidates import Candidates, candidates
from study.reports.measure.comparisons import Comparisons, comparisons
from study.reports.measure.deferral_budgets import by_budget, operating_points
from study.reports.measure.deferral_rates import deferral_by_gamma, deferral_cdf
from study.reports.measure.front_stability import front_by_seed, front_stability, runs_on_front
from study.reports.measure.group_names import GroupNames, group_names
from study.reports.measure.importance import importance
from study.reports.measure.metrics_by_group import GroupMetrics, metrics_by_group
from study.reports.measure.panels import deciding_on_test, decision_makers_shown, models_shown
from study.reports.measure.setting_intervals import SettingIntervals, setting_intervals
from study.results.fronts import fronts, fronts_by_idk_rate
from study.results.hypervolume import hypervolumes
from study.results.settings import medians_by_setting
from study.results.study_results import Results


class Measures:
    """What the functions of the same names return, measured when it is first asked for.

    All are empty frames where no run has finished. Outcomes are read of the settings that the page shows
    and of each seed's front alone.
    """

    def __init__(self, results: Results) -> None:
        """Measure nothing yet."""
        self.results = results

    @cached_property
    def settings(self) -> pd.DataFrame:
        """Medians over seeds, a row per setting."""
        return medians_by_setting(self.results.runs)

    @cached_property
    def models(self) -> list[str]:
        """The models that have figures, in order."""
        return models_shown(self.settings)

    @cached_property
    def names(self) -> list[str]:
        """The decision-makers that have figures, in order."""
        return decision_makers_shown(self.settings)

    @cached_property
    def tested(self) -> dict[str, str]:
        """By decision-maker in training the one on test."""
        return deciding_on_test(self.settings)

    @cached_property
    def group_names(self) -> GroupNames:
        """What the groups and outcomes are called."""
        return group_names(self.results.study.get("dataset"))

    @cached_property
    def fronts(self) -> pd.DataFrame:
        """Every Pareto front."""
        return fronts(self.settings)

    @cached_property
    def band_fronts(self) -> pd.DataFrame:
        """The fronts among settings of similar deferral rate."""
        return fronts_by_idk_rate(self.settings)

    @cached_property
    def areas(self) -> pd.DataFrame:
        """The hypervolume of every front."""
        return hypervolumes(self.fronts)

    @cached_property
    def cdf(self) -> pd.DataFrame:
        """The distribution of deferral rates."""
        return deferral_cdf(self.settings)

    @cached_property
    def gamma(self) -> pd.DataFrame:
        """Deferral rates by gamma."""
        return deferral_by_gamma(self.settings)

    @cached_property
    def alpha_runs(self) -> pd.DataFrame:
        """The binary runs."""
        return binary_runs(self.results.runs)

    @cached_property
    def alpha(self) -> pd.DataFrame:
        """Their curves by alpha."""
        return curves_by_alpha(self.alpha_runs)

    @cached_property
    def points(self) -> pd.DataFrame:
        """The operating points at the budget of the first screen."""
        return operating_points(self.settings, self.results.decision_makers)

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """The best settings by deferral budget, with the intervals of their test metrics."""
        return self._by_budget.merge(self.intervals.frame, on="setting_id", how="left")

    @cached_property
    def candidates(self) -> Candidates:
        """The settings that the page offers for choosing."""
        named = pd.concat([self._by_budget["setting_id"], self.points["setting_id"].dropna()])
        honest = self.fronts.loc[self.fronts["front"] == "honest", "setting_id"]
        return candidates(self.settings, named.tolist(), honest.tolist(), self.results.runs)

    @cached_property
    def intervals(self) -> SettingIntervals:
        """Intervals of the candidates' test metrics."""
        chosen = self.candidates.frame["setting_id"].tolist()
        return setting_intervals(chosen, self.results.runs, self.results.outcomes)

    @cached_property
    def by_group(self) -> GroupMetrics:
        """Metrics of the operating points by group and outcome."""
        given = self.results
        return metrics_by_group(self.points, given.runs, given.decision_makers, self.tested, given.outcomes)

    @cached_property
    def comparisons(self) -> Comparisons:
        """Differences between the methods' fronts."""
        return comparisons(self.results, self._own_fronts)

    @cached_property
    def front_by_seed(self) -> pd.DataFrame:
        """How often the settings of a front are on that of a single seed."""
        return front_by_seed(self.results.runs, self._own_fronts, self.fronts)

    @cached_property
    def stability(self) -> pd.DataFrame:
        """The same by method, model and decision-maker."""
        return front_stability(self.front_by_seed, self._own_fronts)

    @cached_property
    def importance(self) -> pd.DataFrame:
        """Which hyperparameters the metrics depend on."""
        return importance(self.settings)

    @cached_property
    def decision_makers(self) -> pd.DataFrame:
        """The decision-makers alone, named columns first."""
        alone = self.results.decision_makers
        return alone[sorted(alone, key=lambda c: (c != "decision_maker", c != "split"))]

    @cached_property
    def _by_budget(self) -> pd.DataFrame:
        return by_budget(self.settings, self.results.decision_makers)

    @cached_property
    def _own_fronts(self) -> pd.DataFrame:
        return runs_on_front(self.results.runs)


TABLES: Final[Mapping[str, Callable[[Measures], pd.DataFrame]]] = {
    "fronts": lambda measures: measures.fronts,
    "fronts_by_idk_rate": lambda measures: measures.band_fronts,
    "idk_cdf": lambda measures: measures.cdf,
    "binary_by_alpha": lambda measures: measures.alpha,
    "hypervolumes": lambda measures: measures.areas,
    "settings": lambda measures: measures.settings,
    "decision_makers": lambda measures: measures.decision_makers,
    "deferral_budgets": lambda measures: measures.budgets,
    "metrics_by_group": lambda measures: measures.by_group.frame,
    "comparisons": lambda measures: measures.comparisons.frame,
    "importance": lambda measures: measures.importance,
    "front_by_seed": lambda measures: measures.front_by_seed,
}
"""The tables that a report writes as CSV files, by name."""
