"""Which rows of a data set are used for what."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from study.data import Dataset, load_dataset
from study.training.study_data import rows_by_use
from study.words import SPLITS


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("compas-two-year")


def test_thresholds_are_chosen_on_the_validation_split(dataset: Dataset) -> None:
    rows = rows_by_use(dataset, "validation")
    assert set(rows) == {*SPLITS, "choice"}
    for split in SPLITS:
        assert list(rows[split]) == list(dataset.indices(split))
    assert list(rows["choice"]) == list(rows["validation"])


def test_or_on_one_half_of_the_test_split_and_the_other_half_is_tested_on(dataset: Dataset) -> None:
    rows = rows_by_use(dataset, "test-half")
    for split in ("train", "validation"):
        assert list(rows[split]) == list(dataset.indices(split))
    chosen_on, tested_on = rows["choice"], rows["test"]
    assert set(chosen_on).isdisjoint(tested_on)
    assert sorted([*chosen_on, *tested_on]) == list(dataset.indices("test"))
    assert abs(len(chosen_on) - len(tested_on)) <= 1
    for half in (chosen_on, tested_on):
        assert (np.diff(half) > 0).all()
        # A random half: neither the first one nor every second.
        assert 0.4 < np.isin(half, dataset.indices("test")[: len(half)]).mean() < 0.6
        assert abs(dataset.label[half].mean() - dataset.label[dataset.indices("test")].mean()) < 0.05


def test_halves_depend_on_the_data_alone(dataset: Dataset) -> None:
    first = rows_by_use(dataset, "test-half")
    torch.manual_seed(9)
    again = rows_by_use(dataset, "test-half")
    assert all((first[use] == again[use]).all() for use in first)
    other = rows_by_use(replace(dataset, fingerprint="another"), "test-half")
    assert list(other["choice"]) != list(first["choice"])
