"""What lies between two thresholds, case by case: how much better it is to ask there than to decide.

A family compares a score x with thresholds t0 <= t1 and defers where t0 < x < t1. Its ``Region`` turns this
into a *benefit*: above 0 exactly where it defers, and the larger, the more is to be gained by asking. Its
zero is that of the run's own thresholds, so the price of asking is part of it. Cases in the order of their
benefit are a queue; thresholds for any share of deferrals are those of a cut in it.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

# Thresholds that defer everything, or nothing, stay finite numbers.
_LEAST, _STEEPEST = 1e-30, 69.0


class Region(NamedTuple):
    """How a family's scores are ranked between thresholds; all arguments and results of one shape.

    ``benefit(x, t0, t1)`` is above 0 where t0 < x < t1, but for rounding (see ``decisions.rank``).
    ``moved(t0, t1, cut)`` gives the thresholds between which it is above ``cut``, up to rounding.
    ``middle(t0, t1)`` is the score from which the positive class is the likelier one. ``unit`` is what a
    benefit measures, in words.
    """

    benefit: Callable[[Tensor, Tensor, Tensor], Tensor]
    moved: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    middle: Callable[[Tensor, Tensor], Tensor]
    unit: str


def _zero(t0: Tensor, _: Tensor) -> Tensor:
    return torch.zeros_like(t0)


def _logit(probability: Tensor) -> Tensor:
    """Return log-odds, exact where probabilities are small."""
    held = probability.clamp(_LEAST, 1 - 1e-16)
    return torch.log(held) - torch.log1p(-held)


def _surer(x: Tensor, t0: Tensor, t1: Tensor) -> Tensor:
    """How much likelier the model is to be wrong than at the threshold on the side of its class."""
    above = torch.sigmoid(-x) - torch.sigmoid(-t1)
    return torch.where(x >= 0, above, torch.sigmoid(x) - torch.sigmoid(t0))


def _surer_moved(t0: Tensor, t1: Tensor, cut: Tensor) -> tuple[Tensor, Tensor]:
    lower, upper = _logit(torch.sigmoid(t0) + cut), -_logit(torch.sigmoid(-t1) + cut)
    # A score of 0 is of the positive class.
    return lower.clamp_max(-_LEAST), upper.clamp_min(0)


def _between(x: Tensor, t0: Tensor, t1: Tensor) -> Tensor:
    """The smaller of the probabilities that the score is above t0 and below t1, less one half (3.2.1)."""
    return torch.minimum(torch.sigmoid(x - t0), torch.sigmoid(t1 - x)) - 0.5


def _between_moved(t0: Tensor, t1: Tensor, cut: Tensor) -> tuple[Tensor, Tensor]:
    shift, middle = _logit(cut + 0.5), _centre(t0, t1)
    return torch.minimum(t0 + shift, middle), torch.maximum(t1 - shift, middle)


def _centre(t0: Tensor, t1: Tensor) -> Tensor:
    return t0 + (t1 - t0) / 2


def _unsure(x: Tensor, _: Tensor, t1: Tensor) -> Tensor:
    """How far 1 / (1 + abs(x)) is above its value at the threshold."""
    return 1 / (1 + x.abs()) - 1 / (1 + t1)


def _unsure_moved(_: Tensor, t1: Tensor, cut: Tensor) -> tuple[Tensor, Tensor]:
    upper = 1 / (1 / (1 + t1) + cut).clamp(_LEAST, 1) - 1
    return -upper, upper


def _preferred(x: Tensor, _: Tensor, t1: Tensor) -> Tensor:
    """By how much asking is preferred, the price subtracted, where abs(x) = exp(decide - ask)."""
    return torch.log(t1) - torch.log(x.abs())


def _preferred_moved(_: Tensor, t1: Tensor, cut: Tensor) -> tuple[Tensor, Tensor]:
    upper = torch.exp((torch.log(t1) - cut).clamp(-2 * _STEEPEST, 2 * _STEEPEST))
    return -upper, upper


BY_LOG_ODDS = Region(
    _surer, _surer_moved, _zero, "the model's expected errors, less those it has at its threshold"
)
"""Scores are log-odds of the positive class."""
BY_ORDINAL = Region(
    _between, _between_moved, _centre, "the probability that neither class is reached, above one half"
)
"""Scores are compared with soft thresholds."""
BY_UNCERTAINTY = Region(
    _unsure, _unsure_moved, _zero, "the model's own uncertainty, less that at its threshold"
)
"""Scores are the odds of keeping a case, with the sign of the class; t0 = -t1."""
BY_PREFERENCE = Region(
    _preferred, _preferred_moved, _zero, "expected errors if kept, less those if asked and the price of it"
)
"""Scores are ``network.signed_preference`` of expected rates of being right; t0 = -t1."""
BY_LOG_PREFERENCE = BY_PREFERENCE._replace(unit="the logarithm of how much asking is preferred to deciding")
"""Scores are ``network.signed_preference`` of scores of actions."""
