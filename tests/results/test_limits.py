from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.results.limits import OBJECTIVES, POINT, Question, best

RATES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])


def settings_of(points: list[tuple[float | None, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(points, columns=POINT, dtype="float64")
    return frame.assign(setting_id=[f"s{number}" for number in range(len(points))], seed=0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(RATES, RATES, RATES), min_size=1, max_size=8),
    st.dictionaries(st.sampled_from(OBJECTIVES), RATES),
    st.sampled_from(OBJECTIVES),
)
def test_the_best_is_first_of_all_in_the_order_of_the_rule(
    points: list[Any], limits: dict[str, float], minimise: str
) -> None:
    def place(number: int) -> tuple[Any, ...]:
        figures = dict(zip(OBJECTIVES, points[number], strict=True))
        excess = 0.0
        for name, limit in limits.items():
            excess += max(0.0, figures[name] - limit)  # From Python 3.12 on, sum() would round less.
        return (excess, figures[minimise], *points[number], f"s{number}")

    first = min(range(len(points)), key=place)
    found = best(settings_of(points), Question(minimise, limits))
    assert found is not None
    assert found["setting_id"] == f"s{first}"
    assert found["excess"] == pytest.approx(place(first)[0])
    over = Question(minimise, limits).excess({name: found[f"validation_{name}"] for name in limits})
    for name, limit in limits.items():
        assert over[name] == pytest.approx(max(0.0, found[f"validation_{name}"] - limit))


def test_a_setting_that_lacks_a_figure_is_never_the_best() -> None:
    found = best(settings_of([(0.0, None, 0.0), (0.9, 0.9, 0.9)]), Question("error", {"error": 0.1}))
    assert found is not None
    assert found["setting_id"] == "s1"
    assert best(settings_of([(None, 0.0, 0.0)]), Question("di")) is None
    assert best(settings_of([(None, 0.0, 0.0)]), Question()) is None
    assert best(settings_of([]), Question("di", {"di": 0.1})) is None


def test_where_di_is_undefined_in_all_settings_the_other_metrics_decide() -> None:
    known = settings_of([(0.3, None, 0.1), (0.2, None, 0.6), (0.1, None, 0.7), (None, None, None)])
    for limits, minimise, expected in (
        ({}, "error", "s2"),
        ({}, "idk_rate", "s0"),
        ({"idk_rate": 0.6}, "error", "s1"),
        ({"idk_rate": 0.0}, "error", "s0"),
    ):
        found = best(known, Question(minimise, limits))
        assert found is not None
        assert found["setting_id"] == expected
    assert best(known, Question("di")) is None
    assert best(known, Question("error", {"di": 0.5})) is None
