"""Choose one run: the best on validation under limits, with its own test metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from study.errors import LedgerError
from study.results.choice.alternatives import (
    Comparison,
    baseline_of,
    compared_lines,
    comparisons,
    people_first,
)
from study.results.choice.candidates import SWING, candidates, degenerate, left_out_words, unstable
from study.results.choice.optimism import optimism
from study.results.files.reading import Broken
from study.results.group_metrics import resampled_cells, spreads
from study.results.limits import NAMES, OBJECTIVES, POINT, Question, best
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of
from study.results.settings import of_splits
from study.results.wording import as_html, signed, unfinished

Ends = tuple[float, float]
Metrics = Mapping[str, float | None]
Ranges = Mapping[str, Ends | None]


@dataclass(frozen=True, repr=False)
class Selection:
    """A run, and whether it satisfies the limits or only comes nearest to them.

    Attributes:
        satisfies: whether it does.
        run_id: the run; setting_id, seed and split are its own, and so are dataset, method, model,
            decision_maker, alpha and gamma.
        validation, test: the run's own metrics.
        test_interval: of each the 95 % bootstrap interval over the `units` of the test split, None where
            there is none; `no_interval` says why.
        splits: how many splits of the data the setting's runs are from.
        seeds: how many runs its setting has; validation_seeds and test_seeds hold the smallest and largest
            of their metrics: what training once more would change.
        unstable: whether the validation deferral rate of these differs by more than `SWING`.
        degenerate: whether it is no better than a constant decision; only where such runs were asked for.
        degenerate_left_out: how many runs were left out because they are.
        comparisons: the run against what could be done instead, on test.
        optimism: by how much each metric is expected to be worse than on validation, as the run was chosen
            there; empty where it is not known.
        exceeded: by how much each limit is missed.
        people: what the decision-maker `column` is called: its column, or columns.
        finished, planned: where fewer runs have finished than are planned, the choice may change; those in
            `broken` files do not count as finished.
    """

    satisfies: bool
    setting_id: str
    run_id: str
    seed: int
    split: int
    dataset: str
    method: str
    model: str
    decision_maker: str
    alpha: float
    gamma: float | None
    validation: Metrics
    test: Metrics
    test_interval: Ranges
    splits: int
    seeds: int
    validation_seeds: Ranges
    test_seeds: Ranges
    unstable: bool
    degenerate: bool
    degenerate_left_out: int
    comparisons: tuple[Comparison, ...]
    optimism: Mapping[str, float]
    exceeded: Mapping[str, float]
    no_interval: str
    units: str
    finished: int
    planned: int
    broken: tuple[Broken, ...]
    unread: tuple[str, ...] = ()
    people: str = "column"

    def __repr__(self) -> str:
        """Name the run and its test metrics."""
        own = [f"{name} {_written(self.test[name])}" for name in ("error", "di", "idk_rate")]
        kept = "" if self.satisfies else ", limits missed"
        return f"Selection(run {self.run_id}, {self.method} {self.model}, test {', '.join(own)}{kept})"

    def _repr_html_(self) -> str:
        """Show the run and its metrics in a notebook."""
        rows = [
            (title, f"{_written(self.test[name])} ({_written(self.test_interval[name])})")
            for name, title in NAMES.items()
        ]
        head = [("run", self.run_id), ("setting", self.setting_id), ("seed", self.seed)]
        more = [("caution", line) for line in self.cautions()]
        missed = [] if self.satisfies else [("limits missed", self.missed())]
        title = f"{self.method} ({self.model}, decision-maker {self.maker}), test (95 % interval)"
        return as_html(title, [*head, *rows, *missed, *more])

    @property
    def _priced(self) -> bool:
        """Whether errors have costs of their own, as far as this run tells."""
        return self.test["cost"] != self.test["error"]

    @property
    def maker(self) -> str:
        """What the decision-maker is called."""
        return self.people if self.decision_maker == "column" else self.decision_maker

    def to_json(self) -> dict[str, Any]:
        """Return the selection as plain data, the contract's keys first."""
        names = ("setting_id", "run_id", "method", "alpha", "gamma", "validation", "test")
        rest = ("model", "decision_maker", "dataset", "seed", "split", "seeds")
        spread = ("validation_seeds", "test_seeds", "test_interval", "units")
        about = ("unstable", "degenerate", "degenerate_left_out", "finished", "planned")
        data = {name: getattr(self, name) for name in (*names, *rest, *spread, *about)}
        # The run's own under the keys that were its own when the others were medians.
        data |= {"run_validation": self.validation, "run_test": self.test}
        data["comparisons"] = [comparison.to_json() for comparison in self.comparisons]
        data["optimism"] = {name: _number(value) for name, value in self.optimism.items()}
        return {**data, "broken": [str(item.path) for item in self.broken], "unread": list(self.unread)}

    def summary(self) -> str:
        """Return the selection for a person."""
        gamma = "" if self.gamma is None else f", gamma {self.gamma:.4g}"
        word, over = ("runs", "splits and seeds") if self.splits > 1 else ("seeds", "seeds")
        heads = ("validation", "test", "95 % interval", f"validation, {self.seeds} {word}", f"test, {word}")
        lines = [
            *people_first(self.comparisons),
            f"{self.method} ({self.model}, decision-maker {self.maker}), alpha {self.alpha:.4g}{gamma}",
            f"  setting {self.setting_id}, run {self.run_id}, seed {self.seed}"
            + (f", split {self.split} of {self.splits}" if self.splits > 1 else ""),
            _line("", heads),
        ]
        for name, title in NAMES.items():
            if name == "cost" and not self._priced:
                continue
            own = (self.validation, self.test, self.test_interval, self.validation_seeds, self.test_seeds)
            lines.append(_line(title, [_written(values[name]) for values in own]))
        if self.no_interval:
            lines.append(f"  no 95 % interval: {self.no_interval}")
        else:
            lines.append(
                f"  The interval is the bootstrap's over {self.units}. The range over {over} is what"
            )
            lines.append("  another training of the setting would change.")
        lines += compared_lines(self.comparisons)
        lines += [f"  {line}" for line in self.cautions()]
        if lacking := unfinished(self.finished, self.planned):
            lines.append(f"{lacking}; the choice may change")
        lines += [f"left out: {item}" for item in (*self.broken, *self.unread)]
        return "\n".join(lines)

    def cautions(self) -> list[str]:
        """Return what to know before the run is used, a line each."""
        lines = []
        if self.optimism:
            names = (*OBJECTIVES, "cost") if self._priced else OBJECTIVES
            shown = ", ".join(f"{NAMES[name]} {signed(3)(self.optimism[name])}" for name in names)
            lines.append(f"expected rise from validation to test, as the run was chosen there: {shown}")
        lines += self.warnings()
        if self.degenerate_left_out:
            lines.append(left_out_words(self.degenerate_left_out))
        return lines

    def warnings(self) -> list[str]:
        """Return what speaks against the run, a line each."""
        lines = []
        if self.unstable:
            low, high = self.validation_seeds["idk_rate"] or (0.0, 0.0)
            lines.append(
                f"unstable: the setting's validation deferral rate is {low:.3f} to {high:.3f} over seeds, "
                f"a range above {SWING:g}: another training may defer quite different numbers of cases"
            )
        if self.degenerate:
            lines.append("degenerate: on validation it is no better than a constant decision")
        return lines

    def missed(self) -> str:
        """Return which limits are missed, and by how much."""
        return ", ".join(f"{name} by {excess:.3g}" for name, excess in self.exceeded.items())


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
        raise LedgerError("no run has finished yet, there is nothing to select from")
    among = among[among["split"] == run["split"]]
    choice = described(run, runs, read_outcomes, question, among, left_out, planned=planned, broken=broken)
    return replace(choice, people=people)


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
) -> Selection:
    """Return a run as the answer to a question.

    Args:
        run: the run, a row of the ledger.
        runs: the ledger.
        read_outcomes: reads those of the run, the baseline's, and those nearest to being chosen.
        question: what is asked.
        among: the candidates of the run's split.
        left_out: how many degenerate runs are not among the candidates.
        planned, broken: as for ``select``.
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
            _note(error, unread)
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
        _note(error, unread)
        return {}


def _note(error: Exception, unread: list[str]) -> None:
    """Note a damaged file; that outcomes are missing says the answer itself."""
    if isinstance(error, LedgerError):
        unread.append(str(error))


def _range(own: pd.DataFrame, split: str) -> Ranges:
    columns = {name: own[f"{split}_{name}"].dropna() for name in NAMES}
    return {n: (float(v.min()), float(v.max())) if len(v) else None for n, v in columns.items()}


def _metrics(run: "pd.Series[Any]", split: str) -> Metrics:
    return {name: _number(run[f"{split}_{name}"]) for name in NAMES}


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _written(value: float | Ends | None) -> str:
    if value is None:
        return "-"
    return f"{value[0]:.3f} to {value[1]:.3f}" if isinstance(value, tuple) else f"{value:.3f}"


def _line(title: str, cells: Sequence[str]) -> str:
    widths = (12, 9, 18, 21, 18)
    return f"  {title:<21}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
