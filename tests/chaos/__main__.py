"""Kill a study's processes again and again, and see that it ends as if undisturbed: ``make chaos``."""

import argparse
import signal
import tempfile
import time
from pathlib import Path

from tests.chaos.storm import storm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a folder to keep everything in")
    options = parser.parse_args()
    # A shell without job control starts what is in the background deaf to SIGINT, and so its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = options.out or Path(tempfile.mkdtemp(prefix="study-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{options.kills} kills, seed {options.seed}, in {folder}", flush=True)
    began = time.monotonic()
    blown = storm(folder, options.kills, options.seed, log=lambda text: print(text, flush=True))
    killed = ", ".join(f"{name} {count}" for name, count in blown.killed.most_common())
    minutes, rows = (time.monotonic() - began) / 60, len(blown.results.read_runs()[0])
    print(f"{blown.killed.total()} kills ({killed}) of {len(blown.drivers)} drivers in {minutes:.1f} min")
    for seconds in sorted(blown.ended_after, reverse=True):
        print(f"a driver ended {seconds:.2f} s after a signal")
    print(f"{rows:,} rows, every one as in the undisturbed study; no run twice, nothing left behind")


if __name__ == "__main__":
    main()
