"""The command line: reads words, calls one function, words the answer, sets the exit status."""

import argparse
import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from study.errors import UserError

if TYPE_CHECKING:
    from study.api import Study
    from study.collection import Collection
    from study.dataset_section import DatasetSection
    from study.places import Place

DONE, INCOMPLETE, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
_LONGEST = 1_000
"""A line that says what is wrong may quote what a file holds, but not all of it."""

_DESCRIPTION = """\
Train models that may say "I don't know" and leave the decision to somebody else, over thousands of
settings, and see what each trade of error, disparate impact (DI) and deferral (IDK rate) costs.
"""
_FIRST_STEPS = """\
first steps:
  study run                        train the default study and write its report
  study run my.yaml --out DIR      your own study file
  study init cases.csv             write a study file for your own table
  study resume DIR                 go on after an interruption
  study select DIR --max-idk 0.3   choose one setting; it names a run
  study export DIR RUN_ID --out model/                   make a model of that run
  study apply model/ new.csv --out decisions.csv         let it decide, or defer

exit status: 0 done; 1 not everything could be completed; 2 wrong input; 130 interrupted
"""

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options: argparse.Namespace | None = None
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options = _parser().parse_args(arguments)
        status: int = options.command(options)
        sys.stdout.flush()
    except UserError as error:
        print(f"study: {_one_line(str(error))}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        directory = getattr(options, "directory", None)
        words = "study: interrupted"
        if directory is not None:
            words += f"; what is finished is kept, go on with: study resume {shlex.quote(str(directory))}"
        print(f"\n{words}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _run(options: argparse.Namespace) -> int:
    from study.api import default_directory
    from study.collection import COLLECTIONS, Collection
    from study.config import load_config
    from study.launch import launch
    from study.ledger import ResultsDirectory

    if options.study in COLLECTIONS:
        options.directory = options.out or Path("results") / options.study
        return _run_all(Collection.begin(options.study, options.directory, options.set), options)
    config = load_config(options.study, options.set)
    options.directory = options.out or default_directory(config)
    complete = launch(
        config,
        ResultsDirectory(options.directory),
        address=options.address,
        workers=options.workers,
        say=_say,
    )
    return _conclude(options.directory, complete)


def _resume(options: argparse.Namespace) -> int:
    from study.launch import resume
    from study.ledger import ResultsDirectory

    if collection := _collection(options):
        return _run_all(collection, options)
    complete = resume(
        ResultsDirectory(options.directory),
        address=options.address,
        workers=options.workers,
        say=_say,
    )
    return _conclude(options.directory, complete)


def _collection(options: argparse.Namespace) -> "Collection | None":
    """Return what is in the directory where it holds several studies, else None."""
    from study.collection import Collection, is_collection

    return Collection.open(options.directory) if is_collection(options.directory) else None


def _run_all(collection: "Collection", options: argparse.Namespace) -> int:
    """Run the studies of a collection, one after the other."""
    complete = collection.run(say=_say, address=options.address, workers=options.workers)
    print(f"report: {collection.report()}")
    if complete:
        return DONE
    print(f"study: {collection.status().words()}", file=sys.stderr)
    return INCOMPLETE


def _conclude(directory: "Place", complete: bool) -> int:
    """Write the report and say where it is; a study with failed packs is not done."""
    from study.api import Study

    study = Study(directory)
    print(f"report: {study.report()}")
    if complete:
        return DONE
    print(f"study: {study.status().words()}", file=sys.stderr)
    return INCOMPLETE


def _status(options: argparse.Namespace) -> int:
    from study.api import Study

    status = (_collection(options) or Study(options.directory)).status()
    print(json.dumps(status.to_json(), indent=2) if options.json else status.words())
    return DONE


def _report(options: argparse.Namespace) -> int:
    from study.api import Study

    study = _collection(options) or Study(options.directory)
    for broken in study.status().broken:
        _say(f"{broken.path}: cannot be read ({broken.reason}); the report goes without it")
    print(f"report: {study.report(options.out)}")
    return DONE


def _select(options: argparse.Namespace) -> int:
    chosen = _one_study(options).select(
        max_idk=options.max_idk,
        max_di=options.max_di,
        max_error=options.max_error,
        minimise=options.minimise,
        method=options.method,
        model=options.model,
        decision_maker=options.decision_maker,
    )
    if not chosen.satisfies:
        words = f"no setting satisfies the constraints; nearest (over {chosen.missed()}) is"
        print(f"study: {words}\n{chosen.words()}", file=sys.stderr)
        return INCOMPLETE
    if options.json:
        print(json.dumps(chosen.to_json(), indent=2))
        return DONE
    go_on = f"study export {shlex.quote(str(options.directory))} {chosen.run_id} --out model"
    print(f"{chosen.words()}\ngo on with: {go_on}")
    return DONE


def _export(options: argparse.Namespace) -> int:
    from study.export import NotReproducedError

    try:
        model = _one_study(options).export(options.run_id, options.out)
    except NotReproducedError as error:
        print(f"study: {error}", file=sys.stderr)
        return INCOMPLETE
    decided = sum(map(sum, model.about["test_rows_by_a_and_label"]))
    print(f"{options.out}: decides on all {decided:,} test rows as the run did")
    print(f"go on with: study apply {shlex.quote(str(options.out))} new.csv --out decisions.csv")
    return DONE


def _apply(options: argparse.Namespace) -> int:
    from study.apply import apply

    decided = apply(options.model, options.table, options.out)
    deferred = int(decided["defer"].sum())
    print(f"{options.out}: {len(decided):,} rows, {deferred:,} of them deferred")
    return DONE


def _optuna(options: argparse.Namespace) -> int:
    settings = _one_study(options).optuna(options.out, say=_say)
    print(f"{options.out}: {settings:,} settings")
    print(f"look at them with: optuna-dashboard sqlite:///{shlex.quote(str(options.out))}")
    return DONE


def _one_study(options: argparse.Namespace) -> "Study":
    """Return the study in the directory; UserError where there are several."""
    from study.api import Study

    if collection := _collection(options):
        raise UserError(
            f"{options.directory}: holds several studies; give one of them, such as "
            f"{options.directory / collection.presets[0]}"
        )
    return Study(options.directory)


def _data_list(options: argparse.Namespace) -> int:
    from study.data import dataset_names

    names = dataset_names()
    width = max(map(len, names))
    for name, description in names.items():
        print(f"{name:<{width}}  {description}")
    return DONE


def _data_fetch(options: argparse.Namespace) -> int:
    from study.data import fetch

    fetch(options.name)
    return DONE


def _data_describe(options: argparse.Namespace) -> int:
    from study.data import describe

    section, remarks = _dataset(options)
    print(describe(section.load()))
    if remarks:
        print("\nGuessed, as you did not say:")
    for key, remark in remarks.items():
        print(f"  {key}: {remark}")
    return DONE


def _data_write(options: argparse.Namespace) -> int:
    from study.data import write_table

    dataset = _dataset(options)[0].load()
    write_table(dataset, options.out)
    print(f"{len(dataset.label):,} rows: {options.out}")
    return DONE


def _init(options: argparse.Namespace) -> int:
    from study.own_table import write_study_file

    path, guessed = write_study_file(options.file, _roles(options), options.out)
    for key, remark in guessed.remarks.items():
        print(f"{key}: {remark}")
    print(f"{path}: check it, then go on with: study data describe {shlex.quote(str(path))}")
    return DONE


def _dataset(options: argparse.Namespace) -> "tuple[DatasetSection, Mapping[str, str]]":
    from study.own_table import dataset_section

    return dataset_section(options.name, _roles(options), path=options.path, split_seed=options.split_seed)


def _roles(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keys of the section `dataset` that the command line gives."""
    given = {key: getattr(options, key) for key in _ROLES}
    return {key: value for key, value in given.items() if value is not None}


class _Parser(argparse.ArgumentParser):
    """Answers wrong words with one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="study",
        description=_DESCRIPTION,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="run a study file or preset, then write its report")
    run.add_argument("study", metavar="FILE|PRESET", nargs="?", default="default", help=_presets())
    run.add_argument("--out", metavar="DIR", type=_place, help="results directory (results/<study>)")
    run.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a key of the study file, such as search.settings=200; may be repeated",
    )
    _add_where(run)
    run.set_defaults(command=_run)

    resume = commands.add_parser("resume", help="go on with an interrupted study")
    _add_directory(resume)
    _add_where(resume)
    resume.set_defaults(command=_resume)

    status = commands.add_parser("status", help="say how far a study is")
    _add_directory(status)
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(command=_status)

    report = commands.add_parser("report", help="write the report of what has finished")
    _add_directory(report)
    report.add_argument("--out", metavar="DIR", type=_place, help="where to (DIR/report)")
    report.set_defaults(command=_report)

    select = commands.add_parser(
        "select",
        help="choose one setting under constraints",
        description="Choose on validation figures, medians over seeds; test figures are shown beside, with "
        "the range of the seeds and an interval over the people tested. "
        "Exit status 1 where nothing satisfies the constraints.",
    )
    _add_directory(select)
    for name, words in (("idk", "IDK rate"), ("di", "disparate impact"), ("error", "error rate")):
        select.add_argument(f"--max-{name}", metavar="X", type=_rate, help=f"highest {words}, 0 to 1")
    select.add_argument(
        "--minimise", choices=["error", "di", "idk"], default="error", help="what to minimise (error)"
    )
    for name, words in (("method", "method"), ("model", "model"), ("decision-maker", "decision-maker")):
        select.add_argument(f"--{name}", metavar="NAME", help=f"choose among this {words} only (any)")
    select.add_argument("--json", action="store_true", help="as JSON")
    select.set_defaults(command=_select)

    export = commands.add_parser(
        "export",
        help="make a model of a run, which decides on its own",
        description="Write weights, preprocessing, thresholds and a model card, once they are seen to "
        "decide on every test row as the run did. Exit status 1 where they do not.",
    )
    _add_directory(export)
    export.add_argument("run_id", metavar="RUN_ID", help="a finished run; study select names one")
    export.add_argument("--out", metavar="MODEL", type=Path, required=True, help="a new directory")
    export.set_defaults(command=_export)

    apply = commands.add_parser(
        "apply",
        help="let an exported model decide for the cases of a table",
        description="Write the table with, for every case, the prediction, its probability, whether the "
        "case goes to the decision-maker, and why.",
    )
    apply.add_argument("model", metavar="MODEL", type=Path, help="what study export wrote")
    apply.add_argument("table", metavar="TABLE", help="CSV or Parquet, here or a URI")
    apply.add_argument("--out", metavar="FILE", type=Path, required=True, help=".csv or .parquet")
    apply.set_defaults(command=_apply)

    history = commands.add_parser(
        "optuna",
        help="write the search's history for optuna-dashboard",
        description="Write an Optuna study for every method, model and decision-maker into an SQLite file.",
    )
    _add_directory(history)
    history.add_argument("--out", metavar="FILE.db", type=Path, required=True, help="a new file")
    history.set_defaults(command=_optuna)

    init = commands.add_parser(
        "init",
        help="write a study file for a table of your own",
        description="What is not said of the columns is guessed from names and values, and marked so.",
    )
    init.add_argument("file", metavar="FILE", help="CSV or Parquet, here or a URI")
    init.add_argument("--out", metavar="STUDY.yaml", type=Path, help="where to (<name of the table>.yaml)")
    _add_roles(init)
    init.set_defaults(command=_init)

    data = commands.add_parser("data", help="list, fetch, describe or write data sets")
    verbs = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verbs.add_parser("list", help="list the data sets").set_defaults(command=_data_list)
    fetch = verbs.add_parser("fetch", help="download a data set that does not ship with the package")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(command=_data_fetch)
    describe = verbs.add_parser("describe", help="print rows, base rates, splits, what the DM sees")
    _add_data(describe)
    describe.set_defaults(command=_data_describe)
    write = verbs.add_parser("write", help="write the table as the models see it before standardising")
    _add_data(write)
    write.add_argument("--out", metavar="FILE.parquet", type=Path, required=True)
    write.set_defaults(command=_data_write)
    return parser


def _add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory",
        metavar="DIR",
        type=_place,
        help="results directory, or a URI such as s3://bucket/study",
    )


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address", help="an existing Ray cluster that this machine is part of: auto, or HOST:6379"
    )
    parser.add_argument(
        "--workers", metavar="N", type=_count, help="workers on this machine (one per core)"
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME|FILE",
        help="see study data list; or a table (CSV, Parquet), or a study file (.yaml)",
    )
    parser.add_argument("--path", metavar="FILE", help="the raw file, where it is not in the cache")
    parser.add_argument("--split-seed", metavar="N", type=_seed, default=0, help="(0)")
    _add_roles(parser)


def _add_roles(parser: argparse.ArgumentParser) -> None:
    for key, words in _ROLES.items():
        parser.add_argument(f"--{key.replace('_', '-')}", metavar="COLUMN", type=_role, help=words)


def _role(text: str) -> Any:
    """Take a column's name as it is, and what stands in brackets as in a study file."""
    if not text.startswith(("{", "[")):
        return text
    from study.yaml_text import parse_yaml

    return parse_yaml(f"value: {text}", text)["value"]


def _place(text: str) -> "Place":
    """Take a local path or a URI; argparse would show a wrong one whole, keys and all."""
    from study.places import place

    try:
        return place(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _presets() -> str:
    from study.collection import COLLECTIONS
    from study.config import preset_names

    return f"a study file, or one of the presets {', '.join([*preset_names(), *COLLECTIONS])} (default)"


def _rate(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; a number from 0 to 1 is")


def _count(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 1 <= int(text) <= 100_000:
            return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; a whole number from 1 to 100000 is")


def _seed(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 0 <= int(text) < 2**63:
            return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; a whole number from 0 to 2^63 - 1 is")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
