"""What a run is: settings, the packs in which they train, and the identities of both.

A *setting* is one hyperparameter combination, a *run* one training of it under one seed. Identities are
hashes of what decides a row, so that rows from different machines can be put side by side.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

from study.words import Arm

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_SUB_PACK = re.compile(r"(.+-[0-9a-f]{8})(?:\.([01]+))?")
_LATER_SPLIT = re.compile(r".+-split(\d+)-\d{5,}-[0-9a-f]{8}(?:\.[01]+)?")


@dataclass(frozen=True)
class Setting:
    """One hyperparameter combination: its coefficients by name.

    ``alpha``, and ``gamma`` where the method may say IDK. For thresholds chosen after training also
    ``model_alpha``, with which the network itself is trained; where the search proposes them, that and
    their quantiles ``q0_a0`` ... ``q1_a1``.
    """

    setting_id: str
    params: Mapping[str, float]

    @property
    def alpha(self) -> float:
        """The fairness coefficient; the network's own where thresholds are not chosen by their loss."""
        return self.params["alpha" if "alpha" in self.params else "model_alpha"]

    @property
    def gamma(self) -> float | None:
        """The price of deferring, None where there is none."""
        return self.params.get("gamma")

    @property
    def trained_alpha(self) -> float:
        """The fairness coefficient that the network itself is trained with."""
        return self.params["model_alpha" if "model_alpha" in self.params else "alpha"]


def run_id(setting_id: str, seed: int, split: int = 0) -> str:
    """Return the identity of a run: a hash of setting, seed, split, data and code, and of nothing else."""
    # The digest of [setting_id, seed], written out: there are a million runs.
    return _hash(f'["{setting_id}",{seed},{split}]' if split else f'["{setting_id}",{seed}]')


@dataclass(frozen=True)
class Proposal:
    """A setting to try; ``memory`` is what the sampler must remember of it, None if it did not ask."""

    setting: Setting
    memory: Mapping[str, Any] | None


