import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from study.reports.page.rendering import render
from study.reports.paper.claims import Verdict
from study.reports.paper.paper import cost, review, write_paper
from study.reports.paper.paper_figures import FIGURES
from study.reports.paper.review import claims
from tests.reports.browser import page, rendered, section
from tests.reports.decided import named, world
from tests.reports.synthetic import ledger, results

STUDIES = [
    *("paper-figure-3a", "paper-figure-3b", "paper-figure-5", "paper-figure-6"),
    *("paper-figure-7-compas", "paper-figure-7-health", "paper-figure-9"),
]
WORLD = world(seeds=4, settings=4)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all studies but Health's."""
    out = tmp_path_factory.mktemp("paper")
    parts = {study: named(WORLD, study) for study in STUDIES if study != "paper-figure-3b"}
    assert write_paper(parts, out) == out / "index.html"
    return out


def test_every_figure_of_the_paper_names_the_study_it_draws_on() -> None:
    assert list(FIGURES) == ["3a", "3b", "4", "5", "6", "7", "8", "9"]
    assert {study for figure in FIGURES.values() for study in figure.sources} == set(STUDIES)


def test_the_page_has_every_figure_its_drawing_and_its_claims(paper: Path) -> None:
    seen = page(paper)
    anchors = [attributes["id"] for attributes in seen.named("section")]
    assert anchors == ["claims", "rule", *(f"figure-{name}" for name in FIGURES)]
    names = {path.stem for path in (paper / "figures").glob("*.svg")}
    assert names == {path.stem for path in (paper / "figures").glob("*.png")}
    # Figure 8 is the right half of the drawing of Figure 7.
    assert {name.split("-")[1] for name in names} == {"3a", "4", "5", "6", "7", "9"}
    assert seen.text.count("Drawn together with Figure 7.") == 2
    for target in (a["href"] or "" for a in seen.named("a")):
        assert target.removeprefix("#") in anchors or (paper / target).exists()
    ids = [a["id"] for _, a in seen.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_page_shows_each_verdict_beside_what_was_measured(paper: Path) -> None:
    rows = pd.read_csv(paper / "claims.csv")
    seen = page(paper)
    assert set(rows["verdict"]) <= set(Verdict)
    assert {"holds", "does not hold", "not run"} <= set(rows["claim_verdict"])
    verdicts = [row[-1] for row in seen.tables[0][1:]]
    found = rows.drop_duplicates(["claim", "says"])
    assert verdicts == found["claim_verdict"].tolist()
    parts = [row[-1] for table in seen.tables[1:] for row in table[1:]]
    assert parts == rows["verdict"].tolist()
    first = rows.iloc[0]
    assert f"{100 * first['estimate']:.1f} %" in seen.text
    assert f"{100 * first['test_low']:.1f} to {100 * first['test_high']:.1f} %" in seen.text


def test_what_the_world_is_made_to_be_is_what_the_claims_say(paper: Path) -> None:
    rows = pd.read_csv(paper / "claims.csv").set_index(["claim", "statistic"])["verdict"]
    assert rows["Figure 3a", "hypervolume, deferring less rejecting, validation-selected front"] == "holds"
    assert (
        rows["Figure 5", "odds difference of the biased decision-maker less that of the standard one"]
        == "holds"
    )
    rejecting = (
        "area between the CDFs of deferral rates with the biased and the standard decision-maker: rejecting"
    )
    assert rows["Figure 6", rejecting] == "holds"
    assert (
        rows[
            "Figure 9",
            "hypervolume, deferring trained with the oracle less rejecting, validation-selected front",
        ]
        != "holds"
    )


def test_the_rule_stands_before_the_tables_and_missing_studies_are_said(paper: Path) -> None:
    text = page(paper).text
    rule, first = text.index("The rule was fixed before"), text.index("Figure 3a. ")
    assert rule < first
    assert "Study paper-figure-3b: not run yet." in text
    assert text.count("92,671 members") == 3
    assert "holds in part at most" in text


def test_the_times_a_study_took_are_said() -> None:
    # The session of the synthetic study begins at 00:00:00 and ends at 00:10:59 UTC.
    said = cost(WORLD)
    n = len(WORLD.runs)
    assert said.startswith(
        f"{n} of {n} runs; training took {n / 2:.0f} s of one core’s time, 11 min on the clock"
    )
    assert cost(replace(WORLD, manifest={})).endswith("of one core’s time.")


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    parts = {"paper-figure-9": named(WORLD, "paper-figure-9")}
    for where in ("one", "two"):
        write_paper(parts, tmp_path / where, ["9"])
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_report_of_one_study_has_the_claims_of_its_figures() -> None:
    text = section("claims", named(WORLD, "paper-figure-3a")).text
    for words in ("Appendix B, COMPAS", "Figure 3a. COMPAS", "Figure 4. COMPAS", "24 %", "29 %"):
        assert words in text
    assert "Figure 5" not in text
    assert claims(WORLD) is None


def test_every_table_heading_says_what_it_heads() -> None:
    seen = section("claims", named(WORLD, "paper-figure-6"))
    assert {attributes.get("scope") for attributes in seen.named("th")} == {"col", "rowgroup"}


def test_without_outcomes_the_section_says_so() -> None:
    given = replace(named(WORLD, "paper-figure-9"), outcomes=lambda wanted: None)
    assert "There are no bootstrap intervals over test cases: the outcomes" in section("claims", given).text


def test_claims_without_runs_have_no_verdict() -> None:
    given = named(replace(WORLD, runs=WORLD.runs[:0]), "paper-figure-5")
    for found in (review("paper-figure-5", given), review("paper-figure-5", None)):
        assert {claim.verdict for claim in found.judged["5"]} == {Verdict.NOT_RUN}
    assert "4 not run" in rendered("claims", **claims(given)).text


def test_the_study_of_methods_has_claims_of_its_own() -> None:
    arms = WORLD.runs.groupby(["method", "model", "decision_maker", "seed"])
    # Every method has settings that defer fewer cases than 30 %, and such that defer more.
    runs = WORLD.runs.assign(validation_idk_rate=arms["validation_idk_rate"].rank(method="first", pct=True))
    # In this world those that ask well by confidence are the rejecting models of another name.
    chow = runs[runs["method"] == "reject"].assign(method="confidence", model="mlp")
    renamed = runs.assign(run_id=runs["run_id"]).drop(index=chow.index)
    given = named(replace(WORLD, runs=pd.concat([renamed, chow])), "methods")
    judged = review("methods", given).judged
    assert list(judged) == ["methods"]
    verdicts = {}
    for claim in judged["methods"]:
        for part, verdict in zip(claim.claim.parts, claim.verdicts, strict=True):
            verdicts[claim.claim.where, part.description] = verdict
    beaten = "error, defer less confidence, deferring 30 %"
    assert verdicts["Chow 1970; standard decision-maker", beaten] == Verdict.HOLDS
    assert verdicts["Chow 1970; biased decision-maker", beaten] == Verdict.HOLDS
    level = "error, ova less ce, deferring 30 %"
    assert verdicts["Verma and Nalisnick 2022; standard decision-maker", level] == Verdict.NOT_RUN
    text = section("claims", given).text
    assert "Methods, the paper’s and the field’s" in text
    assert "Figure methods" not in text


def test_each_of_several_models_has_its_own_claims() -> None:
    runs = ledger(300, models=("gate", "ordinal"), decision_makers=("standard",))
    judged = review("paper-figure-3a", named(results(runs), "paper-figure-3a"), ["4"]).judged["4"]
    assert {claim.claim.where for claim in judged} == {"Figure 4, model gate", "Figure 4, model ordinal"}


def test_names_are_shown_and_not_run(tmp_path: Path) -> None:
    model = '<script>"&x'
    runs = ledger(200, models=(model, "<b>"), decision_makers=("standard",))
    write_paper({"paper-figure-3a": named(results(runs), "paper-figure-3a")}, tmp_path, ["3a"])
    seen = page(tmp_path)
    assert not {"script", "b"} & {name for name, _ in seen.elements}
    assert seen.text.count(model) > 3


def test_a_document_is_self_contained_and_escapes_its_title() -> None:
    text = render("document", title="<b>")
    assert text.startswith("<!DOCTYPE html>")
    assert "<title>&lt;b&gt;</title>" in text
    assert not re.search(r"<(link|script|img)", text)
