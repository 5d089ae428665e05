"""Which pack is next: the plan, the search and the ledger brought together.

Packs are stable. What was asked is written down before it runs, and a pack is in the ledger whole or not
at all; so going on after an interruption is the same as going on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.reduce import medians_by_setting
from study.config import StudyConfig
from study.errors import LedgerError
from study.ledger import ResultsDirectory
from study.plan import (
    BASELINE,
    Arm,
    Identity,
    Pack,
    Proposal,
    arms,
    make_pack,
    planned_runs,
    settings_of,
)
from study.search import ADAPTIVE, OBJECTIVES, Asked, Told, grid, propose

LOOKAHEAD = 2
"""An adaptive search asks for pack n once packs 0 to n - LOOKAHEAD are in, however many workers there are:
what it proposes must not depend on who is fast."""


@dataclass
class _ArmState:
    arm: Arm
    settings: int
    """How many settings the arm will ask for."""
    listed: list[Asked] | None
    """All of them, where the sampler does not look at results."""
    packs: list[Pack] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """How many settings of the search were asked for; the baseline is not the search's."""
        return sum(len(pack.of_search) for pack in self.packs)

    @property
    def has_baseline(self) -> bool:
        """Say whether the first pack has the baseline in front."""
        return self.arm.name == BASELINE.name

    @property
    def has_more(self) -> bool:
        """Say whether a pack is still to be asked for."""
        return self.asked < self.settings or (self.has_baseline and not self.packs)

    @property
    def known(self) -> list[Pack]:
        """The packs whose results the next proposals of an adaptive search depend on."""
        return self.packs[: max(0, len(self.packs) + 1 - LOOKAHEAD)]

    def ready(self) -> bool:
        """Say whether one can be asked for now."""
        if not self.has_more:
            return False
        return self.listed is not None or all(pack.pack_id in self.finished for pack in self.known)


class PackQueue:
    """Hands out the packs of a study that are still to train, and learns from those that are in."""

    def __init__(self, config: StudyConfig, identity: Identity, directory: ResultsDirectory) -> None:
        self._config, self._identity, self._directory = config, identity, directory
        self._states = [self._begin(arm) for arm in arms(config)]
        if not any(state.arm.name == BASELINE.name for state in self._states):
            self._states.append(_ArmState(BASELINE, settings=0, listed=[]))
        self._waiting: list[Pack] = []
        self._out: dict[str, Pack] = {}
        self.finished_runs = 0
        self.failed_runs = 0
        self._adopt(directory.read_packs())

    @property
    def planned_runs(self) -> int:
        """How many runs the study comes to, as far as is known."""
        return planned_runs(self._config, [pack for s in self._states for pack in s.packs])

    @property
    def done(self) -> bool:
        """Say whether nothing is left to hand out or to wait for."""
        return not (self._waiting or self._out or any(s.has_more for s in self._states))

    def next(self) -> Pack | None:
        """Return a pack to train, or None where there is none or one must be waited for."""
        if self._waiting:
            pack = self._waiting.pop(0)
        else:
            able = [s for s in self._states if s.ready()]
            if not able:
                return None
            # The costliest methods come last in the paper's order, and are best begun first.
            state = min(reversed(able), key=lambda state: len(state.packs))
            pack = self._ask(state)
        self._out[pack.pack_id] = pack
        return pack

    def finish(self, pack_id: str) -> None:
        """Take note that a pack's rows are in the ledger."""
        pack = self._out.pop(pack_id)
        self._tell(pack)

    def retry(self, pack_id: str) -> None:
        """Take note that a pack is to be handed out again."""
        self._waiting.append(self._out.pop(pack_id))

    def fail(self, pack_id: str, message: str) -> None:
        """Take note that a pack could not be trained; the search goes on without it."""
        pack = self._out.pop(pack_id)
        self._directory.write_failure(pack, message)
        self.failed_runs += pack.runs
        self._state_of(pack).finished.add(pack_id)

    def _begin(self, arm: Arm) -> _ArmState:
        search = self._config.search
        if search.sampler == "grid":
            listed: list[Asked] | None = grid(arm.spaces)
        elif search.sampler in ADAPTIVE:
            listed = None
        else:
            listed = propose(search.sampler, arm.spaces, search.settings, seed=(search.seed, arm.search, 0))
        return _ArmState(arm, settings_of(self._config, arm), listed)

    def _adopt(self, packs: Sequence[Pack]) -> None:
        """Take up what an earlier driver asked for: finished packs are told, others wait."""
        by_arm = {state.arm.name: state for state in self._states}
        for pack in packs:
            if pack.arm not in by_arm:
                raise LedgerError(
                    f"{self._directory.packs}: pack {pack.pack_id} is not of this study's arms; "
                    f"they are {', '.join(by_arm)}"
                )
            state = by_arm[pack.arm]
            state.packs.append(pack)
            state.taken.update(pack.fresh)
            if self._directory.has_runs(pack.pack_id):
                self._tell(pack)
            else:
                self._waiting.append(pack)

    def _ask(self, state: _ArmState) -> Pack:
        index, size = len(state.packs), self._config.pack.settings
        first = state.asked
        count = min(size, state.settings - first)
        if state.listed is not None:
            asked = state.listed[first : first + count]
        else:
            asked = self._search(state, index, count)
        proposals = [Proposal(self._identity.setting(state.arm, a.params), a.memory) for a in asked]
        if index == 0 and state.has_baseline:
            baseline = self._identity.setting(BASELINE, {"alpha": 0.0})
            proposals.insert(0, Proposal(baseline, None))
        pack = make_pack(state.arm, index, proposals, self._config.seeds, state.taken)
        self._directory.write_pack(pack)
        state.packs.append(pack)
        state.taken.update(pack.fresh)
        return pack

    def _search(self, state: _ArmState, index: int, count: int) -> list[Asked]:
        known = state.known
        told = [
            Told(_asked(proposal), state.values.get(proposal.setting.setting_id))
            for pack in known
            for proposal in pack.of_search
        ]
        pending = [_asked(p) for pack in state.packs[len(known) :] for p in pack.of_search]
        search = self._config.search
        return propose(
            search.sampler,
            state.arm.spaces,
            count,
            seed=(search.seed, state.arm.search, index),
            told=told,
            pending=pending,
        )

    def _tell(self, pack: Pack) -> None:
        state = self._state_of(pack)
        state.finished.add(pack.pack_id)
        self.finished_runs += pack.runs
        if state.listed is None and pack.fresh:
            medians = medians_by_setting(self._directory.read_pack_runs(pack.pack_id))
            defined = medians.dropna(subset=list(OBJECTIVES))
            values = defined[list(OBJECTIVES)].itertuples(index=False, name=None)
            state.values.update(zip(defined["setting_id"], values, strict=True))

    def _state_of(self, pack: Pack) -> _ArmState:
        return next(state for state in self._states if state.arm.name == pack.arm)


def _asked(proposal: Proposal) -> Asked:
    return Asked(proposal.setting.params, proposal.memory or {})
