"""Real people: every method at deferral budgets, against logistic regression that asks by simple rules.

    python -m tests.benchmarks.crowd crowd-decisions.csv results/crowd

The table has a row for each answer of a person about a defendant (Dressel and Farid, 2018); the
decision-maker here is the majority of a case's answers. The default study with all methods is run on 2 x 3
fixed folds of the cases. What is compared is chosen without the test cases, of which every rule then defers
the share of a budget, in its own order.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import make_column_transformer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # type: ignore[import-untyped]

from study import Study
from study.results.outcomes import outcomes_of
from study.words import METHODS

CONFIDENCE, TWO_MODELS = "logistic regression, confidence", "logistic regression, two models"
BUDGETS: Final = (0.0, 0.1, 0.2, 0.3, 0.5)
REPEATS, FOLDS, RESAMPLES = 2, 3, 2000
CATEGORIES: Final = ["sex", "charge", "degree"]
TRAINED: Final = [method for method in METHODS if method != "two-stage"]  # which is for given models alone.
NUMBERS: Final = ["age", "juv_fel", "juv_misd", "priors"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Split = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Decided:
    """What a rule does with the test cases of a fold: whom it defers, and who is wrong then, (n,)."""

    deferred: Bools
    wrong: Bools


Rule = Callable[[float], Decided]
"""What is done at a budget, the share of cases that people can take on."""


def cases_of(path: Path) -> pd.DataFrame:
    """Return a row for each case, with the majority of its answers in `people`; ties count as 1."""
    answers = pd.read_csv(path)
    facts = ["race", *CATEGORIES, *NUMBERS, "recid"]
    cases = answers.groupby("case_id").agg({**dict.fromkeys(facts, "first"), "says": "mean"}).reset_index()
    people, black = (cases["says"] >= 0.5).astype(int), (cases["race"] == "black").astype(int)
    return cases.drop(columns=["says", "race"]).assign(people=people, black=black)


def folds_of(number: int) -> Iterator[Split]:
    """Yield the split of each fold, (number,): a third of cases is test, a fifth of the rest validation."""
    for repeat in range(REPEATS):
        generator = np.random.default_rng(repeat)
        fold = generator.permutation(number) % FOLDS
        for test in range(FOLDS):
            split = np.where(fold == test, "test", "train").astype("<U10")
            rest = generator.permutation(np.flatnonzero(fold != test))
            split[rest[: len(rest) // 5]] = "validation"
            yield split


def logistic() -> Pipeline:
    """Return scikit-learn's logistic regression, as it comes."""
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES), (StandardScaler(), [*NUMBERS, "black"])
    )
    return make_pipeline(encode, LogisticRegression(max_iter=1000))


def asking(test: pd.DataFrame, positive: npt.ArrayLike, benefit: npt.ArrayLike, budget: float) -> Decided:
    """Defer the share ``budget`` of the test cases, those of the largest ``benefit``, both (n,)."""
    order = np.argsort(-np.asarray(benefit), kind="stable")
    deferred = np.zeros(len(test), np.bool_)
    deferred[order[: round(budget * len(test))]] = True
    decision = np.where(deferred, test["people"] == 1, np.asarray(positive) == 1)
    return Decided(deferred, decision != (test["recid"].to_numpy() == 1))


def rules(known: pd.DataFrame, test: pd.DataFrame) -> dict[str, Rule]:
    """Return two rules that ask at a budget: where confidence is low, and where people are likelier right.

    Models are fitted on the known cases.
    """
    right = (known["people"] == known["recid"]).astype(int)
    model, of_people = logistic().fit(known, known["recid"]), logistic().fit(known, right)
    unsure, positive = -model.predict_proba(test).max(axis=1), model.predict(test)
    benefit = of_people.predict_proba(test)[:, 1] + unsure
    return {
        CONFIDENCE: partial(asking, test, positive, unsure),
        TWO_MODELS: partial(asking, test, positive, benefit),
    }


def study_of(cases: pd.DataFrame, split: Split, out: Path) -> Study:
    """Return the default study of the cases with all methods."""
    dataset = {
        "name": "crowd",
        "path": cases.assign(split=split),
        "label": "recid",
        "sensitive": "black",
        "decision_maker": "people",
        "split": "split",
        "features": [*CATEGORIES, *NUMBERS],
    }
    keys = {"study": "crowd", "dataset": dataset, "decision_maker": "column", "methods": TRAINED}
    return Study.of(keys, out=out)


