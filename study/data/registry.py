"""The data sets that the project knows, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from study.data.dataset import Dataset, Table, make_dataset
from study.data.named.compas import read_compas, read_compas_two_year
from study.data.named.health import read_health
from study.data.named.sources import COMPAS_FILE, HEALTH_FILE, fetch_compas, fetch_health, find_file
from study.data.own.reading import read_frame
from study.data.own.section import DatasetSection
from study.data.own.table import table_dataset
from study.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Named:
    """A data set that the project knows; one that ships in the package has no ``file`` and no ``fetch``.

    ``shape`` is how many rows it has, and how many inputs it gives a model; ``read`` makes a table of its
    ``file``, which ``fetch`` gets; ``subgroup`` as ``default_subgroup``.
    """

    description: str
    shape: tuple[int, int]
    read: Callable[..., Table]
    subgroup: str
    file: str | None = None
    fetch: Callable[[], Path] | None = None


YOUNG = "age <= 35"
"""The authors' own subgroup for the decision-maker ``inconsistent``."""

WITHOUT_PRESCRIPTION = "drugNull == 1"
"""Ours: the 40 % of whom a doctor has seen least; 16 % of them have label 1, of the others 39 %."""

DATASETS: dict[str, Named] = {
    "compas-two-year": Named(
        "COMPAS, 7,214 defendants with a known two-year outcome; ships with the package",
        (7_214, 22),
        read_compas_two_year,
        YOUNG,
    ),
    "compas": Named(
        "COMPAS, 11,027 defendants as in the paper; `study data fetch compas` gets the file",
        (11_027, 22),
        read_compas,
        YOUNG,
        COMPAS_FILE,
        fetch_compas,
    ),
    "health": Named(
        "Heritage Health, 92,671 members in their last year; `study data fetch health` gets the file",
        (92_671, 86),
        read_health,
        WITHOUT_PRESCRIPTION,
        HEALTH_FILE,
        fetch_health,
    ),
}


def load_dataset(name: str, *, path: str | None = None, split_seed: int = 0) -> Dataset:
    """Return the data set ``name``, from the file ``path`` where that is given; nothing is downloaded.

    Raises DataError for an unknown name, a ``path`` for a data set that ships with the package, and a file
    that is missing or wrong.
    """
    entry = _entry(name)
    if entry.file is not None:
        table = entry.read(Path(path) if path is not None else find_file(name, entry.file))
    elif path is not None:
        raise DataError(f"dataset {name}: path is not allowed, it ships with the package: {path}")
    else:
        table = entry.read()
    return make_dataset(table, split_seed=split_seed)


def load_section(section: DatasetSection, frame: pd.DataFrame | None = None, split: int = 0) -> Dataset:
    """Return the data set of a study file in one of its splits; raises DataError where it cannot be had.

    ``frame`` is the user's table where that has been read already.
    """
    if split:
        section = section.model_copy(update={"split_seed": section.split_seed + split})
    if section.path is None or not section.own:
        return load_dataset(section.name, path=section.path, split_seed=section.split_seed)
    if section.name in DATASETS:
        raise DataError(f"dataset.name: {section.name} is another data set's; give your table another name")
    return table_dataset(read_frame(section.path) if frame is None else frame, section)


def load_splits(section: DatasetSection) -> list[Dataset]:
    """Return the data set in each of its splits; raises as ``load_section``."""
    frame = read_frame(section.path) if section.own and section.path and section.splits > 1 else None
    return [load_section(section, frame, split) for split in range(section.splits)]


def fetch(name: str) -> Path:
    """Get the file behind the data set ``name`` and return its path; prints what happened.

    Raises DataError for an unknown name, one that ships with the package, and a failed download.
    """
    entry = _entry(name)
    if entry.fetch is None:
        raise DataError(f"dataset {name}: ships with the package, there is nothing to fetch")
    return entry.fetch()


def default_subgroup(name: str) -> str | None:
    """Return the condition, for ``subgroup``, on whom ``inconsistent`` is wrong in ``name``.

    None where a study file must name one, as for a user's own table.
    """
    return DATASETS[name].subgroup if name in DATASETS else None


def _entry(name: str) -> Named:
    """Look ``name`` up; raises DataError with the names that there are."""
    if name not in DATASETS:
        raise DataError(
            f"dataset: {name!r} is unknown; allowed are {', '.join(DATASETS)}, or a table of your own: "
            f"path, label and sensitive{did_you_mean(name, DATASETS)}"
        )
    return DATASETS[name]
