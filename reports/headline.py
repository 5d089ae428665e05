"""What a study comes to: for every decision-maker, one operating point of each method."""

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from reports.fronts import fronts as fronts_of
from reports.panels import NO_DECISION_MAKER, baselines, decision_maker_alone, decision_makers_shown
from reports.reduce import in_reading_order

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
        binary setting with alpha 0 of the smallest validation error, `decision-maker`: alone),
        model, error, di, idk_rate, alpha, gamma, setting_id. What does not exist has no row. Ties
        go to the smallest `setting_id`.
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

    columns = ["what", "model", "error", "di", "idk_rate", "alpha", "gamma", "setting_id"]
    parts = []
    for name in decision_makers_shown(settings):
        own = best[best["decision_maker"].isin([name, NO_DECISION_MAKER])]
        alone = decision_maker_alone(decision_makers, name).assign(what="decision-maker")
        alone = alone[["what", "error", "di"]].assign(idk_rate=1.0)
        rows = [part.reindex(columns=columns) for part in (own, base, alone) if len(part)]
        parts += [part.assign(decision_maker=name) for part in rows]
    columns = ["decision_maker", *columns]
    if not parts:
        return pd.DataFrame(columns=columns)
    records = [record for part in parts for record in part.to_dict("records")]
    return pd.DataFrame(records, columns=columns)


def sentences(points: pd.DataFrame) -> list[str]:
    """One sentence per decision-maker that says what `operating_points` found.

    Only figures from the table; a point whose error or DI is NaN is not mentioned, and a
    decision-maker with no point of any method gets no sentence.
    """
    said = []
    points = points.dropna(subset=["error", "di"])
    for name, rows in points.groupby("decision_maker", sort=False):
        given = rows["what"].isin(["baseline", "decision-maker"])
        asked, known = (
            [f"{SPOKEN.get(r['what'], r['what'])} {_reaches(r)}" for r in part.to_dict("records")]
            for part in (rows[~given], rows[given])
        )
        if not asked:
            continue
        lead = f"With the decision-maker “{name}”, " if name != NO_DECISION_MAKER else ""
        against = f" – against {' and '.join(known)}" if known else ""
        said.append(_capitalised(f"{lead}{'; '.join(asked)}{against}."))
    return said


def _reaches(row: dict[Hashable, Any]) -> str:
    error, di, idk_rate = (float(row[figure]) for figure in ("error", "di", "idk_rate"))
    if row["what"] in ("baseline", "decision-maker"):
        return f"with error {error:.3f} and DI {di:.3f}"
    says_idk = row["what"] != "binary" and not math.isnan(idk_rate)
    idk = f" (saying IDK in {100 * idk_rate:.0f} % of cases)" if says_idk else ""
    return f"reaches error {error:.3f} at DI {di:.3f}{idk}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
