"""Thresholds moved, on validation, so that as many cases are deferred as people can take on.

Cases are deferred in the order of their benefit (see models.regions), so the moved thresholds are those of
a cut in it: the model and what it has learned of the decision-maker stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from study.deploy.model import DeployedModel
from study.deploy.origin import Origin, run_facts, run_model
from study.errors import LedgerError, UserError
from study.models.decisions import Decisions, joint_counts
from study.models.examples import Examples
from study.results.choice.candidates import candidates
from study.results.directory import ResultsDirectory
from study.results.group_metrics import resampled_cells, spreads
from study.results.intervals import Interval
from study.results.limits import NAMES, Question
from study.results.metrics import metrics
from study.results.outcomes import MissingOutcomesError, Outcomes, outcomes_of
from study.words import Costs

# Runs that are looked at when one is chosen for a budget, those of the smallest area under the curve.
SHORTLIST: Final = 20
_SHOWN: Final = {"error": "error", "di": "odds difference", "idk_rate": "deferral rate"}
# Beyond every benefit: thresholds that defer all cases, or none.
_FAR = 1e3


@dataclass(frozen=True, eq=False)
class AtBudget:
    """A run with its thresholds moved to a deferral rate.

    Attributes:
        model: with the moved thresholds; ``about["budget"]`` says so, with the metrics below.
        validation, test: metrics by name, None where undefined; those of the ledger are the run's own.
        tested: its decisions on the test rows.
        exceeded: by how much validation metrics miss limits, by column; empty within them.
    """

    model: DeployedModel
    validation: Mapping[str, float | None]
    test: Mapping[str, float | None]
    tested: Outcomes
    exceeded: Mapping[str, float] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run whose thresholds were moved."""
        return str(self.model.about["run"]["run_id"])

    @property
    def satisfies(self) -> bool:
        """Whether it is within all limits."""
        return not self.exceeded

    def missed(self) -> str:
        """Return which limits are missed, and by how much."""
        return ", ".join(f"{NAMES[name]} by {excess:.3g}" for name, excess in self.exceeded.items())

    def to_json(self) -> dict[str, Any]:
        """Return what was chosen as plain data."""
        run, budget = self.model.about["run"], self.model.about["budget"]
        names = ("run_id", "setting_id", "method", "model", "decision_maker", "alpha", "gamma")
        ends = {name: interval and list(interval) for name, interval in self._intervals().items()}
        return {**{name: run[name] for name in names}, **budget, "test_interval": ends}

    def summary(self) -> str:
        """Return what was chosen for a person."""
        run, idk = self.model.about["run"], self.model.about["budget"]["idk"]
        own = {name: run[f"test_{name}"] for name in _SHOWN}
        gamma = "" if run["gamma"] is None else f", gamma {run['gamma']:.4g}"
        lines = [
            f"{run['method']} ({run['model']}, decision-maker {run['decision_maker']}), "
            f"alpha {run['alpha']:.4g}{gamma}",
            f"  run {run['run_id']}, thresholds moved on validation to defer at most {idk:.4g}",
            f"  {'':<29}" + "".join(f"{words:>16}" for words in _SHOWN.values()),
            _line("validation", self.validation),
            _line("test", self.test),
            _line(f"  95 % interval, {self.tested.units}", self._intervals()),
            _line("test, thresholds not moved", own),
        ]
        return "\n".join(lines)

    def _intervals(self) -> dict[str, Interval | None]:
        maker = self.model.about["run"]["test_decision_maker"]
        found = spreads(self.tested, maker, resampled_cells(self.tested))
        return {name: found[name].test_set for name in _SHOWN}


def _line(title: str, values: Mapping[str, Any]) -> str:
    cells = []
    for name in _SHOWN:
        value = values[name]
        ends = value if isinstance(value, tuple) else (value,)
        cells.append("-" if value is None else " to ".join(f"{end:.3f}" for end in ends))
    return f"  {title:<29}" + "".join(f"{cell:>16}" for cell in cells)


def to_budget(
    directory: ResultsDirectory, model: DeployedModel, origin: Origin, tested: Outcomes, idk: float
) -> AtBudget:
    """Move a model's thresholds to the largest deferral rate on validation rows that is within ``idk``.

    tested: the run's outcomes on the test rows. Raises UserError where it never defers.
    """
    run = model.about["run"]
    if run["method"] == "binary":
        raise UserError(
            f"run {run['run_id']}: a binary model never defers, so there are no thresholds to move; choose "
            "a run of another method"
        )
    validation = _on_validation(directory, origin, run)
    benefit = model.decide_inputs(origin.inputs("validation", model))["benefit"].to_numpy()
    moved = _moved(model, cut_of(benefit, idk))
    result = {}
    for split, known in (("validation", validation), ("test", tested)):
        known = decided_by(moved, origin, split, known)
        result[split] = known, metrics_of(known, run["test_decision_maker"], origin.costs)
    about = {"idk": idk, **{split: of_split for split, (_, of_split) in result.items()}}
    moved = replace(moved, about={**model.about, "budget": about})
    return AtBudget(moved, result["validation"][1], result["test"][1], result["test"][0])


