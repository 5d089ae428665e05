"""From trained networks to what a row says: thresholds, decisions on every split, figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.exact_thresholds import best_bands
from models.examples import Examples
from models.metrics import Decisions, decide, decision_maker_wrong, joint_figures, scores
from models.network import Band, Model, Thresholds, WeightNoise
from models.thresholds import choose_bands, quantile_bands, random_quantiles
from models.training import Trained, weight_noise
from study.data import SPLITS
from study.plan import Pack
from study.study_data import StudyData, ThresholdOptions

DECISION_DRAWS = 20
"""How often uncertain weights are drawn for a decision (the paper's J)."""

COORDINATES = ("t0_a0", "t1_a0", "t0_a1", "t1_a1")


@dataclass(frozen=True)
class Evaluation:
    """What the networks of a pack do under each of its settings.

    figures: by column name, (S, K); thresholds: (S, 2, K), None for a method that never says IDK; test:
    the decisions on the test rows, (S, N, K).
    """

    figures: Mapping[str, Tensor]
    thresholds: Thresholds | None
    test: Decisions


def evaluate(model: Model, pack: Pack, data: StudyData, trained: Trained, lane: Tensor) -> Evaluation:
    """Decide on every split under every setting; ``lane`` (K,) says which network is a setting's."""
    inputs = data.features.shape[1] + 1
    drawn = weight_noise(model, inputs, data.options.hidden, pack.seeds, DECISION_DRAWS, "decisions")
    noise = None if drawn is None else WeightNoise(drawn, torch.zeros(()))
    tested_with = data.test_decision_maker or pack.decision_maker
    splits = {split: data.examples(split, tested_with) for split in SPLITS}
    score = {split: scores(model, trained.theta, rows.x, noise) for split, rows in splits.items()}
    if chosen_afterwards(model, pack.method):
        rows = data.examples("choice", pack.decision_maker)
        at = scores(model, trained.theta, rows.x, noise)
        thresholds = _choose(model, pack, data.thresholds, score["train"], at, rows, lane)
    else:
        thresholds = Thresholds(*(t[..., lane] for t in model.thresholds(trained.theta)))
    decisions = {
        split: decide(score[split][..., lane], thresholds, rows.a) for split, rows in splits.items()
    }
    figures = {
        f"{split}_{name}": values
        for split, rows in splits.items()
        for name, values in joint_figures(decisions[split], rows).items()
    }
    return Evaluation(figures, None if pack.method == "binary" else thresholds, decisions["test"])


def chosen_afterwards(model: Model, method: str) -> bool:
    """Say whether thresholds are chosen after training."""
    return model.band is not None and method != "binary"


def trained_method(model: Model, method: str) -> str:
    """Return the method whose loss a network is trained with."""
    return "binary" if chosen_afterwards(model, method) else method


def _choose(
    model: Model,
    pack: Pack,
    options: ThresholdOptions,
    train_score: Tensor,
    score: Tensor,
    rows: Examples,
    lane: Tensor,
) -> Thresholds:
    """Choose the thresholds (S, 2, K) of every setting on ``rows``, of which ``score`` (S, N, M) is known.

    A rejecting model knows of no DM: to it deferring costs gamma and is never wrong, as with an
    oracle (theorem of Section 2.3).
    """
    symmetric = model.band is Band.SYMMETRIC
    if options.sampler == "search":
        points = [_quantiles(setting.params) for setting in pack.settings]
        quantiles = torch.tensor(points, dtype=torch.float64).T
        bands = quantile_bands(
            train_score[..., lane], quantiles.expand(len(pack.seeds), 1, 4, -1), symmetric
        )
        return Thresholds(bands.t0[:, :, 0], bands.t1[:, :, 0])
    wrong = decision_maker_wrong(rows)
    if pack.method == "reject":
        wrong = torch.zeros_like(wrong)
    alpha = torch.tensor([setting.alpha for setting in pack.settings])
    gamma = torch.tensor([setting.gamma for setting in pack.settings])
    if options.sampler == "exact":
        return best_bands(
            score,
            rows.a,
            rows.y,
            wrong,
            lane,
            alpha,
            gamma,
            symmetric=symmetric,
            per_group=options.per_group,
        )[0]
    quantiles = random_quantiles(pack.seeds, options.candidates, options.per_group)
    candidates = quantile_bands(train_score, quantiles, symmetric)
    return choose_bands(score, rows.a, rows.y, wrong, candidates, lane, alpha, gamma)[0]


def _quantiles(params: Mapping[str, Any]) -> list[float]:
    """Return a setting's four coordinates; a group without its own has the other's."""
    of_group0 = [params.get(name, 0.0) for name in COORDINATES[:2]]
    return [*of_group0, *(params.get(n, same) for n, same in zip(COORDINATES[2:], of_group0, strict=True))]


def packed(decided: Tensor) -> list[bytes]:
    """Return decisions (S, N, K) as bits, run by run in the order of seeds and settings."""
    bits = np.packbits(decided.permute(0, 2, 1).flatten(0, 1).numpy(), axis=1)
    return [row.tobytes() for row in bits]
