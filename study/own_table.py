"""From a table in a file to a study of it: what `study data describe FILE` and `study init FILE` do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study.config.reading import load_config, validate
from study.data import dataset_names, guess, read_frame, study_file, table_name
from study.data.own.guessing import Guess
from study.data.own.reading import naming, shown_place
from study.data.own.section import DatasetSection
from study.errors import OutputError, StudyFileError
from study.storage.locations import local_path
from study.storage.whole_files import write_whole
from study.storage.yaml_text import parse_yaml


def dataset_section(
    name: str, given: Mapping[str, Any], *, path: str | None = None, split_seed: int = 0
) -> tuple[DatasetSection, Mapping[str, str]]:
    """Return the data that ``name`` means, and by key what was guessed of it.

    A data set's name; a study file (.yaml), which says all of it; or a table's file, of which what is not
    ``given`` is guessed. Raises a UserError where that cannot be.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        if given or path or split_seed:
            raise StudyFileError(f"{name}: a study file says all of its data; change it there")
        return load_config(name).dataset, {}
    if name in dataset_names() or not ("." in name or "/" in name):
        raw: dict[str, Any] = {"name": name, "path": path, **given}
        remarks: Mapping[str, str] = {}
    elif path is not None:
        raise StudyFileError(f"{name}: path is for a data set that the project knows; give one file")
    else:
        guessed = guess_file(name, given)
        raw, remarks = {"path": name, **guessed.section}, guessed.remarks
    config = validate({"dataset": {**raw, "split_seed": split_seed}}, shown_place(name))
    return config.dataset, remarks


def guess_file(file: str, given: Mapping[str, Any]) -> Guess:
    """Read a table's file and complete what is ``given`` of its columns; DataError where that cannot be."""
    frame = read_frame(file)
    with naming(file):
        return guess(frame, given)


def write_study_file(file: str, given: Mapping[str, Any], out: Path | None) -> tuple[Path, Guess]:
    """Write a study file for a table; return where, and what was guessed.

    It goes to <the table's name>.yaml unless told otherwise; nothing is written over. The data is made of
    it once, so that `study run` takes it as it is. Raises a UserError where that cannot be.
    """
    out = local_path(out or f"{table_name(file)}.yaml")
    if out.exists():
        raise OutputError(f"{out}: is there already; give another --out")
    guessed = guess_file(file, given)
    text = study_file(file, guessed, place=str(out))
    validate(parse_yaml(text, str(out)), shown_place(file)).dataset.load()
    write_whole(out, text.encode())
    return out, guessed
