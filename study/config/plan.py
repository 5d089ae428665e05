"""A study as plain data, in the parts that other rooms are given; ``StudyConfig.plan`` makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from study.config.spaces import Space, middle
from study.words import BASELINE, QUANTILES, UNIT_COSTS, Arm, Costs


@dataclass(frozen=True)
class ArmPlan:
    """What is searched in one arm: a space for each coefficient, and how many settings are tried."""

    arm: Arm
    spaces: Mapping[str, Space]
    settings: int

    @property
    def unpriced(self) -> bool:
        """Say whether a pilot must find the range of gamma, which it does on the first split."""
        if self.arm.method == "binary" or self.arm.split:
            return False
        return not {"gamma", *QUANTILES} & self.spaces.keys()

    @property
    def middle(self) -> dict[str, float]:
        """A setting in the middle of its spaces."""
        return {name: middle(space) for name, space in self.spaces.items()}


@dataclass(frozen=True)
class SearchPlan:
    """How settings are proposed, ``settings_of_pack`` at a time, and under which seeds each is trained.

    ``seed`` is that of the sampler; ``splits`` how often the data is split, each with its arms;
    ``objectives`` what a sampler that learns minimises, columns of the ledger; ``baseline`` the arm of the
    baseline, which is run whether it is searched or not.
    """

    sampler: str
    seed: int
    arms: tuple[ArmPlan, ...]
    seeds: tuple[int, ...]
    settings_of_pack: int
    splits: int = 1
    objectives: tuple[str, ...] = ("validation_error", "validation_di", "validation_idk_rate")
    baseline: Arm = BASELINE

    def is_baseline(self, arm: Arm) -> bool:
        """Say whether an arm is the baseline's, of any split."""
        return arm[:3] == self.baseline[:3]


@dataclass(frozen=True)
class ThresholdOptions:
    """How thresholds are chosen after training; see the study file's section ``thresholds``."""

    sampler: Literal["random", "exact", "search"]
    candidates: int
    per_group: bool
    choose_on: Literal["validation", "test-half"]


@dataclass(frozen=True)
class DecisionMakerPlan:
    """Which decision-makers there are, and how the simulated ones are made.

    ``tested_with`` decides in every test where it is given; ``where`` and ``flip`` are those of
    ``inconsistent``, and ``where`` is None where the study file leaves it to the data set.
    """

    names: tuple[str, ...]
    tested_with: str | None
    where: str | None
    flip: float
    seed: int

    @property
    def all_names(self) -> tuple[str, ...]:
        """All decision-makers that the study needs, each once."""
        return tuple(dict.fromkeys([*self.names, *([self.tested_with] if self.tested_with else [])]))


@dataclass(frozen=True)
class Plan:
    """All that a study file asks for; ``training`` has the options of every run, by name."""

    study: str
    dataset: str
    search: SearchPlan
    decision_makers: DecisionMakerPlan
    training: Mapping[str, Any]
    thresholds: ThresholdOptions
    workers: int | None
    backend: str
    costs: Costs = UNIT_COSTS
