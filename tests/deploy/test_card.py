"""The model card: what it says is what the ledger and the model's files say."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from study import Study, load_model
from study.deploy.card import CARD_FILE, code, model_card
from study.results.directory import ResultsDirectory
from study.results.group_metrics import Spread
from tests.worlds.small_study import FAMILY_ARMS

WHOLE = {
    "error of the joint system": "error",
    "balanced error (mean of false positive and false negative rate)": "balanced_error",
    "average odds difference (the paper's disparate impact, DI)": "di",
    "odds difference where `bad` is 0 (false positives)": "di_y0",
    "odds difference where `bad` is 1 (false negatives)": "di_y1",
    "model's error on cases it keeps": "model_error",
    "decision-maker's error on deferred cases": "dm_error",
}
GROUPS = ("race not B", "race B")
MEASURED = [
    *(
        "error",
        "balanced_error",
        "di",
        "di_y0",
        "di_y1",
        "idk_rate",
        "model_error",
        "dm_error",
        "dm_error_on_kept",
    ),
    *(f"{name}_a{a}" for a in (0, 1) for name in ("idk_rate", "error")),
    *(f"error_a{a}_y{y}" for a in (0, 1) for y in (0, 1)),
    *("selection_rate_a0", "selection_rate_a1", "selection_ratio"),
]


def rows_of(card: str) -> dict[str, list[str]]:
    """Cells of every row of every table, by the first one."""
    lines = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in lines if not cells[0].startswith("---")}


def number(cell: str) -> float:
    value = float(re.match(r"[\d.]+", cell)[0])  # type: ignore[index]
    return value / 100 if "%" in cell else value


@pytest.mark.parametrize("arm", FAMILY_ARMS)
def test_figures_are_those_of_the_ledger_and_lie_in_their_intervals(
    arm: str, exported: dict[str, Path], families: ResultsDirectory
) -> None:
    card = (exported[arm] / CARD_FILE).read_text()
    run = load_model(exported[arm]).about["run"]
    rows = rows_of(card)
    deferral = "rejection rate" if arm.startswith("reject") else "deferral rate"
    shown = WHOLE | {deferral: "idk_rate"}
    if arm.startswith("binary"):
        shown = {words: name for words, name in WHOLE.items() if name not in ("model_error", "dm_error")}
        assert "deferral rate" not in rows
    for words, name in shown.items():
        (cell,) = rows[words]
        if run[f"test_{name}"] is None:
            assert cell == "–"
            continue
        assert number(cell) == pytest.approx(run[f"test_{name}"], abs=6e-4)
        low, high = (number(end) for end in re.search(r"\((.+) to (.+)\)", cell).groups())  # type: ignore[union-attr]
        assert low <= number(cell) <= high or name.startswith("di")
    test = pd.read_csv(families.root.parent / "cases.csv").query("split == 'test'")
    for a, here in enumerate((test["race"] != "B", test["race"] == "B")):
        group = next(cells for cells in tables(card) if cells[0] == GROUPS[a] and len(cells) == 7)
        assert group[1:3] == [str(here.sum()), str(test.loc[here, "bad"].sum())]
        assert number(group[3]) == pytest.approx(run[f"test_idk_rate_a{a}"], abs=6e-4)
        assert number(group[4]) == pytest.approx(run[f"test_error_a{a}"], abs=6e-4)
    said = re.search(r"80 % rule\nwants to be 80 % at least, is ([\d.]+ %|–)", card)
    selected = [decided_1(run, a) for a in (0, 1)]
    assert said is not None
    if max(selected):
        assert number(said[1]) == pytest.approx(min(selected) / max(selected), abs=6e-4)
    ends = [next(c for c in tables(card) if c[0] == group and len(c) == 7)[5:] for group in GROUPS]
    for y in (0, 1):
        gap = abs(number(ends[0][y]) - number(ends[1][y]))
        assert gap == pytest.approx(run[f"test_di_y{y}"], abs=2e-3)


def decided_1(run: dict[str, Any], a: int) -> float:
    """How often the decision is 1 in a group, from the ledger's counts."""
    cases, errors = (
        [sum(run[f"test_{name}_a{a}_y{y}"] for name in names) for y in (0, 1)]
        for names in (("cases",), ("model_errors", "dm_errors"))
    )
    return float((errors[0] + cases[1] - errors[1]) / sum(cases))


