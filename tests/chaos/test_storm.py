"""The short version of ``make chaos``."""

from pathlib import Path

import pytest

from tests.chaos.storm import storm

pytestmark = pytest.mark.waits


@pytest.mark.usefixtures("_own_sigterm")
def test_study_killed_at_random_ends_as_one_that_was_left_alone(tmp_path: Path) -> None:
    # A seed of four kinds at moments that come soon; raylet, gcs_server and SIGINT have tests of their own.
    blown = storm(tmp_path, kills=4, seed=813)
    assert set(blown.killed) == {"worker", "everything", "SIGTERM", "driver"}
    assert len(blown.drivers) > 2
