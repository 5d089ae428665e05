"""Export a finished run as a model that stands on its own, once it is seen to decide as the run did."""

import importlib.metadata
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from models.examples import Examples
from models.families import MODELS
from models.metrics import FIGURES, Decisions, joint_figures
from models.training import weight_noise
from reports.outcomes import LackingError, outcomes_of
from study.config import StudyConfig
from study.data import SPLITS, Dataset
from study.deployed import MODEL_FILE, WEIGHTS_FILE, DeployedModel, ModelError, load_model
from study.errors import DataError, LedgerError, OutputError
from study.evaluation import COORDINATES, DECISION_DRAWS, chosen_afterwards
from study.files import write_whole
from study.ledger import ResultsDirectory
from study.model_card import CARD_FILE, Counted, model_card
from study.plan import NO_DECISION_MAKER
from study.status import stored_config
from study.study_data import rows_by_use

Bools = npt.NDArray[np.bool_]


class NotReproducedError(Exception):
    """The exported model does not decide as the run in the ledger does; nothing was written."""


def export(directory: ResultsDirectory, run_id: str, out: Path | str) -> DeployedModel:
    """Write a run's model into the directory ``out``, and return it as loaded from there.

    It is written beside, loaded, and put to decide on every test row; only if decisions and test figures
    are exactly the ledger's does it move to ``out``, with its model card. An earlier export of the same run
    is replaced, anything else is left alone. Raises LedgerError for an unknown run, DataError where the
    study's data cannot be had, OutputError where ``out`` holds something else or cannot be written, and
    NotReproducedError.
    """
    place = Path(out)
    config = stored_config(directory)
    run = _find(directory, run_id)
    _refuse_something_else(place, run_id)
    dataset = config.dataset.load()
    if dataset.fingerprint != run["data_fingerprint"]:
        raise DataError(
            f"dataset {dataset.name}: its fingerprint is {dataset.fingerprint}, and the run was trained on "
            f"{run['data_fingerprint']}; put the data back as they were"
        )
    model = _model(directory, config, dataset, run)
    try:
        with _beside(place) as beside:
            model.save(beside)
            loaded = load_model(beside)
            card = _check(loaded, directory, config, dataset, run)
            (beside / CARD_FILE).write_text(card, "utf-8")
            _move(beside, place)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{place}: cannot be written ({reason}); give a writable --out") from error
    return loaded


def _find(directory: ResultsDirectory, run_id: str) -> dict[str, Any]:
    """Return a run's row, None where undefined; raises LedgerError where there is no such run."""
    directory.require()
    runs = directory.read_runs()[0]
    found = runs[runs["run_id"] == run_id]
    if found.empty:
        raise LedgerError(
            f"{directory.root}: no finished run {run_id}; `study select {directory.root} --json` names one"
        )
    return {str(name): None if pd.isna(value) else value for name, value in found.iloc[0].items()}


def _model(
    directory: ResultsDirectory, config: StudyConfig, dataset: Dataset, run: Mapping[str, Any]
) -> DeployedModel:
    family, hidden = MODELS[run["model"]], config.training.hidden
    seed = int(run["seed"])
    # Drawn once more as at evaluation, and stored: another torch might draw others.
    drawn = weight_noise(family, dataset.features.shape[1] + 1, hidden, [seed], DECISION_DRAWS, "decisions")
    if run["method"] == "binary":
        t0_a0 = t1_a0 = t0_a1 = t1_a1 = 0.0
    elif None in (found := [run[name] for name in COORDINATES]):
        raise LedgerError(f"{directory.root}: run {run['run_id']} has no finite thresholds; export another")
    else:
        t0_a0, t1_a0, t0_a1, t1_a1 = map(float, found)
    return DeployedModel(
        model=family,
        method=run["method"],
        hidden=hidden,
        weights=torch.from_numpy(directory.read_weights(run["run_id"])),
        noise=None if drawn is None else drawn[:, 0, :, 0],
        t0=(t0_a0, t0_a1),
        t1=(t1_a0, t1_a1),
        preprocessing=dataset.preprocessing,
        about=_about(directory, config, dataset, run),
    )


def _about(
    directory: ResultsDirectory, config: StudyConfig, dataset: Dataset, run: Mapping[str, Any]
) -> dict[str, Any]:
    """Say where a run comes from and what it did, as plain data."""
    manifest = directory.read_manifest()
    rows = rows_by_use(dataset, config.thresholds.choose_on)
    settings = {name: run[name] for name in ("alpha", "gamma", "model_alpha")}
    training = config.training.model_dump()
    afterwards = chosen_afterwards(MODELS[run["model"]], run["method"])
    return {
        **{name: run[name] for name in ("run_id", "setting_id", "study")},
        "seed": int(run["seed"]),
        "setting": {name: float(value) for name, value in settings.items() if value is not None},
        **{name: run[name] for name in ("decision_maker", "test_decision_maker")},
        "training": {
            **{name: training[name] for name in training if name != "hidden"},
            **{name: int(run[name]) for name in ("epochs", "best_epoch")},
            "status": run["status"],
            "backend": manifest.get("backend"),
        },
        "thresholds": config.thresholds.model_dump() if afterwards else None,
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
            "split_seed": config.dataset.split_seed,
            "rows": {use: len(numbers) for use, numbers in rows.items() if use in SPLITS},
        },
        **{split: _figures(run, split) for split in ("validation", "test")},
        "decision_maker_alone": _alone(directory, run["test_decision_maker"]),
        "code": manifest.get("code"),
        "versions": {
            "package": importlib.metadata.version("learning-to-defer-study"),
            "torch": torch.__version__,
        },
    }


