from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.reports.measure.candidates import candidates
from study.results.limits import OBJECTIVES, POINT, Question, best
from study.results.settings import medians_by_setting
from tests.reports.synthetic import ledger

NO_RUNS = ledger(5)[:0]
RATES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.4])
ROWS = st.lists(
    st.tuples(st.sampled_from(["reject", "defer"]), st.sampled_from(["a", "b"]), RATES, RATES, RATES),
    min_size=1,
    max_size=25,
)


def settings_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["method", "decision_maker", *POINT])
    return frame.assign(setting_id=[f"s{n:03d}" for n in range(len(rows))], model="m", seed=0)


def many(seed: int, count: int = 1000) -> pd.DataFrame:
    """Settings of one kind, a good part of them on the front over all three figures."""
    points = np.random.default_rng(seed).uniform(size=(count, 3))
    points /= points.sum(axis=1, keepdims=True)
    return settings_of([("defer", "a", *point) for point in points])


@settings(max_examples=60, deadline=None)
@given(
    ROWS,
    st.dictionaries(st.sampled_from(OBJECTIVES), RATES),
    st.sampled_from(OBJECTIVES),
    st.sampled_from([None, "defer"]),
    st.sampled_from([None, "a"]),
)
def test_the_best_of_all_under_any_limits_and_names_is_carried(
    rows: list[Any], limits: dict[str, float], minimise: str, method: str | None, maker: str | None
) -> None:
    everything = settings_of(rows)
    carried = candidates(everything, [], [], NO_RUNS)
    assert carried.step == 0
    assert carried.known == len(rows)

    def narrowed(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame[frame["method"].eq(method) | (method is None)]
        return frame[frame["decision_maker"].eq(maker) | (maker is None)]

    expected, found = (
        best(narrowed(part), Question(minimise, limits)) for part in (everything, carried.frame)
    )
    assert (expected is None) == (found is None)
    if expected is not None and found is not None:
        assert found["setting_id"] == expected["setting_id"]


@pytest.mark.parametrize("carried", [10, 200])
def test_of_too_many_settings_those_carried_are_within_a_step_of_the_best(carried: int) -> None:
    everything = many(0)
    found = candidates(everything, [], [], NO_RUNS, carried)
    assert 0 < len(found.frame) <= carried
    assert found.step > 0
    rng = np.random.default_rng(1)
    for _ in range(25):
        limits = {name: found.step * rng.integers(1, 1 / found.step) for name in OBJECTIVES[:2]}
        minimise = OBJECTIVES[rng.integers(3)]
        of_all, of_page = (best(frame, Question(minimise, limits)) for frame in (everything, found.frame))
        assert of_all is not None
        assert of_page is not None
        if of_all["excess"] == 0:
            assert of_page["excess"] < 1e-9
            gain = of_page[f"validation_{minimise}"] - of_all[f"validation_{minimise}"]
            assert gain < found.step + 1e-9


def test_settings_that_are_named_are_carried_first_and_in_any_case() -> None:
    everything = many(2, 500)
    dominated = everything.assign(**dict.fromkeys(POINT, 1.0))[:2].assign(setting_id=["x", "y"])
    everything = pd.concat([everything, dominated], ignore_index=True)
    found = candidates(everything, ["y"], ["x"], NO_RUNS, carried=10)
    assert found.frame["setting_id"].iloc[0] == "y"
    # Those of the honest fronts are there only where there is room.
    assert "x" not in set(found.frame["setting_id"])
    roomy = candidates(everything, ["y"], ["x"], NO_RUNS, carried=502)
    assert list(roomy.frame["setting_id"][:2]) == ["y", "x"]


def test_every_setting_has_the_run_of_its_median_seed() -> None:
    runs = ledger(300)
    found = candidates(medians_by_setting(runs), [], [], runs)
    for row in found.frame.to_dict("records"):
        own = runs[runs["setting_id"] == row["setting_id"]]
        for figure in OBJECTIVES:
            values = own[f"validation_{figure}"].dropna().sort_values()
            median = values.iloc[(len(values) - 1) // 2]
            (run,) = own.loc[own["run_id"] == row[f"run_{figure}"], f"validation_{figure}"]
            assert run == median


def test_settings_without_figures_are_not_known() -> None:
    frame = settings_of([("defer", "a", np.nan, 0.1, 0.1)])
    found = candidates(frame, [], [], NO_RUNS)
    assert (found.known, len(found.frame)) == (0, 0)
