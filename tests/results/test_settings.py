import math
import statistics

import numpy as np
import pandas as pd

from study.results.settings import MEDIANS, in_reading_order, medians_by_setting, narrow_trades
from study.words import METRICS, SPLITS
from tests.reports.synthetic import ledger


def with_all_metrics(runs: pd.DataFrame) -> pd.DataFrame:
    """A made-up ledger with every metric, those that it lacks made up of the error."""
    lacking = [f"{split}_{metric}" for split in SPLITS for metric in METRICS]
    return runs.assign(
        **{name: runs["test_error"] / (2 + n) for n, name in enumerate(lacking) if name not in runs}
    )


def test_medians_equal_a_naive_loop() -> None:
    runs = with_all_metrics(ledger(203, seeds=4))
    settings = medians_by_setting(runs).set_index("setting_id")
    assert sorted(settings.index) == list(settings.index) == sorted(set(runs["setting_id"]))
    for setting_id, row in settings.iterrows():
        own = runs[runs["setting_id"] == setting_id]
        assert row["seeds"] == len(own)
        assert row["method"] == own["method"].iloc[0]
        for column in MEDIANS:
            values = [float(v) for v in own[column] if not math.isnan(v)]
            if values:
                assert row[column] == statistics.median(values)
            else:
                assert math.isnan(row[column])


def test_medians_do_not_depend_on_the_order_of_rows() -> None:
    runs = ledger(100)
    shuffled = runs.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(medians_by_setting(runs), medians_by_setting(shuffled))


def test_medians_take_the_columns_that_are_there() -> None:
    runs = ledger(20)[["setting_id", "method", "validation_error"]]
    expected = ["setting_id", "method", "seeds", "validation_error"]
    assert list(medians_by_setting(runs)) == expected


def test_no_runs_give_no_settings_with_all_columns() -> None:
    untyped = pd.DataFrame(columns=with_all_metrics(ledger(5)).columns)
    settings = medians_by_setting(untyped)
    assert len(settings) == 0
    assert set(MEDIANS) <= set(settings)
    assert settings["test_error"].dtype == np.float64


def test_categories_reduce_like_text() -> None:
    runs = ledger(60)
    text = ["setting_id", "method", "model", "decision_maker"]
    categories = runs.astype(dict.fromkeys(text, "category"))
    pd.testing.assert_frame_equal(medians_by_setting(categories), medians_by_setting(runs))


def test_methods_read_in_the_papers_order_then_others() -> None:
    frame = pd.DataFrame({"method": ["zeta", "defer", "alpha", "binary", "reject"], "n": range(5)})
    ordered = in_reading_order(frame, ["method"])
    assert list(ordered["method"]) == ["binary", "reject", "defer", "alpha", "zeta"]


def test_a_setting_keeps_what_else_it_was_trained_and_tested_with() -> None:
    runs = ledger(40).assign(test_decision_maker="standard", model_alpha=0.25)
    settings = medians_by_setting(runs)
    assert set(settings["test_decision_maker"]) == {"standard"}
    assert set(settings["model_alpha"]) == {0.25}


# Whether prices span the trade


def trades(rates: list[float], **names: str) -> pd.DataFrame:
    named = {"method": "defer", "model": "ordinal", "decision_maker": "column", **names}
    ids = [f"{'-'.join(named.values())}-{number}" for number in range(len(rates))]
    return pd.DataFrame({"setting_id": ids, "validation_idk_rate": rates, **named})


def test_a_method_that_hardly_ever_defers_is_named() -> None:
    (line,) = narrow_trades(trades([0.0] * 10 + [0.029] * 12 + [0.35, 0.95]))
    assert line.startswith(
        "the settings of defer (model ordinal, decision-maker column) cover 3 of 10 tenths"
    )
    assert "half of them defer 2.9% or less" in line
    assert narrow_trades(trades([1.0] * 30)) != []


def test_a_method_that_spans_the_trade_is_not_named_and_neither_are_few_settings_or_binary() -> None:
    wide = [number / 25 for number in range(25)]
    narrow = [0.01] * 19
    assert narrow_trades(trades([*wide, float("nan")])) == []
    assert narrow_trades(trades(narrow)) == []
    assert narrow_trades(trades([0.0] * 40, method="binary", decision_maker="none")) == []
    both = pd.concat([trades(wide), trades([0.01] * 30, method="ce", model="actions")])
    assert [line.split()[3] for line in narrow_trades(both)] == ["ce"]
