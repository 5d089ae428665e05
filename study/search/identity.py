"""What decides every row of a study beside setting and seed: data, training options, protocol and code."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from study.config.study_file import StudyConfig
from study.models.families import FAMILIES
from study.results.packs import Setting, digest
from study.search.plan import Arm
from study.words import NO_DECISION_MAKER


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
        if FAMILIES[arm.model].chosen_afterwards(arm.method):
            protocol |= self.protocol["thresholds"]
        if arm.decision_maker != NO_DECISION_MAKER:
            protocol["tested_with"] = self.protocol["test_decision_maker"] or arm.decision_maker
        if "inconsistent" in (arm.decision_maker, protocol.get("tested_with")):
            protocol |= self.protocol["inconsistent"]
        facts = [
            *(arm.method, arm.model, arm.decision_maker, params, protocol),
            *(self.data_fingerprint, dict(self.training), self.code),
        ]
        return Setting(digest(facts), params)


_DECIDING = (
    *("training/evaluation.py", "training/pack.py", "training/study_data.py"),
    *("results/metrics.py", "seeds.py"),
)


@cache
def code_digest() -> str:
    """Return a hash over the code that decides what a row says: ``models``, and how packs use them."""
    package = Path(__file__).parents[1]
    rooms = [path for room in ("models", "engines") for path in sorted((package / room).glob("*.py"))]
    digest = hashlib.sha256()
    for path in [*rooms, *(package / name for name in _DECIDING)]:
        name = path.relative_to(package).as_posix()
        digest.update(name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]
