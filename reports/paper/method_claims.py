"""What the literature says about methods that defer, as statistics with bounds: the claims of `methods`."""

from typing import Any, Final

import numpy as np

from study.reports.measure.resampling import Settings
from study.reports.measure.seed_statistics import Statistic, Values, difference, front_of, of_method
from study.reports.paper.claims import Claim, Expected, Part

MODELS: Final = {
    "reject": "ordinal",
    "defer": "ordinal",
    "confidence": "mlp",
    "compare": "pair",
    "ce": "actions",
    "ova": "actions",
    "realizable": "actions",
}
"""The model of each method in the preset."""
RATE: Final = 0.3
"""The share of deferrals at which errors are compared."""
# Bounds of ours: half a percentage point of errors counts as level, along a front of odds differences up to
# 0.5 as in a single setting.
LEVEL: Final = 0.005
LEVEL_AREA: Final = 0.5 * LEVEL
FEWER: Final = Expected("below", 0.0)
MORE: Final = Expected("above", 0.0)
PAPER, CHOW = "Madras, Pitassi and Zemel 2018", "Chow 1970"
RAGHU, MOZANNAR = "Raghu et al. 2019", "Mozannar and Sontag 2020"
VERMA, REALIZABLE = "Verma and Nalisnick 2022", "Mozannar et al. 2023"


def error_at(rate: float, method: str, decision_maker: str) -> Statistic:
    """Test error of a method that defers ``rate`` of the validation cases.

    Of two settings, one that defers at most so many cases and one that defers at least so many, chance
    decides case by case which is used, so that the rate is met: the pair with the lowest validation error
    then. Methods whose settings defer more or fewer cases are thus compared at the same rate. NaN where no
    setting defers at most, or none at least so many.
    """

    def statistic(settings: Settings) -> Values:
        own = of_method(settings, method, MODELS[method], decision_maker)
        error, share = (
            own.facts[f"validation_{name}"].to_numpy(np.float64) for name in ("error", "idk_rate")
        )
        fewer, more = np.flatnonzero(share <= rate), np.flatnonzero(share >= rate)
        if not len(fewer) or not len(more):
            return np.full(own.test["error"].shape[1], np.nan)
        gap = share[more] - share[fewer, None]
        weight = np.divide(rate - share[fewer, None], gap, out=np.zeros_like(gap), where=gap > 0)
        mixed = (1 - weight) * error[fewer, None] + weight * error[more]
        i, j = np.unravel_index(np.argmin(mixed), mixed.shape)
        test = own.test["error"]
        return np.asarray((1 - weight[i, j]) * test[fewer[i]] + weight[i, j] * test[more[j]], np.float64)

    return statistic


def method_claims(decision_maker: str) -> list[Claim]:
    """What is claimed about deferring to one decision-maker."""

    def fewer_errors(first: str, second: str, expected: Expected = FEWER) -> Part:
        title = f"error, {first} less {second}, deferring {100 * RATE:g} %"
        both = (error_at(RATE, method, decision_maker) for method in (first, second))
        return Part(title, difference(*both), expected, "points")

    def larger_area(first: str, second: str, expected: Expected = MORE) -> Part:
        title = f"hypervolume, {first} less {second}, validation-selected front"
        of_arm: dict[str, Any] = {"kind": "honest", "decision_maker": decision_maker}
        fronts = (front_of(method, model=MODELS[method], **of_arm) for method in (first, second))
        return Part(title, difference(*fronts), expected)

    def claim(where: str, statement: str, *parts: Part) -> Claim:
        return Claim(f"{where}; {decision_maker} decision-maker", statement, parts)

    consistent = ("ce", "ova", "realizable")
    return [
        claim(
            PAPER,
            "Learning to defer makes a better trade of error and odds difference than learning to reject.",
            larger_area("defer", "reject"),
        ),
        claim(
            CHOW,
            "Deferring where the model is least confident is what other methods must beat.",
            *(fewer_errors(method, "confidence") for method in ("defer", "compare", *consistent)),
        ),
        claim(
            RAGHU,
            "It takes a second model, of whether the decision-maker is right, to choose cases well.",
            fewer_errors("compare", "confidence"),
            larger_area("compare", "confidence"),
        ),
        claim(
            MOZANNAR,
            "Losses that are consistent for the joint error have fewer joint errors than Eq. 8.",
            *(fewer_errors(method, "defer") for method in consistent),
        ),
        claim(
            MOZANNAR,
            "Learning to predict and to ask together has fewer joint errors than two models apart.",
            fewer_errors("ce", "compare"),
        ),
        claim(
            VERMA,
            "One-vs-all losses are calibrated at no price in joint errors.",
            fewer_errors("ova", "ce", Expected("below", LEVEL)),
        ),
        claim(
            REALIZABLE,
            "The expected joint error as a loss has fewer joint errors than its surrogates.",
            *(fewer_errors("realizable", method) for method in ("ce", "ova")),
        ),
        claim(
            "This project",
            "With the fairness term, later methods have at least the front of the paper’s.",
            *(
                larger_area(method, "defer", Expected("above", -LEVEL_AREA))
                for method in ("confidence", "compare", *consistent)
            ),
        ),
    ]
