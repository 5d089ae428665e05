"""``pair``: two networks, one for the outcome and one for whether the person is right (Raghu et al. 2019).

p is the first one's, kappa the second one's; a case is deferred where kappa - gamma is above max(p, 1 - p).
Neither network knows of the other, nor of the price.
"""

import torch
from torch import Tensor

from study.models.network import Comparison, Layout, Model, WeightNoise, signed_preference
from study.models.networks import mlp
from study.models.networks.actions import priced
from study.models.regions import BY_PREFERENCE


def _layout(inputs: int, hidden: int) -> Layout:
    size = mlp.layout(inputs, hidden).size
    return Layout({"predictor": (size,), "person": (size,)})


def _initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    return torch.cat([mlp.initialise(inputs, hidden, generator) for _ in range(2)])


def _outputs(theta: Tensor, x: Tensor) -> Comparison:
    predictor, person = theta.chunk(2, dim=1)
    p, right = mlp.logit(predictor, x), mlp.logit(person, x)
    return Comparison(torch.sigmoid(p), torch.sigmoid(-p), torch.sigmoid(right), torch.sigmoid(-right))


def _score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    p, q, right, _wrong = _outputs(theta, x)
    return signed_preference(q, p, right)


PAIR = Model(
    name="pair",
    layout=_layout,
    initialise=_initialise,
    outputs=_outputs,
    score=_score,
    thresholds=priced,
    region=BY_PREFERENCE,
    right=lambda outputs: outputs.right,
)
