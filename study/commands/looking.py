"""study status, study report: how far a study is, and what it found."""

import argparse
import json

from study.commands.answers import DONE, say
from study.commands.arguments import AddParser, a_location, add_directory
from study.commands.opening import studies_in


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    status = add_parser("status", help="say how far a study is")
    add_directory(status)
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(command=_status)

    report = add_parser("report", help="write the report of what has finished")
    add_directory(report)
    report.add_argument("--out", metavar="DIR", type=a_location, help="where to (DIR/report)")
    report.set_defaults(command=_report)


def _status(options: argparse.Namespace) -> int:
    status = studies_in(options.directory).status()
    print(json.dumps(status.to_json(), indent=2) if options.json else status.words())
    return DONE


def _report(options: argparse.Namespace) -> int:
    studies = studies_in(options.directory)
    for broken in studies.status().broken:
        say(f"{broken.path}: cannot be read ({broken.reason}); the report goes without it")
    print(f"report: {studies.report(options.out)}")
    return DONE
