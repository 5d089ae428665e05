"""study select: choose one run under limits."""

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from study import printer
from study.commands.arguments import (
    DONE,
    INCOMPLETE,
    AddParser,
    add_directory,
    add_json,
    amount,
    answer,
    one_study,
    rate,
)
from study.errors import UserError
from study.words import MEASURED

if TYPE_CHECKING:
    from study.api import Study
    from study.deploy.budget import AtBudget
    from study.results.choice.selection import Selection
    from study.results.guarantee.certificate import Certificate


def add(add_parser: AddParser) -> None:
    """Add the command."""
    select = add_parser(
        "select",
        help="choose one run under limits",
        description="Choose one run on validation metrics. Its own test metrics are shown with a bootstrap "
        "interval over test cases, next to the range over the seeds of its setting. "
        "Exit status 1 where nothing satisfies the limits.",
    )
    add_directory(select)
    add_question(select)
    add_guarantee(select)
    select.add_argument(
        "--to-budget",
        action="store_true",
        help="choose the run that does best with its thresholds moved, on validation, to defer the share "
        "--max-idk of the cases",
    )
    add_json(select)
    select.set_defaults(command=_select)


def add_question(select: argparse.ArgumentParser) -> None:
    """Add the options that say which runs are candidates, and what is minimised."""
    for word, metric in MEASURED.items():
        kind, bounds = (amount, "from 0 on") if word == "cost" else (rate, "0 to 1")
        select.add_argument(
            f"--max-{word}", metavar="X", type=kind, help=f"highest {metric.name} on validation, {bounds}"
        )
    select.add_argument("--min-idk", metavar="X", type=rate, help="lowest deferral rate, 0 to 1")
    select.add_argument(
        "--minimise", choices=list(MEASURED), default="error", help="what to minimise (error)"
    )
    for name, words in (("method", "method"), ("model", "model"), ("decision-maker", "decision-maker")):
        select.add_argument(f"--{name}", metavar="NAME", help=f"choose among this {words} only (any)")
    select.add_argument(
        "--include-degenerate",
        action="store_true",
        help="choose among runs, too, that decide no better than a constant decision on validation",
    )


def add_guarantee(select: argparse.ArgumentParser) -> None:
    """Add the options that ask for a guarantee."""
    select.add_argument(
        "--guarantee",
        metavar="METRIC<=X",
        action="append",
        default=[],
        help="choose one run that keeps this limit with the confidence below, by exact tests on the test "
        "split; may be repeated. Metrics: error, idk, di, fpr, fnr, error_a0, error_a1, idk_a0, idk_a1",
    )
    select.add_argument(
        "--confidence", metavar="X", type=rate, default=0.95, help="of the guarantee, 0 to 1 (0.95)"
    )


def question(options: argparse.Namespace) -> Any:
    """Return what the options of ``add_question`` ask for, as the arguments of ``Study.select``."""
    from study.results.limits import Wanted

    return {name: getattr(options, name) for name in Wanted.__annotations__}


def certificate(study: "Study", options: argparse.Namespace) -> "Certificate | None":
    """Return the certified run that options ask for, None where they ask for none.

    Raises UserError where no run is certified.
    """
    if not options.guarantee:
        return None
    found = study.certify(*options.guarantee, confidence=options.confidence, **question(options))
    _say_unfinished(study)
    if not found.satisfies:
        raise UserError(f"--guarantee: no run is certified ({found.missed()})")
    return found


def _say_unfinished(study: "Study") -> None:
    if lacking := study.status().unfinished():
        printer.log(f"{lacking}; the choice may change")


def _asked(options: argparse.Namespace) -> str:
    """Return the options that lead to a certified run, as they are written in the shell."""
    words = [word for limit in options.guarantee for word in ("--guarantee", limit)]
    words += ["--confidence", f"{options.confidence:g}"]
    for name, value in question(options).items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value not in (None, False) and (name, value) != ("minimise", "error"):
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    return f" {shlex.join(words)}"


def _select(options: argparse.Namespace) -> int:
    study, wanted, more = one_study(options.directory), question(options), ""
    chosen: Selection | Certificate | AtBudget
    if options.to_budget and options.guarantee:
        raise UserError("--to-budget: a guarantee is about a run as it was tested; leave one of both out")
    if options.to_budget:
        chosen = study.to_budget(**wanted)
        more = f" --idk {options.max_idk:g}"
    elif options.guarantee:
        chosen = study.certify(*options.guarantee, confidence=options.confidence, **wanted)
        more = _asked(options)
    else:
        chosen = study.select(**wanted)
    if options.to_budget or options.guarantee:
        _say_unfinished(study)
    if not chosen.satisfies:
        words = f"no run satisfies the limits; nearest (over {chosen.missed()}) is"
        if options.guarantee:
            words = f"no run is certified ({chosen.missed()}); the first candidate is"
        printer.log(f"study: {words}\n{chosen.summary()}")
        return INCOMPLETE
    export = f"study export {shlex.quote(str(options.directory))} {chosen.run_id}{more} --out model"
    answer(options, chosen.to_json(), f"{chosen.summary()}\ncontinue with: {export}")
    return DONE
