"""study export, study apply: make a model of a run, and apply it to new cases."""

import argparse
import shlex

from study import printer
from study.commands.arguments import (
    DONE,
    INCOMPLETE,
    AddParser,
    a_local_path,
    add_directory,
    add_json,
    answer,
    one_study,
    rate,
)
from study.commands.choosing import add_guarantee, add_question, certificate


def add(add_parser: AddParser) -> None:
    """Add the commands."""
    export = add_parser(
        "export",
        help="make a model of a run, which works on its own",
        description="Write weights, preprocessing, thresholds and a model card, after checking that they "
        "decide on every test row as the run did. Exit status 1 where they do not.",
    )
    add_directory(export)
    export.add_argument(
        "run_id",
        metavar="RUN_ID",
        help="a finished run, or a setting, of which the run is taken that study select would name; the "
        "first characters of an id are enough",
    )
    export.add_argument(
        "--idk",
        metavar="X",
        type=rate,
        help="move the thresholds, on validation, so that this share of the cases is deferred, 0 to 1",
    )
    add_guarantee(export)
    add_question(export)
    export.add_argument("--out", metavar="MODEL", type=a_local_path, required=True, help="a new directory")
    add_json(export)
    export.set_defaults(command=_export)

    apply = add_parser(
        "apply",
        help="apply an exported model to the cases of a table",
        description="Write the table with, for every case, the prediction, its probability, whether the "
        "case goes to the decision-maker, and why.",
    )
    apply.add_argument("model", metavar="MODEL", type=a_local_path, help="what study export wrote")
    apply.add_argument("table", metavar="TABLE", help="CSV or Parquet, here or a URI")
    apply.add_argument("--out", metavar="FILE", type=a_local_path, required=True, help=".csv or .parquet")
    add_json(apply)
    apply.set_defaults(command=_apply)


def _export(options: argparse.Namespace) -> int:
    from study.deploy.export import NotReproducedError

    study = one_study(options.directory)
    found = certificate(study, options)
    try:
        model = study.export(options.run_id, options.out, idk=options.idk, certificate=found)
    except NotReproducedError as error:
        printer.log(f"study: {error}")
        return INCOMPLETE
    decided = sum(map(sum, model.about["test_rows_by_a_and_label"]))
    run_id = model.about["run"]["run_id"]
    moved = f"; then thresholds were moved to defer {options.idk:.4g}" if options.idk is not None else ""
    words = (
        f"{options.out}: decides on all {decided:,} test rows as the run did{moved}\n"
        f"continue with: study apply {shlex.quote(str(options.out))} new.csv --out decisions.csv"
    )
    facts = {"out": str(options.out), "run_id": run_id, "test_rows": decided}
    facts |= {name: model.about[name] for name in ("budget", "guarantee") if name in model.about}
    answer(options, facts, words)
    return DONE


def _apply(options: argparse.Namespace) -> int:
    from study.deploy.apply import apply
    from study.deploy.model_file import load_model

    decided = apply(options.model, options.table, options.out)
    budget = load_model(options.model).about.get("budget")
    deferred = int(decided["defer"].sum())
    counts = {"out": str(options.out), "rows": len(decided), "deferred": deferred}
    moved = f" (thresholds were moved to defer {budget['idk']:.4g} of all cases)" if budget else ""
    answer(options, counts, f"{options.out}: {len(decided):,} rows, {deferred:,} of them deferred{moved}")
    return DONE
