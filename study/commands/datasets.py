"""study init, study data: the tables that studies train on."""

import argparse
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from study.commands.arguments import DONE, AddParser, a_local_path, add_json, answer, whole_number

if TYPE_CHECKING:
    from study.data import Dataset


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    init = add_parser(
        "init",
        help="write a study file for a table of your own",
        description="Roles that are not given are inferred from the columns' names and values, and marked.",
    )
    init.add_argument("file", metavar="FILE", help="CSV or Parquet, here or a URI")
    init.add_argument(
        "--out", metavar="STUDY.yaml", type=a_local_path, help="where to (<name of the table>.yaml)"
    )
    init.add_argument("--force", action="store_true", help="overwrite an existing study file")
    add_json(init)
    _add_roles(init)
    init.set_defaults(command=_init)

    data = add_parser("data", help="list, fetch, describe or write data sets")
    verbs = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    names = verbs.add_parser("list", help="list the data sets")
    add_json(names)
    names.set_defaults(command=_list)
    fetch = verbs.add_parser("fetch", help="download a data set that does not ship with the package")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(command=_fetch)
    describe = verbs.add_parser(
        "describe", help="print rows, base rates, splits, what the decision-maker sees"
    )
    _add_dataset(describe)
    describe.set_defaults(command=_describe)
    write = verbs.add_parser("write", help="write the table as the models see it before standardising")
    _add_dataset(write)
    write.add_argument("--out", metavar="FILE.parquet", type=a_local_path, required=True)
    write.set_defaults(command=_write)


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME|FILE",
        help="see study data list; or a table (CSV, Parquet), or a study file (.yaml)",
    )
    parser.add_argument("--path", metavar="FILE", help="the raw file, where it is not in the cache")
    seed = whole_number(0, 2**63 - 1, "2^63 - 1")
    parser.add_argument("--split-seed", metavar="N", type=seed, default=0, help="seed of the split (0)")
    add_json(parser)
    _add_roles(parser)


def _add_roles(parser: argparse.ArgumentParser) -> None:
    """Take the keys of `dataset` that name columns, once the command is chosen: they are its help."""

    def add_roles() -> None:
        from study.data.own.section import description, role_keys

        for key in role_keys():
            words = description(key).replace("%", "%%")
            parser.add_argument(f"--{key.replace('_', '-')}", metavar="COLUMN", type=_role, help=words)

    parser.late = add_roles  # type: ignore[attr-defined]


def _role(text: str) -> Any:
    """Take a column's name as it is, and what stands in brackets as in a study file."""
    if not text.startswith(("{", "[")):
        return text
    from study.storage.yaml_text import parse_yaml

    return parse_yaml(f"value: {text}", text)["value"]


def _roles(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keys of the section `dataset` that the command line gives."""
    from study.data.own.section import role_keys

    given = {key: getattr(options, key) for key in role_keys()}
    return {key: value for key, value in given.items() if value is not None}


def _init(options: argparse.Namespace) -> int:
    from study.own_table import write_study_file

    path, guessed = write_study_file(options.file, _roles(options), options.out, force=options.force)
    check = f"{path}: check it, then continue with: study data describe {shlex.quote(str(path))}"
    text = "\n".join([*(f"{key}: {remark}" for key, remark in guessed.remarks.items()), check])
    answer(options, {"study_file": str(path), "inferred": dict(guessed.remarks)}, text)
    return DONE


def _list(options: argparse.Namespace) -> int:
    from study.data import DATASETS

    names = {name: known.description for name, known in DATASETS.items()}
    width = max(map(len, names))
    text = "\n".join(f"{name:<{width}}  {description}" for name, description in names.items())
    answer(options, [{"name": name, "description": what} for name, what in names.items()], text)
    return DONE


def _fetch(options: argparse.Namespace) -> int:
    from study.data import fetch

    fetch(options.name)
    return DONE


def _describe(options: argparse.Namespace) -> int:
    from study.data import describe, facts

    dataset, remarks = _loaded(options)
    inferred = [f"  {key}: {remark}" for key, remark in remarks.items()]
    text = [describe(dataset), *(["\nInferred (not specified):", *inferred] if inferred else [])]
    answer(options, {**facts(dataset), "inferred": dict(remarks)}, "\n".join(text))
    return DONE


def _write(options: argparse.Namespace) -> int:
    from study.data import write_table

    dataset, remarks = _loaded(options)
    write_table(dataset, options.out)
    written = {"out": str(options.out), "rows": len(dataset.label), "inferred": dict(remarks)}
    lines = [f"{key}: {remark}" for key, remark in remarks.items()]
    answer(options, written, "\n".join([*lines, f"{len(dataset.label):,} rows: {options.out}"]))
    return DONE


def _loaded(options: argparse.Namespace) -> "tuple[Dataset, Mapping[str, str]]":
    from study.own_table import load_data

    return load_data(options.name, _roles(options), path=options.path, split_seed=options.split_seed)
