"""A small table of somebody's own: people, an outcome, what a judge decided."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from study.data import Group, TableColumns
from study.data.dataset import Dataset
from study.data.own.table import table_dataset

COLUMNS = TableColumns(path="cases.csv", label="bad", sensitive=Group("race", equals="B"), drop=("case",))


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


def own(frame: pd.DataFrame, *, split_seed: int = 0, **roles: Any) -> Dataset:
    """A data set of ``frame``, its columns as in COLUMNS but for ``roles``."""
    columns = dataclasses.replace(COLUMNS, **roles)
    return table_dataset(frame, columns, name="cases", split_seed=split_seed)


def written(frame: pd.DataFrame, path: Path) -> str:
    frame.to_csv(path, index=False)
    return str(path)
