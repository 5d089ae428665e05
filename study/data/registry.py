"""Data sets by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from study.data.compas import read_compas, read_compas_two_year
from study.data.dataset import Dataset, Table, make_dataset
from study.data.sources import fetch_compas, find_compas
from study.errors import DataError


@dataclass(frozen=True)
class Shipped:
    """A data set inside the package: ``read`` needs nothing."""

    description: str
    read: Callable[[], Table]


@dataclass(frozen=True)
class Fetched:
    """A data set in a file: ``find`` says where, ``fetch`` gets it, ``read`` makes a table."""

    description: str
    read: Callable[[Path], Table]
    find: Callable[[], Path]
    fetch: Callable[[], Path]


DATASETS: dict[str, Shipped | Fetched] = {
    "compas-two-year": Shipped(
        "COMPAS, 7,214 defendants with a known two-year outcome; ships with the package",
        read_compas_two_year,
    ),
    "compas": Fetched(
        "COMPAS, 11,027 defendants as in the paper; `study data fetch compas` gets the file",
        read_compas,
        find_compas,
        fetch_compas,
    ),
}


def dataset_names() -> dict[str, str]:
    """Return name -> one line about it."""
    return {name: entry.description for name, entry in DATASETS.items()}


def load_dataset(name: str, *, path: str | None = None, split_seed: int = 0) -> Dataset:
    """Return the data set ``name``, from the file ``path`` where that is given.

    Nothing is downloaded. Raises DataError for an unknown name, a ``path`` for a data set that
    ships with the package, and a file that is missing or wrong.
    """
    entry = _entry(name)
    if isinstance(entry, Fetched):
        table = entry.read(Path(path) if path is not None else entry.find())
    elif path is not None:
        raise DataError(f"dataset {name}: path is not allowed, it ships with the package: {path}")
    else:
        table = entry.read()
    return make_dataset(table, split_seed=split_seed)


def fetch(name: str) -> Path:
    """Get the file behind the data set ``name`` and return its path; prints what happened.

    Raises DataError for an unknown name, one that ships with the package, and a failed download.
    """
    entry = _entry(name)
    if isinstance(entry, Shipped):
        raise DataError(f"dataset {name}: ships with the package, there is nothing to fetch")
    return entry.fetch()


def _entry(name: str) -> Shipped | Fetched:
    """Look ``name`` up; raises DataError with the names that there are."""
    if name not in DATASETS:
        raise DataError(f"dataset: {name!r} is unknown; allowed are {', '.join(DATASETS)}")
    return DATASETS[name]
