import numpy as np
import pytest
import torch

from study.config.plan import ThresholdOptions
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.results.packs import Pack, Proposal
from study.training.pack import run_pack
from study.training.study_data import StudyData
from study.words import BASELINE
from tests.worlds.small_study import IDENTITY


def small_data() -> StudyData:
    """Return 400 examples of 6 features: with the bias a shape whose products two threads cut elsewhere."""
    generator = np.random.default_rng(0)
    rows = np.arange(400)
    return StudyData(
        study="small",
        dataset="small",
        identity=IDENTITY,
        fingerprint="fingerprint",
        features=generator.normal(size=(400, 6)).astype(np.float32),
        label=generator.integers(0, 2, 400).astype(np.float32),
        sensitive=generator.integers(0, 2, 400).astype(np.int8),
        rows={"train": rows[:140], "validation": rows[140:340], "test": rows[340:]},
        decision_makers={},
        test_decision_maker=None,
        options=TrainingOptions(hidden=5, learning_rate=0.05, batch_size=16, patience=5, max_epochs=20),
        thresholds=ThresholdOptions("random", 10, True, "validation"),
        backend="eager",
    )


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_rows_do_not_depend_on_the_threads_of_the_process_that_trains(tmp_path, threads):
    settings = [IDENTITY.setting(BASELINE, {"alpha": alpha / 70}) for alpha in range(70)]
    pack = Pack.of(BASELINE, 0, [Proposal(setting, {}) for setting in settings], [0], set())
    figures = []
    for count in (1, 2):
        directory = ResultsDirectory(tmp_path / str(count))
        threads(count)
        list(run_pack(pack, small_data(), directory))
        figures.append(
            directory.read_pack_runs(pack.pack_id).drop(columns=["seconds", "worker", "finished_at"])
        )
    assert len(figures[0]) == 70
    assert figures[0].equals(figures[1])
