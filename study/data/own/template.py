"""A commented study file for a user's own table, which `study run` takes as it is."""

import textwrap
from collections.abc import Mapping
from typing import Any

from study.data.own.guessing import Guess
from study.data.own.section import description, role_keys, table_name
from study.storage.yaml_text import dump_yaml

_REST = """\
methods: [binary, reject, defer, confidence, compare, ce]   # also: ova, realizable
model: [mlp, ordinal, actions, pair]                        # also: posthoc, bayes, gate
search: {sampler: qmc, settings: 32}    # a pilot finds the prices of deferral, gamma, that suit the table
seeds: 5
"""


def study_file(path: str, guess: Guess, *, place: str) -> str:
    """Return the YAML text of a study of the table at ``path``; what was inferred is in its comments.

    ``place`` is where it will be, for the comment that says how to run it.
    """
    name = table_name(path)
    section: Mapping[str, Any] = {"path": path, **guess.section}
    lines = [
        f"# A study of {_plain(path)}. Check what was inferred, then: study run {_plain(place)}",
        _entry("study", name),
        "dataset:",
    ]
    for key in ("path", *role_keys()):
        if key in section:
            lines += _sentence(description(key))
            lines += _sentence(guess.remarks[key]) if key in guess.remarks else []
            lines.append(textwrap.indent(_entry(key, section[key]), "  "))
        else:
            lines += _comment(f"{key}: {description(key)}")
            lines += _sentence(guess.remarks[key]) if key in guess.remarks else []
    if "decision_maker" in section:
        lines.append(
            "decision_maker: column          # as the table has it; also: standard, biased, oracle"
        )
    else:
        lines.append(
            "decision_maker: standard        # simulated: a network trained on what the decision-maker sees"
        )
    return "\n".join(lines) + "\n" + _REST


def _entry(key: str, value: object) -> str:
    """Return ``key: value`` as YAML on lines of its own, quoted where it must be."""
    if not isinstance(value, str):
        return dump_yaml({key: value}).rstrip()
    # Alone in a mapping, a text would come in braces; of a list in brackets, these can be taken away.
    listed = dump_yaml({key: [value]}).rstrip()
    return listed.replace("[", "", 1).removesuffix("]")


def _sentence(text: str) -> list[str]:
    return _comment(f"{text[0].upper()}{text[1:]}.")


def _comment(text: str) -> list[str]:
    return textwrap.wrap(_plain(text), 96, initial_indent="  # ", subsequent_indent="  # ")


def _plain(text: str) -> str:
    """Return text that is safe in a comment: one line of printable characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
