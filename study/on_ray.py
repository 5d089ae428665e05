"""Train a study's packs on Ray: one pack is one Ray Tune trial. The only file that knows Ray.

Tune schedules and retries; what is done, the ledger says. Tune's configurations and results carry ids
only: a worker reads its pack from the results directory and writes its rows there.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Read by Ray at import: the plain output, and no logger per trial.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("RAY_DEDUP_LOGS", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
import torch
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from study.errors import LedgerError, UserError
from study.ledger import ResultsDirectory
from study.pack import StudyData, run_pack
from study.progress import Progress
from study.queue import PackQueue

RETRIES = 3
_REPORT_EVERY = 1.0
_OBJECT_STORE = 200 * 2**20


@contextmanager
def ray_cluster(address: str | None, workers: int, logs: Path) -> Iterator[int]:
    """Join the Ray cluster at ``address``, or start one here; yields how many workers it has room for.

    The logs of a Ray that was started here are kept in ``logs``.

    A Ray that is running in this process already is used and left running. Raises UserError where
    there is no cluster at ``address``.
    """
    ours = not ray.is_initialized()
    if ours:
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
        else:
            try:
                ray.init(address=address, **quiet)
            except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise UserError(f"--address {address}: no Ray cluster there ({reason})") from None
    try:
        yield max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if ours:
            node = ray._private.worker._global_node
            kept = Path(node.get_logs_dir_path()) if node is not None else None
            ray.shutdown()
            if address is None and kept is not None and kept.is_dir():
                shutil.copytree(kept, logs / "ray", dirs_exist_ok=True, ignore_dangling_symlinks=True)


def run_on_ray(queue: PackQueue, data: StudyData, directory: ResultsDirectory, progress: Progress) -> None:
    """Train until the queue is done, on the Ray that this process is connected to.

    A pack whose worker died or raised is tried again, RETRIES times; then it is noted as failed.
    """
    if queue.done:
        return
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    trainable = tune.with_resources(
        tune.with_parameters(_PackTrainable, data=data, root=str(directory.root.resolve())),
        {"cpu": 1},
    )
    watcher = _Watcher(queue, progress, directory)
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=_PackSearcher(queue),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.config["pack_id"]),
        ),
        run_config=tune.RunConfig(
            name=time.strftime("tune-%Y%m%d-%H%M%S"),
            storage_path=str(directory.logs.resolve()),
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            callbacks=[watcher],
            verbose=0,
        ),
    )
    tuner.fit()


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
    """Tells queue and progress what Tune tells it."""

    def __init__(self, queue: PackQueue, progress: Progress, directory: ResultsDirectory) -> None:
        self._queue, self._progress, self._directory = queue, progress, directory

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self._progress.pack_advanced(trial.config["pack_id"], result.get("trained", 0))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        pack_id = trial.config["pack_id"]
        if self._directory.has_runs(pack_id):
            self._queue.finish(pack_id)
            self._progress.pack_finished(pack_id)
        else:
            self._failed(pack_id, "the worker finished without writing its rows")

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        lines = (trial.get_error() and str(trial.get_error()).strip().splitlines()) or ["unknown"]
        self._failed(trial.config["pack_id"], lines[-1][:500])

    def _failed(self, pack_id: str, message: str) -> None:
        self._queue.fail(pack_id, message)
        self._progress.pack_failed(pack_id, message)


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
