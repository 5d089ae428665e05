"""study select: choose one setting under constraints."""

import argparse
import json
import shlex

from study import printer
from study.commands.arguments import AddParser, add_directory, rate
from study.commands.exit_status import DONE, INCOMPLETE
from study.commands.opening import one_study


def add(add_parser: AddParser) -> None:
    """Add the command."""
    select = add_parser(
        "select",
        help="choose one setting under constraints",
        description="Choose on validation metrics, medians over seeds. Test metrics are shown with "
        "their range over seeds and a bootstrap interval over test cases. "
        "Exit status 1 where nothing satisfies the constraints.",
    )
    add_directory(select)
    metrics = {"idk": "deferral rate (IDK rate)", "di": "odds difference (DI)", "error": "error rate"}
    for name, words in metrics.items():
        select.add_argument(f"--max-{name}", metavar="X", type=rate, help=f"highest {words}, 0 to 1")
    select.add_argument(
        "--minimise", choices=["error", "di", "idk"], default="error", help="what to minimise (error)"
    )
    for name, words in (("method", "method"), ("model", "model"), ("decision-maker", "decision-maker")):
        select.add_argument(f"--{name}", metavar="NAME", help=f"choose among this {words} only (any)")
    select.add_argument("--json", action="store_true", help="as JSON")
    select.set_defaults(command=_select)


def _select(options: argparse.Namespace) -> int:
    chosen = one_study(options.directory).select(
        max_idk=options.max_idk,
        max_di=options.max_di,
        max_error=options.max_error,
        minimise=options.minimise,
        method=options.method,
        model=options.model,
        decision_maker=options.decision_maker,
    )
    if not chosen.satisfies:
        words = f"no setting satisfies the constraints; nearest (over {chosen.missed()}) is"
        printer.log(f"study: {words}\n{chosen.summary()}")
        return INCOMPLETE
    if options.json:
        printer.echo(json.dumps(chosen.to_json(), indent=2))
        return DONE
    export = f"study export {shlex.quote(str(options.directory))} {chosen.run_id} --out model"
    printer.echo(f"{chosen.summary()}\ncontinue with: {export}")
    return DONE
