"""Arguments that several commands take, and the types of values."""

import argparse
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from study.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from study.storage.locations import Location

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


def a_location(text: str) -> "Location":
    """Take a local path or a URI."""
    from study.storage.locations import location

    try:
        return location(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def a_local_path(text: str) -> "Path":
    """Take a path on this machine; a URI is refused, not taken for a folder of that name."""
    from study.storage.locations import local_path

    try:
        return local_path(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def whole_number(lowest: int, highest: int, named: str) -> Callable[[str], int]:
    """Return a type of whole numbers; messages write the highest as ``named``."""

    def number(text: str) -> int:
        with contextlib.suppress(ValueError):
            if lowest <= int(text) <= highest:
                return int(text)
        raise argparse.ArgumentTypeError(f"must be a whole number from {lowest} to {named}, got {text!r}")

    return number


def amount(text: str) -> float:
    """Take a number from 0 on."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number from 0 on, got {text!r}")


def rate(text: str) -> float:
    """Take a number from 0 to 1."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text!r}")
