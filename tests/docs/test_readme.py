"""README.md, first screen: the commands and the example report are where a newcomer looks."""

from tests.docs.pages import ROOT, text


def test_the_commands_stand_above_everything_that_needs_scrolling() -> None:
    above = text("README.md").partition("```sh")[0]
    assert len(above.splitlines()) < 20


def test_the_example_is_a_report_of_a_study_that_has_ended() -> None:
    page = (ROOT / "docs/example-report/index.html").read_text("utf-8")
    assert 'id="front-data"' in page
    assert "Study “example”" in page
    assert "The study is still running" not in page
