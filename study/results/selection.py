"""Choose one setting: the best on validation under constraints, with its test metrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from study.errors import LedgerError, UserError, did_you_mean
from study.results.files.reading import Broken
from study.results.group_metrics import Spread, resampled_cells, spreads
from study.results.limits import POINT, best
from study.results.outcomes import MissingOutcomesError, OutcomeReader, outcomes_of
from study.results.settings import median_runs, medians_by_setting
from study.words import NO_DECISION_MAKER

Objective = Literal["error", "di", "idk"]
COLUMN = {"error": "error", "di": "di", "idk": "idk_rate"}
NAMES = {"error": "error", "di": "odds difference", "idk_rate": "deferral rate"}
Ends = tuple[float, float]


@dataclass(frozen=True)
class Selection:
    """A setting, and whether it satisfies the constraints or only comes nearest to them.

    ``validation`` and ``test`` hold medians over seeds of error, di and idk_rate; ``run_id`` is the
    run whose validation metric is the median one (the lower of two), ``run_validation`` and ``run_test``
    its own metrics, which may be beyond a limit that the medians are within. ``validation_seeds`` and
    ``test_seeds`` hold the smallest and largest of the seeds; ``test_interval`` a bootstrap interval of
    95 % of the test median over the test cases, None where there is none: ``no_interval`` says why.
    ``units`` are what it draws. ``exceeded`` says by how much each constraint is missed. Where fewer runs
    have ``finished`` than are ``planned``, the choice may change; those in ``broken`` files do not count as
    finished.
    """

    satisfies: bool
    setting_id: str
    run_id: str
    dataset: str
    method: str
    model: str
    decision_maker: str
    alpha: float
    gamma: float | None
    validation: dict[str, float | None]
    test: dict[str, float | None]
    seeds: int
    run_validation: dict[str, float | None]
    run_test: dict[str, float | None]
    validation_seeds: dict[str, Ends | None]
    test_seeds: dict[str, Ends | None]
    test_interval: dict[str, Ends | None]
    exceeded: dict[str, float]
    no_interval: str
    units: str
    finished: int
    planned: int
    broken: tuple[Broken, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the selection as plain data, the contract's keys first."""
        names = ("setting_id", "run_id", "method", "alpha", "gamma", "validation", "test")
        rest = ("model", "decision_maker", "dataset", "seeds")
        spread = ("run_validation", "run_test", "validation_seeds", "test_seeds", "test_interval", "units")
        data = {name: getattr(self, name) for name in (*names, *rest, *spread, "finished", "planned")}
        return {**data, "broken": [str(item.path) for item in self.broken]}

    def summary(self) -> str:
        """Return the selection for a person."""
        gamma = "" if self.gamma is None else f", gamma {self.gamma:.4g}"
        lines = [
            f"{self.method} ({self.model}, decision-maker {self.decision_maker}), "
            f"alpha {self.alpha:.4g}{gamma}",
            f"  setting {self.setting_id}, run {self.run_id}",
            f"{'':<31}" + "".join(f"{name:>16}" for name in NAMES.values()),
            _line("validation", self.validation.values()),
            _line(f"  range over {self.seeds} seeds", self.validation_seeds.values()),
            _line("test", self.test.values()),
            _line(f"  range over {self.seeds} seeds", self.test_seeds.values()),
        ]
        if self.no_interval:
            lines.append(f"  no 95 % interval: {self.no_interval}")
        else:
            lines.append(_line("  95 % interval", self.test_interval.values()))
            lines.append(f"  (bootstrap over {self.units})")
        lines.append(_line("run, validation", self.run_validation.values()))
        lines.append(_line("run, test", self.run_test.values()))
        if self.finished < self.planned:
            lines.append(f"unfinished: {self.finished:,} of {self.planned:,} runs; the choice may change")
        lines += [f"left out: {item}" for item in self.broken]
        return "\n".join(lines)

    def missed(self) -> str:
        """Return which constraints are missed, and by how much."""
        return ", ".join(f"{name} by {excess:.3g}" for name, excess in self.exceeded.items())


