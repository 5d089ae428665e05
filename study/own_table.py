"""From a table in a file to a study of it: what `study data describe FILE` and `study init FILE` do."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from study.config.reading import load_config, validate
from study.data import DATASETS, Dataset, Guess, guess, load_section, read_frame
from study.data.own.reading import naming
from study.data.own.section import KEYS_REFUSED, description, role_keys, table_name
from study.errors import DataError, LedgerError, OutputError, StudyFileError
from study.storage.locations import Location, RemotePath, holds_keys, local_path, location, shown_location
from study.storage.tables import parquet_bytes
from study.storage.whole_files import write_whole
from study.storage.yaml_text import dump_yaml, parse_yaml

_KEPT = "table.parquet"
"""The table of a study that was given one in Python, among its results."""

_TRAINED = """\
methods: [binary, reject, defer, confidence, compare, ce]   # also: ova, realizable
model: [mlp, ordinal, actions, pair]                        # also: posthoc, bayes, gate
"""
_GIVEN = """\
methods: [confidence, compare, two-stage]     # when to defer is learned
model: given                                  # the score is the model; [mlp, given] trains one next to it
"""
_REST = """\
search: {sampler: qmc, settings: 32}    # a pilot finds the prices of deferral, gamma, that suit the table
seeds: 5
"""


def load_data(
    name: str, given: Mapping[str, Any], *, path: str | None = None, split_seed: int = 0
) -> tuple[Dataset, Mapping[str, str]]:
    """Return the data that ``name`` means, and by key what was inferred of it.

    A data set's name; a study file (.yaml), which says all of it; or a table's file, of which what is not
    ``given`` is inferred. Raises a UserError where that cannot be.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        if given or path or split_seed:
            raise StudyFileError(f"{name}: a study file says all of its data; change it there")
        return load_section(load_config(name).dataset), {}
    raw: Mapping[str, Any] = {"name": name, "path": path, **given}
    found, frame = Guess({}, {}), None
    if name not in DATASETS and ("." in name or "/" in name):
        if path is not None:
            raise StudyFileError(f"{name}: path is for a data set that the project knows; give one file")
        frame, found = infer_roles(name, given)
        raw = {"path": name, **found.section}
    config = validate({"dataset": {**raw, "split_seed": split_seed}}, shown_location(name))
    return load_section(config.dataset, frame), found.remarks


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
    load_section(validate(parse_yaml(text, str(out)), shown_location(file)).dataset, frame)
    write_whole(out, text.encode())
    return out, found


def with_table_kept(
    source: Mapping[str, Any], out: Location | str | None
) -> tuple[Mapping[str, Any], pd.DataFrame | None, Location | str | None]:
    """Take a DataFrame in the place of ``dataset.path`` out of a study, and say where it will lie.

    Returns the study with the path of a file in its results directory, the table, and that directory; all
    as given where there is no table.
    """
    section = source.get("dataset")
    table = section.get("path") if isinstance(section, Mapping) else None
    if not isinstance(section, Mapping) or not isinstance(table, pd.DataFrame):
        return source, None, out
    place = location(out) if out is not None else Path("results") / str(source.get("study", "default"))
    path = place / _KEPT
    named = {"name": "table", **section, "path": path.uri if isinstance(path, RemotePath) else str(path)}
    return {**source, "dataset": named}, table, place


def keep_table(table: pd.DataFrame, path: str | None) -> None:
    """Write a study's table, or check that it is the one there; LedgerError where it is another."""
    place = location(str(path))
    plain = table.set_axis(list(map(str, table.columns)), axis=1).reset_index(drop=True)
    if not place.is_file():
        try:
            content = parquet_bytes(pa.Table.from_pandas(plain, preserve_index=False))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(f"the table given: {str(error).splitlines()[0]}") from None
        write_whole(place, content)
    elif not read_frame(str(path)).equals(plain):
        raise LedgerError(f"{place}: another table was given when the study began; give another out")


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
    return "\n".join(lines) + "\n" + (_GIVEN if "score" in section else _TRAINED) + _REST


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
