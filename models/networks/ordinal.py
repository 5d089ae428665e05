"""``ordinal``: ordinal regression over negative, IDK, positive with two learned soft thresholds (3.2.1).

The score x of an example is compared with thresholds t0 < t1. With sigma_i(x) = sigmoid(x - t_i),

    P = sigma_1(x),  I = sigma_0(x) - sigma_1(x),  N = 1 - sigma_0(x),  p = P / (P + N)      (Eq. 10)

and pi = I. t1 = t0 + exp(log_gap) keeps the order of the thresholds, which the paper leaves open; on a log
scale a model that should always defer gets there in tens of epochs rather than hundreds. The thresholds
take the place of an output bias, so there is none.
"""

from math import log

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
)
from study.models.regions import BY_ORDINAL

# Thresholds start at -0.5 and +0.5: a quarter of the probability is deferral's at the middle score.
_START_T0, _START_LOG_GAP = -0.5, 0.0
# Beyond these log-odds float32 probabilities are 0 or 1, and their exponentials would overflow.
_LIMIT = 69.0
# A gap of 40 defers for certain between its thresholds; a wider one changes no probability.
_LOG_WIDEST = log(40.0)


def _layout(inputs: int, hidden: int) -> Layout:
    return Layout({"hidden": (inputs, hidden), "output": (hidden,), "t0": (1,), "log_gap": (1,)})


def _initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    first = glorot(inputs, hidden, generator).view(inputs, hidden)
    first[-1] = 0
    thresholds = torch.tensor([_START_T0, _START_LOG_GAP])
    return torch.cat([first.flatten(), glorot(hidden, 1, generator), thresholds])


def _parts(theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the scores (S, B, K), t0 and t1 - t0 (S, 1, K)."""
    hidden = (theta.shape[1] - 2) // (x.shape[2] + 1)
    part = _layout(x.shape[2], hidden).split(theta)
    score = read_out(part["output"], hidden_layer(part["hidden"], x))
    return score, part["t0"], _gap(part["log_gap"])


def _gap(log_gap: Tensor) -> Tensor:
    return log_gap.clamp_max(_LOG_WIDEST).exp()


def _outputs(theta: Tensor, x: Tensor) -> Outputs:
    score, t0, gap = _parts(theta, x)
    # One exponential serves both sigmoids: exp(t1 - x) = exp(t0 - x) exp(t1 - t0).
    below = (t0 - score).clamp(-_LIMIT, _LIMIT).exp()
    above0 = 1 / (1 + below)
    positive = 1 / (1 + below * gap.exp())
    negative = below * above0
    decided = 1 / (positive + negative)
    return Outputs(positive * decided, negative * decided, above0 - positive)


def _score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    return _parts(theta, x)[0]


def _thresholds(theta: Tensor, _: Tensor) -> Thresholds:
    t0 = theta[:, -2:-1].expand(-1, 2, -1)
    return Thresholds(t0, t0 + _gap(theta[:, -1:]))


ORDINAL = Model(
    name="ordinal",
    layout=_layout,
    initialise=_initialise,
    outputs=_outputs,
    score=_score,
    thresholds=_thresholds,
    region=BY_ORDINAL,
)
