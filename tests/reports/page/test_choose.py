"""The first screen, in which a person chooses a run, in a real browser."""

import itertools
import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from study.reports.figures.album import Album
from study.reports.measure.measures import Measures
from study.reports.measure.shown_runs import shown_runs
from study.reports.page.front import front
from study.reports.page.report import page_of
from study.results.limits import OBJECTIVES, POINT, Question, best
from study.results.study_results import Results
from study.words import cell_columns
from tests.reports.browser import section
from tests.reports.chromium import Tab, chromium
from tests.reports.decided import world
from tests.reports.synthetic import ledger, results
from tests.results.counts import with_counts

FLAGS = {"error": "error", "di": "di", "idk_rate": "idk"}
MODEL, MAKER = "</script><script>window.theyRan = 1</script>", '"><img src=x onerror="window.theyRan = 1">'
LIMITS = [
    dict(zip(FLAGS, values, strict=True))
    for values in itertools.product((None, 0.28, 0.31), (None, 0.05, 0.12), (None, 0.0, 0.3))
]
READY = "document.getElementById('front-plot').dataset.ready"
# What a test needs to read and type on the page.
TOOLS = """
  const $ = (id) => document.getElementById("front-" + id);
  const input = () => new Event("input", { bubbles: true });
  const put = (id, value) => { $(id).value = value; $(id).dispatchEvent(input()); };
  const method = (name) => $("methods").querySelector(`input[value=${name}]`);
  const svg = () => $("plot").querySelector("svg").getBoundingClientRect();
  const run = () => $("export").textContent.split(" ")[3].replaceAll("'", "");
"""


def given() -> Results:
    runs = ledger(900, models=("ordinal", MODEL), decision_makers=("standard", MAKER))
    # Three runs at one place, as those that defer everything are.
    metrics = [column for column in runs if column.startswith(("validation_", "test_"))]
    same = runs.index[runs["method"].eq("reject") & runs["decision_maker"].eq("standard")][:3]
    runs.loc[same, metrics] = runs.loc[same[0], metrics].to_numpy()
    return results(runs)


@pytest.fixture(scope="module")
def measures() -> Measures:
    return Measures(given())


