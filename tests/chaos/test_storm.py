"""The short version of ``make chaos``."""

from pathlib import Path

import pytest

from tests.chaos.storm import TARGETS, storm

pytestmark = pytest.mark.waits


@pytest.mark.usefixtures("_own_sigterm")
def test_study_killed_at_random_ends_as_one_that_was_left_alone(tmp_path: Path) -> None:
    # A seed that kills each kind of target once.
    blown = storm(tmp_path, kills=5, seed=1530)
    assert set(blown.killed) == set(TARGETS)
    assert len(blown.drivers) > 2
