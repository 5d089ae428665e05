"""Launch a study: check what is there, train the decision-makers, hand out the packs, note how it went."""

import importlib.metadata
import logging
import os
import platform
import shlex
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from study.config.study_file import StudyConfig, changed_keys
from study.data import Dataset, cautions, default_subgroup, subgroup
from study.errors import DataError, LedgerError, OutputError, StudyFileError, UserError
from study.models.decision_maker import DecisionMaker, make_decision_makers
from study.models.decisions import counts_alone
from study.models.examples import Examples, with_bias
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.results.metrics import metrics
from study.search.identity import Identity
from study.search.pack_queue import PackQueue
from study.search.plan import BASELINE, arms, planned_runs
from study.seeds import stream_seed
from study.status import stored_config
from study.training.backend import choose_backend, compiling, shapes_of, steps_of
from study.training.in_process import run_in_process
from study.training.progress import Progress
from study.training.scheduler import Attempts
from study.training.study_data import StudyData, ThresholdOptions, rows_by_use
from study.words import SPLITS

_PACKAGES = ("numpy", "optuna", "pandas", "pyarrow", "ray", "torch")


def launch(
    config: StudyConfig,
    directory: ResultsDirectory,
    *,
    address: str | None = None,
    workers: int | None = None,
    in_process: bool = False,
    say: Callable[[str], None] = print,
) -> bool:
    """Train what is not in the ledger yet; return whether every planned run is there.

    A study begun earlier in ``directory`` goes on if the study file, the data and the code that
    decide its rows are the same; else LedgerError names what differs. Raises DataError where the
    data cannot be had, LedgerError where another driver is at work, and UserError where there is no
    cluster at ``address`` or a node of it has other code.
    """
    if address is not None and address.startswith("ray://"):
        # Tune would run its loop on the cluster, with a copy of the queue, and this process learn nothing.
        raise UserError(
            f"--address {address}: a study cannot be driven through Ray Client; run the driver on the "
            "cluster: by ray job submit, or on the head node with --address auto"
        )
    dataset = config.dataset.load()
    where = _where_inconsistent(config)
    unreliable = _unreliable(dataset, where)
    identity = Identity.of(config, dataset.fingerprint, where)
    with directory.locked(say):
        _begin_or_continue(config, directory, identity)
        steps = steps_of((arm.method, arm.model) for arm in (*arms(config), BASELINE))
        options = TrainingOptions(**config.training.model_dump())
        shapes = shapes_of(dataset, config.thresholds.choose_on, options)
        backend = choose_backend(
            config.resources.backend,
            directory,
            runs=planned_runs(config, []),
            shapes=shapes,
            steps=steps,
            log=say,
        )
        wanted = workers or config.resources.workers or available_cores()
        if backend == "gpu":
            wanted = min(wanted, torch.cuda.device_count())
        _set_broken_aside(directory, say)
        misleading = _cautions(config, dataset)
        for line in misleading:
            say(f"caution: {line}")
        executor = "in this process" if in_process else (address or "Ray on this machine")
        with (
            _session(directory, dataset, identity, backend, executor, misleading) as session,
            _logs(directory),
        ):
            with ThreadPoolExecutor(1) as beside:
                # The decision-makers train while Ray starts.
                makers = beside.submit(_decision_makers, config, directory, dataset, unreliable)
                queue = PackQueue(config, identity, directory)
                if in_process:
                    data = _study_data(config, dataset, makers.result(), backend)
                    progress = Progress(queue, queue.front.words)
                    attempts = Attempts(queue, data, directory, progress, session)
                    run_in_process(attempts, data, directory)
                else:
                    from study.training.on_ray import run_on_ray
                    from study.training.ray_cluster import ray_cluster

                    go_on = f"study resume {shlex.quote(str(directory.root))}"
                    if backend == "compiled":
                        code = compiling(steps, shapes, directory.logs, say)
                    else:
                        code = nullcontext()
                    with (
                        code,
                        ray_cluster(address, wanted, directory.logs, go_on, gpus=backend == "gpu") as slots,
                    ):
                        data = _study_data(config, dataset, makers.result(), backend)
                        say(f"{queue.planned_runs:,} runs, {slots} workers, results in {directory.root}")
                        progress = Progress(queue, queue.front.words)
                        attempts = Attempts(queue, data, directory, progress, session)
                        run_on_ray(attempts, data, directory, may_grow=address is not None)
            progress.close()
            if attempts.done:
                directory.sweep()
    return attempts.done and not queue.failed_runs


