"""What the paper claims, figure by figure, as statistics with bounds."""

from typing import Final

from study.reports.measure.seed_statistics import difference, front_gain
from study.reports.paper import claim_statistics as of
from study.reports.paper.claims import Claim, Expected, Part
from study.results.fronts import BANDS, KINDS
from study.results.intervals import correlation_interval

FRONT: Final = {"paper": "test-selected front", "honest": "validation-selected front"}
NAMES: Final = {"reject": "rejecting", "defer": "deferring", "binary": "binary"}
POSITIVE: Final = Expected("above", 0.0)
# Bounds of ours, as the paper gives none.
SAME_RATES: Final = 0.02
ALMOST_ALL: Final = 0.9
MUCH_MORE_DI: Final = 0.05
FALLS_IN_ORDER: Final = -0.5
LITTLE_COST: Final = 0.02
EQUIVALENT: Final = 0.005


def errors_alone(where: str, decision_maker: float, baseline: float) -> list[Claim]:
    """Appendix B: the errors of decision-maker and baseline, and how far they are apart."""
    maker, base = of.alone("standard", "error"), of.baseline("error")
    apart = difference(base, maker)
    near_maker, near_base, five = (Expected("near", x) for x in (decision_maker, baseline, 0.05))
    statement = (
        f"The simulated decision-maker had a {100 * decision_maker:.0f} % error rate, better than the "
        f"baseline model’s {100 * baseline:.0f} % error rate."
    )
    parts = (
        Part("error of the decision-maker", maker, near_maker, "%", by_seed=False),
        Part("error of the baseline", base, near_base, "%"),
        Part("error of the baseline less that of the decision-maker", apart, POSITIVE, "points"),
        Part("the same, as large as in the paper", apart, five, "points"),
    )
    return [Claim(where, statement, parts)]


def fronts(where: str, model: str, decision_maker: str) -> list[Claim]:
    """Figures 3 and 5: models that may defer against binary ones, deferring against rejecting."""

    def gain(better: str, worse: str, kind: str) -> Part:
        title = f"hypervolume, {NAMES[better]} less {NAMES[worse]}, {FRONT[kind]}"
        statistic = front_gain(better, worse, kind=kind, model=model, decision_maker=decision_maker)
        return Part(title, statistic, POSITIVE)

    def system(method: str, kind: str) -> Part:
        title = f"hypervolume, {NAMES[method]} less binary and decision-maker together, {FRONT[kind]}"
        statistic = of.system_gain(method, kind=kind, model=model, decision_maker=decision_maker)
        return Part(title, statistic, POSITIVE)

    both = [(method, kind) for method in ("reject", "defer") for kind in KINDS]
    return [
        Claim(
            where,
            "Both models that may defer achieve a stronger combination of fairness and accuracy than "
            "binary ones.",
            tuple(gain(method, "binary", kind) for method, kind in both),
        ),
        Claim(
            where,
            "Learning to defer clearly improves on rejection learning.",
            tuple(gain("defer", "reject", kind) for kind in KINDS),
        ),
        Claim(
            where,
            "Model and decision-maker together trade more effectively than the accurate but unfair "
            "decision-maker and the fair but inaccurate binary model.",
            tuple(system(method, kind) for method, kind in both),
        ),
    ]


def bands(where: str, model: str) -> list[Claim]:
    """Figure 4: deferring against rejecting at similar deferral rates."""
    gains = {
        (band, kind): of.band_gain(band, kind=kind, model=model, decision_maker="standard")
        for band in BANDS
        for kind in KINDS
    }
    title = "hypervolume, deferring less rejecting"
    each = (
        Part(f"{title}, {band} deferral rate, {FRONT[kind]}", gains[band, kind], POSITIVE)
        for band, kind in gains
    )
    larger = (
        Part(
            f"{title}: at high less at low deferral rate, {FRONT[kind]}",
            difference(gains["high", kind], gains["low", kind]),
            POSITIVE,
        )
        for kind in KINDS
    )
    return [
        Claim(
            where, "The models aware of the decision-maker win also at similar deferral rates.", tuple(each)
        ),
        Claim(
            where,
            "The benefit of training aware of the decision-maker is much larger for models that defer "
            "often.",
            tuple(larger),
        ),
    ]


