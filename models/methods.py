"""The losses of models that give (p, pi): the paper's ``binary``, ``reject`` (Eq. 9) and ``defer`` (Eq. 8).

A loss is the mean over examples of the expected cross entropy, plus alpha times a fairness term over the
batch, for each lane: Outputs (S, B, K), Cases, alpha (S, K), gamma (S, K) -> (S, K). Where errors have
costs, each cross entropy weighs as much as being wrong about that example.
"""

import torch
from torch import Tensor

from study.models.cases import Cases
from study.models.fairness import disparity, expected_squared_disparity
from study.models.network import Outputs

# Where float32 has no smaller probability to offer, a wrong prediction costs 69 nats.
_SMALLEST = 1e-30


def cross_entropy(p: Tensor, q: Tensor, y: Tensor) -> Tensor:
    """Return the cross entropy (S, B, K) of p and q = 1 - p against what happened, y (S, B, 1), in nats."""
    of_label = torch.where(y > 0.5, p, q)
    return -torch.log(of_label.clamp_min(_SMALLEST))


def binary(outputs: Outputs, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """Cross entropy plus alpha D (Eq. 11); the model never defers and gamma has no part in it."""
    error = cases.weighted(cross_entropy(outputs.p, outputs.q, cases.y))
    return error.mean(1) + alpha * disparity(cases.u, outputs.p)


def reject(outputs: Outputs, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """Eq. 9, the sum over s drawn out: (1 - pi) l_M + pi gamma, plus alpha D of the model's own p.

    A rejecting model knows of no decision-maker, so its D (Eq. 11) is that of its prediction p on every
    example.
    """
    own = cases.weighted(cross_entropy(outputs.p, outputs.q, cases.y))
    expected = own + outputs.pi * (gamma.unsqueeze(1) - own)
    return expected.mean(1) + alpha * disparity(cases.u, outputs.p)


def defer(outputs: Outputs, cases: Cases, alpha: Tensor, gamma: Tensor) -> Tensor:
    """Eq. 8 with the gamma of Eq. 4: (1 - pi) l_M + pi (l_DM + gamma), plus alpha soft squared D.

    An example without a decision costs l_M: it cannot be deferred, so pi is as if it were 0.
    """
    own = cases.weighted(cross_entropy(outputs.p, outputs.q, cases.y))
    pi = cases.if_known(outputs.pi)
    expected = own + pi * (cases.weighted(cases.dm_loss) + gamma.unsqueeze(1) - own)
    unfair = expected_squared_disparity(cases.u_known, outputs.p, pi, cases.dm)
    return expected.mean(1) + alpha * unfair
