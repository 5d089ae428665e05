import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.fronts import fronts, hypervolume, hypervolumes, side_by_side
from study.results.settings import medians_by_setting
from tests.reports.synthetic import ledger

GRID = st.integers(0, 12)


@given(st.lists(st.tuples(GRID, GRID), max_size=12))
def test_hypervolume_counts_the_dominated_cells(corners: list[tuple[int, int]]) -> None:
    # On a grid of unit cells the area is a number of cells.
    cells = {(x, y) for a, b in corners for x in range(a, 10) for y in range(b, 10)}
    assert hypervolume(np.array(corners) / 20) == pytest.approx(len(cells) / 400)


def test_hypervolume_of_two_points_by_inclusion_and_exclusion() -> None:
    expected = 0.4 * 0.2 + 0.1 * 0.45 - 0.1 * 0.2
    assert hypervolume([[0.1, 0.3], [0.4, 0.05]]) == pytest.approx(expected)


def test_hypervolume_ignores_what_is_not_finite_or_beyond_the_reference() -> None:
    points = [[0.1, 0.3], [np.nan, 0.0], [-np.inf, 0.0], [0.5, 0.0], [0.0, 0.6]]
    assert hypervolume(points) == pytest.approx(0.4 * 0.2)
    assert hypervolume(np.empty((0, 2))) == 0.0


def test_every_front_has_a_hypervolume_at_its_test_points() -> None:
    table = fronts(medians_by_setting(ledger(500)))
    areas = hypervolumes(table)
    assert list(areas) == ["front", "method", "model", "decision_maker", "points", "hypervolume"]
    assert areas["points"].sum() == len(table)
    keys = ["method", "model", "decision_maker"]
    wide = areas.pivot(index=keys, columns="front", values="hypervolume")
    # The paper's front is the best that any choice among these settings can do on test.
    assert (wide["paper"] >= wide["honest"]).all()
    assert list(areas["front"].unique()) == ["paper", "honest"]


def test_no_fronts_have_no_hypervolumes() -> None:
    empty = fronts(medians_by_setting(pd.DataFrame(columns=ledger(5).columns)))
    assert len(hypervolumes(empty)) == len(side_by_side(hypervolumes(empty))) == 0
