"""From runs to settings: one row per setting, medians over its seeds."""

from typing import Final

import numpy as np
import pandas as pd

from study.words import AREAS, METHODS, METRICS, THRESHOLDS

KEYS: Final = (
    *("setting_id", "dataset", "method", "model", "decision_maker", "test_decision_maker"),
    *("alpha", "gamma", "model_alpha"),
)
MEDIANS: Final = (
    *(f"{split}_{metric}" for split in ("test", "validation", "train") for metric in METRICS),
    *AREAS,
    "validation_loss",
    *THRESHOLDS,
    *("epochs", "best_epoch", "seconds"),
)
REPLICATE: Final = ["split", "seed"]
"""What tells the runs of a setting apart: the split of the data, and the seed."""
GROUP: Final = ["method", "model", "decision_maker"]
TELLING: Final = 20
"""So many settings of a method say whether its prices span the trade between model and decision-maker."""


def medians_by_setting(runs: pd.DataFrame) -> pd.DataFrame:
    """Reduce runs to settings, "each a median of 5 runs" (section 5 of the paper).

    Of as many columns of the ledger as are at hand: one row per `setting_id`, in its order, with its
    `KEYS`, `seeds` (int64, how many runs it has), and the median over these of every column in `MEDIANS`,
    as float64. It ignores NaN, is NaN where every seed is, and the middle two's mean of an even number.
    """
    codes, ids = pd.factorize(runs["setting_id"], sort=True)
    first = np.unique(codes, return_index=True)[1]
    keys = [key for key in KEYS if key in runs]
    columns = [column for column in MEDIANS if column in runs]
    settings = runs[keys].iloc[first].reset_index(drop=True)
    for key in settings.select_dtypes("category"):
        # Parquet's dictionaries come as categories, which sort by the order of their appearance.
        settings[key] = settings[key].astype(settings[key].cat.categories.dtype)
    settings.insert(len(keys), "seeds", np.bincount(codes, minlength=len(ids)).astype(np.int64))
    # One column after the other: together they are all of a large ledger once more.
    medians = {name: runs[name].astype("float64").groupby(codes).median() for name in columns}
    return pd.concat([settings, pd.DataFrame(medians)], axis=1)


def narrow_trades(runs: pd.DataFrame) -> list[str]:
    """Return a line for every method whose settings cover less than half of the range of deferral rates.

    Rates are medians on validation, and a tenth of their range is covered where a setting has one in it. Of
    a method with fewer than ``TELLING`` settings nothing is said.
    """
    rate = "validation_idk_rate"
    settings = medians_by_setting(runs[["setting_id", *GROUP, rate]]).dropna(subset=[rate])
    lines = []
    for names, own in settings[settings["method"] != "binary"].groupby(GROUP, observed=True):
        tenths = (own[rate] * 10).astype(int).clip(upper=9).nunique()
        if len(own) >= TELLING and tenths < 5:
            method, model, decision_maker = names
            which = f"{method} (model {model}, decision-maker {decision_maker})"
            lines.append(
                f"the settings of {which} cover {tenths} of 10 tenths of the range of deferral rates; half "
                f"of them defer {own[rate].median():.1%} or less: give another range in search.gamma, or "
                "leave it out for a pilot to find one"
            )
    return lines


def of_splits(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """The runs of each split of the data, by its number; of no runs one part."""
    return [own for _, own in runs.groupby("split")] if len(runs) else [runs]


def in_reading_order(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Sort by `by`, where methods come in the paper's order: binary, reject, defer, then others.

    Stable; NaN last. The index is renumbered.
    """

    def sort_key(column: pd.Series) -> pd.Series:
        if column.name != "method":
            return column
        # An unknown method has no rank: it comes after the known ones, by name.
        names = [str(method) for method in column.unique()]
        ranks = {m: list(METHODS).index(m) if m in METHODS else len(METHODS) for m in names}
        return column.map({m: f"{ranks[m]}{m}" for m in names})

    return frame.sort_values(by, key=sort_key, kind="stable", ignore_index=True)
