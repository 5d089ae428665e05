"""Raw tables in, one frozen ``Dataset`` out. Nothing else in the project reads raw data."""

from study.data.cautions import cautions
from study.data.dataset import Dataset, Table
from study.data.decisions import Decisions
from study.data.describe import describe, facts
from study.data.own.guessing import Guess, guess
from study.data.own.reading import read_cells, read_frame
from study.data.own.section import DatasetSection, table_name
from study.data.own.template import study_file
from study.data.preprocessing import Group, Preprocessing
from study.data.registry import dataset_names, dataset_shape, default_subgroup, fetch, load_dataset
from study.data.splits import TEST, TRAIN, VALIDATION
from study.data.subgroup import subgroup
from study.data.table_file import write_table

__all__ = [
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Dataset",
    "DatasetSection",
    "Decisions",
    "Group",
    "Guess",
    "Preprocessing",
    "Table",
    "cautions",
    "dataset_names",
    "dataset_shape",
    "default_subgroup",
    "describe",
    "facts",
    "fetch",
    "guess",
    "load_dataset",
    "read_cells",
    "read_frame",
    "study_file",
    "subgroup",
    "table_name",
    "write_table",
]