def biased(where: str) -> list[Claim]:
    """Figure 5: how biased the decision-maker is."""
    more = difference(of.alone("biased", "di"), of.alone("standard", "di"))
    title = "odds difference of the biased decision-maker less that of the standard one"
    part = Part(title, more, Expected("above", MUCH_MORE_DI), by_seed=False)
    return [Claim(where, "The decision-maker trained with α = −0.1 is extremely biased.", (part,))]


def idk_rates(where: str, model: str) -> list[Claim]:
    """Figure 6: what the decision-maker's bias does to deferral rates."""
    defer, reject = (of.idk_distance(method, model=model) for method in ("defer", "reject"))
    rarely, often = (of.share_rarely(model=model, decision_maker=m) for m in ("biased", "standard"))
    area = "area between the CDFs of deferral rates with the biased and the standard decision-maker"
    share = "share of deferring settings that defer under 20 %"

    def gap(decision_maker: str) -> Part:
        title = f"median gap in deferral rate between A = 0 and 1, {decision_maker} decision-maker: "
        title += "deferring less rejecting"
        gaps = [of.idk_gap(m, model=model, decision_maker=decision_maker) for m in ("defer", "reject")]
        return Part(title, difference(*gaps), POSITIVE, "points")

    return [
        Claim(
            where,
            "Deferring models treat the two decision-makers differently, whereas rejecting ones do not.",
            (
                Part(f"{area}: deferring less rejecting", difference(defer, reject), POSITIVE),
                Part(f"{area}: rejecting", reject, Expected("below", SAME_RATES)),
            ),
        ),
        Claim(
            where,
            "Given a biased decision-maker, deferring models almost always defer on fewer than 20 % of "
            "examples.",
            (Part(f"{share}, biased decision-maker", rarely, Expected("above", ALMOST_ALL), "%"),),
        ),
        Claim(
            where,
            "The biased decision-maker’s curve is much higher where deferral is low.",
            (
                Part(
                    f"{share}: biased less standard decision-maker",
                    difference(rarely, often),
                    POSITIVE,
                    "points",
                ),
            ),
        ),
        Claim(
            where,
            "Deferring models adapt to a (mildly or strongly) biased decision-maker by deferring at "
            "different rates for the two values of A.",
            (gap("biased"), gap("standard")),
        ),
    ]


def fairer(where: str, model: str) -> list[Claim]:
    """Figure 7: the odds difference of binary models against alpha."""
    order = Expected("below", FALLS_IN_ORDER)
    parts = (
        Part("odds difference at α = 0 less that at the largest α", of.fall(model), POSITIVE),
        Part(
            "rank correlation of the odds difference with α",
            of.rank_correlation(model),
            order,
            over_seeds=correlation_interval,
        ),
    )
    return [Claim(where, "Regularising with a disparate impact term is a good way to reduce DI.", parts)]


def cheaply(where: str, model: str) -> list[Claim]:
    """Figure 8: the error of binary models against alpha."""
    title = "rise in error at the smallest α that halves the odds difference on validation"
    part = Part(title, of.cost(model), Expected("below", LITTLE_COST), "points")
    return [Claim(where, "Regularising does not make too many more errors.", (part,))]


def oracle(where: str, model: str) -> list[Claim]:
    """Figure 9: training with an oracle is like training unaware of the decision-maker."""
    title = "hypervolume, deferring trained with the oracle less rejecting"
    parts = tuple(
        Part(
            f"{title}, {FRONT[kind]}",
            of.oracle_difference(kind=kind, model=model),
            Expected("within", EQUIVALENT),
        )
        for kind in KINDS
    )
    statement = (
        "Unaware of the decision-maker, or aware of an oracle: the models trade off error and odds "
        "difference in almost an identical manner."
    )
    return [Claim(where, statement, parts)]
