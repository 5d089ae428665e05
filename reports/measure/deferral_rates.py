"""Deferral rates: their distribution over settings, and how they depend on gamma."""

from typing import Final

import numpy as np
import pandas as pd

from study.results.settings import GROUP, in_reading_order

# Divided, not a linspace: 29/100 is the double that is read as 0.29.
CUTOFFS: Final = np.arange(101) / 100
RATES: Final = {"all": "test_idk_rate", "0": "test_idk_rate_a0", "1": "test_idk_rate_a1"}


def deferral_cdf(settings: pd.DataFrame) -> pd.DataFrame:
    """Distribution of deferral rates over settings (the paper's Figure 6): the contract's `idk_cdf.csv`.

    Columns method, model, decision_maker, group (`all`, or the value of A: `0`, `1`), cutoff (0, 0.01,
    ... 1) and fraction: the share of the settings whose median test deferral rate in that group is at or
    below the cutoff, in this order. A setting with a NaN rate is not counted; a curve without settings is
    left out, and so is `binary`, which never defers.
    """
    columns = [*GROUP, "group", "cutoff", "fraction"]
    parts = []
    chosen = in_reading_order(settings[settings["method"] != "binary"], GROUP)
    for key, rows in chosen.groupby(GROUP, sort=False, observed=True, dropna=False):
        for group, column in RATES.items():
            rates = np.sort(rows[column].dropna().to_numpy(np.float64))
            if not len(rates):
                continue
            fraction = np.searchsorted(rates, CUTOFFS, side="right") / len(rates)
            values = [*key, group, CUTOFFS, fraction]
            parts.append(pd.DataFrame(dict(zip(columns, values, strict=True))))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def deferral_by_gamma(settings: pd.DataFrame, bins: int = 15) -> pd.DataFrame:
    """What deferral rate to expect of a gamma, from validation so that it may guide a choice.

    A group with more different gammas than ``bins`` is cut into so many bins of equally many settings;
    else one bin per gamma. Columns method, model, decision_maker, gamma (median in the bin), and the
    median `idk_rate` with its quartiles `lower` and `upper`, sorted by the first four. Settings with a
    NaN gamma or rate are not counted; `binary` has no gamma and is left out.
    """
    rate = "validation_idk_rate"
    chosen = settings[settings["method"] != "binary"].dropna(subset=["gamma", rate])
    chosen = in_reading_order(chosen, [*GROUP, "gamma", rate])
    groups = chosen.groupby(GROUP, sort=False, observed=True, dropna=False)["gamma"]
    by_count = groups.cumcount() * bins // groups.transform("size")
    by_value = pd.factorize(chosen["gamma"], sort=True)[0]
    bin_ = np.where(groups.transform("nunique") > bins, by_count, by_value)
    binned = chosen.groupby([*GROUP, pd.Series(bin_, name="bin")], sort=False, observed=True, dropna=False)
    summary = binned.agg(gamma=("gamma", "median"), idk_rate=(rate, "median"))
    quartiles = binned[rate].quantile(np.array([0.25, 0.75])).unstack()
    if quartiles.empty:
        quartiles = pd.DataFrame(columns=[0.25, 0.75], dtype="float64")
    summary = summary.assign(lower=quartiles.get(0.25), upper=quartiles.get(0.75))
    return summary.reset_index().drop(columns="bin")
