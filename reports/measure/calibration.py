"""Whether the probabilities of the runs that the page chooses mean what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from study.errors import DataError, LedgerError
from study.results.choice.selection import Selection
from study.results.curves import calibration_error
from study.results.study_results import CalibrationReader

WHAT: Final = {
    "probability": "the outcome’s probability",
    "dm_right": "the probability that the decision-maker is right",
}
COLUMNS: Final = ("decision_maker", "run_id", "what", "error", "mean", "share", "cases")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Reliability curves on test.

    Attributes:
        frame: `COLUMNS`, a row per decision-maker, probability (a key of `WHAT`) and bin: the expected
            calibration error of all bins; of each the mean probability, in which share of the cases it
            happened, and how many these are.
        missing: why there are none of some runs; empty if there are all.
    """

    frame: pd.DataFrame
    missing: str


def calibration_of(choices: Mapping[str, Selection], read: CalibrationReader) -> Calibration:
    """The curves of the runs that are chosen for each decision-maker."""
    parts, missing = [], ""
    for name, choice in choices.items():
        try:
            curves = read(choice.run_id)
        except (LedgerError, DataError) as error:
            missing = str(error)
            continue
        for what, curve in curves.items():
            about = {"decision_maker": name, "run_id": choice.run_id, "what": what}
            parts.append(curve.assign(**about, error=calibration_error(curve))[list(COLUMNS)])
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    return Calibration(frame, missing)