def select(
    runs: pd.DataFrame,
    read_outcomes: OutcomeReader,
    *,
    planned: int,
    broken: Sequence[Broken] = (),
    max_idk: float | None = None,
    max_di: float | None = None,
    max_error: float | None = None,
    minimise: Objective = "error",
    method: str | None = None,
    model: str | None = None,
    decision_maker: str | None = None,
) -> Selection:
    """Return the setting with the smallest validation ``minimise`` under the constraints.

    All metrics are medians over seeds. Ties go to the smaller error, odds difference and deferral rate.
    Where no setting satisfies the constraints, the one whose excess over them sums to least is
    returned with ``satisfies`` False. ``method``, ``model`` and ``decision_maker`` narrow down what is
    chosen from; binary models, which never defer, are in the choice whatever the decision-maker. Only the
    outcomes of the chosen setting's runs are read. ``planned`` and ``broken`` say what of the study
    ``runs`` lacks.

    Raises:
        LedgerError: nothing has finished, or the odds difference is needed and undefined.
        UserError: a name is not in the ledger.
    """
    settings = medians_by_setting(narrowed(runs, method, model, decision_maker))
    given = {"idk": max_idk, "di": max_di, "error": max_error}
    limits = {COLUMN[metric]: limit for metric, limit in given.items() if limit is not None}
    chosen = best(settings, limits, COLUMN[minimise])
    if chosen is None and settings["validation_error"].notna().any():
        raise LedgerError(
            "the odds difference is undefined for every setting, as a group has validation cases of one "
            "class only; select without --max-di and --minimise di"
        )
    if chosen is None:
        raise LedgerError("no run has finished yet, there is nothing to select from")
    defined = [column for column in POINT if pd.notna(chosen[column])]
    own = runs[runs["setting_id"] == chosen["setting_id"]].dropna(subset=defined)
    over = {NAMES[metric]: float(chosen[f"over_{metric}"]) for metric in limits}
    run_id = median_runs(own, f"validation_{COLUMN[minimise]}")[chosen["setting_id"]]
    run = own[own["run_id"] == run_id].iloc[0]
    intervals, no_interval, units = _intervals(own, read_outcomes)
    return Selection(
        satisfies=bool(chosen["excess"] == 0),
        setting_id=chosen["setting_id"],
        run_id=run_id,
        dataset=chosen["dataset"],
        method=chosen["method"],
        model=chosen["model"],
        decision_maker=chosen["decision_maker"],
        alpha=float(chosen["alpha"]),
        gamma=_number(chosen["gamma"]),
        validation=_metrics(chosen, "validation"),
        test=_metrics(chosen, "test"),
        seeds=len(own),
        run_validation=_metrics(run, "validation"),
        run_test=_metrics(run, "test"),
        validation_seeds=_range(own, "validation"),
        test_seeds=_range(own, "test"),
        test_interval={name: intervals[name].test_set if intervals else None for name in COLUMN.values()},
        exceeded={name: excess for name, excess in over.items() if excess > 0},
        no_interval=no_interval,
        units=units,
        finished=len(runs),
        planned=planned,
        broken=tuple(broken),
    )


def narrowed(
    runs: pd.DataFrame, method: str | None, model: str | None, decision_maker: str | None
) -> pd.DataFrame:
    """Return the runs of one method, model and decision-maker; raises UserError for an unknown name."""
    among = ""
    for column, name in (("method", method), ("model", model), ("decision_maker", decision_maker)):
        if name is None:
            continue
        known = sorted(set(runs[column]) - {NO_DECISION_MAKER})
        if len(runs) and name not in known:
            flag, allowed = column.replace("_", "-"), ", ".join(known) or "none"
            raise UserError(
                f"--{flag}: {name!r} is not in the ledger{among}; allowed are {allowed}"
                f"{did_you_mean(name, known)}"
            )
        among += f" with {column.replace('_', '-')} {name}"
        also = NO_DECISION_MAKER if column == "decision_maker" else name
        runs = runs[runs[column].isin([name, also])]
    return runs


def _intervals(own: pd.DataFrame, read_outcomes: OutcomeReader) -> tuple[Mapping[str, Spread], str, str]:
    """Return the intervals, why there are none, and what they draw."""
    try:
        outcomes = outcomes_of(read_outcomes, own)
    except MissingOutcomesError as error:
        return {}, str(error), ""
    intervals = spreads(outcomes, own["test_decision_maker"].tolist(), resampled_cells(outcomes))
    return intervals, "", outcomes.units


def _range(own: pd.DataFrame, split: str) -> dict[str, Ends | None]:
    columns = {name: own[f"{split}_{name}"].dropna() for name in COLUMN.values()}
    return {n: (float(v.min()), float(v.max())) if len(v) else None for n, v in columns.items()}


def _metrics(setting: "pd.Series[Any]", split: str) -> dict[str, float | None]:
    return {name: _number(setting[f"{split}_{name}"]) for name in COLUMN.values()}


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _line(title: str, values: Iterable[float | Ends | None]) -> str:
    cells = []
    for value in values:
        if value is None:
            cells.append("-")
        else:
            cells.append(
                f"{value[0]:.3f} to {value[1]:.3f}" if isinstance(value, tuple) else f"{value:.3f}"
            )
    return f"  {title:<29}" + "".join(f"{cell:>16}" for cell in cells)
