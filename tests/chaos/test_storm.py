"""The short version of ``make chaos``."""

from pathlib import Path

import pytest

from tests.chaos.storm import storm

pytestmark = pytest.mark.waits


@pytest.mark.usefixtures("_own_sigterm")
def test_study_killed_at_random_ends_as_one_that_was_left_alone(tmp_path: Path) -> None:
    # A seed of two kinds at moments that come soon; test_interruptions has signals and the parts of Ray.
    blown = storm(tmp_path, kills=2, seed=65)
    assert set(blown.killed) == {"worker", "everything"}
    assert len(blown.drivers) > 1
