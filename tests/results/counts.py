"""Counts by cell on validation for made-up rows of the ledger."""

import pandas as pd

from study.words import CELL_NAMES, cell_columns


def with_counts(
    runs: pd.DataFrame, wrong: tuple[int, int, int, int] = (10, 10, 10, 10), cases: int = 50
) -> pd.DataFrame:
    """Rows of models that keep the ``cases`` validation cases of every cell, so many of them wrongly."""
    counts = dict.fromkeys(cell_columns("validation"), 0)
    counts |= {f"validation_cases_{cell}": cases for cell in CELL_NAMES}
    counts |= {f"validation_model_errors_{cell}": n for cell, n in zip(CELL_NAMES, wrong, strict=True)}
    return runs.assign(**counts)
