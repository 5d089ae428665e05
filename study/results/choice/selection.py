"""The run that was chosen under limits, as a record: what it is, and how it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.results.choice.alternatives import Comparison, compared_lines, people_first
from study.results.choice.candidates import SWING, left_out_words
from study.results.files.reading import Broken
from study.results.limits import NAMES, OBJECTIVES
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
        data["optimism"] = {
            name: None if value != value else value for name, value in self.optimism.items()
        }
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
        unread = [item for item in self.unread if item != self.no_interval]
        lines += [f"left out: {item}" for item in (*self.broken, *unread)]
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


def _written(value: float | Ends | None) -> str:
    if value is None:
        return "-"
    return f"{value[0]:.3f} to {value[1]:.3f}" if isinstance(value, tuple) else f"{value:.3f}"


def _line(title: str, cells: Sequence[str]) -> str:
    widths = (12, 9, 18, 21, 18)
    return f"  {title:<21}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
