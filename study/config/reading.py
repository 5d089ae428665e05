"""Reading a study file: YAML as the user writes it, validated and resolved with every default written out.

Everything that can be wrong becomes one StudyFileError that names the file, the key and what is allowed.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from study.config.presets import COLLECTIONS, preset_names, preset_text
from study.config.spaces import Range
from study.config.study_file import NAME, StudyConfig
from study.data.own.section import shown
from study.errors import StudyFileError, did_you_mean
from study.storage.whole_files import STUDY_FILE_BYTES, why_not_read
from study.storage.yaml_text import parse_yaml


def load_config(source: str | Path, overrides: Sequence[str] = ()) -> StudyConfig:
    """Read a study file or preset, apply ``KEY=VALUE`` overrides, and validate the whole.

    Raises StudyFileError with one line for a missing file, broken YAML, an unknown key or a value that
    is not allowed.
    """
    where = str(source)
    if isinstance(source, str) and source in preset_names():
        text = preset_text(source)
        where = f"preset {source}"
    elif Path(source).suffix in (".csv", ".parquet"):
        raise StudyFileError(f"{where}: is a table; write a study file for it: study init {where}")
    else:
        text = _read(Path(source))
    raw = parse_yaml(text, where)
    if NAME.fullmatch(Path(source).stem):
        raw.setdefault("study", Path(source).stem)
    return validate(raw, where, overrides)


def validate(raw: Mapping[str, Any], where: str, overrides: Sequence[str] = ()) -> StudyConfig:
    """Return the validated study, after ``KEY=VALUE`` overrides.

    Raises StudyFileError, naming ``where`` the study came from.
    """
    whole = copy.deepcopy(dict(raw))
    for override in overrides:
        _set(whole, override)
    try:
        return StudyConfig.model_validate(whole)
    except ValidationError as error:
        raise StudyFileError(f"{where}: {explain(error, StudyConfig)}") from None


def stored(raw: Mapping[str, Any], where: str) -> StudyConfig:
    """Return the study that was written to a results directory with every default written out.

    Raises StudyFileError where it is not valid, or where sections are missing: a study file may leave
    keys out, but what is left of a damaged one must not be taken for another study.
    """
    missing = [key for key in StudyConfig.model_fields if key not in raw]
    if missing:
        raise StudyFileError(
            f"{where}: is incomplete, without {', '.join(missing)}; restore it from a copy, or start the "
            "study again with another --out"
        )
    return validate(raw, where)


def _read(path: Path) -> str:
    if why := why_not_read(path, STUDY_FILE_BYTES, "a study file is smaller"):
        raise StudyFileError(f"{path}: {why}")
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        names = [*preset_names(), *COLLECTIONS]
        raise StudyFileError(
            f"{path}: no such study file, and no preset of that name; presets are "
            f"{', '.join(names)}{did_you_mean(path, names)}"
        ) from None
    except UnicodeDecodeError:
        raise StudyFileError(f"{path}: is not a text file in UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudyFileError(f"{path}: cannot be read ({reason})") from None


def _set(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise StudyFileError(f"--set {override}: write KEY=VALUE, such as search.settings=200")
    *parents, last = key.strip().split(".")
    place = raw
    for parent in parents:
        if not isinstance(place.get(parent), dict):
            # A shorthand such as `dataset: compas` gives way to the section it stands for.
            word = "name" if parent == "dataset" else "column"
            place[parent] = {word: place[parent]} if isinstance(place.get(parent), str) else {}
        place = place[parent]
    place[last] = parse_yaml(f"value: {value}", f"--set {key}")["value"]


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
