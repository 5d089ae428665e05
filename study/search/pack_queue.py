"""Which pack is next: the plan, the search and the ledger brought together.

Packs are stable. What is proposed is written down before it runs, and a pack has finished when the ledger
has all its runs; so resuming after an interruption is the same as continuing.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pandas as pd

from study.config.sections import ADAPTIVE
from study.config.study_file import StudyConfig
from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.results.packs import Pack, Proposal, split_id
from study.results.running_front import Front
from study.results.settings import medians_by_setting
from study.search.identity import Identity
from study.search.plan import BASELINE, Arm, Tally, arms, make_pack
from study.search.samplers import OBJECTIVES, Asked, Told, grid, propose
from study.words import FAILED

LOOKAHEAD = 2
"""An adaptive search asks for pack n once packs 0 to n - LOOKAHEAD are in, however many workers there are:
what it proposes must not depend on who is fast."""
_LEARNED = ["setting_id", *OBJECTIVES]
"""What is read of a pack's rows when they are in."""


@dataclass
class _ArmState:
    """What was asked for in an arm, counted as packs come: none costs more than the one before."""

    arm: Arm
    settings: int
    """How many settings the arm will ask for."""
    listed: Sequence[Asked] | None
    """All of them, where the sampler does not look at results."""
    packs: int = 0
    asked: int = 0
    """How many settings of the search were asked for; the baseline is not the search's."""
    out: set[int] = field(default_factory=set)
    """The packs, by index, that have not come to an end."""
    taken: set[str] = field(default_factory=set)
    searched: list[list[Proposal]] = field(default_factory=list)
    """What an adaptive search proposed, pack by pack."""

    @property
    def has_baseline(self) -> bool:
        """Say whether the first pack has the baseline in front."""
        return self.arm.name == BASELINE.name

    @property
    def has_more(self) -> bool:
        """Say whether a pack is still to be asked for."""
        return self.asked < self.settings or (self.has_baseline and not self.packs)

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
        self.asked += len(of_search)
        self.out.add(pack.index)
        self.taken.update(pack.fresh)
        if self.listed is None:
            self.searched.append(list(of_search))


@dataclass
class _Open:
    """A pack that has not finished: how many runs have no row yet, and the files of those that do."""

    pack: Pack
    missing: int
    files: list[str]


