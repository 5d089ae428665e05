"""All frames of a report, reduced once and then shared by tables, figures and words."""

from dataclasses import dataclass

import pandas as pd

from study.reports.measure.alpha import binary_runs, curves_by_alpha
from study.reports.measure.headline import operating_points
from study.reports.measure.idk import idk_by_gamma, idk_cdf
from study.reports.measure.panels import decision_makers_shown, models_shown
from study.reports.measure.workloads import by_workload
from study.results.fronts import fronts, fronts_by_idk_rate
from study.results.hypervolume import hypervolumes
from study.results.settings import medians_by_setting
from study.results.study_results import Results


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
