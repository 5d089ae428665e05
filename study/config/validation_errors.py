"""What pydantic found wrong in a study file, as one line: the key, what is wrong, what is allowed."""

import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from study.config.spaces import Range
from study.data.own.fields import shown
from study.errors import did_you_mean


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return one line on the first problem that ``model`` found, and how many more there are."""
    problems = error.errors(include_url=False)
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    model_words = {"Range", "tuple", "function-before", "constrained"}
    parts = [str(p) for p in first["loc"] if not any(str(p).startswith(w) for w in model_words)]
    key = ".".join(part if part.isprintable() else repr(part) for part in parts)
    message = _word(first, model)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return (f"{key}: {message}" if key else message) + more


def _word(problem: Any, model: type[BaseModel]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    value = shown(problem["input"])
    if kind == "extra_forbidden":
        keys = _keys_beside(problem["loc"], model)
        return f"unknown key; allowed are {', '.join(keys)}{did_you_mean(problem['loc'][-1], keys)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        near = did_you_mean(problem["input"], re.findall(r"'([^']*)'", context["expected"]))
        return f"{value} is not allowed; allowed are {context['expected']}{near}"
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return f"{value} is not a section; write keys and values beneath it"
    text = str(problem["msg"])
    return f"{value} is not allowed; {text[0].lower()}{text[1:]}"


def _keys_beside(location: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """Return the keys that are allowed where an unknown one was found."""
    section = model
    for part in location[:-1]:
        field = section.model_fields.get(str(part))
        inner = field.annotation if field else None
        kinds = [kind for kind in (inner, *get_args(inner)) if isinstance(kind, type)]
        section = next((kind for kind in kinds if issubclass(kind, BaseModel)), Range)
    return [field.alias or name for name, field in section.model_fields.items()]
