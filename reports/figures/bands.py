"""Error against odds difference at low, medium and high deferral rates (the paper's Figure 4)."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from study.reports.figures.plane import KIND_TITLES, draw_plane, finish_planes, ranges
from study.reports.figures.style import Drawn, grid_of_panels, panel_title, style
from study.reports.measure.measures import Measures
from study.reports.measure.panels import deciding_on_test, decision_maker_alone, panel_baselines, panel_rows
from study.results.fronts import BANDS, CHOSEN_ON, idk_band
from study.results.limits import NAMES

BAND_TITLES = {"low": "low, under 20 %", "medium": "medium, 20 to 50 %", "high": "high, from 50 %"}


def bands(kind: str, measures: Measures, model: str) -> Drawn | None:
    """The figure of one kind of front of one model, and the range of every front in every band."""
    if (measures.settings["method"] == "binary").all():
        return None
    decision_makers, fronts = measures.results.decision_makers, measures.band_fronts
    given = (measures.settings, measures.fronts, fronts, decision_makers)
    metric, names = measures.metric, measures.names
    figure = bands_figure(*given, kind=kind, model=model, names=names, metric=metric)
    own = fronts[(fronts["front"] == kind) & fronts["model"].eq(model)]
    lead = (
        f"{NAMES[metric].capitalize()} against odds difference of the model {model} by deferral rate: "
        f"{KIND_TITLES[kind]}."
    )
    of_band = [
        ranges(own[own["band"] == band], f"At a {band} deferral rate, {{}}", metric) for band in BANDS
    ]
    return figure, " ".join([lead, *(sentence for sentences in of_band for sentence in sentences)])


test_bands = partial(bands, "paper")
validation_bands = partial(bands, "honest")


@style()
def bands_figure(
    settings: pd.DataFrame,
    fronts: pd.DataFrame,
    band_fronts: pd.DataFrame,
    decision_makers: pd.DataFrame,
    *,
    kind: str,
    model: str,
    names: list[str],
    metric: str = "error",
) -> Figure:
    """A row per decision-maker, a column per band of deferral rates.

    The settings shown, and the fronts among them, are those of the band. The binary front (it
    never defers, and so has no band), baseline and decision-maker are the same in all.

    Args:
        settings: as `medians_by_setting` returns them.
        fronts: as `fronts.fronts` returns them.
        band_fronts: as `fronts.fronts_by_idk_rate` returns them.
        decision_makers: as in `Results`.
        kind: `paper` or `honest`.
        model: whose fronts are drawn.
        names: the decision-makers, in order.
        metric: what the fronts minimise besides the odds difference.
    """
    figure, panels = grid_of_panels(len(names), len(BANDS), height=3.2)
    binary = fronts[(fronts["front"] == kind) & (fronts["method"] == "binary")]
    chosen = band_fronts[band_fronts["front"] == kind]
    base, tested = panel_baselines(settings, model), deciding_on_test(settings)
    for name, row in zip(names, panels, strict=True):
        own = panel_rows(settings, model, name)
        lines, reference = panel_rows(chosen, model, name), panel_rows(binary, model, name)
        test_name = tested.get(name, name)
        alone = decision_maker_alone(decision_makers, test_name)
        for band, axes in zip(BANDS, row, strict=True):
            points = idk_band(own, band, kind)
            front = pd.concat([lines.loc[lines["band"] == band, reference.columns], reference])
            draw_plane(axes, points, front, base, alone, joined_on=CHOSEN_ON[kind], metric=metric)
            title = panel_title(name, test_name, BAND_TITLES[band], limit=12)
            axes.set_title(title, loc="left", fontsize=9)
    drawn = pd.concat([chosen[binary.columns], binary])
    finish_planes(figure, panels, settings, drawn, decision_makers, metric)
    return figure