def choices(study: Study, cases: pd.DataFrame, split: Split) -> dict[str, Rule]:
    """Return what is chosen on validation: the best setting of each method, and of all; and with fairness.

    The best setting has the smallest area under the risk-coverage curve, in the mean over its seeds; of
    these the best run is taken. With fairness is what `study select` chooses within a budget: the lowest
    odds difference at a validation error no higher than that of logistic regression, fitted on the training
    rows, which asks as often where its confidence is low.
    """
    train, validation, test = (cases[split == name] for name in ("train", "validation", "test"))
    limit = rules(train, validation)[CONFIDENCE]
    runs = study.results().dropna(subset=["validation_aurc"])
    runs = runs.assign(mean=runs.groupby("setting_id", observed=True)["validation_aurc"].transform("mean"))
    runs = runs.sort_values(["mean", "validation_aurc", "run_id"])

    def best(own: pd.DataFrame) -> Rule:
        outcomes = outcomes_of(study.directory.read_outcomes, own[:1])
        ((_, benefit),) = study.directory.read_benefits(own[:1])
        return partial(asking, test, outcomes.positive[0], benefit)

    def fair(budget: float) -> Decided:
        error = float(limit(budget).wrong.mean())
        run = study.select(max_idk=budget, max_error=error, minimise="di").run_id
        every = study.results()
        outcomes = outcomes_of(study.directory.read_outcomes, every[every["run_id"] == run])
        deferred = outcomes.deferred[0]
        decision = np.where(deferred, test["people"] == 1, outcomes.positive[0])
        return Decided(deferred, decision != (test["recid"].to_numpy() == 1))

    of_methods = {m: best(runs[runs["method"] == m]) for m in TRAINED if m in set(runs["method"])}
    return {**of_methods, "all methods": best(runs), "all methods, fairness": fair}


def compare(cases: pd.DataFrame, out: Path) -> dict[tuple[str, float], Decided]:
    """Run the studies; return what every rule does at every budget with all cases, (R, N) by repeat."""
    shape = REPEATS, len(cases)
    made = defaultdict[tuple[str, float], Decided](lambda: Decided(*np.zeros((2, *shape), np.bool_)))
    for fold, split in enumerate(folds_of(len(cases))):
        study = study_of(cases, split, out / f"fold-{fold}")
        study.train(progress=False)
        known, test = cases[split != "test"], cases[split == "test"]
        here = fold // FOLDS, np.flatnonzero(split == "test")
        for name, rule in {**rules(known, test), **choices(study, cases, split)}.items():
            for budget in BUDGETS:
                decided = rule(budget)
                made[name, budget].deferred[here] = decided.deferred
                made[name, budget].wrong[here] = decided.wrong
    return made


def measured(wrong: Bools, label: Bools, group: Bools, weights: Floats) -> dict[str, Floats]:
    """Return error and odds difference, means over repeats, in each version of the cases, (B,).

    Args:
        wrong: (R, N), who is wrong.
        label: (N,), the outcome.
        group: (N,), the sensitive attribute.
        weights: (B, N), how often each case counts.
    """
    errors = weights @ wrong.T / weights.sum(axis=1, keepdims=True)
    gaps = []
    for outcome in (False, True):
        cells = [(group == a) & (label == outcome) for a in (False, True)]
        rates = [weights[:, c] @ wrong[:, c].T / weights[:, c].sum(axis=1, keepdims=True) for c in cells]
        gaps.append(abs(rates[0] - rates[1]))
    return {"error": errors.mean(axis=1), "odds difference": np.mean(gaps, axis=0).mean(axis=1)}


def table(made: Mapping[tuple[str, float], Decided], cases: pd.DataFrame, against: str) -> pd.DataFrame:
    """Return a row for each rule and budget: its metrics, and those less a rival's with 95 % intervals.

    Intervals are the bootstrap's over cases, the same ones in both rules and all repeats.
    """
    label, group = (cases[name].to_numpy() == 1 for name in ("recid", "black"))
    number = len(cases)
    drawn = np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), size=RESAMPLES)
    weights = np.vstack([np.ones((1, number)), drawn])
    versions = {key: measured(decided.wrong, label, group, weights) for key, decided in made.items()}
    rows = []
    for (name, budget), metrics in versions.items():
        row = {"rule": name, "budget": budget, "deferral rate": made[name, budget].deferred.mean()}
        for metric, values in metrics.items():
            less = values - versions[against, budget][metric]
            low, high = np.quantile(less[1:], [0.025, 0.975])
            row |= {metric: values[0], f"{metric} less": less[0]}
            row |= {f"{metric} low": low, f"{metric} high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def markdown(rows: pd.DataFrame, metric: str) -> str:
    """Return one metric of a table as Markdown, a column for each budget."""
    lines = ["| | " + " | ".join(f"{100 * budget:g} %" for budget in BUDGETS) + " |"]
    lines.append("| --- |" + " --- |" * len(BUDGETS))
    for name, own in rows.groupby("rule", sort=False):
        cells = []
        for row in own.to_dict("records"):
            low, high = row[f"{metric} low"], row[f"{metric} high"]
            cells.append(f"{row[metric]:.3f}" + (f" ({low:+.3f} to {high:+.3f})" if low < high else ""))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(path: str, out: str) -> None:
    """Compare, and print a table for each metric and each of the two rules to compare with."""
    cases = cases_of(Path(path))
    made = compare(cases, Path(out))
    for against in (CONFIDENCE, TWO_MODELS):
        rows = table(made, cases, against)
        rows.to_csv(Path(out) / f"less-{against.split()[-1]}.csv", index=False)
        for metric in ("error", "odds difference"):
            print(
                f"\n{metric} (95 % interval of the difference from {against})\n\n{markdown(rows, metric)}"
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
