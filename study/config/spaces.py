"""Where a search may look: ranges and lists of coefficients, by method or by method and model."""

import contextlib
import math
from collections.abc import Mapping
from itertools import pairwise, product
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from study.data.own.section import Section, listed, shown
from study.models.families import FAMILIES
from study.words import METHODS

if TYPE_CHECKING:
    ModelName = str
else:
    ModelName = Literal[tuple(FAMILIES)]

ARMS: dict[str, tuple[str, str]] = {
    f"{method}-{model}": (method, model)
    for method, model in product(METHODS, FAMILIES)
    if method in FAMILIES[model].methods and (method != "binary" or FAMILIES[model].trains(method))
}
"""Every method with every model that can be trained with it, by its name in a study file.

A given model that never defers leaves nothing to search: it is the baseline.
"""


class Range(Section):
    """A range, for one of the coefficients of `search`."""

    low: float = Field(description="its lower end")
    high: float = Field(description="its upper end")
    log: bool = Field(default=False, description="search the logarithm uniformly; `low` is above 0 then")

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range must lie above 0, got low: {self.low:g}")
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"the range {self.low:g} to {self.high:g} is too wide for a number")
        return self


_Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]


class FoundRange(Section):
    """The range of gamma that a pilot found, as gammas between which equally many settings lie."""

    gamma: _Numbers = Field(min_length=2, description="in ascending order; the first and last are its ends")
    deferral: _Numbers = Field(description="the deferral rate on validation that the pilot saw at each")

    @model_validator(mode="after")
    def _ordered(self) -> "FoundRange":
        if not all(low < high < math.inf for low, high in pairwise(self.gamma)):
            raise ValueError(f"gamma must ascend, got {', '.join(f'{price:g}' for price in self.gamma)}")
        if len(self.deferral) != len(self.gamma):
            raise ValueError(
                f"deferral must have a rate for each gamma, got {len(self.deferral)} for {len(self.gamma)}"
            )
        return self


Space = Range | FoundRange | tuple[float, ...]
"""Where a coefficient may lie: a range, one that was found, or the listed values."""

_FAIR = Range(low=0.01, high=1.0, log=True)
# Thresholds chosen afterwards are judged by hard errors, which are smaller than cross entropy.
_FAIR_AFTERWARDS = Range(low=0.03, high=3.0, log=True)
# The squared odds difference, which these losses weigh, is small: 0.04 where the odds difference is 0.2.
_FAIR_SQUARED = Range(low=0.1, high=30.0, log=True)
_OF_ITS_OWN = ("binary", "reject", "compare")
NONE: tuple[float, ...] = (0.0,)
"""The space of a coefficient that has no part in what is learned."""

_AFTERWARDS = [arm for arm, (method, model) in ARMS.items() if FAMILIES[model].chosen_afterwards(method)]
COEFFICIENTS: dict[str, list[str]] = {
    # Nothing can change what a given model does to the groups but who is asked.
    "alpha": [
        arm
        for arm, (method, model) in ARMS.items()
        if not FAMILIES[model].given or method not in _OF_ITS_OWN
    ],
    "gamma": [arm for arm, (method, _) in ARMS.items() if method != "binary"],
    "model_alpha": [arm for arm in _AFTERWARDS if FAMILIES[ARMS[arm][1]].trains(ARMS[arm][0])],
}
"""The arms that have each coefficient."""

DEFAULTS: dict[str, dict[str, Space]] = {
    "alpha": {
        arm: _FAIR_AFTERWARDS
        if arm in _AFTERWARDS
        else _FAIR
        if ARMS[arm][0] in _OF_ITS_OWN
        else _FAIR_SQUARED
        for arm in COEFFICIENTS["alpha"]
    },
    "model_alpha": dict.fromkeys(COEFFICIENTS["model_alpha"], _FAIR),
}
"""What is searched unless a study file says otherwise, by coefficient and arm. gamma has no default: where
it is left out, a pilot finds the range that suits the data, the decision-maker and the method."""


def as_mapping(coefficient: str, value: object) -> object:
    """Return what a study file says of ``coefficient`` as a mapping from methods and arms to spaces.

    One space for all becomes a mapping. Raises ValueError for a key that has no such coefficient.
    """
    arms = COEFFICIENTS[coefficient]
    methods = list(dict.fromkeys(ARMS[arm][0] for arm in arms))
    if not isinstance(value, Mapping) or {"low", "high", "log"} & set(value):
        return dict.fromkeys(methods, _space(value))
    for key in value:
        if key not in arms and key not in methods:
            raise ValueError(
                f"{shown(key)} has no {coefficient}; allowed are {', '.join([*methods, *arms])}, "
                "or low, high, log"
            )
    return value


def by_arm(coefficient: str, given: Mapping[str, Space]) -> dict[str, Space]:
    """Return the space of every arm that has one: its own, else its method's, else the default."""
    arms, defaults = COEFFICIENTS[coefficient], DEFAULTS.get(coefficient, {})
    found = {arm: given.get(arm, given.get(ARMS[arm][0], defaults.get(arm))) for arm in arms}
    return {arm: space for arm, space in found.items() if space is not None}


def middle(space: Space) -> float:
    """Return a value in the middle of a space: of a list the one that half of the others are below."""
    if not isinstance(space, Range):
        values = sorted(space.gamma if isinstance(space, FoundRange) else space)
        return values[len(values) // 2]
    return math.sqrt(space.low * space.high) if space.log else (space.low + space.high) / 2


def _space(value: object) -> object:
    """Turn a number or a list into a tuple of floats, a mapping into a Range."""
    if isinstance(value, Mapping):
        return Range.model_validate(dict(value))
    if isinstance(value, Range):
        return value
    items = list(value) if isinstance(value, list | tuple) else [value]
    if not items:
        raise ValueError("the list is empty; give at least one number")
    return tuple(dict.fromkeys(_number(item) for item in items))


def _number(item: object) -> float:
    if isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < math.inf:
        with contextlib.suppress(OverflowError):
            return float(item) + 0.0  # -0.0 becomes 0.0: the same setting
    raise ValueError(
        f"{shown(item)} is not a finite number; allowed are a number, a list of numbers, or "
        "{low, high, log}"
    )


Spaces = dict[str, Annotated[Range | tuple[float, ...], BeforeValidator(_space)]]
