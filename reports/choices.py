"""Which settings a page carries for choosing from, so that few of many thousand are enough."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.fronts import pareto_mask
from reports.panels import baselines
from reports.reduce import GROUP, median_runs

FIGURES: Final = ("error", "di", "idk_rate")
POINT: Final = [f"validation_{figure}" for figure in FIGURES]
CARRIED: Final = 1500
# Figures are rounded up to multiples of these, until few enough settings are left.
STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, eq=False)
class Choices:
    """Settings to choose from.

    Attributes:
        frame: rows and columns of the settings' medians, with run_error, run_di and run_idk_rate: the run
            of the median seed by each figure.
        known: how many settings have figures.
        step: 0 where the best setting under any limits is among them; else a choice may be worse than the
            best by up to this, in any of the figures.
    """

    frame: pd.DataFrame
    known: int
    step: float


def choices(
    settings: pd.DataFrame, fronts: pd.DataFrame, runs: pd.DataFrame, carried: int = CARRIED
) -> Choices:
    """The settings that can be anybody's choice, and those of the honest fronts and the baselines.

    Whatever is minimised under whatever limits on validation error, DI and IDK rate, and whichever methods,
    models and decision-makers are allowed: the best is on the Pareto front over the three figures of its
    own method, model and decision-maker. The same holds for what comes nearest to limits that nothing
    satisfies. Of settings that coincide, the one with the smallest `setting_id` is kept.

    Args:
        settings: as `medians_by_setting` returns them.
        fronts: as `fronts.fronts` returns them.
        runs: the ledger.
        carried: how many settings are allowed.
    """
    settings = settings.dropna(subset=POINT)
    points = settings[POINT].to_numpy(np.float64)
    step, mask = 0.0, _pareto(settings, points)
    for step_ in STEPS:
        if mask.sum() <= carried:
            break
        rows = np.flatnonzero(mask)
        # Ceilings a hair below a multiple are that multiple.
        coarse = np.ceil(points[rows] / step_ - 1e-9)
        mask = np.zeros_like(mask)
        mask[rows[_pareto(settings.iloc[rows], coarse)]] = True
        step = step_
    more = (
        settings["setting_id"]
        .isin([*fronts.loc[fronts["front"] == "honest", "setting_id"], *baselines(settings)["setting_id"]])
        .to_numpy()
    )
    room = (mask | more).sum() <= carried
    chosen = settings[mask | more if room else mask]
    own = runs[runs["setting_id"].isin(chosen["setting_id"])]
    named = {f"run_{figure}": median_runs(own, f"validation_{figure}") for figure in FIGURES}
    frame = chosen.assign(**{name: chosen["setting_id"].map(found) for name, found in named.items()})
    return Choices(frame.reset_index(drop=True), len(settings), step)


def _pareto(settings: pd.DataFrame, points: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(len(settings), dtype=np.bool_)
    for rows in settings.groupby(GROUP, sort=False, observed=True, dropna=False).indices.values():
        mask[rows] = pareto_mask(points[rows])
    return mask
