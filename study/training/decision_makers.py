"""A study's decision-makers: trained once, written to the results directory, and read from there."""

from typing import Any

import numpy as np
import torch

from study.config.plan import DecisionMakerPlan, Plan
from study.data import Dataset, cautions, default_subgroup, subgroup
from study.engines.on_cpu import OnCpu
from study.errors import DataError, StudyFileError
from study.models.decision_maker import DecisionMaker, make_decision_makers
from study.models.decisions import counts_alone
from study.models.examples import Examples, with_bias
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.results.metrics import metrics
from study.results.outcomes import Clusters
from study.seeds import stream_seed
from study.training.study_data import measured_rows, rows_by_use
from study.words import SPLITS

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
Probabilities = dict[str, np.ndarray[Any, np.dtype[np.float32]]]


def where_inconsistent(plan: DecisionMakerPlan, dataset: str) -> str | None:
    """Return the condition on whom ``inconsistent`` errs; None where the study has no such decision-maker.

    Raises StudyFileError where neither the study file nor the data set says.
    """
    if "inconsistent" not in plan.all_names:
        return None
    where = plan.where or default_subgroup(dataset)
    if where is None:
        raise StudyFileError(
            f"inconsistent.where: name the cases on which the decision-maker of {dataset} is wrong, by a "
            "column and a condition such as: age <= 35"
        )
    return where


def fulfilling(dataset: Dataset, where: str | None) -> BoolArray | None:
    """Return who fulfils a condition, (N,); raises DataError where it does not fit the data."""
    try:
        return None if where is None else subgroup(dataset, where)
    except DataError as error:
        raise DataError(f"inconsistent.{error}") from None


def misleading(plan: DecisionMakerPlan, dataset: Dataset) -> list[str]:
    """Return a line for everything that would make the metrics mislead."""
    found = cautions(dataset)
    if dataset.decisions is not None and "column" not in plan.all_names:
        names = ", ".join(plan.names)
        found.append(
            f"the decision-maker is simulated ({names}), but the table has real decisions; to use them, "
            "write decision_maker: column"
        )
    return found


def decision_makers(
    plan: Plan, directory: ResultsDirectory, dataset: Dataset, unreliable: BoolArray | None, split: int = 0
) -> tuple[Probabilities, str]:
    """Return each decision-maker's probabilities (N,) of the positive class in a split.

    They are trained if that has not been done. With them comes the digest of the test rows.
    ``unreliable`` is on whom ``inconsistent`` errs, (N,).
    """
    if directory.decision_makers_of(split).exists():
        stored = directory.read_decision_makers(split)
        probabilities = (np.asarray(row, dtype=np.float32) for row in stored["probability"])
        found = dict(zip(stored["decision_maker"], probabilities, strict=True))
    else:
        torch.set_num_threads(1)
        found = _train(plan, directory, dataset, unreliable, split)
    test = measured_rows(dataset, plan.thresholds.choose_on)["test"]
    name, number = dataset.group_name, dataset.group_number
    clusters = None if name is None or number is None else Clusters(name, number)
    tested_on = directory.write_test_rows(
        dataset.label > 0.5, dataset.sensitive == 1, found, test, clusters, split, dataset.row_id
    )
    return found, tested_on


def _train(
    plan: Plan, directory: ResultsDirectory, dataset: Dataset, unreliable: BoolArray | None, split: int
) -> Probabilities:
    x = with_bias(torch.tensor(np.concatenate([dataset.features, dataset.dm_only], axis=1)))
    y = torch.tensor(dataset.label)
    a = torch.tensor(dataset.sensitive, dtype=torch.float32)
    rows, measured = (
        {part: torch.tensor(used[part]) for part in SPLITS}
        for used in (of(dataset, plan.thresholds.choose_on) for of in (rows_by_use, measured_rows))
    )
    names = plan.decision_makers.all_names
    trained = make_decision_makers(
        [name for name in names if name != "column"],
        x,
        y,
        a,
        train=rows["train"],
        validation=rows["validation"],
        seed=stream_seed("decision-maker", plan.decision_makers.seed + split),
        options=TrainingOptions(**plan.training),
        unreliable=None if unreliable is None else torch.tensor(unreliable),
        flip=plan.decision_makers.flip,
        engine=OnCpu,
    )
    if "column" in names and dataset.decisions is not None:
        of_table = torch.tensor(dataset.decisions.probability)
        trained.insert(names.index("column"), DecisionMaker("column", of_table, None))
    columns: dict[str, list[Any]] = {
        "decision_maker": [maker.name for maker in trained],
        "alpha": [maker.alpha for maker in trained],
        "probability": [maker.probability.numpy() for maker in trained],
    }
    for part, of_part in measured.items():
        for maker in trained:
            seen = Examples(x[of_part], y[of_part], a[of_part], maker.probability[of_part])
            for name, value in metrics(counts_alone(seen), plan.costs).items():
                columns.setdefault(f"{part}_{name}", []).append(float(value))
    directory.write_decision_makers(columns, split)
    return {maker.name: maker.probability.numpy() for maker in trained}
