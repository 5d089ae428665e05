"""Every figure of a report, rendered and described."""

import re
from dataclasses import dataclass

import pandas as pd

from study.reports.figures.alpha import alpha_figure
from study.reports.figures.bands import bands_figure
from study.reports.figures.cdf import cdf_figure
from study.reports.figures.differences import differences_figure, differences_shown
from study.reports.figures.gamma import gamma_figure
from study.reports.figures.plane import fronts_figure
from study.reports.figures.render import Rendered, render
from study.reports.measure.panels import PLAIN_MODEL
from study.reports.measure.reductions import Reductions
from study.reports.page import descriptions
from study.results.fronts import KINDS


@dataclass(frozen=True)
class ModelFigures:
    """The figures of one model; those without anything to show are None.

    Attributes:
        model: its name.
        plane: fronts in the error-DI plane.
        bands: the same by IDK rate, by kind of front.
        cdf: distribution of IDK rates.
        gamma: IDK rate against gamma.
    """

    model: str
    plane: Rendered
    bands: dict[str, Rendered]
    cdf: Rendered | None
    gamma: Rendered | None

    def all(self) -> list[Rendered]:
        """Those that there are."""
        figures = [self.plane, *self.bands.values(), self.cdf, self.gamma]
        return [figure for figure in figures if figure is not None]


@dataclass(frozen=True)
class Album:
    """All figures of a report.

    Attributes:
        models: those of each model that is shown, in order.
        alpha: DI and error of binary models against alpha; None where they have too few alphas.
        differences: between methods; None where there is but one.
    """

    models: list[ModelFigures]
    alpha: Rendered | None = None
    differences: Rendered | None = None

    def all(self) -> list[Rendered]:
        """Those that there are, in the order of the page."""
        figures = [figure for model in self.models for figure in model.all()]
        more = (self.alpha, self.differences)
        return [*figures, *(figure for figure in more if figure is not None)]


def album(reduced: Reductions, decision_makers: pd.DataFrame, comparisons: pd.DataFrame) -> Album:
    """Draw all figures; none where nothing has finished.

    Args:
        reduced: what most of them show.
        decision_makers: as in `Results`.
        comparisons: the frame of `comparisons.Comparisons`.
    """
    names = file_names(reduced.models)
    models = [_of_model(m, names[m], reduced, decision_makers) for m in reduced.models]
    return Album(models, _alpha(reduced), _differences(comparisons))


def file_names(models: list[str]) -> dict[str, str]:
    """A name for each model that is safe in a file name and in an id, and no other's."""
    safe: dict[str, str] = {}
    for number, model in enumerate(models, start=1):
        name = re.sub(r"[^A-Za-z0-9]+", "-", model).strip("-").lower()[:40] or "model"
        safe[model] = f"{name}-{number}" if name in safe.values() else name
    return safe


def _alpha(reduced: Reductions) -> Rendered | None:
    models = sorted(reduced.alpha["model"].unique(), key=lambda model: (model != PLAIN_MODEL, model))
    if not models:
        return None
    figure = alpha_figure(reduced.alpha_runs, reduced.alpha, models=models)
    return render(figure, "di-and-error-by-alpha", descriptions.of_alpha(reduced.alpha))


def _differences(comparisons: pd.DataFrame) -> Rendered | None:
    shown = differences_shown(comparisons)
    if not len(shown):
        return None
    return render(differences_figure(shown), "differences", descriptions.of_differences(shown))


def _of_model(model: str, file: str, reduced: Reductions, alone: pd.DataFrame) -> ModelFigures:
    names = reduced.names
    plane = render(
        fronts_figure(reduced.settings, reduced.fronts, alone, model=model, names=names),
        f"fronts-{file}",
        descriptions.of_plane(reduced, alone, model=model),
    )
    bands, cdf, gamma = {}, None, None
    if (reduced.settings["method"] != "binary").any():
        for kind in KINDS:
            fronts = (reduced.fronts, reduced.band_fronts)
            bands[kind] = render(
                bands_figure(reduced.settings, *fronts, alone, kind=kind, model=model, names=names),
                f"fronts-by-idk-rate-{kind}-{file}",
                descriptions.of_bands(reduced.band_fronts, kind=kind, model=model),
            )
    if (reduced.cdf["model"] == model).any():
        cdf = render(
            cdf_figure(reduced.cdf, model=model, names=names),
            f"idk-cdf-{file}",
            descriptions.of_cdf(reduced.cdf, model=model),
        )
    if (reduced.gamma["model"] == model).any():
        gamma = render(
            gamma_figure(reduced.gamma, model=model, names=names),
            f"idk-rate-by-gamma-{file}",
            descriptions.of_gamma(reduced.gamma, model=model),
        )
    return ModelFigures(model, plane, bands, cdf, gamma)
