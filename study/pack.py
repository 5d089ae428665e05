"""Train one pack and write its rows: a plain function that needs neither Ray nor Optuna."""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from models.examples import Examples, with_bias
from models.methods import METHODS
from models.metrics import joint_figures
from models.mlp import MLP
from models.network import Model
from models.ordinal import ORDINAL
from models.training import PackTraining, Trained, TrainingOptions
from study.data import SPLITS, Dataset
from study.ledger import ResultsDirectory
from study.plan import NO_DECISION_MAKER, Pack, run_id

MODELS: dict[str, Model] = {model.name: model for model in (MLP, ORDINAL)}


@dataclass(frozen=True)
class StudyData:
    """What every worker of a study holds, as arrays that travel well.

    features: (N, F) float32; label, sensitive: (N,); rows: row numbers of each split;
    decision_makers: the probability (N,) of the positive class by each DM.
    """

    study: str
    dataset: str
    fingerprint: str
    features: np.ndarray[Any, np.dtype[np.float32]]
    label: np.ndarray[Any, np.dtype[np.float32]]
    sensitive: np.ndarray[Any, np.dtype[np.int8]]
    rows: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]]
    decision_makers: Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]
    options: TrainingOptions
    compiled: bool

    @staticmethod
    def of(
        study: str,
        dataset: Dataset,
        decision_makers: Mapping[str, np.ndarray[Any, np.dtype[np.float32]]],
        options: TrainingOptions,
        compiled: bool,
    ) -> "StudyData":
        """Take from a data set what training needs."""
        return StudyData(
            study=study,
            dataset=dataset.name,
            fingerprint=dataset.fingerprint,
            features=dataset.features,
            label=dataset.label,
            sensitive=dataset.sensitive,
            rows={split: dataset.indices(split) for split in SPLITS},
            decision_makers=dict(decision_makers),
            options=options,
            compiled=compiled,
        )

    def examples(self, split: str, decision_maker: str) -> Examples:
        """Return a split as tensors, with a DM's view of it.

        A method that never defers gets the labels in the DM's place, which nobody looks at.
        """
        maker = self.decision_makers.get(decision_maker, self.label)
        rows = self.rows[split]
        return Examples(
            with_bias(torch.tensor(self.features[rows])),
            torch.tensor(self.label[rows]),
            torch.tensor(self.sensitive[rows], dtype=torch.float32),
            torch.tensor(maker[rows]),
        )


def run_pack(pack: Pack, data: StudyData, directory: ResultsDirectory) -> Iterator[int]:
    """Train ``pack``, yielding after every epoch how many of its runs are trained; then write its rows.

    A pack whose rows are in the ledger already, written by a worker that outlived its driver, is
    taken as it is.
    """
    if directory.has_runs(pack.pack_id):
        return
    started = time.perf_counter()
    # On one thread a lane's bits do not depend on how the work is cut into threads.
    torch.set_num_threads(1)
    if pack.decision_maker not in (*data.decision_makers, NO_DECISION_MAKER):
        raise ValueError(f"{pack.pack_id}: unknown decision-maker {pack.decision_maker}")
    splits = {split: data.examples(split, pack.decision_maker) for split in SPLITS}
    if not pack.fresh:
        directory.write_nothing(pack.pack_id)
        return
    training = PackTraining(
        MODELS[pack.model],
        METHODS[pack.method],
        splits["train"],
        splits["validation"],
        alpha=torch.tensor([setting.alpha for setting in pack.settings]),
        gamma=torch.tensor([setting.gamma or 0.0 for setting in pack.settings]),
        seeds=pack.seeds,
        options=data.options,
        compiled=data.compiled,
    )
    while training.running:
        training.run_epoch()
        yield pack.runs - training.running
    trained = training.result()
    rows = _rows(pack, data, trained, splits)
    epochs = trained.epochs.to(torch.float64).flatten()
    rows["seconds"] = (epochs / epochs.sum() * (time.perf_counter() - started)).tolist()
    weights = trained.theta.transpose(1, 2).flatten(0, 1).numpy()
    directory.write_runs(pack.pack_id, rows, list(weights))


def _rows(
    pack: Pack, data: StudyData, trained: Trained, splits: Mapping[str, Examples]
) -> dict[str, list[Any]]:
    """Return the pack's rows as columns, seed by seed and setting by setting."""
    model = MODELS[pack.model]
    runs = [(seed, setting) for seed in pack.seeds for setting in pack.settings]
    constant = {
        "study": data.study,
        "dataset": data.dataset,
        "data_fingerprint": data.fingerprint,
        "decision_maker": pack.decision_maker,
        "method": pack.method,
        "model": pack.model,
        "pack_id": pack.pack_id,
        "worker": f"{socket.gethostname()}-{os.getpid()}",
        "finished_at": datetime.now(UTC),
    }
    columns: dict[str, list[Any]] = {name: [value] * len(runs) for name, value in constant.items()}
    columns["run_id"] = [run_id(setting.setting_id, seed) for seed, setting in runs]
    columns["setting_id"] = [setting.setting_id for _, setting in runs]
    columns["alpha"] = [setting.alpha for _, setting in runs]
    columns["gamma"] = [setting.gamma for _, setting in runs]
    columns["seed"] = [seed for seed, _ in runs]
    columns["epochs"] = trained.epochs.flatten().tolist()
    columns["best_epoch"] = trained.best_epoch.flatten().tolist()
    columns["status"] = [stop.value for of_seed in trained.stop for stop in of_seed]
    columns["validation_loss"] = _defined(trained.validation_loss)
    for split, examples in splits.items():
        for name, values in joint_figures(model, trained.theta, examples).items():
            columns[f"{split}_{name}"] = _defined(values)
    one = torch.zeros(trained.theta.shape[0], 1, data.features.shape[1] + 1)
    scores = model.scores(trained.theta, one)
    for name, threshold in (("t0", scores.t0), ("t1", scores.t1)):
        used = _defined(threshold) if model.has_thresholds else [None] * len(runs)
        columns[f"{name}_a0"] = columns[f"{name}_a1"] = used
    return columns


def _defined(values: torch.Tensor) -> list[float | None]:
    """Return (S, K) figures as a list, None where undefined."""
    flat = values.flatten().to(torch.float64)
    return [
        value if finite else None
        for value, finite in zip(flat.tolist(), torch.isfinite(flat).tolist(), strict=True)
    ]
