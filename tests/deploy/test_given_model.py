"""A given model from its column to a deployed rule: what it says stays what it said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study import Study
from study.data.preprocessing import Given
from study.deploy.apply import apply
from study.deploy.card import CARD_FILE
from study.deploy.model_file import load_model
from study.errors import DataError
from study.results.choice.alternatives import baseline_of
from study.results.directory import ResultsDirectory

GIVEN = ["binary-given", "confidence-given", "compare-given", "two-stage-given"]


@pytest.fixture(scope="module")
def table(families: ResultsDirectory) -> pd.DataFrame:
    """The study's table, without the rows that ``apply`` refuses."""
    frame = pd.read_csv(Path(str(families.root)).with_name("cases.csv"), dtype={"code": str})
    return frame[frame["place"] != "elsewhere"].reset_index(drop=True)


@pytest.mark.parametrize("arm", GIVEN)
def test_applied_probabilities_and_classes_are_the_columns_own(
    arm: str, exported: dict[str, Path], table: pd.DataFrame, tmp_path: Path
) -> None:
    table.to_csv(tmp_path / "new.csv", index=False)
    decided = apply(exported[arm], tmp_path / "new.csv", tmp_path / "out.parquet")
    assert decided["probability"].tolist() == table["risk"].tolist()
    assert ((decided["prediction"] == 1) == (table["risk"] >= 0.5)).all()
    assert decided["defer"].any() == (arm != "binary-given")


def test_a_rule_by_confidence_needs_the_score_and_the_group_alone(
    exported: dict[str, Path], table: pd.DataFrame
) -> None:
    model = load_model(exported["confidence-given"])
    assert model.columns == ("risk", "race")
    decided = model.decide(table[["race", "risk"]])
    lower, upper = (model.on_column(decided[name]) for name in ("lower", "upper"))
    between = (table["risk"] > lower) & (table["risk"] < upper)
    assert (decided["defer"] == between).all()
    assert f"deferred: risk {table['risk'][between].iloc[0]:.4g} is between" in "\n".join(decided["reason"])


@pytest.mark.parametrize("arm", GIVEN)
def test_a_table_without_the_score_or_with_another_scale_is_refused_in_a_line(
    arm: str, exported: dict[str, Path], table: pd.DataFrame
) -> None:
    model = load_model(exported[arm])
    wrong = {
        "column risk not found": table.drop(columns="risk"),
        "column risk: 7 in row 2 is not a probability": table.assign(risk=[0.5, 7.0, *table["risk"][2:]]),
        "column risk: -0.1 in row 1 is not a pro": table.assign(risk=[-0.1, *table["risk"][1:]]),
        "column risk: missing in 1 of": table.assign(risk=[np.nan, *table["risk"][1:]]),
        "column risk: high is not a finite number": table.assign(risk="high"),
    }
    for words, frame in wrong.items():
        with pytest.raises(DataError, match=words) as caught:
            model.decide(frame)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("arm", GIVEN)
def test_card_says_whose_probabilities_they_are(arm: str, exported: dict[str, Path]) -> None:
    card = (exported[arm] / CARD_FILE).read_text()
    assert "the probabilities in the column `risk`, as they are. Nothing of that model was trained" in card
    assert "its class is 1 from 0.5 on" in card
    assert "The baseline is the given model alone" in card
    assert ("It defers where `risk` is between" in card) == (arm == "confidence-given")
    assert ("hidden units" in card) == (arm in ("compare-given", "two-stage-given"))


def test_the_given_model_alone_is_the_baseline(families: ResultsDirectory, table: pd.DataFrame) -> None:
    runs = families.read_runs()[0]
    run = runs[(runs["method"] == "two-stage") & (runs["model"] == "given")].iloc[0]
    (baseline,) = baseline_of(runs, run).to_dict("records")
    assert (baseline["method"], baseline["model"]) == ("binary", "given")
    assert (baseline["epochs"], baseline["status"]) == (0, "untrained")
    whole = pd.read_csv(Path(str(families.root)).with_name("cases.csv"))
    test = whole[whole["split"] == "test"]
    wrong = (test["risk"] >= 0.5) != (test["bad"] == 1)
    assert baseline["test_error"] == pytest.approx(wrong.mean(), abs=1e-12)
    assert not ((runs["method"] == "binary") & (runs["model"] == "mlp") & (runs["alpha"] == 0)).any()


def test_a_given_rule_is_chosen_for_a_budget(families: ResultsDirectory) -> None:
    chosen = Study(families.root).to_budget(max_idk=0.3, model="given")
    assert chosen.to_json()["model"] == "given"


@pytest.mark.parametrize(("odds", "limit"), [(1.0, 0.5), (5.0, 1 / 6), (0.25, 0.8)])
def test_where_errors_have_costs_the_class_is_the_cheaper_decision(odds: float, limit: float) -> None:
    """1 from c_FP / (c_FP + c_FN) on (Elkan 2001)."""
    p = np.concatenate([np.linspace(0, 1, 101), [0.5 - 1e-12, 0.5, 0.5 + 1e-12]])
    p = p[np.abs(p - limit) > 1e-9] if odds != 1 else p
    given = Given("risk", odds)
    inputs = given.input(p)
    assert inputs.dtype == np.float32
    np.testing.assert_array_equal(inputs >= 0.5, p >= limit)
    np.testing.assert_allclose(given.probability(inputs.astype(float)), p, rtol=1e-6, atol=1e-7)
