"""What test cases tell of an exported model beyond its decisions: calibration, and other deferral rates."""

from typing import Any

import numpy as np
import pandas as pd

from study.deploy.model import DeployedModel
from study.deploy.origin import Origin
from study.results.curves import COVERAGES, at_coverage, calibration_error, reliability, risk_coverage
from study.results.outcomes import Outcomes


def quality(model: DeployedModel, origin: Origin, tested: Outcomes) -> dict[str, Any]:
    """Return ``calibration`` and, of a method that may defer, ``risk_coverage``, as plain data.

    Calibration has of each curve of `calibration` the expected calibration ``error`` and the ``bins``.
    ``tested`` holds the model's outcomes on the test rows.
    """
    decided = model.decide_inputs(origin.inputs("test", model))
    maker = model.about["run"]["test_decision_maker"]
    found: dict[str, Any] = {
        "calibration": {
            name: {"error": calibration_error(curve), "bins": curve.to_dict("records")}
            for name, curve in calibration(decided, tested, maker).items()
        }
    }
    if maker in tested.decisions and "benefit" in decided:
        curve = risk_coverage(tested, 0, decided["benefit"].to_numpy(), maker)
        points = [{"coverage": share, **_point(at_coverage(curve, share))} for share in COVERAGES]
        found["risk_coverage"] = {"aurc": float(curve["cost"].mean()), "points": points}
    return found


def calibration(decided: pd.DataFrame, tested: Outcomes, maker: str) -> dict[str, pd.DataFrame]:
    """Return the reliability curves of what a model ``decided`` on the test rows, by column.

    They are of ``probability`` and, where there is one, of ``dm_right``, the probability that the
    decision-maker is right.
    """
    happened = {"probability": tested.label}
    if maker in tested.decisions and "dm_right" in decided:
        happened["dm_right"] = tested.decisions[maker] == tested.label
    return {name: reliability(decided[name].to_numpy(), of) for name, of in happened.items()}


def _point(row: "pd.Series[float]") -> dict[str, float | None]:
    values = {name: float(row[name]) for name in ("error", "di", "random_error")}
    return {name: None if np.isnan(value) else value for name, value in values.items()}
