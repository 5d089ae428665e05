"""Choose one run under a guarantee: candidates in an order fixed on validation, tested on test cases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from study.errors import LedgerError
from study.results.choice.candidates import candidates, left_out_words
from study.results.guarantee.bounds import CellCounts, Limit, certified, largest_p_value, upper_bound
from study.results.limits import NAMES, POINT, Question
from study.results.outcomes import (
    Cells,
    MissingOutcomesError,
    OutcomeReader,
    Outcomes,
    decision_makers_wrong,
    outcomes_of,
)
from study.results.wording import as_html
from study.words import MEASURED

# Outcomes are read for so many candidates at a time: testing stops at the first that fails.
BLOCK: Final = 200
SEED_OF_CASES: Final = 0
"""Draws which case of a group counts."""


@dataclass(frozen=True, repr=False)
class Certificate:
    """A run that keeps its limits with a stated confidence, or the first candidate where none does.

    Attributes:
        run: its row of the ledger, as plain data.
        limits: what is guaranteed.
        confidence: with which probability over the draw of the test cases it holds.
        p_value: of the null hypothesis that the run breaks a limit.
        bounds: by metric, the upper confidence bound on the test split.
        cases: how many test cases that is, which are independent of each other.
        groups: of which these are one each, such as `300 groups by person`; empty where all test cases
            are independent.
        certified: how many candidates are certified; 0 where this one is not.
        candidates: how many there were.
        degenerate_left_out: how many runs were none, because they are no better than a constant decision.
    """

    run: Mapping[str, Any]
    limits: tuple[Limit, ...]
    confidence: float
    p_value: float
    bounds: Mapping[str, float]
    cases: int
    groups: str
    certified: int
    candidates: int
    degenerate_left_out: int

    def __repr__(self) -> str:
        """Name the run and what is guaranteed."""
        wanted = " and ".join(map(str, self.limits))
        state = f"at {100 * self.confidence:g} %" if self.satisfies else "not certified"
        return f"Certificate(run {self.run_id}, {wanted} {state})"

    def _repr_html_(self) -> str:
        """Show the run and its bounds in a notebook."""
        bounds = [(f"upper bound of {name}", f"{bound:.4g}") for name, bound in self.bounds.items()]
        state = [("certified", "yes" if self.satisfies else f"no: {self.missed()}")]
        facts = [("confidence", f"{100 * self.confidence:g} %"), ("test cases", f"{self.cases:,}")]
        return as_html(f"run {self.run_id}", [*state, *bounds, *facts])

    @property
    def run_id(self) -> str:
        """The run to export."""
        return str(self.run["run_id"])

    @property
    def satisfies(self) -> bool:
        """Whether the run is certified."""
        return self.certified > 0

    def missed(self) -> str:
        """Return why it is not."""
        wanted = " and ".join(map(str, self.limits))
        delta = 1 - self.confidence
        return f"{wanted}: p = {self.p_value:.3g}, at most {delta:.3g} is needed"

    def statement(self) -> list[str]:
        """Return what is guaranteed, about whom, and what that does to the test metrics, a line each."""
        wanted = " and ".join(map(str, self.limits))
        lines = [
            f"guarantee: with probability {self.confidence:.0%} over the draw of the test cases, this "
            f"run keeps {wanted} for cases and decision-makers like these ({self.certified:,} of "
            f"{self.candidates:,} candidates are certified)"
        ]
        if self.groups:
            lines.append(
                "cases of a group are not independent, so one of each counts, drawn by seed "
                f"{SEED_OF_CASES}: the guarantee is about a random case of a random group"
            )
        return [*lines, "its test metrics chose it, so they are no longer a neutral estimate"]

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as plain data, with the keys of a selection first."""
        names = ("setting_id", "run_id", "method", "model", "decision_maker", "dataset", "alpha", "gamma")
        found = {name: self.run[name] for name in names}
        for split in ("validation", "test"):
            found[split] = {name: self.run[f"{split}_{name}"] for name in NAMES}
        guarantee = {
            "limits": [str(limit) for limit in self.limits],
            "confidence": self.confidence,
            "p_value": self.p_value,
            "upper_bounds": dict(self.bounds),
            "test_cases": self.cases,
            "groups": self.groups or None,
            "certified": self.certified,
            "candidates": self.candidates,
            "degenerate_left_out": self.degenerate_left_out,
            "statement": self.statement() if self.satisfies else [],
        }
        return {**found, "guarantee": guarantee}

    def summary(self) -> str:
        """Return the certificate for a person."""
        run = self.run
        gamma = "" if run["gamma"] is None else f", gamma {run['gamma']:.4g}"
        lines = [
            f"{run['method']} ({run['model']}, decision-maker {run['decision_maker']}), "
            f"alpha {run['alpha']:.4g}{gamma}",
            f"  setting {run['setting_id']}, run {run['run_id']}, seed {run['seed']}",
            f"{'':<20}{'error':>16}{'odds difference':>18}{'deferral rate':>16}",
        ]
        for split in ("validation", "test"):
            values = [run[f"{split}_{name}"] for name in ("error", "di", "idk_rate")]
            cells = ["-" if value is None else f"{value:.3f}" for value in values]
            lines.append(f"  {split:<18}{cells[0]:>16}{cells[1]:>18}{cells[2]:>16}")
        bounds = ", ".join(f"{name} {bound:.3f}" for name, bound in self.bounds.items())
        on = f"one test case of each of {self.groups}" if self.groups else f"{self.cases:,} test cases"
        lines.append(f"  upper bounds at {self.confidence:.0%} on {on}: {bounds}")
        if self.satisfies:
            lines += self.statement()
        if self.degenerate_left_out:
            lines.append(f"  {left_out_words(self.degenerate_left_out)}")
        return "\n".join(lines)


