"""The benchmark runs and writes what it says; how fast anything is, no test says."""

import json

import pytest

from study.models.networks.given import TWO_STAGE
from study.models.networks.mlp import MLP
from study.models.training import TrainingOptions
from tests.benchmarks import __main__ as benchmark
from tests.benchmarks import measure, stages
from tests.models.synthetic_examples import make_examples

OPTIONS = TrainingOptions(hidden=2, learning_rate=0.02, batch_size=32, patience=2, max_epochs=4)
TINY = benchmark.Sizes(
    options=OPTIONS,
    arms=[(MLP, "binary"), (TWO_STAGE, "two-stage")],
    widths={"compiled": [3], "recorded": [3], "as written": [3]},
    seeds=2,
    to_the_end=[5],
    repeats=1,
    sample_steps=2,
    trials=0,
    study=stages.study_of(2, 1, "eager", max_epochs=1),
    large_study=stages.study_of(2, 1, "eager", max_epochs=1),
    workers=[],
    growth={"hidden": [2, 3]},
)


def test_a_tiny_benchmark_fills_every_table(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "compiler", lambda: None)
    problem = measure.synthetic_problem(make_examples, 128, 3)
    assert benchmark.main(["--out", str(tmp_path)], TINY, problem) == 0
    measured = json.loads((tmp_path / "benchmark.json").read_text())
    assert [(row["model"], row["way"]) for row in measured["steps"]] == [
        (model, way) for model in ("mlp", "given-two-stage") for way in ("recorded", "as written")
    ]
    assert all(row["whole"] > row["step"] > 0 for row in measured["steps"])
    ways = measured["end_to_end"]
    assert [row["way"].split(" ")[0] for row in ways] == ["one", "vmap", "pack"]
    assert all(row["runs_per_second"] > 0 for row in ways)
    assert ways[-1]["epochs_spent_by_needed"] >= 1
    assert [row["hidden"] for row in measured["growth"]] == [2, 3]
    shares = {row["stage"]: row["share"] for row in measured["stages"]}
    assert {"training", "validation and best weights", "search", "ledger"} <= set(shares)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["training"] > 0
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")


def test_epochs_spent_are_lanes_laid_out_times_epochs():
    problem = measure.synthetic_problem(make_examples, 128, 3)
    pack = measure.measure_end_to_end("recorded", problem, 5, 2, OPTIONS)
    assert pack.needed_epochs <= 5 * 2 * 4
    # Five settings take a width of 32, for as many epochs as the last of them trains.
    assert pack.spent_epochs % 32 == 0
    assert pack.spent_epochs <= 32 * 2 * 4
