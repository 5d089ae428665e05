"""What every worker of a study holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from study.config.plan import Plan, ThresholdOptions
from study.data import Dataset
from study.data.preprocessing import with_given
from study.models.draws import stream
from study.models.examples import UNKNOWN, Examples, with_bias
from study.models.training import TrainingOptions
from study.search.identity import Identity
from study.words import SPLITS, UNIT_COSTS, Costs


@dataclass(frozen=True)
class StudyData:
    """What every worker of a study holds, as arrays that travel well.

    identity: what decides every row beside setting, seed and split; fingerprint: of the data in this split;
    features: (N, F) float32; label, sensitive:
    (N,); rows: row numbers of each split, and of ``choice``, the rows on which thresholds are chosen;
    decision_makers: the probability (N,) of the positive class by each decision-maker, NaN where it does
    not decide; test_decision_maker: whose decisions count in the metrics, None for that of the training;
    backend: how the training step runs, ``compiled``, ``eager`` or ``gpu``; costs: of errors and deferrals;
    measured: (N,), the rows on which metrics are, None for all; given: (N,), a given model's p as models
    get it; tested_on: the digest of the test rows, as their file gives it, empty where there is none.
    """

    study: str
    dataset: str
    identity: Identity
    fingerprint: str
    features: np.ndarray[Any, np.dtype[np.float32]]
    label: np.ndarray[Any, np.dtype[np.float32]]
    sensitive: np.ndarray[Any, np.dtype[np.int8]]
    rows: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]]
    decision_makers: Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]
    test_decision_maker: str | None
    options: TrainingOptions
    thresholds: ThresholdOptions
    backend: str
    costs: Costs = UNIT_COSTS
    measured: np.ndarray[Any, np.dtype[np.bool_]] | None = None
    given: np.ndarray[Any, np.dtype[np.float32]] | None = None
    tested_on: str = ""

    @staticmethod
    def of(
        plan: Plan,
        dataset: Dataset,
        identity: Identity,
        decision_makers: Mapping[str, np.ndarray[Any, np.dtype[np.float32]]],
        *,
        backend: str,
        tested_on: str = "",
    ) -> "StudyData":
        """Take from a study's plan and a data set what training needs."""
        own = dataset.given_model(plan.costs)
        return StudyData(
            study=plan.study,
            dataset=dataset.name,
            identity=identity,
            fingerprint=dataset.fingerprint,
            features=dataset.features,
            label=dataset.label,
            sensitive=dataset.sensitive,
            rows=rows_by_use(dataset, plan.thresholds.choose_on),
            decision_makers=dict(decision_makers),
            test_decision_maker=plan.decision_makers.tested_with,
            options=TrainingOptions(**plan.training),
            thresholds=plan.thresholds,
            backend=backend,
            costs=plan.costs,
            measured=dataset.measured,
            given=None if own is None or dataset.given is None else own.input(dataset.given),
            tested_on=tested_on,
        )

    def partly(self, decision_maker: str) -> bool:
        """Return whether some decisions of a decision-maker are unknown."""
        return bool(np.isnan(self.decision_makers.get(decision_maker, self.label)).any())

    def examples(
        self, use: str, decision_maker: str, *, measured: bool = False, given: bool = False
    ) -> Examples:
        """Return the rows of a use, or of them those ``measured``, as tensors, with a DM's view of them.

        Inputs begin with a given model's p where it is ``given``.

        A method that never defers gets the labels in the DM's place, which no loss looks at.
        """
        maker = self.decision_makers.get(decision_maker, self.label)
        rows = self.rows[use]
        if measured and self.measured is not None:
            rows = rows[self.measured[rows]]
        features = self.features[rows]
        if given and self.given is not None:
            features = with_given(self.given[rows], features)
        return Examples(
            with_bias(torch.tensor(features)),
            torch.tensor(self.label[rows]),
            torch.tensor(self.sensitive[rows], dtype=torch.float32),
            torch.tensor(maker[rows]).nan_to_num(UNKNOWN),
        )


def measured_rows(dataset: Dataset, choose_on: str) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    """Return those of ``rows_by_use`` on which metrics are measured."""
    return {use: rows[dataset.measured[rows]] for use, rows in rows_by_use(dataset, choose_on).items()}


def rows_by_use(dataset: Dataset, choose_on: str) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    """Return row numbers, ascending: the splits, and ``choice``, where thresholds are chosen.

    With ``test-half`` these are a random half of the test split, and ``test`` is the other (Appendix C).
    """
    rows = {split: dataset.indices(split) for split in SPLITS}
    if choose_on == "validation":
        return {**rows, "choice": rows["validation"]}
    test = rows["test"]
    order = torch.randperm(len(test), generator=stream("test halves", dataset.fingerprint)).numpy()
    first, second = np.array_split(order, 2)
    return {**rows, "choice": np.sort(test[first]), "test": np.sort(test[second])}
