"""Hyperparameter importance: shares of the variance of error, odds difference and deferral rate."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.results.limits import OBJECTIVES
from study.results.settings import in_reading_order

NAMES: Final = {"model": "model", "decision_maker": "decision-maker"}
COEFFICIENTS: Final = {"alpha": "alpha", "gamma": "gamma", "model_alpha": "model alpha"}
TOGETHER: Final = "coefficients together"
REST: Final = "the rest"
BINS: Final = 10
PER_BIN: Final = 5

Codes = npt.NDArray[np.intp]


def importance(settings: pd.DataFrame) -> pd.DataFrame:
    """Which share of the variance of the settings' validation medians goes with what, by method.

    The main effects of a functional analysis of variance. Of a name (model, decision-maker) it is the
    variance between its values. Of a coefficient it is the variance between `BINS` bins of equally many
    settings, fewer where that leaves less than `PER_BIN` in one, within each model and decision-maker, as
    coefficients mean different things there. `TOGETHER` is what bins of all coefficients at once explain
    beyond each alone. Every share is adjusted for its degrees of freedom (epsilon squared), so that what
    has no effect comes out near 0; below 0 it is 0. `REST` is what remains: other interactions, seeds and
    chance, and what bins are too coarse for. Where a search made coefficients depend on each other they
    share what they explain, and the sum may pass 1.

    Columns method, what, settings, then `OBJECTIVES`, in reading order; NaN where the metric does not vary,
    or where there are too few settings for two bins. What has one value has no row.
    """
    rows = []
    for method, own in in_reading_order(settings, ["method"]).groupby("method", sort=False, observed=True):
        if len(own) < 2 * PER_BIN:
            continue
        shares = pd.DataFrame({metric: _shares(own, f"validation_{metric}") for metric in OBJECTIVES})
        rows += [[method, what, len(own), *values] for what, *values in shares.itertuples()]
    return pd.DataFrame(rows, columns=["method", "what", "settings", *OBJECTIVES])


def _shares(settings: pd.DataFrame, metric: str) -> "pd.Series[Any]":
    settings = settings.dropna(subset=[metric])
    y = settings[metric].to_numpy(np.float64)
    everything = np.zeros(len(y), dtype=np.intp)
    arm = _joint(*(_codes(settings[name]) for name in NAMES))
    result = {
        word: _share(y, everything, _codes(settings[name]))
        for name, word in NAMES.items()
        if settings[name].nunique() > 1
    }
    varied = [name for name in COEFFICIENTS if name in settings and settings[name].nunique() > 1]
    fewest = int(np.bincount(arm).min()) if len(arm) else 0
    bins, few = _enough(fewest, 1), _enough(fewest, max(1, len(varied)))
    for name in varied:
        binned = _joint(arm, _bins(settings[name], arm, bins))
        result[COEFFICIENTS[name]] = _share(y, arm, binned) if bins > 1 else np.nan
    if len(varied) > 1:
        coarse = [_joint(arm, _bins(settings[n], arm, few)) for n in varied]
        alone = sum(_share(y, arm, codes) for codes in coarse)
        both = float(np.maximum(0.0, _share(y, arm, _joint(*coarse)) - alone))
        result[TOGETHER] = both if few > 1 else np.nan
    known = [share for word, share in result.items() if word != TOGETHER or few > 1]
    result[REST] = float(np.maximum(0.0, 1 - sum(known)))
    return pd.Series(result)


def _enough(settings: int, coefficients: int) -> int:
    """How many bins each of so many coefficients may have, for `PER_BIN` settings in each combination."""
    return int(np.clip((settings / PER_BIN) ** (1 / coefficients), 1, BINS))


def _share(y: npt.NDArray[np.float64], outer: Codes, inner: Codes) -> float:
    """Epsilon squared of `inner`, which divides the groups of `outer` further."""
    total = float(((y - y.mean()) ** 2).sum()) if len(y) else 0.0
    left, groups = _within(y, inner)
    freedom = len(y) - groups
    if total <= 1e-12 * max(1, len(y)) or freedom < 1:
        return float("nan")
    before, outer_groups = _within(y, outer)
    explained = before - left - (groups - outer_groups) * left / freedom
    return max(0.0, explained / total)


def _within(y: npt.NDArray[np.float64], codes: Codes) -> tuple[float, int]:
    """Sum of squares around the means of the groups, and how many groups there are."""
    counts = np.bincount(codes)
    means = np.bincount(codes, weights=y) / np.maximum(counts, 1)
    return float(((y - means[codes]) ** 2).sum()), int((counts > 0).sum())


def _bins(values: "pd.Series[Any]", arm: Codes, bins: int) -> Codes:
    """Bins of equally many settings within each arm; equal values, and those missing, share one."""
    ranks = values.groupby(arm).rank(method="min", na_option="bottom").to_numpy(np.float64)
    sizes = np.bincount(arm)[arm]
    few = values.groupby(arm).transform("nunique").to_numpy() <= bins
    dense = values.groupby(arm).rank(method="dense", na_option="bottom").to_numpy(np.float64)
    return np.where(few, dense, (ranks - 1) * bins // np.maximum(sizes, 1)).astype(np.intp)


def _codes(values: "pd.Series[Any]") -> Codes:
    return np.asarray(pd.factorize(values, sort=True, use_na_sentinel=False)[0], dtype=np.intp)


def _joint(*codes: Codes) -> Codes:
    """One code for each combination that occurs."""
    return np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
