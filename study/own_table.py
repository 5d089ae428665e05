"""From a table in a file to a study of it: what `study data describe FILE` and `study init FILE` do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from study.config.reading import load_config, validate
from study.data import (
    Dataset,
    DatasetSection,
    Guess,
    dataset_names,
    guess,
    read_frame,
    study_file,
    table_name,
)
from study.data.own.reading import naming
from study.data.own.section import KEYS_REFUSED
from study.errors import DataError, OutputError, StudyFileError
from study.storage.locations import holds_keys, local_path, shown_location
from study.storage.whole_files import write_whole
from study.storage.yaml_text import parse_yaml


class Described(NamedTuple):
    """The data that a command names: its section, what was inferred of it by key, and the table if read."""

    section: DatasetSection
    remarks: Mapping[str, str]
    frame: pd.DataFrame | None = None

    def load(self) -> Dataset:
        """Return the data set; raises DataError."""
        return self.section.load(self.frame)


def describe_data(
    name: str, given: Mapping[str, Any], *, path: str | None = None, split_seed: int = 0
) -> Described:
    """Return the data that ``name`` means, and by key what was inferred of it.

    A data set's name; a study file (.yaml), which says all of it; or a table's file, of which what is not
    ``given`` is inferred. Raises a UserError where that cannot be.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        if given or path or split_seed:
            raise StudyFileError(f"{name}: a study file says all of its data; change it there")
        return Described(load_config(name).dataset, {})
    raw: dict[str, Any] = {"name": name, "path": path, **given}
    remarks: Mapping[str, str] = {}
    frame = None
    if name not in dataset_names() and ("." in name or "/" in name):
        if path is not None:
            raise StudyFileError(f"{name}: path is for a data set that the project knows; give one file")
        frame, found = infer_roles(name, given)
        raw, remarks = {"path": name, **found.section}, found.remarks
    config = validate({"dataset": {**raw, "split_seed": split_seed}}, shown_location(name))
    return Described(config.dataset, remarks, frame)


def infer_roles(file: str, given: Mapping[str, Any]) -> tuple[pd.DataFrame, Guess]:
    """Read a table and complete what is ``given`` of its columns; DataError where that cannot be."""
    if holds_keys(file):
        raise DataError(f"{shown_location(file)}: {KEYS_REFUSED}")
    frame = read_frame(file)
    with naming(file):
        return frame, guess(frame, given)


def write_study_file(
    file: str, given: Mapping[str, Any], out: Path | None, *, force: bool = False
) -> tuple[Path, Guess]:
    """Write a study file for a table; return where, and what was inferred.

    It goes to <the table's name>.yaml unless ``out`` is given; an existing file is overwritten only by
    ``force``. The data is made of it once, so that `study run` takes it as it is. Raises a UserError where
    that cannot be.
    """
    out = local_path(out or f"{table_name(file)}.yaml")
    if out.exists() and not force:
        raise OutputError(f"{out}: already exists; give another --out, or --force to overwrite it")
    frame, found = infer_roles(file, given)
    text = study_file(file, found, place=str(out))
    validate(parse_yaml(text, str(out)), shown_location(file)).dataset.load(frame)
    write_whole(out, text.encode())
    return out, found
