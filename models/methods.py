"""What a method says that (p, pi) costs: the paper's ``binary``, ``reject`` (Eq. 9) and ``defer`` (Eq. 8).

A loss is the mean over examples of the expected cross entropy, plus alpha times a fairness term over the
batch, for each lane: Outputs (S, B, K), Batch, alpha (S, K), gamma (S, K) -> (S, K). Where errors have
costs, each cross entropy weighs as much as being wrong about that example. ``partly`` says that some
decisions are unknown: what needs a decision is then taken of the other examples alone.
"""

import torch
from torch import Tensor

from study.models.examples import Batch
from study.models.fairness import contrast_of_known, disparity, expected_squared_disparity
from study.models.network import Outputs
from study.words import UNIT_COSTS, Costs

# Where float32 has no smaller probability to offer, a wrong prediction costs 69 nats.
_SMALLEST = 1e-30


def cross_entropy(p: Tensor, q: Tensor, y: Tensor) -> Tensor:
    """Return the cross entropy (S, B, K) of p and q = 1 - p against what happened, y (S, B, 1), in nats."""
    of_label = torch.where(y > 0.5, p, q)
    return -torch.log(of_label.clamp_min(_SMALLEST))


def weighted(loss: Tensor, y: Tensor, costs: Costs) -> Tensor:
    """Weigh losses (S, B, K) by what being wrong about what happened, y (S, B, 1), costs."""
    if (costs.false_positive, costs.false_negative) == (1, 1):
        return loss
    return loss * (costs.false_negative * y + costs.false_positive * (1 - y))


def binary(
    outputs: Outputs, batch: Batch, alpha: Tensor, gamma: Tensor, costs: Costs = UNIT_COSTS
) -> Tensor:
    """Cross entropy plus alpha D (Eq. 11); the model never defers and gamma has no part in it."""
    error = weighted(cross_entropy(outputs.p, outputs.q, batch.y), batch.y, costs).mean(1)
    return error + alpha * disparity(batch.u, outputs.p)


def reject(
    outputs: Outputs, batch: Batch, alpha: Tensor, gamma: Tensor, costs: Costs = UNIT_COSTS
) -> Tensor:
    """Eq. 9, the sum over s drawn out: (1 - pi) l_M + pi gamma, plus alpha D of the model's own p.

    A rejecting model knows of no decision-maker, so its D (Eq. 11) is that of its prediction p on every
    example.
    """
    own = weighted(cross_entropy(outputs.p, outputs.q, batch.y), batch.y, costs)
    expected = own + outputs.pi * (gamma.unsqueeze(1) - own)
    return expected.mean(1) + alpha * disparity(batch.u, outputs.p)


def defer(
    outputs: Outputs,
    batch: Batch,
    alpha: Tensor,
    gamma: Tensor,
    costs: Costs = UNIT_COSTS,
    partly: bool = False,
) -> Tensor:
    """Eq. 8 with the gamma of Eq. 4: (1 - pi) l_M + pi (l_DM + gamma), plus alpha soft squared D.

    An example without a decision costs l_M: it cannot be deferred, so pi is as if it were 0.
    """
    own = weighted(cross_entropy(outputs.p, outputs.q, batch.y), batch.y, costs)
    pi = outputs.pi * batch.known if partly else outputs.pi
    u = contrast_of_known(batch.u, batch.known) if partly else batch.u
    expected = own + pi * (weighted(batch.dm_loss, batch.y, costs) + gamma.unsqueeze(1) - own)
    unfair = expected_squared_disparity(u, outputs.p, pi, batch.dm)
    return expected.mean(1) + alpha * unfair
