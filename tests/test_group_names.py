from study.group_names import GroupNames, group_names
from study.words import NAMES


def test_known_data_sets_have_names_of_their_own() -> None:
    found = group_names({"name": "compas-two-year", "path": None, "split_seed": 0})
    assert (found.groups, found.outcomes) == NAMES["compas-two-year"]
    assert found.groups == ("not African-American", "African-American")


def test_a_table_s_names_are_its_columns_and_values() -> None:
    own = {"name": "mine", "path": "x.csv", "sensitive": {"column": "race", "is": "B"}}
    found = group_names({**own, "label": {"column": "bad", "positive": "yes"}})
    assert (found.groups, found.outcomes) == (("race not B", "race B"), ("bad not yes", "bad yes"))
    assert group_names({"sensitive": {"column": "age", "at_least": 65.0}}).groups == (
        "age < 65",
        "age ≥ 65",
    )


def test_names_that_are_not_known_are_letters() -> None:
    assert group_names({"name": "mine"}) == GroupNames()
