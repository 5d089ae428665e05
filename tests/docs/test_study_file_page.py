"""docs/study-file.md is what the schema says."""

from typing import Any

from study.config.reading import validate
from study.config.study_file import StudyConfig
from study.storage.yaml_text import parse_yaml
from tests.docs.pages import text
from tests.docs.study_file_page import page, sections


def test_the_page_is_written_from_the_schema() -> None:
    assert text("docs/study-file.md") == page(), "write it anew: make docs"


def test_every_key_has_a_row_that_says_what_it_is() -> None:
    schema = StudyConfig.model_json_schema()
    keys = {key for _, section in sections(schema, schema, "") for key in section["properties"]}
    defined = {key for section in schema["$defs"].values() for key in section["properties"]}
    assert keys == defined | set(StudyConfig.model_fields)
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| `")]
    assert keys <= {row[0].strip("| `") for row in rows}
    assert all(row[1].strip() for row in rows)


def test_defaults_shown_are_the_defaults() -> None:
    """Given as a study file, they change nothing."""
    given: dict[str, Any] = {}
    name = None
    for line in page().partition("## Default search ranges")[0].splitlines():
        if line.startswith("## "):
            name = line.strip("# `") if line != "## The whole file" else ""
        cells = line.strip("| ").split(" | ")
        if line.startswith("| `") and len(cells) == 4 and "`" in cells[3] and name is not None:
            place = given.setdefault(name, {}) if name else given
            place[cells[0].strip("`")] = parse_yaml(f"x: {cells[3].strip('`')}", "the page")["x"]
    given.pop("{low, high, log}")  # Of a range, not of the file.
    assert {"search", "thresholds", "training", "seeds", "model"} <= set(given)
    assert validate(given, "the page").resolved() == validate({}, "nothing").resolved()
