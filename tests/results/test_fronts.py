import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from study.results.fronts import COLUMNS, fronts, fronts_by_idk_rate, pareto_mask
from study.results.settings import medians_by_setting
from tests.reports.synthetic import ledger

# Few values, so that ties and duplicates are common.
COORDINATES = st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0, np.inf, -np.inf, np.nan])


def brute_force(points: np.ndarray) -> list[bool]:
    on_front = []
    for i, p in enumerate(points):
        beaten = bool(np.isnan(p).any())
        for j, q in enumerate(points):
            if not np.isnan(q).any() and (q <= p).all():
                beaten |= bool((q < p).any()) or (j < i)
        on_front.append(not beaten)
    return on_front


@given(
    st.integers(1, 4).flatmap(
        lambda d: arrays(float, st.tuples(st.integers(0, 12), st.just(d)), elements=COORDINATES)
    )
)
def test_pareto_mask_equals_brute_force(points: np.ndarray) -> None:
    assert pareto_mask(points).tolist() == brute_force(points)


@given(arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=30), elements=st.floats()))
def test_pareto_mask_equals_brute_force_on_any_floats(points: np.ndarray) -> None:
    assert pareto_mask(points).tolist() == brute_force(points)


def setting(
    name: str, test: tuple[float, float], validation: tuple[float, float], **more: object
) -> dict[str, object]:
    given = {
        "setting_id": name,
        **{"method": "defer", "model": "mlp", "decision_maker": "standard"},
        **{"alpha": 0.1, "gamma": 0.2, "test_idk_rate": 0.3, "validation_idk_rate": 0.3},
        **dict(zip(("test_error", "test_di"), test, strict=True)),
        **dict(zip(("validation_error", "validation_di"), validation, strict=True)),
    }
    return given | more


def chosen(table: pd.DataFrame, front: str) -> set[str]:
    return set(table.loc[table["front"] == front, "setting_id"])


def test_the_paper_chooses_on_test_and_the_honest_on_validation() -> None:
    settings = pd.DataFrame(
        [
            setting("a", test=(0.2, 0.1), validation=(0.3, 0.3)),
            setting("b", test=(0.3, 0.3), validation=(0.2, 0.1)),
            setting("c", test=(0.25, 0.05), validation=(0.25, 0.05)),
            setting("d", test=(np.nan, 0.0), validation=(0.1, 0.5)),
            setting("e", test=(0.1, 0.5), validation=(np.nan, 0.0)),
        ]
    )
    table = fronts(settings)
    assert tuple(table) == COLUMNS
    assert chosen(table, "paper") == {"a", "c", "e"}
    assert chosen(table, "honest") == {"b", "c", "d"}
    honest = table[table["front"] == "honest"].set_index("setting_id")
    assert honest.loc["b", "error"] == 0.3
    assert honest.loc["b", "validation_error"] == 0.2
    assert list(table["front"].unique()) == ["paper", "honest"]


def test_where_errors_have_costs_fronts_minimise_the_cost_and_show_it() -> None:
    rows = [
        setting("a", (0.1, 0.1), (0.1, 0.1), test_cost=0.9, validation_cost=0.2),
        setting("b", (0.3, 0.1), (0.3, 0.1), test_cost=0.4, validation_cost=0.5),
    ]
    table = fronts(pd.DataFrame(rows), "cost")
    assert tuple(table) == (*COLUMNS, "cost", "validation_cost")
    assert (chosen(table, "paper"), chosen(table, "honest")) == ({"b"}, {"a"})
    assert list(table["cost"]) == [0.4, 0.9]


def test_each_method_model_and_decision_maker_has_its_own_front() -> None:
    best, worst = ((0.1, 0.1), (0.1, 0.1)), ((0.4, 0.4), (0.4, 0.4))
    settings = pd.DataFrame(
        [
            setting("a", *best),
            setting("b", *worst),
            setting("c", *worst, model="ordinal"),
            setting("d", *worst, decision_maker="biased"),
            setting("e", *worst, method="binary", decision_maker="none"),
        ]
    )
    assert chosen(fronts(settings), "paper") == {"a", "c", "d", "e"}


def test_of_settings_that_coincide_the_smallest_id_is_kept() -> None:
    same = ((0.2, 0.2), (0.2, 0.2))
    settings = medians_by_setting(pd.DataFrame([setting(name, *same) for name in "cab"]))
    assert chosen(fronts(settings), "paper") == chosen(fronts(settings), "honest") == {"a"}


@pytest.mark.parametrize(
    ("rate", "band"),
    [
        (0.0, "low"),
        (0.1999, "low"),
        (0.2, "medium"),
        (0.4999, "medium"),
        (0.5, "high"),
        (1.0, "high"),
    ],
)
def test_bands_go_by_the_rate_where_the_front_is_chosen(rate: float, band: str) -> None:
    point = ((0.2, 0.2), (0.2, 0.2))
    other = 0.0 if rate >= 0.5 else 1.0
    rows = [setting("a", *point, test_idk_rate=rate, validation_idk_rate=other)]
    table = fronts_by_idk_rate(pd.DataFrame(rows)).set_index("front")
    assert table.loc["paper", "band"] == band
    assert table.loc["honest", "band"] == ("low" if other == 0 else "high")


def test_bands_leave_out_binary_and_cover_the_rest() -> None:
    table = fronts_by_idk_rate(medians_by_setting(ledger(1000)))
    assert tuple(table) == ("band", *COLUMNS)
    assert set(table["method"]) == {"reject", "defer"}
    assert list(table["band"].unique()) == ["low", "medium", "high"]


def test_no_settings_give_no_fronts_with_all_columns() -> None:
    settings = medians_by_setting(pd.DataFrame(columns=ledger(5).columns))
    assert tuple(fronts(settings)) == COLUMNS
    assert len(fronts(settings)) == len(fronts_by_idk_rate(settings)) == 0


def test_the_alpha_of_a_network_is_shown_where_there_is_one() -> None:
    rows = [setting("a", (0.1, 0.1), (0.1, 0.1)), setting("b", (0.1, 0.1), (0.1, 0.1), model="posthoc")]
    settings = pd.DataFrame(rows).assign(model_alpha=[np.nan, 0.3])
    for table, first in ((fronts(settings), "front"), (fronts_by_idk_rate(settings), "band")):
        assert next(iter(table)) == first
        assert tuple(table)[-len(COLUMNS) - 1 :] == (*COLUMNS, "model_alpha")
        assert dict(zip(table["model"], table["model_alpha"].fillna(0), strict=True)) == {
            "mlp": 0.0,
            "posthoc": 0.3,
        }
    settings["model_alpha"] = np.nan
    assert tuple(fronts(settings)) == COLUMNS
