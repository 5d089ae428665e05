"""The vocabulary that every room shares: splits, methods, metrics, and what columns are called."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

SPLITS = ("train", "validation", "test")
"""In the order of their codes, 0 to 2."""

Method = Literal[
    "binary", "reject", "defer", "confidence", "compare", "ce", "ova", "realizable", "two-stage"
]
METHODS: dict[Method, str] = {
    "binary": "never defers and decides every case alone",
    "reject": "defers where it is uncertain, whoever decides then",
    "defer": "defers where the decision-maker it was trained with is expected to do better",
    "confidence": "defers where its confidence is below a threshold that suits the decision-maker",
    "compare": "defers where the decision-maker is likelier to be right than the model, by two estimates",
    "ce": "defers where asking has the largest score, by a cost-sensitive cross entropy",
    "ova": "defers where the decision-maker is likelier to be right than the model, by one-vs-all losses",
    "realizable": "defers where asking has the largest score, by the expected joint error itself",
    "two-stage": "defers where a second network scores asking above the class of a model that is fixed",
}
"""What a model is trained to do, and what it does then: the paper's methods, then the field's."""

PAPER_METHODS: tuple[Method, ...] = ("binary", "reject", "defer")

DEFAULT_METHODS: tuple[Method, ...] = (*PAPER_METHODS, "confidence", "compare", "ce")
"""What is compared unless a study says otherwise: the paper's methods and the field's best."""

PLAIN_MODEL = "mlp"
"""The model of the baseline, which others are compared with, unless a study is about a given one."""

GIVEN_MODEL = "given"
"""The model that the user has already: a column of the table."""

BASELINE_MODELS = (GIVEN_MODEL, PLAIN_MODEL)
"""The models that the baseline may have: the first of these that a study has."""

METRICS = (
    "error",
    "di",
    "di_y0",
    "di_y1",
    "idk_rate",
    "idk_rate_a0",
    "idk_rate_a1",
    "error_a0",
    "error_a1",
    "model_error",
    "dm_error",
    "balanced_error",
    "fpr",
    "fnr",
    "cost",
)
"""What is measured of the joint system on every split, by hard decisions."""


class Costs(NamedTuple):
    """What a wrong positive, a wrong negative and a deferral cost, whoever is wrong."""

    false_positive: float = 1.0
    false_negative: float = 1.0
    deferral: float = 0.0

    @staticmethod
    def of(study: Mapping[str, Any]) -> "Costs":
        """Return those of a resolved study file."""
        return Costs(**study.get("costs") or {})

    @property
    def metric(self) -> Literal["error", "cost"]:
        """What is minimised unless something else is asked for: the error rate, where that is the cost."""
        return "error" if self == UNIT_COSTS else "cost"

    @property
    def dearest(self) -> float:
        """What the worse of the two errors costs."""
        return max(self.false_positive, self.false_negative)

    def __str__(self) -> str:
        """Say them in words."""
        return (
            f"a false positive costs {self.false_positive:g}, a false negative {self.false_negative:g}, "
            f"a deferral {self.deferral:g}"
        )


UNIT_COSTS = Costs()
"""Every error counts one, and a deferral nothing: the cost is the error rate."""

CELL_NAMES = ("a0_y0", "a0_y1", "a1_y0", "a1_y1")
"""The cells by group A and outcome Y, in the order in which everything is counted."""

CELL_COUNTS = ("cases", "deferred", "model_errors", "dm_errors")
"""What is counted in every cell of every split; every metric follows from these."""


def cell_columns(split: str) -> list[str]:
    """Return the ledger's columns of a split's counts, count by count and cell by cell."""
    return [f"{split}_{count}_{cell}" for count in CELL_COUNTS for cell in CELL_NAMES]


AREAS = tuple(f"{split}_aurc" for split in SPLITS)
"""The area under the risk-coverage curve of a method that may defer, on every split."""


class Measured(NamedTuple):
    """A metric that can be limited and minimised: the ledger's name after the split, and a person's."""

    column: str
    name: str


Objective = Literal["error", "di", "idk", "balanced-error", "fpr", "fnr", "cost"]
MEASURED: dict[Objective, Measured] = {
    "error": Measured("error", "error"),
    "di": Measured("di", "odds difference"),
    "idk": Measured("idk_rate", "deferral rate"),
    "balanced-error": Measured("balanced_error", "balanced error"),
    "fpr": Measured("fpr", "false positive rate"),
    "fnr": Measured("fnr", "false negative rate"),
    "cost": Measured("cost", "cost per case"),
}
"""By its word: ``--max-WORD`` and ``--minimise WORD`` on the command line, ``max_word`` in Python."""

THRESHOLDS = ("t0_a0", "t1_a0", "t0_a1", "t1_a1")
"""The ledger's threshold columns: a lower and an upper one for each group."""

QUANTILES = ("q0_a0", "q1_a0", "q0_a1", "q1_a1")
"""What a search proposes where it chooses thresholds: the place of each among the training scores."""

_COMPAS = (("not African-American", "African-American"), ("no new offence", "new offence"))
NAMES = {
    "compas": _COMPAS,
    "compas-two-year": _COMPAS,
    "health": (("under 70", "70 or older"), ("Charlson index 0", "Charlson index above 0")),
}
"""What the values of A and of Y are called in the data sets that the project knows."""

NO_DECISION_MAKER = "none"
"""The decision-maker of a method that never defers."""

FAILED = "failed"
"""The status of a run that could not be trained; its ``reason`` says why, and it has no metrics."""


class Arm(NamedTuple):
    """What a search explores on its own: one method with one model and one decision-maker."""

    method: str
    model: str
    decision_maker: str
    split: int = 0
    """Which of the study's splits of the data it is trained and tested on."""

    def __str__(self) -> str:
        """Return a name that tells this arm from a study's others, fit for a file name."""
        return "-".join(self[:3]) + (f"-split{self.split}" if self.split else "")


BASELINE = Arm("binary", PLAIN_MODEL, NO_DECISION_MAKER)
"""The arm of a binary model trained for accuracy alone (paper, Figure 3), which every study has, or of
the given model that it is about."""
