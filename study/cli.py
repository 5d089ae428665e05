"""The command line: reads words, lets one command answer, words what is wrong, sets the exit status."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from study.commands import choosing, datasets, deploying, history, looking, training
from study.commands.answers import DONE, INTERRUPTED, WRONG_INPUT
from study.errors import UserError

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
    for group in (training, looking, choosing, deploying, history, datasets):
        group.add(commands.add_parser)
    return parser


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
