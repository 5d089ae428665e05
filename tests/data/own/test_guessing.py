from typing import Any

import numpy as np
import pandas as pd
import pytest

from study.data import guess
from study.errors import DataError
from tests.worlds.own_tables import cases

ROWS = 200


def guessed(given: dict[str, Any] | None = None, **columns: Any) -> dict[str, Any]:
    """What is guessed of a table of an outcome, a sex, and ``columns``."""
    plain = {"outcome": [0, 1] * (ROWS // 2), "sex": ["f", "m", "f", "f"] * (ROWS // 4)}
    return dict(guess(pd.DataFrame({**plain, **columns}), given or {}).section)


def test_roles_are_told_by_names_and_values_and_each_guess_is_remarked() -> None:
    frame = cases(600).assign(person_id=[f"p{i // 2}" for i in range(600)])
    found = guess(frame.rename(columns={"bad": "default"}), {})
    assert found.section == {
        "label": "default",
        "sensitive": {"column": "race", "is": "A"},
        "decision_maker": "judge",
        "drop": ["case"],
        "group": "person_id",
    }
    assert set(found.remarks) == set(found.section)


def test_what_is_given_is_kept_and_its_columns_are_taken() -> None:
    given = {"label": {"column": "judge", "positive": 1}, "sensitive": "employed", "drop": ["case", "race"]}
    found = guess(cases(), given)
    assert {key: found.section[key] for key in given} == given
    assert "decision_maker" not in found.section
    assert not set(found.remarks) & set(given)


def test_label_of_two_words_gets_the_likely_or_else_the_rarer_one() -> None:
    words = pd.Series(["no", "yes", "no", "no"] * (ROWS // 4))
    assert guessed(outcome=words)["label"] == {"column": "outcome", "positive": "yes"}
    others = words.map({"no": "paid", "yes": "failed"})
    assert guessed(outcome=others)["label"] == {"column": "outcome", "positive": "failed"}


def test_age_gets_a_threshold_about_its_mean() -> None:
    age = np.arange(ROWS) / 4
    assert guessed({"drop": ["sex"]}, age=age)["sensitive"] == {"column": "age", "at_least": 25}
    assert guessed(age=age)["sensitive"] == {"column": "sex", "is": "f"}


def test_several_people_are_drawn_from() -> None:
    zero_one = [0, 1, 1, 0] * (ROWS // 4)
    found = guessed(judge_a=zero_one, judge_b=zero_one, judge_name=["x", "y"] * (ROWS // 2))
    assert found["decision_maker"] == {"columns": ["judge_a", "judge_b"], "combine": "draw"}
    assert guessed(expert_p=np.linspace(0, 1, ROWS))["decision_maker"] == "expert_p"


def test_count_of_something_is_no_identifier() -> None:
    found = guessed(number_of_visits=np.arange(ROWS) // 2, visits_no=np.arange(ROWS) / 2)
    assert not {"group", "drop"} & set(found)


def test_of_several_identifiers_the_finest_that_repeats_tells_people_apart() -> None:
    rows = np.arange(ROWS)
    found = guessed(hospital_id=rows % 61, patient_id=rows // 2, visit_id=rows)
    assert (found["group"], found["drop"]) == ("patient_id", ["hospital_id", "visit_id"])


def test_split_is_told_by_its_values() -> None:
    assert guessed(fold=["train", "test", "validation", "train"] * (ROWS // 4))["split"] == "fold"


def test_columns_that_cannot_be_encoded_are_dropped_unless_features_are_listed() -> None:
    odd = {"born": pd.Timestamp("2020-01-01"), "note": [f"note {i}" for i in range(ROWS)]}
    odd["id"] = pd.Series([[1]] * ROWS)
    assert guessed(**odd)["drop"] == ["born", "note", "id"]
    assert "drop" not in guessed({"features": ["note"]}, **odd)


@pytest.mark.parametrize("given", [{"label": ["a"]}, {"label": {}}, {"label": 3}, {"sensitive": [["x"]]}])
def test_what_is_given_wrongly_is_left_for_the_schema_to_refuse(given: dict[str, Any]) -> None:
    assert {key: guessed(given)[key] for key in given} == given


def test_where_no_name_helps_it_is_said_what_to_give() -> None:
    frame = pd.DataFrame({"a": [0, 1, 1], "b": ["x", "y", "z"]})
    with pytest.raises(DataError, match=r"no column is named like an outcome; give --label .* such as a$"):
        guess(frame, {})
    with pytest.raises(DataError, match=r"no column is named like a sensitive attribute; give --sensitive"):
        guess(frame, {"label": "a"})


def test_two_values_give_a_value_and_no_mean() -> None:
    frame = pd.DataFrame({"outcome": [0, 1] * 50, "sex": [1, 1, 1, 2] * 25})
    assert guess(frame, {}).section["sensitive"] == {"column": "sex", "is": 2}


def test_column_named_after_a_person_that_holds_codes_tells_people_apart() -> None:
    frame = cases(200).assign(patient=[f"P{i % 120:04d}" for i in range(200)])
    found = guess(frame, {"label": "bad", "sensitive": "employed"})
    assert found.section["group"] == "patient"
    assert found.remarks["group"] == "inferred from its name: 120 values in 200 rows"
    # What merely is named so is a feature: how many members a household has, say.
    assert (
        "group"
        not in guess(frame.assign(patient=frame["skill"]), {"label": "bad", "sensitive": "sex"}).section
    )


def test_judged_case_is_the_group_and_who_judged_is_no_feature() -> None:
    """A long table: of two identifiers that repeat, the one whose outcome never changes names the case."""
    generator = np.random.default_rng(0)
    outcome, sex = generator.integers(0, 2, 60), generator.choice(["f", "m"], 60)
    case = np.repeat(np.arange(60), 5)
    frame = pd.DataFrame(
        {
            "session_id": [f"s{i % 120}" for i in range(300)],
            "case_id": case,
            "outcome": outcome[case],
            "sex": sex[case],
            "person": [f"w{i % 30:03}" for i in range(300)],
            "says": generator.integers(0, 2, 300),
        }
    )
    found = guess(frame, {})
    assert found.section["group"] == "case_id"
    assert found.section["drop"] == ["session_id", "person"]
    assert found.section["decision_maker"] == "says"
    assert "session_id repeats, too" in found.remarks["group"]
    more = guess(frame, {"drop": ["sex"], "label": "outcome", "sensitive": "outcome"})
    assert more.section["drop"] == ["sex", "session_id", "person"]


def test_numbered_answers_are_taken_for_people_s_and_others_are_named() -> None:
    answers = {f"p{i:02}": [0, 1, 1, 0] * (ROWS // 4) for i in range(4)}
    assert guessed(**answers)["decision_maker"] == {"columns": [*answers], "combine": "draw"}
    questions = {name.replace("p", "q"): values for name, values in answers.items()}
    plain = {"outcome": [0, 1] * (ROWS // 2), "sex": ["f", "m", "f", "f"] * (ROWS // 4)}
    found = guess(pd.DataFrame({**plain, **questions}), {})
    assert "decision_maker" not in found.section
    assert found.remarks["features"].startswith("q00 to q03 hold two values like the label")


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [("?", "numbers but for ?"), ("unknown", "numbers but for unknown")],
)
def test_number_column_that_a_word_spoils_is_not_dropped_in_silence(spoilt: str, words: str) -> None:
    ages = pd.Series([str(20 + i / 4) for i in range(ROWS)])
    ages[7] = spoilt
    found = guess(pd.DataFrame({"outcome": [0, 1] * 100, "sex": ["f", "m"] * 100, "visits": ages}), {})
    assert found.section["drop"] == ["visits"]
    assert words in found.remarks["drop"]
