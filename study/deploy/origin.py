"""What a run was trained on, and the model that it is."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from study.data import Dataset, Preprocessing
from study.data.raw_values import texts
from study.deploy.model import DeployedModel
from study.errors import DataError, LedgerError
from study.models.draws import DECISION_DRAWS, weight_noise
from study.models.families import FAMILIES
from study.results.directory import ResultsDirectory
from study.words import METRICS, SPLITS, THRESHOLDS, Costs


@dataclass(frozen=True)
class Origin:
    """What a run was trained on.

    Attributes:
        study: the resolved study file.
        dataset: its data.
        rows: the row numbers of each split on which metrics are measured.
    """

    study: Mapping[str, Any]
    dataset: Dataset
    rows: Mapping[str, npt.NDArray[np.int64]]

    @property
    def costs(self) -> Costs:
        """What errors and deferrals cost."""
        return Costs.of(self.study)

    def inputs(self, split: str, model: DeployedModel) -> npt.NDArray[np.float32]:
        """Return what a split's rows are to a model, from their raw values on, (n, F + 1)."""
        # Not `decide`: it refuses categories that training did not see, which such rows may have.
        return model.preprocessing.transform(self.dataset.raw.iloc[self.rows[split]])


def run_facts(row: "Mapping[Any, Any] | pd.Series[Any]") -> dict[str, Any]:
    """Return a row of the ledger by column, None where there is nothing."""
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def run_model(directory: ResultsDirectory, origin: Origin, run: Mapping[str, Any]) -> DeployedModel:
    """Return the model of a run, a row of the ledger.

    Raises LedgerError where its model or method is unknown, or it has no thresholds, and DataError where
    the data are not those that it was trained on.
    """
    dataset = origin.dataset
    if dataset.fingerprint != run["data_fingerprint"]:
        raise DataError(
            f"dataset {dataset.name}: its fingerprint is {dataset.fingerprint}, and the run was "
            f"trained on {run['data_fingerprint']}; put the data back as they were"
        )
    family, preprocessing = FAMILIES.get(run["model"]), dataset.preprocessing
    if family is None or run["method"] not in family.methods:
        raise LedgerError(
            f"{directory.root}: run {run['run_id']} is of an unknown model or method; export another"
        )
    if family.given:
        preprocessing = replace(preprocessing, given=dataset.given_model(origin.costs))
    if not family.trains(run["method"]):
        # It looks at nothing but the given model's p and the group.
        preprocessing = replace(preprocessing, columns=(), mean=(), factor=())
    hidden = origin.study["training"]["hidden"]
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
        "outcomes": _outcomes(dataset),
        "rows": {split: len(rows[split]) for split in SPLITS} | {"train": len(dataset.indices("train"))},
        "undecided_rows": int((~dataset.measured).sum()),
        "test_rows_by_a_and_label": np.bincount(cells, minlength=4).reshape(2, 2).tolist(),
        "decision_maker_alone": [{name: of[f"test_{name}"] for name in METRICS} for of in of_tests],
        "code": manifest.get("code"),
        "backend": manifest.get("backend"),
        "versions": {
            "package": importlib.metadata.version("learning-to-defer-study"),
            "torch": torch.__version__,
        },
    }


def _outcomes(dataset: Dataset) -> list[str]:
    """Return what the label's 0 and 1 are called: the table's own words, or those for a named data set."""
    if dataset.section.label is None:
        return list(dataset.names.outcomes)
    words = texts(dataset.raw[dataset.section.label.column])
    return [str(words[dataset.label == value].iloc[0]) for value in (0, 1)]
