"""Launch a study: check the directory, train the decision-makers, schedule the packs."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from functools import partial

import torch

from study import printer
from study.config.plan import Plan
from study.config.reading import stored
from study.config.spaces import FoundRange
from study.config.study_file import StudyConfig
from study.data import Dataset, load_splits
from study.errors import UserError
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.results.settings import GROUP, narrow_trades
from study.search.arm_state import planned_runs
from study.search.identity import Identity
from study.search.pack_queue import PackQueue
from study.training.backend import choose_backend, compiling, shapes_of, steps_of
from study.training.cores import available_cores
from study.training.decision_makers import (
    BoolArray,
    decision_makers,
    fulfilling,
    misleading,
    where_inconsistent,
)
from study.training.pilot import find_ranges
from study.training.progress import Progress
from study.training.scheduler import Attempts, run_in_process
from study.training.session import begin_or_resume, driver_log, session, set_broken_aside
from study.training.study_data import StudyData

Executor = tuple[int, Callable[[Attempts], None]]
"""How many packs train next to each other in other processes, 0 in this one; and what trains them all."""


def launch(
    config: StudyConfig,
    directory: ResultsDirectory,
    *,
    address: str | None = None,
    workers: int | None = None,
    in_process: bool = False,
    log: Callable[[str], None] = print,
    progress: bool = True,
) -> bool:
    """Train the runs that are not in the ledger yet; return whether every planned run has finished.

    A study begun earlier in ``directory`` is resumed if the study file, the data and the code that decide
    its rows are the same; else LedgerError names what differs. Raises DataError where the data cannot be
    had, LedgerError where another driver is at work, and UserError where there is no cluster at
    ``address`` or a node of it has other code.
    """
    if address is not None and address.startswith("ray://"):
        # Tune would run its loop on the cluster with a copy of the queue, out of reach of this process.
        raise UserError(
            f"--address {address}: a study cannot be driven through Ray Client; run the driver on the "
            "cluster: by ray job submit, or on the head node with --address auto"
        )
    plan = config.plan()
    with printer.working("reading the data", log):
        datasets = load_splits(config.dataset)
    dataset = datasets[0]
    where = where_inconsistent(plan.decision_makers, plan.dataset)
    unreliable = [fulfilling(of_split, where) for of_split in datasets]
    identity = Identity.of(plan, dataset.fingerprint, where)
    with directory.locked(log), ExitStack() as stack:
        config = _as_begun(config, directory)
        begin_or_resume(directory, config.resolved(), identity)
        steps = steps_of((*(searched.arm for searched in plan.search.arms), plan.search.baseline), dataset)
        # Splits of a table may differ in size, and in the categories that training rows have.
        options, choose_on = TrainingOptions(**plan.training), plan.thresholds.choose_on
        shapes = [shapes_of(of_split, choose_on, options, plan.costs) for of_split in datasets]
        runs = planned_runs(plan.search)
        backend = choose_backend(plan.backend, directory, runs=runs, shapes=shapes[0], steps=steps, log=log)
        set_broken_aside(directory, log)
        warnings = misleading(plan.decision_makers, dataset)
        for line in warnings:
            log(f"warning: {line}")
        stack.enter_context(driver_log(directory))
        thread = stack.enter_context(_not_waited_for())
        if backend == "compiled" and not in_process:
            for different in dict.fromkeys(shapes):
                stack.enter_context(compiling(steps, different, directory.logs, log))

        # The decision-makers train, and prices are found, while Ray starts.
        data = thread.submit(_study_data, plan, directory, datasets, unreliable, identity, backend)
        unpriced = {arm.arm: arm.middle for arm in config.plan().search.arms if arm.unpriced}
        found = thread.submit(lambda: find_ranges(unpriced, data.result()[0], log)) if unpriced else None
        wanted = workers or plan.workers or available_cores()
        executor: AbstractContextManager[Executor] = (
            nullcontext((0, partial(run_in_process, directory=directory)))
            if in_process
            else _on_ray(address, wanted, directory, log, gpus=backend == "gpu")
        )
        with executor as (slots, train):
            if found is not None:
                with printer.working("finding the prices of deferral", log):
                    ranges = found.result()
                config = config.priced({name: FoundRange(**asdict(of)) for name, of in ranges.items()})
                directory.write_study(config.resolved())
            trained_by = (address or "Ray on this machine") if slots else "in this process"
            begun = session(directory, config.resolved(), dataset, identity, backend, trained_by, warnings)
            record = stack.enter_context(begun)
            queue = PackQueue(config.plan().search, identity, directory)
            if slots:
                log(f"{queue.planned_runs:,} runs, {slots} workers, results in {directory.root}")
            with printer.working("training the decision-makers", log):
                of_splits = data.result()
            shown = stack.enter_context(Progress(queue, queue.front.summary, quiet=not progress))
            tried = Attempts(queue, of_splits, directory, shown, record)
            train(tried)
        if tried.done:
            directory.sweep()
            done, _ = directory.read_runs(["setting_id", *GROUP, "validation_idk_rate"])
            for line in narrow_trades(done):
                log(f"warning: {line}")
    return tried.done and not queue.failed_runs


def _as_begun(config: StudyConfig, directory: ResultsDirectory) -> StudyConfig:
    """Return a study with what the pilot found when it was begun: a pilot is made once."""
    if not directory.exists():
        return config
    there = stored(directory.read_study(), str(directory.study_file)).search.pilot
    unpriced = (str(arm.arm) for arm in config.plan().search.arms if arm.unpriced)
    return config.priced({name: there[name] for name in unpriced if name in there})


def _study_data(
    plan: Plan,
    directory: ResultsDirectory,
    datasets: Sequence[Dataset],
    unreliable: Sequence[BoolArray | None],
    identity: Identity,
    backend: str,
) -> list[StudyData]:
    """Return what workers hold of each split; decision-makers that are not there yet are trained."""
    result = []
    for split, (dataset, wrong) in enumerate(zip(datasets, unreliable, strict=True)):
        makers, tested_on = decision_makers(plan, directory, dataset, wrong, split)
        result.append(StudyData.of(plan, dataset, identity, makers, backend=backend, tested_on=tested_on))
    return result


@contextmanager
def _on_ray(
    address: str | None,
    wanted: int,
    directory: ResultsDirectory,
    log: Callable[[str], None],
    *,
    gpus: bool,
) -> Iterator[Executor]:
    """Connect to the cluster at ``address``, or start Ray here with the workers ``wanted``."""
    with printer.working("loading Ray", log):
        from study.training.on_ray import run_on_ray
        from study.training.ray_cluster import ray_cluster

    wanted = min(wanted, torch.cuda.device_count()) if gpus else wanted
    go_on = f"study resume {shlex.quote(str(directory.root))}"
    with ExitStack() as stack:
        with printer.working(f"starting Ray with {wanted} workers", log):
            slots = stack.enter_context(ray_cluster(address, wanted, directory.logs, go_on, gpus=gpus))
        yield slots, partial(run_on_ray, directory=directory, may_grow=address is not None)


@contextmanager
def _not_waited_for() -> Iterator[ThreadPoolExecutor]:
    """Yield a thread whose work is not waited for when the study is interrupted."""
    executor = ThreadPoolExecutor(1)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
