import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def ray_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Ray in this process, for all tests that train on Ray without a process of their own."""
    from study.cluster import ray_cluster  # Not above: tests of other rooms shall not wait for it.

    with ray_cluster(None, 2, tmp_path_factory.mktemp("ray"), "the tests") as slots:
        yield slots


@pytest.fixture
def _own_sigterm() -> Iterator[None]:
    """Puts back what the command line does to SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
