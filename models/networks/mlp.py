"""``mlp``: a network with one logit, which always predicts (the binary model of the paper).

``posthoc`` is the same network with a region of deferral around p = 0.5, chosen afterwards (Appendix C).
"""

import torch
from torch import Tensor

from study.models.network import (
    Layout,
    Model,
    Outputs,
    Thresholds,
    WeightNoise,
    glorot,
    hidden_layer,
    read_out,
    same_for_all,
)


def layout(inputs: int, hidden: int) -> Layout:
    """Name the parameters of one network."""
    return Layout({"hidden": (inputs, hidden), "output": (hidden,), "output_bias": (1,)})


def initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    """Return starting weights (P,), all biases 0."""
    first = glorot(inputs, hidden, generator).view(inputs, hidden)
    first[-1] = 0
    return torch.cat([first.flatten(), glorot(hidden, 1, generator), torch.zeros(1)])


def logit(weights: Tensor, x: Tensor) -> Tensor:
    """Return log-odds (S, B, K) of the positive class from weights (S, P, K) and x (S, B, F)."""
    hidden = (weights.shape[1] - 1) // (x.shape[2] + 1)
    part = layout(x.shape[2], hidden).split(weights)
    return read_out(part["output"], hidden_layer(part["hidden"], x)) + part["output_bias"]


def outputs(weights: Tensor, x: Tensor) -> Outputs:
    """Return p of the positive class; the network itself never defers."""
    score = logit(weights, x)
    return Outputs(torch.sigmoid(score), torch.sigmoid(-score), torch.zeros_like(score))


def never(theta: Tensor, _: Tensor) -> Thresholds:
    """Return the thresholds of a network that always predicts, by the sign of its score."""
    zero = same_for_all(0.0, theta)
    return Thresholds(zero, zero)


def _score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    return logit(theta, x)


MLP = Model(
    name="mlp",
    layout=layout,
    initialise=initialise,
    outputs=outputs,
    score=_score,
    thresholds=never,
)
