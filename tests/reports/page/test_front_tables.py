from dataclasses import replace

import numpy as np
import pandas as pd

from study.reports.measure.measures import Measures
from tests.reports.browser import section, undrawn
from tests.reports.synthetic import decision_makers, ledger, results


def test_decision_makers_are_grouped_and_ignore_further_columns() -> None:
    frame = decision_makers(("oracle", "biased", "standard")).assign(idk_rate=1.0, dm_error=0.2)
    by_split = frame.sort_values("split")[["idk_rate", *reversed(list(frame)[:-2])]]
    given = results(ledger(5))
    named = {"sensitive": {"column": "sex", "is": "f"}, "label": {"column": "sick", "positive": None}}
    given = replace(given, decision_makers=by_split, study={**given.study, "dataset": named})
    seen = section("decision-makers", given)
    (table,) = seen.tables
    heads = ["decision-maker", "split", "alpha", "error", "odds difference"]
    heads += ["difference, sick = 0", "difference, sick = 1", "error, sex not f", "error, sex f"]
    assert table[0] == heads
    firsts = [row[0] for row in table[1:] if len(row) == 9]
    assert firsts == ["standard", "biased", "oracle"]
    assert [row[-8] for row in table[1:]] == ["train", "validation", "test"] * 3
    assert [a["rowspan"] for a in seen.named("th") if a["scope"] == "rowgroup"] == ["3"] * 3
    test = frame[(frame["decision_maker"] == "oracle") & (frame["split"] == "test")].iloc[0]
    assert table[-1][-7:-4] == ["–", f"{test['error']:.3f}", f"{test['di']:.3f}"]


def test_without_both_methods_there_is_no_difference() -> None:
    seen = undrawn(results(ledger(100, methods=("binary", "defer"))))
    assert "defer − reject" not in seen.text
    assert "the front of deferring" not in seen.text


def test_a_long_front_is_thinned_on_the_page_and_whole_in_the_table() -> None:
    runs = ledger(120, seeds=1, methods=("defer",), decision_makers=("standard",))
    for split in ("test", "validation"):
        runs[f"{split}_error"] = 0.2 + np.arange(120) / 1000
        runs[f"{split}_di"] = 0.2 - np.arange(120) / 1000
    given = replace(results(runs.assign(status="patience")))
    assert "120 points, 40 shown" in undrawn(given).text
    assert len(Measures(given).fronts) == 240


def test_an_unknown_split_comes_last() -> None:
    frame = pd.concat([decision_makers(("biased",)).assign(split="holdout")[:1], decision_makers()])
    (table,) = section("decision-makers", replace(results(ledger(5)), decision_makers=frame)).tables
    assert [row[-8] for row in table[1:]] == [
        *("train", "validation", "test"),
        *("train", "validation", "test", "holdout"),
    ]


def test_front_tables_show_the_alpha_of_a_network_only_where_there_is_one() -> None:
    runs = ledger(300, models=("ordinal", "posthoc"), decision_makers=("oracle",))
    runs["model_alpha"] = np.where((runs["model"] == "posthoc") & (runs["method"] != "binary"), 0.5, np.nan)
    runs["test_decision_maker"] = runs["decision_maker"].replace({"oracle": "standard"})
    given = results(runs)
    seen = section("front-tables", given)
    assert "defer · posthoc · oracle, tested with standard" in seen.text
    fronts = Measures(given).fronts.groupby(["front", "method", "model"], sort=False).ngroups
    assert len(seen.tables) == fronts
    with_it = [table for table in seen.tables if "model alpha" in table[0]]
    assert len(with_it) == 4
    assert {row[5] for table in with_it for row in table[1:]} == {"0.5"}
