"""Which rows belong into one figure, and into its panel of one decision-maker.

A binary model never defers: its rows carry the decision-maker `none`, and stand next to those of
every decision-maker.
"""

from collections.abc import Iterable

import pandas as pd

from study.words import GIVEN_MODEL, NO_DECISION_MAKER, PLAIN_MODEL

Models = tuple[str, ...]
"""The models of one figure, in alphabetical order."""


def models_shown(settings: pd.DataFrame) -> list[Models]:
    """The models of each figure: all in one where every method has one model, else each in its own.

    They are those that may defer; where there are none, the binary ones. Of the latter, one that was only
    trained for accuracy (alpha 0) has no front to show, and is left out unless that is all there is.
    """
    deferring = settings[settings["method"] != "binary"]
    searched = settings[settings["alpha"] != 0]
    shown = next((part for part in (deferring, searched) if len(part)), settings)
    models = sorted(shown["model"].dropna().unique())
    together = bool(models) and (shown.groupby("method")["model"].nunique() == 1).all()
    return [tuple(models)] if together else [(model,) for model in models]


def in_words(models: Models) -> str:
    """What a figure is about, in the middle of a sentence."""
    return f"the model {models[0]}" if len(models) == 1 else f"the models {', '.join(models)}"


def decision_makers_shown(settings: pd.DataFrame) -> list[str]:
    """Decision-makers of these settings, `standard` and `biased` first; `none` only if alone."""
    names = set(settings["decision_maker"].dropna().unique())
    return in_usual_order(names - {NO_DECISION_MAKER}) or sorted(names)


def in_usual_order(names: Iterable[str]) -> list[str]:
    """Decision-makers, `standard` and `biased` first, others by name."""
    return sorted(names, key=lambda name: (name != "standard", name != "biased", name))


def panel_rows(frame: pd.DataFrame, models: Models, decision_maker: str) -> pd.DataFrame:
    """Rows of the panel: those of the models and decision-maker, and the binary ones.

    Args:
        frame: settings or fronts, with columns method, model and decision_maker.
        models: a single model's binary rows are its own; of several models, and where it has none, they are
            those of the plain `mlp`, or else of the alphabetically first model that has.
        decision_maker: of the rows that are not binary.
    """
    binary = frame["method"] == "binary"
    binary_model = nearest_model(models, frame.loc[binary, "model"])
    own = frame["model"].isin(models) & (frame["decision_maker"] == decision_maker) & ~binary
    return frame[own | (binary & (frame["model"] == binary_model))]


def baselines(settings: pd.DataFrame) -> pd.DataFrame:
    """Settings trained only for accuracy: `binary` with alpha 0 (red square in Figure 3).

    In a study about a given model it is that model alone.
    """
    result = settings[(settings["method"] == "binary") & (settings["alpha"] == 0)]
    given = result["model"] == GIVEN_MODEL
    return result[given] if given.any() else result


def panel_baselines(settings: pd.DataFrame, models: Models) -> pd.DataFrame:
    """The baselines of the model whose binary rows `panel_rows` takes."""
    result = baselines(settings)
    return result[result["model"] == nearest_model(models, result["model"])]


def deciding_on_test(settings: pd.DataFrame) -> dict[str, str]:
    """For every decision-maker that models were trained with, the one whose decisions count on test.

    Another one only in a study like the paper's Figure 9.
    """
    pairs = settings[["decision_maker", "test_decision_maker"]].drop_duplicates("decision_maker")
    return {str(name): str(test) for name, test in pairs.itertuples(index=False, name=None)}


def decision_maker_alone(decision_makers: pd.DataFrame, name: str) -> pd.DataFrame:
    """A decision-maker's row on the test split (yellow circle in Figure 3), if there is one."""
    own = (decision_makers["decision_maker"] == name) & (decision_makers["split"] == "test")
    return decision_makers[own].head(1)


def nearest_model(models: Models, among: pd.Series) -> str:
    """A single model itself where it is there, else the plain one, else the alphabetically first."""
    known = sorted(among.dropna().unique())
    wanted = (*(models if len(models) == 1 else ()), PLAIN_MODEL, *known)
    return next((name for name in wanted if name in known), models[0])
