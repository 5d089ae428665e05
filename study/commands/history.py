"""study optuna: the search's history, for optuna-dashboard."""

import argparse
import shlex

from study import printer
from study.commands.answering import add_json, answer
from study.commands.arguments import AddParser, a_local_path, add_directory
from study.commands.exit_status import DONE
from study.commands.opening import one_study


def add(add_parser: AddParser) -> None:
    """Add the command."""
    history = add_parser(
        "optuna",
        help="write the search's history for optuna-dashboard",
        description="Write an Optuna study for every method, model and decision-maker into an SQLite file.",
    )
    add_directory(history)
    history.add_argument("--out", metavar="FILE.db", type=a_local_path, required=True, help="a new file")
    add_json(history)
    history.set_defaults(command=_optuna)


def _optuna(options: argparse.Namespace) -> int:
    settings = one_study(options.directory).optuna(options.out, log=printer.log)
    words = (
        f"{options.out}: {settings:,} settings\n"
        f"look at them with: optuna-dashboard sqlite:///{shlex.quote(str(options.out))}"
    )
    answer(options, {"out": str(options.out), "settings": settings}, words)
    return DONE
