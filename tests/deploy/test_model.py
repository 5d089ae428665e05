"""A model by itself: what it says of a table's rows, and of tables that are wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study import load_model
from study.deploy.model import DeployedModel
from study.errors import DataError
from tests.training.driver import environment
from tests.worlds.own_tables import cases
from tests.worlds.small_study import FAMILY_ARMS

VALUES = ("prediction", "probability", "defer", "score", "lower", "upper")


@pytest.fixture(params=FAMILY_ARMS)
def model(request: pytest.FixtureRequest, exported: dict[str, Path]) -> DeployedModel:
    return load_model(exported[request.param])


@pytest.fixture
def posthoc(exported: dict[str, Path]) -> DeployedModel:
    return load_model(exported["defer-posthoc"])


@pytest.fixture
def people(families) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    """All but the row with a category that training did not see."""
    frame = pd.read_csv(families.root.parent / "cases.csv")
    return frame[frame["place"] != "elsewhere"]


# Decisions


def test_decisions_follow_from_score_and_thresholds(model: DeployedModel, people: pd.DataFrame) -> None:
    decided = model.decide(people)
    assert decided.index.equals(people.index)
    assert list(decided)[:6] == list(VALUES)
    assert list(decided)[-1] == "reason"
    assert decided.notna().all(axis=None)
    inside = (decided["lower"] < decided["score"]) & (decided["score"] < decided["upper"])
    assert (decided["defer"] == inside).all()
    kept = decided[~decided["defer"]]
    assert (kept["prediction"] == (kept["score"] >= kept["upper"])).all()
    left = decided[decided["defer"]]
    assert (left["prediction"] == (left["probability"] >= 0.5)).all()
    assert decided["probability"].between(0, 1).all()
    group = (people["race"] == "B").to_numpy().astype(int)
    assert (decided["lower"] == np.array(model.t0)[group]).all()
    assert (decided["upper"] == np.array(model.t1)[group]).all()


def test_probability_and_uncertainty_are_those_of_the_paper(exported: dict[str, Path], people) -> None:  # type: ignore[no-untyped-def]
    """Counted again in float64 from the files' numbers: one hidden layer of sigmoids."""

    def sigmoid(value):  # type: ignore[no-untyped-def]
        return 1 / (1 + np.exp(-value))

    def logit(weights, x, hidden):  # type: ignore[no-untyped-def]
        first, second = weights[: x.shape[1] * hidden], weights[x.shape[1] * hidden :]
        return sigmoid(x @ first.reshape(x.shape[1], hidden)) @ second[:-1] + second[-1]

    for arm in ("binary-mlp", "defer-posthoc", "defer-bayes"):
        model = load_model(exported[arm])
        decided = model.decide(people)
        x = np.column_stack([model.preprocessing.transform(people), np.ones(len(people))]).astype(float)
        weights = model.weights.double().numpy()
        if model.noise is None:
            score = logit(weights, x, model.hidden)
            assert decided["score"].to_numpy() == pytest.approx(score, abs=1e-5)
            assert decided["probability"].to_numpy() == pytest.approx(sigmoid(score), abs=1e-5)
            continue
        mean, deviation = np.split(weights, 2)
        draws = mean + np.log1p(np.exp(deviation)) * model.noise.double().numpy()
        z = np.array([sigmoid(logit(draw, x, model.hidden)) for draw in draws])
        assert len(draws) == 20
        assert decided["probability"].to_numpy() == pytest.approx(z.mean(0), abs=1e-5)
        rho = 1 / (1 + np.abs(z.mean(0) - 0.5) / z.std(0, ddof=1))
        assert decided["rho"].to_numpy() == pytest.approx(rho, abs=1e-4)
        clear = np.abs(rho - decided["rho_limit"]) > 1e-4
        assert (decided["defer"] == (rho > decided["rho_limit"]))[clear].all()


