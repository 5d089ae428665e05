"""Raw tables in, one frozen ``Dataset`` out. Nothing else in the project reads raw data."""

from study.data.dataset import Dataset, Table, write_table
from study.data.describe import describe
from study.data.registry import dataset_names, default_subgroup, fetch, load_dataset
from study.data.splits import SPLITS, TEST, TRAIN, VALIDATION
from study.data.subgroup import subgroup

__all__ = [
    "SPLITS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Dataset",
    "Table",
    "dataset_names",
    "default_subgroup",
    "describe",
    "fetch",
    "load_dataset",
    "subgroup",
    "write_table",
]
