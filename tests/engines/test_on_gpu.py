"""Training on a GPU: on a stand-in for one, compiled on the CPU, and on a real one if there is."""

import subprocess
import sys

import pytest
import torch

from study.engines.backends import make_engine
from study.engines.machine_code import compiler
from study.engines.on_gpu import OnGpu
from study.models.draws import initial_weights, minibatch_order
from study.models.families import FAMILIES
from study.models.losses import LOSSES
from study.models.step import Eager, adam_sizes
from study.models.training import TrainingOptions, train_pack
from tests.engines.pretend_device import ARMS
from tests.models.synthetic_examples import make_examples

TRAIN, VALIDATION = make_examples(96, 3, seed=1), make_examples(64, 3, seed=2)


def test_all_that_belongs_on_the_device_is_there_and_the_runs_are_those_of_the_cpu():
    command = [sys.executable, "-W", "ignore", "-m", "tests.engines.pretend_device"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.partition(",")[0] for line in done.stdout.splitlines()] == [
        f"{name} {method}: the same runs" for name, method in ARMS
    ]


# Of what torch says of its own internals when it compiles.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(compiler() is None, reason="torch.compile needs a C++ compiler on the CPU")
def test_the_step_as_torch_compiles_it_is_the_step_for_any_number_of_seeds_and_lanes():
    model, loss = FAMILIES["ordinal"].model("defer"), LOSSES["defer"]
    eager = Eager(model, loss, TRAIN, VALIDATION)
    compiled = OnGpu(model, loss, TRAIN, VALIDATION, torch.device("cpu"))
    for seeds, lanes in ((range(3), 64), (range(2), 32)):
        order, sizes = minibatch_order(96, 16, seeds, 1), adam_sizes(0.05, range(1, 7))
        alpha, gamma = (torch.rand(len(seeds), lanes) for _ in range(2))
        after = []
        for engine in (eager, compiled):
            theta = initial_weights(model, TRAIN.x.shape[1], 2, seeds, lanes)
            state = (theta, torch.zeros_like(theta), torch.zeros_like(theta))
            engine.train(state, sizes, order, alpha, gamma, None, [lanes] * len(seeds))
            validated = engine.validate(theta, alpha, gamma, None, [lanes] * len(seeds))
            after.append((theta, validated))
        for one, other in zip(*after, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize(("name", "method"), ARMS)
def test_a_gpu_trains_the_runs_of_the_cpu_up_to_rounding(name, method, tmp_path):
    trained = [
        train_pack(
            make_engine(
                backend,
                FAMILIES[name].model(method),
                LOSSES[method],
                TRAIN,
                VALIDATION,
                hidden=2,
                batch_size=16,
                code=tmp_path,
            ),
            alpha=torch.linspace(0, 3, 40),
            gamma=torch.linspace(0.02, 0.4, 40),
            seeds=[0, 3],
            options=TrainingOptions(hidden=2, learning_rate=0.05, batch_size=16, patience=6, max_epochs=60),
        )
        for backend in ("gpu", "eager")
    ]
    there, here = trained
    together = there.best_epoch == here.best_epoch
    close = torch.isclose(there.validation_loss, here.validation_loss, atol=1e-5, rtol=1e-4)
    assert together.float().mean() > 0.8
    assert close[together].float().mean() > 0.98
