"""Raw tables in, one frozen ``Dataset`` out. Nothing else in the project reads raw data."""

from study.data.cautions import cautions
from study.data.dataset import Dataset
from study.data.describe import describe, facts, write_table
from study.data.group import Group
from study.data.own.guessing import Guess, guess
from study.data.own.reading import read_cells, read_frame
from study.data.own.section import DatasetSection
from study.data.preprocessing import Preprocessing
from study.data.registry import (
    DATASETS,
    default_subgroup,
    fetch,
    load_dataset,
    load_section,
    load_splits,
)
from study.data.subgroup import subgroup

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetSection",
    "Group",
    "Guess",
    "Preprocessing",
    "cautions",
    "default_subgroup",
    "describe",
    "facts",
    "fetch",
    "guess",
    "load_dataset",
    "load_section",
    "load_splits",
    "read_cells",
    "read_frame",
    "subgroup",
    "write_table",
]
