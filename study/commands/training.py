"""study run, study resume: train what has not finished yet, then write the report."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from study import printer
from study.commands.arguments import AddParser, a_location, add_directory, whole_number
from study.commands.exit_status import DONE, INCOMPLETE
from study.commands.opening import collection_in

if TYPE_CHECKING:
    from study.api import Study
    from study.collection import Collection


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    run = add_parser("run", help="run a study file or preset, then write its report")
    run.add_argument("study", metavar="FILE|PRESET", nargs="?", default="default", help=_presets())
    run.add_argument("--out", metavar="DIR", type=a_location, help="results directory (results/<study>)")
    run.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a key of the study file, such as search.settings=200; may be repeated",
    )
    _add_where(run)
    run.set_defaults(command=_run, trains=True)

    resume = add_parser("resume", help="resume an interrupted study")
    add_directory(resume)
    _add_where(resume)
    resume.set_defaults(command=_resume, trains=True)


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address", help="an existing Ray cluster that this machine is part of: auto, or HOST:6379"
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole_number(1, 100_000, "100000"),
        help="workers on this machine (one per core)",
    )


def _presets() -> str:
    from study.config.presets import COLLECTIONS, preset_names

    return f"a study file, or one of the presets {', '.join([*preset_names(), *COLLECTIONS])} (default)"


def _run(options: argparse.Namespace) -> int:
    from study.api import Study
    from study.collection import Collection
    from study.config.presets import COLLECTIONS

    if options.study in COLLECTIONS:
        options.directory = options.out or Path("results") / options.study
        return _run_all(Collection.begin(options.study, options.directory, options.set), options)
    study = Study.of(options.study, out=options.out, overrides=options.set)
    options.directory = study.directory.root
    return _train(study, options)


def _resume(options: argparse.Namespace) -> int:
    from study.api import Study

    if collection := collection_in(options.directory):
        return _run_all(collection, options)
    return _train(Study(options.directory), options)


def _train(study: "Study", options: argparse.Namespace) -> int:
    complete = study.train(address=options.address, workers=options.workers, log=printer.log)
    return _conclude(study, complete)


def _run_all(collection: "Collection", options: argparse.Namespace) -> int:
    """Run the studies of a collection, one after the other."""
    complete = collection.run(log=printer.log, address=options.address, workers=options.workers)
    return _conclude(collection, complete)


def _conclude(studies: "Study | Collection", complete: bool) -> int:
    """Write the report and print where it is; a study with failed packs is not done."""
    printer.echo(f"report: {studies.report()}")
    if complete:
        return DONE
    printer.log(f"study: {studies.status().summary()}")
    return INCOMPLETE
