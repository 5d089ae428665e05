"""study report --watch: written again while the study runs."""

from contextlib import ExitStack

import pytest

from study.cli import main
from study.commands import looking
from study.results.directory import ResultsDirectory

pytestmark = pytest.mark.usefixtures("_own_sigterm", "without_figures")


def test_a_watched_report_is_written_until_the_study_has_ended(
    tiny_copy: ResultsDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tiny_copy.root / "report" / "index.html"
    with ExitStack() as study:
        study.enter_context(tiny_copy.locked(lambda text: None))
        seen = []

        def wait(seconds: float) -> None:
            seen.append("The study is still running" in page.read_text("utf-8"))
            if len(seen) == 2:
                study.close()

        monkeypatch.setattr(looking.time, "sleep", wait)
        assert main(["report", str(tiny_copy.root), "--watch"]) == 0
    assert seen == [True, True]
    assert "The study is still running" not in page.read_text("utf-8")
    assert capsys.readouterr().out.count("report: ") == 3


def test_a_report_of_a_study_that_does_not_run_is_written_once(
    tiny_copy: ResultsDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking.time, "sleep", lambda seconds: pytest.fail("it waits"))
    assert main(["report", str(tiny_copy.root), "--watch"]) == 0


def test_before_the_first_pack_the_report_says_that_nothing_has_finished(
    tiny_copy: ResultsDirectory,
) -> None:
    for name in ("runs", "outcomes", "weights", "packs"):
        for file in (tiny_copy.root / name).iterdir():
            file.unlink()
    for name in ("decision_makers", "test_rows"):
        (tiny_copy.root / f"{name}.parquet").unlink()
    assert main(["report", str(tiny_copy.root)]) == 0
    assert "Nothing finished yet" in (tiny_copy.root / "report" / "index.html").read_text("utf-8")