def resume(directory: ResultsDirectory, **options: Any) -> bool:
    """Go on with the study in ``directory``, with the options of ``launch``."""
    return launch(stored_config(directory), directory, **options)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin_or_continue(config: StudyConfig, directory: ResultsDirectory, identity: Identity) -> None:
    """Write down what was asked, or refuse to continue something else."""
    if not directory.exists():
        directory.write_study(config.resolved())
        return
    changed = changed_keys(stored_config(directory).resolved(), config.resolved())
    if changed:
        raise LedgerError(
            f"{directory.study_file}: another study was begun there, it differs in {'; '.join(changed)}; "
            "give another --out, or resume that one"
        )
    if not directory.manifest_file.exists():
        return
    known = directory.read_manifest()
    for what, now in (("data_fingerprint", identity.data_fingerprint), ("code", identity.code)):
        if known.get(what) != now:
            raise LedgerError(
                f"{directory.manifest_file}: {what} was {known.get(what)} and is {now} now, so new rows "
                "would not go with the finished ones; give another --out"
            )


def _set_broken_aside(directory: ResultsDirectory, say: Callable[[str], None]) -> None:
    """Name the damaged files, and make room for new ones."""
    for broken in directory.broken():
        aside = directory.set_aside(broken)
        say(f"{broken}; moved to {aside.name} and made again")


def _cautions(config: StudyConfig, dataset: Dataset) -> list[str]:
    """Return a line for everything that would make the figures mislead."""
    found = cautions(dataset)
    if dataset.decisions is not None and "column" not in (
        *config.decision_maker,
        config.test_decision_maker,
    ):
        names = ", ".join(config.decision_maker)
        found.append(
            f"the decision-maker is {names}, a simulated one, though the table has decisions: write "
            "decision_maker: column to use them"
        )
    return found


def _decision_makers(
    config: StudyConfig,
    directory: ResultsDirectory,
    dataset: Dataset,
    unreliable: np.ndarray[Any, np.dtype[np.bool_]] | None,
) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Return each DM's probabilities (N,), trained once per study and then read back."""
    stored = directory.read_decision_makers()
    if stored.empty:
        torch.set_num_threads(1)
        _train_decision_makers(config, directory, dataset, unreliable)
        stored = directory.read_decision_makers()
    probabilities = (np.asarray(row, dtype=np.float32) for row in stored["probability"])
    makers = dict(zip(stored["decision_maker"], probabilities, strict=True))
    test = rows_by_use(dataset, config.thresholds.choose_on)["test"]
    directory.write_test_rows(
        dataset.label > 0.5,
        dataset.sensitive == 1,
        makers,
        test,
    )
    return makers


def _where_inconsistent(config: StudyConfig) -> str | None:
    """Return the condition on whom the DM ``inconsistent`` errs; None where the study has no such DM.

    Raises StudyFileError where neither the study file nor the data set says.
    """
    if "inconsistent" not in (*config.decision_maker, config.test_decision_maker):
        return None
    where = config.inconsistent.where or default_subgroup(config.dataset.name)
    if where is None:
        raise StudyFileError(
            f"inconsistent.where: say on whom the decision-maker of {config.dataset.name} errs, by a "
            "column and a condition such as: age <= 35"
        )
    return where


