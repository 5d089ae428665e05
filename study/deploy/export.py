"""Export a finished run as a model that stands on its own, once it is seen to decide as the run did."""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from study.data import Dataset, Preprocessing
from study.deploy.card import CARD_FILE, model_card
from study.deploy.model import DeployedModel
from study.deploy.model_file import load_model, save_model
from study.errors import DataError, LedgerError, OutputError
from study.models.decisions import Decisions, joint_counts
from study.models.draws import DECISION_DRAWS, weight_noise
from study.models.examples import Examples
from study.models.families import FAMILIES
from study.results.directory import ResultsDirectory
from study.results.group_metrics import resampled_cells, spreads
from study.results.metrics import metrics
from study.results.outcomes import MissingOutcomesError, Outcomes, outcomes_of
from study.storage.locations import local_path
from study.words import FAILED, METRICS, SPLITS, THRESHOLDS


@dataclass(frozen=True)
class Origin:
    """What a run was trained on.

    Attributes:
        study: the resolved study file.
        dataset: its data.
        rows: the row numbers of each split, as in training.
    """

    study: Mapping[str, Any]
    dataset: Dataset
    rows: Mapping[str, npt.NDArray[np.int64]]


class NotReproducedError(Exception):
    """The exported model does not decide as the run in the ledger does; nothing was written."""


def export(
    directory: ResultsDirectory, run_id: str, out: Path | str, origin: Callable[[int], Origin]
) -> DeployedModel:
    """Write a run's model and its card into the new directory ``out``; return it as loaded from there.

    It is written to a temporary directory, loaded, and asked to decide on every test row. Only if decisions
    and test metrics are exactly the ledger's does it move to ``out``.

    Args:
        directory: the study's results.
        run_id: a finished run.
        out: where the model goes.
        origin: loads the split that the run was trained on; called once the run is found.

    Raises:
        LedgerError: the run is unknown, or its outcomes are not kept.
        DataError: the study's data cannot be had.
        OutputError: ``out`` already exists or cannot be written.
        NotReproducedError: the model decides otherwise.
    """
    place = local_path(out)
    row = _find(directory, run_id)
    (facts,) = row.to_dict("records")
    run: dict[str, Any] = {str(name): None if pd.isna(value) else value for name, value in facts.items()}
    try:
        if place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise OutputError(f"{place}: already exists; give another --out, or delete it")
        try:
            tested = outcomes_of(directory.read_outcomes, row)
        except MissingOutcomesError as error:
            raise LedgerError(f"{directory.root}: {error}; without them no model is exported") from None
        source = origin(run["split"])
        dataset = source.dataset
        if dataset.fingerprint != run["data_fingerprint"]:
            raise DataError(
                f"dataset {dataset.name}: its fingerprint is {dataset.fingerprint}, and the run was "
                f"trained on {run['data_fingerprint']}; put the data back as they were"
            )
        model = _model(directory, source, run)
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as folder:
            made = Path(folder) / "model"
            made.mkdir()
            save_model(model, made)
            loaded = load_model(made)
            _check(loaded, source, tested)
            measured = spreads(tested, [run["test_decision_maker"]], resampled_cells(tested))
            (made / CARD_FILE).write_text(model_card(loaded, measured, tested.units), "utf-8")
            made.replace(place)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{place}: cannot be written ({reason}); give a writable --out") from error
    return loaded


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


def _model(directory: ResultsDirectory, origin: Origin, run: Mapping[str, Any]) -> DeployedModel:
    preprocessing, hidden = origin.dataset.preprocessing, origin.study["training"]["hidden"]
    return trained_model(directory, run, preprocessing, hidden, _about(directory, origin, run))


