"""A study whose errors have costs: what its rows say, what decides them, and how a run is chosen."""

from pathlib import Path
from typing import Any

import pytest

from study.api import Study
from study.config.reading import validate
from study.config.study_file import StudyConfig
from study.errors import StudyFileError
from study.results.metrics import LedgerCounts
from study.search.identity import Identity
from study.words import SPLITS, UNIT_COSTS, Costs
from tests.worlds.small_study import config_of, write_cases

GIVEN = {"false_positive": 1, "false_negative": 5, "deferral": 0.1}
METHODS = {
    "methods": ["binary", "defer", "confidence", "ce", "compare"],
    "model": ["mlp", "ordinal", "actions", "pair"],
}


def study_of(path: Path, **changes: Any) -> StudyConfig:
    given = {"dataset": write_cases(path / "cases.csv"), "decision_maker": "column", "seeds": 1}
    searched = {"search": {"sampler": "random", "settings": 2}, "training": {"max_epochs": 3}}
    return config_of({**given, **searched, **METHODS, **changes})


def run(path: Path, name: str, **changes: Any) -> Study:
    return Study.run(study_of(path, **changes), out=path / name, in_process=True)


def test_cost_of_a_run_follows_from_its_cells_and_a_run_is_chosen_by_it(tmp_path: Path) -> None:
    study = run(tmp_path, "out", costs=GIVEN)
    runs = study.results()
    for split in SPLITS:
        counts = LedgerCounts.of(runs, split)
        errors = counts.model_errors + counts.dm_errors
        total = errors[[0, 2]].sum(0) + 5 * errors[[1, 3]].sum(0) + 0.1 * counts.deferred.sum(0)
        assert runs[f"{split}_cost"].tolist() == pytest.approx((total / counts.examples.sum(0)).tolist())
    chosen = study.select(minimise="cost", include_degenerate=True)
    assert chosen.validation["cost"] == pytest.approx(runs["validation_cost"].min())
    assert "cost per case" in chosen.summary()
    assert not study.select(max_cost=0.0, include_degenerate=True).satisfies
    assert "cost" in study.full_results().decision_makers
    fronts = study.fronts()
    honest, medians = fronts[fronts["front"] == "honest"], study.settings()
    for (method, model), own in medians.groupby(["method", "model"]):
        on_front = honest[(honest["method"] == method) & (honest["model"] == model)]
        assert on_front["validation_cost"].min() == own["validation_cost"].min()
    page = Path(str(study.report())).read_text("utf-8")
    assert "a false positive costs 1, a false negative 5, a deferral 0.1" in page
    assert '"main":"cost"' in page
    deferring = runs[runs["method"] == "compare"].iloc[0]
    model = study.export(deferring["run_id"], tmp_path / "model")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text("utf-8")
    prices = "a false positive costs 1, a false negative 5, a deferral 0.1"
    assert f"| cost per case ({prices}) | {deferring['test_cost']:.3f} (" in card
    assert "cost per case than the decision-maker alone" in card
    assert model.about["risk_coverage"]["aurc"] == pytest.approx(deferring["test_aurc"], abs=1e-9)


def test_dear_false_negatives_become_rarer(tmp_path: Path) -> None:
    training = {"training": {"max_epochs": 40, "learning_rate": 0.03, "batch_size": 16}}
    methods = {"methods": "binary", "model": "mlp", **training}
    dear = run(tmp_path, "dear", costs={"false_negative": 20}, **methods).results()
    plain = run(tmp_path, "plain", **methods).results()
    assert dear["train_fnr"].median() < plain["train_fnr"].median()


def test_unit_costs_change_nothing(tmp_path: Path) -> None:
    plain, unit = run(tmp_path, "plain"), run(tmp_path, "unit", costs={"false_positive": 1.0})
    assert plain.config.plan() == unit.config.plan()
    rows = [study.results().sort_values("run_id") for study in (plain, unit)]
    assert rows[0]["run_id"].tolist() == rows[1]["run_id"].tolist()
    assert rows[0]["validation_loss"].tolist() == rows[1]["validation_loss"].tolist()
    assert rows[0]["test_cost"].tolist() == rows[0]["test_error"].tolist()


def test_costs_decide_rows(tmp_path: Path) -> None:
    plans = [study_of(tmp_path, costs=costs).plan() for costs in ({}, GIVEN, {**GIVEN, "deferral": 0.2})]
    assert [plan.costs for plan in plans] == [UNIT_COSTS, Costs(1, 5, 0.1), Costs(1, 5, 0.2)]
    arm = plans[0].search.arms[0].arm
    ids = {Identity.of(plan, "f", None).setting(arm, {"alpha": 1.0}).setting_id for plan in plans}
    assert len(ids) == 3
    assert [plan.search.objectives[0] for plan in plans] == [
        *("validation_error", "validation_cost", "validation_cost")
    ]


@pytest.mark.parametrize(
    "wrong", [{"false_positive": 0}, {"false_negative": -1}, {"deferral": -0.1}, {"fp": 2}]
)
def test_costs_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(StudyFileError, match=f"costs.{next(iter(wrong))}"):
        validate({"costs": wrong}, "here")
