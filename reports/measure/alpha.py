"""What fairness costs a binary model: odds difference and error against alpha (Figures 7 and 8)."""

from typing import Final

import numpy as np
import pandas as pd

from study.results.settings import in_reading_order

# With fewer different alphas there is no line to speak of.
FEWEST_ALPHAS: Final = 4
# As in the ledger, by the name under which they are shown.
SHOWN: Final = {"di": "test_di", "error": "test_error"}


def binary_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Every run of the models that are trained to `binary` under at least `FEWEST_ALPHAS` different alphas.

    Columns model, alpha, seed, di, error (test metrics), sorted by the first three. Runs without metrics
    (diverged ones) are left out, and do not count.
    """
    columns = ["model", "alpha", "seed"]
    own = runs.loc[runs["method"] == "binary", [*columns, *SHOWN.values()]]
    own = own.rename(columns={long: name for name, long in SHOWN.items()})
    own = own.astype({"alpha": "float64", **dict.fromkeys(SHOWN, "float64")})
    own = own.dropna(subset=["alpha", *SHOWN]).astype({"model": object})
    alphas = own.groupby("model", sort=False)["alpha"].transform("nunique")
    return in_reading_order(own[alphas >= FEWEST_ALPHAS], columns)


def curves_by_alpha(points: pd.DataFrame, bins: int = 16) -> pd.DataFrame:
    """Medians and quartiles over the runs of the same alpha, or of neighbouring ones where these are many.

    A model with more different alphas than ``bins`` besides 0, as in a search, has them cut into so many
    bins of equally many, in order. Columns model, alpha (the median in the bin), runs (how many), then di
    and error: each the median, followed by its quartiles `_lower` and `_upper`. Sorted by model and
    alpha.
    """
    bin_ = points.groupby("model", sort=False)["alpha"].transform(lambda alpha: _bins(alpha, bins))
    groups = points.groupby(["model", bin_.rename("bin")], sort=True)
    parts = [groups["alpha"].median(), groups.size().rename("runs")]
    for name in SHOWN:
        for suffix, quantile in (("", 0.5), ("_lower", 0.25), ("_upper", 0.75)):
            parts.append(groups[name].quantile(quantile).rename(f"{name}{suffix}"))
    curves = pd.concat(parts, axis=1).reset_index().drop(columns="bin")
    return curves.sort_values(["model", "alpha"], ignore_index=True)


def _bins(alpha: pd.Series, bins: int) -> pd.Series:
    values = np.unique(alpha[alpha != 0])
    place = np.searchsorted(values, alpha)
    if len(values) > bins:
        place = place * bins // len(values)
    return pd.Series(np.where(alpha == 0, -1, place), index=alpha.index)
