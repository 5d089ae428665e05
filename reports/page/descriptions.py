"""What each figure shows, in words and with its key figures, for those who cannot see it."""

import pandas as pd

from study.reports.measure.panels import deciding_on_test, panel_baselines, panel_rows
from study.reports.measure.reductions import Reductions
from study.results.fronts import BANDS
from study.results.wording import counted
from study.words import NO_DECISION_MAKER


def of_plane(reduced: Reductions, alone: pd.DataFrame, *, model: str) -> str:
    """Of the error-DI plane of one model: the range of every honest front, baseline and DMs."""
    honest = reduced.fronts[reduced.fronts["front"] == "honest"]
    shown = pd.concat([panel_rows(honest, model, name) for name in reduced.names])
    said = [f"Error rate against disparate impact of the model {model}."]
    tested = deciding_on_test(reduced.settings)
    said += [
        f"What was trained with {name} is tested with {test}."
        for name, test in tested.items()
        if name != test
    ]
    said += _ranges(shown.drop_duplicates(), "The honest front of {}")
    base = panel_baselines(reduced.settings, model).dropna(subset=["test_error", "test_di"])
    points = [("baseline", row.test_error, row.test_di) for row in base.itertuples()]
    on_test = alone[(alone["split"] == "test") & alone["decision_maker"].isin(list(tested.values()))]
    points += [
        (f"decision-maker {row.decision_maker} alone", row.error, row.di) for row in on_test.itertuples()
    ]
    said += [f"The {what} has error {error:.3f} and DI {di:.3f}." for what, error, di in points]
    return " ".join(said)


def of_bands(band_fronts: pd.DataFrame, *, kind: str, model: str) -> str:
    """Of the same plane by IDK rate: the range of every front in every band."""
    own = band_fronts[(band_fronts["front"] == kind) & band_fronts["model"].eq(model)]
    lead = (
        f"Error rate against disparate impact of the model {model}, the {kind} front among settings "
        f"of {', '.join(BANDS)} IDK rate."
    )
    said = [_ranges(own[own["band"] == band], f"At {band} IDK rate, {{}}") for band in BANDS]
    return " ".join([lead, *(text for texts in said for text in texts)])


def of_cdf(curves: pd.DataFrame, *, model: str) -> str:
    """Of the distribution of IDK rates: how many settings defer little, and how many nearly all."""
    own = curves[curves["model"] == model]
    said = [f"Distribution of the IDK rate over the settings of the model {model}."]
    for (method, name), rows in own.groupby(["method", "decision_maker"], sort=False):
        parts = []
        for group, curve in rows.groupby("group", sort=False):
            # Half of the settings are at or below the first cutoff that half of them reach.
            middle = curve.loc[curve["fraction"] >= 0.5, "cutoff"].min()
            whom = "everyone" if group == "all" else f"A = {group}"
            parts.append(f"{100 * middle:.0f} % for {whom}")
        said.append(f"Half of the settings of {method} with {name} stay within {', '.join(parts)}.")
    return " ".join(said)


def of_gamma(curves: pd.DataFrame, *, model: str) -> str:
    """Of the IDK rate against gamma: its value at both ends of the range."""
    own = curves[curves["model"] == model]
    said = [f"Median IDK rate of the model {model} against gamma."]
    for (method, name), rows in own.groupby(["method", "decision_maker"], sort=False):
        ends = rows.sort_values("gamma")[["gamma", "idk_rate"]].to_numpy(float)[[0, -1]]
        low, high = (f"{100 * rate:.0f} % at gamma {gamma:.3g}" for gamma, rate in ends)
        said.append(f"Of {method} with {name}, it goes from {low} to {high}.")
    return " ".join(said)


def of_alpha(curves: pd.DataFrame) -> str:
    """Of binary models against alpha: median DI and error rate at both ends of the range."""
    said = ["Disparate impact and error rate of binary models against alpha, every run and their medians."]
    for model, rows in curves.groupby("model", sort=False):
        ends = rows.sort_values("alpha")[["alpha", "di", "error"]].to_numpy(float)[[0, -1]]
        (low, *before), (high, *after) = ends
        di, error = (f"from {old:.3f} to {new:.3f}" for old, new in zip(before, after, strict=True))
        said.append(
            f"From alpha {low:.3g} to {high:.3g}, median DI of the model {model} goes {di}, its median "
            f"error {error}."
        )
    return " ".join(said)


def of_differences(differences: pd.DataFrame) -> str:
    """Of the differences between methods: each with its intervals."""
    said = ["Differences between the hypervolumes of the methods’ honest fronts."]
    for row in differences.to_dict("records"):
        ends = [
            f"95 % over {over} {row[f'{key}_low']:.4f} to {row[f'{key}_high']:.4f}"
            for over, key in (("seeds", "seeds"), ("people", "test"))
            if row[f"{key}_low"] == row[f"{key}_low"]
        ]
        estimate = f"{row['estimate']:.4f}"
        pair = f"{row['first']} less {row['second']}"
        who = f"{pair} (model {row['model']}, decision-maker {row['decision_maker']})"
        said.append(f"{who}: {', '.join([estimate, *ends])}.")
    return " ".join(said)


def _ranges(fronts: pd.DataFrame, lead: str) -> list[str]:
    known = fronts.dropna(subset=["error", "di"])
    return [
        f"{lead.format(_who(method, name))} has {counted(len(front), 'point')}, error "
        f"{front['error'].min():.3f} to {front['error'].max():.3f}, DI {front['di'].min():.3f} to "
        f"{front['di'].max():.3f}."
        for (method, name), front in known.groupby(["method", "decision_maker"], sort=False)
    ]


def _who(method: object, name: object) -> str:
    return str(method) if name == NO_DECISION_MAKER else f"{method} with {name}"
