"""The field's losses for learning to defer since the paper, on models that score actions.

The actions are 0, 1 and asking one of J people; a model gives each a score g. Unlike Eq. 8, which compares
nats with nats, these losses count a person's errors case by case, and their minimisers defer exactly where
kappa - gamma is above max(eta, 1 - eta): eta is P(y = 1 | x), kappa the probability that the person is
right. ``ova`` and ``compare`` estimate kappa itself, so that gamma is subtracted when deciding; in ``ce``
and ``realizable`` it is part of the loss.

Where a wrong 1 and a wrong 0 do not cost the same, every example weighs as much as being wrong about it
costs. Estimates are then of the weighted world, where p is above 1/2 exactly where eta is above
c_FP / (c_FP + c_FN) (Elkan 2001), and ``ova`` and ``compare`` charge gamma times the mean weight at x.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from study.models.examples import Batch
from study.models.fairness import disparity, expected_squared_difference
from study.models.methods import cross_entropy, weighted
from study.models.network import Actions, Comparison
from study.words import UNIT_COSTS, Costs

MIXED_IN = 0.02
"""The weight of the cross entropy in ``realizable``, which alone is flat wherever an action is certain and
leaves p free where it asks; the larger it is, the earlier the loss asks."""


def ce(outputs: Actions, batch: Batch, alpha: Tensor, gamma: Tensor, costs: Costs = UNIT_COSTS) -> Tensor:
    """Cost-sensitive cross entropy over actions (Mozannar and Sontag 2020), plus alpha squared D.

    With costs c of the actions, L = -sum_k (max_j c_j - c_k) log s_k for the softmax s of the scores.
    """
    log_s = torch.log_softmax(outputs.scores, dim=2)
    cost = action_costs(batch, gamma, costs)
    error = -((cost.amax(2, keepdim=True) - cost) * log_s).sum(2)
    return error.mean(1) + alpha * _unfair(log_s, batch)


def ova(outputs: Actions, batch: Batch, alpha: Tensor, gamma: Tensor, costs: Costs = UNIT_COSTS) -> Tensor:
    """One-vs-all logistic losses (Verma and Nalisnick 2022), plus alpha squared D of the softmax.

    sigmoid(g_1) estimates eta and sigmoid(g_ask) kappa, so gamma has no part in it.
    """
    scores = outputs.scores
    right = _right(batch).unsqueeze(-1)
    label = batch.y.unsqueeze(-1)
    happened = torch.cat([1 - label, label, right], dim=2)
    error = weighted((softplus(scores) - happened * scores).sum(2), batch.y, costs)
    return error.mean(1) + alpha * _unfair(torch.log_softmax(scores, dim=2), batch)


def realizable(
    outputs: Actions, batch: Batch, alpha: Tensor, gamma: Tensor, costs: Costs = UNIT_COSTS
) -> Tensor:
    """1 - s_y - 1[m = y] s_ask, mixed with the cross entropy of p, plus alpha squared D.

    The joint error of actions drawn from the softmax s: Mozannar et al. 2023, with the 1 - t in place of
    -log t for which Mao, Mohri and Zhong 2024 prove it consistent (with -log t it would, at eta = 1/2,
    defer from kappa = 2/3 on only). Where asking costs c it is (1 - c)(1 - s_y - s_ask) + c (1 - s_y).
    """
    log_s = torch.log_softmax(outputs.scores, dim=2)
    label = torch.where(batch.y > 0.5, log_s[:, :, 1], log_s[:, :, 0])
    joint = (action_costs(batch, gamma, costs) * log_s.exp()).sum(2)
    alone = weighted(torch.logsumexp(log_s[:, :, :2], dim=2) - label, batch.y, costs)
    error = (1 - MIXED_IN) * joint + MIXED_IN * alone
    return error.mean(1) + alpha * _unfair(log_s, batch)


def compare(
    outputs: Comparison, batch: Batch, alpha: Tensor, gamma: Tensor, costs: Costs = UNIT_COSTS
) -> Tensor:
    """Two cross entropies, of p and of kappa (Raghu et al. 2019), plus alpha D of p (Eq. 11)."""
    own = cross_entropy(outputs.p, outputs.q, batch.y)
    error = weighted(own + cross_entropy(outputs.right, outputs.wrong, _right(batch)), batch.y, costs)
    return error.mean(1) + alpha * disparity(batch.u, outputs.p)


def action_costs(batch: Batch, gamma: Tensor, costs: Costs = UNIT_COSTS) -> Tensor:
    """Return what each action costs, (S, B, 2 + J, K): an error its own cost, asking gamma more than
    the person's.
    """
    label = batch.y.unsqueeze(-1)
    wrong = torch.cat([label, 1 - label, (1 - _right(batch)).unsqueeze(-1)], dim=2)
    wrong = weighted(wrong, label, costs)
    decided = wrong[:, :, :2].expand(-1, -1, -1, gamma.shape[1])
    return torch.cat([decided, wrong[:, :, 2:] + gamma.unsqueeze(1).unsqueeze(2)], dim=2)


def _right(batch: Batch) -> Tensor:
    """Return 1 where a person decides as it came, else 0: (S, B, J)."""
    return ((batch.dm >= 0.5) == (batch.y > 0.5)).to(batch.y.dtype)


def _unfair(log_s: Tensor, batch: Batch) -> Tensor:
    """Return the squared, expected D of actions drawn with probabilities exp(log_s), (S, K)."""
    said = batch.dm.new_zeros(batch.dm.shape[0], batch.dm.shape[1], 1)
    leads_to = torch.cat([said, said + 1, batch.dm], dim=2)
    return expected_squared_difference(batch.u, log_s.exp(), leads_to)
