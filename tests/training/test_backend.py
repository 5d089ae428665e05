"""Which backend a study trains with, what it compiles, and where machine code is kept."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from study.data import load_section
from study.engines.background import Shapes, Step
from study.errors import LedgerError, StudyFileError
from study.models.losses import loss_of
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.training import backend
from study.training.backend import choose_backend, code_directory, compiling, shapes_of, steps_of
from study.training.cores import available_cores
from study.words import Arm
from tests.worlds.own_tables import cases, own
from tests.worlds.small_study import TINY as SMALL
from tests.worlds.small_study import config_of

SHAPES = Shapes(inputs=23, train=4000, validation=1000, hidden=5, batch_size=64)
STEPS = [Step("mlp", "binary"), Step("ordinal", "reject"), Step("ordinal", "defer")]
TINY, LARGE = 20, 4505


@pytest.fixture
def said(monkeypatch) -> list[str]:
    monkeypatch.setattr(backend, "compiler", lambda: "g++")
    return []


def chosen(wanted: str, runs: int, tmp_path: Path, said: list[str]) -> str:
    """What a study of so many runs on COMPAS trains with, that says ``wanted``."""
    directory = ResultsDirectory(tmp_path / "results")
    return choose_backend(wanted, directory, runs=runs, shapes=SHAPES, steps=STEPS, log=said.append)


def test_large_studies_compile_and_small_ones_do_not(tmp_path, said):
    assert chosen("auto", LARGE, tmp_path, said) == "compiled"
    assert chosen("auto", TINY, tmp_path, said) == "eager"
    assert said == []


def test_without_a_compiler_a_large_study_trains_eagerly_and_is_told_what_to_install(
    tmp_path, said, monkeypatch
):
    monkeypatch.setattr(backend, "compiler", lambda: None)
    assert chosen("auto", LARGE, tmp_path, said) == "eager"
    assert chosen("auto", TINY, tmp_path, said) == "eager"
    assert len(said) == 1
    assert "install g++ or clang++" in said[0]


def test_what_the_study_file_asks_for_is_done_or_refused(tmp_path, said, monkeypatch):
    assert chosen("eager", LARGE, tmp_path, said) == "eager"
    assert chosen("compiled", TINY, tmp_path, said) == "compiled"
    monkeypatch.setattr(backend, "compiler", lambda: None)
    with pytest.raises(StudyFileError, match=r"resources\.backend: compiled needs a C\+\+ compiler"):
        chosen("compiled", TINY, tmp_path, said)


def test_a_gpu_is_used_where_it_is_asked_for_and_only_there(tmp_path, said, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen("gpu", TINY, tmp_path, said) == "gpu"
    assert chosen("auto", LARGE, tmp_path, said) == "compiled"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(StudyFileError, match=r"resources\.backend: gpu needs an NVIDIA GPU"):
        chosen("gpu", TINY, tmp_path, said)
    ResultsDirectory(tmp_path / "results").write_manifest({"backend": "gpu"})
    with pytest.raises(LedgerError, match="begun gpu, which needs an NVIDIA GPU"):
        chosen("auto", TINY, tmp_path, said)


def test_a_study_continues_the_way_it_began(tmp_path, said, monkeypatch):
    results = ResultsDirectory(tmp_path / "results")
    results.write_manifest({"backend": "compiled"})
    assert chosen("auto", TINY, tmp_path, said) == "compiled"
    monkeypatch.setattr(backend, "compiler", lambda: None)
    with pytest.raises(LedgerError, match="was begun compiled"):
        chosen("auto", TINY, tmp_path, said)


def test_a_step_is_compiled_once_for_all_arms_that_train_with_it():
    names = [
        *(("binary", "mlp"), ("reject", "ordinal"), ("reject", "posthoc"), ("defer", "ordinal")),
        *(("defer", "posthoc"), ("defer", "ordinal"), ("defer", "posthoc"), ("binary", "mlp")),
    ]
    arms, frame = [Arm(*name, "column") for name in names], cases().astype({"judge": float})
    # The baseline, whose pack is handed out first, trains the network of mlp and posthoc.
    expected = [Step("mlp", "binary"), Step("ordinal", "defer"), Step("ordinal", "reject")]
    assert steps_of(arms, own(frame, decision_maker=("judge",))) == expected
    frame.loc[::2, "judge"] = np.nan
    dataset = own(frame, decision_maker=("judge",))
    steps = steps_of(arms, dataset)
    found = {(step.family, loss_of(step.method, partly=step.partly).__name__) for step in steps}
    assert found == {("mlp", "binary"), ("ordinal", "defer-partly"), ("ordinal", "reject")}
    simulated = [Arm(*name, "standard") for name in names]
    assert steps_of(simulated, dataset) == expected


def test_shapes_are_those_of_the_data_and_of_the_training_options():
    config = config_of(SMALL)
    dataset = load_section(config.dataset)
    shapes = shapes_of(dataset, "validation", TrainingOptions(7, 0.1, 32, 5, 5))
    assert shapes == Shapes(
        inputs=dataset.features.shape[1] + 1,
        train=len(dataset.indices("train")),
        validation=len(dataset.indices("validation")),
        hidden=7,
        batch_size=32,
    )


def test_machine_code_is_kept_in_the_users_cache_or_where_one_can_write(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert code_directory() == tmp_path / "cache" / "learning-to-defer-study" / "machine-code"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert code_directory().name == "machine-code"
    assert tmp_path not in code_directory().parents


def test_nothing_is_begun_or_said_where_all_is_compiled(tmp_path, monkeypatch, said):
    monkeypatch.setattr(backend, "not_compiled", lambda *_: [])
    with compiling(STEPS, SHAPES, tmp_path, said.append):
        pass
    assert said == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_compiled_is_said_and_logged(tmp_path, monkeypatch, said):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    begun = []
    monkeypatch.setattr(backend, "not_compiled", lambda *_: STEPS[:2])
    begin = lambda *given: begun.append(given) or nullcontext()  # noqa: E731
    monkeypatch.setattr(backend, "compiling_in_background", begin)
    with compiling(STEPS, SHAPES, tmp_path, said.append):
        assert said[0].startswith("compiling 2 training steps")
    assert begun == [(STEPS[:2], SHAPES, code_directory(), tmp_path / "compiling.log", available_cores())]
