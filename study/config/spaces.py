"""Where a search may look: ranges and lists of coefficients, by method or by method and model."""

import contextlib
import math
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from study.data.own.fields import Section, shown
from study.models.families import FAMILIES
from study.words import METHODS

if TYPE_CHECKING:
    ModelName = str
else:
    ModelName = Literal[tuple(FAMILIES)]

ARMS: dict[str, tuple[str, str]] = {
    f"{method}-{model}": (method, model)
    for method, model in product(METHODS, FAMILIES)
    if method in FAMILIES[model].methods
}
"""Every method with every model that can be trained with it, by its name in a study file."""


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


Space = Range | tuple[float, ...]
"""Where a coefficient may lie: a range, or the listed values."""

_FAIR = Range(low=0.01, high=1.0, log=True)
# Thresholds chosen afterwards are judged by hard errors, which are smaller than cross entropy.
_FAIR_AFTERWARDS = Range(low=0.03, high=3.0, log=True)
# The price of asking in errors, which may be negative where a person's word is wanted.
_OF_ERRORS = Range(low=-0.2, high=0.2)
_BY_ERRORS: dict[str, Space] = {"alpha": Range(low=0.1, high=30.0, log=True), "gamma": _OF_ERRORS}
_BY_ERRORS_AFTERWARDS: dict[str, Space] = {
    "alpha": _FAIR_AFTERWARDS,
    "gamma": Range(low=0.0, high=0.25),
    "model_alpha": _FAIR,
}
_CHOSEN, _LEARNED = True, False
_RANGES: dict[tuple[str, bool], dict[str, Space]] = {
    ("binary", _LEARNED): {"alpha": _FAIR},
    ("reject", _LEARNED): {"alpha": _FAIR, "gamma": Range(low=0.5, high=0.7)},
    ("defer", _LEARNED): {
        "alpha": Range(low=0.1, high=30.0, log=True),
        "gamma": Range(low=0.03, high=0.15),
    },
    ("reject", _CHOSEN): {
        "alpha": _FAIR_AFTERWARDS,
        "gamma": Range(low=0.2, high=0.5),
        "model_alpha": _FAIR,
    },
    ("defer", _CHOSEN): _BY_ERRORS_AFTERWARDS,
    ("confidence", _CHOSEN): _BY_ERRORS_AFTERWARDS,
    ("compare", _LEARNED): {"alpha": _FAIR, "gamma": _OF_ERRORS},
    **{(method, _LEARNED): _BY_ERRORS for method in ("ce", "ova", "realizable")},
}
"""What is searched by method, and by whether thresholds are chosen after training or learned."""

_OF_ARMS = {
    arm: _RANGES[method, FAMILIES[model].chosen_afterwards(method)] for arm, (method, model) in ARMS.items()
}
DEFAULTS: dict[str, dict[str, Space]] = {
    name: {arm: ranges[name] for arm, ranges in _OF_ARMS.items() if name in ranges}
    for name in ("alpha", "gamma", "model_alpha")
}
"""What is searched unless a study file says otherwise, by coefficient and arm."""


def as_mapping(coefficient: str, value: object) -> object:
    """Return what a study file says of ``coefficient`` as a mapping from methods and arms to spaces.

    One space for all becomes a mapping. Raises ValueError for a key that has no such coefficient.
    """
    defaults = DEFAULTS[coefficient]
    methods = list(dict.fromkeys(ARMS[arm][0] for arm in defaults))
    if not isinstance(value, Mapping) or {"low", "high", "log"} & set(value):
        space = _space(value)
        return dict.fromkeys(methods, space)
    for key in value:
        if key not in defaults and key not in methods:
            raise ValueError(
                f"{shown(key)} has no {coefficient}; allowed are {', '.join([*methods, *defaults])}, "
                "or low, high, log"
            )
    return value


def by_arm(coefficient: str, given: Mapping[str, Space]) -> dict[str, Space]:
    """Return the space of every arm: its own, else its method's, else the default."""
    return {
        arm: given.get(arm, given.get(ARMS[arm][0], space)) for arm, space in DEFAULTS[coefficient].items()
    }


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


Spaces = dict[str, Annotated[Space, BeforeValidator(_space)]]
