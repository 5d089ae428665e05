"""Train a study's packs on Ray: one pack is one Ray Tune trial. The only file that knows Ray.

Tune schedules; what is done, the ledger says, and what is tried again, the queue. Tune's configurations
and results carry ids only: a worker reads its pack from the results directory and writes its rows there.
"""

import logging
import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Read by Ray at import: the plain output, and no logger per trial.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
import torch
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from study.errors import LedgerError, UserError
from study.ledger import ResultsDirectory
from study.pack import run_pack
from study.progress import Progress
from study.queue import PackQueue
from study.study_data import StudyData

RETRIES = 3
_REPORT_EVERY = 1.0
_ANSWER_WITHIN = 10.0
_OBJECT_STORE = 200 * 2**20


@contextmanager
def ray_cluster(address: str | None, workers: int, logs: Path) -> Iterator[int]:
    """Join the Ray cluster at ``address``, or start one here; yields how many workers it has room for.

    The logs of a Ray that was started here are kept in ``logs``.

    A Ray that is running in this process already is used and left running. Raises UserError where
    there is no cluster at ``address``.
    """
    ours = not ray.is_initialized()
    at_sigterm = signal.getsignal(signal.SIGTERM)
    with _off_the_terminal():
        if ours:
            _join(address, workers)
        if callable(at_sigterm) and threading.current_thread() is threading.main_thread():
            # Ray would abort with a stack trace; whoever asked to be told of SIGTERM is to be told.
            signal.signal(signal.SIGTERM, at_sigterm)
        try:
            yield _slots()
        finally:
            if ours:
                node = ray._private.worker._global_node
                kept = Path(node.get_logs_dir_path()) if node is not None else None
                ray.shutdown()
                if address is None and kept is not None and kept.is_dir():
                    shutil.copytree(kept, logs / "ray", dirs_exist_ok=True, ignore_dangling_symlinks=True)


def _join(address: str | None, workers: int) -> None:
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        # A local cluster is ours alone: on loopback, without a dashboard, without a token file.
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
        ray.init(
            num_cpus=workers,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE,
            _node_ip_address="127.0.0.1",
            **quiet,
        )
        return
    try:
        _knock(address)
        ray.init(address=address, **quiet)
    except (OSError, OverflowError, ValueError, RuntimeError, ImportError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"--address {address}: no Ray cluster there ({reason})") from None


def _knock(address: str) -> None:
    """Raise OSError where nobody answers at host:port; Ray itself would go on trying for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_ANSWER_WITHIN).close()


def run_on_ray(queue: PackQueue, data: StudyData, directory: ResultsDirectory, progress: Progress) -> None:
    """Train until the queue is done, on the Ray that this process is connected to.

    A pack whose worker died or raised is tried again, RETRIES times; then it is noted as failed.
    """
    if queue.done:
        return
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    # How many packs Tune asks for ahead of a free worker; with a searcher's 1, workers start one by one.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(_slots())
    trainable = tune.with_resources(
        tune.with_parameters(_PackTrainable, data=data, root=str(directory.root.resolve())),
        {"cpu": 1},
    )
    watcher = _Watcher(queue, progress, directory)
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=_PackSearcher(queue),
            scheduler=_NewestFirst(),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: f"{trial.config['pack_id']}-{trial.trial_id}",
        ),
        run_config=tune.RunConfig(
            name=time.strftime("tune-%Y%m%d-%H%M%S"),
            storage_path=str(directory.logs.resolve()),
            failure_config=tune.FailureConfig(max_failures=0),
            callbacks=[watcher],
            verbose=0,
        ),
    )
    tuner.fit()


@contextmanager
def _off_the_terminal() -> Iterator[None]:
    """Send what Ray has to say (that a worker died, say) to the program's log."""

    def log(said: dict[str, Any], ignore_prefix: bool) -> None:
        logging.getLogger(__name__).error(" ".join(said["lines"]))

    of_ray = logging.getLogger("ray")
    handlers, printing = of_ray.handlers, ray._private.worker.print_to_stdstream
    of_ray.handlers, of_ray.propagate = [], True
    ray._private.worker.print_to_stdstream = log
    try:
        yield
    finally:
        of_ray.handlers, of_ray.propagate = handlers, False
        ray._private.worker.print_to_stdstream = printing


def _slots() -> int:
    """Return how many workers the cluster has room for."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


class _NewestFirst(FIFOScheduler):  # type: ignore[misc]
    """Gives a worker that became free the newest pack.

    Tune would give it the oldest, the one that a new worker is being started for, and stop that worker
    again: of several workers one would run as long as packs are shorter than a worker's start.
    """

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        trials = reversed(tune_controller.get_trials())
        return next((trial for trial in trials if trial.status == Trial.PENDING), None)


class _PackTrainable(tune.Trainable):  # type: ignore[misc]
    """A worker: trains the pack that its configuration names, a second of epochs per step."""

    def setup(self, config: dict[str, Any], *, data: StudyData, root: str) -> None:
        torch.set_num_threads(1)
        self._data, self._directory = data, ResultsDirectory(Path(root))
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        pack = self._directory.read_pack(new_config["pack_id"])
        self._training = run_pack(pack, self._data, self._directory)
        self._trained = 0
        return True

    def step(self) -> dict[str, Any]:
        until = time.monotonic() + _REPORT_EVERY
        for trained in self._training:
            self._trained = trained
            if time.monotonic() >= until:
                return {"done": False, "trained": trained}
        return {"done": True, "trained": self._trained}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep nothing: a pack is done when its rows are in the ledger."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Begin the pack again."""


class _Forgetful:
    """Pickles as nothing: Tune writes its searcher and callbacks down, but the truth is in the ledger."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Watcher(_Forgetful, tune.Callback):  # type: ignore[misc]
    """Tells queue and progress what Tune tells it.

    Tries are counted here: Tune would give up a trial whose worker dies while it is made ready for it.
    """

    def __init__(self, queue: PackQueue, progress: Progress, directory: ResultsDirectory) -> None:
        self._queue, self._progress, self._directory = queue, progress, directory
        self._tries: Counter[str] = Counter()

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self._progress.pack_advanced(trial.config["pack_id"], result.get("trained", 0))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._ended(trial, "the worker finished without writing its rows")

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._ended(trial, _last_words(trial))

    def _ended(self, trial: Trial, message: str) -> None:
        pack_id = trial.config["pack_id"]
        self._tries[pack_id] += 1
        if self._directory.has_runs(pack_id):
            self._queue.finish(pack_id)
            self._progress.pack_finished(pack_id)
        elif self._tries[pack_id] <= RETRIES:
            self._queue.retry(pack_id)
        else:
            self._queue.fail(pack_id, message)
            self._progress.pack_failed(pack_id, message)


def _last_words(trial: Trial) -> str:
    """Return the last line of what Tune wrote down of a trial's error."""
    written = Path(trial.error_file or "")
    lines = written.read_text().strip().splitlines() if written.is_file() else []
    return lines[-1][:500] if lines else "the worker died"


class _PackSearcher(_Forgetful, Searcher):  # type: ignore[misc]
    """Gives Tune the queue's packs, by id; declares no metric, since it takes no results from Tune."""

    def __init__(self, queue: PackQueue) -> None:
        super().__init__()
        self._queue = queue

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        pack = self._queue.next()
        if pack is not None:
            return {"pack_id": pack.pack_id}
        return Searcher.FINISHED if self._queue.done else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        pass

    def save(self, checkpoint_path: str) -> None:
        pass

    def restore(self, checkpoint_path: str) -> None:
        raise LedgerError("a study is resumed from its ledger, not from Ray Tune")
