"""Rates from counts by cell, against the fractions they are."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from study.results.metrics import LedgerCounts, count_columns, metrics
from study.words import METRICS, Costs


def cells_of(examples, deferred, model_errors, dm_errors) -> SimpleNamespace:
    counts = {"examples": examples, "deferred": deferred}
    counts |= {"model_errors": model_errors, "dm_errors": dm_errors}
    return SimpleNamespace(**{name: np.asarray(count, dtype=np.float64) for name, count in counts.items()})


def share(count: list[int], of: list[int]) -> float:
    return float(Fraction(sum(count), sum(of))) if sum(of) else float("nan")


@given(
    arrays(np.int64, (4, 4, 3), elements=st.integers(0, 40)),
)
def test_metrics_are_shares_of_the_cells_counted(drawn) -> None:
    # Cases that are kept and right, kept and wrong, deferred and right, deferred and wrong.
    kept_right, kept_wrong, deferred_right, deferred_wrong = drawn
    deferred = deferred_right + deferred_wrong
    examples = kept_right + kept_wrong + deferred
    found = metrics(cells_of(examples, deferred, kept_wrong, deferred_wrong))
    assert tuple(found) == METRICS
    for k in range(3):
        n, d, m, w = (c[:, k].tolist() for c in (examples, deferred, kept_wrong, deferred_wrong))
        errors = [a + b for a, b in zip(m, w, strict=True)]
        gaps = [abs(share([errors[y]], [n[y]]) - share([errors[2 + y]], [n[2 + y]])) for y in (0, 1)]
        expected = {
            "error": share(errors, n),
            "di": (gaps[0] + gaps[1]) / 2,
            "di_y0": gaps[0],
            "di_y1": gaps[1],
            "idk_rate": share(d, n),
            "idk_rate_a0": share(d[:2], n[:2]),
            "idk_rate_a1": share(d[2:], n[2:]),
            "error_a0": share(errors[:2], n[:2]),
            "error_a1": share(errors[2:], n[2:]),
            "model_error": share(m, [a - b for a, b in zip(n, d, strict=True)]),
            "dm_error": share(w, d),
            "balanced_error": (share(errors[::2], n[::2]) + share(errors[1::2], n[1::2])) / 2,
            "fpr": share(errors[::2], n[::2]),
            "fnr": share(errors[1::2], n[1::2]),
            "cost": share(errors, n),
        }
        assert {name: values[k] for name, values in found.items()} == pytest.approx(expected, nan_ok=True)


def test_axes_after_the_cells_are_those_of_the_result() -> None:
    counts = np.arange(4 * 2 * 3).reshape(4, 2, 3)
    found = metrics(cells_of(counts + 5, counts, np.zeros_like(counts), counts))
    one = metrics(cells_of(*(c[:, 1, 2] for c in (counts + 5, counts, np.zeros_like(counts), counts))))
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(METRICS, (2, 3))
    assert {name: values[1, 2] for name, values in found.items()} == pytest.approx(one)


@given(arrays(np.int64, (4, 4, 3), elements=st.integers(0, 40)))
def test_counts_in_the_ledger_give_the_same_metrics_bit_for_bit(drawn) -> None:
    cells = cells_of(drawn.sum(axis=0), drawn[0] + drawn[1], drawn[2], drawn[0])
    columns = count_columns(cells, "validation")
    assert columns["validation_model_errors_a1_y0"].tolist() == drawn[2, 2].tolist()
    runs = pd.DataFrame(columns).astype(np.int32)
    again = metrics(LedgerCounts.of(runs, "validation"))
    np.testing.assert_equal(again, metrics(cells))


def test_cost_counts_each_kind_of_error_and_each_deferral() -> None:
    examples, deferred = np.array([10, 4, 6, 0]), np.array([2, 1, 0, 0])
    cells = cells_of(
        *(c[:, None] for c in (examples, deferred, np.array([3, 1, 2, 0]), np.array([1, 1, 0, 0])))
    )
    assert metrics(cells, Costs(2.0, 5.0, 0.25))["cost"] == pytest.approx((6 * 2 + 2 * 5 + 3 * 0.25) / 20)
    assert metrics(cells)["cost"] == metrics(cells)["error"]
