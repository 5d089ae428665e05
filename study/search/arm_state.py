"""What was proposed in an arm of a study, counted as packs come, and what a study comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from study.config.plan import ArmPlan, SearchPlan
from study.results.packs import Pack, Proposal
from study.words import Arm

if TYPE_CHECKING:
    from study.search.samplers import Point  # Who asks how a study stands does not wait for Optuna.

LOOKAHEAD = 2
"""An adaptive search asks for pack n once packs 0 to n - LOOKAHEAD are in, however many workers there are:
what it proposes must not depend on who is fast."""


@dataclass
class ArmState:
    """What was proposed in an arm, counted as packs come: none costs more than the one before."""

    plan: ArmPlan
    has_baseline: bool
    """Whether the first pack has the baseline in front."""
    listed: "Sequence[Point] | None" = ()
    """All settings of the arm, where the sampler does not look at results."""
    packs: int = 0
    proposed: int = 0
    """How many settings of the search were proposed; the baseline is not the search's."""
    out: set[int] = field(default_factory=set)
    """The packs, by index, that have not come to an end."""
    taken: set[str] = field(default_factory=set)
    searched: list[list[Proposal]] = field(default_factory=list)
    """What an adaptive search proposed, pack by pack."""

    @property
    def has_more(self) -> bool:
        """Say whether a pack is still to be asked for."""
        return self.proposed < self.plan.settings or (self.has_baseline and not self.packs)

    @property
    def settings(self) -> int:
        """How many settings the arm comes to, as far as is known: one that is proposed twice runs once."""
        to_come = self.plan.settings - self.proposed + (self.has_baseline and not self.packs)
        return len(self.taken) + to_come

    @property
    def known(self) -> int:
        """Of how many packs, from the first on, an adaptive search knows the results when it goes on."""
        return max(0, self.packs + 1 - LOOKAHEAD)

    def ready(self) -> bool:
        """Say whether one can be asked for now."""
        if not self.has_more:
            return False
        return self.listed is not None or all(index >= self.known for index in self.out)

    def add(self, pack: Pack) -> None:
        """Take note of a pack that was asked for."""
        of_search = pack.of_search
        self.packs += 1
        self.proposed += len(of_search)
        self.out.add(pack.index)
        self.taken.update(pack.fresh)
        if self.listed is None:
            self.searched.append(list(of_search))


def arm_states(plan: SearchPlan) -> dict[Arm, ArmState]:
    """Return the arms of a search, nothing proposed yet; a baseline that is in none of them has its own."""
    states = {arm.arm: ArmState(arm, plan.is_baseline(arm.arm)) for arm in plan.arms}
    for split in range(plan.splits):
        baseline = plan.baseline._replace(split=split)
        states.setdefault(baseline, ArmState(ArmPlan(baseline, {}, settings=0), has_baseline=True))
    return states


def planned_runs(plan: SearchPlan, packs: Iterable[Pack] = ()) -> int:
    """Return how many runs a study comes to, as far as ``packs``, those asked for by now, tell."""
    states = arm_states(plan)
    for pack in packs:
        if pack.arm in states:
            states[pack.arm].add(pack)
    return len(plan.seeds) * sum(state.settings for state in states.values())


def planned_packs(plan: SearchPlan) -> int:
    """Return in how many packs a study is trained; the baseline is in its arm's first, or by itself."""
    states = arm_states(plan).values()
    return sum(max(ceil(arm.plan.settings / plan.settings_of_pack), arm.has_baseline) for arm in states)
