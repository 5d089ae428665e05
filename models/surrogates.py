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

from study.models.cases import Cases
from study.models.fairness import disparity, expected_squared_difference
from study.models.methods import cross_entropy
from study.models.network import Actions, Asking, Comparison

MIXED_IN = 0.02
"""The weight of the cross entropy in ``realizable``, which alone is flat wherever an action is certain and
leaves p free where it asks; the larger it is, the earlier the loss asks."""


def ce(outputs: Actions, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """Cost-sensitive cross entropy over actions (Mozannar and Sontag 2020), plus alpha squared D.

    With costs c of the actions, L = -sum_k (max_j c_j - c_k) log s_k for the softmax s of the scores. C is
    the cross entropy of p: with -log s_y in its place every example without a decision would teach the
    model not to ask.
    """
    log_s = torch.log_softmax(outputs.scores, dim=2)
    cost = action_costs(cases, gamma)
    error = -((cost.amax(2, keepdim=True) - cost) * log_s).sum(2)
    if cases.partly:
        own = _alone(log_s, cases)
        error = own + cases.of_known(error - own)
    return error.mean(1) + alpha * _unfair(log_s, cases)


def ova(outputs: Actions, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """One-vs-all logistic losses (Verma and Nalisnick 2022), plus alpha squared D of the softmax.

    sigmoid(g_1) estimates eta and sigmoid(g_ask) kappa, so gamma has no part in it. C has the first two.
    """
    scores = outputs.scores
    happened = torch.cat([1 - cases.y, cases.y, cases.right], dim=2).unsqueeze(-1)
    each = softplus(scores) - happened * scores
    if cases.partly:
        each = torch.cat([each[:, :, :2], cases.of_known(each[:, :, 2:].sum(2)).unsqueeze(2)], dim=2)
    error = cases.weighted(each.sum(2))
    return error.mean(1) + alpha * _unfair(torch.log_softmax(scores, dim=2), cases)


def realizable(outputs: Actions, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """1 - s_y - 1[m = y] s_ask, mixed with the cross entropy of p, plus alpha squared D.

    The joint error of actions drawn from the softmax s: Mozannar et al. 2023, with the 1 - t in place of
    -log t for which Mao, Mohri and Zhong 2024 prove it consistent (with -log t it would, at eta = 1/2,
    defer from kappa = 2/3 on only). Where asking costs c it is (1 - c)(1 - s_y - s_ask) + c (1 - s_y).
    """
    log_s = torch.log_softmax(outputs.scores, dim=2)
    cost = action_costs(cases, gamma)
    joint = (cost * log_s.exp()).sum(2)
    if cases.partly:
        own = (cost[:, :, :2] * torch.softmax(outputs.scores[:, :, :2], dim=2)).sum(2)
        joint = own + cases.if_known(joint - own)
    error = (1 - MIXED_IN) * joint + MIXED_IN * _alone(log_s, cases)
    return error.mean(1) + alpha * _unfair(log_s, cases)


def compare(outputs: Comparison, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """Two cross entropies, of p (C) and of kappa (Raghu et al. 2019), plus alpha D of p (Eq. 11)."""
    own = cross_entropy(outputs.p, outputs.q, cases.y)
    of_person = cross_entropy(outputs.right, outputs.wrong, cases.right)
    error = cases.weighted(own + cases.of_known(of_person))
    return error.mean(1) + alpha * disparity(cases.u, outputs.p)


def two_stage(outputs: Asking, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """The second stage of Mao, Mohri, Mohri and Zhong 2023: whether to ask, for a model that is fixed.

    With costs c of keeping the model's class and of asking it is sum_k (C - c_k) l_k, plus alpha squared D,
    for logistic losses l and the largest cost C: at gamma = 0 and unit costs 1[model right] l_keep +
    1[m = y] l_ask. Of p only the class counts. There is no C: asking is all that is learned.
    """
    decided = (outputs.p >= outputs.q).to(cases.y.dtype)
    kept = cases.weighted((decided - cases.y).abs())
    asked = cases.weighted(1 - cases.right) + gamma.unsqueeze(1)
    most = cases.costs.dearest + gamma.clamp_min(0).unsqueeze(1)
    error = (most - kept) * softplus(outputs.ask) + (most - asked) * softplus(-outputs.ask)
    drawn = torch.stack([1 - outputs.pi, outputs.pi], dim=2)
    leads_to = torch.stack([decided[:, :, 0], cases.dm[:, :, 0]], dim=2)
    unfair = expected_squared_difference(cases.u_known, drawn, leads_to)
    return cases.of_known(error).mean(1) + alpha * unfair


def action_costs(cases: Cases, gamma: Tensor) -> Tensor:
    """Return what each action costs, (S, B, 2 + J, K): an error its own cost, asking gamma more than
    the person's.
    """
    wrong = torch.cat([cases.y, 1 - cases.y, 1 - cases.right], dim=2)
    wrong = cases.weighted(wrong).unsqueeze(-1)
    decided = wrong[:, :, :2].expand(-1, -1, -1, gamma.shape[1])
    return torch.cat([decided, wrong[:, :, 2:] + gamma.unsqueeze(1).unsqueeze(2)], dim=2)


def _alone(log_s: Tensor, cases: Cases) -> Tensor:
    """Return the cross entropy of p, asking left aside, (S, B, K)."""
    label = torch.where(cases.y > 0.5, log_s[:, :, 1], log_s[:, :, 0])
    return cases.weighted(torch.logsumexp(log_s[:, :, :2], dim=2) - label)


def _unfair(log_s: Tensor, cases: Cases) -> Tensor:
    """Return the squared, expected D of actions drawn with probabilities exp(log_s), (S, K)."""
    zero = cases.dm.new_zeros(*cases.dm.shape[:2], 1)
    leads_to = torch.cat([zero, zero + 1, cases.dm], dim=2)
    return expected_squared_difference(cases.u_known, log_s.exp(), leads_to)
