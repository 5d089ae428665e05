"""Disparate impact as a regulariser: D (Eq. 11), and its squared expectation over deferral (Eq. 12-14).

Both are linear or quadratic in group means. For Y = y, let the *contrast* be u_i = 1/n_0y where A_i = 0,
-1/n_1y where A_i = 1, and 0 where Y_i differs from y. The difference in error rate between the groups is
then sum_i u_i * prediction_i, up to sign: for y = 1 the error is 1 - prediction, and the u_i sum to 0.
"""

import torch
from torch import Tensor


def contrast(y: Tensor, a: Tensor) -> Tensor:
    """Return the contrasts for Y = 0 and Y = 1 of labels ``y`` and groups ``a``, both (..., B).

    Returns (..., 2, B). Where a group has no example with that label, there is no difference
    and the contrast is 0.
    """
    rows = []
    for label in (0.0, 1.0):
        group0, group1 = (((y == label) & (a == group)).to(y.dtype) for group in (0.0, 1.0))
        rows.append(_between(group0, group1))
    return torch.stack(rows, dim=-2)


def contrast_of_known(u: Tensor, known: Tensor) -> Tensor:
    """Return the contrasts (S, 2, B) of the examples with a decision, from those of all.

    known: (S, B, 1), 1 or 0. The difference that they give is an unbiased estimate of that of all examples
    where, within a cell (A, Y), it is chance whether there is a decision.
    """
    counted = known.transpose(1, 2)
    return _between((u > 0) * counted, (u < 0) * counted)


def _between(group0: Tensor, group1: Tensor) -> Tensor:
    """Return the contrast of two groups, 1 where an example is in each (..., B)."""
    n0, n1 = group0.sum(-1, keepdim=True), group1.sum(-1, keepdim=True)
    both = (n0 > 0) & (n1 > 0)
    return torch.where(both, group0 / n0.clamp_min(1) - group1 / n1.clamp_min(1), 0.0)


def disparity(u: Tensor, p: Tensor) -> Tensor:
    """D of Eq. 11: the mean over Y of the absolute group difference in expected error rate.

    u: (S, 2, B) contrasts; p: (S, B, K) predictions, Y_hat ~ Ber(p). Returns (S, K) in [0, 1].
    """
    return 0.5 * torch.bmm(u, p).abs().sum(1)


def expected_squared_disparity(u: Tensor, p: Tensor, pi: Tensor, dm: Tensor) -> Tensor:
    """The soft, squared, expected D of the joint system, in closed form (Eq. 12-14).

    The joint prediction is s_i q_i + (1 - s_i) p_i with independent s_i ~ Ber(pi_i) and the
    decision-maker's prediction q_i. Its contrast has mean sum_i u_i (p_i + pi_i (q_i - p_i)), and the draws
    add the variance sum_i u_i^2 pi_i (1 - pi_i) (q_i - p_i)^2; the expected square is mean^2 + variance.
    Averaged over Y = 0 and Y = 1 with the factor 1/2 of Eq. 11 (the paper's second line of Eq. 13 drops
    it).

    u: (S, 2, B); p, pi: (S, B, K); dm: (S, B, 1). Returns (S, K).
    """
    shift = pi * (dm - p)
    mean = torch.bmm(u, p + shift)
    variance = torch.bmm(u * u, shift * (dm - p - shift))
    return 0.5 * (mean * mean + variance).sum(1)


def expected_squared_difference(u: Tensor, s: Tensor, z: Tensor) -> Tensor:
    """The squared, expected D of a joint system that draws one of several actions for each example.

    An example's action k is drawn with probability s_k and leads to the decision z_k: 0, 1, or a person's
    (a probability). The joint decision has mean m = sum_k s_k z_k and variance v = sum_k s_k z_k^2 - m^2;
    the expected square of a contrast is (sum_i u_i m_i)^2 + sum_i u_i^2 v_i. Averaged over Y = 0 and Y = 1.

    u: (S, 2, B); s: (S, B, A, K); z: (S, B, A). Returns (S, K).
    """
    leads_to = z.unsqueeze(-1)
    mean = (s * leads_to).sum(2)
    variance = (s * leads_to * leads_to).sum(2) - mean * mean
    difference = torch.bmm(u, mean)
    return 0.5 * (difference * difference + torch.bmm(u * u, variance)).sum(1)
