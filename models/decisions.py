"""Hard decisions, and counts of what comes of them for a joint system of model and decision-maker.

Counts in the four cells (A, Y) are exact, so that what follows from them does not depend on how examples
were batched.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from study.models.examples import Examples
from study.models.network import Model, Thresholds, WeightNoise, in_blocks, pad_lanes
from study.models.regions import Region
from study.words import UNIT_COSTS, Costs


class CellCounts(NamedTuple):
    """Counts by cell, (4, ...) in the order (A, Y) = (0, 0), (0, 1), (1, 0), (1, 1), as float64.

    ``model_errors`` are the model's on what it kept, ``dm_errors`` the decision-maker's on what was
    deferred.
    """

    examples: Tensor
    deferred: Tensor
    model_errors: Tensor
    dm_errors: Tensor

    @property
    def gaps(self) -> Tensor:
        """(2, ...) absolute group differences in error rate for Y = 0, 1; NaN where a cell is empty."""
        rate = (self.model_errors + self.dm_errors) / self.examples
        return (rate[:2] - rate[2:]).abs()


class Decisions(NamedTuple):
    """Hard decisions of models: ``deferred`` or not, and the model's own class; (S, N, K) bool."""

    deferred: Tensor
    positive: Tensor


class Ranking(NamedTuple):
    """Cases in the order in which asking gains most, and what the model decides if it must; (S, N, K).

    ``benefit``: float, above 0 where the case is deferred and nowhere else, NaN where the score is;
    ``positive``: bool, the model's class, where it defers the likelier one.
    """

    benefit: Tensor
    positive: Tensor


def scores(model: Model, theta: Tensor, x: Tensor, noise: WeightNoise | None = None) -> Tensor:
    """Return the score (S, N, K) of every network theta (S, P, K) on inputs x (N, F)."""
    settings = theta.shape[2]
    theta = pad_lanes(theta)
    blocks = in_blocks(x.expand(theta.shape[0], -1, -1))
    return torch.cat([model.score(theta, block, noise)[..., :settings] for block in blocks], dim=1)


def decide(score: Tensor, thresholds: Thresholds, a: Tensor) -> Decisions:
    """Compare scores (S, N, K) with the thresholds (S, 2, K) of each example's group ``a`` (N,).

    Deferred where t0 < score < t1, positive from t1 upwards.
    """
    group = a.to(torch.int64)
    positive = score >= thresholds.t1[:, group]
    return Decisions((score > thresholds.t0[:, group]) & ~positive, positive)


def rank(decisions: Decisions, score: Tensor, thresholds: Thresholds, a: Tensor, region: Region) -> Ranking:
    """Rank what was decided by scores (S, N, K), with the arguments of ``decide``, in a family's region."""
    group = a.to(torch.int64)
    t0, t1 = (threshold[:, group] for threshold in thresholds)
    # On whole vectors alone do functions give a number the same bits wherever it stands.
    wide = (pad_lanes(part).contiguous() for part in (score, t0, t1))
    benefit, deferred = region.benefit(*wide)[..., : score.shape[2]], decisions.deferred
    # Next to a threshold rounding may disagree with the decision, which stands.
    least = torch.finfo(benefit.dtype).tiny
    benefit = torch.where(deferred, benefit.clamp_min(least), benefit.clamp_max(0))
    return Ranking(benefit, torch.where(deferred, score >= region.middle(t0, t1), decisions.positive))


def risk_coverage_area(ranking: Ranking, examples: Examples, costs: Costs = UNIT_COSTS) -> Tensor:
    """Return the area under the risk-coverage curve of each model, (S, K) float64 (AURC).

    The mean of what the joint system costs, by default of its error, over all numbers of deferred cases,
    from none to all N, those of the largest benefit first (of equal ones the first). NaN where a benefit
    is.
    """
    happened = examples.y > 0.5
    wrong = ranking.positive != happened.view(1, -1, 1)
    gained = decision_maker_wrong(examples).view(1, -1, 1).to(torch.int8) - wrong.to(torch.int8)
    order = ranking.benefit.argsort(dim=1, descending=True, stable=True)
    number = len(examples)
    # A case that is deferred as the j-th is so in N + 1 - j of the N + 1 systems.
    systems = torch.arange(number, 0, -1).view(1, -1, 1).expand_as(order)
    errors = (number + 1) * wrong + gained * torch.empty_like(order).scatter_(1, order, systems)
    # Whole numbers, so that no sum depends on its order.
    of_0, of_1 = (errors[:, rows].sum(1).to(torch.float64) for rows in (~happened, happened))
    area = (costs.false_positive * of_0 + costs.false_negative * of_1) / (number * (number + 1))
    return (area + costs.deferral / 2).masked_fill(ranking.benefit.isnan().any(1), torch.nan)


def joint_counts(decisions: Decisions, examples: Examples) -> CellCounts:
    """Count what every model does with the decision-maker of ``examples``; fields (4, S, K).

    The decision-maker decides for the positive class from a probability of one half.
    """
    deferred, positive = decisions
    wrong = positive != (examples.y > 0.5).view(1, -1, 1)
    dm_wrong = decision_maker_wrong(examples).view(1, -1, 1)
    cells = cell_indicators(examples)
    outcomes = (deferred, ~deferred & wrong, deferred & dm_wrong)
    counts = [(cells @ outcome.to(torch.float32)).to(torch.float64) for outcome in outcomes]
    deferrals, model_errors, dm_errors = (count.transpose(0, 1) for count in counts)
    number = cells.sum(1).to(torch.float64).view(-1, 1, 1).expand_as(deferrals)
    return CellCounts(number, deferrals, model_errors, dm_errors)


def decision_maker_wrong(examples: Examples) -> Tensor:
    """Return whether the decision-maker of ``examples`` decides against the label, (N,) bool."""
    return (examples.dm >= 0.5) != (examples.y > 0.5)


def counts_alone(examples: Examples) -> CellCounts:
    """Count what the decision-maker of ``examples`` does when deciding everything alone; fields (4,)."""
    cells = cell_indicators(examples).to(torch.float64)
    wrong = decision_maker_wrong(examples).to(torch.float64)
    number = cells.sum(1)
    return CellCounts(number, number, torch.zeros_like(number), cells @ wrong)


def cell_indicators(examples: Examples) -> Tensor:
    """Return (4, N) float32, 1 where an example is in the cell (A, Y), in the order of CellCounts."""
    cell = (2 * examples.a + examples.y).to(torch.int64)
    return torch.nn.functional.one_hot(cell, 4).T.to(torch.float32)