def certify(
    runs: pd.DataFrame,
    read_outcomes: OutcomeReader,
    limits: Sequence[Limit],
    question: Question,
    *,
    confidence: float,
) -> Certificate:
    """Return the certified run with the smallest validation metric that the question minimises.

    Candidates are tested in the order of how far their validation metrics are within the limits, the
    farthest first, and testing stops at the first that fails (fixed-sequence testing). Where none is
    certified, the first candidate is returned, and ``satisfies`` is False. Candidates are those of the
    question, without degenerate ones, whose validation metrics are within its limits.

    Of clusters one case each counts, drawn by `SEED_OF_CASES`. Raises LedgerError where there is no
    candidate, or outcomes are missing, and UserError for a name that is not in the ledger.
    """
    among, left_out = candidates(runs, question)
    known = among.dropna(subset=POINT)
    over = question.excess({name: known[f"validation_{name}"] for name in NAMES})
    known = known[(pd.DataFrame(over, index=known.index) == 0).all(axis=1)]
    if known.empty:
        raise LedgerError("no run within the limits has finished, there is nothing to certify")
    slack = [known[f"validation_{_column(limit)}"] - limit.at_most for limit in limits]
    known = known.assign(_slack=np.max(slack, axis=0)).sort_values(["_slack", *POINT, "run_id"])
    p_values, counts = list[float](), list[CellCounts]()
    for of_run in _counts(known, read_outcomes):
        counts.append(of_run)
        p_values.append(largest_p_value(of_run, limits))
        if p_values[-1] > 1 - confidence:
            break
    number = certified(p_values, 1 - confidence)
    among = known.head(max(number, 1)).reset_index(drop=True)
    chosen = among.sort_values([f"validation_{question.minimise}", *POINT, "run_id"]).index[0]
    bounds = {one.metric: upper_bound(counts[chosen], one.metric, 1 - confidence) for one in limits}
    row = among.drop(columns="_slack").loc[chosen].to_dict()
    return Certificate(
        run={name: None if pd.isna(value) else value for name, value in row.items()},
        limits=tuple(limits),
        confidence=confidence,
        p_value=p_values[chosen],
        bounds=bounds,
        cases=int(counts[chosen].cases.sum()),
        groups=counts[chosen].groups,
        certified=number,
        candidates=len(known),
        degenerate_left_out=left_out,
    )


def _column(limit: Limit) -> str:
    """Return the validation metric by which candidates are ordered for a limit."""
    named = {str(word): metric.column for word, metric in MEASURED.items()}
    return named.get(limit.metric, limit.metric.replace("idk_", "idk_rate_"))


def _counts(runs: pd.DataFrame, read_outcomes: OutcomeReader) -> Iterator[CellCounts]:
    for start in range(0, len(runs), BLOCK):
        block = runs.iloc[start : start + BLOCK]
        try:
            outcomes = outcomes_of(read_outcomes, block)
        except MissingOutcomesError as error:
            raise LedgerError(f"{error}; without it nothing can be certified") from None
        yield from _of_block(outcomes, block["test_decision_maker"].tolist())


def _of_block(outcomes: Outcomes, decision_makers: Sequence[str]) -> Iterator[CellCounts]:
    wrong, code = decision_makers_wrong(outcomes, decision_makers)
    joint = np.where(outcomes.deferred, wrong[code], outcomes.positive != outcomes.label)
    once, groups = np.ones(len(outcomes.label), dtype=np.bool_), ""
    if outcomes.clusters is not None:
        once, groups = outcomes.clusters.one_of_each(SEED_OF_CASES), outcomes.units
    cells = Cells(outcomes, once[None])
    cases = cells.examples[:, 0].astype(np.int64)
    counted = (cells.count(marked)[:, :, 0].astype(np.int64).T for marked in (outcomes.deferred, joint))
    for deferred, errors in zip(*counted, strict=True):
        yield CellCounts(cases, deferred, errors, groups)