class PackQueue:
    """Hands out the packs of a study that are still to train, and learns from those that are in."""

    def __init__(self, config: StudyConfig, identity: Identity, directory: ResultsDirectory) -> None:
        self._config, self._identity, self._directory = config, identity, directory
        self._states = {arm.name: self._begin(arm) for arm in arms(config)}
        self._states.setdefault(BASELINE.name, _ArmState(BASELINE, settings=0, listed=[]))
        self._tally = Tally(config)
        self._values: dict[str, tuple[float, ...]] = {}
        self._waiting: deque[Pack] = deque()
        self._open: dict[str, _Open] = {}
        self.front = Front()
        self.finished_runs = 0
        self.failed_runs = 0
        self._adopt(directory.read_packs())

    @property
    def planned_runs(self) -> int:
        """How many runs the study comes to, as far as is known."""
        return self._tally.runs

    @property
    def done(self) -> bool:
        """Say whether nothing is left to hand out or to wait for."""
        return not (self._open or any(s.has_more for s in self._states.values()))

    def next(self) -> Pack | None:
        """Return a pack to train, or None where there is none or one must be waited for.

        Of a pack that was trained in part, the sub-packs that lack are returned instead.
        """
        while not self._waiting:
            able = [state for state in self._states.values() if state.ready()]
            if not able:
                return None
            # The costliest methods come last in the paper's order, and are best begun first.
            self._open_pack(self._ask(min(reversed(able), key=lambda state: state.packs)))
        return self._waiting.popleft()

    def finish(self, pack: Pack, *, failed: bool = False) -> None:
        """Take note that the rows of a pack or sub-pack are in the ledger; those of ``failed`` runs have no
        metrics.
        """
        if failed:
            self.failed_runs += pack.runs
        else:
            self.finished_runs += pack.runs
        root, _ = split_id(pack.pack_id)
        opened = self._open[root]
        opened.missing -= pack.runs
        opened.files.append(pack.pack_id)
        if not opened.missing:
            self._close(opened)

    def _open_pack(self, pack: Pack, finished: Collection[str] = (), files: Sequence[str] = ()) -> None:
        """Make a pack ready to be handed out, without the runs that are in ``files`` of the ledger."""
        to_train = pack.without(finished) if finished else [pack]
        opened = _Open(pack, sum(part.runs for part in to_train), list(files))
        self._open[pack.pack_id] = opened
        self.finished_runs += pack.runs - opened.missing
        if opened.missing:
            self._waiting.extend(to_train)
        else:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        """Take note that all runs of a pack have their rows, and learn from these."""
        del self._open[opened.pack.pack_id]
        self._states[opened.pack.arm].out.discard(opened.pack.index)
        if opened.files:
            rows = [self._directory.read_pack_runs(file, _LEARNED) for file in opened.files]
            self._learn(rows[0] if len(rows) == 1 else pd.concat(rows))

    def _begin(self, arm: Arm) -> _ArmState:
        search = self._config.search
        if search.sampler == "grid":
            listed: Sequence[Asked] | None = grid(arm.spaces)
        elif search.sampler in ADAPTIVE:
            listed = None
        else:
            listed = propose(search.sampler, arm.spaces, search.settings, seed=(search.seed, arm.search, 0))
        return _ArmState(arm, self._config.settings_of(arm.search), listed)

    def _adopt(self, packs: Sequence[Pack]) -> None:
        """Take over what an earlier driver asked for: finished packs are learned from, others wait.

        Runs that failed are tried again, so their rows are removed.
        """
        rows = self._directory.read_runs([*_LEARNED, "run_id", "pack_id", "status"])[0]
        failed = set(rows.loc[rows["status"] == FAILED, "pack_id"])
        for pack_id in failed:
            self._directory.remove_rows(pack_id)
        rows = rows[~rows["pack_id"].isin(failed)] if failed else rows
        finished = set(rows["run_id"])
        learned = []
        for pack in packs:
            if pack.arm not in self._states:
                raise LedgerError(
                    f"{self._directory.packs}: pack {pack.pack_id} is not of this study's arms; "
                    f"they are {', '.join(self._states)}"
                )
            self._note(pack)
            runs = pack.run_ids
            if finished.issuperset(runs):
                self._states[pack.arm].out.discard(pack.index)
                self.finished_runs += pack.runs
                learned += runs
            elif finished.isdisjoint(runs):
                self._open_pack(pack)
            else:
                files = rows.loc[rows["run_id"].isin(runs), "pack_id"].unique().tolist()
                self._open_pack(pack, finished, files)
        if learned:
            self._learn(rows if len(learned) == len(rows) else rows[rows["run_id"].isin(learned)])

    def _ask(self, state: _ArmState) -> Pack:
        index, size = state.packs, self._config.settings_of_pack
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
        self._note(pack)
        return pack

    def _search(self, state: _ArmState, index: int, count: int) -> list[Asked]:
        told = [
            Told(_asked(proposal), self._values.get(proposal.setting.setting_id))
            for proposals in state.searched[: state.known]
            for proposal in proposals
        ]
        pending = [
            _asked(proposal) for proposals in state.searched[state.known :] for proposal in proposals
        ]
        search = self._config.search
        return propose(
            search.sampler,
            state.arm.spaces,
            count,
            seed=(search.seed, state.arm.search, index),
            told=told,
            pending=pending,
        )

    def _note(self, pack: Pack) -> None:
        """Take note that a pack was asked for."""
        self._states[pack.arm].add(pack)
        self._tally.add(pack)

    def _learn(self, rows: pd.DataFrame) -> None:
        """Take from rows what the front and an adaptive search must know."""
        medians = medians_by_setting(rows)
        self.front.add(medians)
        if self._config.search.sampler in ADAPTIVE:
            defined = medians.dropna(subset=list(OBJECTIVES))
            values = defined[list(OBJECTIVES)].itertuples(index=False, name=None)
            self._values.update(zip(defined["setting_id"], values, strict=True))


def _asked(proposal: Proposal) -> Asked:
    return Asked(proposal.setting.params, proposal.memory or {})