def _unreliable(dataset: Dataset, where: str | None) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Return who fulfils the condition, (N,); raises DataError where it does not fit the data."""
    try:
        return None if where is None else subgroup(dataset, where)
    except DataError as error:
        raise DataError(f"inconsistent.{error}") from None


def _train_decision_makers(
    config: StudyConfig,
    directory: ResultsDirectory,
    dataset: Dataset,
    unreliable: np.ndarray[Any, np.dtype[np.bool_]] | None,
) -> None:
    x = with_bias(torch.tensor(np.concatenate([dataset.features, dataset.dm_only], axis=1)))
    y = torch.tensor(dataset.label)
    a = torch.tensor(dataset.sensitive, dtype=torch.float32)
    used = rows_by_use(dataset, config.thresholds.choose_on)
    rows = {split: torch.tensor(used[split]) for split in SPLITS}
    tested_with = [config.test_decision_maker] if config.test_decision_maker else []
    names = list(dict.fromkeys([*config.decision_maker, *tested_with]))
    makers = make_decision_makers(
        [name for name in names if name != "column"],
        x,
        y,
        a,
        train=rows["train"],
        validation=rows["validation"],
        seed=stream_seed("decision-maker", config.dataset.split_seed),
        options=TrainingOptions(**config.training.model_dump()),
        unreliable=None if unreliable is None else torch.tensor(unreliable),
        flip=config.inconsistent.flip,
    )
    if "column" in names and dataset.decisions is not None:
        of_table = torch.tensor(dataset.decisions.probability)
        makers.insert(names.index("column"), DecisionMaker("column", of_table, None))
    columns: dict[str, list[Any]] = {
        "decision_maker": [maker.name for maker in makers],
        "alpha": [maker.alpha for maker in makers],
        "probability": [maker.probability.numpy() for maker in makers],
    }
    for split, of_split in rows.items():
        for maker in makers:
            seen = Examples(x[of_split], y[of_split], a[of_split], maker.probability[of_split])
            for name, value in metrics(counts_alone(seen)).items():
                columns.setdefault(f"{split}_{name}", []).append(float(value))
    directory.write_decision_makers(columns)


def _study_data(
    config: StudyConfig,
    dataset: Dataset,
    makers: dict[str, np.ndarray[Any, np.dtype[np.float32]]],
    backend: str,
) -> StudyData:
    return StudyData.of(
        config.study,
        dataset,
        makers,
        TrainingOptions(**config.training.model_dump()),
        ThresholdOptions(**config.thresholds.model_dump()),
        backend=backend,
        test_decision_maker=config.test_decision_maker,
    )


@contextmanager
def _session(
    directory: ResultsDirectory,
    dataset: Dataset,
    identity: Identity,
    backend: str,
    where: str,
    misleading: list[str],
) -> Iterator[dict[str, Any]]:
    """Write down when, where and with what the study was worked on, and how that ended.

    Yields what is written of this session, to be added to.
    """
    manifest: dict[str, Any] = {"sessions": []}
    if directory.manifest_file.exists():
        manifest = directory.read_manifest()
    session: dict[str, Any] = {
        "started": _now(),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "executor": where,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
    manifest |= {
        "data_fingerprint": identity.data_fingerprint,
        "data_source": dataset.source,
        "rows": len(dataset.label),
        "code": identity.code,
        "backend": backend,
        "cautions": misleading,
        "sessions": [*manifest["sessions"], session],
    }
    directory.write_manifest(manifest)
    session["state"] = "stopped by an error"
    try:
        yield session
        session["state"] = "done"
    except KeyboardInterrupt:
        session["state"] = "interrupted"
        raise
    finally:
        session["ended"] = _now()
        directory.write_manifest(manifest)


@contextmanager
def _logs(directory: ResultsDirectory) -> Iterator[None]:
    """Keep what Ray and Optuna have to say in the results directory, out of the terminal."""
    try:
        directory.logs.mkdir(parents=True, exist_ok=True)
        handler = _QuietHandler(directory.logs / "driver.log")
    except OSError as error:
        raise OutputError(
            f"{directory.logs}: cannot be written ({error.strerror}); make room or give another --out"
        ) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


class _QuietHandler(logging.FileHandler):
    """Writes a log as far as there is room for it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Let a record be lost: a full disk is said once, by what could not be kept."""

    def close(self) -> None:
        """Close the log, whatever of it is still unwritten."""
        with suppress(OSError):
            super().close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
