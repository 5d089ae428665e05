import pandas as pd

from study.reports.measure.measures import Measures
from study.reports.page.provenance import counts, progress, session_rows, warnings
from study.results.settings import medians_by_setting
from study.results.study_results import Results
from tests.reports.browser import Page, rendered, section
from tests.reports.synthetic import SESSION, ledger, results


def ran(given: Results) -> Page:
    return section("provenance", given)


def test_counts_add_up() -> None:
    runs = ledger(50).assign(seconds=72.0, epochs=100, status="patience")
    runs.loc[:2, "status"] = "diverged"
    facts = counts(results(runs), medians_by_setting(runs))
    assert facts["stopped: diverged"].startswith("3 runs (diverged")
    assert facts["stopped: patience"].startswith("47 runs (")
    assert facts["training time, all runs"] == "60 min (72 s per run)"
    assert (facts["epochs, median"], facts["workers"]) == ("100", "1")
    assert facts["first run finished"] == "2026-03-01 00:00:00 UTC"


def test_that_none_diverged_is_said() -> None:
    runs = ledger(50).assign(status="patience")
    assert counts(results(runs), medians_by_setting(runs))["stopped: diverged"] == "none"


def test_sessions_are_a_table_with_times_to_the_second_in_utc() -> None:
    seen = ran(results(ledger(50)))
    heads, row = next(table for table in seen.tables if table[0][0].startswith("started"))
    assert dict(zip(heads, row, strict=True)) == {
        "started, UTC": "2026-03-01 00:00:00",
        "ended, UTC": "2026-03-01 00:10:59",
        "state": "done",
        "host": "laptop",
        "where it ran": "Ray on this machine",
        "Python": "3.11.9",
    }
    assert "Last session: torch 2.9.0, ray 2.52.0, on Linux-6.1." in seen.text
    assert ["rows of data", "7,214"] in [row for table in seen.tables for row in table]
    assert "{" not in seen.text


def test_only_the_last_session_of_a_running_study_is_running() -> None:
    unended = {key: value for key, value in SESSION.items() if key not in ("ended", "state")}
    rows = session_rows([unended, unended], running=True)
    assert [row[2] for row in rows] == ["end not recorded", "running"]
    assert [row[1] for row in rows] == ["–", "–"]
    assert session_rows([unended], running=False)[0][2] == "end not recorded"


def test_no_manifest_and_no_runs_leave_the_counts() -> None:
    seen = ran(results(pd.DataFrame(columns=ledger(5).columns), manifest={}, planned=4, state="running"))
    assert "0 finished of 4 planned, 0 failed" in seen.text
    assert "Sessions" not in seen.text


def test_warnings_are_told_once_each_at_the_top() -> None:
    lines = ["DI is known to ± 0.13 only", "column <b> gives the label away: name it in drop"]
    given = results(ledger(20), manifest={"cautions": lines})
    seen = section("warnings", given)
    assert "DI is known to ± 0.13 only.Column <b> gives the label away: name it in drop." in seen.text
    assert "known to" not in ran(given).text
    for nothing in ({}, {"cautions": []}, {"cautions": "x"}):
        assert warnings(Measures(results(ledger(20), manifest=nothing))) is None


def test_only_a_complete_study_needs_no_word_on_its_progress() -> None:
    runs = ledger(50)
    assert progress(results(runs)) is None
    expected = {
        "The study has ended: 50 of 60 runs finished, 10 failed.": {"planned": 60, "failed": 10},
        "The study is still running: 50 of 60 runs finished, 0 failed.": {
            "planned": 60,
            "state": "running",
        },
    }
    for line, changes in expected.items():
        assert line in rendered("progress", progress=progress(results(runs, **changes))).text
