"""The words of the page, once."""

from typing import Final

from study.reports.page.markup import Html, join, section, tag

WORDS: Final = {
    "setting": "One combination of hyperparameters: method, model, decision-maker, alpha, gamma, "
    "thresholds.",
    "run": "One training of one setting with one seed.",
    "method": "binary never says IDK; reject says IDK at a constant price gamma; defer learns with "
    "the decision-maker’s errors in view.",
    "decision-maker": "Who decides where the model says IDK. The binary method has none.",
    "IDK rate": "Share of cases in which the model leaves to the decision-maker (“I don’t know”).",
    "error": "Share of wrong decisions of model and decision-maker together.",
    "DI": "Disparate impact: the absolute difference in error rate between the two groups of the "
    "sensitive attribute A, averaged over the two outcomes Y (Eq. 11 of the paper).",
    "baseline": "A binary model trained for accuracy only (alpha = 0).",
    "alpha": "Weight of fairness in training.",
    "gamma": "Price of saying IDK in training.",
    "model alpha": "Where thresholds are chosen after training (posthoc, bayes): weight of fairness in "
    "training the network. Their alpha and gamma are what the thresholds are chosen by.",
    "median": "Every figure of a setting is the median over its seeds. Runs without a figure "
    "(diverged ones) are left out of it.",
    "paper’s front": "Settings that no other setting of the same method, model and decision-maker "
    "beats in both error and DI on test. Of settings that coincide, one is kept.",
    "honest front": "The same chosen on validation, and shown on test.",
    "hypervolume": "The area that a front dominates in the plane of error and DI, up to 0.5 in both.",
}


def glossary() -> Html:
    """What the page means by its words."""
    meanings = (join(tag("dt", word), tag("dd", meaning)) for word, meaning in WORDS.items())
    return section("glossary", "Words", tag("dl", *meanings))
