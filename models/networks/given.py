"""``given``: a model that the user has already; its probabilities are a column of the table.

The column is the first input, and p is that number itself: no parameter reads it, so nothing of the given
model is trained. What is learned is when to defer, from the other inputs: for ``compare`` and ``two-stage``
by a network of its own, otherwise by thresholds on p alone, chosen afterwards.
"""

import torch
from torch import Tensor

from study.models.network import (
    STEEPEST,
    Asking,
    Comparison,
    Layout,
    Model,
    Outputs,
    WeightNoise,
    asked_between,
    signed_preference,
)
from study.models.networks import mlp
from study.models.networks.actions import priced
from study.models.regions import BY_LOG_PREFERENCE, BY_PREFERENCE


def _given(theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return p and 1 - p, the same in every lane of theta (S, P, K): (S, B, K)."""
    p = x[:, :, :1].expand(-1, -1, theta.shape[2])
    return p, 1 - p


def _nothing(inputs: int, hidden: int) -> Layout:
    return Layout({})


def _no_weights(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    return torch.empty(0)


def _outputs(theta: Tensor, x: Tensor) -> Outputs:
    p, q = _given(theta, x)
    return Outputs(p, q, torch.zeros_like(p))


def _score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    """Return the log-odds of p: below 0 exactly where p is below one half."""
    p, q = _given(theta, x)
    return torch.log(p / q).clamp(-STEEPEST, STEEPEST)


def _person_layout(inputs: int, hidden: int) -> Layout:
    return mlp.layout(inputs - 1, hidden)


def _person_start(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    return mlp.initialise(inputs - 1, hidden, generator)


def _person(theta: Tensor, x: Tensor) -> Tensor:
    return mlp.logit(theta, x[:, :, 1:])


def _compared(theta: Tensor, x: Tensor) -> Comparison:
    right = _person(theta, x)
    return Comparison(*_given(theta, x), torch.sigmoid(right), torch.sigmoid(-right))


def _compared_score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    p, q, right, _wrong = _compared(theta, x)
    return signed_preference(q, p, right)


def _asking(theta: Tensor, x: Tensor) -> Asking:
    return Asking(*_given(theta, x), _person(theta, x))


def _asking_score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    """Return the odds of keeping the case, with the sign of the class of p."""
    p, q, ask = _asking(theta, x)
    keep = torch.exp((-ask).clamp(-STEEPEST, STEEPEST))
    return torch.where(p >= q, keep, -keep)


AS_IT_IS = Model(
    name="given",
    layout=_nothing,
    initialise=_no_weights,
    outputs=_outputs,
    score=_score,
    thresholds=mlp.never,
)
COMPARED = Model(
    name="given-compared",
    layout=_person_layout,
    initialise=_person_start,
    outputs=_compared,
    score=_compared_score,
    thresholds=priced,
    region=BY_PREFERENCE,
    right=lambda outputs: outputs.right,
)
TWO_STAGE = Model(
    name="given-two-stage",
    layout=_person_layout,
    initialise=_person_start,
    outputs=_asking,
    score=_asking_score,
    thresholds=asked_between,
    region=BY_LOG_PREFERENCE,
)
