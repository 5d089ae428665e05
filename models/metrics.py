"""What a joint system of model and decision-maker does on a split, by hard decisions.

Everything follows from counts in the four cells (A, Y): people, those deferred, the model's errors on
what it kept, the DM's errors on what it got. Counts are exact, so figures do not depend on how they were
batched.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.examples import Examples
from models.network import Model, Scores, pad_lanes

FIGURES = (
    "error",
    "di",
    "di_y0",
    "di_y1",
    "idk_rate",
    "idk_rate_a0",
    "idk_rate_a1",
    "error_a0",
    "error_a1",
    "model_error",
    "dm_error",
)
_BLOCK = 256


class CellCounts(NamedTuple):
    """Counts by cell, (..., 4) in the order (A, Y) = (0, 0), (0, 1), (1, 0), (1, 1), as float64."""

    people: Tensor
    deferred: Tensor
    model_errors: Tensor
    dm_errors: Tensor


def figures(counts: CellCounts) -> dict[str, Tensor]:
    """Reduce cell counts (..., 4) to every name in FIGURES, each (...); NaN where undefined.

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


def joint_figures(model: Model, theta: Tensor, examples: Examples) -> dict[str, Tensor]:
    """Return FIGURES of every network theta (S, P, K) with the DM of ``examples``, each (S, K).

    The model says IDK where t0 < score < t1 and predicts the positive class from t1 upwards; the DM
    decides for the positive class from a probability of one half.
    """
    settings = theta.shape[2]
    theta = pad_lanes(theta)
    seeds, _, lanes = theta.shape
    x = examples.x.expand(seeds, -1, -1)
    cells = cell_indicators(examples)
    counts = torch.zeros(3, seeds, 4, lanes)
    for start in range(0, len(examples), _BLOCK):
        block = slice(start, start + _BLOCK)
        scores = model.scores(theta, x[:, block])
        idk, wrong = decide(scores, examples.y[block])
        dm_wrong = (examples.dm[block] >= 0.5) != (examples.y[block] > 0.5)
        outcomes = (idk, ~idk & wrong, idk & dm_wrong.view(1, -1, 1))
        for count, outcome in zip(counts, outcomes, strict=True):
            count += cells[:, block] @ outcome.to(torch.float32)
    counts = counts[..., :settings].to(torch.float64)
    deferred, model_errors, dm_errors = counts.transpose(-1, -2)
    people = cells.sum(1).to(torch.float64).expand_as(deferred)
    return figures(CellCounts(people, deferred, model_errors, dm_errors))


def decision_figures(examples: Examples) -> dict[str, float]:
    """Return FIGURES of the DM of ``examples`` deciding everything alone."""
    cells = cell_indicators(examples).to(torch.float64)
    wrong = ((examples.dm >= 0.5) != (examples.y > 0.5)).to(torch.float64)
    people = cells.sum(1)
    alone = figures(CellCounts(people, people, torch.zeros_like(people), cells @ wrong))
    return {name: value.item() for name, value in alone.items()}


def decide(scores: Scores, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return IDK and "the model's class is not y", both (S, N, K) bool, from scores and labels (N,)."""
    score, t0, t1 = scores.score, scores.t0.unsqueeze(1), scores.t1.unsqueeze(1)
    positive = score >= t1
    idk = (score > t0) & ~positive
    return idk, positive != (y > 0.5).view(1, -1, 1)


def cell_indicators(examples: Examples) -> Tensor:
    """Return (4, N) float32, 1 where an example is in the cell (A, Y), in the order of CellCounts."""
    cell = (2 * examples.a + examples.y).to(torch.int64)
    return torch.nn.functional.one_hot(cell, 4).T.to(torch.float32)
