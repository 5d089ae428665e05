"""Reports that several tests look at, written once."""

from pathlib import Path

import pytest

from study.reports.page.report import write_report
from tests.reports.synthetic import ledger, results


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a finished study: one model, two decision-makers."""
    out = tmp_path_factory.mktemp("report")
    assert write_report(results(ledger(300)), out) == out / "index.html"
    return out


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two models with so many settings that the figures hold images."""
    out = tmp_path_factory.mktemp("crowded")
    given = {"models": ("mlp", "ordinal"), "methods": ("binary", "defer")}
    write_report(results(ledger(2000, seeds=1, decision_makers=("standard",), **given)), out)
    return out
