"""``DeferralClassifier``: a deferring model as scikit-learn's users train one."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import study
from tests.training.driver import environment

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from study import DeferralClassifier

QUICK: dict[str, Any] = {"settings": 2, "max_epochs": 25, "learning_rate": 0.03}


@parametrize_with_checks([DeferralClassifier(settings=1, max_epochs=40, learning_rate=0.03)])
def test_it_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture
def people() -> pd.DataFrame:
    """300 people with text, numbers with gaps, an outcome, and a doctor who is right five times in six."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.normal(50, 10, 300).round(),
            "pressure": np.where(random.random(300) < 0.1, np.nan, random.normal(0, 1, 300)),
            "sex": random.choice(["f", "m"], 300),
            "ward": random.choice(["a", "b", None], 300),
        }
    )
    ill = frame["age"] / 10 - 5 + frame["pressure"].fillna(0) + random.normal(0, 0.7, 300) > 0
    frame["outcome"] = np.where(ill, "ill", "well")
    other = np.where(ill, "well", "ill")
    frame["doctor"] = np.where(random.random(300) < 1 / 6, other, frame["outcome"])
    return frame


FEATURES = ["age", "pressure", "sex", "ward"]


def test_it_defers_to_the_doctor_and_says_why(people: pd.DataFrame) -> None:
    x, y = people[FEATURES], people["outcome"]
    model = DeferralClassifier(**QUICK).fit(x, y, sensitive_features="sex", decisions=people["doctor"])
    assert is_classifier(model)
    assert (list(model.classes_), model.groups_) == (["ill", "well"], ("f", "m"))
    assert list(model.feature_names_in_) == FEATURES
    assert (model.run_["method"], model.run_["model"], model.run_["decision_maker"]) == (
        "defer",
        "ordinal",
        "decisions",
    )
    decided = model.decide(x)
    assert decided.index.equals(x.index)
    assert set(model.predict(x)) == {"ill", "well"}
    assert (model.predict(x) == model.classes_[decided["prediction"]]).all()
    assert model.predict_proba(x)[:, 1] == pytest.approx(decided["probability"])
    joint = np.where(decided["defer"], people["doctor"], model.predict(x))
    assert (joint == y).mean() > 0.75
    assert model.score(x, y) > 0.7


def test_arrays_of_who_is_in_a_group_are_needed_again(people: pd.DataFrame) -> None:
    x, y, group = people[["age", "pressure"]].to_numpy(), people["outcome"] == "ill", people["sex"] == "m"
    model = DeferralClassifier(**QUICK).fit(
        x, y, sensitive_features=group, decisions=people["doctor"] == "ill"
    )
    assert model.groups_ == (False, True)
    assert len(model.predict(x, sensitive_features=group)) == 300
    with pytest.raises(ValueError, match="sensitive_features: the model was trained with some"):
        model.predict(x)


def test_a_limit_on_deferral_is_kept_on_validation_rows(people: pd.DataFrame) -> None:
    given = {"X": people[FEATURES], "y": people["outcome"], "decisions": people["doctor"]}
    prices = {"gamma": {"low": 0.1, "high": 0.5}}
    free = DeferralClassifier(**{**QUICK, "settings": 8}, **prices).fit(**given)
    limit = free.run_["validation_idk_rate"] / 2
    model = clone(free).set_params(max_deferral=limit).fit(**given)
    assert model.run_["validation_idk_rate"] <= limit
    assert model.groups_ is None
    never = DeferralClassifier(**QUICK, gamma=-1, max_deferral=0.0)
    with pytest.warns(UserWarning, match=r"no setting defers so few rows; the nearest defers \d+\.\d%"):
        never.fit(**given)


def test_probabilities_and_gaps_in_decisions_are_allowed(people: pd.DataFrame) -> None:
    probability = np.where(people["doctor"] == "well", 0.9, 0.2)
    probability[::3] = np.nan
    model = DeferralClassifier(**QUICK).fit(people[FEATURES], people["outcome"], decisions=probability)
    assert len(model.decide(people[FEATURES])) == 300


def test_the_same_seed_trains_the_same_model_and_leaves_no_files(
    people: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    model = DeferralClassifier(**QUICK)
    given = {"sensitive_features": "sex", "decisions": people["doctor"]}
    one = model.fit(people[FEATURES], people["outcome"], **given).decide(people[FEATURES])
    other = clone(model).fit(people[FEATURES], people["outcome"], **given).decide(people[FEATURES])
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert list(tmp_path.iterdir()) == []


def test_it_is_searched_over_and_ends_a_pipeline(people: pd.DataFrame) -> None:
    x, y = people[FEATURES], people["outcome"]
    search = GridSearchCV(DeferralClassifier(settings=1, max_epochs=5), {"hidden": [2, 4]}, cv=2)
    assert search.fit(x, y).best_params_["hidden"] in {2, 4}
    pipeline = make_pipeline(DeferralClassifier(**QUICK))
    pipeline.fit(x, y, deferralclassifier__decisions=people["doctor"])
    assert len(pipeline.predict(x)) == 300


@pytest.mark.parametrize(
    ("parameters", "given", "words"),
    [
        (
            {"method": "defre"},
            {"decisions": "doctor"},
            "methods.0: 'defre' is not allowed.*did you mean defer?",
        ),
        (
            {"method": "defer", "model": "mlp"},
            {"decisions": "doctor"},
            "none of mlp can be trained to defer",
        ),
        ({"method": "reject"}, {}, "method reject: needs decisions"),
        ({"alpha": "much"}, {}, "search.alpha: 'much' is not a finite number"),
        ({"settings": 0}, {}, "search.settings"),
        (
            {"max_deferral": 30},
            {"decisions": "doctor"},
            "max_deferral: must be a number from 0 to 1, got 30",
        ),
        ({}, {"sensitive_features": "race"}, "sensitive_features: column race not found in X"),
        ({}, {"sensitive_features": "age"}, "needs one of two values in every row, got .* values"),
        ({}, {"sensitive_features": "ward"}, "and missing ones; mark one group by a boolean"),
        ({}, {"decisions": "age"}, "decisions: "),
    ],
)
def test_what_cannot_be_used_is_a_value_error_in_one_line(
    parameters: dict[str, Any], given: dict[str, str], words: str, people: pd.DataFrame
) -> None:
    decisions = {"decisions": people[given["decisions"]]} if "decisions" in given else {}
    sensitive = {"sensitive_features": given.get("sensitive_features")}
    with pytest.raises(ValueError, match=words) as caught:
        DeferralClassifier(**parameters).fit(people[FEATURES], people["outcome"], **decisions, **sensitive)
    assert len(str(caught.value).splitlines()) == 1


def test_without_scikit_learn_it_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['sklearn'] = None; from study import DeferralClassifier"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    last = done.stderr.splitlines()[-1]
    assert last == (
        "ImportError: DeferralClassifier needs scikit-learn: pip install 'learning-to-defer-study[sklearn]'"
    )


def test_dir_shows_what_is_imported_when_it_is_asked_for() -> None:
    assert {"DeferralClassifier", "Study", "load_model", "__version__"} <= set(dir(study))
