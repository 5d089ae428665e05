import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before torch is imported: threads that wait for each other sleep, where they would keep busy cores busy.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

pytest_plugins = ["tests.study_fixtures"]

LONGEST = [
    *("training/test_interruptions.py", "engines/test_compiled.py", "models/test_training_lanes.py"),
    *("chaos/test_storm.py", "training/test_ray_cluster.py", "training/test_storage_end_to_end.py"),
    *("commands/test_cli.py", "storage/test_storage.py", "models/test_decision_maker.py"),
    *(
        "reports/page/test_page.py",
        "training/test_evaluation.py",
        "results/test_damaged.py",
        "search/test_pack_queue.py",
    ),
    *("training/test_executors.py", "training/test_full_disk.py", "commands/test_collection.py"),
    "reports/paper/test_paper.py",
]
"""The files that begin, so that of two workers none has a long one left when the other is done. The first
waits for processes most of its time, and the next two compute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hand out the longest files first; with ``--no-loadscope-reorder`` xdist keeps to this order."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    assert all(path.is_file() for path in places), "LONGEST names a file that is not there"
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session", autouse=True)
def _hears_sigint() -> None:
    """A shell without job control starts what is in the background deaf to SIGINT, and so its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
