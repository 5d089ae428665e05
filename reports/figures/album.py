"""Every figure of a report, drawn and rendered."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from study.reports.figures.alpha import by_alpha
from study.reports.figures.by_group import by_group
from study.reports.figures.calibration import calibration
from study.reports.figures.deferral import deferral_by_gamma, deferral_cdf
from study.reports.figures.differences import differences
from study.reports.figures.plane import plane, test_bands, validation_bands
from study.reports.figures.render import Rendered, render
from study.reports.figures.style import Drawn
from study.reports.measure.measures import Measures
from study.reports.measure.panels import Models

OF_MODELS: Final[Mapping[str, Callable[[Measures, Models], Drawn | None]]] = {
    "fronts": plane,
    "fronts-by-idk-rate-paper": test_bands,
    "fronts-by-idk-rate-honest": validation_bands,
    "idk-cdf": deferral_cdf,
    "idk-rate-by-gamma": deferral_by_gamma,
}
"""The figures drawn for each of ``models_shown``, by name; None is drawn where there is nothing to show."""

OF_STUDY: Final[Mapping[str, Callable[[Measures], Drawn | None]]] = {
    "by-group": by_group,
    "calibration": calibration,
    "di-and-error-by-alpha": by_alpha,
    "differences": differences,
}
"""The figures that a study has once."""


@dataclass(frozen=True)
class Album:
    """All figures of a report, by name; those without anything to show are left out.

    Attributes:
        of_models: those of each of ``models_shown``, in order.
        of_study: the others.
    """

    of_models: Mapping[Models, Mapping[str, Rendered]] = field(default_factory=dict)
    of_study: Mapping[str, Rendered] = field(default_factory=dict)

    def all(self) -> list[Rendered]:
        """Every figure, in the order of the page."""
        of_models = [figure for figures in self.of_models.values() for figure in figures.values()]
        return [*of_models, *self.of_study.values()]


def album(measures: Measures) -> Album:
    """Draw all figures; none where nothing has finished."""
    of_models = {
        models: dict(of_one(measures, models, {name: f"{name}-{file}" for name in OF_MODELS}))
        for models, file in file_names(measures.models).items()
    }
    of_study = {name: render(partial(draw, measures), name) for name, draw in OF_STUDY.items()}
    return Album(of_models, {name: figure for name, figure in of_study.items() if figure})


def of_one(measures: Measures, models: Models, files: Mapping[str, str]) -> Iterator[tuple[str, Rendered]]:
    """The figures of these models, those that have anything to show: `files` maps their names to files'."""
    for name, file in files.items():
        if figure := render(partial(OF_MODELS[name], measures, models), file):
            yield name, figure


def file_names(shown: Sequence[Models]) -> dict[Models, str]:
    """A name for each of ``models_shown`` that is safe in a file name and in an id, and no other's."""
    safe: dict[Models, str] = {}
    for number, models in enumerate(shown, start=1):
        model = models[0] if len(models) == 1 else "all models"
        name = re.sub(r"[^A-Za-z0-9]+", "-", model).strip("-").lower()[:40] or "model"
        safe[models] = f"{name}-{number}" if name in safe.values() else name
    return safe
