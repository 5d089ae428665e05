"""study select: choose one setting under constraints."""

import argparse
import json
import shlex
from typing import TYPE_CHECKING, Any

from study import printer
from study.commands.arguments import AddParser, add_directory, rate
from study.commands.exit_status import DONE, INCOMPLETE
from study.commands.opening import one_study

if TYPE_CHECKING:
    from study.results.guarantee.certificate import Certificate
    from study.results.selection import Selection


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
    select.add_argument("--json", action="store_true", help="as JSON")
    select.set_defaults(command=_select)


def _select(options: argparse.Namespace) -> int:
    study = one_study(options.directory)
    names = ("max_idk", "max_di", "max_error", "minimise", "method", "model", "decision_maker")
    asked: dict[str, Any] = {name: getattr(options, name) for name in names}
    chosen: Selection | Certificate
    if options.guarantee:
        chosen = study.certify(*options.guarantee, confidence=options.confidence, **asked)
        words = f"no run is certified ({chosen.missed()}); the first candidate is"
    else:
        chosen = study.select(**asked)
        words = f"no setting satisfies the constraints; nearest (over {chosen.missed()}) is"
    if not chosen.satisfies:
        printer.log(f"study: {words}\n{chosen.summary()}")
        return INCOMPLETE
    if options.json:
        printer.echo(json.dumps(chosen.to_json(), indent=2))
        return DONE
    export = f"study export {shlex.quote(str(options.directory))} {chosen.run_id} --out model"
    printer.echo(f"{chosen.summary()}\ncontinue with: {export}")
    return DONE
