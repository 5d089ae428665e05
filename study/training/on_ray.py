"""Train a study's packs on Ray: one pack is one Ray Tune trial. Only this file knows Ray Tune.

Tune schedules; what is done is in the ledger, and what is tried again `Attempts` decides. Tune's
configurations and results carry ids only: a worker reads its pack from the results directory and writes its
rows there.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Read by Ray at import: the plain output, and no logger per trial.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")

import ray
import torch
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from study.errors import LedgerError, UserError
from study.results.directory import ResultsDirectory
from study.results.packs import Pack
from study.search.identity import code_digest
from study.training.pack import Advance, run_pack
from study.training.ray_cluster import other_code, slots
from study.training.scheduler import Attempts
from study.training.study_data import StudyData

Train = Callable[[Pack, StudyData, ResultsDirectory], Iterator[Advance]]

FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0
"""Seconds in which nothing is handed out after Ray killed a worker for lack of memory; they double."""
MEMORY_TRIES = 12
"""How often in a row a pack is killed for lack of memory before that counts as its own fault."""
SILENT = 600.0
"""Seconds without a sign after which a worker counts as stuck: no epoch or evaluation lasts as long."""
OUT_OF_MEMORY = "its machine ran out of memory"
_GROWS_BY = 200
"""How many workers more than there are a cluster that grows is asked for."""
_REPORTS_PER_SECOND = 50.0
"""How many progress reports all workers together send, at most; each sends at most one a second."""


def run_on_ray(
    attempts: Attempts,
    directory: ResultsDirectory,
    *,
    may_grow: bool = False,
    train: Train = run_pack,
) -> None:
    """Train until nothing is left to hand out, on the Ray of this process, each pack with ``train``.

    Where storage cannot be written or reached, or a node that joined later has other code than this
    process, no more packs are handed out, and UserError says so when those at work are done.
    """
    if attempts.done:
        return
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    # How many packs Tune asks for ahead of a free worker; with a searcher's 1, workers start one by one.
    gpus = attempts.data[0].backend == "gpu"
    ahead = max(slots(gpus), _GROWS_BY if may_grow else 0)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(ahead)
    trainable = tune.with_resources(
        tune.with_parameters(
            _PackTrainable,
            data=attempts.data,
            train=train,
            where=directory.where,
            code=code_digest(),
            report_every=max(1.0, ahead / _REPORTS_PER_SECOND),
        ),
        {"cpu": 1, "gpu": 1} if gpus else {"cpu": 1},
    )
    watcher = _Watcher(attempts)
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=_PackSearcher(attempts, watcher),
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
        data: Sequence[StudyData],
        where: str,
        code: str,
        report_every: float,
    ) -> None:
        torch.set_num_threads(1)
        self._train, self._data, self._directory = train, data, ResultsDirectory(where)
        self._refused, self._report_every = other_code(code), report_every
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._training = self._begin(new_config["pack_id"])
        self._advance = Advance(0)
        return True

    def step(self) -> dict[str, Any]:
        if self._refused:
            return {"done": True, "refused": self._refused}
        until = time.monotonic() + self._report_every
        try:
            for advance in self._training:
                self._advance = advance
                if time.monotonic() >= until:
                    return {"done": False, **asdict(advance)}
        except UserError as error:
            # Storage that is full or out of reach, a manifest that is none: no other try would do better.
            return {"done": True, "refused": str(error)}
        except Exception as error:
            # Told, not raised: Tune would put an end to the worker, and a new one takes seconds to start.
            return {"done": True, "error": f"{type(error).__name__}: {error}", **asdict(self._advance)}
        return {"done": True, **asdict(self._advance)}

    def _begin(self, name: str) -> Iterator[Advance]:
        pack = self._directory.read_pack(name)
        yield from self._train(pack, self._data[pack.split], self._directory)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep nothing: a pack is done when its rows are in the ledger, and keeps its own checkpoint."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Leave it to the pack to go on from its own checkpoint."""


