"""Every figure of a report, rendered and described."""

import re
from dataclasses import dataclass

import pandas as pd

from reports.figures.bands import bands_figure
from reports.figures.cdf import cdf_figure
from reports.figures.gamma import gamma_figure
from reports.figures.plane import fronts_figure
from reports.figures.render import Rendered, render
from reports.fronts import KINDS
from reports.reductions import Reductions


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


def album(reduced: Reductions, decision_makers: pd.DataFrame) -> list[ModelFigures]:
    """Draw all figures, model by model; none where nothing has finished."""
    names = file_names(reduced.models)
    return [_of_model(m, names[m], reduced, decision_makers) for m in reduced.models]


def file_names(models: list[str]) -> dict[str, str]:
    """A name for each model that is safe in a file name and in an id, and no other's."""
    safe: dict[str, str] = {}
    for number, model in enumerate(models, start=1):
        name = re.sub(r"[^A-Za-z0-9]+", "-", model).strip("-").lower()[:40] or "model"
        safe[model] = f"{name}-{number}" if name in safe.values() else name
    return safe


def _of_model(model: str, file: str, reduced: Reductions, alone: pd.DataFrame) -> ModelFigures:
    names = reduced.names
    frames = (reduced.settings, reduced.fronts, alone)
    shown = ", ".join(names)
    plane = render(
        fronts_figure(*frames, model=model, names=names),
        f"fronts-{file}",
        f"Error rate against disparate impact of the model {model} with the decision-makers "
        f"{shown}. {_in_words(reduced.fronts, model)}",
    )
    bands, cdf, gamma = {}, None, None
    if (reduced.settings["method"] != "binary").any():
        for kind in KINDS:
            fronts = (reduced.fronts, reduced.band_fronts)
            figure = bands_figure(reduced.settings, *fronts, alone, kind=kind, model=model, names=names)
            description = (
                f"Error rate against disparate impact of the model {model}, the {kind} front among "
                f"settings of low, medium and high IDK rate, with the decision-makers {shown}."
            )
            bands[kind] = render(figure, f"fronts-by-idk-rate-{kind}-{file}", description)
    if (reduced.cdf["model"] == model).any():
        cdf = render(
            cdf_figure(reduced.cdf, model=model, names=names),
            f"idk-cdf-{file}",
            f"Share of the settings of the model {model} with an IDK rate at or below each cutoff, "
            f"for everyone and by value of A, with the decision-makers {shown}.",
        )
    if (reduced.gamma["model"] == model).any():
        gamma = render(
            gamma_figure(reduced.gamma, model=model, names=names),
            f"idk-rate-by-gamma-{file}",
            f"Median IDK rate of the model {model} against gamma, decision-makers {shown}.",
        )
    return ModelFigures(model, plane, bands, cdf, gamma)


def _in_words(fronts: pd.DataFrame, model: str) -> str:
    honest = fronts[(fronts["front"] == "honest") & (fronts["model"] == model)]
    honest = honest.dropna(subset=["error", "di"])
    said = [
        f"The honest front of {method} with {name} has {len(front)} points, error "
        f"{front['error'].min():.3f} to {front['error'].max():.3f}, DI {front['di'].min():.3f} to "
        f"{front['di'].max():.3f}."
        for (method, name), front in honest.groupby(["method", "decision_maker"], sort=False)
    ]
    return " ".join(said)
