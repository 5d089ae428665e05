"""Export a finished run as a model that stands on its own, once it is seen to decide as the run did."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from study import printer
from study.deploy.budget import decided_by, metrics_of, to_budget
from study.deploy.card import CARD_FILE, model_card
from study.deploy.model import DeployedModel
from study.deploy.model_file import load_model, save_model
from study.deploy.origin import Origin, run_facts, run_model
from study.deploy.quality import calibration, quality
from study.errors import LedgerError, OutputError
from study.results.choice.candidates import degenerate
from study.results.choice.chosen_run import described
from study.results.choice.selection import Selection
from study.results.directory import ResultsDirectory
from study.results.group_metrics import resampled_cells, spreads
from study.results.limits import Question
from study.results.outcomes import MissingOutcomesError, Outcomes, outcomes_of
from study.storage.locations import local_path
from study.storage.temporary import temporary_folder
from study.words import FAILED


class NotReproducedError(Exception):
    """The exported model does not decide as the run in the ledger does; nothing was written."""


def export(
    directory: ResultsDirectory,
    run_id: str,
    out: Path | str,
    origin: Callable[[int], Origin],
    *,
    idk: float | None = None,
    guarantee: Mapping[str, Any] | None = None,
) -> DeployedModel:
    """Write a run's model and its card into the new directory ``out``; return it as loaded from there.

    It is written to a temporary directory, loaded, and asked to decide on every test row. Only if decisions
    and test metrics are exactly the ledger's does it move to ``out``.

    Args:
        directory: the study's results.
        run_id: a finished run.
        out: where the model goes.
        origin: loads the split that the run was trained on; called once the run is found.
        idk: the share of cases to defer, for which the thresholds are then moved; None leaves them.
        guarantee: what is guaranteed of the run, which model and card then say.

    Raises:
        UserError: thresholds are to be moved of a run that has none.
        LedgerError: the run is unknown, or its outcomes are not kept.
        DataError: the study's data cannot be had.
        OutputError: ``out`` already exists or cannot be written.
        NotReproducedError: the model decides otherwise.
    """
    place = local_path(out)
    row = _find(directory, run_id)
    try:
        if place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise OutputError(f"{place}: already exists; give another --out, or delete it")
        source, tested, model = _trained(directory, row, origin)
        run = model.about["run"]
        if guarantee is not None:
            model = replace(model, about={**model.about, "guarantee": dict(guarantee)})
        place.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(f".{place.name}.", place.parent) as folder:
            made = folder / "model"
            made.mkdir()
            save_model(model, made)
            loaded = load_model(made)
            _check(loaded, source, tested)
            if idk is not None:
                moved = to_budget(directory, loaded, source, tested, idk)
                loaded, tested = moved.model, moved.tested
            about = {**loaded.about, **quality(loaded, source, tested)}
            save_model(replace(loaded, about=about), made)
            loaded = load_model(made)
            measured = spreads(tested, run["test_decision_maker"], resampled_cells(tested))
            choice = _choice(directory, run_id, tested)
            (made / CARD_FILE).write_text(model_card(loaded, measured, tested.units, choice), "utf-8")
            made.replace(place)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{place}: cannot be written ({reason}); give a writable --out") from error
    return loaded


def calibration_of(
    directory: ResultsDirectory, run_id: str, origin: Callable[[int], Origin]
) -> dict[str, pd.DataFrame]:
    """Return the reliability curves of a finished run on the test rows; see `calibration`.

    Raises LedgerError and DataError as ``export`` does.
    """
    source, tested, model = _trained(directory, _find(directory, run_id), origin)
    decided = model.decide_inputs(source.inputs("test", model))
    return calibration(decided, tested, model.about["run"]["test_decision_maker"])


def _trained(
    directory: ResultsDirectory, row: pd.DataFrame, origin: Callable[[int], Origin]
) -> tuple[Origin, Outcomes, DeployedModel]:
    """Return what a run, a row of the ledger, was trained on, what it decided on test, and its model."""
    (facts,) = row.to_dict("records")
    run = run_facts(facts)
    try:
        tested = outcomes_of(directory.read_outcomes, row)
    except MissingOutcomesError as error:
        raise LedgerError(f"{error}; without it no model is exported") from None
    source = origin(run["split"])
    return source, tested, run_model(directory, source, run)


def _find(directory: ResultsDirectory, run_id: str) -> pd.DataFrame:
    """Return a run's row; raises LedgerError where there is no such run, or it failed."""
    runs, broken = directory.read_runs(["run_id", "pack_id"])
    packs = runs.loc[runs["run_id"] == run_id, "pack_id"]
    if packs.empty:
        more = broken[0] if broken else "`study select` names one"
        raise LedgerError(f"{directory.root}: no finished run {run_id}; {more}")
    rows = directory.read_pack_runs(packs.iloc[0])
    row = rows[rows["run_id"] == run_id][:1]
    if (row["status"] == FAILED).any():
        raise LedgerError(
            f"{directory.root}: run {run_id} failed ({row['reason'].iloc[0]}); export another"
        )
    return row


def _choice(directory: ResultsDirectory, run_id: str, tested: Outcomes) -> Selection:
    """Return the run as the answer to which has the lowest validation error or cost, as ``tested``."""

    def read(runs: pd.DataFrame) -> Outcomes | None:
        outcomes = directory.read_outcomes(runs)
        if outcomes is None:
            return None
        own = [name == run_id for name in outcomes.run_id]
        deferred, positive = outcomes.deferred.copy(), outcomes.positive.copy()
        # Where thresholds were moved, its decisions are not those of the ledger.
        deferred[own], positive[own] = tested.deferred[0], tested.positive[0]
        return replace(outcomes, deferred=deferred, positive=positive)

    ledger, broken = directory.read_runs()
    ledger = ledger[ledger["status"] != FAILED]
    run = ledger[ledger["run_id"] == run_id].iloc[0]
    of_split = ledger[ledger["split"] == run["split"]]
    among = of_split[~degenerate(of_split)]
    left_out = len(of_split) - len(among)
    choice = described(
        run,
        ledger,
        read,
        Question(tested.costs.metric),
        among,
        left_out,
        planned=len(ledger),
        broken=broken,
    )
    for item in (*choice.broken, *choice.unread):
        printer.log(f"{item}; the model card compares without it")
    return choice


def _check(model: DeployedModel, origin: Origin, tested: Outcomes) -> None:
    """Decide on every test row, from its raw values on; raises NotReproducedError."""
    run, rows = model.about["run"], origin.rows["test"]
    again = decided_by(model, origin, "test", tested)
    different = int(((tested.deferred != again.deferred) | (tested.positive != again.positive)).sum())
    result = metrics_of(again, run["test_decision_maker"], origin.costs)
    wrong = [f"test_{name}" for name, value in result.items() if value != run[f"test_{name}"]]
    if different or wrong:
        also = f" ({wrong[0]} differs)" if wrong else ""
        raise NotReproducedError(
            f"run {run['run_id']}: the model decides on {different:,} of {len(rows):,} test rows unlike "
            f"the ledger{also}; nothing was written: export where the study ran, with the same torch and "
            "the same version of this package"
        )
