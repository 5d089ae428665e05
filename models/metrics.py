"""What a joint system of model and decision-maker does on a split, by hard decisions.

Everything follows from counts in the four cells (A, Y): people, those deferred, the model's errors on
what it kept, the DM's errors on what it got. Counts are exact, so figures do not depend on how they were
batched.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from study.models.examples import Examples
from study.models.network import Model, Thresholds, WeightNoise, in_blocks, pad_lanes


class CellCounts(NamedTuple):
    """Counts by cell, (..., 4) in the order (A, Y) = (0, 0), (0, 1), (1, 0), (1, 1), as float64."""

    people: Tensor
    deferred: Tensor
    model_errors: Tensor
    dm_errors: Tensor


def figures(counts: CellCounts) -> dict[str, Tensor]:
    """Reduce cell counts (..., 4) to every name in METRICS, each (...); NaN where undefined.

    ``di`` is the mean over Y of the absolute group difference in error rate (Eq. 11), undefined where
    a cell is empty; ``model_error`` is undefined where the model kept nothing, ``dm_error`` where it
    deferred nothing.
    """
    people, deferred, model_errors, dm_errors = counts
    errors = model_errors + dm_errors
    rate = errors / people
    gap = (rate[..., :2] - rate[..., 2:]).abs()
    by_group = [slice(0, 2), slice(2, 4)]
    idk = [deferred[..., g].sum(-1) / people[..., g].sum(-1) for g in by_group]
    error = [errors[..., g].sum(-1) / people[..., g].sum(-1) for g in by_group]
    return {
        "error": errors.sum(-1) / people.sum(-1),
        "di": gap.mean(-1),
        "di_y0": gap[..., 0],
        "di_y1": gap[..., 1],
        "idk_rate": deferred.sum(-1) / people.sum(-1),
        "idk_rate_a0": idk[0],
        "idk_rate_a1": idk[1],
        "error_a0": error[0],
        "error_a1": error[1],
        "model_error": model_errors.sum(-1) / (people - deferred).sum(-1),
        "dm_error": dm_errors.sum(-1) / deferred.sum(-1),
    }


class Decisions(NamedTuple):
    """Hard decisions of models: ``deferred`` to the DM, and the model's own class; (S, N, K) bool."""

    deferred: Tensor
    positive: Tensor


def scores(model: Model, theta: Tensor, x: Tensor, noise: WeightNoise | None = None) -> Tensor:
    """Return the score (S, N, K) of every network theta (S, P, K) on inputs x (N, F)."""
    settings = theta.shape[2]
    theta = pad_lanes(theta)
    blocks = in_blocks(x.expand(theta.shape[0], -1, -1))
    return torch.cat([model.score(theta, block, noise)[..., :settings] for block in blocks], dim=1)


def decide(score: Tensor, thresholds: Thresholds, a: Tensor) -> Decisions:
    """Compare scores (S, N, K) with the thresholds (S, 2, K) of each example's group ``a`` (N,).

    IDK where t0 < score < t1, positive from t1 upwards.
    """
    group = a.to(torch.int64)
    positive = score >= thresholds.t1[:, group]
    return Decisions((score > thresholds.t0[:, group]) & ~positive, positive)


def joint_figures(decisions: Decisions, examples: Examples) -> dict[str, Tensor]:
    """Return METRICS of every model with the DM of ``examples``, each (S, K).

    The DM decides for the positive class from a probability of one half.
    """
    deferred, positive = decisions
    wrong = positive != (examples.y > 0.5).view(1, -1, 1)
    dm_wrong = decision_maker_wrong(examples).view(1, -1, 1)
    cells = cell_indicators(examples)
    outcomes = (deferred, ~deferred & wrong, deferred & dm_wrong)
    counts = [(cells @ outcome.to(torch.float32)).to(torch.float64) for outcome in outcomes]
    deferrals, model_errors, dm_errors = (count.transpose(-1, -2) for count in counts)
    people = cells.sum(1).to(torch.float64).expand_as(deferrals)
    return figures(CellCounts(people, deferrals, model_errors, dm_errors))


def decision_maker_wrong(examples: Examples) -> Tensor:
    """Say whether the DM of ``examples`` decides against the label, (N,) bool."""
    return (examples.dm >= 0.5) != (examples.y > 0.5)


def decision_figures(examples: Examples) -> dict[str, float]:
    """Return METRICS of the DM of ``examples`` deciding everything alone."""
    cells = cell_indicators(examples).to(torch.float64)
    wrong = decision_maker_wrong(examples).to(torch.float64)
    people = cells.sum(1)
    alone = figures(CellCounts(people, people, torch.zeros_like(people), cells @ wrong))
    return {name: value.item() for name, value in alone.items()}


def cell_indicators(examples: Examples) -> Tensor:
    """Return (4, N) float32, 1 where an example is in the cell (A, Y), in the order of CellCounts."""
    cell = (2 * examples.a + examples.y).to(torch.int64)
    return torch.nn.functional.one_hot(cell, 4).T.to(torch.float32)
