"""study status, study report: how far a study is, and what it found."""

import argparse
import time
from typing import Final

from study import printer
from study.commands.answering import add_json, answer
from study.commands.arguments import AddParser, a_location, add_directory
from study.commands.exit_status import DONE
from study.commands.opening import studies_in

BETWEEN_REPORTS: Final = 30.0


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    status = add_parser("status", help="print how far a study is")
    add_directory(status)
    add_json(status)
    status.set_defaults(command=_status)

    report = add_parser("report", help="write the report of what has finished")
    add_directory(report)
    report.add_argument("--out", metavar="DIR", type=a_location, help="where to write it (DIR/report)")
    add_json(report)
    report.add_argument(
        "--watch", action="store_true", help="write it again every half a minute while the study runs"
    )
    report.set_defaults(command=_report)


def _status(options: argparse.Namespace) -> int:
    status = studies_in(options.directory).status()
    answer(options, status.to_json(), status.summary())
    return DONE


def _report(options: argparse.Namespace) -> int:
    studies = studies_in(options.directory)
    while True:
        status = studies.status()
        for broken in status.broken:
            printer.log(f"{broken}; its runs are left out of the report")
        page = str(studies.report(options.out))
        answer(options, {"report": page}, f"report: {page}")
        if not options.watch or status.state != "running":
            return DONE
        time.sleep(BETWEEN_REPORTS)