def _figures(row: Mapping[Any, Any], split: str) -> dict[str, float | None]:
    found = {name: row[f"{split}_{name}"] for name in FIGURES}
    return {name: None if pd.isna(value) else float(value) for name, value in found.items()}


def _alone(directory: ResultsDirectory, decision_maker: str) -> dict[str, float | None] | None:
    """Return what the decision-maker does alone with the test split; None where there is none."""
    makers = directory.read_decision_makers()
    found = makers[makers["decision_maker"] == decision_maker]
    return None if found.empty else _figures(found.iloc[0].to_dict(), "test")


def _check(
    model: DeployedModel,
    directory: ResultsDirectory,
    config: StudyConfig,
    dataset: Dataset,
    run: Mapping[str, Any],
) -> str:
    """Decide on all test rows as `study apply` would; return the card, or raise NotReproducedError."""
    rows = rows_by_use(dataset, config.thresholds.choose_on)["test"]
    raw = dataset.table.frame if dataset.own is None else dataset.own.frame
    decided = model.decide(raw.iloc[rows])
    deferred = decided["defer"].to_numpy()
    positive = (decided["prediction"].to_numpy() == 1) & ~deferred
    label, group = dataset.label[rows], dataset.sensitive[rows]
    maker = _decides(directory, run["test_decision_maker"], dataset)[rows]
    examples = Examples(
        torch.empty(len(rows), 0), *(torch.tensor(c, dtype=torch.float32) for c in (label, group, maker))
    )
    decisions = Decisions(*(torch.tensor(d).view(1, -1, 1) for d in (deferred, positive)))
    figures = {name: value.item() for name, value in joint_figures(decisions, examples).items()}
    found = {name: None if np.isnan(value) else value for name, value in figures.items()}
    expected = model.about["test"]
    different = _different_rows(directory, run["run_id"], deferred, positive)
    wrong = [name for name in FIGURES if found[name] != expected[name]]
    if different or wrong:
        words = "".join(f"; {name} is {found[name]}, in the ledger {expected[name]}" for name in wrong[:1])
        raise NotReproducedError(
            f"run {run['run_id']}: the model decides {different:,} of {len(rows):,} test rows otherwise "
            f"than the ledger says{words}; nothing was written. Export where the study ran, with the same "
            "torch and the same version of this package"
        )
    wrong_joint = np.where(deferred, (maker >= 0.5) != (label > 0.5), positive != (label > 0.5))
    everybody, *by_group = (
        _counted(deferred[who], wrong_joint[who], label[who] > 0.5)
        for who in (np.ones(len(rows), dtype=bool), group == 0, group == 1)
    )
    return model_card(model, everybody, by_group)


def _decides(directory: ResultsDirectory, decision_maker: str, dataset: Dataset) -> npt.NDArray[np.float32]:
    """Return a decision-maker's probability for every row (N,); the label where there is none."""
    if decision_maker == NO_DECISION_MAKER:
        return dataset.label
    makers = directory.read_decision_makers().set_index("decision_maker")["probability"]
    if decision_maker not in makers:
        raise LedgerError(f"{directory.decision_makers_file}: has no decision-maker {decision_maker}")
    return np.asarray(makers[decision_maker], dtype=np.float32)


def _different_rows(directory: ResultsDirectory, run_id: str, deferred: Bools, positive: Bools) -> int:
    """Count test rows that the ledger has other decisions for; 0 where it keeps none of this run."""
    try:
        kept = outcomes_of(directory.read_outcomes, [run_id])
    except LackingError:
        return 0
    return int(((kept.deferred[0] != deferred) | (kept.positive[0] != positive)).sum())


def _counted(deferred: Bools, wrong: Bools, label: Bools) -> Counted:
    rates = [_mean(deferred), _mean(wrong), _mean(wrong[~label]), _mean(wrong[label])]
    return Counted(len(label), int(label.sum()), *rates)


def _mean(values: Bools) -> float | None:
    return float(values.mean()) if len(values) else None


def _refuse_something_else(place: Path, run_id: str) -> None:
    """Raise OutputError unless ``place`` is free, or holds an export of the same run."""
    try:
        free = not place.exists() or (place.is_dir() and not any(place.iterdir()))
        if free or load_model(place).about.get("run_id") == run_id:
            return
    except ModelError:
        pass
    except OSError as error:
        raise OutputError(f"{place}: cannot be read ({error.strerror}); give another --out") from None
    raise OutputError(f"{place}: holds something else; give a directory that is not there yet")


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """Make a directory beside ``place`` to work in, and remove what is left of it."""
    beside = place.absolute().parent / f".{place.absolute().name}.{uuid.uuid4().hex}.part"
    beside.mkdir(parents=True)
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _move(beside: Path, place: Path) -> None:
    """Put a finished export in its place: at once, or file by file over that of the same run."""
    if place.exists() and any(place.iterdir()):
        for name in (WEIGHTS_FILE, MODEL_FILE, CARD_FILE):
            write_whole(place / name, (beside / name).read_bytes())
    else:
        beside.replace(place)
