"""What commands have in common: arguments, types of values, the studies in a directory, and the answer."""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from study import printer
from study.errors import UserError

if TYPE_CHECKING:
    from study.api import Study
    from study.collection import Collection
    from study.storage.locations import Location

DONE, INCOMPLETE, WRONG_INPUT = 0, 1, 2
"""The exit statuses of every command that is not interrupted."""

AddParser = Callable[..., argparse.ArgumentParser]
"""Adds a command by name and returns its parser: ``add_parser`` of argparse."""


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Take a results directory."""
    parser.add_argument(
        "directory",
        metavar="DIR",
        type=a_location,
        help="results directory, or a URI such as s3://bucket/study",
    )


def a_location(text: str, local: bool = False) -> "Location":
    """Take a local path or a URI."""
    from study.storage.locations import local_path, location

    try:
        return local_path(text) if local else location(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def a_local_path(text: str) -> "Location":
    """Take a path on this machine; a URI is refused, not taken for a folder of that name."""
    return a_location(text, local=True)


def whole_number(lowest: int, highest: int, named: str) -> Callable[[str], int]:
    """Return a type of whole numbers; messages write the highest as ``named``."""

    def number(text: str) -> int:
        with contextlib.suppress(ValueError):
            if lowest <= int(text) <= highest:
                return int(text)
        raise argparse.ArgumentTypeError(f"must be a whole number from {lowest} to {named}, got {text!r}")

    return number


def rate(text: str, highest: float = 1.0, named: str = "to 1") -> float:
    """Take a number from 0 to the highest."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= highest:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number from 0 {named}, got {text!r}")


def amount(text: str) -> float:
    """Take a number from 0 on."""
    return rate(text, sys.float_info.max, "on")


def collection_in(directory: "Location") -> "Collection | None":
    """Return what is in the directory where it holds several studies, else None."""
    from study.collection import Collection, is_collection

    return Collection.open(directory) if is_collection(directory) else None


def studies_in(directory: "Location") -> "Study | Collection":
    """Return the study in the directory, or the collection of several."""
    from study.api import Study

    return collection_in(directory) or Study(directory)


def one_study(directory: "Location") -> "Study":
    """Return the study in the directory; UserError where there are several."""
    from study.api import Study

    if collection := collection_in(directory):
        raise UserError(
            f"{directory}: holds several studies; give one of them, such as "
            f"{directory / collection.presets[0]}"
        )
    return Study(directory)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Take ``--json``."""
    parser.add_argument("--json", action="store_true", help="as JSON")


def answer(options: argparse.Namespace, plain: Any, text: str) -> None:
    """Print ``plain`` data where the command line asks for JSON, else ``text``."""
    printer.echo(json.dumps(plain, indent=2) if options.json else text)
