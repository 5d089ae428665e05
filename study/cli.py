"""The command line: listens to signals, runs one command, words what is wrong, sets the exit status."""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import NoReturn

from study.commands.interruption import INTERRUPTED, Interruption, interruptible


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. Without ``arguments`` the process ends with it."""
    if arguments is None:
        _keep_docstrings()
    options = SimpleNamespace(spoken=False)
    # Signals first: what is imported takes a second on a busy machine.
    with interruptible(lambda: _say_interrupted(options)) as interruption:
        try:
            status = _run(arguments, options, interruption)
        except SystemExit:
            raise
        except BaseException:
            # What an interrupted library raises may be anything.
            if not interruption.came:
                raise
            _say_interrupted(options)
            status = INTERRUPTED
        if arguments is None:
            _leave(status)
        return status


def _run(arguments: Sequence[str] | None, options: SimpleNamespace, interruption: Interruption) -> int:
    from study import printer
    from study.commands.arguments import DONE, WRONG_INPUT
    from study.commands.parser import command_line, one_line
    from study.errors import UserError

    try:
        parser = command_line()
        parser.parse_args(arguments, namespace=options)
        if not hasattr(options, "command"):
            parser.print_help()
            return DONE
        status: int = options.command(options)
        sys.stdout.flush()
    except UserError as error:
        if interruption.came:
            raise
        printer.log(f"study: {one_line(str(error))}")
        return WRONG_INPUT
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _say_interrupted(options: SimpleNamespace) -> None:
    """Say that a command was interrupted, and how to resume what it trained; once."""
    if options.spoken:
        return
    options.spoken = True
    directory = getattr(options, "directory", None) if getattr(options, "trains", False) else None
    text = "study: interrupted"
    if directory is None or (isinstance(directory, os.PathLike) and not os.path.exists(directory)):
        # Not through the printer, whose import may be what was interrupted.
        sys.stderr.write(f"\n{text}\n")
        return
    from study import printer

    resume = f"study resume {shlex.quote(str(directory))}"
    printer.log(f"\n{text}; what is finished is kept, resume with: {resume}")


def _leave(status: int) -> NoReturn:
    """End the process at once: the interpreter's own end takes a second in which no signal is heard."""
    try:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
    finally:
        os._exit(status)


def _keep_docstrings() -> None:
    """Start again without PYTHONOPTIMIZE=2: Ray cannot be imported without its docstrings."""
    if sys.flags.optimize > 1 and os.environ.pop("PYTHONOPTIMIZE", ""):
        os.execv(sys.executable, sys.orig_argv)
