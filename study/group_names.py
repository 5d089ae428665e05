"""Names of the groups of the sensitive attribute and of the outcomes, from the study file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from study.words import NAMES


@dataclass(frozen=True)
class GroupNames:
    """Names by value.

    Attributes:
        groups: of A = 0 and A = 1.
        outcomes: of Y = 0 and Y = 1.
        people: what the decision-maker `column` is called: its column, or columns.
    """

    groups: tuple[str, str] = ("A = 0", "A = 1")
    outcomes: tuple[str, str] = ("Y = 0", "Y = 1")
    people: str = "column"


def group_names(dataset: Mapping[str, Any]) -> GroupNames:
    """Names from the section `dataset` of a resolved study file; A and Y where none are known."""
    if not dataset.get("label") and dataset.get("name") in NAMES:
        return GroupNames(*NAMES[dataset["name"]])
    people = (dataset.get("decision_maker") or {}).get("columns", ("column",))
    return GroupNames(
        _names(dataset.get("sensitive"), "is") or GroupNames.groups,
        _names(dataset.get("label"), "positive") or GroupNames.outcomes,
        ", ".join(people),
    )


def _names(section: Mapping[str, Any] | None, key: str) -> tuple[str, str] | None:
    if not section:
        return None
    column, value, limit = section["column"], section.get(key), section.get("at_least")
    if value is not None:
        return f"{column} not {value}", f"{column} {value}"
    if limit is not None:
        return f"{column} < {limit:g}", f"{column} ≥ {limit:g}"
    return f"{column} = 0", f"{column} = 1"
