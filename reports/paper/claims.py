"""Claims, how they are measured, and the one rule by which they hold or do not."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import numpy as np

from study.reports.measure.resampling import Samples
from study.reports.measure.seed_statistics import Estimate, OverSeeds, Statistic, estimate
from study.results.intervals import t_interval

ROUNDING: Final = 0.005
NEARBY: Final = 0.02
# Half a percentage point as a float may come out a hair above it.
TINY: Final = 1e-9


class Verdict(StrEnum):
    """What measuring a claim, or a part of it, comes to."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    NOT = "does not hold"
    UNDEFINED = "undefined"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Expected:
    """What a statistic is, if the claim is true.

    `above` or `below` the bound; `near` it, for a figure of the paper; `within` it of 0, for an
    equivalence.
    """

    kind: Literal["above", "below", "near", "within"]
    bound: float = 0.0


@dataclass(frozen=True, eq=False)
class Part:
    """One statement that can be measured.

    Attributes:
        description: the statistic in words.
        statistic: its value for the settings of a seed.
        expected: of it.
        unit: how it is written: rates in per cent, differences of rates in percentage points.
        by_seed: False for a statistic that has the same value under every seed.
        over_seeds: the interval of its mean over seeds.
    """

    description: str
    statistic: Statistic
    expected: Expected
    unit: Literal["", "%", "points"] = ""
    by_seed: bool = True
    over_seeds: OverSeeds = t_interval


@dataclass(frozen=True, eq=False)
class Claim:
    """A statement of the paper, and the parts that make it up.

    Attributes:
        where: the figure or section of the paper.
        statement: the paper's statement, shortened.
        parts: at least one.
    """

    where: str
    statement: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Judged:
    """A claim with each part's measurement (None where it has not been run) and verdict."""

    claim: Claim
    measured: tuple[Estimate | None, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> Verdict:
        """Of the whole claim."""
        return together(self.verdicts)


def judge(claim: Claim, samples: Samples | None) -> Judged:
    """Measure every part of a claim and apply the rule; without samples nothing has been run."""
    measured = tuple(
        None
        if samples is None
        else estimate(part.statistic, samples, by_seed=part.by_seed, over_seeds=part.over_seeds)
        for part in claim.parts
    )
    verdicts = tuple(verdict(p.expected, m) for p, m in zip(claim.parts, measured, strict=True))
    return Judged(claim, measured, verdicts)


def verdict(expected: Expected, measured: Estimate | None) -> Verdict:
    """The rule for one statistic; `claims-macros.html.j2` has it in words."""
    if measured is None:
        return Verdict.NOT_RUN
    estimate, bound = measured.mean, expected.bound
    if np.isnan(estimate):
        return Verdict.UNDEFINED
    intervals = [interval for interval in (measured.seeds, measured.test_set) if interval is not None]
    if expected.kind == "near":
        away = abs(estimate - bound)
        covered = any(interval.low <= bound <= interval.high for interval in intervals)
        if away <= ROUNDING + TINY or covered:
            return Verdict.HOLDS
        return Verdict.IN_PART if away <= NEARBY + TINY else Verdict.NOT

    def as_claimed(*values: float) -> bool:
        if expected.kind == "within":
            return all(abs(value) <= bound for value in values)
        return all(value > bound if expected.kind == "above" else value < bound for value in values)

    if not as_claimed(estimate):
        return Verdict.NOT
    # Without any interval nothing says how far to trust the estimate.
    certain = bool(intervals) and all(as_claimed(*interval) for interval in intervals)
    return Verdict.HOLDS if certain else Verdict.IN_PART


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a claim from those of its parts; at least one."""
    result = set(verdicts)
    if result == {Verdict.HOLDS}:
        return Verdict.HOLDS
    if result & {Verdict.HOLDS, Verdict.IN_PART}:
        return Verdict.IN_PART
    return next(v for v in (Verdict.NOT, Verdict.UNDEFINED, Verdict.NOT_RUN) if v in result)
