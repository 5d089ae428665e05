"""Which pack is next: what is planned, what the search proposes and what the ledger has.

Packs are stable. What is proposed is written down before it runs, and a pack has finished when the ledger
has all its runs; so resuming after an interruption is the same as continuing.
"""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from study.config.plan import ArmPlan, SearchPlan
from study.config.sections import ADAPTIVE
from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.results.fronts import RunningFront
from study.results.packs import Pack, Proposal, split_id
from study.results.settings import medians_by_setting
from study.search.arm_state import ArmState, arm_states
from study.search.identity import RESTORE, Identity, check_settings
from study.search.samplers import Observation, Point, grid, propose
from study.words import FAILED, Arm


@dataclass
class _Open:
    """A pack that has not finished: how many runs have no row yet, and the files of those that do."""

    pack: Pack
    missing: int
    files: list[str]


class PackQueue:
    """Hands out the packs of a study that are still to train, and learns from those that have finished."""

    def __init__(self, plan: SearchPlan, identity: Identity, directory: ResultsDirectory) -> None:
        self._plan, self._identity, self._directory = plan, identity, directory
        # What is read of a pack's rows when they are in.
        self._learned = list(dict.fromkeys(["setting_id", "validation_error", *plan.objectives]))
        self._states = arm_states(plan)
        for arm in plan.arms:
            self._states[arm.arm].listed = self._listed(arm)
        self._values: dict[str, tuple[float, ...]] = {}
        self._waiting: deque[Pack] = deque()
        self._open: dict[str, _Open] = {}
        self.front = RunningFront()
        self.finished_runs = 0
        self.failed_runs = 0
        self._adopt(directory.read_packs())

    @property
    def planned_runs(self) -> int:
        """How many runs the study comes to, as far as is known."""
        return len(self._plan.seeds) * sum(state.settings for state in self._states.values())

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
            rows = [self._directory.read_pack_runs(file, self._learned) for file in opened.files]
            self._learn(rows[0] if len(rows) == 1 else pd.concat(rows))

    def _listed(self, arm: ArmPlan) -> Sequence[Point] | None:
        """Return all settings of an arm, None where the sampler looks at results."""
        sampler = self._plan.sampler
        if sampler == "grid":
            return grid(arm.spaces)
        if sampler in ADAPTIVE:
            return None
        return propose(sampler, arm.spaces, arm.settings, seed=self._stream(arm.arm, 0))

    def _stream(self, arm: Arm, packs: int) -> tuple[int, str, int]:
        """Name the stream that proposals come from: the same for every decision-maker."""
        return self._plan.seed, f"{arm.method}-{arm.model}", packs

    def _adopt(self, packs: Sequence[Pack]) -> None:
        """Take over what an earlier driver asked for: finished packs are learned from, others wait.

        Runs that failed are tried again, so their rows are removed. Packs whose files were lost are
        proposed again.
        """
        rows = self._directory.read_runs([*self._learned, "run_id", "pack_id", "status"])[0]
        failed = set(rows.loc[rows["status"] == FAILED, "pack_id"])
        for pack_id in failed:
            self._directory.remove_rows(pack_id)
        with_rows = {split_id(pack_id)[0] for pack_id in rows["pack_id"].unique()}
        lost = {*with_rows, *self._directory.packs_set_aside()} - {pack.pack_id for pack in packs}
        rows = rows[~rows["pack_id"].isin(failed)] if failed else rows
        finished = set(rows["run_id"])
        learned = []
        for pack in self._completed(packs, lost, rows):
            self._states[pack.arm].add(pack)
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

    def _completed(
        self, packs: Sequence[Pack], lost: Collection[str], rows: pd.DataFrame
    ) -> Iterator[Pack]:
        """Yield ``packs`` with those that are ``lost`` or missing between others, in order.

        Each is to be noted before the next is asked for. What is proposed depends on earlier packs alone,
        so a lost pack is the same again; its id says whether it is.
        """
        for pack in packs:
            self._check(pack)
        written = {pack.pack_id.rpartition("-")[0]: pack for pack in packs}
        if len(written) < len(packs):
            raise LedgerError(
                f"{self._directory.packs}: two packs have the same number; delete the one added"
            )
        names = {pack_id.rpartition("-")[0]: pack_id for pack_id in lost}
        for arm, state in sorted(self._states.items()):
            of_arm = [name.rpartition("-") for name in (*written, *names)]
            own = (index for name, _, index in of_arm if name == str(arm) and index.isdecimal())
            last = max(map(int, own), default=-1)
            for index in range(1 + last):
                name = f"{arm}-{index:05d}"
                yield written.get(name) or self._again(state, names.get(name), rows)

    def _again(self, state: ArmState, pack_id: str | None, rows: pd.DataFrame) -> Pack:
        """Propose a pack whose file was lost; raises LedgerError where it is not ``pack_id`` again."""
        if self._plan.sampler in ADAPTIVE and not self._values:
            self._observe(medians_by_setting(rows))
        pack = self._proposed(state) if state.has_more else None
        if pack is None or pack_id not in (None, pack.pack_id):
            name = pack_id or f"{state.packs} of {state.plan.arm}"
            raise LedgerError(
                f"{self._directory.packs}: the file of pack {name} is missing, and the search would not "
                f"propose it again; {RESTORE}"
            )
        self._directory.write_pack(pack)
        return pack

    def _check(self, pack: Pack) -> None:
        """Raise LedgerError unless a pack that was written down earlier is of this study."""
        place = self._directory.packs
        if pack.arm not in self._states:
            arms = ", ".join(map(str, self._states))
            raise LedgerError(f"{place}: pack {pack.pack_id} is not of this study's arms; they are {arms}")
        if pack.seeds != self._plan.seeds:
            raise LedgerError(
                f"{place}: pack {pack.pack_id} has other seeds than study.yaml: one of the two was "
                f"changed; {RESTORE}"
            )
        check_settings(pack, self._identity, self._directory)

    def _ask(self, state: ArmState) -> Pack:
        pack = self._proposed(state)
        self._directory.write_pack(pack)
        self._states[pack.arm].add(pack)
        return pack

    def _proposed(self, state: ArmState) -> Pack:
        """Return the next pack of an arm."""
        index, first, arm = state.packs, state.proposed, state.plan.arm
        count = min(self._plan.settings_of_pack, state.plan.settings - first)
        if state.listed is not None:
            points = state.listed[first : first + count]
        else:
            points = self._search(state, index, count)
        proposals = [Proposal(self._identity.setting(arm, p.params), p.memory) for p in points]
        if index == 0 and state.has_baseline:
            baseline = self._identity.setting(self._plan.baseline, {"alpha": 0.0})
            proposals.insert(0, Proposal(baseline, None))
        return Pack.of(arm, index, proposals, self._plan.seeds, state.taken)

    def _search(self, state: ArmState, index: int, count: int) -> Sequence[Point]:
        observed = [
            Observation(_point(proposal), self._values.get(proposal.setting.setting_id))
            for proposals in state.searched[: state.known]
            for proposal in proposals
        ]
        pending = [
            _point(proposal) for proposals in state.searched[state.known :] for proposal in proposals
        ]
        return propose(
            self._plan.sampler,
            state.plan.spaces,
            count,
            seed=self._stream(state.plan.arm, index),
            observed=observed,
            pending=pending,
        )

    def _learn(self, rows: pd.DataFrame) -> None:
        """Take from rows what the front and an adaptive search must know."""
        medians = medians_by_setting(rows)
        self.front.add(medians)
        if self._plan.sampler in ADAPTIVE:
            self._observe(medians)

    def _observe(self, medians: pd.DataFrame) -> None:
        """Keep the medians of settings for an adaptive search."""
        defined = medians.dropna(subset=list(self._plan.objectives))
        values = defined[list(self._plan.objectives)].itertuples(index=False, name=None)
        self._values.update(zip(defined["setting_id"], values, strict=True))


def _point(proposal: Proposal) -> Point:
    return Point(proposal.setting.params, proposal.memory or {})
