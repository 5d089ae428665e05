"""Raw tables in, one frozen ``Dataset`` out. Nothing else in the project reads raw data."""

from study.data.cautions import cautions
from study.data.dataset import Dataset, Table, write_table
from study.data.decisions import Decisions
from study.data.describe import describe
from study.data.guess import Guess, guess
from study.data.preprocessing import Group, Preprocessing
from study.data.registry import dataset_names, default_subgroup, fetch, load_dataset
from study.data.splits import SPLITS, TEST, TRAIN, VALIDATION
from study.data.study_file import study_file, table_name
from study.data.subgroup import subgroup
from study.data.table_columns import TableColumns
from study.data.table_file import read_frame

__all__ = [
    "SPLITS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Dataset",
    "Decisions",
    "Group",
    "Guess",
    "Preprocessing",
    "Table",
    "TableColumns",
    "cautions",
    "dataset_names",
    "default_subgroup",
    "describe",
    "fetch",
    "guess",
    "load_dataset",
    "read_frame",
    "study_file",
    "subgroup",
    "table_name",
    "write_table",
]
