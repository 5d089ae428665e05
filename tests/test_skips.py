"""Under CI, a test that is skipped for an unexpected reason fails the session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import EXPECTED_SKIPS

ROOT = Path(__file__).parents[1]
TESTS = """\
import pytest


def test_passes():
    pass


@pytest.mark.parametrize("number", [1, 2])
def test_skipped(number):
    pytest.skip({reason!r})
"""


def session(folder: Path, reason: str, *options: str, ci: str = "true") -> subprocess.CompletedProcess[str]:
    """Run tests of which two are skipped for ``reason``, with this suite's plugin."""
    (folder / "test_some.py").write_text(TESTS.format(reason=reason))
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "tests.skips", *options, str(folder)]
    environment = {**os.environ, "CI": ci}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("options", [[], ["-n", "2", "--dist", "worksteal"]], ids=["alone", "xdist"])
def test_unexpected_skip_fails_ci_and_is_named(tmp_path: Path, options: list[str]) -> None:
    done = session(tmp_path, "no such tool", *options)
    assert done.returncode == 1
    assert "test_skipped[1]: no such tool" in done.stdout
    assert "1 passed, 2 skipped" in done.stdout


def test_expected_skip_passes_ci_and_is_listed(tmp_path: Path) -> None:
    done = session(tmp_path, f"{EXPECTED_SKIPS[0]} beside the repository")
    assert (done.returncode, EXPECTED_SKIPS[0] in done.stdout) == (0, True)


def test_any_skip_passes_elsewhere(tmp_path: Path) -> None:
    assert session(tmp_path, "no such tool", ci="").returncode == 0