def test_gate_defers_where_its_second_network_says_so(exported: dict[str, Path], people) -> None:  # type: ignore[no-untyped-def]
    decided = load_model(exported["defer-gate"]).decide(people)
    assert (decided["defer"] == (decided["pi"] > 0.5)).all()
    assert decided["defer"].nunique() == 2


def test_reasons_are_words_about_the_row(model: DeployedModel, people: pd.DataFrame) -> None:
    decided = model.decide(people)
    said = decided.get("predicted", decided["prediction"].astype(str))
    verdict = said.where(~decided["defer"], "deferred")
    assert (decided["reason"].str.partition(": ")[0] == verdict).all()
    shown = {"bayes": ("rho", "rho_limit"), "gate": ("pi",)}.get(model.family.name, ("score",))
    if not model.family.trains(model.method):
        shown = ("probability",)
    for name in shown:
        for value, reason in zip(decided[name], decided["reason"], strict=True):
            assert f" {value:.4g}" in reason


def test_it_speaks_as_a_classifier_of_scikit_learn_does(model: DeployedModel, people: pd.DataFrame) -> None:
    decided, proba = model.decide(people), model.predict_proba(people)
    assert model.classes_.tolist() == [0, 1]
    assert model.predict(people).dtype == np.int64
    assert (model.predict(people) == decided["prediction"]).all()
    assert proba.shape == (len(people), 2)
    assert proba.sum(axis=1) == pytest.approx(1)
    assert (proba[:, 1] == decided["probability"]).all()


