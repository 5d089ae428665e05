"""study presets: the studies that ship with the project."""

import argparse
from collections.abc import Iterator

from study import printer
from study.commands.answering import add_json, answer
from study.commands.arguments import AddParser
from study.commands.exit_status import DONE


def add(add_parser: AddParser) -> None:
    """Add the command."""
    presets = add_parser(
        "presets",
        help="list the studies that ship with the project",
        description="List the studies that ship with the project: what each draws, how many runs it "
        "trains, and about how long that takes on this machine.",
    )
    add_json(presets)
    presets.set_defaults(command=_presets)


def preset_help() -> Iterator[tuple[str, str]]:
    """Yield the name of every preset and of every collection of presets, and what it is."""
    from study.config.presets import COLLECTIONS, preset_description, preset_names

    for name in preset_names():
        yield name, preset_description(name)
    for name, (figures, presets) in COLLECTIONS.items():
        yield name, f"Figure{'s' if len(figures) > 1 else ''} {', '.join(figures)}: {', '.join(presets)}."


def _presets(options: argparse.Namespace) -> int:
    from study.estimate import rounded

    takes = _estimates()
    known = [(name, *takes[name], what) for name, what in preset_help()]
    if options.json:
        keys = ("preset", "runs", "seconds", "description")
        answer(options, [dict(zip(keys, row, strict=True)) for row in known], "")
    else:
        cells = [(name, f"{runs:,}", rounded(seconds), what) for name, runs, seconds, what in known]
        printer.table(("preset", "runs", "about", "description"), cells)
    return DONE


def _estimates() -> dict[str, tuple[int, float]]:
    """Return how many runs each preset and each collection takes, and how many seconds."""
    from study.config.presets import COLLECTIONS, preset_names
    from study.config.reading import load_config
    from study.data import dataset_shape
    from study.estimate import estimate

    plans = {name: load_config(name).plan() for name in preset_names()}
    alone = {name: estimate(plan, *dataset_shape(plan.dataset)) for name, plan in plans.items()}
    parts = {name: (name,) for name in alone} | {name: p for name, (_, p) in COLLECTIONS.items()}
    return {
        name: (sum(alone[p].runs for p in presets), sum(alone[p].seconds for p in presets))
        for name, presets in parts.items()
    }
