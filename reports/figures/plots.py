"""The report's figures one by one, for a notebook or a paper: each draws on the user's own axes."""

from collections.abc import Iterable
from itertools import chain
from typing import Final

import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes

from study.errors import LedgerError, UserError, did_you_mean
from study.reports.figures.alpha import AXES, draw_by_alpha, scale_alpha
from study.reports.figures.by_group import METRICS, draw_by_group, group_marks
from study.reports.figures.deferral import decision_maker_lines, draw_cdf, draw_idk_by_gamma
from study.reports.figures.differences import add_label, differences_shown, draw_differences
from study.reports.figures.plane import AXES as PLANE
from study.reports.figures.plane import draw_plane, method_line, reference_marks
from study.reports.figures.style import decision_maker_styles
from study.reports.measure.measures import Measures
from study.reports.measure.panels import Models, decision_maker_alone, panel_baselines, panel_rows
from study.results.fronts import BANDS, CHOSEN_ON, idk_band
from study.results.study_results import Results

KINDS: Final = {"validation": "honest", "test": "paper"}


class Plots:
    """A method for each figure of a report: it draws on ``ax``, or on new axes, and returns them.

    Where a figure of the report has a panel for each model, decision-maker or method, arguments name the
    panel; by default it is the first. UserError for a name that the study does not have, and LedgerError
    where there is nothing to draw.
    """

    def __init__(self, results: Results) -> None:
        self._measures = Measures(results)

    def front(
        self,
        ax: Axes | None = None,
        *,
        model: str | None = None,
        decision_maker: str | None = None,
        chosen_on: str = "validation",
        band: str | None = None,
    ) -> Axes:
        """Draw error against odds difference: settings, Pareto fronts, baseline and decision-maker alone.

        Args:
            ax: the axes.
            model, decision_maker: whose settings; binary ones are there as well. By default those of all
                models that the report draws together.
            chosen_on: ``validation`` or ``test``: the split on whose metrics the front's points are best.
            band: only settings of ``low``, ``medium`` or ``high`` deferral rate.
        """
        measures = self._measures
        kind = KINDS[_named("chosen_on", chosen_on, KINDS)]
        models = self._models(model)
        decision_maker = _named("decision_maker", decision_maker, measures.names)
        settings, fronts = measures.settings, measures.fronts
        if band is not None:
            settings = idk_band(settings, _named("band", band, BANDS), kind)
            fronts = measures.band_fronts[measures.band_fronts["band"] == band]
        points = panel_rows(settings, models, decision_maker)
        lines = panel_rows(fronts[fronts["front"] == kind], models, decision_maker)
        alone = decision_maker_alone(
            measures.results.decision_makers, measures.tested.get(decision_maker, decision_maker)
        )
        base = panel_baselines(measures.settings, models)
        ax = _axes(ax)
        metric = measures.metric
        draw_plane(ax, points, lines, base, alone, joined_on=CHOSEN_ON[kind], metric=metric)
        if not ax.yaxis_inverted():
            ax.invert_yaxis()
        ax.set(xlabel="average odds difference (left is better)", ylabel=f"{PLANE[metric]} (up is better)")
        lines_shown = [method_line(str(method)) for method in points["method"].unique()]
        ax.legend(handles=[*lines_shown, *reference_marks(base=len(base) > 0, alone=len(alone) > 0)])
        return ax

    def deferral_cdf(
        self,
        ax: Axes | None = None,
        *,
        model: str | None = None,
        method: str | None = None,
        group: str = "all",
    ) -> Axes:
        """Draw how many settings defer at most so much, a line for each decision-maker (Figure 6).

        ``group`` is ``all`` cases, or those with ``0`` or ``1`` as the sensitive attribute.
        """
        curves = self._of_method(self._measures.cdf, model, method)
        curves = curves[curves["group"] == _named("group", str(group), ("all", "0", "1"))]
        ax = _axes(ax)
        draw_cdf(ax, curves, decision_maker_styles(self._measures.called_names))
        ax.set(xlabel="deferral rate", ylabel="settings at or below it")
        ax.legend(handles=decision_maker_lines(self._measures, curves, marked=False))
        return ax

    def deferral_by_gamma(
        self, ax: Axes | None = None, *, model: str | None = None, method: str | None = None
    ) -> Axes:
        """Draw the validation deferral rate against gamma, medians and quartiles by decision-maker."""
        curves = self._of_method(self._measures.gamma, model, method)
        ax = _axes(ax)
        draw_idk_by_gamma(ax, curves, decision_maker_styles(self._measures.called_names))
        ax.set(xlabel="gamma", ylabel="deferral rate (validation)")
        ax.legend(handles=decision_maker_lines(self._measures, curves, marked=True))
        return ax

    def by_alpha(self, ax: Axes | None = None, *, metric: str = "di", model: str | None = None) -> Axes:
        """Draw the test ``error`` or ``di`` of binary models against alpha (Figures 7 and 8)."""
        metric = _named("metric", metric, AXES)
        points, curves = self._measures.alpha_runs, self._measures.alpha
        model = _named(
            "model", model, sorted(curves["model"].unique()), "binary models searched over alpha"
        )
        ax = _axes(ax)
        own = points[points["model"] == model]
        draw_by_alpha(ax, own, curves[curves["model"] == model], metric)
        scale_alpha(ax, own["alpha"].to_numpy(float))
        ax.set(xlabel="alpha", ylabel=f"{AXES[metric]} (lower is better)")
        return ax

    def by_group(
        self,
        ax: Axes | None = None,
        *,
        metric: str = "error",
        outcome: int = 1,
        decision_maker: str | None = None,
    ) -> Axes:
        """Draw the ``error`` or ``idk_rate`` of operating points, a dot with its interval for each group.

        ``outcome`` is 0 or 1: of error the false positive or the false negative rate.
        """
        metric = _named("metric", metric, METRICS)
        outcome = int(_named("outcome", str(outcome), ("0", "1")))
        frame, named = self._measures.by_group.frame, self._measures.group_names
        known = list(dict.fromkeys(frame["decision_maker"]))
        own = frame[frame["decision_maker"] == _named("decision_maker", decision_maker, known)]
        points = list(dict.fromkeys(own["what"]))
        ax = _axes(ax)
        draw_by_group(ax, own, points, [f"{metric}_a{a}_y{outcome}" for a in (0, 1)])
        ax.set_yticks(range(len(points)), points)
        ax.set(ylim=(len(points) - 0.5, -0.5), xlabel=METRICS[metric].format(named.outcomes[outcome]))
        ax.legend(handles=group_marks(named))
        return ax

    def differences(self, ax: Axes | None = None) -> Axes:
        """Draw how much better one method's front is than another's, with both intervals."""
        shown = self._measures.named(differences_shown(self._measures.comparisons.frame))
        if shown.empty:
            raise LedgerError("nothing to draw: there are no two methods to compare")
        ax = _axes(ax)
        draw_differences(ax, shown)
        add_label(ax)
        return ax

    def _models(self, name: str | None) -> Models:
        shown = self._measures.models
        model = _named("model", name, chain.from_iterable(shown))
        return shown[0] if name is None else (model,)

    def _of_method(self, curves: pd.DataFrame, model: str | None, method: str | None) -> pd.DataFrame:
        deferring, known = "models that may defer", sorted(curves["model"].unique())
        among = known if model is None else [_named("model", model, known, deferring)]
        own = self._measures.named(curves[curves["model"].isin(among)])
        own = own[own["method"] == _named("method", method, list(own["method"].unique()), deferring)]
        first: str = own["model"].iloc[0]
        return own[own["model"] == first]


def _axes(ax: Axes | None) -> Axes:
    """Return the axes, or those of a new figure."""
    return pyplot.subplots()[1] if ax is None else ax


def _named(argument: str, name: str | None, known: Iterable[str], what: str = "finished runs") -> str:
    """Return a name that is known, the first one where none is given; UserError for another."""
    names = [str(one) for one in known]
    if not names:
        raise LedgerError(f"nothing to draw: there are no {what}")
    if name is not None and name not in names:
        raise UserError(
            f"{argument}: {name!r} is unknown; allowed are {', '.join(names)}{did_you_mean(name, names)}"
        )
    return names[0] if name is None else name
