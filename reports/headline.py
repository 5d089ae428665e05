"""What a study comes to: for every decision-maker, one operating point of each method."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from reports.fronts import MORE_COLUMNS
from reports.fronts import fronts as fronts_of
from reports.hypervolume import defer_minus_reject
from reports.panels import (
    NO_DECISION_MAKER,
    baselines,
    deciding_on_test,
    decision_maker_alone,
    decision_makers_shown,
)
from reports.reduce import in_reading_order
from reports.wording import share

SPOKEN = {
    "binary": "a binary model trained to be fair",
    "reject": "rejecting",
    "defer": "deferring",
    "baseline": "the baseline, trained for accuracy only,",
    "decision-maker": "the decision-maker alone",
}


def operating_points(
    settings: pd.DataFrame, decision_makers: pd.DataFrame, fronts: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One point of each method for every decision-maker, and what to compare it with.

    The point is the setting with the smallest sum of validation error and validation DI, over all
    models, on the honest front; the figures shown are its test medians. So nothing is chosen by
    the figures that are shown.

    Args:
        settings: as `medians_by_setting` returns them.
        decision_makers: as in `Results`.
        fronts: as `fronts.fronts(settings)` returns them, if at hand.

    Returns:
        Columns decision_maker, what (`defer`, `reject`, `binary`, another method, `baseline`: the
        binary setting with alpha 0 of the smallest validation error, `decision-maker`: alone, the
        one whose decisions count on test), model, error, di, idk_rate, alpha, gamma, model_alpha
        (where `fronts` has it), setting_id. What does not exist has no row. Ties go to the smallest
        `setting_id`.
    """
    fronts = fronts_of(settings) if fronts is None else fronts
    honest = fronts[fronts["front"] == "honest"]
    cost = honest["validation_error"] + honest["validation_di"]
    honest = honest.assign(cost=cost, what=honest["method"]).sort_values(["cost", "setting_id"])
    best = honest.drop_duplicates(["method", "decision_maker"])
    best = in_reading_order(best, ["method"])[::-1]

    base = baselines(settings).sort_values(["validation_error", "setting_id"]).head(1)
    base = base.rename(columns={f"test_{c}": c for c in ("error", "di", "idk_rate")})
    base = base.assign(what="baseline")

    more = [column for column in MORE_COLUMNS if column in fronts]
    columns = ["what", "model", "error", "di", "idk_rate", "alpha", "gamma", *more, "setting_id"]
    tested = deciding_on_test(settings)
    parts = []
    for name in decision_makers_shown(settings):
        own = best[best["decision_maker"].isin([name, NO_DECISION_MAKER])]
        alone = decision_maker_alone(decision_makers, tested[name]).assign(what="decision-maker")
        alone = alone[["what", "error", "di"]].assign(idk_rate=1.0)
        rows = [part.reindex(columns=columns) for part in (own, base, alone) if len(part)]
        parts += [part.assign(decision_maker=name) for part in rows]
    columns = ["decision_maker", *columns]
    if not parts:
        return pd.DataFrame(columns=columns)
    records = [record for part in parts for record in part.to_dict("records")]
    return pd.DataFrame(records, columns=columns)


def sentences(
    points: pd.DataFrame, areas: pd.DataFrame | None = None, tested: Mapping[str, str] | None = None
) -> list[str]:
    """What `operating_points` found, in words: one entry per decision-maker.

    Only figures from the tables; a point whose error or DI is NaN is not mentioned, and a
    decision-maker with no point of any method gets no entry.

    Args:
        points: as `operating_points` returns them.
        areas: as `hypervolumes` returns them; with them an entry also says whose honest front
            dominates more, as one point of each method may say the opposite of the whole fronts.
        tested: as `deciding_on_test` returns it; a decision-maker that is not in it is itself the one
            whose decisions count on test.
    """
    said = []
    points = points.dropna(subset=["error", "di"])
    for name, rows in points.groupby("decision_maker", sort=False):
        given = rows["what"].isin(["baseline", "decision-maker"])
        asked, known = ([*map(_reaches, part.to_dict("records"))] for part in (rows[~given], rows[given]))
        if not asked:
            continue
        entry = [f"{_with(str(name), (tested or {}).get(str(name), name))}{'; '.join(asked)}."]
        entry += [f"For comparison, {' and '.join(known)}."] if known else []
        entry += [] if areas is None else _whole_fronts(areas, str(name))
        said.append(" ".join(_capitalised(sentence) for sentence in entry))
    return said


def _with(name: str, test_name: object) -> str:
    if name == NO_DECISION_MAKER:
        return ""
    if name == test_name:
        return f"With the decision-maker “{name}”, "
    return f"Trained with the decision-maker “{name}” and tested with “{test_name}”, "


def _reaches(row: dict[Hashable, Any]) -> str:
    what, error, di = str(row["what"]), float(row["error"]), float(row["di"])
    spoken = SPOKEN.get(what, what)
    if what in ("baseline", "decision-maker"):
        return f"{spoken} has error {error:.3f} and DI {di:.3f}"
    reached = f"{spoken} reaches error {error:.3f} at DI {di:.3f}"
    idk_rate = float(row["idk_rate"])
    if what == "binary" or math.isnan(idk_rate):
        return reached
    return f"{reached} and leaves {share(idk_rate)} of cases to the decision-maker"


def _whole_fronts(areas: pd.DataFrame, name: str) -> list[str]:
    own = areas[(areas["front"] == "honest") & (areas["decision_maker"] == name)]
    found: dict[str, list[str]] = {"more than": [], "as much as": [], "less than": []}
    both = defer_minus_reject(areas)
    for row in both[both["decision_maker"] == name].itertuples():
        of_model = own[own["model"] == row.model].set_index("method")["hypervolume"]
        defer, reject = (f"{of_model[method]:.4f}" for method in ("defer", "reject"))
        which = "more than" if defer > reject else "less than" if defer < reject else "as much as"
        found[which].append(f"{defer} against {reject} (model {row.model})")
    compared = [f"{which} rejecting: hypervolume {', '.join(of)}" for which, of in found.items() if of]
    return [f"over the whole honest front, deferring dominates {'; '.join(compared)}."] if compared else []


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
