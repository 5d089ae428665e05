"""docs/report.md: its commands run, and it knows every part and table of a report."""

import re
import shutil
from pathlib import Path

import pytest

from study.reports.measure.measures import TABLES
from study.results.directory import ResultsDirectory
from tests.docs.pages import follow, text

PAGE = "docs/report.md"


@pytest.mark.usefixtures("_own_sigterm")
def test_the_commands_run_and_every_part_of_the_report_is_explained(
    tiny_results: ResultsDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_results.root, "results/default")
    follow(PAGE)
    titles = re.findall(r"<h2>(.*?)</h2>", Path("results/default/report/index.html").read_text("utf-8"))
    assert len(titles) > 8
    for title in titles:
        assert title in text(PAGE), title


def test_every_table_is_named() -> None:
    for name in TABLES:
        assert f"`{name}.csv`" in text(PAGE), name


def test_the_readme_leads_here() -> None:
    assert f"({PAGE})" in text("README.md")
