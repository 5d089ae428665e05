"""Our drawings of the paper's figures."""

from collections.abc import Iterator
from typing import Any

from study.reports.figures.album import file_names
from study.reports.figures.alpha import alpha_figure
from study.reports.figures.bands import bands_figure
from study.reports.figures.cdf import cdf_figure
from study.reports.figures.plane import fronts_figure
from study.reports.figures.render import Rendered, render
from study.reports.measure.panels import PLAIN_MODEL
from study.reports.measure.reductions import Reductions
from study.reports.page import descriptions
from study.reports.paper.paper_figures import FIGURES
from study.results.fronts import KINDS
from study.results.study_results import Results


def drawings(name: str, study: str, reduced: Reductions, results: Results) -> Iterator[Rendered]:
    """Our drawings of one of the paper's figures, a model after the other; none where none can be drawn.

    Args:
        name: of the figure.
        study: that it is drawn from; its last word goes into the files' names of a figure that has two.
        reduced: of this study.
        results: of this study.
    """
    kind, several = FIGURES[name].drawing, len(FIGURES[name].sources) > 1
    file = f"figure-{name}-{study.rsplit('-', 1)[-1]}" if several else f"figure-{name}"
    alone = results.decision_makers
    if kind == "alpha":
        models = sorted(reduced.alpha["model"].unique(), key=lambda model: (model != PLAIN_MODEL, model))
        if models:
            drawing = alpha_figure(reduced.alpha_runs, reduced.alpha, models=models)
            yield render(drawing, file, descriptions.of_alpha(reduced.alpha))
        return
    for model, suffix in file_names(reduced.models).items():
        given: dict[str, Any] = {"model": model, "names": reduced.names}
        if kind == "plane":
            drawing = fronts_figure(reduced.settings, reduced.fronts, alone, **given)
            yield render(drawing, f"{file}-{suffix}", descriptions.of_plane(reduced, alone, model=model))
        elif kind == "cdf" and (reduced.cdf["model"] == model).any():
            drawing = cdf_figure(reduced.cdf, **given)
            yield render(drawing, f"{file}-{suffix}", descriptions.of_cdf(reduced.cdf, model=model))
        elif kind == "bands":
            for front in KINDS:
                frames = (reduced.settings, reduced.fronts, reduced.band_fronts, alone)
                drawing = bands_figure(*frames, kind=front, **given)
                said = descriptions.of_bands(reduced.band_fronts, kind=front, model=model)
                yield render(drawing, f"{file}-{front}-{suffix}", said)
