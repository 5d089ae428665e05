"""Which runs there are: arms of a study, their settings, and the packs in which settings train.

A *setting* is one hyperparameter combination, a *run* one training of it under one seed. An *arm* is what
a search explores on its own: one method with one model and one decision-maker. Identities are hashes of
what decides a row, so that rows from different machines can be put side by side.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import models
from study.config import StudyConfig
from study.spaces import CHOSEN_AFTERWARDS, Space

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")

NO_DECISION_MAKER = "none"
"""The decision-maker of a method that never defers."""


@dataclass(frozen=True)
class Setting:
    """One hyperparameter combination: its coefficients by name.

    ``alpha``, and ``gamma`` where the method may say IDK. For thresholds chosen after training also
    ``model_alpha``, with which the network itself is trained; where the search proposes them, that and
    their quantiles ``t0_a0`` ... ``t1_a1``.
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


@dataclass(frozen=True)
class Identity:
    """What decides every row of a study beside setting and seed.

    ``protocol`` says how thresholds are chosen, whose decisions count and on whom ``inconsistent`` errs.
    """

    data_fingerprint: str
    training: Mapping[str, Any]
    protocol: Mapping[str, Any]
    code: str

    @staticmethod
    def of(config: StudyConfig, data_fingerprint: str, where: str | None = None) -> "Identity":
        """Take from a study file what decides its rows; ``where`` is on whom ``inconsistent`` errs."""
        only_random = {"candidates"} if config.thresholds.sampler != "random" else None
        protocol = {
            "thresholds": config.thresholds.model_dump(exclude=only_random),
            "test_decision_maker": config.test_decision_maker,
            "inconsistent": {"where": where, "flip": config.inconsistent.flip},
        }
        return Identity(data_fingerprint, config.training.model_dump(), protocol, code_digest())

    def setting(self, arm: Arm, params: Mapping[str, float]) -> Setting:
        """Return the setting of ``arm`` with ``params``."""
        params = {name: float(value) for name, value in params.items()}
        protocol = {"choose_on": self.protocol["thresholds"]["choose_on"]}
        if arm.model in CHOSEN_AFTERWARDS and arm.method != "binary":
            protocol |= self.protocol["thresholds"]
        if arm.decision_maker != NO_DECISION_MAKER:
            protocol["tested_with"] = self.protocol["test_decision_maker"] or arm.decision_maker
        if "inconsistent" in (arm.decision_maker, protocol.get("tested_with")):
            protocol |= self.protocol["inconsistent"]
        facts = [
            *(arm.method, arm.model, arm.decision_maker, params, protocol),
            *(self.data_fingerprint, dict(self.training), self.code),
        ]
        return Setting(_digest(facts), params)


def run_id(setting_id: str, seed: int) -> str:
    """Return the identity of a run: a hash of setting, seed, data and code, and of nothing else."""
    return _digest([setting_id, seed])


@dataclass(frozen=True)
class Proposal:
    """A setting to try; ``memory`` is what the sampler must remember of it, None if it did not ask."""

    setting: Setting
    memory: Mapping[str, Any] | None


@dataclass(frozen=True)
class Pack:
    """The settings that train together, under every seed, as one tensor program.

    ``proposals`` is all that was asked for; ``fresh`` the setting ids that no earlier pack of the
    study trains. Stable: a pack is either in the ledger, whole, or still to do.
    """

    pack_id: str
    arm: str
    index: int
    method: str
    model: str
    decision_maker: str
    seeds: tuple[int, ...]
    proposals: tuple[Proposal, ...]
    fresh: tuple[str, ...]

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

    def _check(self) -> None:
        """Raise ValueError unless everything is of its kind: a manifest may be made up by anybody."""
        names = (self.pack_id, self.arm, self.method, self.model, self.decision_maker)
        settings = {proposal.setting.setting_id: proposal.setting for proposal in self.proposals}
        words = (*names, *settings, *self.fresh)
        if not all(isinstance(word, str) and _NAME.fullmatch(word) for word in words):
            raise ValueError("a name is letters, digits, dots, hyphens and underlines")
        if not all(type(number) is int and 0 <= number < 2**63 for number in (self.index, *self.seeds)):
            raise ValueError("index and seeds are whole numbers from 0 to 2^63 - 1")
        if len(set(self.seeds)) < len(self.seeds) or len(set(self.fresh)) < len(self.fresh):
            raise ValueError("a seed or a setting is there twice")
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


BASELINE = Arm("binary", "mlp", NO_DECISION_MAKER, {"alpha": (0.0,)})
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
        pack_id=f"{arm.name}-{index:05d}-{_digest([ids, list(seeds)])[:8]}",
        arm=arm.name,
        index=index,
        method=arm.method,
        model=arm.model,
        decision_maker=arm.decision_maker,
        seeds=tuple(seeds),
        proposals=tuple(proposals),
        fresh=fresh,
    )


@cache
def code_digest() -> str:
    """Return a hash over the code that decides what a row says: ``models``, and how packs use them."""
    here = Path(__file__).parent
    deciding = [here / name for name in ("evaluation.py", "pack.py", "study_data.py")]
    digest = hashlib.sha256()
    for path in [*sorted(Path(models.__file__).parent.glob("*.py")), *deciding]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]


def _digest(facts: object) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]
