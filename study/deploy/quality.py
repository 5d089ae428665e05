"""What test cases tell of an exported model beyond its decisions: calibration, and other deferral rates."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from study.deploy.model import DeployedModel
from study.deploy.origin import Origin
from study.results.curves import COVERAGES, at_coverage, calibration_error, reliability, risk_coverage
from study.results.outcomes import Outcomes


def quality(model: DeployedModel, origin: Origin, tested: Outcomes) -> dict[str, Any]:
    """Return ``calibration`` and, of a method that may defer, ``risk_coverage``, as plain data.

    Calibration is that of ``probability`` and, where the model has it, of ``dm_right``, the probability
    that the decision-maker is right: each with its expected calibration ``error`` and the ``bins`` of its
    reliability curve. ``tested`` holds the model's outcomes on the test rows.
    """
    decided = model.decide_inputs(origin.inputs("test", model))
    maker = model.about["run"]["test_decision_maker"]
    calibration = {"probability": _calibration(decided, "probability", tested.label)}
    if maker in tested.decisions and "dm_right" in decided:
        right = tested.decisions[maker] == tested.label
        calibration["dm_right"] = _calibration(decided, "dm_right", right)
    found: dict[str, Any] = {"calibration": calibration}
    if maker in tested.decisions and "benefit" in decided:
        curve = risk_coverage(tested, 0, decided["benefit"].to_numpy(), maker)
        points = [{"coverage": share, **_point(at_coverage(curve, share))} for share in COVERAGES]
        found["risk_coverage"] = {"aurc": float(curve["error"].mean()), "points": points}
    return found


def _calibration(decided: pd.DataFrame, column: str, happened: Any) -> Mapping[str, Any]:
    curve = reliability(decided[column].to_numpy(), happened)
    return {"error": calibration_error(curve), "bins": curve.to_dict("records")}


def _point(row: "pd.Series[float]") -> dict[str, float | None]:
    values = {name: float(row[name]) for name in ("error", "di", "random_error")}
    return {name: None if np.isnan(value) else value for name, value in values.items()}
