"""Which run a person means by an id, or by the first characters of one."""

import pandas as pd

from study.errors import UserError
from study.results.limits import POINT, Question, best
from study.words import FAILED

NAMING = ["run_id", "setting_id", "seed", "status", *POINT]
"""The columns of the ledger that ``run_named`` needs."""


def run_named(runs: pd.DataFrame, name: str) -> str:
    """Return the id of the run that ``name`` means; ``name`` itself where there is none.

    Args:
        runs: the ledger, with the columns ``NAMING``.
        name: a run's id, a setting's, or the first characters of either. Of a setting it is the run with
            the smallest validation error.

    Raises:
        UserError: several runs or settings begin so.
    """
    if not name or name in set(runs["run_id"]):
        return name
    named = [str(run) for run in runs["run_id"] if str(run).startswith(name)]
    settings = sorted({str(one) for one in runs["setting_id"] if str(one).startswith(name)})
    found = [*(f"run {one}" for one in named), *(f"setting {one}" for one in settings)]
    if len(found) > 1:
        more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
        raise UserError(f"{name}: begins the ids of {', '.join(found[:3])}{more}; give more characters")
    if settings:
        own = runs[(runs["setting_id"] == settings[0]) & (runs["status"] != FAILED)]
        chosen = best(own, Question())
        return name if chosen is None else str(chosen["run_id"])
    return named[0] if named else name
