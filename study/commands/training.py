"""study run, study resume: train what is left and write the report. study presets: what ships to be run."""

import argparse
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from study import printer
from study.commands.arguments import (
    DONE,
    INCOMPLETE,
    AddParser,
    a_location,
    add_directory,
    add_json,
    answer,
    studies_in,
    whole_number,
)

if TYPE_CHECKING:
    from study.api import Study
    from study.collection import Collection


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    run = add_parser(
        "run",
        help="run a study file or preset, then write its report",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument(
        "study",
        metavar="FILE|PRESET",
        nargs="?",
        default="default",
        help="a study file, or one of the presets below (default)",
    )
    run.add_argument("--out", metavar="DIR", type=a_location, help="results directory (results/<study>)")
    run.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a key of the study file, such as search.settings=200; may be repeated",
    )
    run.add_argument(
        "--dry-run",
        action="store_true",
        help="check the study and its data, and print how many runs, packs and cores, and about how long "
        "and how much room it takes; nothing is written",
    )
    _add_where(run)
    run.set_defaults(command=_run, trains=True)

    resume = add_parser("resume", help="resume an interrupted study")
    add_directory(resume)
    _add_where(resume)
    resume.set_defaults(command=_resume, trains=True)

    presets = add_parser(
        "presets",
        help="list the studies that ship with the project",
        description="List the studies that ship with the project: what each draws, how many runs it "
        "trains, and about how long that takes on this machine.",
    )
    add_json(presets)
    presets.set_defaults(command=_presets)


def _add_where(parser: argparse.ArgumentParser) -> None:
    """Take where to train, and how to tell of it."""
    parser.add_argument(
        "--address", help="an existing Ray cluster that this machine is part of: auto, or HOST:6379"
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=whole_number(1, 100_000, "100000"),
        help="workers on this machine (one per core)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress, only the result")
    add_json(parser)


def _epilog() -> str:
    """Return what each preset is, a paragraph each."""
    known = list(preset_help())
    width = max(len(name) for name, _ in known)
    lines = [
        textwrap.fill(
            what,
            100,
            initial_indent=f"  {name:<{width}}  ",
            subsequent_indent=" " * (width + 4),
            break_on_hyphens=False,
        )
        for name, what in known
    ]
    return "\n".join(["presets:", *lines, "", "study presets adds about how long each takes."])


def _run(options: argparse.Namespace) -> int:
    _load(options)
    from study.api import Study
    from study.collection import Collection
    from study.config.presets import COLLECTIONS

    if options.study in COLLECTIONS:
        options.directory = options.out or Path("results") / options.study
        if options.dry_run:
            collection = Collection(options.study, options.directory, tuple(options.set))
            return _foresee([collection.study(preset) for preset in collection.presets], options)
        return _train(Collection.begin(options.study, options.directory, options.set), options)
    study = Study.of(options.study, out=options.out, overrides=options.set)
    options.directory = study.directory.root
    if options.dry_run:
        return _foresee([study], options)
    return _train(study, options)


def _foresee(studies: "Sequence[Study]", options: argparse.Namespace) -> int:
    """Print what studies will take, and write nothing."""
    estimates = [study.estimate(workers=options.workers) for study in studies]
    plain = [estimate.to_json() for estimate in estimates]
    lines = []
    for study, estimate in zip(studies, estimates, strict=True):
        lines.append(f"{estimate.summary()} in {study.directory.root}")
    lines.append("nothing was written; the first study on a machine takes longer, as it compiles its steps")
    answer(options, plain[0] if len(plain) == 1 else {"studies": plain}, "\n".join(lines))
    return DONE


def _load(options: argparse.Namespace) -> None:
    """Import what takes long, and say so where nothing else is said meanwhile."""
    with printer.working("loading the program", _log(options)):
        import study.api
        import study.training.launch  # noqa: F401


def _log(options: argparse.Namespace) -> Callable[[str], None]:
    return (lambda text: None) if options.quiet else printer.log


def _resume(options: argparse.Namespace) -> int:
    _load(options)
    return _train(studies_in(options.directory), options)


def _train(studies: "Study | Collection", options: argparse.Namespace) -> int:
    """Train, write the report and print where it is; a study with failed packs is not done."""
    where = {"address": options.address, "workers": options.workers}
    complete = studies.train(**where, log=_log(options), progress=not options.quiet)
    with printer.working("writing the report", _log(options)):
        page, status = studies.report(), studies.status()
    answer(options, {"report": str(page), **status.to_json()}, f"report: {page}")
    if complete:
        return DONE
    printer.log(f"study: {status.summary()}")
    return INCOMPLETE


def preset_help() -> Iterator[tuple[str, str]]:
    """Yield the name of every preset and of every collection of presets, and what it is."""
    from study.config.presets import COLLECTIONS, preset_description, preset_names

    for name in preset_names():
        yield name, preset_description(name)
    for name, (figures, presets) in COLLECTIONS.items():
        yield name, f"Figure{'s' if len(figures) > 1 else ''} {', '.join(figures)}: {', '.join(presets)}."


def _presets(options: argparse.Namespace) -> int:
    from study.estimate import rounded

    takes = _estimates()
    known = [(name, *takes[name], what) for name, what in preset_help()]
    if options.json:
        keys = ("preset", "runs", "seconds", "description")
        answer(options, [dict(zip(keys, row, strict=True)) for row in known], "")
    else:
        cells = [(name, f"{runs:,}", rounded(seconds), what) for name, runs, seconds, what in known]
        printer.table(("preset", "runs", "about", "description"), cells)
    return DONE


def _estimates() -> dict[str, tuple[int, float]]:
    """Return how many runs each preset and each collection takes, and how many seconds."""
    from study.config.presets import COLLECTIONS, preset_names
    from study.config.reading import load_config
    from study.data import DATASETS
    from study.estimate import estimate

    plans = {name: load_config(name).plan() for name in preset_names()}
    alone = {name: estimate(plan, *DATASETS[plan.dataset].shape) for name, plan in plans.items()}
    parts = {name: (name,) for name in alone} | {name: p for name, (_, p) in COLLECTIONS.items()}
    return {
        name: (sum(alone[p].runs for p in presets), sum(alone[p].seconds for p in presets))
        for name, presets in parts.items()
    }
