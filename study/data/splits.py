"""Who trains, who stops the training, who is tested: the paper's 70/30, then 80/20 of the 70."""

import numpy as np
import numpy.typing as npt

from study.errors import DataError
from study.words import SPLITS

TRAIN, VALIDATION, TEST = range(3)


def split_rows(
    label: npt.NDArray[np.generic], sensitive: npt.NDArray[np.generic], *, split_seed: int
) -> npt.NDArray[np.int8]:
    """Give each row a split: int8 (N,) of TRAIN, VALIDATION, TEST.

    label, sensitive: (N,) of 0 and 1. Test gets ceil(0.3 N) rows and validation ceil(0.2 M) of the
    M others: 3,309 + 7,718 of 11,027 and 20,044 + 46,769 of 66,813, as in appendix B and section 5
    of the paper. Each (y, A) cell is divided in these same proportions, to within one row.
    Raises DataError where N is too small to leave a row for every split.
    """
    if split_seed < 0:
        raise DataError(f"split_seed: {split_seed} is not allowed; a whole number from 0 on is")
    cell = 2 * label.astype(np.int64) + sensitive.astype(np.int64)
    sizes = np.bincount(cell, minlength=4)
    rows = int(sizes.sum())
    in_test = allocate(sizes, -(-3 * rows // 10))
    rest = sizes - in_test
    in_validation = allocate(rest, -(-int(rest.sum()) // 5))
    if min(in_test.sum(), in_validation.sum(), (rest - in_validation).sum()) < 1:
        raise DataError(f"{rows} rows are too few to split; each of {', '.join(SPLITS)} needs one")

    # Not Generator.permutation: numpy keeps the stream of random() steadier across its versions.
    shuffled = np.argsort(np.random.default_rng(split_seed).random(rows), kind="stable")
    split = np.full(rows, TRAIN, dtype=np.int8)
    for stratum in range(4):
        members = shuffled[cell[shuffled] == stratum]
        test_end = in_test[stratum]
        split[members[:test_end]] = TEST
        split[members[test_end : test_end + in_validation[stratum]]] = VALIDATION
    return split


def split_groups(
    group: npt.NDArray[np.int64],
    label: npt.NDArray[np.generic],
    sensitive: npt.NDArray[np.generic],
    *,
    split_seed: int,
) -> npt.NDArray[np.int8]:
    """Give each row a split so that rows of a group, such as one person's, are all on the same side.

    group: (N,) numbers from 0 on. Groups are divided as ``split_rows`` divides rows, by whether any of
    their rows has label 1 and by the A of most of them; so shares of rows come out roughly.
    """
    size = np.bincount(group)
    any_label = np.bincount(group, weights=label.astype(np.float64)) > 0
    most = 2 * np.bincount(group, weights=sensitive.astype(np.float64)) > size
    return split_rows(any_label, most, split_seed=split_seed)[group]


def allocate(sizes: npt.NDArray[np.int64], total: int) -> npt.NDArray[np.int64]:
    """Divide ``total`` over strata in proportion to ``sizes`` (S,), by largest remainder: int64 (S,).

    Sums to ``total`` exactly, each entry within one of its exact share; ties go to the earlier stratum.
    """
    population = int(sizes.sum())
    if population == 0:
        return np.zeros_like(sizes)
    shares, remainders = np.divmod(sizes * total, population)
    left_over = total - int(shares.sum())
    shares[np.argsort(-remainders, kind="stable")[:left_over]] += 1
    return shares
