"""The field's losses for learning to defer since the paper, on models that score actions.

The actions are 0, 1 and asking one of J people; a model gives each a score g. Unlike Eq. 8, which compares
nats with nats, these losses count a person's errors case by case, and their minimisers defer exactly where
kappa - gamma is above max(eta, 1 - eta): eta is P(y = 1 | x), kappa the probability that the person is
right. ``ova`` and ``compare`` estimate kappa itself, so that gamma is subtracted when deciding; in ``ce``
and ``realizable`` it is part of the loss.

Where a wrong 1 and a wrong 0 do not cost the same, every example weighs as much as being wrong about it
costs. Estimates are then of the weighted world, where p is above 1/2 exactly where eta is above
c_FP / (c_FP + c_FN) (Elkan 2001), and ``ova`` and ``compare`` charge gamma times the mean weight at x.

Where some decisions are unknown (``partly``), a loss L is split into the classifier's own C, which needs
none, and the rest. C is averaged over all examples, L - C over those with a decision: an unbiased estimate
of the loss with all decisions where it is chance which are known. ``realizable`` is no sum of estimates but
a cost of what is done, so there an example without a decision costs C, as if it could not be deferred.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from study.models.examples import Batch
from study.models.fairness import contrast_of_known, disparity, expected_squared_difference
from study.models.methods import cross_entropy, weighted
from study.models.network import Actions, Asking, Comparison
from study.words import UNIT_COSTS, Costs

MIXED_IN = 0.02
"""The weight of the cross entropy in ``realizable``, which alone is flat wherever an action is certain and
leaves p free where it asks; the larger it is, the earlier the loss asks."""


def ce(
    outputs: Actions,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    costs: Costs = UNIT_COSTS,
    partly: bool = False,
) -> Tensor:
    """Cost-sensitive cross entropy over actions (Mozannar and Sontag 2020), plus alpha squared D.

    With costs c of the actions, L = -sum_k (max_j c_j - c_k) log s_k for the softmax s of the scores. C is
    the cross entropy of p: with -log s_y in its place every example without a decision would teach the
    model not to ask.
    """
    log_s = torch.log_softmax(outputs.scores, dim=2)
    cost = action_costs(batch, gamma, costs)
    error = -((cost.amax(2, keepdim=True) - cost) * log_s).sum(2)
    if partly:
        own = _alone(log_s, batch, costs)
        error = own + _share(batch) * (error - own)
    return error.mean(1) + alpha * _unfair(log_s, batch, partly)


def ova(
    outputs: Actions,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    costs: Costs = UNIT_COSTS,
    partly: bool = False,
) -> Tensor:
    """One-vs-all logistic losses (Verma and Nalisnick 2022), plus alpha squared D of the softmax.

    sigmoid(g_1) estimates eta and sigmoid(g_ask) kappa, so gamma has no part in it. C has the first two.
    """
    scores = outputs.scores
    right = _right(batch).unsqueeze(-1)
    label = batch.y.unsqueeze(-1)
    happened = torch.cat([1 - label, label, right], dim=2)
    each = softplus(scores) - happened * scores
    if partly:
        each = torch.cat([each[:, :, :2], each[:, :, 2:] * _share(batch).unsqueeze(-1)], dim=2)
    error = weighted(each.sum(2), batch.y, costs)
    return error.mean(1) + alpha * _unfair(torch.log_softmax(scores, dim=2), batch, partly)


def realizable(
    outputs: Actions,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    costs: Costs = UNIT_COSTS,
    partly: bool = False,
) -> Tensor:
    """1 - s_y - 1[m = y] s_ask, mixed with the cross entropy of p, plus alpha squared D.

    The joint error of actions drawn from the softmax s: Mozannar et al. 2023, with the 1 - t in place of
    -log t for which Mao, Mohri and Zhong 2024 prove it consistent (with -log t it would, at eta = 1/2,
    defer from kappa = 2/3 on only). Where asking costs c it is (1 - c)(1 - s_y - s_ask) + c (1 - s_y).
    """
    log_s = torch.log_softmax(outputs.scores, dim=2)
    cost = action_costs(batch, gamma, costs)
    joint = (cost * log_s.exp()).sum(2)
    if partly:
        own = (cost[:, :, :2] * torch.softmax(outputs.scores[:, :, :2], dim=2)).sum(2)
        joint = own + batch.known * (joint - own)
    error = (1 - MIXED_IN) * joint + MIXED_IN * _alone(log_s, batch, costs)
    return error.mean(1) + alpha * _unfair(log_s, batch, partly)


def compare(
    outputs: Comparison,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    costs: Costs = UNIT_COSTS,
    partly: bool = False,
) -> Tensor:
    """Two cross entropies, of p (C) and of kappa (Raghu et al. 2019), plus alpha D of p (Eq. 11)."""
    own = cross_entropy(outputs.p, outputs.q, batch.y)
    of_person = cross_entropy(outputs.right, outputs.wrong, _right(batch))
    error = weighted(own + (_share(batch) * of_person if partly else of_person), batch.y, costs)
    return error.mean(1) + alpha * disparity(batch.u, outputs.p)


def two_stage(
    outputs: Asking,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    costs: Costs = UNIT_COSTS,
    partly: bool = False,
) -> Tensor:
    """The second stage of Mao, Mohri, Mohri and Zhong 2023: whether to ask, for a model that is fixed.

    With costs c of keeping the model's class and of asking it is sum_k (C - c_k) l_k, plus alpha squared D,
    for logistic losses l and the largest cost C: at gamma = 0 and unit costs 1[model right] l_keep +
    1[m = y] l_ask. Of p only the class counts. There is no C: who has no decision says nothing of asking.
    """
    decided = (outputs.p >= outputs.q).to(batch.y.dtype)
    kept = weighted((decided - batch.y).abs(), batch.y, costs)
    asked = weighted(1 - _right(batch), batch.y, costs) + gamma.unsqueeze(1)
    most = max(costs[:2]) + gamma.clamp_min(0).unsqueeze(1)
    error = (most - kept) * softplus(outputs.ask) + (most - asked) * softplus(-outputs.ask)
    if partly:
        error = _share(batch) * error
    drawn = torch.stack([1 - outputs.pi, outputs.pi], dim=2)
    leads_to = torch.stack([decided[:, :, 0], batch.dm[:, :, 0]], dim=2)
    u = contrast_of_known(batch.u, batch.known) if partly else batch.u
    return error.mean(1) + alpha * expected_squared_difference(u, drawn, leads_to)


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


def _alone(log_s: Tensor, batch: Batch, costs: Costs) -> Tensor:
    """Return the cross entropy of p, asking left aside, (S, B, K)."""
    label = torch.where(batch.y > 0.5, log_s[:, :, 1], log_s[:, :, 0])
    return weighted(torch.logsumexp(log_s[:, :, :2], dim=2) - label, batch.y, costs)


def _share(batch: Batch) -> Tensor:
    """Return weights (S, B, 1) whose mean over all examples is that over those with a decision."""
    known = batch.known
    return known * (known.shape[1] / known.sum(1, keepdim=True).clamp_min(1))


def _unfair(log_s: Tensor, batch: Batch, partly: bool) -> Tensor:
    """Return the squared, expected D of actions drawn with probabilities exp(log_s), (S, K)."""
    said = batch.dm.new_zeros(batch.dm.shape[0], batch.dm.shape[1], 1)
    leads_to = torch.cat([said, said + 1, batch.dm], dim=2)
    u = contrast_of_known(batch.u, batch.known) if partly else batch.u
    return expected_squared_difference(u, log_s.exp(), leads_to)
