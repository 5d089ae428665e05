"""``bayes``: a network whose weights are uncertain (3.2.2; Blundell et al., 2015).

Every weight has a Gaussian posterior with mean m and deviation s = softplus(r), fitted by variational
inference under a standard normal prior. The loss of a draw w = m + s e is the method's, fairness term
included, so that fair weights are likelier; the divergence KL(q || prior) is added once per data set, which
makes 1/N of it per example.

J draws predict z_1 ... z_J. Their mean mu is the prediction, and S = |mu - 1/2| / sigma, sigma being the
standard deviation of the z_j, is its distance from undecided. rho = sigmoid(log(1/S)) = 1 / (1 + S) is
the uncertainty. The score here is S with the sign of mu - 1/2: deferred where rho > r is the same as
|score| < (1 - r) / r, a band around 0 that is chosen after training.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from study.models.network import Layout, Model, Posterior, Uncertainty, WeightNoise
from study.models.networks import mlp
from study.models.regions import BY_UNCERTAINTY

# Deviations start at softplus(-3) = 0.05, well below the weights: a network that is sure of itself.
_START = -3.0
# A deviation of 0 would make S infinite; predictions that agree to 1e-6 are certain in float32.
_SMALLEST = 1e-6


def _layout(inputs: int, hidden: int) -> Layout:
    size = mlp.layout(inputs, hidden).size
    return Layout({"mean": (size,), "deviation": (size,)})


def _initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    mean = mlp.initialise(inputs, hidden, generator)
    return torch.cat([mean, torch.full_like(mean, _START)])


def _mean_and_deviation(theta: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = theta.chunk(2, dim=1)
    return mean, softplus(deviation)


def _draw(theta: Tensor, noise: Tensor) -> Tensor:
    mean, deviation = _mean_and_deviation(theta)
    return mean + deviation * noise


def _divergence(theta: Tensor) -> Tensor:
    """KL(N(m, s^2) || N(0, 1)) = (s^2 + m^2 - 1) / 2 - log s, summed over the weights."""
    mean, deviation = _mean_and_deviation(theta)
    return (0.5 * (deviation * deviation + mean * mean - 1) - deviation.log()).sum(1)


def uncertainty(score: Tensor) -> Tensor:
    """Return rho = sigmoid(log(1 / S)) of signed signal-to-noise ratios, any shape; in [0, 1]."""
    return 1 / (1 + score.abs())


def _score(theta: Tensor, x: Tensor, noise: WeightNoise | None) -> Tensor:
    if noise is None:
        raise ValueError("bayes: a score needs draws of the weights")
    z = torch.stack([mlp.outputs(_draw(theta, draw), x).p for draw in noise.draws])
    return (z.mean(0) - 0.5) / z.std(0).clamp_min(_SMALLEST)


BAYES = Model(
    name="bayes",
    layout=_layout,
    initialise=_initialise,
    outputs=mlp.outputs,
    score=_score,
    thresholds=mlp.never,
    posterior=Posterior(_draw, _divergence),
    uncertainty=Uncertainty("rho", "uncertainty", lambda score, pi: uncertainty(score), uncertainty),
    region=BY_UNCERTAINTY,
)
