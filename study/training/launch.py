"""Launch a study: check the directory, train the decision-makers, schedule the packs."""

import shlex
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

import torch

from study import printer
from study.config.reading import stored
from study.config.spaces import FoundRange
from study.config.study_file import StudyConfig
from study.data import load_splits
from study.errors import UserError
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.results.settings import GROUP, narrow_trades
from study.search.arm_state import planned_runs
from study.search.identity import Identity
from study.search.pack_queue import PackQueue
from study.training.backend import choose_backend, compiling, shapes_of, steps_of
from study.training.cores import available_cores
from study.training.decision_makers import decision_makers, fulfilling, misleading, where_inconsistent
from study.training.pilot import find_ranges
from study.training.progress import Progress
from study.training.scheduler import Attempts, run_in_process
from study.training.session import begin_or_resume, driver_log, session, set_broken_aside
from study.training.study_data import StudyData


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
    options = TrainingOptions(**plan.training)
    where = where_inconsistent(plan.decision_makers, plan.dataset)
    unreliable = [fulfilling(of_split, where) for of_split in datasets]
    identity = Identity.of(plan, dataset.fingerprint, where)
    with directory.locked(log):
        config = _as_begun(config, directory)
        begin_or_resume(directory, config.resolved(), identity)
        arms = (*(searched.arm for searched in plan.search.arms), plan.search.baseline)
        steps = steps_of(arms, dataset)
        # Splits of a table may differ in size, and in the categories that training rows have.
        all_shapes = [
            shapes_of(of_split, plan.thresholds.choose_on, options, plan.costs) for of_split in datasets
        ]
        shapes = all_shapes[0]
        runs = planned_runs(plan.search)
        backend = choose_backend(plan.backend, directory, runs=runs, shapes=shapes, steps=steps, log=log)
        set_broken_aside(directory, log)
        warnings = misleading(plan.decision_makers, dataset)
        for line in warnings:
            log(f"warning: {line}")
        executor = "in this process" if in_process else (address or "Ray on this machine")
        with (
            driver_log(directory),
            _not_waited_for() as beside,
            ExitStack() as stack,
        ):
            if backend == "compiled" and not in_process:
                for different in dict.fromkeys(all_shapes):
                    stack.enter_context(compiling(steps, different, directory.logs, log))
            # The decision-makers train, and prices are found, while Ray starts.
            trained = [
                beside.submit(decision_makers, plan, directory, of_split, wrong, split)
                for split, (of_split, wrong) in enumerate(zip(datasets, unreliable, strict=True))
            ]

            def study_data() -> list[StudyData]:
                with printer.working("training the decision-makers", log):
                    made = [makers.result() for makers in trained]
                return [
                    StudyData.of(
                        *(plan.study, of_split, identity, makers, options, plan.thresholds),
                        backend=backend,
                        test_decision_maker=plan.decision_makers.tested_with,
                        costs=plan.costs,
                        tested_on=tested_on,
                    )
                    for of_split, (makers, tested_on) in zip(datasets, made, strict=True)
                ]

            unpriced = {arm.arm: arm.middle for arm in config.plan().search.arms if arm.unpriced}
            found = beside.submit(lambda: find_ranges(unpriced, study_data()[0], log)) if unpriced else None
            with ExitStack() as on_ray:
                if not in_process:
                    with printer.working("loading Ray", log):
                        from study.training.on_ray import run_on_ray
                        from study.training.ray_cluster import ray_cluster

                    wanted, gpus = workers or plan.workers or available_cores(), backend == "gpu"
                    if gpus:
                        wanted = min(wanted, torch.cuda.device_count())
                    go_on = f"study resume {shlex.quote(str(directory.root))}"
                    cluster = ray_cluster(address, wanted, directory.logs, go_on, gpus=gpus)
                    with printer.working(f"starting Ray with {wanted} workers", log):
                        slots = on_ray.enter_context(cluster)
                if found is not None:
                    with printer.working("finding the prices of deferral", log):
                        ranges = found.result()
                    config = config.priced({name: FoundRange(**asdict(of)) for name, of in ranges.items()})
                    directory.write_study(config.resolved())
                begun = session(
                    directory, config.resolved(), dataset, identity, backend, executor, warnings
                )
                record = stack.enter_context(begun)
                queue = PackQueue(config.plan().search, identity, directory)
                if not in_process:
                    log(f"{queue.planned_runs:,} runs, {slots} workers, results in {directory.root}")
                data = study_data()
                shown = stack.enter_context(Progress(queue, queue.front.summary, quiet=not progress))
                tried = Attempts(queue, data, directory, shown, record)
                if in_process:
                    run_in_process(tried, directory)
                else:
                    run_on_ray(tried, directory, may_grow=address is not None)
            if tried.done:
                directory.sweep()
                runs_done, _ = directory.read_runs(["setting_id", *GROUP, "validation_idk_rate"])
                for line in narrow_trades(runs_done):
                    log(f"warning: {line}")
    return tried.done and not queue.failed_runs


def _as_begun(config: StudyConfig, directory: ResultsDirectory) -> StudyConfig:
    """Return a study with what the pilot found when it was begun: a pilot is made once."""
    if not directory.exists():
        return config
    there = stored(directory.read_study(), str(directory.study_file)).search.pilot
    unpriced = (str(arm.arm) for arm in config.plan().search.arms if arm.unpriced)
    return config.priced({name: there[name] for name in unpriced if name in there})


@contextmanager
def _not_waited_for() -> Iterator[ThreadPoolExecutor]:
    """Yield a thread whose work is not waited for when the study is interrupted."""
    executor = ThreadPoolExecutor(1)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
