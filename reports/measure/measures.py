"""Every frame of a report, shared by its tables, figures and text."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

import pandas as pd

from study.errors import LedgerError
from study.group_names import group_names
from study.reports.measure.alpha import binary_runs, curves_by_alpha
from study.reports.measure.calibration import Calibration, calibration_of
from study.reports.measure.comparisons import comparisons
from study.reports.measure.deferral_budgets import EXAMPLE, by_budget, operating_points
from study.reports.measure.deferral_rates import deferral_by_gamma, deferral_cdf
from study.reports.measure.front_stability import front_by_seed, front_stability, runs_on_front
from study.reports.measure.importance import importance
from study.reports.measure.metrics_by_group import GroupMetrics, metrics_by_group
from study.reports.measure.panels import deciding_on_test, decision_makers_shown, models_shown
from study.reports.measure.shown_runs import RunIntervals, run_curves, run_intervals, shown_runs
from study.results.choice.candidates import marked, unstable
from study.results.choice.chosen_run import select
from study.results.choice.selection import Selection
from study.results.fronts import fronts, fronts_by_idk_rate, hypervolumes
from study.results.limits import OBJECTIVES, POINT, Question
from study.results.settings import medians_by_setting
from study.results.study_results import Results
from study.words import NO_DECISION_MAKER, cell_columns


class Measures:
    """What the functions of the same names return, each measured once, when it is first needed.

    All are empty frames where no run has finished. Outcomes are read of the settings that the page shows
    and of each seed's front alone.

    Attributes:
        models: the models that have figures, in order.
        names, called_names: the decision-makers that have figures, in order, and what readers call them.
        tested: by decision-maker in training the one on test.
        metric: by which errors are measured: `error`, or `cost` where they have costs of their own.
        shown: the metrics that tables show of a run.
        marked: the runs that have metrics, as `candidates.marked` has them.
        points: the operating points at the budget of the first screen.
    """

    def __init__(self, results: Results) -> None:
        """Measure nothing yet."""
        self.results = results

    metric = cached_property(lambda self: self.results.costs.metric)
    shown = cached_property(lambda self: OBJECTIVES if self.metric == "error" else ("cost", *OBJECTIVES))
    settings = cached_property(lambda self: medians_by_setting(self.results.runs))
    models = cached_property(lambda self: models_shown(self.settings))
    names = cached_property(lambda self: decision_makers_shown(self.settings))
    called_names = cached_property(lambda self: [self.called(name) for name in self.names])
    tested = cached_property(lambda self: deciding_on_test(self.settings))
    group_names = cached_property(lambda self: group_names(self.results.study["dataset"]))
    fronts = cached_property(lambda self: fronts(self.settings, self.metric))
    band_fronts = cached_property(lambda self: fronts_by_idk_rate(self.settings, self.metric))
    areas = cached_property(lambda self: hypervolumes(self.fronts, self.results.costs))
    cdf = cached_property(lambda self: deferral_cdf(self.settings))
    gamma = cached_property(lambda self: deferral_by_gamma(self.settings))
    alpha_runs = cached_property(lambda self: binary_runs(self.results.runs))
    alpha = cached_property(lambda self: curves_by_alpha(self.alpha_runs))
    points = cached_property(
        lambda self: operating_points(self._candidates, self.results.decision_makers, self.metric)
    )
    comparisons = cached_property(lambda self: comparisons(self.results, self._own_fronts))
    stability = cached_property(lambda self: front_stability(self.front_by_seed, self._own_fronts))
    importance = cached_property(lambda self: importance(self.settings))
    front_by_seed = cached_property(
        lambda self: front_by_seed(self.results.runs, self._own_fronts, self.fronts, self.metric)
    )
    shown_runs = cached_property(lambda self: shown_runs(self.marked, self._named))
    run_curves = cached_property(
        lambda self: run_curves(self.shown_runs.frame, self.results.outcomes, self.results.benefits)
    )
    _own_fronts = cached_property(lambda self: runs_on_front(self.results.runs, self.metric))
    _candidates = cached_property(lambda self: self.marked[~self.marked["degenerate"]])
    _by_budget = cached_property(
        lambda self: by_budget(self._candidates, self.results.decision_makers, self.metric)
    )

    def called(self, name: str) -> str:
        """What a reader calls a decision-maker: people of the user's own table by its columns."""
        if name != "column":
            return name
        people = self.group_names.people
        return f"column {people}" if people in {*self.names, *self.tested.values()} - {name} else people

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame with the decision-makers as readers call them."""
        return frame.assign(decision_maker=frame["decision_maker"].map(lambda name: self.called(str(name))))

    @cached_property
    def labels(self) -> dict[str, str]:
        """For every decision-maker what a reader calls it: with the one on test, where that is another."""
        return {
            name: self.called(name) + ("" if name == test else f", tested with {self.called(test)}")
            for name, test in self.tested.items()
        }

    @cached_property
    def marked(self) -> pd.DataFrame:
        """The runs to choose from."""
        runs = self.results.runs
        known = set(cell_columns("validation")) <= set(runs)
        runs = marked(runs) if known else runs.assign(degenerate=False, unstable=unstable(runs))
        return runs.dropna(subset=POINT)

    @cached_property
    def _named(self) -> list[str]:
        """The runs that the page names."""
        named = pd.concat([self._by_budget["run_id"], self.points["run_id"].dropna()])
        return [*(choice.run_id for choice in self.choices.values()), *named]

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """The best runs by deferral budget, with intervals."""
        return self._by_budget.merge(self.run_intervals.frame, on="run_id", how="left")

    @cached_property
    def run_intervals(self) -> RunIntervals:
        """Intervals of the test metrics of the runs that are offered, those first that the page names."""
        runs = self.shown_runs.frame
        named = runs["run_id"].isin(self._named)
        return run_intervals(pd.concat([runs[named], runs[~named]]), self.results.outcomes)

    @cached_property
    def by_group(self) -> GroupMetrics:
        """Metrics of the operating points by group and outcome."""
        given = self.results
        return metrics_by_group(self.points, given.runs, given.decision_makers, self.tested, given.outcomes)

    @cached_property
    def choices(self) -> dict[str, Selection]:
        """By decision-maker the run that `study select` chooses at the budget of the first screen.

        None where no run is within it, or where the ledger lacks counts by cell.
        """
        given, found = self.results, {}
        if not {"split", *cell_columns("validation")} <= set(given.runs):
            return {}
        for name in self.names:
            among = {} if name == NO_DECISION_MAKER else {"decision_maker": name}
            question = Question(self.metric, {"idk_rate": EXAMPLE}, among=among)
            try:
                choice = select(
                    given.runs,
                    given.outcomes,
                    question,
                    planned=given.planned,
                    people=self.group_names.people,
                )
            except LedgerError:
                continue
            if choice.satisfies:
                found[name] = choice
        return found

    @cached_property
    def calibration(self) -> Calibration:
        """Reliability curves of the runs of `choices`."""
        return calibration_of(self.choices, self.results.calibration)

    @cached_property
    def decision_makers(self) -> pd.DataFrame:
        """The decision-makers alone, what names them first."""
        alone = self.results.decision_makers
        return alone[sorted(alone, key=lambda c: (c != "decision_maker", c != "split"))]


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
    "calibration": lambda measures: measures.calibration.frame,
    "front_by_seed": lambda measures: measures.front_by_seed,
}
"""The tables that a report writes as CSV files, by name."""
