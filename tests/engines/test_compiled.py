"""The step as machine code against the same step as it is written; needs a C++ compiler."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from study.engines import machine_code
from study.engines.compiled import Compiled, _seeds_and_lanes, step_graphs
from study.engines.machine_code import UNIT, CompilerError, compiler
from study.models.examples import UNKNOWN, Examples
from study.models.families import FAMILIES
from study.models.losses import Loss, loss_of
from study.models.network import AnyOutputs, Layout, Model, rounded_up
from study.models.networks.actions import ACTIONS
from study.models.networks.bayes import BAYES
from study.models.networks.gate import GATE
from study.models.networks.given import TWO_STAGE
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from study.models.networks.pair import PAIR
from study.models.step import Eager, Engine, adam_sizes
from study.models.training import PackTraining, Trained, TrainingOptions, train_pack
from tests.models.synthetic_examples import make_examples
from tests.study_fixtures import made_once

OPTIONS = TrainingOptions(hidden=2, learning_rate=0.05, batch_size=16, patience=6, max_epochs=60)
ALPHA = torch.linspace(0, 3, 100)
GAMMA = torch.linspace(0.02, 0.4, 100)
PROBLEM = (make_examples(96, 3, seed=1), make_examples(64, 3, seed=2))
SEEDS = [0, 1, 4]
ARMS = pytest.mark.parametrize(
    ("model", "method"),
    [(ORDINAL, "defer"), (BAYES, "binary")],
    ids=["ordinal", "bayes"],
)

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")


def engine_of(model, loss, code: Path | None) -> Engine:
    if code is None:
        return Eager(model, loss, *PROBLEM)
    return Compiled(model, loss, *PROBLEM, hidden=2, batch_size=16, directory=code)


def train(
    model, method: str, which: slice | list[int], code: Path | None, seeds: list[int] = SEEDS
) -> Trained:
    return train_pack(
        engine_of(model, loss_of(method), code),
        alpha=ALPHA[which],
        gamma=GAMMA[which],
        seeds=seeds,
        options=OPTIONS,
    )


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where this module's machine code is: each model is compiled once, for all workers."""
    return made_once(tmp_path_factory, "code", lambda place: None)


@pytest.fixture(scope="module")
def whole_pack(code):
    """Return the pack of all settings and seeds, trained once for each arm."""
    trained: dict[str, Trained] = {}

    def of(model, method: str) -> Trained:
        if model.name not in trained:
            trained[model.name] = train(model, method, slice(None), code)
        return trained[model.name]

    return of


@ARMS
def test_compiled_training_is_eager_training_up_to_rounding(whole_pack, model, method):
    eager, machine = train(model, method, slice(None), None), whole_pack(model, method)
    # Rounding can move the epoch of a stop, and a run that is about to diverge magnifies it.
    together = eager.best_epoch == machine.best_epoch
    close = torch.isclose(machine.validation_loss, eager.validation_loss, atol=1e-5, rtol=1e-4)
    assert together.float().mean() > 0.8
    assert close[together].float().mean() > 0.98


def several() -> tuple[Model, Loss]:
    """Return models next to each other as one, and the sum of their losses: one by one takes long."""
    models = {PAIR: "compare", ACTIONS: "ova", TWO_STAGE: "two-stage"}
    losses = [loss_of(method, (2.0, 3.0), partly=True) for method in models.values()]

    def layout(inputs: int, hidden: int) -> Layout:
        return Layout({model.name: (model.layout(inputs, hidden).size,) for model in models})

    def outputs(theta: Tensor, x: Tensor) -> list[AnyOutputs]:
        parts = layout(x.shape[2], 2).split(theta).values()
        return [model.outputs(part, x) for model, part in zip(models, parts, strict=True)]

    def loss(found: list[AnyOutputs], *given: Any) -> Tensor:
        return sum(of_part(part, *given) for part, of_part in zip(found, losses, strict=True))

    return replace(ORDINAL, name="several", layout=layout, outputs=outputs), loss


