"""``gate``: a second small network gives the probability of deferring (3.1, mixture of experts).

The first network predicts p from x. The second, with as many hidden units, sees x and p and gives pi. It
only reads p: its gradient does not flow back into the prediction, so that p remains a prediction and is
not bent into a signal to the gate. Decisions: deferred where pi > 1/2, else the likelier class.
"""

import torch
from torch import Tensor

from study.models.network import (
    Layout,
    Model,
    Outputs,
    Uncertainty,
    WeightNoise,
    asked_between,
    glorot,
    hidden_layer,
    read_out,
)
from study.models.networks import mlp
from study.models.regions import BY_UNCERTAINTY


def _layout(inputs: int, hidden: int) -> Layout:
    predictor = mlp.layout(inputs, hidden).size
    gate = {"gate_hidden": (inputs, hidden), "gate_p": (hidden,), "gate_output": (hidden,)}
    return Layout({"predictor": (predictor,), **gate, "gate_bias": (1,)})


def _initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    predictor = mlp.initialise(inputs, hidden, generator)
    first = glorot(inputs + 1, hidden, generator).view(inputs + 1, hidden)
    first[-2] = 0  # the bias; the last row weighs p
    return torch.cat([predictor, first.flatten(), glorot(hidden, 1, generator), torch.zeros(1)])


def _logits(theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the log-odds of the positive class and of deferral, both (S, B, K)."""
    inputs = x.shape[2]
    hidden = (theta.shape[1] - 2) // (2 * inputs + 3)
    part = _layout(inputs, hidden).split(theta)
    logit = mlp.logit(part["predictor"], x)
    p = torch.sigmoid(logit.detach()).unsqueeze(2) * part["gate_p"].unsqueeze(1)
    units = hidden_layer(part["gate_hidden"], x, p)
    return logit, read_out(part["gate_output"], units) + part["gate_bias"]


def _outputs(theta: Tensor, x: Tensor) -> Outputs:
    logit, defer = _logits(theta, x)
    return Outputs(torch.sigmoid(logit), torch.sigmoid(-logit), torch.sigmoid(defer))


def _score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    """Return the odds of keeping the case, (1 - pi) / pi, with the sign of the class."""
    logit, defer = _logits(theta, x)
    keep = torch.exp(-defer)
    return torch.where(logit >= 0, keep, -keep)


GATE = Model(
    name="gate",
    layout=_layout,
    initialise=_initialise,
    outputs=_outputs,
    score=_score,
    thresholds=asked_between,
    uncertainty=Uncertainty(
        "pi", "probability of deferring", lambda score, pi: pi, lambda t1: 1 / (1 + t1)
    ),
    region=BY_UNCERTAINTY,
)