def tables(card: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("arm", FAMILY_ARMS)
def test_card_names_what_the_model_is_and_where_it_comes_from(arm: str, exported: dict[str, Path]) -> None:
    card, model = (exported[arm] / CARD_FILE).read_text(), load_model(exported[arm])
    run, (method, _, family) = model.about["run"], arm.rpartition("-")
    assert card.startswith(f"# Model card: {method}, {family}\n")
    for word in (run["run_id"], run["setting_id"], run["data_fingerprint"], model.about["code"]):
        assert f"`{word}`" in card
    assert "- Groups: race B (A = 1) and race not B (A = 0).\n" in card
    assert "- Outcomes: `bad` is 1 (Y = 1, the positive class) and `bad` is 0 (Y = 0).\n" in card
    assert "split its data" not in card
    for column in model.columns:
        assert f"`{column}`" in card
    assert ("Decision-maker for deferred cases: the people who decided in `judge`." in card) == (
        method != "binary"
    )
    assert ("It has learned when to defer to the people who decided in `judge`." in card) == (
        method not in ("binary", "reject")
    )
    assert ("Thresholds chosen after training" in card) == (
        family in ("mlp", "posthoc", "bayes") and method != "binary"
    ) or arm == "confidence-given"
    assert "None" not in card
    assert "nan" not in card


def test_what_select_shows_is_exactly_what_the_exported_model_and_its_card_say(
    families: ResultsDirectory, tmp_path: Path
) -> None:
    study = Study(families.root)
    for limits in ({"max_idk": 0.6}, {"method": "defer", "minimise": "di"}):
        chosen = study.select(**limits, include_degenerate=True)  # type: ignore[arg-type]
        place = tmp_path / chosen.run_id
        run = study.export(chosen.run_id, place).about["run"]
        assert chosen.test == {name: run[f"test_{name}"] for name in chosen.test}
        card = (place / CARD_FILE).read_text()
        rows = rows_of(card)
        for words, name in WHOLE.items():
            if name in chosen.test:
                cell = rows[words][0]
                ends = [number(end) for end in re.findall(r"\((.+) to (.+)\)", cell)[0]]
                assert number(cell) == pytest.approx(chosen.test[name], abs=6e-4)
                assert ends == pytest.approx(chosen.test_interval[name], abs=6e-4)
        for one in chosen.comparisons:
            assert f"- {one.sentence().capitalize()}.\n" in card
        assert ("**People alone " in card) == any(
            one.to == "the decision-maker alone" and one.differences["error"].value > 0
            for one in chosen.comparisons
        )
        for caution in chosen.warnings():
            assert f"- {caution.capitalize()}.\n" in card


def test_thresholds_of_the_card_are_those_of_the_model(exported: dict[str, Path]) -> None:
    model, card = load_model(exported["defer-posthoc"]), (exported["defer-posthoc"] / CARD_FILE).read_text()
    bands = [cells[1:] for cells in tables(card) if len(cells) == 3 and cells[0] in GROUPS]
    assert np.array(bands, dtype=float) == pytest.approx(np.array([model.t0, model.t1]).T, rel=1e-3)


def test_interval_of_the_error_is_about_that_of_a_proportion(exported: dict[str, Path]) -> None:
    card = (exported["binary-mlp"] / CARD_FILE).read_text()
    (cell,) = rows_of(card)["error of the joint system"]
    low, high = (number(end) for end in re.search(r"\((.+) to (.+)\)", cell).groups())  # type: ignore[union-attr]
    error = load_model(exported["binary-mlp"]).about["run"]["test_error"]
    half = 1.96 * np.sqrt(error * (1 - error) / 100)
    assert (low, high) == pytest.approx((error - half, error + half), abs=0.02)


def test_what_the_card_says_a_program_can_read(exported: dict[str, Path]) -> None:
    facts = json.loads((exported["defer-gate"] / "model.json").read_text())
    assert facts["about"]["decision_maker_alone"][0]["idk_rate"] == 1
    assert np.array(facts["about"]["test_rows_by_a_and_label"]).sum() == 100


@pytest.mark.parametrize("arm", ["defer-ordinal", "binary-mlp"])
def test_card_shows_calibration_and_other_shares_of_deferral(
    arm: str, exported: dict[str, Path], families: ResultsDirectory
) -> None:
    table = pd.read_csv(families.root.parent / "cases.csv")
    model, card = load_model(exported[arm]), (exported[arm] / CARD_FILE).read_text()
    table.loc[2, "place"] = None
    test = table[table["split"] == "test"]
    decided, bad = model.decide(test), test["bad"].to_numpy()
    order = np.argsort(decided["probability"].to_numpy(), kind="stable")
    bins = model.about["calibration"]["probability"]["bins"]
    assert sum(of["cases"] for of in bins) == 100
    assert bins[0]["share"] == pytest.approx(bad[order[: bins[0]["cases"]]].mean())
    error = model.about["calibration"]["probability"]["error"]
    assert f"(`probability`): expected calibration error {error:.3f}." in card
    assert "dm_right" not in model.about["calibration"]
    assert ("risk_coverage" in model.about) == (arm != "binary-mlp") == ("AURC" in card)
    if arm != "binary-mlp":
        first = np.argsort(-decided["benefit"].to_numpy(), kind="stable")[:20]
        asked = np.isin(np.arange(100), first)
        wrong = np.where(asked, test["judge"], decided["prediction"]) != bad
        point = model.about["risk_coverage"]["points"][0]
        assert (point["coverage"], point["error"]) == (0.8, pytest.approx(wrong.mean()))
        run = families.read_runs()[0].set_index("run_id").loc[model.about["run"]["run_id"]]
        assert model.about["risk_coverage"]["aurc"] == pytest.approx(run["test_aurc"], abs=1e-12)


HOSTILE = "<script>alert(1)</script> [x](http://a) ![i](j) `c` | **b** _e_\n# heading\n- item &lt; $1$"


def test_what_a_table_is_called_and_holds_is_shown_letter_by_letter(
    exported: dict[str, Path], families: ResultsDirectory
) -> None:
    """Names of columns and values, of the study and of its data are anything that a table may hold."""
    model = load_model(exported["defer-posthoc"])
    run = {**model.about["run"], "study": HOSTILE}
    study = {**model.about["study"], "dataset": {**model.about["study"]["dataset"], "name": HOSTILE}}
    study["dataset"]["label"] = {"column": HOSTILE, "positive": HOSTILE}
    study["dataset"]["sensitive"] = {"column": HOSTILE, "is": HOSTILE}
    made = replace(
        model,
        preprocessing=replace(
            model.preprocessing, group=replace(model.preprocessing.group, column=HOSTILE)
        ),
        about={**model.about, "run": run, "study": study, "source": HOSTILE},
    )
    metrics = dict.fromkeys(MEASURED, Spread(0.25, None))
    chosen = Study(families.root).select(include_degenerate=True)
    card = model_card(made, metrics, f"3 groups by {HOSTILE}", chosen)
    plain = model_card(model, metrics, "test cases", chosen)
    assert [line for line in card.splitlines() if line.startswith("#")] == [
        line for line in plain.splitlines() if line.startswith("#")
    ]
    assert len(card.splitlines()) == len(plain.splitlines())
    # Outside of code, all that Markdown and HTML would take for their own has a backslash before it.
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"(?s)```.*?```", "", card))
    for start in ("<script", "[x", "**b", "_e_", "&lt", "$1"):
        assert not re.search(rf"(?<!\\){re.escape(start)}", outside), start
    # A bar in a cell makes no column of its own.
    for cells in tables(card):
        assert len(cells) in (2, 3, 4, 7)


@pytest.mark.parametrize("text", ["a", "`", "a``b", "``` x", "a\nb", "<i>"])
def test_code_holds_any_text_on_one_line(text: str) -> None:
    span = code(text)
    fence = re.match("`+", span)[0]  # type: ignore[index]
    inner = span.removeprefix(fence).removesuffix(fence)
    assert fence not in inner
    assert inner.strip() == " ".join(text.split())