def test_gradients_with_costs_and_unknown_decisions_are_those_as_written(code):
    model, loss = several()
    y, a, number = PROBLEM[0].y, PROBLEM[0].a, len(PROBLEM[0])
    # The first input is the given model's p.
    x = torch.cat([torch.sigmoid(PROBLEM[0].x[:, :1]), PROBLEM[0].x[:, 1:]], dim=1)
    dm = PROBLEM[0].dm.where(torch.arange(number) % 3 > 0, UNKNOWN)
    examples = Examples(x, y, a, dm)
    graph, _ = step_graphs(model, loss, examples, examples.whole(1), hidden=2, batch_size=16)

    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(2, model.layout(4, 2).size, 2 * UNIT, generator=generator)
    order = torch.randperm(number, generator=generator)[:32].view(2, 16)
    alpha, gamma = torch.rand(2, 2, 2 * UNIT, generator=generator)
    given = [adam_sizes(0.1, range(1, 2))[0], order, x, y, a, dm, alpha, gamma - 0.2]
    written, compiled = ([theta.clone(), 0 * theta, 0 * theta] for _ in range(2))
    graph.function(*written, *given)
    machine_code.machine_code(graph, code)([*compiled, *given])
    # After the first step the mean is a tenth of the gradient.
    torch.testing.assert_close(compiled[1], written[1], atol=1e-6, rtol=1e-4)
    assert written[1].count_nonzero(dim=1).min() > 30


@ARMS
@pytest.mark.parametrize(
    ("which", "seeds"),
    [
        ([7], [0, 1, 2]),
        ([99], [1]),
        (range(20, 53), [2]),
        (range(70), [0, 2]),
        (range(99, -1, -1), [2, 0, 1]),
    ],
    ids=["one setting", "one run", "33 settings", "70 settings", "backwards"],
)
def test_a_compiled_run_is_the_same_to_the_bit_in_packs_of_any_width(
    whole_pack, code, model, method, which, seeds
):
    among = whole_pack(model, method)
    pack = train(model, method, list(which), code, [SEEDS[s] for s in seeds])
    for field in ("validation_loss", "best_epoch", "epochs"):
        assert torch.equal(getattr(pack, field), getattr(among, field)[seeds][:, list(which)]), field
    assert torch.equal(pack.theta, among.theta[seeds][:, :, list(which)])


def test_the_pack_that_others_are_compared_with_shrinks_in_lanes(whole_pack):
    epochs = whole_pack(ORDINAL, "defer").epochs
    live = [int((epochs > epoch).sum(1).max()) for epoch in range(int(epochs.max()))]
    assert live[0] > 96
    assert live[-1] <= 96


def test_a_seed_whose_runs_are_done_trains_no_lanes_for_the_others(code):
    pack = PackTraining(
        engine_of(ORDINAL, loss_of("defer"), code), alpha=ALPHA, gamma=GAMMA, seeds=SEEDS, options=OPTIONS
    )
    lanes = []
    while pack.running:
        assert pack._wanted == [rounded_up(int(live), UNIT) for live in pack._live.sum(1)]
        lanes.append(pack._wanted)
        pack.run_epoch()
    assert any(len(set(of_seeds)) > 1 for of_seeds in lanes)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_every_wanted_lane_is_trained_once_and_few_at_a_time(units):
    lanes = [UNIT * number for number in units]
    trained = []
    for seeds, block in _seeds_and_lanes(lanes):
        width = block.stop - block.start
        assert width % UNIT == 0
        assert len(seeds) * width <= 128
        trained.extend((seed, lane) for seed in seeds.tolist() for lane in range(block.start, block.stop))
    assert sorted(trained) == [(seed, lane) for seed, number in enumerate(lanes) for lane in range(number)]


def test_seeds_with_few_lanes_left_are_trained_together():
    together = [(seeds.tolist(), block) for seeds, block in _seeds_and_lanes([16, 96, 16, 16])]
    assert together == [([0, 2, 3], slice(0, 16)), ([1], slice(0, 96))]


