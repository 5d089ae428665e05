import numpy as np
import pandas as pd

from study.reports.measure.deferral_budgets import (
    AIMS,
    BUDGETS,
    LOWEST_DI,
    LOWEST_ERROR,
    by_budget,
    reference_error,
)
from study.results.settings import medians_by_setting
from tests.reports.synthetic import decision_makers, ledger

SETTINGS = medians_by_setting(ledger(900))
MAKERS = decision_makers()


def test_each_workload_has_the_fewest_errors_and_the_fairest_that_validation_knows_of() -> None:
    menu = by_budget(SETTINGS, MAKERS)
    base = SETTINGS[(SETTINGS["method"] == "binary") & (SETTINGS["alpha"] == 0)]["validation_error"].min()
    for name in ("standard", "biased"):
        own = SETTINGS[SETTINGS["decision_maker"].isin([name, "none"])].dropna(subset=["validation_di"])
        for budget in BUDGETS:
            allowed = own[own["validation_idk_rate"] <= budget]
            fair = allowed[allowed["validation_error"] <= base]
            expected = {
                LOWEST_ERROR: allowed.loc[allowed["validation_error"].idxmin()],
                LOWEST_DI: fair.loc[fair["validation_di"].idxmin()],
            }
            rows = menu[(menu["decision_maker"] == name) & (menu["budget"] == budget)]
            assert list(rows["aim"]) == list(AIMS)
            for row in rows.to_dict("records"):
                best = expected[row["aim"]]
                assert row["setting_id"] == best["setting_id"]
                # What was chosen on validation is shown on test.
                assert (row["error"], row["di"], row["idk_rate"]) == (
                    best["test_error"],
                    best["test_di"],
                    best["test_idk_rate"],
                )


def test_no_setting_is_listed_where_none_asks_so_little() -> None:
    runs = ledger(300, methods=("defer",), decision_makers=("standard",))
    runs["validation_idk_rate"] = 0.4
    menu = by_budget(medians_by_setting(runs), MAKERS)
    assert set(menu["budget"]) == {0.5, 1.0}


def test_fairness_may_cost_no_more_errors_than_the_baseline_or_else_the_decision_maker() -> None:
    own = SETTINGS[SETTINGS["decision_maker"].isin(["standard", "none"])]
    base = own[(own["method"] == "binary") & (own["alpha"] == 0)]
    assert reference_error(own, MAKERS, "standard") == base["validation_error"].min()
    without = own[own["method"] != "binary"]
    on_validation = MAKERS[(MAKERS["decision_maker"] == "standard") & (MAKERS["split"] == "validation")]
    assert reference_error(without, MAKERS, "standard") == on_validation["error"].iloc[0]
    assert reference_error(without, MAKERS[:0], "standard") == np.inf


def test_binary_models_alone_have_one_workload() -> None:
    menu = by_budget(medians_by_setting(ledger(200, methods=("binary",))), MAKERS[:0])
    assert list(menu["budget"]) == [0.0, 0.0]
    assert set(menu["decision_maker"]) == {"none"}


def test_nothing_finished_gives_no_rows() -> None:
    empty = medians_by_setting(pd.DataFrame(columns=ledger(5).columns))
    assert len(by_budget(empty, MAKERS)) == 0


def test_a_constant_decision_is_not_the_fairest_where_an_outcome_is_rare() -> None:
    """It has no more errors than the baseline, and no odds difference, and half of the balanced error."""
    rows = [("baseline", "binary", 0.0, 0.20, 0.10, 0.30), ("no to all", "defer", 0.1, 0.20, 0.0, 0.5)]
    rows.append(("useful", "defer", 0.1, 0.19, 0.05, 0.28))
    columns = [
        "setting_id",
        "method",
        "alpha",
        "validation_error",
        "validation_di",
        "validation_balanced_error",
    ]
    settings = pd.DataFrame(rows, columns=columns).assign(
        model="mlp",
        decision_maker=["none", "standard", "standard"],
        gamma=0.1,
        validation_idk_rate=0.0,
        **{f"test_{name}": 0.1 for name in ("error", "di", "idk_rate")},
    )
    menu = by_budget(settings, MAKERS)
    assert set(menu.loc[menu["aim"] == LOWEST_DI, "setting_id"]) == {"useful"}
