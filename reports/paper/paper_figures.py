"""The paper's figures: what they show, which study draws them, and what is claimed about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from study.reports.paper.claims import Claim
from study.reports.paper.method_claims import method_claims
from study.reports.paper.paper_claims import (
    bands,
    biased,
    cheaply,
    errors_alone,
    fairer,
    fronts,
    idk_rates,
    oracle,
)

HEALTH: Final = (
    "The Health data are aggregated differently from the paper’s: 92,671 members, once each, in their last"
    " year, instead of 66,813; the errors of decision-maker and baseline are lower here, and about as far "
    "apart."
)


def _nothing(_: str) -> list[Claim]:
    return []


@dataclass(frozen=True)
class Source:
    """What a study contributes to a figure.

    Attributes:
        claims: those about the study as a whole.
        of_model: those about one model that may defer, by its name.
    """

    claims: Sequence[Claim] = ()
    of_model: Callable[[str], list[Claim]] = _nothing

    def all(self, models: Sequence[str]) -> list[Claim]:
        """All claims; where there are several models, each says whose it is."""
        result = [(model, claim) for model in models or ("",) for claim in self.of_model(model)]
        several = len(models) > 1
        own = [replace(c, where=f"{c.where}, model {m}") if several else c for m, c in result]
        return [*self.claims, *own]


@dataclass(frozen=True)
class PaperFigure:
    """One figure of the paper, or a question of ours.

    Attributes:
        title: what it is about.
        description: how the paper describes it, and what is different here.
        drawings: which figures of a report show it, by name.
        sources: by name of the study.
    """

    title: str
    description: str
    drawings: tuple[str, ...]
    sources: Mapping[str, Source]


FIGURES: Final[Mapping[str, PaperFigure]] = {
    "3a": PaperFigure(
        "COMPAS: error against odds difference",
        "Fronts of deferring (solid), rejecting (dashed) and fair binary models (dotted); red square: "
        "baseline, yellow circle: decision-maker alone; top left is best. The lines of both models that "
        "may defer lie closer to the top left than the binary one, and the deferring one clearly closer "
        "than the rejecting one.",
        ("fronts",),
        {
            "paper-figure-3a": Source(
                errors_alone("Appendix B, COMPAS", 0.24, 0.29),
                lambda model: fronts("Figure 3a", model, "standard"),
            )
        },
    ),
    "3b": PaperFigure(
        "Health: error against odds difference",
        f"The same on the Heritage Health data, with the same findings. {HEALTH}",
        ("fronts",),
        {
            "paper-figure-3b": Source(
                errors_alone("Appendix B, Health", 0.16, 0.21),
                lambda model: fronts("Figure 3b", model, "standard"),
            )
        },
    ),
    "4": PaperFigure(
        "COMPAS: deferring against rejecting, by deferral rate (IDK rate)",
        "The runs of Figure 3a by low, medium and high deferral rate, a front for each. Deferring (solid)"
        " wins over rejecting (dashed) also at similar rates, and most at high ones. The paper gives no "
        "limits; ours are 20 and 50 %.",
        ("fronts-by-idk-rate-paper", "fronts-by-idk-rate-honest"),
        {"paper-figure-3a": Source(of_model=lambda model: bands("Figure 4", model))},
    ),
    "5": PaperFigure(
        "COMPAS: deferring to a biased decision-maker",
        "The decision-maker is trained to be highly unfair (α = −0.1). Deferring still improves on "
        "rejecting, as it compensates for the decision-maker’s bias.",
        ("fronts",),
        {"paper-figure-5": Source(biased("Figure 5"), lambda model: fronts("Figure 5", model, "biased"))},
    ),
    "6": PaperFigure(
        "COMPAS: how often models defer, with the biased and the standard decision-maker",
        "Share of over 1,000 settings whose deferral rate (IDK rate) is below a cutoff, for everyone and "
        "by A; blue solid: biased decision-maker, purple dashed: standard one. Deferring models treat the"
        " two differently, rejecting ones do not; with the biased one the deferring models’ line is much "
        "higher at low rates.",
        ("idk-cdf",),
        {"paper-figure-6": Source(of_model=lambda model: idk_rates("Figure 6", model))},
    ),
    "7": PaperFigure(
        "Binary models: odds difference against alpha",
        "Odds difference against the weight α of the fairness term, 5 runs for each α, with plain "
        "networks (a, b) and Bayesian weights (c, d), on COMPAS (a, c) and Health (b, d): it falls. "
        f"{HEALTH}",
        ("di-and-error-by-alpha",),
        {
            "paper-figure-7-compas": Source(
                [
                    *fairer("Figure 7a, COMPAS, plain", "mlp"),
                    *fairer("Figure 7c, COMPAS, Bayesian", "bayes"),
                ],
            ),
            "paper-figure-7-health": Source(
                [
                    *fairer("Figure 7b, Health, plain", "mlp"),
                    *fairer("Figure 7d, Health, Bayesian", "bayes"),
                ],
            ),
        },
    ),
    "8": PaperFigure(
        "Binary models: error against alpha",
        f"The error of the same models: it rises little. {HEALTH}",
        ("di-and-error-by-alpha",),
        {
            "paper-figure-7-compas": Source(
                [
                    *cheaply("Figure 8a, COMPAS, plain", "mlp"),
                    *cheaply("Figure 8c, COMPAS, Bayesian", "bayes"),
                ],
            ),
            "paper-figure-7-health": Source(
                [
                    *cheaply("Figure 8b, Health, plain", "mlp"),
                    *cheaply("Figure 8d, Health, Bayesian", "bayes"),
                ],
            ),
        },
    ),
    "9": PaperFigure(
        "COMPAS: unaware of the decision-maker, or trained with an oracle",
        "Models trained by rejection learning, and by learning to defer to an oracle; both are tested "
        "with the standard decision-maker. They trade off error and odds difference in almost an "
        "identical manner.",
        ("fronts",),
        {"paper-figure-9": Source(of_model=lambda model: oracle("Figure 9", model))},
    ),
}

OF_STUDIES: Final[Mapping[str, PaperFigure]] = {
    **FIGURES,
    "methods": PaperFigure(
        "Methods, the paper’s and the field’s",
        "Claims of the literature about methods, with two simulated decision-makers. Errors are those at a "
        "deferral rate of 30 %: chance decides, case by case, between two settings of a method so that "
        "30 % of the validation cases are deferred; the two are those with the lowest validation error "
        "then. The literature gives no limits; half a percentage point of errors counts as level, and so "
        "does 0.0025 of hypervolume, half a point along the whole front.",
        (),
        {"methods": Source([*method_claims("standard"), *method_claims("biased")])},
    ),
}
"""By name, whatever a study's report makes claims about."""
