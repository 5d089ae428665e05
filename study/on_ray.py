"""Train a study's packs on Ray: one pack is one Ray Tune trial. Only this file knows Ray Tune.

Tune schedules; what is done, the ledger says, and what is tried again, the queue. Tune's configurations
and results carry ids only: a worker reads its pack from the results directory and writes its rows there.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Read by Ray at import: the plain output, and no logger per trial.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")

import torch
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from study.cluster import other_code, slots
from study.errors import LedgerError, UserError
from study.ledger import ResultsDirectory
from study.pack import run_pack
from study.plan import Pack, code_digest
from study.progress import Progress
from study.queue import PackQueue
from study.study_data import StudyData

Train = Callable[[Pack, StudyData, ResultsDirectory], Iterator[int]]

RETRIES = 3
_GROWS_BY = 200
"""How many workers more than there are a cluster that grows is asked for."""
_REPORTS_PER_SECOND = 50.0
"""How many progress reports all workers together send, at most; each sends at most one a second."""


def run_on_ray(
    queue: PackQueue,
    data: StudyData,
    directory: ResultsDirectory,
    progress: Progress,
    *,
    may_grow: bool = False,
    train: Train = run_pack,
) -> None:
    """Train until the queue is done, on the Ray that this process is connected to, a pack with ``train``.

    A pack whose worker died or raised is tried again, RETRIES times; then it is noted as failed. Where
    a node that joined later has other code than this process, no more packs are handed out, and
    UserError names it when those at work are done.
    """
    if queue.done:
        return
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    # How many packs Tune asks for ahead of a free worker; with a searcher's 1, workers start one by one.
    ahead = max(slots(), _GROWS_BY if may_grow else 0)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(ahead)
    trainable = tune.with_resources(
        tune.with_parameters(
            _PackTrainable,
            data=data,
            train=train,
            where=directory.where,
            code=code_digest(),
            report_every=max(1.0, ahead / _REPORTS_PER_SECOND),
        ),
        {"cpu": 1},
    )
    watcher = _Watcher(queue, progress, directory)
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=_PackSearcher(queue, watcher),
            scheduler=_NewestFirst(),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: f"{trial.config['pack_id']}-{trial.trial_id}",
        ),
        run_config=tune.RunConfig(
            name=time.strftime("tune-%Y%m%d-%H%M%S"),
            storage_path=str(directory.logs.resolve()),
            failure_config=tune.FailureConfig(max_failures=0),
            # Tune's own checkpoints would need this storage on every node.
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[watcher],
            verbose=0,
        ),
    )
    tuner.fit()
    if watcher.refused:
        raise UserError(watcher.refused)


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

    def setup(
        self,
        config: dict[str, Any],
        *,
        train: Train,
        data: StudyData,
        where: str,
        code: str,
        report_every: float,
    ) -> None:
        torch.set_num_threads(1)
        self._train, self._data, self._directory = train, data, ResultsDirectory(where)
        self._refused, self._report_every = other_code(code), report_every
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        pack = self._directory.read_pack(new_config["pack_id"])
        self._training = self._train(pack, self._data, self._directory)
        self._trained = 0
        return True

    def step(self) -> dict[str, Any]:
        if self._refused:
            return {"done": True, "refused": self._refused}
        until = time.monotonic() + self._report_every
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
        self.refused = ""
        """Why a worker would not train for this driver."""

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self._progress.pack_advanced(trial.config["pack_id"], result.get("trained", 0))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        if "refused" in trial.last_result:
            self.refused = trial.last_result["refused"]
        else:
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

    def __init__(self, queue: PackQueue, watcher: _Watcher) -> None:
        super().__init__()
        self._queue, self._watcher = queue, watcher

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if self._watcher.refused:
            return str(Searcher.FINISHED)
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
