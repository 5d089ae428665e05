"""study select: choose one setting under constraints."""

import argparse
import json
import shlex
import sys

from study.commands.answers import DONE, INCOMPLETE
from study.commands.arguments import AddParser, add_directory, rate
from study.commands.opening import one_study


def add(add_parser: AddParser) -> None:
    """Add the command."""
    select = add_parser(
        "select",
        help="choose one setting under constraints",
        description="Choose on validation figures, medians over seeds; test figures are shown beside, with "
        "the range of the seeds and an interval over the people tested. "
        "Exit status 1 where nothing satisfies the constraints.",
    )
    add_directory(select)
    for name, words in (("idk", "IDK rate"), ("di", "disparate impact"), ("error", "error rate")):
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
        print(f"study: {words}\n{chosen.words()}", file=sys.stderr)
        return INCOMPLETE
    if options.json:
        print(json.dumps(chosen.to_json(), indent=2))
        return DONE
    go_on = f"study export {shlex.quote(str(options.directory))} {chosen.run_id} --out model"
    print(f"{chosen.words()}\ngo on with: {go_on}")
    return DONE
