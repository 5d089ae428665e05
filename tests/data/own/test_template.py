from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.reading import validate
from study.data import Guess
from study.data.own.section import table_name
from study.data.registry import DATASETS
from study.own_table import study_file
from study.storage.yaml_text import parse_yaml

NAMES = st.text(min_size=1, max_size=20) | st.sampled_from(
    ["yes", "1e3", "007", "a: b", "- x", "#", "[x", "~"]
)
LISTS = st.lists(NAMES, min_size=1, max_size=30, unique=True)
SECTIONS = st.fixed_dictionaries(
    {
        "label": NAMES | st.fixed_dictionaries({"column": NAMES, "positive": NAMES | st.booleans()}),
        "sensitive": NAMES
        | st.fixed_dictionaries({"column": NAMES, "is": NAMES | st.integers(-5, 5)})
        | st.fixed_dictionaries({"column": NAMES, "at_least": st.integers(-5, 5)}),
    },
    optional={
        "decision_maker": NAMES | st.fixed_dictionaries({"columns": LISTS.filter(lambda x: len(x) > 1)}),
        "drop": LISTS,
        "dm_only": LISTS,
        "score": NAMES,
        "split": NAMES,
        "group": NAMES,
    },
)


@given(SECTIONS, st.text(max_size=30))
def test_whatever_the_columns_are_called_the_file_says_what_was_guessed(
    section: dict[str, Any], remark: str
) -> None:
    if isinstance(section.get("decision_maker"), dict):
        section["decision_maker"]["combine"] = "draw"
    remarks = dict.fromkeys(section, remark or "x")
    text = study_file("some/cases.csv", Guess(section, remarks), place="cases.yaml")
    read = parse_yaml(text, "cases.yaml")
    assert read["dataset"] == {"path": "some/cases.csv", **section}
    assert read["decision_maker"] == ("column" if "decision_maker" in section else "standard")
    config = validate(read, "cases.yaml")
    assert config.study == config.dataset.name == "cases"
    again = validate(config.resolved(), "again")
    assert again.resolved() == config.resolved()


def test_each_guess_is_remarked_beside_its_key_and_the_command_is_shown() -> None:
    section = {"label": "bad", "sensitive": "a"}
    text = study_file("c.csv", Guess(section, {"label": "inferred from its name"}), place="my.yaml")
    lines = text.splitlines()
    assert lines[0] == "# A study of c.csv. Check what was inferred, then: study run my.yaml"
    at = lines.index("  label: bad")
    assert lines[at - 1] == "  # Inferred from its name."
    assert any(line.startswith("  # dm_only:") for line in lines)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("cases.csv", "cases"),
        ("/data/my cases (2).csv.gz", "my-cases-2"),
        ("s3://bucket/a/cases.parquet?endpoint_override=http://x:9000", "cases"),
        ("C:\\data\\cases.csv", "cases"),
        ("...", "table"),
        ("é.csv", "table"),
        ("compas.csv", "compas-table"),
    ],
)
def test_study_is_named_after_the_file(path: str, name: str) -> None:
    assert table_name(path) == name


@given(st.text())
def test_name_of_any_path_is_one_that_a_study_may_have(path: str) -> None:
    name = table_name(path)
    assert name not in DATASETS
    assert validate({"study": name}, "x").study == name
