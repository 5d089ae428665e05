"""Train one pack and write its rows: a plain function that needs neither Ray nor Optuna."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from study.engines.backends import make_engine
from study.models.families import FAMILIES, Family
from study.models.losses import loss_of
from study.models.training import PackTraining, Trained
from study.results.directory import ResultsDirectory
from study.results.files.schema import RUN_SCHEMA
from study.results.packs import Pack, run_id
from study.search.identity import check_settings
from study.training.backend import code_directory
from study.training.checkpoint import Checkpoint
from study.training.evaluation import Evaluation, evaluate
from study.training.study_data import StudyData
from study.words import AREAS, FAILED, NO_DECISION_MAKER, THRESHOLDS


@dataclass(frozen=True)
class Advance:
    """How far a pack is: how many of its runs are trained, and the epoch it was taken up at, 0 if new."""

    trained: int
    taken_up: int = 0


def run_pack(pack: Pack, data: StudyData, directory: ResultsDirectory) -> Iterator[Advance]:
    """Train ``pack``, yielding after every epoch how far it is; then write its rows.

    It goes on from its checkpoint where there is one. A pack whose rows are in the ledger already,
    written by a worker that outlived its driver, is taken as it is.
    """
    if directory.has_runs(pack.pack_id):
        return
    check_settings(pack, data.identity, directory)
    # On one thread a lane's bits do not depend on how the work is cut into threads.
    torch.set_num_threads(1)
    if pack.decision_maker not in (*data.decision_makers, NO_DECISION_MAKER):
        raise ValueError(f"unknown decision-maker {pack.decision_maker}")
    family = FAMILIES[pack.model]
    coefficients, lane = _lanes(pack, family)
    engine = make_engine(
        data.backend,
        family.model(pack.method),
        loss_of(family.trained_method(pack.method), data.costs, data.partly(pack.decision_maker)),
        data.examples("train", pack.decision_maker, given=family.given),
        data.examples("validation", pack.decision_maker, given=family.given),
        hidden=data.options.hidden,
        batch_size=data.options.batch_size,
        code=code_directory(),
    )
    training = PackTraining(
        engine,
        alpha=torch.tensor([alpha for alpha, _ in coefficients]),
        gamma=torch.tensor([gamma for _, gamma in coefficients]),
        seeds=pack.seeds,
        options=data.options,
    )
    checkpoint = Checkpoint(pack, directory, backend=data.backend)
    taken_up = training.epoch if checkpoint.restore(training) else 0
    share = pack.runs / (len(coefficients) * len(pack.seeds))
    while training.running:
        training.run_epoch()
        checkpoint.save(training)
        yield Advance(pack.runs - round(share * training.running), taken_up)
    trained = training.result()
    evaluation = evaluate(family, pack, data, trained, lane)
    rows = _rows(pack, data, trained, evaluation, lane)
    epochs = trained.epochs[:, lane].to(torch.float64).flatten().clamp_min(1)
    rows["seconds"] = (epochs / epochs.sum() * checkpoint.seconds).tolist()
    directory.write_runs(
        pack.pack_id,
        rows,
        weights=_by_run(trained.theta[..., lane]),
        deferred=[bits.tobytes() for bits in _by_run(evaluation.deferred)],
        positive=[bits.tobytes() for bits in _by_run(evaluation.positive)],
        benefit=None if evaluation.benefit is None else _by_run(evaluation.benefit),
        tested_on=data.tested_on,
    )
    checkpoint.drop()


def _lanes(pack: Pack, family: Family) -> tuple[list[tuple[float, float]], torch.Tensor]:
    """Return (alpha, gamma) of each network to train, and (K,) which of them is a setting's.

    Settings that differ only in thresholds chosen afterwards share a network.
    """
    afterwards, trains = family.chosen_afterwards(pack.method), family.trains(pack.method)
    wanted = [
        (setting.trained_alpha if trains else 0.0, 0.0 if afterwards else setting.gamma or 0.0)
        for setting in pack.settings
    ]
    networks = list(dict.fromkeys(wanted)) if afterwards else wanted
    return networks, torch.tensor([networks.index(w) for w in wanted] if afterwards else range(len(wanted)))


def failed_rows(pack: Pack, data: StudyData, reason: str) -> dict[str, list[Any]]:
    """Return the rows of a pack that could not be trained, as columns: what they were, and why not."""
    columns = {name: [None] * pack.runs for name in RUN_SCHEMA.names} | _known(pack, data)
    nothing = {"epochs": 0, "best_epoch": 0, "seconds": 0.0, "status": FAILED, "reason": reason}
    return columns | {name: [value] * pack.runs for name, value in nothing.items()}


def _rows(
    pack: Pack, data: StudyData, trained: Trained, evaluation: Evaluation, lane: torch.Tensor
) -> dict[str, list[Any]]:
    """Return the pack's rows as columns, seed by seed and setting by setting."""
    columns = _known(pack, data)
    columns["epochs"] = trained.epochs[:, lane].flatten().tolist()
    columns["best_epoch"] = trained.best_epoch[:, lane].flatten().tolist()
    columns["status"] = [of_seed[k].value for of_seed in trained.stop for k in lane.tolist()]
    columns["reason"] = [None] * pack.runs
    columns["validation_loss"] = _defined(trained.validation_loss[:, lane])
    columns |= {name: [None] * pack.runs for name in (*THRESHOLDS, *AREAS)}
    return columns | {name: _defined(values) for name, values in evaluation.columns.items()}


def _known(pack: Pack, data: StudyData) -> dict[str, list[Any]]:
    """Return what the pack's rows say before it is trained: which runs they are, and where they ran."""
    runs = [(seed, setting) for seed in pack.seeds for setting in pack.settings]
    defers = pack.decision_maker != NO_DECISION_MAKER
    constant = {
        "study": data.study,
        "dataset": data.dataset,
        "data_fingerprint": data.fingerprint,
        "decision_maker": pack.decision_maker,
        "test_decision_maker": (defers and data.test_decision_maker) or pack.decision_maker,
        "split": pack.split,
        "method": pack.method,
        "model": pack.model,
        "pack_id": pack.pack_id,
        "worker": f"{socket.gethostname()}-{os.getpid()}",
        "finished_at": datetime.now(UTC),
    }
    columns: dict[str, list[Any]] = {name: [value] * len(runs) for name, value in constant.items()}
    columns["run_id"] = [run_id(setting.setting_id, seed, pack.split) for seed, setting in runs]
    columns["setting_id"] = [setting.setting_id for _, setting in runs]
    columns["alpha"] = [setting.alpha for _, setting in runs]
    columns["gamma"] = [setting.gamma for _, setting in runs]
    columns["model_alpha"] = [setting.params.get("model_alpha") for _, setting in runs]
    columns["seed"] = [seed for seed, _ in runs]
    return columns


def _by_run(values: torch.Tensor) -> list[np.ndarray[Any, Any]]:
    """Return (S, n, K) values as one array of n for each run, seed by seed and setting by setting."""
    return list(values.transpose(1, 2).flatten(0, 1).numpy())


def _defined(values: torch.Tensor) -> list[float | None]:
    """Return (S, K) metrics as a list, None where undefined."""
    flat = values.flatten().to(torch.float64)
    return [
        value if finite else None
        for value, finite in zip(flat.tolist(), torch.isfinite(flat).tolist(), strict=True)
    ]
