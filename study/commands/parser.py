"""The parser of the command line: every command, and one line about what is wrong."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from study import printer
from study.commands import choosing, completion, datasets, deploying, looking, training
from study.commands.arguments import WRONG_INPUT
from study.errors import did_you_mean

_LONGEST = 1_000
"""An error message may quote what a file holds, but not all of it."""

_DESCRIPTION = """\
Train models that may say "I don't know" (IDK) and defer to a decision-maker, over thousands of settings,
and see what each trade-off of error, odds difference (DI) and deferral rate (IDK rate) costs.
"""
_FIRST_STEPS = """\
first steps:
  study run                        train the default study and write its report
  study run my.yaml --out DIR      your own study file
  study init cases.csv             write a study file for your own table
  study resume DIR                 resume an interrupted study
  study select DIR --max-idk 0.3   choose one run
  study export DIR RUN_ID --out model/                   make a model of that run
  study apply model/ new.csv --out decisions.csv         decide or defer on new cases

exit status: 0 done; 1 not everything could be completed; 2 wrong input; 130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one line, through the printer.

    ``late`` adds arguments that take long to list, once this parser is used.
    """

    late: Callable[[], None] | None = None

    def add_late(self) -> None:
        """Add the arguments that are left."""
        late, self.late = self.late, None
        if late is not None:
            late()

    def error(self, message: str) -> NoReturn:
        """Exit with one line about what is wrong."""
        self.exit(WRONG_INPUT, f"{self.prog}: {one_line(message)}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse a mistyped flag before a missing argument is, and name the nearest one."""
        words = sys.argv[1:] if args is None else list(args)
        self.add_late()
        if self._subparsers is None:
            for word in words[: words.index("--")] if "--" in words else words:
                name, _, value = word.partition("=")
                if name.startswith("--") and not any(flag.startswith(name) for flag in self._flags()):
                    self._refuse([name])
                if name.startswith("--") and value == "--":
                    # argparse would take it for the end of the flags, and give a list.
                    self.error(f"argument {name}: expected one argument")
        known, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self._refuse(unknown)
        return known, unknown

    def _refuse(self, words: Sequence[str]) -> NoReturn:
        self.error(f"unrecognized arguments: {' '.join(words)}{did_you_mean(words[0], self._flags())}")

    def _flags(self) -> list[str]:
        return list(self._option_string_actions)

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            printer.write(file or sys.stderr, message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += did_you_mean(value, action.choices or ())
            raise


class _Version(argparse.Action):
    """Prints the version, which is read from the package's metadata only then."""

    def __call__(self, parser: argparse.ArgumentParser, *ignored: object) -> NoReturn:
        from study import __version__

        printer.echo(f"study {__version__}")
        parser.exit()


def command_line() -> Parser:
    """Return the parser of every command."""
    parser = Parser(
        prog="study",
        description=_DESCRIPTION,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for group in (training, looking, choosing, deploying, datasets, completion):
        group.add(commands.add_parser)
    return parser


def one_line(text: str) -> str:
    """Return text on one line of a length that can be read."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
