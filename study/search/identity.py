"""What decides every row of a study beside setting and seed: data, training options, protocol and code."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from study.config.plan import Plan
from study.errors import LedgerError
from study.models.families import FAMILIES
from study.results.directory import ResultsDirectory
from study.results.packs import Pack, Setting, digest, split_id
from study.words import NO_DECISION_MAKER, UNIT_COSTS, Arm

RESTORE = "restore it from a copy, or start the study again with another --out"


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
    def of(plan: Plan, data_fingerprint: str, where: str | None) -> "Identity":
        """Take from a plan what decides its rows; ``where`` is on whom ``inconsistent`` errs."""
        thresholds = asdict(plan.thresholds)
        if plan.thresholds.sampler != "random":
            del thresholds["candidates"]
        protocol = {
            "thresholds": thresholds,
            "test_decision_maker": plan.decision_makers.tested_with,
            "inconsistent": {"where": where, "flip": plan.decision_makers.flip},
        }
        if plan.costs != UNIT_COSTS:
            protocol["costs"] = plan.costs._asdict()
        return Identity(data_fingerprint, plan.training, protocol, code_digest())

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
        if "costs" in self.protocol:
            protocol["costs"] = self.protocol["costs"]
        facts = [*arm[:3], params, protocol, self.data_fingerprint, dict(self.training), self.code]
        return Setting(digest(facts), params)


def check_settings(pack: Pack, identity: Identity, directory: ResultsDirectory) -> None:
    """Raise LedgerError where the id of a setting is not that of its parameters in this study."""
    for proposal in pack.proposals:
        written = proposal.setting
        if identity.setting(pack.arm, written.params) != written:
            root, _ = split_id(pack.pack_id)
            raise LedgerError(
                f"{directory.pack_file(root)}: setting {written.setting_id} is not that of its "
                "parameters with this study's data, options and code: this file or study.yaml was "
                f"changed; {RESTORE}"
            )


_DECIDING = (
    *("training/evaluation.py", "training/pack.py", "training/study_data.py"),
    *("results/metrics.py", "seeds.py"),
)


@cache
def code_digest() -> str:
    """Return a hash over the code that decides what a row says: ``models``, and how packs use them."""
    package = Path(__file__).parents[1]
    rooms = [path for room in ("models", "engines") for path in sorted((package / room).rglob("*.py"))]
    digest = hashlib.sha256()
    for path in [*rooms, *(package / name for name in _DECIDING)]:
        name = path.relative_to(package).as_posix()
        digest.update(name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]
