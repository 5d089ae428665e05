"""study status, study report, study optuna: how far a study is, what it found, how its search went."""

import argparse
import shlex
import time
from typing import TYPE_CHECKING, Final

from study import printer
from study.commands.arguments import (
    DONE,
    AddParser,
    a_local_path,
    a_location,
    add_directory,
    add_json,
    answer,
    one_study,
    studies_in,
)
from study.commands.choosing import add_guarantee, add_question, certificate

if TYPE_CHECKING:
    from study.api import Study
    from study.collection import Collection
    from study.status import Status

_EVERY = 2.0
"""Seconds after which a watched study is looked at again."""

BETWEEN_REPORTS: Final = 30.0


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    status = add_parser("status", help="print how far a study is")
    add_directory(status)
    status.add_argument(
        "--watch", action="store_true", help="follow it with a progress bar for as long as it runs"
    )
    add_json(status)
    status.set_defaults(command=_status)

    report = add_parser("report", help="write the report of what has finished")
    add_directory(report)
    report.add_argument("--out", metavar="DIR", type=a_location, help="where to write it (DIR/report)")
    add_json(report)
    add_guarantee(report)
    add_question(report)
    report.add_argument(
        "--watch", action="store_true", help="write it again every half a minute while the study runs"
    )
    report.set_defaults(command=_report)

    history = add_parser(
        "optuna",
        help="write the search's history for optuna-dashboard",
        description="Write an Optuna study for every method, model and decision-maker into an SQLite file.",
    )
    add_directory(history)
    history.add_argument("--out", metavar="FILE.db", type=a_local_path, required=True, help="a new file")
    add_json(history)
    history.set_defaults(command=_optuna)


def _status(options: argparse.Namespace) -> int:
    studies = studies_in(options.directory)
    status = _watch(studies, quiet=options.json) if options.watch else studies.status()
    answer(options, status.to_json(), status.summary())
    return DONE


def _watch(studies: "Study | Collection", *, quiet: bool) -> "Status":
    """Show how far a study is until it no longer runs; return its last status."""
    from study.training.progress import Progress

    counts = _Counts()
    status = counts.take(studies.status())
    if status.state == "running":
        with Progress(counts, lambda: "", quiet=quiet) as progress:
            while status.state == "running":
                time.sleep(_EVERY)
                status = counts.take(studies.status())
                progress.show()
    return status


class _Counts:
    """The counts of the last status that was taken."""

    planned_runs = finished_runs = failed_runs = 0

    def take(self, status: "Status") -> "Status":
        """Keep the counts of a status, and return it."""
        self.planned_runs, self.finished_runs = status.planned, status.finished
        self.failed_runs = status.failed
        return status


def _report(options: argparse.Namespace) -> int:
    studies = studies_in(options.directory)
    while True:
        status = studies.status()
        for broken in status.broken:
            printer.log(f"{broken}; its runs are left out of the report")
        with printer.working("writing the report", printer.log):
            if options.guarantee:
                study = one_study(options.directory)
                page = str(study.report(options.out, certificate=certificate(study, options)))
            else:
                page = str(studies.report(options.out))
        answer(options, {"report": page}, f"report: {page}")
        if not options.watch or status.state != "running":
            return DONE
        time.sleep(BETWEEN_REPORTS)


def _optuna(options: argparse.Namespace) -> int:
    study = one_study(options.directory)
    settings = study.optuna(options.out, log=printer.log)
    if lacking := study.status().unfinished():
        printer.log(lacking)
    words = (
        f"{options.out}: {settings:,} settings\n"
        f"look at them with: optuna-dashboard sqlite:///{shlex.quote(str(options.out))}"
    )
    answer(options, {"out": str(options.out), "settings": settings}, words)
    return DONE