def test_dropping_finished_lanes_changes_no_compiled_run(whole_pack, code, monkeypatch):
    monkeypatch.setattr(PackTraining, "_compact", lambda training: None)
    never_smaller, among = train(ORDINAL, "defer", slice(None), code), whole_pack(ORDINAL, "defer")
    assert torch.equal(never_smaller.theta, among.theta)
    assert torch.equal(never_smaller.validation_loss, among.validation_loss)


def test_a_compiled_neighbour_that_diverges_changes_no_other(whole_pack, code):
    alpha = ALPHA[:40].clone()
    alpha[5] = torch.nan
    pack = train_pack(
        engine_of(ORDINAL, loss_of("defer"), code),
        alpha=alpha,
        gamma=GAMMA[:40],
        seeds=SEEDS,
        options=OPTIONS,
    )
    others = [k for k in range(40) if k != 5]
    among = whole_pack(ORDINAL, "defer")
    assert torch.equal(pack.theta[:, :, others], among.theta[:, :, others])
    assert pack.epochs[:, 5].tolist() == [1, 1, 1]


def refuse(*_: object) -> None:
    raise AssertionError("compiled again")


def make(model, directory: Path, batch_size: int = 16) -> Compiled:
    return Compiled(model, loss_of("defer"), *PROBLEM, hidden=2, batch_size=batch_size, directory=directory)


def test_what_is_compiled_serves_all_that_comes_after(whole_pack, code, monkeypatch):
    whole_pack(ORDINAL, "defer")
    monkeypatch.setattr(machine_code, "compile_graph", refuse)
    make(ORDINAL, code)
    with pytest.raises(AssertionError, match="compiled again"):
        make(ORDINAL, code, batch_size=17)
    with pytest.raises(AssertionError, match="compiled again"):
        make(GATE, code)


def test_what_is_compiled_is_known_without_compiling(whole_pack, code, tmp_path):
    whole_pack(ORDINAL, "defer")
    train_on, validation = PROBLEM

    def is_compiled(batch_size: int, directory: Path) -> bool:
        sizes = {"hidden": 2, "batch_size": batch_size}
        graphs = step_graphs(ORDINAL, loss_of("defer"), train_on, validation.whole(1), **sizes)
        return all(graph.file(directory).exists() for graph in graphs)

    assert is_compiled(16, code)
    assert not is_compiled(17, code)
    assert not is_compiled(16, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_code_that_is_in_use_has_no_files_that_would_outlive_a_killed_process(
    whole_pack, code, tmp_path, monkeypatch
):
    whole_pack(ORDINAL, "defer")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    loaded = [machine_code._load.__wrapped__(path) for path in code.glob("ordinal-defer-*.pt2")]
    assert len(loaded) >= 2
    assert os.environ["TMPDIR"] == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_shares_machine_code_whatever_family_it_serves(tmp_path, monkeypatch):
    wanted = []
    monkeypatch.setattr(machine_code, "compile_graph", lambda traceable, path: wanted.append(path.name))
    monkeypatch.setattr(machine_code, "_load", lambda path: path)
    make(MLP, tmp_path)
    mine = sorted(set(wanted))
    make(FAMILIES["posthoc"].model("defer"), tmp_path)
    assert sorted(set(wanted)) == mine
    assert len(mine) == 2


def test_a_compiler_that_fails_is_said_in_one_line(tmp_path, monkeypatch):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(machine_code, "compiler", lambda: str(broken))
    # A step that is quick to trace: it does not get further than the compiler.
    monkeypatch.setattr("study.engines.compiled.step", lambda model, loss, theta, *others: theta.add_(1))
    with pytest.raises(
        CompilerError, match=r"^ordinal-defer-step-\w+ could not be compiled by .*g\+\+"
    ) as failed:
        make(ORDINAL, tmp_path)
    assert "\n" not in str(failed.value)
    assert list(tmp_path.glob("*.pt2")) == []


def test_a_compiler_without_its_standard_library_is_none(tmp_path, monkeypatch):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert compiler.__wrapped__() is None