def trained_model(
    directory: ResultsDirectory,
    run: Mapping[str, Any],
    preprocessing: Preprocessing,
    hidden: int,
    about: Mapping[str, Any],
) -> DeployedModel:
    """Return the model of a run, a row of the ledger; raises LedgerError for thresholds without end."""
    family = FAMILIES[run["model"]]
    # Drawn once more as at evaluation, and stored: another torch might draw others.
    inputs = len(preprocessing.inputs) + 1
    model = family.model(run["method"])
    drawn = weight_noise(model, inputs, hidden, [run["seed"]], DECISION_DRAWS, "decisions")
    thresholds = [0.0] * 4 if run["method"] == "binary" else [run[name] for name in THRESHOLDS]
    if None in thresholds:
        raise LedgerError(f"{directory.root}: run {run['run_id']} has no finite thresholds; export another")
    t0_a0, t1_a0, t0_a1, t1_a1 = thresholds
    return DeployedModel(
        family=family,
        method=run["method"],
        hidden=hidden,
        weights=torch.from_numpy(directory.read_weights(run["run_id"], run["pack_id"])),
        noise=None if drawn is None else drawn[:, 0, :, 0],
        t0=(t0_a0, t0_a1),
        t1=(t1_a0, t1_a1),
        preprocessing=preprocessing,
        about=about,
    )


def _about(directory: ResultsDirectory, origin: Origin, run: Mapping[str, Any]) -> dict[str, Any]:
    """Say where a run comes from and what it did, as plain data."""
    manifest, dataset, rows = directory.read_manifest(), origin.dataset, origin.rows
    decision_makers = directory.read_decision_makers(run["split"])
    named = decision_makers["decision_maker"] == run["test_decision_maker"]
    of_tests = decision_makers[named].to_dict("records")
    cells = 2 * dataset.sensitive[rows["test"]] + dataset.label[rows["test"]].astype(np.int8)
    return {
        # Who trained it says nothing of it.
        "run": {name: value for name, value in run.items() if name not in ("worker", "finished_at")},
        "study": origin.study,
        "source": dataset.source,
        "rows": {split: len(rows[split]) for split in SPLITS},
        "test_rows_by_a_and_label": np.bincount(cells, minlength=4).reshape(2, 2).tolist(),
        "decision_maker_alone": [{name: of[f"test_{name}"] for name in METRICS} for of in of_tests],
        "code": manifest.get("code"),
        "backend": manifest.get("backend"),
        "versions": {
            "package": importlib.metadata.version("learning-to-defer-study"),
            "torch": torch.__version__,
        },
    }


def _check(model: DeployedModel, origin: Origin, tested: Outcomes) -> None:
    """Decide on every test row, from its raw values on; raises NotReproducedError."""
    run = model.about["run"]
    dataset, rows = origin.dataset, origin.rows["test"]
    raw = dataset.table.frame if dataset.own is None else dataset.own.frame
    # Not `decide`: it refuses categories that training did not see, which test rows may have.
    decided = model.decide_inputs(model.preprocessing.transform(raw.iloc[rows]))
    deferred = decided["defer"].to_numpy()
    positive = decided["prediction"].to_numpy() == 1
    different = int(((tested.deferred[0] != deferred) | (tested.positive[0] != positive)).sum())
    maker = tested.decisions.get(run["test_decision_maker"], tested.label)
    tested_on = (torch.tensor(column).float() for column in (tested.label, tested.sensitive, maker))
    decisions = Decisions(*(torch.tensor(made).view(1, -1, 1) for made in (deferred, positive)))
    counts = joint_counts(decisions, Examples(torch.empty(len(rows), 0), *tested_on))
    result = {name: None if np.isnan(value) else value.item() for name, value in metrics(counts).items()}
    wrong = [f"test_{name}" for name, value in result.items() if value != run[f"test_{name}"]]
    if different or wrong:
        also = f" ({wrong[0]} differs)" if wrong else ""
        raise NotReproducedError(
            f"run {run['run_id']}: the model decides on {different:,} of {len(rows):,} test rows unlike "
            f"the ledger{also}; nothing was written: export where the study ran, with the same torch and "
            "the same version of this package"
        )
