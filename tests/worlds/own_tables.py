"""A small table of a user's own: people, an outcome, what a judge decided."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from study.data import DatasetSection, load_section
from study.data.dataset import Dataset

ROLES: dict[str, Any] = {
    "path": "cases.csv",
    "label": "bad",
    "sensitive": {"column": "race", "is": "B"},
    "drop": ("case",),
}


def cases(rows: int = 200, seed: int = 1) -> pd.DataFrame:
    """Numbers and categories, some missing; ``judge`` errs in a fifth of the cases."""
    generator = np.random.default_rng(seed)
    skill = generator.normal(size=rows)
    bad = (skill + generator.normal(size=rows) > 0).astype(int)
    income = np.where(generator.random(rows) < 0.1, np.nan, generator.gamma(2, size=rows))
    return pd.DataFrame(
        {
            "case": [f"case {i}" for i in range(rows)],
            "skill": skill,
            "income": income,
            "sex": generator.choice(["f", "m"], rows),
            "city": generator.choice(["x", "y", None], rows, p=[0.5, 0.4, 0.1]),
            "employed": generator.choice([True, False], rows),
            "race": generator.choice(["A", "B", "C"], rows, p=[0.5, 0.4, 0.1]),
            "judge": np.where(generator.random(rows) < 0.8, bad, 1 - bad),
            "sure": np.clip(0.5 + 0.3 * (2 * bad - 1) + 0.1 * generator.normal(size=rows), 0, 1),
            "bad": bad,
        }
    )


def section(
    *, positive: Any = None, combine: str | None = None, decision_maker: Any = None, **roles: Any
) -> DatasetSection:
    """Return the section of a table of ``cases``, its keys as in ROLES but for ``roles``."""
    given = {**ROLES, **roles}
    if positive is not None:
        given["label"] = {"column": given["label"], "positive": positive}
    if decision_maker is not None:
        given["decision_maker"] = {"columns": decision_maker, "combine": combine}
    return DatasetSection.model_validate(given)


def own(frame: pd.DataFrame, **roles: Any) -> Dataset:
    """Return the data set of ``frame``, its columns as in ROLES but for ``roles``."""
    return load_section(section(**roles), frame)


def written(frame: pd.DataFrame, path: Path) -> str:
    frame.to_csv(path, index=False)
    return str(path)