class _Forgetful:
    """Pickles as nothing: Tune writes its searcher and callbacks down, but the truth is in the ledger."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Watcher(_Forgetful, tune.Callback):  # type: ignore[misc]
    """Passes on what Tune tells it.

    What is tried again is not left to Tune: it would give up a trial whose worker dies while it is made
    ready for it. Nor is a worker that is stopped or stuck, for which it would wait forever.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._heard: dict[Trial, float] = {}
        """When the worker of a pack in training last gave a sign."""
        self._stuck: set[Trial] = set()
        self._memory_kills: Counter[str] = Counter()
        """How often in a row a pack's worker was killed for lack of memory."""
        self._wait, self._wait_until = FIRST_WAIT, 0.0
        self.refused = ""
        """Why no more is handed out: what a worker or the driver itself could not do for any pack."""

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self._heard[trial] = time.monotonic()
        self._memory_kills.pop(trial.config["pack_id"], None)
        self._wait = FIRST_WAIT
        if "trained" in result:
            advance = Advance(result["trained"], result["taken_up"])
            with self.stopping():
                self._attempts.advanced(trial.config["pack_id"], advance)

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._heard[trial] = time.monotonic()

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        now = time.monotonic()
        for trial in [trial for trial, heard in self._heard.items() if now - heard > SILENT]:
            del self._heard[trial]
            self._stuck.add(trial)
            ray.kill(trial.temporary_state.ray_actor)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._heard.pop(trial, None)
        if "refused" in trial.last_result:
            self.refused = self.refused or trial.last_result["refused"]
            return
        message = trial.last_result.get("error", "the worker finished without writing its rows")
        with self.stopping():
            self._attempts.ended(trial.config["pack_id"], message)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._heard.pop(trial, None)
        message, own = _last_words(trial)
        if trial in self._stuck:
            message = f"its worker gave no sign for {SILENT:.0f} s and was stopped"
        elif message == OUT_OF_MEMORY:
            name = trial.config["pack_id"]
            self._memory_kills[name] += 1
            own = self._memory_kills[name] > MEMORY_TRIES
            self._wait_until = time.monotonic() + self._wait
            message = f"{message}; waiting {self._wait:.0f} s"
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        with self.stopping():
            self._attempts.ended(trial.config["pack_id"], message, own=own)

    @property
    def waits(self) -> bool:
        """Return whether nothing is to be handed out, so that memory becomes free."""
        return time.monotonic() < self._wait_until

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Keep a UserError until the end: Tune would take what is raised here for the trial's fault."""
        try:
            yield
        except UserError as error:
            self.refused = self.refused or str(error)


def _last_words(trial: Trial) -> tuple[str, bool]:
    """Return why a trial's worker died, on one line, and whether that was not its node's fault."""
    written = Path(trial.error_file or "")
    text = written.read_text("utf-8", "replace").strip() if written.is_file() else ""
    if "OutOfMemoryError" in text or "running low on memory" in text:
        # Ray goes on for pages.
        return OUT_OF_MEMORY, False
    last = text.splitlines()[-1][:500] if text else "the worker died"
    return last, "node has died" not in last


class _PackSearcher(_Forgetful, Searcher):  # type: ignore[misc]
    """Gives Tune what is to train, by id; declares no metric, since it takes no results from Tune."""

    def __init__(self, attempts: Attempts, watcher: _Watcher) -> None:
        super().__init__()
        self._attempts, self._watcher = attempts, watcher

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if self._watcher.refused:
            return str(Searcher.FINISHED)
        if self._watcher.waits:
            return None
        with self._watcher.stopping():
            name = self._attempts.next()
            if name is not None:
                return {"pack_id": name}
        return Searcher.FINISHED if self._watcher.refused or self._attempts.done else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        pass

    def save(self, checkpoint_path: str) -> None:
        pass

    def restore(self, checkpoint_path: str) -> None:
        raise LedgerError("a study is resumed from its ledger, not from Ray Tune")
