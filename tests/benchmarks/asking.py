"""``python -m tests.benchmarks.asking SETTINGS``: what it costs to ask for so many settings of one arm.

The queue as it is, asking pack by pack and learning from every pack's rows, untrained ones. Only what
the queue does is counted, in seconds of CPU.
"""

import sys
import tempfile
import time
from pathlib import Path

from study.config.reading import validate
from study.results.directory import ResultsDirectory
from study.search.pack_queue import PackQueue
from tests.benchmarks.bookkeeping import IDENTITY, SEEDS, SETTINGS, drawn, no_data

SAMPLERS = ("random", "qmc", "nsga2", "tpe")


def asked(sampler: str, settings: int, folder: Path) -> float:
    """Return the seconds of CPU that the queue takes for ``settings`` settings."""
    search = {"sampler": sampler, "settings": settings, "gamma": {"low": 0.03, "high": 0.15}}
    given = {"methods": "defer", "search": search, "seeds": SEEDS, "pack": {"settings": SETTINGS}}
    config, directory, data = validate(given, "the benchmark"), ResultsDirectory(folder), no_data()
    started = time.process_time()
    queue = PackQueue(config.plan().search, IDENTITY, directory)
    spent = time.process_time() - started
    while not queue.done:
        started = time.process_time()
        pack = queue.next()
        spent += time.process_time() - started
        assert pack is not None
        for _ in drawn(pack, data, directory):
            pass
        started = time.process_time()
        queue.finish(pack)
        spent += time.process_time() - started
    return spent


def main(settings: int) -> None:
    """Measure every sampler and print."""
    for sampler in SAMPLERS:
        with tempfile.TemporaryDirectory() as folder:
            spent = asked(sampler, settings, Path(folder))
        print(
            f"{sampler:<8}{spent:8.1f} s for {settings:,} settings, {1e3 * spent / settings:6.2f} ms each"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
