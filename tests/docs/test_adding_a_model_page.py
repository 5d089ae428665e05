"""The model that docs/adding-a-model.md shows is what it says it is, and all that a new family needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from study import Study
from study.models.decisions import scores
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.methods import cross_entropy
from study.models.network import Model
from study.models.step import Eager
from study.models.training import TrainingOptions, train_pack
from tests.docs.pages import ROOT, blocks
from tests.models.synthetic_examples import make_examples
from tests.worlds.own_tables import cases
from tests.worlds.small_study import write_cases

PAGE = "docs/adding-a-model.md"


def shown() -> Model:
    names: dict[str, object] = {}
    (code,) = blocks(PAGE, "python")
    exec(compile(code, PAGE, "exec"), names)
    model = names["LINEAR"]
    assert isinstance(model, Model)
    return model


def best_loss(x: Tensor, y: Tensor) -> float:
    """The least cross entropy of a logistic regression, by a method of second order."""
    weights = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200, tolerance_grad=1e-10)

    def loss() -> Tensor:
        optimiser.zero_grad()
        found = torch.nn.functional.binary_cross_entropy_with_logits(x.double() @ weights, y.double())
        found.backward()
        return found

    optimiser.step(loss)
    return loss().item()


def test_the_model_shown_trains_to_the_logistic_regression_that_it_is() -> None:
    model, examples = shown(), make_examples(600, 4, seed=0)
    options = TrainingOptions(hidden=1, learning_rate=0.02, batch_size=600, patience=60, max_epochs=600)
    trained = train_pack(
        Eager(model, loss_of("binary"), examples, examples),
        alpha=torch.zeros(2),
        gamma=torch.zeros(2),
        seeds=[0, 1],
        options=options,
    )
    least = best_loss(examples.x, examples.y)
    score = scores(model, trained.theta, examples.x)
    y = examples.y.view(1, -1, 1)
    loss = cross_entropy(torch.sigmoid(score), torch.sigmoid(-score), y).mean(1)
    torch.testing.assert_close(loss.double(), torch.full((2, 2), least).double(), atol=1e-4, rtol=0)


def test_the_model_shown_is_not_in_the_list_yet() -> None:
    assert shown().name not in FAMILIES


STUDY = """
import sys
from study import Study, load_model
from study.cli import main

given = %s
study = Study.run(given, out="results", in_process=True)
page = study.report()
assert "linear" in page.read_text("utf-8")
main(["select", "results", "--minimise", "di"])
for method in given["methods"]:
    chosen = study.select(method=method, model="linear")
    main(["export", "results", chosen.run_id, "--out", method])
    main(["apply", method, "new.csv", "--out", f"{method}.csv"])
assert load_model("defer").family.name == "linear"
"""


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """A copy of the package with the page's file, and its line in the list: nothing else."""
    for folder in ("study", "models", "reports"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    (code,), (line,) = blocks(PAGE, "python"), blocks(PAGE, "text")
    (tmp_path / "models" / "networks" / "linear.py").write_text(code, "utf-8")
    families = tmp_path / "models" / "families.py"
    before = "    for family in (\n"
    families.write_text(families.read_text("utf-8").replace(before, before + line), "utf-8")
    return tmp_path


def test_a_file_and_a_line_are_enough_from_the_study_to_the_model_card(extended: Path) -> None:
    given = {
        "dataset": write_cases(extended / "cases.csv"),
        "decision_maker": "column",
        "methods": ["binary", "reject", "defer"],
        "model": ["mlp", "linear"],
        "search": {"sampler": "random", "settings": 2, "gamma": {"reject": 0.3, "defer": 0.05}},
        "seeds": 1,
        "training": {"max_epochs": 12, "batch_size": 16, "learning_rate": 0.03},
    }
    new = cases(30, seed=5).drop(columns=["bad", "judge", "sure"]).assign(code="X1", place="here", score=1)
    new.to_csv(extended / "new.csv", index=False)
    subprocess.run(
        [sys.executable, "-c", STUDY % repr(given)],
        cwd=extended,
        env={**os.environ, "PYTHONPATH": str(extended)},
        check=True,
        capture_output=True,
    )
    runs = Study(extended / "results").results()
    assert set(runs.loc[runs["model"] == "linear", "method"]) == {"binary", "reject", "defer"}
    assert runs.loc[(runs["model"] == "linear") & (runs["method"] != "binary"), "t1_a0"].notna().all()
    for method in given["methods"]:
        card = (extended / method / "MODEL_CARD.md").read_text("utf-8")
        assert card.startswith(f"# Model card: {method}, linear\n")
        assert "Model `linear`: logistic regression; " in card
        decided = pd.read_csv(extended / f"{method}.csv")
        assert decided["prediction"].isin([0, 1]).all()
        assert decided["reason"].str.contains("score").all()
