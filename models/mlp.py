"""``mlp``: a network with one logit, which always predicts (the binary model of the paper)."""

import torch
from torch import Tensor

from models.network import Layout, Model, Outputs, Scores, glorot, hidden_layer, read_out


def _layout(inputs: int, hidden: int) -> Layout:
    return Layout({"hidden": (inputs, hidden), "output": (hidden,), "output_bias": (1,)})


def _initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    first = glorot(inputs, hidden, generator).view(inputs, hidden)
    first[-1] = 0
    return torch.cat([first.flatten(), glorot(hidden, 1, generator), torch.zeros(1)])


def _logit(theta: Tensor, x: Tensor) -> Tensor:
    hidden = (theta.shape[1] - 1) // (x.shape[2] + 1)
    part = _layout(x.shape[2], hidden).split(theta)
    return read_out(part["output"], hidden_layer(part["hidden"], x)) + part["output_bias"]


def _outputs(theta: Tensor, x: Tensor) -> Outputs:
    logit = _logit(theta, x)
    return Outputs(logit, torch.zeros_like(logit))


def _scores(theta: Tensor, x: Tensor) -> Scores:
    zero = theta.new_zeros(theta.shape[0], theta.shape[2])
    return Scores(_logit(theta, x), zero, zero)


MLP = Model(
    name="mlp",
    methods=frozenset({"binary"}),
    has_thresholds=False,
    layout=_layout,
    initialise=_initialise,
    outputs=_outputs,
    scores=_scores,
)
