"""From trained networks to what a row says: thresholds, decisions on every split, metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study.config.plan import ThresholdOptions
from study.models.decisions import (
    decide,
    decision_maker_wrong,
    joint_counts,
    rank,
    risk_coverage_area,
    scores,
)
from study.models.draws import DECISION_DRAWS, weight_noise
from study.models.exact_thresholds import best_bands
from study.models.examples import Examples
from study.models.families import Band, Family
from study.models.network import LANE_MULTIPLE, Thresholds, WeightNoise
from study.models.thresholds import choose_bands, quantile_bands, random_quantiles
from study.models.training import Trained
from study.results.metrics import count_columns, metrics
from study.results.packs import Pack
from study.training.study_data import StudyData
from study.words import QUANTILES, SPLITS

_BLOCK = 2**23
"""How many scores a split may have at a time, 32 MiB: what evaluation needs is a few times that."""
# What looking at one candidate for thresholds takes, in scores: four counts in four cells, twice as wide.
_CANDIDATE = 32


@dataclass(frozen=True)
class Evaluation:
    """What the networks of a pack do under each of its settings.

    columns: metrics, counts and thresholds by name, (S, K), for a method that never defers without
    thresholds and areas under risk-coverage curves; deferred, positive: the decisions on the N test rows as
    bits, (S, ceil(N / 8), K) uint8; benefit: (S, N, K) float32, how much there is to gain by deferring each
    of them, None for a method that never defers.
    """

    columns: Mapping[str, Tensor]
    deferred: Tensor
    positive: Tensor
    benefit: Tensor | None


def evaluate(family: Family, pack: Pack, data: StudyData, trained: Trained, lane: Tensor) -> Evaluation:
    """Decide on every split under every setting; ``lane`` (K,) says which network is a setting's.

    Goes through seeds and settings in blocks: but for what is returned, memory does not depend on the pack.
    """
    tested_with = data.test_decision_maker or pack.decision_maker
    given = family.given
    splits = {split: data.examples(split, tested_with, measured=True, given=given) for split in SPLITS}
    choice = None
    if family.chosen_afterwards(pack.method):
        # Rejecting needs no decisions.
        known = pack.method != "reject"
        choice = data.examples("choice", pack.decision_maker, measured=known, given=given)
    # Settings that share a network come together.
    in_turn = torch.argsort(lane, stable=True)
    seeds_at_once, settings_at_once = _block(len(pack.seeds), splits, choice, data.thresholds)
    of_seeds = []
    for seeds in torch.split(torch.arange(len(pack.seeds)), seeds_at_once):
        of_settings = []
        for settings in torch.split(in_turn, settings_at_once):
            networks, own = torch.unique(lane[settings], return_inverse=True)
            part = replace(
                pack,
                fresh=tuple(pack.fresh[k] for k in settings.tolist()),
                seeds=tuple(pack.seeds[s] for s in seeds.tolist()),
            )
            theta = trained.theta[seeds][..., networks]
            of_settings.append(_evaluate(family, part, data, splits, choice, theta, own))
        of_seeds.append(_joined(of_settings, dim=-1))
    whole = {name: values[..., in_turn.argsort()] for name, values in _joined(of_seeds, dim=0).items()}
    deferred, positive = whole.pop("deferred"), whole.pop("positive")
    return Evaluation(whole, deferred, positive, whole.pop("benefit", None))


def _block(
    seeds: int, splits: Mapping[str, Examples], choice: Examples | None, options: ThresholdOptions
) -> tuple[int, int]:
    """Return how many seeds and settings go through together: lanes as networks go through them."""
    scores_of_run = max(map(len, splits.values()))
    if choice is not None and options.sampler == "random":
        scores_of_run = max(scores_of_run, _CANDIDATE * options.candidates)
    runs = _BLOCK // scores_of_run
    seeds_at_once = min(seeds, max(1, runs // LANE_MULTIPLE))
    return seeds_at_once, max(1, runs // seeds_at_once // LANE_MULTIPLE) * LANE_MULTIPLE


def _evaluate(
    family: Family,
    pack: Pack,
    data: StudyData,
    splits: Mapping[str, Examples],
    choice: Examples | None,
    theta: Tensor,
    lane: Tensor,
) -> dict[str, Tensor]:
    """Evaluate all of a pack at once: what ``Evaluation`` has, by name.

    theta: (S, P, M) networks; choice: the rows on which thresholds are chosen, None where none are.
    """
    model, (_, inputs) = family.model(pack.method), splits["test"].shape
    drawn = weight_noise(model, inputs, data.options.hidden, pack.seeds, DECISION_DRAWS, "decisions")
    noise = None if drawn is None else WeightNoise(drawn, torch.zeros(()))
    score = {split: scores(model, theta, rows.x, noise) for split, rows in splits.items()}
    if choice is not None:
        at = scores(model, theta, choice.x, noise)
        thresholds = _choose(family, pack, data, score["train"], at, choice, lane)
    else:
        gamma = torch.tensor([setting.gamma or 0.0 for setting in pack.settings])
        thresholds = model.thresholds(theta[..., lane], gamma)
    found: dict[str, Tensor] = {}
    for split, rows in splits.items():
        of_split = score.pop(split)[..., lane]
        decisions = decide(of_split, thresholds, rows.a)
        counts = joint_counts(decisions, rows)
        columns = {f"{split}_{name}": values for name, values in metrics(counts, data.costs).items()}
        columns |= count_columns(counts, split)
        found |= {name: torch.from_numpy(values) for name, values in columns.items()}
        ranking = rank(decisions, of_split, thresholds, rows.a, model.region)
        if pack.method != "binary":
            found[f"{split}_aurc"] = risk_coverage_area(ranking, rows, data.costs)
        if split == "test":
            found |= {"deferred": _bits(decisions.deferred), "positive": _bits(ranking.positive)}
            found |= {} if pack.method == "binary" else {"benefit": ranking.benefit}
    if pack.method != "binary":
        for name, threshold in thresholds._asdict().items():
            found |= {f"{name}_a{group}": threshold[:, group] for group in (0, 1)}
    return found


def _joined(parts: Sequence[Mapping[str, Tensor]], dim: int) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts], dim=dim) for name in parts[0]}


def _bits(decided: Tensor) -> Tensor:
    """Return decisions (S, N, K) as bits, (S, ceil(N / 8), K)."""
    packed = np.packbits(decided.transpose(1, 2).contiguous().numpy(), axis=2)
    return torch.from_numpy(packed).transpose(1, 2)


def _choose(
    family: Family,
    pack: Pack,
    data: StudyData,
    train_score: Tensor,
    score: Tensor,
    rows: Examples,
    lane: Tensor,
) -> Thresholds:
    """Choose the thresholds (S, 2, K) of every setting on ``rows``, of which ``score`` (S, N, M) is known.

    A rejecting model knows no decision-maker: to it deferring costs gamma and is never wrong, as with an
    oracle (theorem of Section 2.3).
    """
    symmetric, options = family.band is Band.SYMMETRIC, data.thresholds
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
            costs=data.costs,
        )[0]
    quantiles = random_quantiles(pack.seeds, options.candidates, options.per_group)
    candidates = quantile_bands(train_score, quantiles, symmetric)
    return choose_bands(score, rows.a, rows.y, wrong, candidates, lane, alpha, gamma, data.costs)[0]


def _quantiles(params: Mapping[str, Any]) -> list[float]:
    """Return a setting's four coordinates; a group without its own has the other's."""
    of_group0 = [params.get(name, 0.0) for name in QUANTILES[:2]]
    return [*of_group0, *(params.get(n, same) for n, same in zip(QUANTILES[2:], of_group0, strict=True))]
