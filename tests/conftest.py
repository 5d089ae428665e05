import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Before torch is imported: threads that wait for each other sleep, where they would keep busy cores busy.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# How long an example takes depends on what else the machine does; fifty find what a hundred do, over time.
hypothesis.settings.register_profile("no deadline", deadline=None, max_examples=50)
hypothesis.settings.load_profile("no deadline")

pytest_plugins = ["tests.study_fixtures", "tests.skips"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for processes of their own: the other worker computes meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)


@pytest.fixture(scope="session", autouse=True)
def _hears_sigint() -> None:
    """A shell without job control starts what is in the background deaf to SIGINT, and so its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _checkout_stays_as_it_is() -> Iterator[None]:
    """What a test leaves behind in the checkout, and not in a folder of its own, is an error."""
    checkout = Path(__file__).parents[1]
    before = set(os.listdir(checkout))
    yield
    left = {name for name in set(os.listdir(checkout)) - before if name[0] not in "._"}
    assert not left, f"the tests left behind {', '.join(sorted(left))}"


@pytest.fixture(scope="session")
def ray_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Ray in this process, for all tests that train on Ray without a process of their own."""
    from study.training.ray_cluster import (
        ray_cluster,  # Not above: tests of other rooms shall not wait for it.
    )

    with ray_cluster(None, 2, tmp_path_factory.mktemp("ray"), "the tests") as slots:
        yield slots


@pytest.fixture
def _own_sigterm() -> Iterator[None]:
    """Puts back what the command line does to SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
