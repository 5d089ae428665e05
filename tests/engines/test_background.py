"""The process that compiles training steps while a study starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.engines import background
from study.engines.background import Shapes, Step, compiling_in_background, not_compiled
from study.engines.machine_code import CompilerError, Traceable, lock_of

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
            # With a process of its own, as those are that compile.
            super().__init__(["sh", "-c", "sleep 600 & echo $!; wait"], **options)

    monkeypatch.setattr(subprocess, "Popen", Process)
    return processes


def test_the_process_in_the_background_compiles_what_it_is_given_and_ends_with_the_context(tmp_path, begun):
    log = tmp_path / "compiling.log"
    with compiling_in_background(STEPS, SHAPES, tmp_path / "code", log, 3):
        while not log.read_text():
            assert begun[0].poll() is None
    assert begun[0].poll() is not None
    while not _ended(int(log.read_text())):
        pass
    assert list((tmp_path / "code").iterdir()) == []
    assert begun[0].job == {
        "steps": [["mlp", "binary", False], ["gate", "defer", False]],
        "shapes": {
            **{"inputs": 4, "train": 30, "validation": 20, "hidden": 7, "batch_size": 8},
            "costs": [1.0, 1.0],
        },
        "directory": str(tmp_path / "code"),
        "processes": 3,
    }


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def test_all_locks_are_held_until_a_process_has_tried_to_compile_what_each_is_for(tmp_path, monkeypatch):
    graphs = [graph for step in STEPS for graph in background._graphs(step, SHAPES)]
    others = lock_of(graphs[1].file(tmp_path))

    def compile_graph(graph: Traceable, path: Path, *, share_headers: bool) -> None:
        if graph is graphs[2]:
            raise CompilerError("no")
        path.write_text(
            f"{os.getpid()} {[_is_held(other, tmp_path) for other in graphs[graphs.index(graph) :]]}"
        )

    monkeypatch.setattr(background, "compile_graph", compile_graph)
    monkeypatch.setattr(background, "import_compiler", lambda: None)
    with others:
        background.compile_side_by_side(graphs, tmp_path, 1)
        assert [_is_held(graph, tmp_path) for graph in graphs] == [False, True, False, False]
    first, last = (graphs[number].file(tmp_path).read_text().split(maxsplit=1) for number in (0, 3))
    assert first[0] == last[0] != str(os.getpid())
    assert (first[1], last[1]) == ("[True, True, True, True]", "[True]")
    assert [graph.file(tmp_path).exists() for graph in graphs] == [True, False, False, True]


def _is_held(graph: Traceable, directory: Path) -> bool:
    command = [sys.executable, "-c", _TRY, str(lock_of(graph.file(directory)).lock_file)]
    return subprocess.run(command, check=False).returncode == 1


_TRY = """
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1], "ab"), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(1)
"""


def test_a_step_is_missing_until_all_of_its_machine_code_is_there(tmp_path):
    assert not_compiled(STEPS, SHAPES, tmp_path) == STEPS
    step_of_mlp, loss_of_mlp = (graph.file(tmp_path) for graph in background._graphs(STEPS[0], SHAPES))
    step_of_mlp.touch()
    assert not_compiled(STEPS, SHAPES, tmp_path) == STEPS
    loss_of_mlp.touch()
    assert not_compiled(STEPS, SHAPES, tmp_path) == STEPS[1:]
