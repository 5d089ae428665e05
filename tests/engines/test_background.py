"""The process that compiles training steps while a study starts."""

import json
import subprocess

import pytest

from study.engines import background
from study.engines.background import Shapes, Step, compiling_in_background, not_compiled

SHAPES = Shapes(inputs=4, train=30, validation=20, hidden=7, batch_size=8)
STEPS = [Step("mlp", "binary"), Step("gate", "defer")]


@pytest.fixture
def begun(monkeypatch) -> list[subprocess.Popen[bytes]]:
    """Let a process that does nothing stand for the one that compiles; return those that were begun."""
    processes: list[subprocess.Popen[bytes]] = []

    class Process(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command, **options):
            processes.append(self)
            self.job = json.loads(command[-1])
            super().__init__(["sleep", "600"], **options)

    monkeypatch.setattr(subprocess, "Popen", Process)
    return processes


def test_the_process_in_the_background_compiles_what_it_is_given_and_ends_with_the_context(tmp_path, begun):
    with compiling_in_background(STEPS, SHAPES, tmp_path / "code", tmp_path / "compiling.log"):
        assert begun[0].poll() is None
    assert begun[0].poll() is not None
    assert begun[0].job == {
        "steps": [["mlp", "binary"], ["gate", "defer"]],
        "shapes": {"inputs": 4, "train": 30, "validation": 20, "hidden": 7, "batch_size": 8},
        "directory": str(tmp_path / "code"),
    }


def test_a_step_is_missing_until_all_of_its_machine_code_is_there(tmp_path):
    assert not_compiled(STEPS, SHAPES, tmp_path) == STEPS
    step_of_mlp, loss_of_mlp = (graph.file(tmp_path) for graph in background._graphs(STEPS[0], SHAPES))
    step_of_mlp.touch()
    assert not_compiled(STEPS, SHAPES, tmp_path) == STEPS
    loss_of_mlp.touch()
    assert not_compiled(STEPS, SHAPES, tmp_path) == STEPS[1:]
