"""``actions``: one hidden layer and a score for each action: 0, 1, and asking (one of J) people.

A model whose single score runs from "say 0" over "ask" to "say 1", such as ``ordinal``, cannot rank three
actions freely, which the losses of the field since the paper need (see models.surrogates).
"""

from dataclasses import replace

import torch
from torch import Tensor

from study.models.network import (
    STEEPEST,
    Actions,
    Layout,
    Model,
    Thresholds,
    WeightNoise,
    asked_between,
    glorot,
    hidden_layer,
    read_out,
    signed_preference,
)
from study.models.regions import BY_LOG_PREFERENCE, BY_PREFERENCE

PEOPLE = 1


def _layout(inputs: int, hidden: int) -> Layout:
    actions = 2 + PEOPLE
    return Layout({"hidden": (inputs, hidden), "output": (actions, hidden), "output_bias": (actions,)})


def _initialise(inputs: int, hidden: int, generator: torch.Generator) -> Tensor:
    first = glorot(inputs, hidden, generator).view(inputs, hidden)
    first[-1] = 0
    last = glorot(hidden, 2 + PEOPLE, generator)
    return torch.cat([first.flatten(), last, torch.zeros(2 + PEOPLE)])


def _outputs(theta: Tensor, x: Tensor) -> Actions:
    actions = 2 + PEOPLE
    hidden = (theta.shape[1] - actions) // (x.shape[2] + actions)
    part = _layout(x.shape[2], hidden).split(theta)
    units = hidden_layer(part["hidden"], x)
    scores = [read_out(weights, units) for weights in part["output"].chunk(actions, dim=1)]
    return Actions(torch.stack(scores, dim=2) + part["output_bias"].unsqueeze(1))


def _score(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    zero, one, ask = _outputs(theta, x).scores.unbind(2)
    return signed_preference(zero, one, ask)


def _score_by_cost(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    """Where ``ce`` is least, s_ask / (s_0 + s_1) is kappa, less gamma, if asking is no dearer than erring.

    It is compared with the larger of p and 1 - p, so a preference is a difference of expected errors.
    """
    zero, one, ask = _outputs(theta, x).scores.unbind(2)
    right = torch.exp((ask - torch.logaddexp(zero, one)).clamp_max(STEEPEST))
    return signed_preference(torch.sigmoid(zero - one), torch.sigmoid(one - zero), right)


def _score_one_vs_all(theta: Tensor, x: Tensor, _: WeightNoise | None) -> Tensor:
    zero, one, ask = torch.sigmoid(_outputs(theta, x).scores).unbind(2)
    return signed_preference(zero, one, ask)


def priced(theta: Tensor, gamma: Tensor) -> Thresholds:
    """Return the thresholds at which asking is better by ``gamma`` (K,), of a ``signed_preference``."""
    at = torch.exp(-gamma).expand(theta.shape[0], 2, -1)
    return Thresholds(-at, at)


ACTIONS = Model(
    name="actions",
    layout=_layout,
    initialise=_initialise,
    outputs=_outputs,
    score=_score,
    thresholds=asked_between,
    region=BY_LOG_PREFERENCE,
)
BY_COST = replace(ACTIONS, score=_score_by_cost, region=BY_PREFERENCE)
ONE_VS_ALL = replace(
    ACTIONS,
    score=_score_one_vs_all,
    thresholds=priced,
    region=BY_PREFERENCE,
    right=lambda outputs: torch.sigmoid(outputs.scores[:, :, 2]),
)
