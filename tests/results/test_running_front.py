"""The front that a running study tells of, kept pack by pack."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from study.results.fronts import RunningFront, pareto_mask

FIGURE = st.one_of(st.integers(0, 6).map(lambda sixth: sixth / 6), st.just(float("nan")))


def settings_of(points: list[tuple[float, float]]) -> pd.DataFrame:
    return pd.DataFrame(points, columns=["validation_error", "validation_di"])


@given(st.lists(st.lists(st.tuples(FIGURE, FIGURE), max_size=6), max_size=6))
def test_adding_pack_by_pack_is_adding_all_at_once(packs: list[list[tuple[float, float]]]) -> None:
    front, whole = RunningFront(), RunningFront()
    for pack in packs:
        front.add(settings_of(pack))
    everything = [point for pack in packs for point in pack]
    whole.add(settings_of(everything))
    assert front.summary() == whole.summary()
    expected = int(pareto_mask(np.array(everything).reshape(-1, 2)).sum())
    assert whole.summary().startswith(f"front: {expected} settings" if expected else "")


def test_words() -> None:
    front = RunningFront()
    assert front.summary() == ""
    front.add(settings_of([(0.25, 0.1), (0.3, 0.05), (0.3, 0.2), (float("nan"), 0.0)]))
    assert front.summary() == "front: 2 settings, error 25.0-30.0 %, odds difference 0.050-0.100"
