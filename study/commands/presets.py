"""study presets: the studies that ship with the project."""

import argparse
from collections.abc import Iterator

from study import printer
from study.commands.arguments import AddParser
from study.commands.exit_status import DONE


def add(add_parser: AddParser) -> None:
    """Add the command."""
    presets = add_parser("presets", help="list the studies that ship with the project")
    presets.set_defaults(command=_presets)


def _presets(options: argparse.Namespace) -> int:
    printer.table(("preset", "runs", "description"), list(_rows()))
    return DONE


def _rows() -> Iterator[tuple[str, str, str]]:
    """Yield every preset, then every collection of presets: name, runs, what it draws."""
    from study.config.presets import COLLECTIONS, preset_description, preset_names
    from study.config.reading import load_config
    from study.search.tally import planned_runs

    runs = {name: planned_runs(load_config(name).plan().search) for name in preset_names()}
    for name in runs:
        yield name, f"{runs[name]:,}", preset_description(name)
    for name, (figures, presets) in COLLECTIONS.items():
        of_all = sum(runs[preset] for preset in presets)
        what = f"Figure{'s' if len(figures) > 1 else ''} {', '.join(figures)}: {', '.join(presets)}."
        yield name, f"{of_all:,}", what
