"""``ordinal``: ordinal regression over negative, IDK, positive with two learned soft thresholds (3.2.1).

The score x of an example is compared with thresholds t0 < t1. With sigma_i(x) = sigmoid(x - t_i),

    P = sigma_1(x),  I = sigma_0(x) - sigma_1(x),  N = 1 - sigma_0(x),  p = P / (P + N)      (Eq. 10)

and pi = I. In log-odds, log(p / (1 - p)) = log P - log N = softplus(x - t0) - softplus(t1 - x), which
neither overflows nor loses digits. t1 = t0 + exp(log_gap) keeps the order of the thresholds, which the
paper leaves open; on a log scale a model that should always defer gets there in tens of epochs rather than
hundreds. The thresholds take the place of an output bias, so there is none.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from models.network import Layout, Model, Outputs, Scores, glorot, hidden_layer, read_out

# Thresholds start at -0.5 and +0.5: a quarter of the probability is IDK at the middle score.
_START_T0, _START_LOG_GAP = -0.5, 0.0


def _layout(inputs: int, hidden: int) -> Layout:
    return Layout({"hidden": (inputs, hidden), "output": (hidden,), "t0": (1,), "log_gap": (1,)})


def _initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    first = glorot(inputs, hidden, generator).view(inputs, hidden)
    first[-1] = 0
    thresholds = torch.tensor([_START_T0, _START_LOG_GAP])
    return torch.cat([first.flatten(), glorot(hidden, 1, generator), thresholds])


def _parts(theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the scores (S, B, K) and both thresholds (S, 1, K)."""
    hidden = (theta.shape[1] - 2) // (x.shape[2] + 1)
    part = _layout(x.shape[2], hidden).split(theta)
    score = read_out(part["output"], hidden_layer(part["hidden"], x))
    return score, part["t0"], part["t0"] + part["log_gap"].exp()


def _outputs(theta: Tensor, x: Tensor) -> Outputs:
    score, t0, t1 = _parts(theta, x)
    above0, above1 = score - t0, score - t1
    logit = softplus(above0) - softplus(-above1)
    return Outputs(logit, torch.sigmoid(above0) - torch.sigmoid(above1))


def _scores(theta: Tensor, x: Tensor) -> Scores:
    score, t0, t1 = _parts(theta, x)
    return Scores(score, t0.squeeze(1), t1.squeeze(1))


ORDINAL = Model(
    name="ordinal",
    methods=frozenset({"reject", "defer"}),
    has_thresholds=True,
    layout=_layout,
    initialise=_initialise,
    outputs=_outputs,
    scores=_scores,
)