@pytest.fixture(scope="module")
def page(measures: Measures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("page") / "index.html"
    page.write_text(page_of(measures, Album()), "utf-8")
    return page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with chromium(tmp_path_factory.mktemp("browser")) as tab:
        tab.size(1280)
        yield tab


@pytest.fixture
def tab(browser: Tab, page: Path) -> Tab:
    browser.open("about:blank")
    browser.requests.clear()
    browser.errors.clear()
    browser.open(page, READY)
    return browser


def look(tab: Tab, expression: str) -> Any:
    return tab.do(f"{TOOLS} return {expression}")


def where(tab: Tab, run: str) -> tuple[float, float]:
    """Where the middle of a run's point is in the window."""
    x, y = look(tab, f"(window.reportFront.place({json.dumps(run)}))")
    return x, y


def known(measures: Measures) -> pd.DataFrame:
    """The ledger as the rule wants it: a row per candidate, named by its run."""
    return measures.results.runs.assign(setting_id=measures.results.runs["run_id"])


def test_the_browser_chooses_what_the_rule_chooses_from_all_runs(tab: Tab, measures: Measures) -> None:
    asked = [{FLAGS[n]: "" if v is None else str(v) for n, v in limits.items()} for limits in LIMITS]
    answers = look(
        tab,
        f"""(() => {{ put("decision_maker", ""); return {json.dumps(asked)}.flatMap((limits) =>
          ["error", "di", "idk"].map((least) => {{
            for (const flag of ["error", "di"]) put(flag, limits[flag]);
            put("idk", limits.idk || 1); put("minimise", least);
            return [run(), ...["lead", "select", "export"].map((id) => $(id).textContent)]; }})) }})()""",
    )
    settings = known(measures)
    for (limits, minimise), (run, lead, select, export) in zip(
        itertools.product(LIMITS, OBJECTIVES), answers, strict=True
    ):
        wanted = {name: limit for name, limit in limits.items() if limit is not None}
        expected = best(settings, Question(minimise, wanted))
        assert expected is not None
        assert run == expected["run_id"], (limits, minimise)
        assert lead.startswith("No run is within the limits. The nearest is") == (expected["excess"] > 0)
        assert shlex.split(export) == ["study", "export", "results/synthetic", run, "--out", "model"]
        words = shlex.split(select)
        for name, limit in wanted.items():
            assert float(words[words.index(f"--max-{FLAGS[name]}") + 1]) == limit
    assert {lead[:2] for _, lead, _, _ in answers} == {"No", "Th"}


def test_the_page_begins_with_the_best_run_at_the_budget_of_the_first_screen(
    tab: Tab, measures: Measures
) -> None:
    runs = known(measures)
    expected = best(
        runs[runs["decision_maker"].isin(["standard", "none"])], Question("error", {"idk_rate": 0.3})
    )
    assert expected is not None
    assert look(tab, "[run(), $('idk').value, $('idk-text').textContent]") == [
        *(expected["run_id"], "0.3", "30 %")
    ]
    said = look(tab, "$('table').textContent")
    assert f"{expected['test_error']:.3f}" in said
    assert (
        look(tab, "$('select').textContent")
        == "study select results/synthetic --max-idk 0.3 --decision-maker standard"
    )


def test_a_click_chooses_a_run_and_every_run_of_points_that_coincide(tab: Tab, measures: Measures) -> None:
    runs = measures.results.runs
    alone = runs[runs["method"].eq("binary") & runs["validation_error"].notna()]
    lowest = alone.loc[alone["validation_error"].idxmin(), "run_id"]
    tab.click(*where(tab, lowest))
    assert look(tab, "run()") == lowest
    assert look(tab, "$('lead').textContent").startswith("Your choice")
    same = runs[runs["method"].eq("reject") & runs["decision_maker"].eq("standard")]["run_id"][:3].tolist()
    seen = set()
    for _ in same:
        tab.click(*where(tab, same[0]))
        seen.add(look(tab, "run()"))
    assert set(same) <= seen | set(look(tab, "window.reportFront.here()"))
    assert len(seen) == 3
    assert look(tab, "$('here').hidden") is False
    listed = look(tab, "$('here').querySelectorAll('button').length")
    assert listed >= 3


def test_every_run_that_is_drawn_can_be_reached(tab: Tab) -> None:
    """By clicking where its point is, as often as there are runs at that point."""
    missed = look(
        tab,
        """(() => { const all = window.reportFront.drawn(), missed = [];
        for (const id of all.slice(0, 150)) {
          const [x, y] = window.reportFront.place(id);
          let found = false;
          for (let i = 0; i < 40 && !found; i++) {
            $("plot").dispatchEvent(new MouseEvent("click", { clientX: x, clientY: y, bubbles: true }));
            found = run() === id;
          }
          if (!found) missed.push(id);
        }
        return missed; })()""",
    )
    assert missed == []


def test_the_keyboard_alone_is_enough(tab: Tab) -> None:
    before = look(tab, "run()")
    for _ in range(40):
        tab.press("Tab")
        if look(tab, "document.activeElement.id") == "front-plot":
            break
    assert look(tab, "document.activeElement.id") == "front-plot"
    tab.press("ArrowLeft", times=3)
    after = look(tab, "run()")
    assert after != before
    tab.press("Tab", times=1, shift=True)
    assert look(tab, "document.activeElement.name") == "method"
    tab.press(" ")
    assert look(tab, "document.activeElement.checked") is False
    assert look(tab, "window.reportFront.drawn().length") < 900


def test_the_address_keeps_the_choice(tab: Tab, page: Path) -> None:
    look(tab, "put('idk', '0.45')")
    tab.do(f"{TOOLS} method('binary').click(); $('after').click();")
    chosen, address = look(tab, "run()"), look(tab, "location.hash")
    tab.open("about:blank")
    tab.open(f"{page.as_uri()}{address}", READY)
    assert look(tab, "[run(), $('idk').value]") == [chosen, "0.45"]
    assert look(tab, "method('binary').checked") is False
    tab.do(f"{TOOLS} $('reset').click()")
    assert look(tab, "[$('idk').value, location.hash]") == ["0.3", ""]


def test_a_page_that_renews_itself_keeps_the_choice_wherever_it_is_read(tab: Tab, page: Path) -> None:
    tab.do(f"{TOOLS} $('after').click(); location.hash = '#glossary'")
    chosen = look(tab, "run()")
    address = tab.do("window.reportFront.keep(); return location.hash")
    tab.open("about:blank")
    tab.open(f"{page.as_uri()}{address}", READY)
    assert look(tab, "run()") == chosen


def test_methods_and_decision_makers_are_switched_on_and_off(tab: Tab, measures: Measures) -> None:
    runs = measures.results.runs
    tab.do(f"{TOOLS} method('binary').click(); method('defer').click();")
    shown = set(look(tab, "window.reportFront.drawn()"))
    own = (
        runs["method"].eq("reject") & runs["decision_maker"].eq("standard") & runs["validation_di"].notna()
    )
    assert shown == set(runs.loc[own, "run_id"])
    assert "--method reject" in look(tab, "$('select').textContent")
    makers = look(tab, "[...$('decision_maker').options].map((o) => o.value)")
    assert makers == ["", "standard", MAKER]
    look(tab, f"put('decision_maker', {json.dumps(MAKER)})")
    assert shlex.split(look(tab, "$('select').textContent"))[-2:] == ["--decision-maker", MAKER]


def test_the_pointer_shows_the_run_below_it(tab: Tab, measures: Measures) -> None:
    chosen = look(tab, "run()")
    tab.move(*where(tab, chosen))
    row = measures.results.runs.set_index("run_id").loc[chosen]
    said = look(tab, "$('tip').hidden ? '' : $('tip').textContent")
    assert f"error {row['validation_error']:.3f}" in said
    assert f"seed {row['seed']}" in said


def test_commands_quote_what_a_shell_would_not_read_as_one_word(tab: Tab) -> None:
    look(tab, """put("directory", "my studies/it's here")""")
    assert shlex.split(look(tab, "$('export').textContent"))[2] == "my studies/it's here"


def test_a_wrong_limit_is_marked(tab: Tab) -> None:
    look(tab, "put('error', '7')")
    assert look(tab, "$('error').getAttribute('aria-invalid')") == "true"


def test_names_are_shown_and_nothing_of_them_runs_or_is_loaded(tab: Tab) -> None:
    assert look(tab, "[window.theyRan === undefined, document.images.length]") == [True, 0]
    assert look(tab, "performance.getEntriesByType('resource').map((e) => e.name)") == []
    assert len(tab.requests) == 1
    assert tab.errors == []


def test_zooming_keeps_the_chosen_run_in_the_middle_and_comes_back(tab: Tab) -> None:
    whole = look(tab, "window.reportFront.ends()")
    tab.do(f"{TOOLS} $('closer').click()")
    low, high = look(tab, "window.reportFront.ends()")
    assert high - low == pytest.approx((whole[1] - whole[0]) / 2)
    tab.do(f"{TOOLS} $('whole').click()")
    assert look(tab, "window.reportFront.ends()") == pytest.approx(whole)


def test_what_was_chosen_is_printed_without_controls(tab: Tab) -> None:
    tab.do(f"{TOOLS} $('after').click()")
    chosen = look(tab, "run()")
    tab.media("print")
    try:
        assert chosen in look(tab, "$('card').innerText.replace(/\\s/g, '')")
        seen = "[...document.querySelectorAll('form, nav, button')].filter((e) => e.offsetParent).length"
        assert look(tab, seen) == 0
        assert look(tab, "svg().height > 300")
    finally:
        tab.media()


def test_without_javascript_there_is_a_table(browser: Tab, page: Path) -> None:
    browser.open(page, scripts=False)
    assert browser.do("return document.getElementById('front-app').hidden")
    assert browser.do("return document.querySelector('#front-listed table').offsetHeight") > 100
    assert "Without it there are the picture" in browser.do("return document.body.innerText")


def test_the_card_has_the_interval_of_the_run_itself(browser: Tab, tmp_path: Path) -> None:
    measures = Measures(world())
    page = tmp_path / "index.html"
    page.write_text(page_of(measures, Album()), "utf-8")
    browser.open(page, READY)
    chosen, shown = look(
        browser, "[run(), [...$('table').querySelectorAll('.interval')].map((e) => e.textContent)]"
    )
    row = measures.run_intervals.frame.set_index("run_id").loc[chosen]
    assert shown[:2] == [f"{row[f'{m}_low']:.3f} to {row[f'{m}_high']:.3f}" for m in ("error", "di")]


def test_degenerate_runs_are_chosen_only_if_asked_for(browser: Tab, tmp_path: Path) -> None:
    runs = with_counts(ledger(60, decision_makers=("standard",)))
    constant = with_counts(runs.iloc[[20]], wrong=(0, 50, 0, 50)).assign(validation_error=0.001)
    page = tmp_path / "index.html"
    page.write_text(
        page_of(Measures(results(pd.concat([constant, runs.drop(index=20)]))), Album()), "utf-8"
    )
    browser.open("about:blank")
    browser.open(page, READY)
    (run,) = constant["run_id"]
    assert "1 degenerate run is left out unless asked for" in browser.do("return document.body.innerText")
    assert look(browser, "run()") != run
    assert run not in look(browser, "window.reportFront.drawn()")
    browser.do(f"{TOOLS} put('idk', 1); $('degenerate').click()")
    assert look(browser, "[run(), location.hash]") == [run, "#idk=1&degenerate=1"]
    assert "--include-degenerate" in look(browser, "$('select').textContent")


def test_the_chosen_run_is_shown_by_group_and_by_other_shares_of_deferred_cases(
    browser: Tab, tmp_path: Path
) -> None:
    given = world()
    runs = with_counts(given.runs, wrong=(10, 20, 5, 0))
    more = [f"{split}_{m}" for split in ("validation", "test") for m in ("balanced_error", "fpr", "fnr")]
    runs = runs.assign(**dict.fromkeys(more, 0.4))
    on_test = runs[cell_columns("validation")].set_axis(cell_columns("test"), axis=1)
    benefit = np.linspace(-1, 1, 240, dtype=np.float32)
    measures = Measures(
        replace(
            given,
            runs=pd.concat([runs, on_test], axis=1),
            benefits=lambda rows: ((run, benefit) for run in rows["run_id"]),
        )
    )
    page = tmp_path / "index.html"
    page.write_text(page_of(measures, Album()), "utf-8")
    browser.open(page, READY)
    browser.do(f"{TOOLS} $('methods').querySelector('[value=binary]').click()")
    said = look(browser, "$('cells-text').textContent")
    named = measures.group_names
    assert f"wrong, {named.outcomes[1]}, {named.groups[0]}: 40.0 % (20 of 50)" in said
    assert f"deferred, {named.outcomes[0]}, {named.groups[1]}: 0.0 % (0 of 50)" in said
    ends = look(browser, "window.reportFront.wilson(20, 50)")
    expected = binomtest(20, 50).proportion_ci(method="wilson")
    assert [ends["low"], ends["high"]] == pytest.approx([expected.low, expected.high])
    curve = measures.run_curves[look(browser, "run()")]
    said = look(browser, "$('curve-text').textContent")
    first = f"Test error {curve[0]:.3f} with 0 % deferred, {curve[2]:.3f} with 10 % deferred"
    assert said.startswith(first)
    assert said.endswith(f"{curve[-1]:.3f} with 100 % deferred.")
    drawn = "document.querySelectorAll('#front-cells path, #front-curve path').length"
    assert browser.do(f"return {drawn}") > 10


def test_cases_that_belong_together_get_no_interval_of_independent_ones() -> None:
    runs = with_counts(ledger(30, decision_makers=("standard",)))
    more = [f"{split}_{m}" for split in ("validation", "test") for m in ("balanced_error", "fpr", "fnr")]
    runs = runs.assign(**dict.fromkeys(more, 0.4))
    on_test = runs[cell_columns("validation")].set_axis(cell_columns("test"), axis=1)
    for units, independent in (("test cases", True), ("groups of test cases", False)):
        given = results(pd.concat([runs, on_test], axis=1), units=units)
        data = json.loads(section("choose", given).scripts[0])
        assert data["cells"]["independent"] == independent


def test_data_in_the_page_is_the_ledger(measures: Measures) -> None:
    seen = section("choose", measures.results)
    data = json.loads(seen.scripts[0])
    assert "<" not in seen.scripts[0]
    assert MODEL in data["names"]["model"]
    frame = measures.results.runs.set_index("run_id")
    assert len(data["rows"]) == frame["validation_di"].notna().sum()
    for row in data["rows"]:
        shown = dict(zip(data["columns"], row, strict=True))
        run = frame.loc[shown["run"]]
        assert data["names"]["method"][shown["method"]] == run["method"]
        point = np.array([shown[name] for name in POINT], dtype=float)
        assert point == pytest.approx(run[POINT].to_numpy(float), rel=1e-6)
        # Rounded once more for readers, they read as in `select` and on the card.
        on_test = [f"test_{metric}" for metric in OBJECTIVES]
        read = [[f"{value:.3f} {value:.1%}" for value in (shown[name], run[name])] for name in on_test]
        assert all(here == there for here, there in read)


def test_nothing_to_choose_from_has_no_section() -> None:
    runs = ledger(30, decision_makers=("standard",))
    metrics = [c for c in runs if c.startswith(("train_", "validation_", "test_"))]
    assert front(Measures(results(runs.assign(**dict.fromkeys(metrics, float("nan")))))) is None


def test_a_page_of_some_of_the_runs_names_what_its_choice_is_the_best_of(
    browser: Tab, tmp_path: Path
) -> None:
    measures = Measures(results(ledger(120)))
    page = tmp_path / "index.html"
    lead, what = '$("lead").textContent', '$("select-what").textContent'
    for step in (0.0, 0.01):
        measures.shown_runs = replace(shown_runs(measures.marked), known=20_000, step=step)
        page.write_text(page_of(measures, Album()), "utf-8")
        browser.open("about:blank")
        browser.open(page, READY)
        some = [
            "The best of the runs on this page within the limits, by validation:",
            "The choice among all 20,000 runs, in the shell:",
        ]
        best = ["The best of all runs within the limits, by validation:", "The same choice in the shell:"]
        assert look(browser, f"[{lead}, {what}]") == (some if step else best)
        # A run that is not on the front of upper limits can be the best above a lower one.
        browser.do(TOOLS + 'put("idk", 1); put("least", "0.1")')
        assert look(browser, f"[{lead}, {what}]") == some


def test_of_many_runs_those_are_shown_that_can_be_the_best_and_the_page_stays_small() -> None:
    runs = ledger(20_000)
    shown = shown_runs(Measures(results(runs)).marked)
    assert len(shown.frame) <= 2500
    candidates = runs.assign(setting_id=runs["run_id"]).dropna(subset=POINT)
    for limits, minimise in itertools.product(LIMITS, OBJECTIVES):
        wanted = {name: limit for name, limit in limits.items() if limit is not None}
        expected = best(candidates, Question(minimise, wanted))
        found = best(shown.frame.assign(setting_id=shown.frame["run_id"]), Question(minimise, wanted))
        assert expected is not None
        assert found is not None
        metric = f"validation_{minimise}"
        assert found[metric] <= expected[metric] + shown.step
    text = page_of(Measures(results(runs)), Album())
    assert f"{len(shown.frame):,} of {shown.known:,} runs" in text
    assert len(text) < 4_000_000
