"""Reading a study file: YAML as the user writes it, validated and resolved with every default written out.

Everything that can be wrong becomes one StudyFileError that names the file, the key and what is allowed.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from study.config.presets import COLLECTIONS, preset_names, preset_text
from study.config.study_file import NAME, StudyConfig
from study.config.validation_errors import explain
from study.errors import StudyFileError, did_you_mean
from study.storage.bounded import STUDY_FILE_BYTES, why_not_read
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