@dataclass(frozen=True)
class Pack:
    """The settings that train together, under every seed, as one tensor program.

    ``proposals`` is all that was asked for; ``fresh`` the setting ids that no earlier pack of the study
    trains. A pack has finished when the ledger has all its runs. One that cannot be trained as a whole is
    split: a half is a pack like any other, a *sub-pack*, and writes its rows under its own id.
    """

    pack_id: str
    index: int
    method: str
    model: str
    decision_maker: str
    seeds: tuple[int, ...]
    proposals: tuple[Proposal, ...]
    fresh: tuple[str, ...]
    split: int = 0

    @staticmethod
    def of(
        arm: Arm,
        index: int,
        proposals: Sequence[Proposal],
        seeds: Sequence[int],
        taken: Collection[str] = (),
    ) -> "Pack":
        """Make the pack of ``proposals``; settings in ``taken`` are trained by an earlier pack."""
        ids = dict.fromkeys(proposal.setting.setting_id for proposal in proposals)
        fresh = tuple(setting_id for setting_id in ids if setting_id not in taken)
        pack = Pack("", index, *arm[:3], tuple(seeds), tuple(proposals), fresh, arm.split)
        return replace(pack, pack_id=pack._identity())

    @property
    def arm(self) -> Arm:
        """The arm whose settings the pack trains."""
        return Arm(self.method, self.model, self.decision_maker, self.split)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The settings to train, in lane order."""
        wanted = {proposal.setting.setting_id: proposal.setting for proposal in self.proposals}
        return tuple(wanted[setting_id] for setting_id in self.fresh)

    @property
    def of_search(self) -> tuple[Proposal, ...]:
        """The proposals that came of the search: all but the baseline."""
        return tuple(proposal for proposal in self.proposals if proposal.memory is not None)

    @property
    def runs(self) -> int:
        """How many runs the pack trains."""
        return len(self.fresh) * len(self.seeds)

    @property
    def run_ids(self) -> list[str]:
        """The runs that the pack trains, seed by seed and setting by setting."""
        return [run_id(setting_id, seed, self.split) for seed in self.seeds for setting_id in self.fresh]

    def halves(self) -> tuple["Pack", "Pack"]:
        """Return two packs with the runs of this one: half its settings each, or half the seeds of one."""
        which = "fresh" if len(self.fresh) > 1 else "seeds"
        values, name = getattr(self, which), f"{self.pack_id}{'' if '.' in self.pack_id else '.'}"
        middle = len(values) // 2
        return (
            replace(self, pack_id=f"{name}0", **{which: values[:middle]}),
            replace(self, pack_id=f"{name}1", **{which: values[middle:]}),
        )

    def without(self, finished: Collection[str]) -> list["Pack"]:
        """Return the fewest packs that train exactly the runs of this one that are not ``finished``."""
        there = [run in finished for run in self.run_ids]
        if not any(there):
            return [self]
        if all(there):
            return []
        return [pack for half in self.halves() for pack in half.without(finished)]

    def sub_pack(self, pack_id: str) -> "Pack":
        """Return this pack or a half, quarter, ... of it, by id; raises ValueError where it has no such."""
        root, halves = split_id(pack_id)
        if root != self.pack_id:
            raise ValueError(f"{pack_id} is not a part of {self.pack_id}")
        pack = self
        for half in halves:
            pack = pack.halves()[int(half)]
        return pack

    def to_json(self) -> dict[str, Any]:
        """Return the pack as plain data, for its manifest."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Pack":
        """Rebuild a pack; raises KeyError, TypeError or ValueError where the data is no manifest."""
        proposals = tuple(
            Proposal(Setting(**entry["setting"]), entry["memory"]) for entry in data["proposals"]
        )
        fields = {**data, "proposals": proposals}
        pack = Pack(**{**fields, "seeds": tuple(data["seeds"]), "fresh": tuple(data["fresh"])})
        pack._check()
        return pack

    def _identity(self) -> str:
        """Return the pack's id: its arm, its index, and a hash of all that it holds.

        The parameters of a setting are in the setting's own id.
        """
        proposed = [[proposal.setting.setting_id, proposal.memory] for proposal in self.proposals]
        return f"{self.arm}-{self.index:05d}-{digest([proposed, self.seeds, self.fresh])[:8]}"

    def _check(self) -> None:
        """Raise ValueError unless everything is of its kind, and the id that of what the pack holds."""
        names = (self.pack_id, self.method, self.model, self.decision_maker)
        settings = {proposal.setting.setting_id: proposal.setting for proposal in self.proposals}
        names_used = (*names, *settings, *self.fresh)
        if not all(isinstance(word, str) and _NAME.fullmatch(word) for word in names_used):
            raise ValueError("a name is letters, digits, dots, hyphens and underlines")
        if not all(
            type(number) is int and 0 <= number < 2**63 for number in (self.index, self.split, *self.seeds)
        ):
            raise ValueError("index, split and seeds are whole numbers from 0 to 2^63 - 1")
        if len(set(self.seeds)) < len(self.seeds) or len(set(self.fresh)) < len(self.fresh):
            raise ValueError("duplicate seed or setting")
        if not {*self.fresh} <= settings.keys():
            raise ValueError("a fresh setting was not proposed")
        for proposal in self.proposals:
            params, memory = proposal.setting.params, proposal.memory
            if not isinstance(params, dict) or not isinstance(memory, dict | None):
                raise ValueError("params and memory are mappings")
            if not all(type(value) in (int, float) and isfinite(value) for value in params.values()):
                raise ValueError("params are finite numbers")
            if not {"alpha", "model_alpha"} & params.keys():
                raise ValueError("no alpha")
        if self.pack_id != self._identity():
            raise ValueError("its id is not that of what it holds")


def split_id(pack_id: str) -> tuple[str, str]:
    """Return the id of the pack that was written down, and which half of a half ... of it is meant."""
    result = _SUB_PACK.fullmatch(pack_id)
    return (result[1], result[2] or "") if result else (pack_id, "")


def is_pack_id(name: str) -> bool:
    """Say whether a name is as a pack's or sub-pack's, and no copy's."""
    return _SUB_PACK.fullmatch(name) is not None


def split_of(pack_id: str) -> int:
    """Return the split of the data that a pack is of, by its id."""
    later = _LATER_SPLIT.fullmatch(pack_id)
    return int(later[1]) if later else 0


def digest(facts: object) -> str:
    """Return a hash over plain data."""
    return _hash(json.dumps(facts, sort_keys=True, separators=(",", ":")))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
