"""What a command answers: text for a person, or JSON for a program, and an exit status."""

import argparse
import json
from typing import Any

from study import printer

DONE, INCOMPLETE, WRONG_INPUT = 0, 1, 2
"""The exit statuses of every command that is not interrupted."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """Take ``--json``."""
    parser.add_argument("--json", action="store_true", help="as JSON")


def answer(options: argparse.Namespace, plain: Any, text: str) -> None:
    """Print ``plain`` data where the command line asks for JSON, else ``text``."""
    printer.echo(json.dumps(plain, indent=2) if options.json else text)
