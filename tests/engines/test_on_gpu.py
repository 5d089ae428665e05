"""Training on a GPU: on a stand-in for one, compiled on the CPU, and on a real one if there is."""

import subprocess
import sys

import pytest
import torch
from torch._dynamo.utils import counters

from study.engines.backends import make_engine
from study.engines.machine_code import compiler
from study.engines.on_gpu import OnGpu
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.step import Eager
from study.models.training import Trained, TrainingOptions, train_pack
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
def test_a_pack_whose_lanes_become_fewer_is_the_cpus_and_compiled_once():
    of = (FAMILIES["ordinal"].model("defer"), loss_of("defer"), TRAIN, VALIDATION)
    counters.clear()
    there, here = (
        train_pack(
            engine,
            alpha=torch.linspace(0, 3, 70),
            gamma=torch.linspace(0.02, 0.4, 70),
            seeds=[0, 3],
            options=TrainingOptions(hidden=2, learning_rate=0.05, batch_size=16, patience=2, max_epochs=20),
        )
        for engine in (OnGpu(*of, torch.device("cpu")), Eager(*of))
    )
    assert (here.epochs < here.epochs.max()).sum(1).min() > 40
    assert counters["stats"]["unique_graphs"] == 2
    same_as(there, here)


def same_as(there: Trained, here: Trained) -> None:
    """Check that runs are the CPU's: rounding may move where a few stop, and so their losses."""
    together = there.best_epoch == here.best_epoch
    close = torch.isclose(there.validation_loss, here.validation_loss, atol=1e-5, rtol=1e-4)
    assert together.float().mean() > 0.8
    assert close[together].float().mean() > 0.95


def test_a_gpu_has_four_widths_between_powers_of_two_and_drops_no_seed():
    engine = OnGpu(
        FAMILIES["mlp"].model("binary"), loss_of("binary"), TRAIN, VALIDATION, torch.device("cpu")
    )
    widths = [engine.widths([live, 0]) for live in range(1, 1025)]
    assert all(first == second >= live for live, (first, second) in enumerate(widths, 1))
    assert sorted({width for width, _ in widths}) == [
        *range(32, 257, 32),
        *(320, 384, 448, 512, 640, 768, 896, 1024),
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize(("name", "method"), ARMS)
def test_a_gpu_trains_the_runs_of_the_cpu_up_to_rounding(name, method, tmp_path):
    trained = [
        train_pack(
            make_engine(
                backend,
                FAMILIES[name].model(method),
                loss_of(method),
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
    same_as(*trained)
