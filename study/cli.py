"""The command line: parses it, runs one command, words what is wrong, sets the exit status."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from study import printer
from study.commands import choosing, completion, datasets, deploying, looking, training
from study.commands.answering import DONE, INTERRUPTED, WRONG_INPUT
from study.commands.interruption import interruptible
from study.errors import UserError, did_you_mean

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    if arguments is None:
        _keep_docstrings()
    options = argparse.Namespace(spoken=False)
    with interruptible(lambda: _say_interrupted(options)):
        try:
            parser = command_line()
            parser.parse_args(arguments, namespace=options)
            if not hasattr(options, "command"):
                parser.print_help()
                return DONE
            status: int = options.command(options)
            sys.stdout.flush()
        except UserError as error:
            printer.log(f"study: {_one_line(str(error))}")
            return WRONG_INPUT
        except KeyboardInterrupt:
            _say_interrupted(options)
            return INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        return status


def _say_interrupted(options: argparse.Namespace) -> None:
    """Say that a command was interrupted, and how to resume what it trained; once."""
    if options.spoken:
        return
    options.spoken = True
    directory = getattr(options, "directory", None) if getattr(options, "trains", False) else None
    text = "study: interrupted"
    if directory is not None and not (isinstance(directory, Path) and not directory.exists()):
        text += f"; what is finished is kept, resume with: study resume {shlex.quote(str(directory))}"
    printer.log(f"\n{text}")


def _keep_docstrings() -> None:
    """Start again without PYTHONOPTIMIZE=2: Ray cannot be imported without its docstrings."""
    if sys.flags.optimize > 1 and os.environ.pop("PYTHONOPTIMIZE", ""):
        os.execv(sys.executable, sys.orig_argv)


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
        self.exit(WRONG_INPUT, f"{self.prog}: {_one_line(message)}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse a mistyped flag before a missing argument is, and name the nearest one."""
        words = sys.argv[1:] if args is None else list(args)
        self.add_late()
        if self._subparsers is None:
            for word in words[: words.index("--")] if "--" in words else words:
                name = word.partition("=")[0]
                if name.startswith("--") and not any(flag.startswith(name) for flag in self._flags()):
                    self._refuse([name])
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


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
