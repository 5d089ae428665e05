"""The part of the page in which a person chooses, in a real browser where there is one."""

import itertools
import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.reports.figures.album import Album
from study.reports.measure.measures import Measures
from study.reports.page.chooser import chooser
from study.reports.page.report import page_of
from study.results.limits import OBJECTIVES, best
from study.results.settings import median_runs
from study.results.study_results import Results
from tests.reports.browser import section
from tests.reports.chromium import in_chromium
from tests.reports.decided import world
from tests.reports.synthetic import ledger, results

FLAGS = {"error": "error", "di": "di", "idk_rate": "idk"}
MODEL, MAKER = "</script><script>window.theyRan = 1</script>", '"><img src=x onerror="window.theyRan = 1">'
LIMITS = [
    dict(zip(FLAGS, values, strict=True))
    for values in itertools.product((None, 0.28, 0.31), (None, 0.05, 0.12), (None, 0.0, 0.3))
]


def given() -> Results:
    models, makers = ("ordinal", MODEL), ("standard", MAKER)
    found = results(ledger(900, models=models, decision_makers=makers))
    return found


@pytest.fixture(scope="module")
def whole() -> Measures:
    return Measures(given())


@pytest.fixture(scope="module")
def answers(whole: Measures, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("chosen")
    page = folder / "index.html"
    page.write_text(page_of(whole, Album()), "utf-8")
    asked = [{FLAGS[name]: "" if v is None else str(v) for name, v in limits.items()} for limits in LIMITS]
    script = (
        f"const asked = {json.dumps(asked)};"
        + """
      const chosen = () => document.querySelector("tr.chosen button")?.title.split(" ").pop();
      const column = (at) => texts([...$("table").tBodies[0].rows].map((row) => row.cells[at]));
      const found = { first: { chosen: chosen(), said: texts([$("result")])[0],
        select: $("select").textContent, export: $("export").textContent,
        limit: $("idk").value, heads: texts($("table").tHead.rows[0].cells) } };
      put("decision_maker", "");
      found.chosen = asked.flatMap((limits) => ["error", "di", "idk"].map((minimise) => {
        for (const flag of ["error", "di", "idk"]) put(flag, limits[flag]);
        put("minimise", minimise);
        return [chosen(), $("result").textContent, $("export").textContent];
      }));
      $("form").reset(); await rest();
      found.reset = [chosen(), $("idk").value, $("decision_maker").value];
      put("decision_maker", "");
      for (const flag of ["error", "di", "idk"]) put(flag, "");
      found.unlimited = [$("more").textContent, column(0).length];
      $("more").click();
      found.all = column(0).length;
      const heads = [...$("table").tHead.rows[0].querySelectorAll("button")];
      found.sorted = heads.map((head, at) => {
        head.click();
        const up = column(at), turn = head.closest("th").getAttribute("aria-sort");
        head.click();
        return { up, down: column(at), turns: [turn, head.closest("th").getAttribute("aria-sort")] };
      });
      put("method", "reject"); put("model", "ordinal");
      found.filtered = [column(1), column(2)];
      put("method", ""); put("model", "");
      const makers = [...$("decision_maker").options].map((option) => option.value);
      put("decision_maker", makers[2]);
      found.makers = [makers, [...new Set(column(3))], $("select").textContent];
      put("place", "my studies/it's here");
      found.place = $("select").textContent;
      put("error", "7");
      found.wrong = [$("result").textContent, $("error").getAttribute("aria-invalid")];
      put("error", "");
      const last = [...$("table").tBodies[0].rows].pop().querySelector("button");
      const taken = last.title.split(" ").pop();
      last.click();
      found.taken = [taken, chosen(), $("result").textContent, document.activeElement.title];
      found.ran = window.theyRan === undefined;
      found.images = document.images.length;
      found.loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
      found.scripts = document.querySelectorAll("main script").length;
      return found;
    """
    )
    return in_chromium(page, script, folder)


def test_the_browser_chooses_what_the_rule_chooses_from_all_settings(answers: Any, whole: Measures) -> None:
    settings = whole.settings
    asked = itertools.product(LIMITS, OBJECTIVES)
    for (limits, minimise), (setting, said, export) in zip(asked, answers["chosen"], strict=True):
        known = {name: limit for name, limit in limits.items() if limit is not None}
        expected = best(settings, known, minimise)
        assert expected is not None
        assert setting == expected["setting_id"], (limits, minimise)
        assert said.startswith("No setting is within the limits. The nearest is") == (
            expected["excess"] > 0
        )
        run = median_runs(given().runs, f"validation_{minimise}")[setting]
        assert shlex.split(export) == ["study", "export", "results/synthetic", run, "--out", "model"]
    assert {said[:2] for _, said, _ in answers["chosen"]} == {"No", "Of"}


def test_what_nothing_satisfies_names_the_nearest_and_what_it_misses(answers: Any) -> None:
    at = next(
        number
        for number, limits in enumerate(LIMITS)
        if limits == {"error": 0.28, "di": 0.05, "idk_rate": 0.0}
    )
    said = answers["chosen"][3 * at][1]
    assert re.search(r"over the limit of error by 0\.\d+", said)
    assert "On test: error 0." in said


def test_the_page_begins_with_the_workload_of_the_first_screen(answers: Any, whole: Measures) -> None:
    settings, budgets = whole.settings, whole.budgets
    own = settings[settings["decision_maker"].isin(["standard", "none"])]
    expected = best(own, {"idk_rate": 0.3}, "error")
    assert expected is not None
    (shown,) = budgets.loc[
        budgets["decision_maker"].eq("standard")
        & budgets["budget"].eq(0.3)
        & budgets["aim"].eq("lowest error"),
        "setting_id",
    ]
    first = answers["first"]
    assert (first["chosen"], first["limit"]) == (expected["setting_id"], "0.3")
    assert shown == expected["setting_id"]
    assert first["select"] == "study select results/synthetic --max-idk 0.3 --decision-maker standard"
    assert answers["reset"] == [expected["setting_id"], "0.3", "standard"]


def test_a_person_sorts_by_any_column_and_missing_values_stay_last(answers: Any) -> None:
    for head, found in zip(answers["first"]["heads"], answers["sorted"], strict=True):
        assert found["turns"] == ["ascending", "descending"]
        for way, texts in (("up", found["up"]), ("down", found["down"])):
            numbers = ["method", "model", "decision-maker", "setting"].count(head) == 0
            known = [text for text in texts if text != "–"]
            assert texts[: len(known)] == known, head
            keys = [_number(text) for text in known] if numbers else [t.removeprefix("✓ ") for t in known]
            assert keys == sorted(keys, reverse=way == "down"), head
    assert any("–" in found["up"] for found in answers["sorted"])


def _number(text: str) -> float:
    return float(text.split(" ")[0])


def test_long_tables_are_cut_until_all_is_asked_for(answers: Any) -> None:
    more, shown = answers["unlimited"]
    assert shown == 15
    assert more == f"Show all {answers['all']}"
    assert answers["all"] > 15


def test_a_person_filters_by_name(answers: Any) -> None:
    methods, models = answers["filtered"]
    assert set(methods) == {"reject"}
    assert set(models) == {"ordinal"}
    makers, shown, command = answers["makers"]
    assert makers == ["", "standard", MAKER]
    # Binary models ask nobody, so they stand beside everybody.
    assert set(shown) <= {MAKER, "none"}
    assert shlex.split(command)[-2:] == ["--decision-maker", MAKER]


def test_commands_quote_what_a_shell_would_not_read_as_one_word(answers: Any) -> None:
    assert shlex.split(answers["place"])[:3] == ["study", "select", "my studies/it's here"]


def test_a_limit_that_is_none_is_said_to_be_so(answers: Any) -> None:
    said, invalid = answers["wrong"]
    assert said.startswith("A limit must be a number from 0 to 1.")
    assert invalid == "true"


def test_a_person_takes_another_setting_and_keeps_the_keyboard_there(answers: Any) -> None:
    taken, chosen, said, focused = answers["taken"]
    assert chosen == taken
    assert said.startswith("Selected: ")
    assert focused.endswith(taken)


def test_names_are_shown_and_nothing_of_them_runs_or_is_loaded(answers: Any) -> None:
    assert answers["ran"]
    assert answers["images"] == 0
    assert answers["loaded"] == []
    assert answers["scripts"] == 2


def test_test_metrics_have_their_intervals_below(tmp_path: Path) -> None:
    measures = Measures(world())
    page = tmp_path / "index.html"
    page.write_text(page_of(measures, Album()), "utf-8")
    script = """
      const row = document.querySelector("tr.chosen");
      return [texts(row.querySelectorAll(".interval")), $("result").textContent,
        row.querySelector("button").title.split(" ").pop()];
    """
    intervals, text, setting = in_chromium(page, script, tmp_path)
    table = measures.candidates.frame.merge(measures.intervals.frame, on="setting_id")
    row = table[table["setting_id"] == setting].iloc[0]
    assert intervals[:2] == [f"{row[f'{f}_low']:.3f} to {row[f'{f}_high']:.3f}" for f in ("error", "di")]
    assert f"error {row['test_error']:.3f} ({intervals[0]})" in text


def test_without_javascript_the_table_has_the_validation_selected_fronts(whole: Measures) -> None:
    seen = section("choose", whole.results)
    honest = set(whole.fronts.loc[whole.fronts["front"] == "honest", "setting_id"])
    (table,) = seen.tables
    assert {row[0] for row in table[1:]} <= honest
    assert len(table) > 10
    assert "Without it, it shows settings of the validation-selected" in seen.text
    assert [a["id"] for a in seen.named("form")] == ["choose-form"]
    assert "hidden" in seen.named("form")[0]


def test_data_in_the_page_is_the_settings(whole: Measures) -> None:
    seen = section("choose", whole.results)
    data = json.loads(seen.scripts[0])
    assert "<" not in seen.scripts[0]
    assert MODEL in data["model"]
    frame = whole.candidates.frame.set_index("setting_id")
    assert [row[0] for row in data["rows"]] == list(frame.index)
    for row in data["rows"]:
        setting = frame.loc[row[0]]
        assert data["method"][row[1]] == setting["method"]
        shown = np.array(row[6:9], dtype=float)
        assert shown == pytest.approx(
            setting[[f"validation_{f}" for f in OBJECTIVES]].to_numpy(float), rel=1e-6
        )


def test_nothing_to_choose_from_has_no_section() -> None:
    runs = ledger(30, decision_makers=("standard",))
    metrics = [c for c in runs if c.startswith(("train_", "validation_", "test_"))]
    assert chooser(Measures(results(runs.assign(**dict.fromkeys(metrics, float("nan")))))) is None
