"""A study of a table with words of its own: the model, its card and the report speak in them."""

from pathlib import Path

import pandas as pd
import pytest

from study import Study, load_model
from study.deploy.apply import apply
from tests.worlds.own_tables import cases


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the table, the results, a model and a report of a small study lie."""
    place = tmp_path_factory.mktemp("words")
    frame = cases(240)
    for column in ("bad", "judge"):
        frame[column] = frame[column].map({0: "good", 1: "default"})
    frame.to_csv(place / "cases.csv", index=False)
    section = {
        "path": str(place / "cases.csv"),
        "label": {"column": "bad", "positive": "default"},
        "sensitive": {"column": "race", "is": "B"},
        "decision_maker": "judge",
        "drop": ["case", "sure"],
    }
    given = {
        **{
            "study": "words",
            "dataset": section,
            "decision_maker": "column",
            "methods": ["binary", "defer"],
        },
        **{"search": {"sampler": "random", "settings": 2}, "seeds": 1, "training": {"max_epochs": 3}},
    }
    study = Study.run(given, out=place / "results", in_process=True)
    runs = study.results()
    study.export(runs.loc[runs["method"] == "defer", "run_id"].iloc[0], place / "model")
    study.report(place / "report")
    return place


def test_predictions_are_in_the_words_of_the_table_next_to_0_and_1(place: Path) -> None:
    decided = apply(place / "model", place / "cases.csv", place / "decided.csv")
    assert list(decided)[len(cases(1).columns) :][:2] == ["prediction", "predicted"]
    assert set(decided["predicted"]) <= {"good", "default"}
    assert ((decided["predicted"] == "default") == (decided["prediction"] == 1)).all()
    assert (pd.read_csv(place / "decided.csv")["predicted"] == decided["predicted"]).all()
    model = load_model(place / "model")
    again = model.decide(pd.read_csv(place / "cases.csv"))
    assert list(again["predicted"]) == list(decided["predicted"])
    verdict = decided["predicted"].where(~decided["defer"], "deferred")
    assert (decided["reason"].str.partition(": ")[0] == verdict).all()
    # What scikit-learn asks for stays 0 and 1.
    assert set(model.predict(pd.read_csv(place / "cases.csv"))) <= {0, 1}


def test_the_card_names_outcomes_groups_and_people(place: Path) -> None:
    card = (place / "model" / "MODEL_CARD.md").read_text("utf-8")
    assert "odds difference where `bad` is good (false positives)" in card
    assert "error where `bad` is default" in card
    assert "Decision-maker for deferred cases: the people who decided in `judge`." in card
    assert "ratio of these selection rates, which the 80 % rule" in card


def test_the_report_names_people_and_the_ratio_of_selection_rates(place: Path) -> None:
    page = (place / "report" / "index.html").read_text("utf-8")
    assert "with the decision-maker judge" in page
    assert "decided as bad default, all cases" in page
    assert "ratio (80 % rule)" in page
    metrics = pd.read_csv(place / "report" / "metrics_by_group.csv")
    wide = metrics.pivot_table(index="what", columns="metric", values="value")
    both = wide[["selection_rate_a0", "selection_rate_a1"]]
    ratio = both.min(axis=1) / both.max(axis=1)
    assert wide["selection_ratio"].to_numpy() == pytest.approx(ratio.to_numpy(), nan_ok=True)
