"""A model as scikit-learn sees it: an estimator that is trained already."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study import load_model
from study.deploy.model import DeployedModel
from study.errors import DataError

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone, is_classifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay, accuracy_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted


@pytest.fixture(params=["binary-mlp", "defer-ordinal", "reject-bayes"])
def model(request: pytest.FixtureRequest, exported: dict[str, Path]) -> DeployedModel:
    return load_model(exported[request.param])


@pytest.fixture
def people(families) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    frame = pd.read_csv(families.root.parent / "cases.csv")
    return frame[frame["place"] != "elsewhere"]


def test_it_is_a_classifier_that_needs_no_fit(model: DeployedModel, people: pd.DataFrame) -> None:
    assert is_classifier(model)
    check_is_fitted(model)
    assert clone(model).predict(people).tolist() == model.predict(people).tolist()
    assert model.fit(people, people["bad"]) is model
    assert model.get_params() == {}
    with pytest.raises(ValueError, match="depth: a trained model has no parameters"):
        model.set_params(depth=3)
    assert list(model.feature_names_in_) == list(model.columns)
    assert model.n_features_in_ == len(model.columns)


def test_score_is_the_accuracy_of_what_it_predicts(model: DeployedModel, people: pd.DataFrame) -> None:
    expected = accuracy_score(people["bad"], model.predict(people))
    assert model.score(people, people["bad"]) == pytest.approx(expected)
    weights = np.arange(len(people))
    weighted = accuracy_score(people["bad"], model.predict(people), sample_weight=weights)
    assert model.score(people, people["bad"], sample_weight=weights) == pytest.approx(weighted)
    assert cross_val_score(model, people, people["bad"], cv=3).mean() == pytest.approx(expected, abs=0.01)


def test_score_takes_labels_in_the_words_of_the_table(model: DeployedModel, people: pd.DataFrame) -> None:
    told = replace(model, about={**model.about, "outcomes": ["good", "default"]})
    words = people["bad"].map({0: "good", 1: "default"})
    expected = model.score(people, people["bad"])
    assert told.score(people, words) == told.score(people, people["bad"]) == expected
    with pytest.raises(DataError, match="the labels: 0 and 1 or good and default are allowed, got 'fine'"):
        told.score(people, ["fine"] * len(people))
    with pytest.raises(DataError, match="the labels: 0 and 1 are allowed, got 2"):
        model.score(people, [2] * len(people))


def test_it_ends_a_pipeline(model: DeployedModel, people: pd.DataFrame) -> None:
    def upper(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(sex=frame["sex"].str.lower())

    pipeline = make_pipeline(FunctionTransformer(upper), model)
    shouted = people.assign(sex=people["sex"].str.upper())
    assert pipeline.predict(shouted).tolist() == model.predict(people).tolist()
    assert (pipeline.predict_proba(shouted) == model.predict_proba(people)).all()
    assert isinstance(clone(pipeline).fit(shouted, people["bad"]), Pipeline)
    assert "DeployedModel" in pipeline._repr_html_()


def test_arrays_and_lists_are_taken_in_the_order_of_its_columns(
    model: DeployedModel, people: pd.DataFrame
) -> None:
    own = people[list(model.columns)]
    expected = model.decide(people).reset_index(drop=True)
    pd.testing.assert_frame_equal(model.decide(own.to_numpy()), expected)
    pd.testing.assert_frame_equal(model.decide(own.to_numpy().tolist()), expected)
    pd.testing.assert_frame_equal(model.decide(people.to_dict("records")), expected)
    with pytest.raises(DataError, match=r"the table: has 2 columns; 9 are needed, in the order city, code"):
        model.decide([[1, 2]])
    with pytest.raises(DataError, match=r"the table: .* a DataFrame, an array or lists are allowed"):
        model.decide(object())  # type: ignore[arg-type]


def test_it_is_inspected_and_drawn(model: DeployedModel, people: pd.DataFrame) -> None:
    own = people[list(model.columns)].head(60)
    label = people["bad"].head(60)
    importance = permutation_importance(model, own, label, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (len(model.columns),)
    matrix = ConfusionMatrixDisplay.from_estimator(model, own, label).confusion_matrix
    assert matrix.sum() == 60
    assert 0 <= RocCurveDisplay.from_estimator(model, own, label).roc_auc <= 1


def test_it_shows_itself_in_a_line_and_in_a_notebook(model: DeployedModel) -> None:
    run_id = model.about["run"]["run_id"]
    assert repr(model) == f"DeployedModel({model.method}, {model.family.name}, 9 columns, run {run_id})"
    assert run_id in model._repr_html_()
    assert model._repr_html_().startswith(
        f"<div><strong>{model.method} ({model.family.name})</strong><table>"
    )