@pytest.mark.parametrize("arm", ["defer-ordinal", "defer-bayes", "defer-gate"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_decision_on_a_row_does_not_depend_on_the_others(
    arm: str, exported: dict[str, Path], people: pd.DataFrame, data: st.DataObject
) -> None:
    """Any rows in any order, some twice, under any index, columns in another order and one more."""
    model, everybody = load_model(exported[arm]), people.reset_index(drop=True)
    whole = model.decide(everybody)
    chosen = data.draw(st.lists(st.integers(0, len(everybody) - 1), min_size=0, max_size=600))
    columns = data.draw(st.permutations(list(everybody)))
    index = data.draw(st.sampled_from(["range", "same", "text"]))
    some = everybody.iloc[chosen][columns].assign(another=pd.Timestamp("2026-01-01"))
    some.index = {
        "range": pd.RangeIndex(len(some)),
        "same": pd.Index([7] * len(some)),
        "text": pd.Index([f"row {i}" for i in chosen]),
    }[index]
    expected = whole.iloc[chosen].set_axis(some.index)
    pd.testing.assert_frame_equal(model.decide(some), expected, check_exact=True)


def test_table_without_rows_has_no_decisions(model: DeployedModel, people: pd.DataFrame) -> None:
    decided = model.decide(people.head(0))
    pd.testing.assert_index_equal(decided.columns, model.decide(people).columns)
    assert len(decided) == 0
    assert len(model.predict(people.head(0))) == 0
    assert model.predict_proba(people.head(0)).shape == (0, 2)


def test_only_the_columns_that_it_needs_are_looked_at(posthoc: DeployedModel, people: pd.DataFrame) -> None:
    names = ["city", "code", "employed", "income", "place", "score", "sex", "skill", "race"]
    assert list(posthoc.columns) == names
    pd.testing.assert_frame_equal(posthoc.decide(people[names]), posthoc.decide(people))


def test_table_is_left_as_it_was(posthoc: DeployedModel, people: pd.DataFrame) -> None:
    before = people.copy(deep=True)
    posthoc.decide(people)
    pd.testing.assert_frame_equal(people, before)


@pytest.mark.parametrize("kind", ["category", "string", object])
def test_how_text_is_stored_makes_no_difference(
    kind: str | type, posthoc: DeployedModel, people: pd.DataFrame
) -> None:
    other = people.astype({"city": kind, "sex": kind, "race": kind, "employed": object})
    pd.testing.assert_frame_equal(posthoc.decide(other), posthoc.decide(people))


# Tables that are wrong


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="skill"), "column skill not found; columns are case"),
        (lambda t: t.drop(columns="race"), "column race not found"),
        (lambda t: pd.concat([t, t[["city"]]], axis=1), "duplicate column city; rename one"),
        (lambda t: t.assign(skill="much"), "column skill: much is not a finite number; numbers and"),
        (lambda t: t.assign(skill=np.inf), "column skill: inf is not a finite number"),
        (lambda t: t.assign(skill=1e300), "column skill: a value is too large, or too far from the others"),
        (lambda t: t.assign(skill=[[1]] * len(t)), "column skill: "),
        (
            lambda t: t.assign(city=t["city"].where(t.index != t.index[4], "moon")),
            "column city: moon in row 5 was in no training row; x, y are allowed, or an empty cell",
        ),
        (lambda t: t.assign(city="a\nb"), r"column city: 'a\\nb' in row 1 was in no training row"),
        (lambda t: t.assign(sex=3), "column sex: 3 in row 1 was in no training row; f, m are allowed"),
        (
            lambda t: t.assign(race=t["race"].where(t.index != t.index[9])),
            "column race: missing in 1 of 299 rows; a value in every row is allowed",
        ),
    ],
)
def test_wrong_table_is_refused_in_one_line(
    change,
    words: str,
    posthoc: DeployedModel,
    people: pd.DataFrame,  # type: ignore[no-untyped-def]
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        posthoc.decide(change(people))
    assert len(str(caught.value).splitlines()) == 1


def test_values_for_which_the_network_has_no_answer_are_refused(
    posthoc: DeployedModel, people: pd.DataFrame
) -> None:
    """Products of large numbers that cancel each other out, say."""
    inputs = posthoc.preprocessing.transform(people)
    inputs[3, 0] = np.nan
    with pytest.raises(DataError, match="row 4: its values are too large for the model"):
        posthoc.decide_inputs(inputs)
    # One that is merely large is an answer like any other.
    assert posthoc.decide(people.assign(skill=3e38)).notna().all(axis=None)


def test_missing_values_are_taken_as_in_training(posthoc: DeployedModel, people: pd.DataFrame) -> None:
    """A missing number is the training rows' median, a missing category none of those there are."""
    (income,) = (c for c in posthoc.preprocessing.columns if c.name == "income")
    empty, filled = people.assign(income=np.nan), people.assign(income=income.median)
    inputs = [posthoc.preprocessing.transform(table) for table in (empty, filled)]
    names = posthoc.preprocessing.inputs
    differ = {name for i, name in enumerate(names) if (inputs[0][:, i] != inputs[1][:, i]).any()}
    assert differ == {"income missing"}
    assert len(posthoc.decide(people.assign(city=None, income=None))) == len(people)


# What it needs

ALONE = """
import sys
from study import load_model
model = load_model(sys.argv[1])
import pandas as pd
decided = model.decide(pd.read_csv(sys.argv[2]).query("place != 'elsewhere'"))
assert decided["defer"].any()
heavy = {name.partition(".")[0] for name in sys.modules} & set(sys.argv[3].split())
print(sorted(heavy))
"""


def test_a_model_needs_neither_ray_nor_optuna_nor_what_draws(families, exported: dict[str, Path]) -> None:  # type: ignore[no-untyped-def]
    table = families.root.parent / "cases.csv"
    words = [exported["defer-bayes"], table, "ray optuna matplotlib sqlalchemy"]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *map(str, words)], capture_output=True, text=True, env=environment()
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_two_models_agree_with_themselves_after_loading_again(exported: dict[str, Path]) -> None:
    table = cases(40).assign(code="007", place="here", score=1)
    one, other = (load_model(exported["reject-gate"]).decide(table) for _ in range(2))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
