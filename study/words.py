"""The vocabulary that every room shares: splits, methods, metrics, and what columns are called."""

from typing import Literal, get_args

SPLITS = ("train", "validation", "test")
"""In the order of their codes, 0 to 2."""

Method = Literal["binary", "reject", "defer"]
METHODS: tuple[Method, ...] = get_args(Method)
"""What a model is trained to do, in the paper's order; a binary model never defers."""

PLAIN_MODEL = "mlp"
"""The model of the baseline, which others are compared with."""

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
)
"""What is measured of the joint system on every split, by hard decisions."""

THRESHOLDS = ("t0_a0", "t1_a0", "t0_a1", "t1_a1")
"""The ledger's threshold columns: a lower and an upper one for each group."""

QUANTILES = ("q0_a0", "q1_a0", "q0_a1", "q1_a1")
"""What a search proposes where it chooses thresholds: the place of each among the training scores."""

NO_DECISION_MAKER = "none"
"""The decision-maker of a method that never defers."""

FAILED = "failed"
"""The status of a run that could not be trained; its ``reason`` says why, and it has no metrics."""
