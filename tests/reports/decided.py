"""A small world of people, models and decision-makers, of which every decision is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from study.results.metrics import LedgerCounts, metrics
from study.results.outcomes import Cells, Outcomes, decision_makers_wrong
from study.results.study_results import Results
from study.words import cell_columns
from tests.reports.synthetic import SESSION, results

PEOPLE = 240
ALPHAS = (0.0, 0.25, 0.5, 1.0)
MAKERS = ("standard", "biased", "oracle")
NEW = ("balanced_error", "fpr", "fnr", "cost")


def world(*, seeds: int = 3, settings: int = 6, equal: bool = False, seed: int = 0) -> Results:
    """Results of a study with all methods and decision-makers, and outcomes that its ledger agrees with.

    Deferring leaves to the decision-maker exactly those of a random part of the people whom the model
    gets wrong and the decision-maker right, so it is better than rejecting, which leaves everybody of
    the part; with `equal` both do the latter, on the same people. Binary models (mlp and bayes) lose DI
    with alpha: the share of group 1 that they get wrong falls to that of group 0.
    """
    rng = np.random.default_rng(seed)
    label, sensitive = rng.random(PEOPLE) < 0.5, rng.random(PEOPLE) < 0.5
    wrong_makers = {
        "standard": rng.random(PEOPLE) < 0.2,
        "biased": rng.random(PEOPLE) < np.where(sensitive, 0.4, 0.05),
        "oracle": np.zeros(PEOPLE, dtype=bool),
    }
    rows: list[dict[str, Any]] = []
    deferred, positive = [], []

    def add(fact: dict[str, Any], idk: np.ndarray, wrong: np.ndarray) -> None:
        number = len(rows)
        setting = "-".join(str(fact[k]) for k in ("method", "model", "decision_maker", "alpha", "gamma"))
        rows.append({"run_id": f"r{number:04d}", "setting_id": setting, **fact})
        deferred.append(idk)
        positive.append(label ^ wrong)

    for s in range(seeds):
        luck, part = rng.random(PEOPLE), rng.random(PEOPLE)
        for model in ("mlp", "bayes"):
            for alpha in ALPHAS:
                wrong = luck < np.where(sensitive, 0.3 + 0.2 * (1 - alpha), 0.3)
                fact = {"method": "binary", "model": model, "decision_maker": "none", "alpha": alpha}
                add({**fact, "gamma": np.nan, "seed": s}, np.zeros(PEOPLE, dtype=bool), wrong)
        for maker in MAKERS:
            for k in range(settings):
                wrong = luck < np.where(sensitive, 0.4, 0.3)
                leaves = part < (k + 1) / (settings + 1)
                good = leaves if equal else leaves & wrong & ~wrong_makers[maker]
                for method, idk in (("reject", leaves), ("defer", good)):
                    fact = {"method": method, "model": "ordinal", "decision_maker": maker, "alpha": 0.1}
                    add({**fact, "gamma": float(k), "seed": s}, idk, wrong)
    runs = pd.DataFrame(rows)
    runs["split"] = 0
    runs["test_decision_maker"] = runs["decision_maker"].replace("oracle", "standard")
    decisions = {name: label ^ wrong for name, wrong in wrong_makers.items()}
    outcomes = Outcomes(
        runs["run_id"].tolist(), np.array(deferred), np.array(positive), label, sensitive, decisions
    )
    test = pd.DataFrame([brute_figures(outcomes, run, runs) for run in range(len(runs))])
    runs = pd.concat([runs, test.add_prefix("test_"), test.add_prefix("validation_")], axis=1)
    extra = {
        "dataset": "compas",
        "study": "a-world",
        "status": "patience",
        "epochs": 100,
        "best_epoch": 50,
        "seconds": 0.5,
        "validation_loss": 0.6,
        "worker": "worker-0",
        "pack_id": "p0",
        "finished_at": pd.Timestamp("2026-03-01"),
    }
    runs = runs.assign(**extra)
    sessions = {"sessions": [SESSION]}
    given = results(runs, manifest=sessions)
    return replace(given, outcomes=lambda wanted: outcomes)


def counted(given: Results) -> Results:
    """The same world with counts by cell, so that runs can be chosen."""
    outcomes, runs = given.outcomes(given.runs), given.runs
    assert outcomes is not None
    wrong, code = decision_makers_wrong(outcomes, runs["test_decision_maker"].tolist())
    cells = Cells(outcomes, np.ones((1, len(outcomes.label))))
    deferred, model = outcomes.deferred, outcomes.positive != outcomes.label
    marked = (deferred, model & ~deferred, wrong[code] & deferred)
    counts = [cells.count(of)[:, :, 0] for of in marked]
    counts.insert(0, np.broadcast_to(cells.examples, counts[0].shape))
    for split in ("validation", "test"):
        runs = runs.assign(**dict(zip(cell_columns(split), np.concatenate(counts), strict=True)))
        measured = metrics(LedgerCounts.of(runs, split))
        runs = runs.assign(**{f"{split}_{name}": measured[name] for name in NEW})
    return replace(given, runs=runs)


def named(given: Results, study: str) -> Results:
    """The same under another study's name."""
    return replace(given, study={**given.study, "study": study})


def brute_figures(
    outcomes: Outcomes, run: int, runs: pd.DataFrame, counts: np.ndarray | None = None
) -> dict[str, float]:
    """Figures of one run, counted person by person; `counts` says how often each is there."""
    maker = runs["test_decision_maker"][run]
    times = [1] * len(outcomes.label) if counts is None else counts.tolist()
    people, wrong, idk = ({(a, y): 0 for a in (0, 1) for y in (0, 1)} for _ in range(3))
    for i, n in enumerate(times):
        cell = int(outcomes.sensitive[i]), int(outcomes.label[i])
        defers = outcomes.deferred[run, i]
        decided = outcomes.decisions[maker][i] if defers else outcomes.positive[run, i]
        people[cell] += n
        wrong[cell] += n * int(decided != outcomes.label[i])
        idk[cell] += n * int(defers)

    costs = outcomes.costs
    price = [costs.false_positive, costs.false_negative]
    paid = sum(price[y] * n for (_, y), n in wrong.items()) + costs.deferral * sum(idk.values())

    def rate(of: dict[tuple[int, int], int], cells: list[tuple[int, int]]) -> float:
        return sum(of[c] for c in cells) / sum(people[c] for c in cells)

    return {
        "error": rate(wrong, list(people)),
        "di": sum(abs(rate(wrong, [(0, y)]) - rate(wrong, [(1, y)])) for y in (0, 1)) / 2,
        "idk_rate": rate(idk, list(people)),
        "idk_rate_a0": rate(idk, [(0, 0), (0, 1)]),
        "idk_rate_a1": rate(idk, [(1, 0), (1, 1)]),
        "cost": paid / sum(people.values()),
    }
