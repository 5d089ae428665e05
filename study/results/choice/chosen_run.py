"""Choose one run: the best on validation under limits, with its own test metrics."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from study.errors import LedgerError
from study.results.choice.alternatives import Comparison, baseline_of, comparisons
from study.results.choice.candidates import candidates, degenerate, unstable
from study.results.choice.optimism import optimism
from study.results.choice.selection import Metrics, Ranges, Selection
from study.results.files.reading import Broken
from study.results.group_metrics import resampled_cells, spreads
from study.results.limits import NAMES, POINT, Question, best
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of
from study.results.settings import of_splits


def select(
    runs: pd.DataFrame,
    read_outcomes: OutcomeReader,
    question: Question,
    *,
    planned: int,
    broken: Sequence[Broken] = (),
    people: str = "column",
) -> Selection:
    """Return the run with the smallest validation ``minimise`` under the limits; see ``best`` for ties.

    Where no run satisfies the limits, the one whose excess over them sums to least is returned with
    ``satisfies`` False. Degenerate runs are no candidates unless the question says so. Outcomes are read of
    the chosen run, the baseline's, and those that came nearest to being chosen. ``planned`` and ``broken``
    say what of the study ``runs`` lacks, and ``people`` what the decision-maker `column` is called.

    Raises:
        LedgerError: nothing has finished, all runs are degenerate, or the odds difference is needed and
            undefined.
        UserError: a name is not in the ledger.
    """
    among, left_out = candidates(runs, question)
    run = best(among, question)
    if run is None and among["validation_error"].notna().any():
        raise LedgerError(
            "the odds difference is undefined for every run, as a group has validation cases of one "
            "class only; select without --max-di and --minimise di"
        )
    if run is None:
        left_out_files = "".join(f"; left out: {item}" for item in broken[:1])
        raise LedgerError(f"no run has finished yet, there is nothing to select from{left_out_files}")
    among = among[among["split"] == run["split"]]
    known: dict[str, Any] = {"planned": planned, "broken": broken, "people": people}
    return described(run, runs, read_outcomes, question, among, left_out, **known)


def described(
    run: "pd.Series[Any]",
    runs: pd.DataFrame,
    read_outcomes: OutcomeReader,
    question: Question,
    among: pd.DataFrame,
    left_out: int,
    *,
    planned: int,
    broken: Sequence[Broken] = (),
    people: str = "column",
) -> Selection:
    """Return a run as the answer to a question.

    Args:
        run: the run, a row of the ledger.
        runs: the ledger.
        read_outcomes: reads those of the run, the baseline's, and those nearest to being chosen.
        question: what is asked.
        among: the candidates of the run's split.
        left_out: how many degenerate runs are not among the candidates.
        planned, broken, people: as for ``select``.
    """
    defined = [column for column in POINT if pd.notna(run[column])]
    of_setting = runs[runs["setting_id"] == run["setting_id"]].dropna(subset=defined)
    own = of_setting[of_setting["run_id"] == run["run_id"]]
    unread: list[str] = []
    tested = _tested(own, baseline_of(runs, run), question, read_outcomes, unread)
    bias = _optimism(among, question, read_outcomes, unread)
    over = question.excess({name: run[f"validation_{name}"] for name in NAMES})
    return Selection(
        satisfies=not any(excess > 0 for excess in over.values()),
        setting_id=run["setting_id"],
        run_id=run["run_id"],
        seed=int(run["seed"]),
        split=int(run.get("split", 0)),
        splits=len(of_splits(of_setting)),
        dataset=run["dataset"],
        method=run["method"],
        model=run["model"],
        decision_maker=run["decision_maker"],
        alpha=float(run["alpha"]),
        gamma=_number(run["gamma"]),
        validation=_metrics(run, "validation"),
        test=_metrics(run, "test"),
        test_interval={name: tested.intervals.get(name) for name in NAMES},
        seeds=len(of_setting),
        validation_seeds=_range(of_setting, "validation"),
        test_seeds=_range(of_setting, "test"),
        unstable=bool(unstable(of_setting).any()),
        degenerate=bool(degenerate(own)[0]),
        degenerate_left_out=left_out,
        comparisons=tested.comparisons,
        optimism=bias,
        exceeded={NAMES[name]: float(excess) for name, excess in over.items() if excess > 0},
        no_interval=tested.missing,
        units=tested.units,
        finished=len(runs),
        planned=planned,
        broken=tuple(broken),
        unread=tuple(dict.fromkeys(unread)),
        people=people,
    )


class _Tested(NamedTuple):
    """What the test cases say of a run: or why they say nothing."""

    intervals: Ranges
    comparisons: tuple[Comparison, ...]
    units: str
    missing: str


def _tested(
    own: pd.DataFrame,
    baseline: pd.DataFrame,
    question: Question,
    read_outcomes: OutcomeReader,
    unread: list[str],
) -> _Tested:
    """Return what the test cases say of a run; ``unread`` gets why it is not compared with the baseline."""
    rows = pd.concat([own, baseline[~baseline["run_id"].isin(own["run_id"])]])
    try:
        outcomes = outcomes_of(read_outcomes, rows)
    except (MissingOutcomesError, LedgerError) as error:
        if len(rows) > 1:
            unread.append(str(error))
            return _tested(own, own, question, read_outcomes, unread)
        if isinstance(error, LedgerError):
            raise
        return _Tested({}, (), "", str(error))
    decision_makers = rows["test_decision_maker"].tolist()
    chosen = outcomes.take(np.array([0]))
    found = spreads(chosen, decision_makers[0], resampled_cells(outcomes))
    intervals = {name: spread.test_set for name, spread in found.items()}
    alone = question.among.get("decision_maker", "")
    others = comparisons(outcomes, decision_makers, baseline=rows["run_id"].tolist()[1:], alone=alone)
    return _Tested(intervals, others, outcomes.units, "")


def _optimism(
    among: pd.DataFrame, question: Question, read_outcomes: OutcomeReader, unread: list[str]
) -> Mapping[str, float]:
    """Return what is known of it; ``unread`` gets which of the rivals' outcomes are damaged."""
    try:
        return optimism(among, question, read_outcomes)
    except (MissingOutcomesError, LedgerError) as error:
        unread.append(str(error))
        return {}


def _range(own: pd.DataFrame, split: str) -> Ranges:
    columns = {name: own[f"{split}_{name}"].dropna() for name in NAMES}
    return {n: (float(v.min()), float(v.max())) if len(v) else None for n, v in columns.items()}


def _metrics(run: "pd.Series[Any]", split: str) -> Metrics:
    return {name: _number(run[f"{split}_{name}"]) for name in NAMES}


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