def cut_of(benefit: npt.NDArray[np.float64], share: float) -> float:
    """Return the benefit above which the largest share within ``share`` of the cases (n,) lie.

    It is halfway between two of them. Cases of equal benefit are deferred together or not at all.
    """
    ordered = np.sort(benefit)[::-1]
    most = floor(share * len(ordered) + 1e-9)
    if most == len(ordered):
        return -_FAR
    first_kept = ordered[most]
    deferred = ordered[ordered > first_kept]
    return float((deferred[-1] + first_kept) / 2) if len(deferred) else _FAR


def best_at_budget(
    directory: ResultsDirectory, runs: pd.DataFrame, origin: Origin, question: Question
) -> AtBudget:
    """Return the run that does best on validation with its thresholds moved to a share of deferred cases.

    Args:
        directory: of the study.
        runs: rows of the ledger to choose from; those that cannot be moved are left out.
        origin: what they were trained on.
        question: what is minimised and limited at the moved thresholds. Its limit on the deferral rate is
            the share; degenerate runs are left out by what they do before.

    Returns:
        The best of the ``SHORTLIST`` with the smallest area under the risk-coverage curve of validation.

    Raises:
        LedgerError: no run can be moved, or outcomes are missing.
    """
    runs = candidates(runs, question)[0].dropna(subset=["validation_aurc"])
    runs = runs.sort_values(["validation_aurc", "run_id"])[:SHORTLIST]
    if runs.empty:
        raise LedgerError(f"{directory.root}: no run that may defer has finished; nothing can be moved")
    try:
        outcomes = outcomes_of(directory.read_outcomes, runs)
    except MissingOutcomesError as error:
        raise LedgerError(str(error)) from None
    ranked = []
    for place, facts in enumerate(runs.to_dict("records")):
        own, model = outcomes.take(np.array([place])), run_model(directory, origin, run_facts(facts))
        moved = to_budget(directory, model, origin, own, question.most["idk_rate"])
        values = {name: np.inf if value is None else value for name, value in moved.validation.items()}
        exceeded = {name: float(over) for name, over in question.excess(values).items() if over > 0}
        moved = replace(moved, exceeded=exceeded)
        order = (sum(exceeded.values()), values[question.minimise], values["error"], values["di"], place)
        ranked.append((order, moved))
    return min(ranked, key=lambda item: item[0])[1]


def decided_by(model: DeployedModel, origin: Origin, split: str, known: Outcomes) -> Outcomes:
    """Return outcomes of one run with the decisions of a model on the same rows, those of a split."""
    decided = model.decide_inputs(origin.inputs(split, model))
    made = (decided["defer"].to_numpy(), decided["prediction"].to_numpy() == 1)
    deferred, positive = (column[None] for column in made)
    return replace(known, deferred=deferred, positive=positive)


def metrics_of(outcomes: Outcomes, decision_maker: str, costs: Costs) -> dict[str, float | None]:
    """Return the metrics of one run, None where undefined, computed as the ledger's are."""
    maker = outcomes.decisions.get(decision_maker, outcomes.label)
    about = (torch.tensor(column).float() for column in (outcomes.label, outcomes.sensitive, maker))
    made = (torch.tensor(bits).view(1, -1, 1) for bits in (outcomes.deferred, outcomes.positive))
    counts = joint_counts(Decisions(*made), Examples(torch.empty(len(outcomes.label), 0), *about))
    return {
        name: None if np.isnan(value) else value.item() for name, value in metrics(counts, costs).items()
    }


def _moved(model: DeployedModel, cut: float) -> DeployedModel:
    t0, t1 = (torch.tensor(t, dtype=torch.float64) for t in (model.t0, model.t1))
    region = model.family.model(model.method).region
    lower, upper = (t.tolist() for t in region.moved(t0, t1, torch.full_like(t0, cut)))
    return replace(model, t0=(lower[0], lower[1]), t1=(upper[0], upper[1]))


def _on_validation(directory: ResultsDirectory, origin: Origin, run: Mapping[str, Any]) -> Outcomes:
    """Return outcomes of the validation rows on which nothing has been decided yet but by people."""
    rows, dataset = origin.rows["validation"], origin.dataset
    makers = directory.read_decision_makers(run["split"]).set_index("decision_maker")["probability"]
    name, nothing = run["test_decision_maker"], np.zeros((1, len(rows)), np.bool_)
    return Outcomes(
        run_id=[run["run_id"]],
        deferred=nothing,
        positive=nothing,
        label=dataset.label[rows] > 0.5,
        sensitive=dataset.sensitive[rows] == 1,
        decisions={name: np.asarray(makers[name], dtype=np.float32)[rows] >= 0.5},
    )
