"""study status, study report: how far a study is, and what it found."""

import argparse
import json

from study import printer
from study.commands.arguments import AddParser, a_location, add_directory
from study.commands.exit_status import DONE
from study.commands.opening import studies_in


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    status = add_parser("status", help="print how far a study is")
    add_directory(status)
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(command=_status)

    report = add_parser("report", help="write the report of what has finished")
    add_directory(report)
    report.add_argument("--out", metavar="DIR", type=a_location, help="where to write it (DIR/report)")
    report.set_defaults(command=_report)


def _status(options: argparse.Namespace) -> int:
    status = studies_in(options.directory).status()
    printer.echo(json.dumps(status.to_json(), indent=2) if options.json else status.summary())
    return DONE


def _report(options: argparse.Namespace) -> int:
    studies = studies_in(options.directory)
    for broken in studies.status().broken:
        printer.log(f"{broken}; its runs are left out of the report")
    printer.echo(f"report: {studies.report(options.out)}")
    return DONE
