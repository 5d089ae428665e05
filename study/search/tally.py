"""How many runs a study comes to."""

from collections.abc import Iterable
from math import ceil

from study.config.plan import SearchPlan
from study.results.packs import Pack


class Tally:
    """Counts how many runs a study comes to, as far as the packs asked for by now tell.

    A setting that was proposed twice runs once, which shows only when it is proposed.
    """

    def __init__(self, plan: SearchPlan) -> None:
        self._plan, self._seeds = plan, len(plan.seeds)
        self._settings = plan.splits + sum(arm.settings for arm in plan.arms)
        self._baselines_out: set[int] = set()

    def add(self, pack: Pack) -> None:
        """Take note of a pack that was asked for."""
        self._settings += len(pack.fresh) - len(pack.of_search)
        if self._plan.is_baseline(pack.arm) and pack.split not in self._baselines_out:
            self._baselines_out.add(pack.split)
            self._settings -= 1

    @property
    def runs(self) -> int:
        """How many runs the study comes to."""
        return self._settings * self._seeds


def planned_runs(plan: SearchPlan, packs: Iterable[Pack] = ()) -> int:
    """Return how many runs a study comes to, as far as ``packs``, those asked for by now, tell."""
    tally = Tally(plan)
    for pack in packs:
        tally.add(pack)
    return tally.runs


def planned_packs(plan: SearchPlan) -> int:
    """Return in how many packs a study is trained; the baseline is in its arm's first, or by itself."""
    packs = sum(ceil(arm.settings / plan.settings_of_pack) for arm in plan.arms)
    return packs + plan.splits * all(not plan.is_baseline(arm.arm) for arm in plan.arms)
