"""Whether a study compiles, what, and where machine code is kept."""

import json
import subprocess
from pathlib import Path

import pytest
import torch

from study.errors import LedgerError, StudyFileError
from study.results.directory import ResultsDirectory
from study.training import compiling
from study.training.compiling import choose_backend, code_directory, compiling_beside, steps_of
from tests.worlds.small_study import TINY, config_of

LARGE = {**TINY, "search": {"sampler": "random", "settings": 300}, "seeds": 5}


@pytest.fixture
def said(monkeypatch) -> list[str]:
    monkeypatch.setattr(compiling, "compiler", lambda: "g++")
    return []


def chosen(given, tmp_path: Path, said: list[str]) -> str:
    config = config_of(given)
    return choose_backend(
        config, config.dataset.load(), ResultsDirectory(tmp_path / "results"), said.append
    )


def test_large_studies_compile_and_small_ones_do_not(tmp_path, said):
    assert chosen(LARGE, tmp_path, said) == "compiled"
    assert chosen(TINY, tmp_path, said) == "eager"
    assert said == []


def test_without_a_compiler_a_large_study_trains_eagerly_and_is_told_what_to_install(
    tmp_path, said, monkeypatch
):
    monkeypatch.setattr(compiling, "compiler", lambda: None)
    assert chosen(LARGE, tmp_path, said) == "eager"
    assert chosen(TINY, tmp_path, said) == "eager"
    assert len(said) == 1
    assert "install g++ or clang++" in said[0]


def test_what_the_study_file_asks_for_is_done_or_refused(tmp_path, said, monkeypatch):
    assert chosen({**LARGE, "resources": {"backend": "eager"}}, tmp_path, said) == "eager"
    compiled = {**TINY, "resources": {"backend": "compiled"}}
    assert chosen(compiled, tmp_path, said) == "compiled"
    monkeypatch.setattr(compiling, "compiler", lambda: None)
    with pytest.raises(StudyFileError, match=r"resources\.backend: compiled needs a C\+\+ compiler"):
        chosen(compiled, tmp_path, said)


def test_a_gpu_is_used_where_it_is_asked_for_and_only_there(tmp_path, said, monkeypatch):
    on_gpu = {**TINY, "resources": {"backend": "gpu"}}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen(on_gpu, tmp_path, said) == "gpu"
    assert chosen(LARGE, tmp_path, said) == "compiled"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(StudyFileError, match=r"resources\.backend: gpu needs an NVIDIA GPU"):
        chosen(on_gpu, tmp_path, said)
    ResultsDirectory(tmp_path / "results").write_manifest({"backend": "gpu"})
    with pytest.raises(LedgerError, match="begun gpu, which needs an NVIDIA GPU"):
        chosen(TINY, tmp_path, said)


def test_a_study_goes_on_the_way_it_began(tmp_path, said, monkeypatch):
    results = ResultsDirectory(tmp_path / "results")
    results.write_manifest({"backend": "compiled"})
    assert chosen(TINY, tmp_path, said) == "compiled"
    monkeypatch.setattr(compiling, "compiler", lambda: None)
    with pytest.raises(LedgerError, match="was begun compiled"):
        chosen(TINY, tmp_path, said)


def test_a_step_is_compiled_once_for_all_arms_that_train_with_it():
    config = config_of(
        {**TINY, "model": ["mlp", "ordinal", "posthoc"], "decision_maker": ["standard", "biased"]}
    )
    steps = steps_of(config)
    # The baseline, whose pack is handed out first, trains the network of mlp and posthoc.
    assert steps[0] == ("mlp", "binary")
    assert sorted(steps[1:]) == [("ordinal", "defer"), ("ordinal", "reject")]


def test_machine_code_is_kept_in_the_users_cache_or_where_one_can_write(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert code_directory() == tmp_path / "cache" / "learning-to-defer-study" / "machine-code"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert code_directory().name == "machine-code"
    assert tmp_path not in code_directory().parents


@pytest.fixture
def begun(monkeypatch) -> list[subprocess.Popen[bytes]]:
    """Let a process that does nothing stand for the one that compiles; return those that were begun."""
    processes: list[subprocess.Popen[bytes]] = []

    class Process(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command, **options):
            processes.append(self)
            self.asked = json.loads(command[-1])
            super().__init__(["sleep", "600"], **options)

    monkeypatch.setattr(subprocess, "Popen", Process)
    return processes


def test_the_process_beside_is_told_the_shapes_and_ends_with_the_study(tmp_path, monkeypatch, begun):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = config_of({**TINY, "training": {"hidden": 7}})
    dataset = config.dataset.load()
    said: list[str] = []
    with compiling_beside(config, dataset, tmp_path, said.append):
        assert begun[0].poll() is None
    assert begun[0].poll() is not None
    asked = begun[0].asked
    assert asked["train"] == len(dataset.indices("train"))
    assert asked["inputs"] == dataset.features.shape[1] + 1
    assert asked["hidden"] == 7
    assert ["mlp", "binary"] in asked["steps"]
    assert len(said) == 1
    assert said[0].startswith(f"compiling {len(asked['steps'])} training steps")


def test_nothing_is_begun_or_said_where_all_is_compiled(tmp_path, monkeypatch, begun):
    monkeypatch.setattr(compiling.Traceable, "file", lambda graph, directory: tmp_path)
    config = config_of(TINY)
    said: list[str] = []
    with compiling_beside(config, config.dataset.load(), tmp_path, said.append):
        pass
    assert begun == []
    assert said == []
