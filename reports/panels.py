"""Which rows belong into the picture of one model and one decision-maker.

A binary model never defers: its rows carry the decision-maker `none`, and stand beside those of
every decision-maker.
"""

from collections.abc import Iterable
from typing import Final

import pandas as pd

NO_DECISION_MAKER: Final = "none"


def models_shown(settings: pd.DataFrame) -> list[str]:
    """Models that may say IDK, in alphabetical order; where there are none, the binary ones."""
    deferring = settings[settings["method"] != "binary"]
    shown = deferring if len(deferring) else settings
    return sorted(shown["model"].dropna().unique())


def decision_makers_shown(settings: pd.DataFrame) -> list[str]:
    """Decision-makers of these settings, `standard` and `biased` first; `none` only if alone."""
    names = set(settings["decision_maker"].dropna().unique())
    return in_usual_order(names - {NO_DECISION_MAKER}) or sorted(names)


def in_usual_order(names: Iterable[str]) -> list[str]:
    """Decision-makers, `standard` and `biased` first, others by name."""
    return sorted(names, key=lambda name: (name != "standard", name != "biased", name))


def panel_rows(frame: pd.DataFrame, model: str, decision_maker: str) -> pd.DataFrame:
    """Rows of the panel: those of the model and decision-maker, and the binary ones.

    Args:
        frame: settings or fronts, with columns method, model and decision_maker.
        model: the binary rows are this model's, too; where it has none, they are those of the
            alphabetically first model that has.
        decision_maker: of the rows that are not binary.
    """
    binary = frame["method"] == "binary"
    models = sorted(frame.loc[binary, "model"].dropna().unique())
    binary_model = model if model in models else next(iter(models), model)
    own = (frame["model"] == model) & (frame["decision_maker"] == decision_maker) & ~binary
    return frame[own | (binary & (frame["model"] == binary_model))]


def baselines(settings: pd.DataFrame) -> pd.DataFrame:
    """Settings trained only for accuracy: `binary` with alpha 0 (red square in Figure 3)."""
    return settings[(settings["method"] == "binary") & (settings["alpha"] == 0)]


def panel_baselines(settings: pd.DataFrame, model: str) -> pd.DataFrame:
    """The baselines of this model; where it has none, of the alphabetically first that has."""
    found = baselines(settings)
    models = sorted(found["model"].dropna().unique())
    return found[found["model"] == (model if model in models else next(iter(models), model))]


def decision_maker_alone(decision_makers: pd.DataFrame, name: str) -> pd.DataFrame:
    """A decision-maker's row on the test split (yellow circle in Figure 3), if there is one."""
    own = (decision_makers["decision_maker"] == name) & (decision_makers["split"] == "test")
    return decision_makers[own].head(1)
