from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data.splits import TEST, TRAIN, VALIDATION, allocate, split_rows
from study.errors import DataError
from study.words import SPLITS


def random_rows(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Label and group whose rates themselves vary with the seed, to empty cells."""
    generator = np.random.default_rng(seed)
    rates = generator.random(2)
    return (generator.random((2, rows)) < rates[:, None]).astype(np.int8)


@pytest.mark.parametrize(("rows", "training", "test"), [(11027, 7718, 3309), (66813, 46769, 20044)])
def test_sizes_are_the_papers(rows: int, training: int, test: int) -> None:
    label, sensitive = random_rows(rows, 1)
    split = split_rows(label, sensitive, split_seed=0)
    assert np.sum(split == TEST) == test
    assert np.sum((split == TRAIN) | (split == VALIDATION)) == training
    assert abs(np.sum(split == VALIDATION) - training / 5) < 1


def test_codes_are_positions_of_the_names() -> None:
    assert [SPLITS[code] for code in (TRAIN, VALIDATION, TEST)] == ["train", "validation", "test"]


@given(rows=st.integers(4, 400), data_seed=st.integers(0, 2**32), split_seed=st.integers(0, 2**63))
def test_every_row_in_one_split_and_every_cell_in_proportion(
    rows: int, data_seed: int, split_seed: int
) -> None:
    label, sensitive = random_rows(rows, data_seed)
    split = split_rows(label, sensitive, split_seed=split_seed)
    assert split.shape == (rows,)
    assert split.dtype == np.int8
    assert set(split.tolist()) == {TRAIN, VALIDATION, TEST}

    test_total = sum(1 for i in range(rows) if i < Fraction(3, 10) * rows)
    validation_total = sum(1 for i in range(rows - test_total) if 5 * i < rows - test_total)
    assert np.sum(split == TEST) == test_total
    assert np.sum(split == VALIDATION) == validation_total
    for y in (0, 1):
        for a in (0, 1):
            cell = split[(label == y) & (sensitive == a)]
            in_test = int(np.sum(cell == TEST))
            rest = len(cell) - in_test
            share = Fraction(len(cell) * test_total, rows)
            assert abs(in_test - share) < 1
            share = Fraction(rest * validation_total, rows - test_total)
            assert abs(int(np.sum(cell == VALIDATION)) - share) < 1

    again = split_rows(label.copy(), sensitive.copy(), split_seed=split_seed)
    assert np.array_equal(split, again)


def test_another_seed_is_another_split_of_the_same_sizes() -> None:
    label, sensitive = random_rows(1000, 5)
    one, other = (split_rows(label, sensitive, split_seed=seed) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert np.array_equal(np.bincount(one), np.bincount(other))


def test_every_row_comes_into_every_split_at_its_rate_over_seeds() -> None:
    label, sensitive = np.random.default_rng(8).integers(0, 2, (2, 50)).astype(np.int8)
    splits = np.stack([split_rows(label, sensitive, split_seed=seed) for seed in range(2000)])
    cell = 2 * label + sensitive
    for code in (TRAIN, VALIDATION, TEST):
        rate = (splits == code).mean(axis=0)
        for stratum in range(4):
            expected = (splits[:, cell == stratum] == code).mean()
            assert np.all(np.abs(rate[cell == stratum] - expected) < 0.06)  # 5 sigma


@given(sizes=st.lists(st.integers(0, 50), min_size=1, max_size=6), data=st.data())
def test_allocation_is_exact_and_within_one_of_the_share(sizes: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(sizes)))
    shares = allocate(np.array(sizes, dtype=np.int64), total)
    assert shares.sum() == total
    for size, share in zip(sizes, shares.tolist(), strict=True):
        assert 0 <= share <= size
        assert abs(share - (Fraction(size * total, sum(sizes)) if size else 0)) < 1


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_rows_are_refused(rows: int) -> None:
    label, sensitive = random_rows(rows, 0)
    with pytest.raises(DataError, match=f"{rows} rows are too few"):
        split_rows(label, sensitive, split_seed=0)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(DataError, match="split_seed: -1"):
        split_rows(*random_rows(10, 0), split_seed=-1)
