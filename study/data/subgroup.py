"""Rows that a condition such as ``age <= 35`` selects: those on whom a decision-maker is worse."""

import math
import operator
import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from study.data.dataset import Dataset
from study.data.raw_values import Bool, Float64
from study.errors import DataError

OPERATORS: Mapping[str, Callable[[Float64, float], Bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
# The number holds no sign of comparison, so a column's name may: "Charlson>0 == 1".
CONDITION = re.compile(r"(?P<column>.*?)(?P<sign><=|>=|==|!=|<|>)(?P<number>[^<>=!]*)", re.DOTALL)


def subgroup(dataset: Dataset, where: str) -> Bool:
    """Return the rows of ``dataset`` that fulfil ``where``: bool (N,), in the order of its arrays.

    ``where`` is a column, one of OPERATORS, and a finite number, as in ``age <= 35``. The column is a
    feature, ``sensitive`` or one that only the decision-maker sees, with its values before standardising;
    blanks around its name do not count. Raises DataError for anything else, and where no row or every row
    is selected.
    """
    parts = CONDITION.fullmatch(where)
    number = pd.to_numeric(parts["number"], errors="coerce") if parts else math.nan
    if parts is None or not math.isfinite(number):
        raise DataError(
            f"where: {where!r} is not allowed; a column, one of {', '.join(OPERATORS)}, and a finite "
            "number are, such as 'age <= 35'"
        )
    table = dataset.table
    allowed = (*table.feature_names, "sensitive", *table.dm_only_names)
    named = [name for name in allowed if name.strip() == parts["column"].strip()]
    if len(named) != 1:
        raise DataError(
            f"where: {where!r}: column {parts['column'].strip()!r} is not allowed; "
            f"allowed are {', '.join(allowed)}"
        )
    values = pd.to_numeric(table.frame[named[0]]).to_numpy(dtype=np.float64)
    selected = OPERATORS[parts["sign"]](values, number)
    if selected.all() or not selected.any():
        raise DataError(
            f"where: {where!r} selects {'every' if selected.all() else 'no'} row; {named[0]} is "
            f"{values.min():g} to {values.max():g} here, and a part of the {len(values):,} rows is allowed"
        )
    return selected
