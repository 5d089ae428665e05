import pandas as pd

from study.reports.measure.deferral_budgets import (
    BUDGETS,
    EXAMPLE,
    LOWEST_DI,
    aims,
    by_budget,
    median_baseline,
    operating_points,
    reference_limits,
)
from tests.reports.synthetic import decision_makers, ledger

RUNS = ledger(900)
MAKERS = decision_makers()


def test_each_workload_has_the_fewest_errors_and_the_fairest_that_validation_knows_of() -> None:
    menu = by_budget(RUNS, MAKERS)
    base = RUNS[(RUNS["method"] == "binary") & (RUNS["alpha"] == 0)]["validation_error"].median()
    for name in ("standard", "biased"):
        own = RUNS[RUNS["decision_maker"].isin([name, "none"])].dropna(subset=["validation_di"])
        for budget in BUDGETS:
            allowed = own[own["validation_idk_rate"] <= budget]
            fair = allowed[allowed["validation_error"] <= base]
            expected = {
                "lowest error": allowed.loc[allowed["validation_error"].idxmin()],
                LOWEST_DI: fair.loc[fair["validation_di"].idxmin()],
            }
            rows = menu[(menu["decision_maker"] == name) & (menu["budget"] == budget)]
            assert list(rows["aim"]) == list(aims("error"))
            for row in rows.to_dict("records"):
                best = expected[row["aim"]]
                assert row["run_id"] == best["run_id"]
                # What was chosen on validation is shown on test.
                assert (row["error"], row["di"], row["idk_rate"]) == (
                    best["test_error"],
                    best["test_di"],
                    best["test_idk_rate"],
                )


def test_no_run_is_listed_where_none_asks_so_little() -> None:
    runs = ledger(300, methods=("defer",), decision_makers=("standard",))
    runs["validation_idk_rate"] = 0.4
    menu = by_budget(runs, MAKERS)
    assert set(menu["budget"]) == {0.5, 1.0}


def test_fairness_may_cost_no_more_errors_than_the_baseline_or_else_the_decision_maker() -> None:
    own = RUNS[RUNS["decision_maker"].isin(["standard", "none"])]
    base = own[(own["method"] == "binary") & (own["alpha"] == 0)]
    middle = base["validation_error"].median()
    assert reference_limits(own, MAKERS, "standard") == {"error": middle, "balanced_error": middle}
    assert list(median_baseline(own)["validation_error"]) == [middle]
    without = own[own["method"] != "binary"]
    on_validation = MAKERS[(MAKERS["decision_maker"] == "standard") & (MAKERS["split"] == "validation")]
    assert reference_limits(without, MAKERS, "standard") == {"error": on_validation["error"].iloc[0]}
    assert reference_limits(without, MAKERS[:0], "standard") == {}


def test_binary_models_alone_have_one_workload() -> None:
    menu = by_budget(ledger(200, methods=("binary",)), MAKERS[:0])
    assert list(menu["budget"]) == [0.0, 0.0]
    assert set(menu["decision_maker"]) == {"none"}


def test_nothing_finished_gives_no_rows() -> None:
    empty = pd.DataFrame(columns=ledger(5).columns)
    assert len(by_budget(empty, MAKERS)) == len(operating_points(empty, MAKERS)) == 0


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
    runs = pd.DataFrame(rows, columns=columns).assign(
        run_id=["b", "n", "u"],
        seed=0,
        split=0,
        model="mlp",
        decision_maker=["none", "standard", "standard"],
        gamma=0.1,
        validation_idk_rate=0.0,
        **{f"test_{name}": 0.1 for name in ("error", "di", "idk_rate")},
    )
    menu = by_budget(runs, MAKERS)
    assert set(menu.loc[menu["aim"] == LOWEST_DI, "setting_id"]) == {"useful"}


def test_where_errors_have_costs_the_lowest_cost_is_chosen() -> None:
    runs = RUNS.assign(validation_cost=1 - RUNS["validation_error"], test_cost=RUNS["test_error"] * 2)
    menu = by_budget(runs, MAKERS, "cost")
    assert set(menu["aim"]) == {"lowest cost", LOWEST_DI}
    row = menu[(menu["decision_maker"] == "standard") & (menu["budget"] == 1) & (menu["aim"] != LOWEST_DI)]
    own = runs[runs["decision_maker"].isin(["standard", "none"])]
    assert list(row["run_id"]) == [own.loc[own["validation_cost"].idxmin(), "run_id"]]
    assert list(row["cost"]) == list(2 * row["error"])


def test_each_split_has_its_own_choice_and_points_that_are_the_same_runs_are_one() -> None:
    runs = pd.concat([RUNS.assign(split=0), ledger(900, seed=1).assign(split=1)], ignore_index=True)
    runs["run_id"] = runs["run_id"] + runs["split"].astype(str)
    menu, points = by_budget(runs, MAKERS), operating_points(runs, MAKERS)
    for split in (0, 1):
        alone = by_budget(runs[runs["split"] == split], MAKERS)
        assert list(menu.loc[menu["split"] == split, "run_id"]) == list(alone["run_id"])
    assert set(points.groupby(["decision_maker", "what"])["split"].agg(tuple)) == {(0, 1)}
    of_point = points.dropna(subset=["run_id"]).groupby(["decision_maker", "what"])["run_id"].agg(tuple)
    assert of_point.groupby("decision_maker").nunique().equals(of_point.groupby("decision_maker").size())


def test_each_method_is_chosen_on_validation_and_shown_on_test() -> None:
    points = operating_points(RUNS, MAKERS)
    assert list(points["decision_maker"].unique()) == ["standard", "biased"]
    for row in points[points["what"].isin(["defer, lowest error", "reject, lowest error"])].itertuples():
        own = RUNS[RUNS["decision_maker"] == row.decision_maker]
        own = own[(own["method"] == row.what.split(",")[0]) & (own["validation_idk_rate"] <= EXAMPLE)]
        best = own.loc[own["validation_error"].idxmin()]
        assert (row.run_id, row.error, row.di) == (best["run_id"], best["test_error"], best["test_di"])
    assert set(points.loc[points["what"] == "baseline", "alpha"]) == {0.0}
    for _, rows in points.groupby("decision_maker"):
        assert list(rows["what"])[-2:] == ["baseline", "decision-maker"]
        assert rows["run_id"].dropna().is_unique
