"""What the paper's claims are about, as statistics of the settings of one seed (see `seed_statistics`)."""

from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance  # type: ignore[import-untyped]

from study.reports.measure.resampling import NotRunError, Settings
from study.reports.measure.seed_statistics import Statistic, Values, front_area, of_method, on_front
from study.results.fronts import BANDS, areas
from study.results.intervals import medians
from study.words import PLAIN_MODEL

RARELY: Final = 0.2
DEFERS: Final = (0.05, 0.95)


def system_gain(method: str, *, kind: str, model: str, decision_maker: str) -> Statistic:
    """Hypervolume of a method's front less that of the binary front and the decision-maker's point."""

    def statistic(settings: Settings) -> Values:
        binary = on_front(of_method(settings, "binary", model, decision_maker), kind)
        alone = settings.decision_maker(decision_maker)
        error, di = (np.vstack([binary.test[name], alone[name]]) for name in ("error", "di"))
        own = of_method(settings, method, model, decision_maker)
        return front_area(own, kind) - areas(error, di)

    return statistic


def band_gain(band: str, *, kind: str, model: str, decision_maker: str) -> Statistic:
    """Deferring less rejecting, as `front_gain`, among the settings of one band of deferral rate.

    Undefined where a method has no setting in the band: by the test rate for kind `paper`, which
    differs between versions, and by the validation rate for `honest`.
    """
    low, high = BANDS[band]

    def area(settings: Settings) -> Values:
        if kind == "paper":
            rate = settings.test["idk_rate"]
            inside = (rate >= low) & (rate < high)
            error = np.where(inside, settings.test["error"], np.nan)
            result = areas(error, settings.test["di"])
            return np.where(inside.any(axis=0), result, np.nan)
        rate = settings.facts["validation_idk_rate"].to_numpy(np.float64)
        inside = (rate >= low) & (rate < high)
        return np.where(inside.any(), front_area(settings.take(inside), kind), np.nan)

    def statistic(settings: Settings) -> Values:
        defer, reject = (of_method(settings, m, model, decision_maker) for m in ("defer", "reject"))
        return area(defer) - area(reject)

    return statistic


def alone(name: str, figure: str) -> Statistic:
    """Error or odds difference of a decision-maker deciding everything alone."""
    return lambda settings: np.asarray(settings.decision_maker(name)[figure], np.float64)


def baseline(figure: str, *, model: str = PLAIN_MODEL) -> Statistic:
    """A test metric of the binary model trained for accuracy only (alpha 0)."""

    def statistic(settings: Settings) -> Values:
        result = settings.where(method="binary", model=model, alpha=0.0)
        return np.asarray(result.test[figure].mean(axis=0), np.float64)

    return statistic


def idk_distance(method: str, *, model: str, rate: str = "idk_rate") -> Statistic:
    """Area between the CDFs of a method's deferral rates with the biased and the standard decision-maker.

    That is their Wasserstein-1 distance.
    """

    def statistic(settings: Settings) -> Values:
        biased, standard = (of_method(settings, method, model, m) for m in ("biased", "standard"))
        columns = zip(biased.test[rate].T, standard.test[rate].T, strict=True)
        return np.array([wasserstein_distance(x, y) for x, y in columns])

    return statistic


def share_rarely(*, model: str, decision_maker: str) -> Statistic:
    """Share of the deferring settings that defer fewer than 20 % of the cases."""

    def statistic(settings: Settings) -> Values:
        rate = of_method(settings, "defer", model, decision_maker).test["idk_rate"]
        return np.asarray((rate < RARELY).mean(axis=0))

    return statistic


def idk_gap(method: str, *, model: str, decision_maker: str) -> Statistic:
    """Median absolute difference in deferral rate between the groups, over settings that defer at times.

    Those are the settings with an deferral rate from 5 to 95 %; undefined where there are none.
    """

    def statistic(settings: Settings) -> Values:
        test = of_method(settings, method, model, decision_maker).test
        inside = (test["idk_rate"] >= DEFERS[0]) & (test["idk_rate"] <= DEFERS[1])
        gaps = np.where(inside, np.abs(test["idk_rate_a1"] - test["idk_rate_a0"]), np.nan)
        return medians(gaps)

    return statistic


def fall(model: str) -> Statistic:
    """Odds difference of the binary model with alpha 0 less that with the largest alpha."""

    def statistic(settings: Settings) -> Values:
        binary = settings.where(method="binary", model=model)
        without, most = (binary.where(alpha=alpha) for alpha in (0.0, _alphas(binary)[-1]))
        return np.asarray(without.test["di"].mean(axis=0) - most.test["di"].mean(axis=0), np.float64)

    return statistic


def rank_correlation(model: str) -> Statistic:
    """Spearman's correlation of the binary model's odds difference with alpha; undefined for constants."""

    def statistic(settings: Settings) -> Values:
        binary = settings.where(method="binary", model=model)
        _alphas(binary)
        columns = binary.facts[["alpha"]], pd.DataFrame(binary.test["di"])
        x, y = (frame.rank().to_numpy() for frame in columns)
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
        return np.asarray(np.divide((x * y).sum(axis=0), np.where(spread > 0, spread, np.nan)))

    return statistic


def cost(model: str) -> Statistic:
    """Rise in the binary model's error from alpha 0 to where the odds difference on validation has halved.

    That is at the smallest alpha whose odds difference (validation, median over seeds) is at most half of
    that at alpha 0; undefined where there is none.
    """

    def statistic(settings: Settings) -> Values:
        binary = settings.where(method="binary", model=model)
        _alphas(binary)
        without = binary.where(alpha=0.0)
        half = without.facts["median_validation_di"].median() / 2
        enough = binary.facts["alpha"].gt(0) & binary.facts["median_validation_di"].le(half)
        error = np.asarray(without.test["error"].mean(axis=0), np.float64)
        if not enough.any():
            return np.full_like(error, np.nan)
        chosen = binary.where(alpha=float(binary.facts.loc[enough, "alpha"].min()))
        return np.asarray(chosen.test["error"].mean(axis=0), np.float64) - error

    return statistic


def oracle_difference(*, kind: str, model: str) -> Statistic:
    """Hypervolume of deferring, trained with the oracle, less that of rejecting.

    Both are tested with the standard decision-maker. Rejecting models know none: those of the oracle's arm
    are taken, and where it has none, the standard's.
    """

    def statistic(settings: Settings) -> Values:
        tested = settings.where(model=model, test_decision_maker="standard")
        oracle = tested.where(method="defer", decision_maker="oracle")
        reject = tested.where(method="reject")
        trained_with = "oracle" if reject.facts["decision_maker"].eq("oracle").any() else "standard"
        return front_area(oracle, kind) - front_area(reject.where(decision_maker=trained_with), kind)

    return statistic


def _alphas(binary: Settings) -> Values:
    """The values of alpha, ascending; raises NotRunError where there is but one, or 0 is missing."""
    alphas = np.unique(binary.facts["alpha"].to_numpy(np.float64))
    if len(alphas) < 2 or alphas[0] != 0:
        raise NotRunError
    return alphas
