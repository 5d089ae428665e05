"""``python -m tests.deploy.tampered WORDS``: the command ``study``, with what a test changes of it.

TAMPERED names attributes and their values as JSON; workers, which are processes of their own, get them
too. ``fatal_alpha`` is a fairness coefficient that kills whoever trains with it, as a lack of memory does;
with ``no_report`` no report is written, which takes long.
"""

import functools
import importlib
import json
import os
import signal
import sys

from study.models.training import PackTraining


def tamper() -> None:
    """Change this process as TAMPERED says."""
    changes = json.loads(os.environ["TAMPERED"])
    fatal = changes.pop("fatal_alpha", None)
    if changes.pop("no_report", False) and __name__ == "__main__":
        from study import Study  # Not above: workers need none of it.

        Study.report = lambda study: study.directory.report  # type: ignore[assignment, method-assign]
    for name, value in changes.items():
        module, _, attribute = name.rpartition(".")
        setattr(importlib.import_module(module), attribute, value)
    if fatal is not None:
        original = PackTraining.run_epoch

        def run_epoch(training: PackTraining) -> None:
            if ((training._coefficients[0] - fatal).abs() < 1e-6).any():
                os.kill(os.getpid(), signal.SIGKILL)
            original(training)

        PackTraining.run_epoch = run_epoch  # type: ignore[method-assign]


if __name__ == "__main__":
    import ray

    from study.cli import main

    tamper()
    hook = {"worker_process_setup_hook": "tests.deploy.tampered.tamper"}
    ray.init = functools.partial(ray.init, runtime_env=hook)
    sys.exit(main())
