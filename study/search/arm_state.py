"""What was proposed in an arm of a study, counted as packs come."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from study.config.plan import ArmPlan
from study.results.packs import Pack, Proposal
from study.search.samplers import Point

LOOKAHEAD = 2
"""An adaptive search asks for pack n once packs 0 to n - LOOKAHEAD are in, however many workers there are:
what it proposes must not depend on who is fast."""


@dataclass
class ArmState:
    """What was proposed in an arm, counted as packs come: none costs more than the one before."""

    plan: ArmPlan
    listed: Sequence[Point] | None
    """All settings of the arm, where the sampler does not look at results."""
    has_baseline: bool
    """Whether the first pack has the baseline in front."""
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
