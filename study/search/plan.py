"""Which runs there are: the arms of a study, and how their settings come into packs.

An *arm* is what a search explores on its own: one method with one model and one decision-maker.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from study.config.spaces import Space
from study.config.study_file import StudyConfig
from study.results.packs import Pack, Proposal, digest
from study.words import NO_DECISION_MAKER, PLAIN_MODEL


@dataclass(frozen=True)
class Arm:
    """One method with one model and one decision-maker, and the spaces of its coefficients."""

    method: str
    model: str
    decision_maker: str
    spaces: Mapping[str, Space]

    @property
    def name(self) -> str:
        """Words that tell this arm from the study's others, fit for a file name."""
        return f"{self.method}-{self.model}-{self.decision_maker}"

    @property
    def search(self) -> str:
        """The stream its proposals come from: the same settings for every decision-maker."""
        return f"{self.method}-{self.model}"


def arms(config: StudyConfig) -> list[Arm]:
    """Return the study's arms, in the order of its methods, models and decision-makers.

    A method that never defers is trained once, whatever decision-makers there are.
    """
    found = []
    for words in config.arms():
        method, _, model = words.partition("-")
        makers = (NO_DECISION_MAKER,) if method == "binary" else config.decision_maker
        found += [Arm(method, model, maker, config.spaces(words)) for maker in makers]
    return found


BASELINE = Arm("binary", PLAIN_MODEL, NO_DECISION_MAKER, {"alpha": (0.0,)})
"""A binary model trained for accuracy alone (paper, Figure 3): every study has it, asked for or not."""


class Tally:
    """Counts how many runs a study comes to, as far as the packs asked for by now tell.

    A setting that was asked for twice runs once, which shows only when it is asked for.
    """

    def __init__(self, config: StudyConfig) -> None:
        self._seeds = len(config.seeds)
        self._settings = 1 + sum(config.settings_of(arm.search) for arm in arms(config))
        self._baseline_is_out = False

    def add(self, pack: Pack) -> None:
        """Take note of a pack that was asked for."""
        self._settings += len(pack.fresh) - len(pack.of_search)
        if pack.arm == BASELINE.name and not self._baseline_is_out:
            self._baseline_is_out = True
            self._settings -= 1

    @property
    def runs(self) -> int:
        """How many runs the study comes to."""
        return self._settings * self._seeds


def planned_runs(config: StudyConfig, packs: Iterable[Pack]) -> int:
    """Return how many runs a study comes to, as far as ``packs``, those asked for by now, tell."""
    tally = Tally(config)
    for pack in packs:
        tally.add(pack)
    return tally.runs


def make_pack(
    arm: Arm, index: int, proposals: Sequence[Proposal], seeds: Sequence[int], taken: set[str]
) -> Pack:
    """Make the pack of ``proposals``; settings in ``taken`` are trained by an earlier pack."""
    ids = [proposal.setting.setting_id for proposal in proposals]
    fresh = tuple(setting_id for setting_id in dict.fromkeys(ids) if setting_id not in taken)
    return Pack(
        pack_id=f"{arm.name}-{index:05d}-{digest([ids, list(seeds)])[:8]}",
        arm=arm.name,
        index=index,
        method=arm.method,
        model=arm.model,
        decision_maker=arm.decision_maker,
        seeds=tuple(seeds),
        proposals=tuple(proposals),
        fresh=fresh,
    )
