"""What is measured, one function per table, in CPU seconds of this process where not said otherwise.

CPU time, since a benchmark shares its machine: on an idle core it is the time on the clock.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import torch

from study.engines.backends import make_engine
from study.models.decisions import decide, joint_counts, scores
from study.models.draws import minibatch_order
from study.models.examples import Examples
from study.models.losses import loss_of
from study.models.network import Model
from study.models.networks.ordinal import ORDINAL
from study.models.step import Eager, Engine, adam_sizes
from study.models.training import PackTraining, Trained, TrainingOptions
from study.results.metrics import metrics
from study.training.backend import code_directory
from tests.benchmarks.others import cost, epoch_under_vmap
from tests.benchmarks.problem import Problem
from tests.models.plain import PLAIN

FREE = torch.zeros(1)
Way = Literal["compiled", "recorded", "as written"]
"""How a step runs: as machine code, as its recorded operations, or as it is written, by autograd."""


@dataclass(frozen=True)
class Steps:
    """Microseconds per model-step of one model, method, way and width (lanes = settings x seeds)."""

    model: str
    method: str
    way: str
    settings: int
    seeds: int
    step: float
    validation: float
    bookkeeping: float

    @property
    def whole(self) -> float:
        """All of an epoch, by model-step."""
        return self.step + self.validation + self.bookkeeping

    @property
    def validation_share(self) -> float:
        """What validation and the keeping of best weights take of it."""
        return (self.validation + self.bookkeeping) / self.whole


@dataclass(frozen=True)
class EndToEnd:
    """Runs trained to the end and evaluated; spent over needed epochs is what early stopping wastes."""

    way: str
    settings: int
    seeds: int
    runs_per_second: float
    needed_epochs: int
    spent_epochs: int


def fastest(function: Callable[[], object], repeats: int) -> float:
    """Return the least seconds that ``function`` took."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        function()
        seconds.append(time.process_time() - started)
    return min(seconds)


def begin(
    way: Way,
    model: Model,
    method: str,
    problem: Problem,
    settings: int,
    seeds: int,
    options: TrainingOptions,
) -> PackTraining:
    """Lay out a pack of the first ``settings`` of a problem."""
    of = (model, loss_of(method), problem.train, problem.validation)
    sizes = {"hidden": options.hidden, "batch_size": options.batch_size}
    engine: Engine
    if way == "as written":
        engine = Eager(*of)
    else:
        backend = "eager" if way == "recorded" else way
        engine = make_engine(backend, *of, **sizes, code=code_directory())
    return PackTraining(
        engine,
        alpha=problem.alpha[:settings],
        gamma=problem.gamma[:settings],
        seeds=range(seeds),
        options=options,
    )


def measure_steps(
    way: Way,
    model: Model,
    method: str,
    problem: Problem,
    settings: int,
    seeds: int,
    options: TrainingOptions,
    repeats: int,
) -> Steps:
    """Time the parts of an epoch at full width."""
    pack = begin(way, model, method, problem, settings, seeds, options)
    pack.run_epoch()
    people = len(problem.train)
    per_epoch = len(minibatch_order(people, options.batch_size, [0], 1))

    def train() -> None:
        order = minibatch_order(people, options.batch_size, range(seeds), 1)
        sizes = adam_sizes(options.learning_rate, range(1, per_epoch + 1))
        state = (pack._theta, pack._mean, pack._square)
        pack._engine.train(state, sizes, order, pack._lanes(pack._noise(per_epoch, 1)))

    def validate() -> torch.Tensor:
        return pack._engine.validate(pack._theta, pack._lanes(pack._validation_noise))

    loss = validate()
    unit = 1e6 / (settings * seeds * per_epoch)
    parts = [fastest(part, repeats) * unit for part in (train, validate, lambda: pack._note(loss))]
    return Steps(model.name, method, way, settings, seeds, *parts)


def measure_end_to_end(
    way: Way, problem: Problem, settings: int, seeds: int, options: TrainingOptions
) -> EndToEnd:
    """Train a pack to the end, as a worker does, and decide on all splits."""
    pack = begin(way, ORDINAL, "defer", problem, settings, seeds, options)
    started, spent = time.process_time(), 0
    while pack.running:
        spent += sum(pack._wanted)
        pack.run_epoch()
    trained = pack.result()
    evaluate(problem, trained)
    seconds = time.process_time() - started
    runs = settings * seeds
    return EndToEnd(way, settings, seeds, runs / seconds, int(trained.epochs.sum()), spent)


def evaluate(problem: Problem, trained: Trained) -> None:
    """Decide on every split, as a study does for every run."""
    thresholds = ORDINAL.thresholds(trained.theta, FREE)
    for split in (problem.train, problem.validation, problem.test):
        metrics(joint_counts(decide(scores(ORDINAL, trained.theta, split.x), thresholds, split.a), split))


def seconds_per_epoch_alone(problem: Problem, options: TrainingOptions, steps: int) -> float:
    """Return what an epoch of one nn.Module takes, from its first ``steps`` steps and a validation pass."""
    start = begin("as written", ORDINAL, "defer", problem, 1, 1, options)._theta[0, :, 0]
    network = PLAIN["ordinal"](start, problem.train.x.shape[1], options.hidden)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    order = minibatch_order(len(problem.train), options.batch_size, [0], 1)
    batches, whole = problem.train.batches(order[:steps]), problem.validation.whole(1)
    coefficients = (problem.alpha[0], problem.gamma[0])

    def train() -> None:
        for batch in batches:
            optimiser.zero_grad()
            cost(network, "defer", batch, *coefficients).backward()
            optimiser.step()

    def validate() -> None:
        with torch.no_grad():
            cost(network, "defer", whole, *coefficients).item()

    return fastest(train, 3) / len(batches) * len(order) + fastest(validate, 3)


def seconds_per_step_under_vmap(
    problem: Problem, settings: int, seeds: int, options: TrainingOptions, steps: int
) -> float:
    """Return what a step of all settings under all seeds takes with torch.func.vmap."""
    run = epoch_under_vmap(
        ORDINAL,
        "defer",
        problem.train,
        alpha=problem.alpha[:settings],
        gamma=problem.gamma[:settings],
        seeds=list(range(seeds)),
        options=options,
        steps=steps,
    )
    return fastest(run, 3) / steps


def as_row(measured: Steps | EndToEnd) -> dict[str, object]:
    """Return a measurement as plain data, with what follows from it."""
    row = asdict(measured)
    if isinstance(measured, Steps):
        row |= {"whole": measured.whole, "validation_share": measured.validation_share}
    else:
        row |= {"waste": measured.spent_epochs / measured.needed_epochs}
    return row


def with_score(problem: Problem) -> Problem:
    """Return a problem for a given model, whose score, the first input, is the decision-maker's."""
    splits = [
        Examples(torch.cat([split.dm[:, None], split.x], dim=1), split.y, split.a, split.dm)
        for split in (problem.train, problem.validation, problem.test)
    ]
    return Problem(*splits, problem.alpha, problem.gamma)


def synthetic_problem(examples: Callable[[int, int, int], Examples], rows: int, features: int) -> Problem:
    """Return a made-up problem with as many settings as the growth tables need."""
    splits = [examples(n, features, seed) for seed, n in enumerate((rows, rows // 4, rows // 4))]
    generator = torch.Generator().manual_seed(0)
    alpha, gamma = torch.rand(2, 64, generator=generator)
    return Problem(*splits, alpha, 0.03 + 0.12 * gamma)
