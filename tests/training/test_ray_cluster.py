"""A study on several nodes: what is said of the cluster, what reaches a node, what a lost node costs."""

import contextlib
import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from study.api import Study
from study.errors import UserError
from study.results.directory import ResultsDirectory
from study.storage.yaml_text import dump_yaml
from study.training import ray_cluster as cluster
from study.training.launch import launch
from tests.training.driver import PATIENCE, driver, environment
from tests.worlds.small_study import LONG, TINY, assert_same_rows, config_of, resume

pytestmark = pytest.mark.waits


@dataclass
class Nodes:
    process: subprocess.Popen[str]
    environment: dict[str, str]
    address: str

    def tell(self, words: str) -> None:
        """Have a node killed or added, and wait until that is done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == words


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Two nodes with one core each, and a head that trains nothing."""
    # Ray's sockets need a short path, and `ray start` elsewhere on this machine its own record.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as temporary:
        (Path(temporary) / "ray").mkdir()
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        surroundings = environment() | {"RAY_TMPDIR": temporary} | token
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.training.three_nodes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env=surroundings,
        )
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address
            yield Nodes(process, surroundings, address)
            process.communicate("quit\n", timeout=PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_data_reaches_a_node_once_however_many_packs_it_trains(nodes: Nodes, tmp_path: Path) -> None:
    file, results = tmp_path / "tiny.yaml", ResultsDirectory(tmp_path / "results")
    file.write_text(dump_yaml(TINY), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.counting_driver", file, results.root, nodes.address],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=nodes.environment,
    )
    assert done.returncode == 0, done.stderr
    ((size, copies),) = json.loads(done.stdout.splitlines()[-1])
    packs = len(results.read_packs())
    assert packs == 6
    assert size > 7214 * 21 * 4
    assert copies <= 3
    assert len(results.read_runs()[0]) == 20
    # Tune's own storage lies on the driver's node, so no worker may write there.
    assert not list(results.logs.rglob("checkpoint_*"))


def test_nodes_killed_in_the_middle_and_one_added_change_no_row(
    nodes: Nodes, tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    file, results = tmp_path / "long.yaml", ResultsDirectory(tmp_path / "results")
    file.write_text(dump_yaml(LONG), "utf-8")
    words = ["run", file, "--out", results.root, "--address", nodes.address]
    with driver(*words, results=results.root, surroundings=nodes.environment) as started:
        started.wait_for_packs(1)
        nodes.tell("kill 0")
        started.wait_for_packs(len(started.rows_files) + 1)
        nodes.tell("kill 1")
        before = set(results.read_runs()[0]["worker"])
        left = 7 - len(started.rows_files)
        assert left > 0
        nodes.tell("add")
        status, _, err = started.end()
    assert status == 0, err
    rows, broken = results.read_runs()
    assert not broken
    assert_same_rows(rows, undisturbed)
    late = rows[~rows["worker"].isin(before)]
    assert late["worker"].nunique() >= 1
    assert late["pack_id"].nunique() == left


def test_cluster_of_which_a_node_has_other_code_is_refused_before_anything_is_trained(
    ray_here: int, monkeypatch: pytest.MonkeyPatch, results: ResultsDirectory
) -> None:
    monkeypatch.setattr("study.training.ray_cluster.code_digest", lambda: "0123456789abcdef")
    with pytest.raises(UserError, match=r"the node \S+ has code \w+ and the driver 0123456789abcdef"):
        launch(config_of(TINY), results, address="auto", log=lambda text: None)
    assert results.read_runs()[0].empty


def test_node_that_cannot_run_the_program_is_named(
    ray_here: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "only_here.py"
    path.write_text("def other_code(expected):\n    return ''\n")
    spec = importlib.util.spec_from_file_location("only_here", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "only_here", module)
    monkeypatch.setattr(cluster, "other_code", module.other_code)
    words = r"the node \S+ cannot run this program \(.*No module named 'only_here'.*\); install it there"
    with pytest.raises(UserError, match=words):
        cluster._same_code_on_every_node()


def test_worker_of_other_code_trains_nothing_and_the_study_can_be_resumed(
    ray_here: int, monkeypatch: pytest.MonkeyPatch, results: ResultsDirectory
) -> None:
    """As on a node that joined after the study had begun."""
    with monkeypatch.context() as patch:
        patch.setattr("study.training.on_ray.code_digest", lambda: "0123456789abcdef")
        with pytest.raises(
            UserError, match=r"has code \w+ and the driver 0123456789abcdef, .* study resume"
        ):
            launch(config_of(TINY), results, log=lambda text: None)
    assert results.read_runs()[0].empty
    assert Study(results.root).status().failed == 0
    assert resume(results, in_process=True, log=lambda text: None)
    assert Study(results.root).status().finished == 20


def test_ray_client_is_refused_with_what_to_do_instead(results: ResultsDirectory) -> None:
    with pytest.raises(
        UserError, match=r"--address ray://host:10001: .* by ray job submit, or on the head"
    ):
        launch(config_of(TINY), results, address="ray://host:10001")
    assert not results.exists()
