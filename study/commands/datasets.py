"""study init, study data: the tables that studies train on."""

import argparse
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from study import printer
from study.commands.arguments import AddParser, a_local_path, whole_number
from study.commands.exit_status import DONE

if TYPE_CHECKING:
    from study.data.own.section import DatasetSection

_ROLES = {
    "label": "the outcome: a column of 0/1, or {column: COLUMN, positive: VALUE}",
    "sensitive": "a column of 0/1, or {column: COLUMN, is: VALUE}, or {column: COLUMN, at_least: NUMBER}",
    "decision_maker": "what people decided: a column, or {columns: [a, b], combine: draw}, or majority",
    "features": "what the model sees (every column without another role)",
    "drop": "columns that nobody uses, such as [id, name]",
    "dm_only": "columns that only the decision-maker sees",
    "split": "a column of train, validation and test",
    "group": "a column whose rows with the same value are never on two sides of a split",
}
"""Keys of a study file's section `dataset` that the command line takes as well."""


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    init = add_parser(
        "init",
        help="write a study file for a table of your own",
        description="What is not said of the columns is guessed from names and values, and marked so.",
    )
    init.add_argument("file", metavar="FILE", help="CSV or Parquet, here or a URI")
    init.add_argument(
        "--out", metavar="STUDY.yaml", type=a_local_path, help="where to (<name of the table>.yaml)"
    )
    _add_roles(init)
    init.set_defaults(command=_init)

    data = add_parser("data", help="list, fetch, describe or write data sets")
    verbs = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verbs.add_parser("list", help="list the data sets").set_defaults(command=_list)
    fetch = verbs.add_parser("fetch", help="download a data set that does not ship with the package")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(command=_fetch)
    describe = verbs.add_parser("describe", help="print rows, base rates, splits, what the DM sees")
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
    parser.add_argument("--split-seed", metavar="N", type=seed, default=0, help="(0)")
    _add_roles(parser)


def _add_roles(parser: argparse.ArgumentParser) -> None:
    for key, words in _ROLES.items():
        parser.add_argument(f"--{key.replace('_', '-')}", metavar="COLUMN", type=_role, help=words)


def _role(text: str) -> Any:
    """Take a column's name as it is, and what stands in brackets as in a study file."""
    if not text.startswith(("{", "[")):
        return text
    from study.storage.yaml_text import parse_yaml

    return parse_yaml(f"value: {text}", text)["value"]


def _roles(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keys of the section `dataset` that the command line gives."""
    given = {key: getattr(options, key) for key in _ROLES}
    return {key: value for key, value in given.items() if value is not None}


def _init(options: argparse.Namespace) -> int:
    from study.own_table import write_study_file

    path, guessed = write_study_file(options.file, _roles(options), options.out)
    for key, remark in guessed.remarks.items():
        printer.echo(f"{key}: {remark}")
    printer.echo(f"{path}: check it, then continue with: study data describe {shlex.quote(str(path))}")
    return DONE


def _list(options: argparse.Namespace) -> int:
    from study.data import dataset_names

    names = dataset_names()
    width = max(map(len, names))
    for name, description in names.items():
        printer.echo(f"{name:<{width}}  {description}")
    return DONE


def _fetch(options: argparse.Namespace) -> int:
    from study.data import fetch

    fetch(options.name)
    return DONE


def _describe(options: argparse.Namespace) -> int:
    from study.data import describe

    section, remarks = _dataset(options)
    printer.echo(describe(section.load()))
    if remarks:
        printer.echo("\nGuessed, as you did not say:")
        for key, remark in remarks.items():
            printer.echo(f"  {key}: {remark}")
    return DONE


def _write(options: argparse.Namespace) -> int:
    from study.data import write_table

    dataset = _dataset(options)[0].load()
    write_table(dataset, options.out)
    printer.echo(f"{len(dataset.label):,} rows: {options.out}")
    return DONE


def _dataset(options: argparse.Namespace) -> "tuple[DatasetSection, Mapping[str, str]]":
    from study.own_table import dataset_section

    return dataset_section(options.name, _roles(options), path=options.path, split_seed=options.split_seed)
