"""Choosing one run, against a search by hand over the same rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.errors import LedgerError, UserError
from study.results.choice.chosen_run import select as select_with_outcomes
from study.results.choice.selection import Selection
from study.results.files.reading import Broken
from study.results.limits import NAMES, Question
from study.results.outcomes import Outcomes
from tests.results.counts import with_counts

METRICS = list(NAMES)


def runs_of(settings_: dict[str, list[tuple[float | None, float, float]]]) -> pd.DataFrame:
    """A ledger with (error, di, idk_rate) on validation per seed; test figures are 0.1 higher."""
    rows = []
    for setting, seeds in settings_.items():
        for seed, figures in enumerate(seeds):
            row: dict[str, Any] = {
                **{"run_id": f"{setting}{seed}", "setting_id": setting, "seed": seed, "split": 0},
                **{"method": "defer", "model": "ordinal", "decision_maker": "standard"},
                **{"test_decision_maker": "standard", "dataset": "d"},
                **{"alpha": 1.0, "gamma": 0.1},
            }
            # Both outcomes are as frequent as each other, and as often decided wrongly.
            for name, value in zip(METRICS, (*figures, *figures[:1] * 4), strict=True):
                row[f"validation_{name}"] = value
                row[f"test_{name}"] = None if value is None else value + 0.1
            rows.append(row)
    return with_counts(pd.DataFrame(rows))


def select(runs: pd.DataFrame, planned: int | None = None, **wanted: Any) -> Selection:
    """Choose where no outcomes are kept."""
    question = Question.of(**wanted)
    return select_with_outcomes(runs, lambda _: None, question, planned=planned or len(runs))


THREE = {
    "accurate": [(0.1, 0.5, 0.5), (0.2, 0.5, 0.5), (0.3, 0.5, 0.5)],
    "fair": [(0.4, 0.1, 0.6)] * 3,
    "own": [(0.5, 0.4, 0.0)] * 3,
}

RATES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
LEDGERS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.lists(st.tuples(RATES, RATES, RATES), min_size=1, max_size=4),
    min_size=1,
    max_size=6,
)
LIMITS = st.none() | RATES


@pytest.mark.parametrize(("minimise", "best"), [("error", "accurate"), ("di", "fair"), ("idk", "own")])
def test_the_smallest_figure_wins(minimise: Any, best: str) -> None:
    chosen = select(runs_of(THREE), minimise=minimise)
    assert chosen.satisfies
    assert (chosen.setting_id, chosen.run_id, chosen.seed) == (best, f"{best}0", 0)


def test_figures_are_the_run_s_own_and_the_range_is_that_of_its_setting() -> None:
    chosen = select(runs_of({"a": [(0.3, 0.1, 0.0), (0.2, 0.1, 0.2), (0.1, 0.1, 0.9)]}), max_idk=0.3)
    assert chosen.satisfies
    assert chosen.run_id == "a1"
    assert list(chosen.validation) == list(chosen.test) == METRICS
    assert [chosen.validation[name] for name in METRICS[:3]] == [0.2, 0.1, 0.2]
    assert chosen.test["idk_rate"] == pytest.approx(0.3)
    assert chosen.validation_seeds["idk_rate"] == (0.0, 0.9)
    assert chosen.test_seeds["error"] == (pytest.approx(0.2), pytest.approx(0.4))
    found = chosen.to_json()
    assert found["run_validation"] == found["validation"] == chosen.validation
    assert found["run_test"] == found["test"] == chosen.test
    (line,) = [line for line in chosen.summary().splitlines() if line.startswith("  deferral rate")]
    assert line.split("  deferral rate")[1].split() == [
        "0.200",
        "0.300",
        "-",
        "0.000",
        "to",
        "0.900",
        "0.100",
        "to",
        "1.000",
    ]


@pytest.mark.parametrize(
    ("rates", "swings"),
    [((0.2, 0.3), False), ((0.2, 0.31), True), ((0.2,), False), ((0.0, 0.05, 0.2), True)],
)
def test_a_choice_is_unstable_where_the_deferral_rate_swings_between_seeds(
    rates: tuple[float, ...], swings: bool
) -> None:
    chosen = select(runs_of({"a": [(0.1, 0.1, rate) for rate in rates]}))
    assert chosen.unstable is chosen.to_json()["unstable"] is swings
    words = f"unstable: the setting's validation deferral rate is {min(rates):.3f} to {max(rates):.3f}"
    assert (words in chosen.summary()) is swings


def test_test_figures_are_shown_but_decide_nothing() -> None:
    runs = runs_of(THREE)
    runs.loc[runs["setting_id"] == "accurate", "test_error"] = 1.0
    chosen = select(runs)
    assert chosen.setting_id == "accurate"
    assert chosen.test["error"] == 1.0
    assert chosen.validation["error"] == 0.1


@settings(max_examples=60, deadline=None)
@given(LEDGERS, LIMITS, LIMITS, LIMITS, LIMITS, st.sampled_from(["error", "di", "idk", "fnr"]))
def test_choice_equals_a_search_by_hand(
    ledger: Any,
    max_error: float | None,
    max_di: float | None,
    max_idk: float | None,
    min_idk: float | None,
    minimise: Any,
) -> None:
    limits = {"max_error": max_error, "max_di": max_di, "max_idk": max_idk, "min_idk": min_idk}
    chosen = select(runs_of(ledger), minimise=minimise, **limits)
    at = ["error", "di", "idk", "fnr"].index(minimise) % 3
    points = {(name, seed): of for name, seeds in ledger.items() for seed, of in enumerate(seeds)}

    def excess(figures: tuple[float, ...]) -> float:
        above = zip((2, 1, 0), (max_idk, max_di, max_error), strict=True)
        over = sum(max(0.0, figures[i] - limit) for i, limit in above if limit is not None)
        return over + (0.0 if min_idk is None else max(0.0, min_idk - figures[2]))

    allowed = {run for run, figures in points.items() if excess(figures) == 0}
    assert chosen.satisfies == bool(allowed)
    if allowed:
        best = min(allowed, key=lambda run: (points[run][at], *points[run], *run))
        assert (chosen.setting_id, chosen.seed) == best
    else:
        nearest = min(excess(figures) for figures in points.values())
        assert excess(points[chosen.setting_id, chosen.seed]) == pytest.approx(nearest)


def test_every_metric_can_be_limited_and_minimised() -> None:
    runs = runs_of({"a": [(0.1, 0.1, 0.1)], "b": [(0.2, 0.1, 0.1)]})
    for word, column in (("fpr", "fpr"), ("fnr", "fnr"), ("balanced-error", "balanced_error")):
        worse = runs.assign(**{f"validation_{column}": [0.3, 0.2]})
        assert select(worse, minimise=word).setting_id == "b"
        assert select(worse, **{f"max_{column}": 0.25}).setting_id == "b"
    chosen = select(runs, min_idk=0.3)
    assert not chosen.satisfies
    assert chosen.missed() == "deferral rate by 0.2"
    with pytest.raises(TypeError, match="unknown arguments: max_speed"):
        select(runs, max_speed=1)


def test_setting_without_figures_is_not_chosen() -> None:
    runs = runs_of({"diverged": [(None, 0.0, 0.0)], "sound": [(0.9, 0.9, 0.9)]})
    assert select(runs).setting_id == "sound"


def test_nothing_to_choose_from_is_an_error() -> None:
    for runs in (runs_of(THREE).head(0), runs_of({"diverged": [(None, 0.0, 0.0)]})):
        with pytest.raises(LedgerError, match="no run has finished yet"):
            select(runs)


def test_method_without_gamma_has_none() -> None:
    runs = runs_of(THREE).assign(gamma=float("nan"))
    chosen = select(runs)
    assert chosen.gamma is None
    assert "gamma" not in chosen.summary()
    assert "gamma 0.1" in select(runs_of(THREE)).summary()


def test_choice_is_narrowed_down_by_name_and_binary_models_stand_beside_every_decision_maker() -> None:
    runs = runs_of({"a": [(0.3, 0.1, 0.1)], "b": [(0.2, 0.1, 0.1)], "c": [(0.1, 0.1, 0.1)]})
    runs["method"] = ["defer", "reject", "binary"]
    runs["model"] = ["gate", "ordinal", "mlp"]
    runs["decision_maker"] = ["standard", "oracle", "none"]
    assert select(runs).setting_id == "c"
    assert select(runs, method="reject").setting_id == "b"
    assert select(runs, model="gate").setting_id == "a"
    assert select(runs, decision_maker="oracle").setting_id == "c"
    assert select(runs, decision_maker="standard", method="defer").setting_id == "a"
    with pytest.raises(
        UserError, match="--decision-maker: 'none' is not in the ledger; allowed are oracle, standard"
    ):
        select(runs, decision_maker="none")
    with pytest.raises(
        UserError, match="--model: 'gate' is not in the ledger with method binary; allowed are mlp"
    ):
        select(runs, method="binary", model="gate")


def test_what_comes_nearest_says_which_limits_it_misses_and_by_how_much() -> None:
    chosen = select(runs_of(THREE), max_error=0.35, max_di=0.2, max_idk=0.55)
    assert not chosen.satisfies
    # accurate misses DI by 0.3; fair error by 0.05 and IDK rate by 0.05; own error by 0.15 and DI by 0.2.
    assert chosen.setting_id == "fair"
    assert chosen.exceeded == {"deferral rate": pytest.approx(0.05), "error": pytest.approx(0.05)}
    assert sorted(chosen.missed().split(", ")) == ["deferral rate by 0.05", "error by 0.05"]


def test_the_contract_s_keys_come_first_in_json() -> None:
    found = select(runs_of(THREE)).to_json()
    contract = ["setting_id", "run_id", "method", "alpha", "gamma", "validation", "test"]
    assert list(found)[: len(contract)] == contract
    for split in ("validation", "test"):
        assert list(found[split])[:3] == ["error", "di", "idk_rate"]


def test_interval_is_that_of_the_people_tested_and_outcomes_are_read_of_few_runs() -> None:
    """Half of the people are decided wrongly: 95 % of resamples lie about one half."""
    people = 400
    label = np.arange(people) % 2 == 0
    sensitive = np.arange(people) % 4 < 2
    asked: list[str] = []

    def read(runs: pd.DataFrame) -> Outcomes:
        asked.extend(runs["run_id"])
        wrong = np.arange(people) < people // 2
        nothing = np.zeros((len(runs), people), dtype=bool)
        positive = np.tile(label ^ wrong, (len(runs), 1))
        return Outcomes(list(runs["run_id"]), nothing, positive, label, sensitive, {"standard": label})

    runs = runs_of({"a": [(0.1, 0.1, 0.1)] * 2, "b": [(0.2, 0.1, 0.1)] * 2})
    chosen = select_with_outcomes(runs, read, Question(), planned=4)
    assert asked == ["a0", *("a0", "a1", "b0", "b1")]
    low, high = chosen.test_interval["error"] or (0, 0)
    spread = 1.96 * np.sqrt(0.25 / people)
    assert (low, high) == pytest.approx((0.5 - spread, 0.5 + spread), abs=0.015)
    assert chosen.test_interval["idk_rate"] == (0, 0)
    assert "95 % interval" in chosen.summary()


def test_a_rival_or_a_baseline_whose_outcomes_are_lost_takes_nothing_from_the_interval() -> None:
    label = np.arange(40) % 2 == 0

    def read(runs: pd.DataFrame) -> Outcomes | None:
        if list(runs["run_id"]) != ["a0"]:
            raise LedgerError("outcomes/x.parquet: cannot be read")
        nothing = np.zeros((1, 40), dtype=bool)
        return Outcomes(["a0"], nothing, label[None], label, np.arange(40) < 20, {"standard": label})

    runs = runs_of({"a": [(0.1, 0.1, 0.1)], "plain": [(0.2, 0.1, 0.0)]})
    runs.loc[1, ["method", "model", "decision_maker", "alpha"]] = ["binary", "mlp", "none", 0.0]
    chosen = select_with_outcomes(runs, read, Question(), planned=2)
    assert chosen.test_interval["error"] == (0, 0)
    assert [one.to for one in chosen.comparisons] == ["the decision-maker alone"]
    assert chosen.optimism == {}
    assert chosen.unread == ("outcomes/x.parquet: cannot be read",)
    assert "left out: outcomes/x.parquet: cannot be read" in chosen.summary().splitlines()


def test_lack_of_outcomes_is_said_in_the_place_of_the_interval() -> None:
    chosen = select(runs_of(THREE))
    assert chosen.test_interval == dict.fromkeys(METRICS)
    assert "no 95 % interval: the outcomes of the test examples are missing" in chosen.summary()
    assert chosen.test_seeds["error"] == (pytest.approx(0.2), pytest.approx(0.4))


def test_run_is_chosen_where_di_is_undefined_in_all_unless_it_is_asked_for() -> None:
    runs = runs_of({"a": [(0.2, np.nan, 0.5)] * 3, "b": [(0.1, np.nan, 0.6)] * 3})
    chosen = select(runs, max_idk=0.5)
    assert (chosen.setting_id, chosen.seeds, chosen.satisfies) == ("a", 3, True)
    assert [chosen.validation[name] for name in METRICS[:3]] == [0.2, None, 0.5]
    (line,) = [line for line in chosen.summary().splitlines() if line.startswith("  odds difference")]
    assert line.split() == ["odds", "difference", "-", "-", "-", "-", "-"]
    for options in ({"max_di": 0.1}, {"minimise": "di"}):
        with pytest.raises(LedgerError, match="the odds difference is undefined for every run"):
            select(runs, **options)


def test_choice_from_a_study_that_is_unfinished_or_damaged_says_so() -> None:
    whole = select(runs_of(THREE))
    assert "unfinished" not in whole.summary()
    assert "left out" not in whole.summary()
    assert (whole.to_json()["finished"], whole.to_json()["planned"], whole.to_json()["broken"]) == (
        9,
        9,
        [],
    )
    damaged = Broken(Path("runs/x.parquet"), "a reason")
    runs = runs_of(THREE)
    part = select_with_outcomes(runs, lambda _: None, Question(), planned=1200, broken=[damaged])
    assert "unfinished: 9 of 1,200 runs; the choice may change" in part.summary()
    assert "left out: runs/x.parquet: cannot be read (a reason)" in part.summary()
    found = part.to_json()
    assert (found["finished"], found["planned"], found["broken"]) == (9, 1200, ["runs/x.parquet"])
