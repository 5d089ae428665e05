"""All frames of a report, reduced once and then shared by tables, figures and words."""

from dataclasses import dataclass

import pandas as pd

from reports.alpha import binary_runs, curves_by_alpha
from reports.fronts import fronts, fronts_by_idk_rate
from reports.headline import operating_points
from reports.hypervolume import hypervolumes
from reports.idk import idk_by_gamma, idk_cdf
from reports.panels import decision_makers_shown, models_shown
from reports.reduce import medians_by_setting
from reports.results import Results
from reports.workloads import by_workload


@dataclass(frozen=True, eq=False)
class Reductions:
    """What the functions of the same names return; all are empty frames where nothing finished.

    `alpha_runs` are the binary runs, `alpha` their curves, and `menu` is what `by_workload` returns.
    `models` and `names` say which models and decision-makers have pictures, in order.
    """

    settings: pd.DataFrame
    fronts: pd.DataFrame
    band_fronts: pd.DataFrame
    cdf: pd.DataFrame
    gamma: pd.DataFrame
    alpha_runs: pd.DataFrame
    alpha: pd.DataFrame
    areas: pd.DataFrame
    points: pd.DataFrame
    menu: pd.DataFrame
    models: list[str]
    names: list[str]


def reductions(results: Results) -> Reductions:
    """Reduce the ledger to everything that the report shows."""
    settings = medians_by_setting(results.runs)
    front = fronts(settings)
    alpha_runs = binary_runs(results.runs)
    return Reductions(
        settings=settings,
        fronts=front,
        band_fronts=fronts_by_idk_rate(settings),
        cdf=idk_cdf(settings),
        gamma=idk_by_gamma(settings),
        alpha_runs=alpha_runs,
        alpha=curves_by_alpha(alpha_runs),
        areas=hypervolumes(front),
        points=operating_points(settings, results.decision_makers),
        menu=by_workload(settings, results.decision_makers),
        models=models_shown(settings),
        names=decision_makers_shown(settings),
    )
