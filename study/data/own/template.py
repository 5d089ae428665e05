"""A commented study file for a user's own table, which `study run` takes as it is."""

import re
import textwrap
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from study.data.own.guessing import Guess
from study.data.registry import DATASETS
from study.storage.yaml_text import dump_yaml

_ABOUT = {
    "path": "CSV or Parquet: a path, or a URI such as s3://bucket/cases.parquet.",
    "label": "The outcome. Not 0/1? Write {column: COLUMN, positive: VALUE}.",
    "sensitive": "Who has A = 1. Not 0/1? Write {column: COLUMN, is: VALUE} or at_least: NUMBER.",
    "decision_maker": "What people decided, 0/1 or a probability; rows may lack it. Several people? "
    "{columns: [a, b], combine: draw}, or majority.",
    "dm_only": "Columns that only the decision-maker sees.",
    "features": "What the model sees, beside A.",
    "drop": "Columns that nobody uses: identifiers, and what is not known before the outcome is.",
    "split": "A column of train, validation and test.",
    "group": "Rows with the same value are never on two sides of a split.",
}
_REST = """\
methods: [binary, reject, defer]
model: [mlp, ordinal]           # also: posthoc, bayes, gate
search: {sampler: qmc, settings: 64}
seeds: 5
"""


def study_file(path: str, guess: Guess, *, place: str) -> str:
    """Return the YAML text of a study of the table at ``path``; what was guessed is in its comments.

    ``place`` is where it will be, for the comment that says how to run it.
    """
    name = table_name(path)
    section: Mapping[str, Any] = {"path": path, **guess.section}
    lines = [
        f"# A study of {_plain(path)}. Check what was guessed, then: study run {_plain(place)}",
        _entry("study", name),
        "dataset:",
    ]
    for key, about in _ABOUT.items():
        if key in section:
            lines += _comment(about)
            if key in guess.remarks:
                lines += _comment(f"{guess.remarks[key][0].upper()}{guess.remarks[key][1:]}.")
            lines.append(textwrap.indent(_entry(key, section[key]), "  "))
        elif key in ("decision_maker", "dm_only", "group"):
            lines += _comment(f"{key}: {about}")
    if "decision_maker" in section:
        lines.append(
            "decision_maker: column          # as the table has it; also: standard, biased, oracle"
        )
    else:
        lines.append("decision_maker: standard        # simulated: a network trained on what the DM sees")
    return "\n".join(lines) + "\n" + _REST


def table_name(path: str) -> str:
    """Return the name of a table at ``path`` unless it gets another: the file's, without its endings."""
    place = path.partition("?")[0] if "://" in path else path
    stem = PurePosixPath(place.replace("\\", "/")).name.split(".")[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:90]
    return f"{name}-table" if name in DATASETS else name or "table"


def _entry(key: str, value: object) -> str:
    """Return ``key: value`` as YAML on lines of its own, quoted where it must be."""
    if not isinstance(value, str):
        return dump_yaml({key: value}).rstrip()
    # Alone in a mapping, a text would come in braces; of a list in brackets, these can be taken away.
    listed = dump_yaml({key: [value]}).rstrip()
    return listed.replace("[", "", 1).removesuffix("]")


def _comment(text: str) -> list[str]:
    return textwrap.wrap(_plain(text), 96, initial_indent="  # ", subsequent_indent="  # ")


def _plain(text: str) -> str:
    """Return text that is safe in a comment: one line of printable characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
