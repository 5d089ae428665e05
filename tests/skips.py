"""Which tests may be skipped: a plugin that fails a session under CI for any other skip."""

import os
import sys

import pytest

EXPECTED_SKIPS = [
    "needs compas-scores.csv in ../shared/data",
    "needs health.parquet in the cache, or pip and a network",
    "needs an NVIDIA GPU",
    "permissions do not bind the superuser",
    "no disk may be mounted here",
    "SCIPY_ARRAY_API is not set",
    *(("needs /proc", "no Chromium on the path") if sys.platform == "darwin" else ()),
]
"""How the reasons begin for which CI may skip a test; any other skip is a gap in what CI installs."""


class UnexpectedSkips:
    """Fails a session under CI in which a test was skipped for a reason that is not expected."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(tuple(EXPECTED_SKIPS)):
            self.reasons.add(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.reasons and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.reasons:
            terminalreporter.section("skips that CI does not expect: install what they need")
        for reason in sorted(self.reasons):
            terminalreporter.line(reason, red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Watch skips where all tests report to: in the process that was started, not in xdist's workers."""
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(UnexpectedSkips())
