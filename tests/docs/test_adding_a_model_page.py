"""The model that docs/adding-a-model.md shows is trained as a family is, and is the model it says it is."""

import torch
from torch import Tensor

from study.models.decisions import scores
from study.models.families import FAMILIES
from study.models.methods import binary, cross_entropy
from study.models.network import Model, Outputs
from study.models.step import Eager
from study.models.training import TrainingOptions, train_pack
from tests.docs.pages import blocks
from tests.models.synthetic_examples import make_examples

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
        Eager(model, binary, examples, examples),
        alpha=torch.zeros(2),
        gamma=torch.zeros(2),
        seeds=[0, 1],
        options=options,
    )
    least = best_loss(examples.x, examples.y)
    score = scores(model, trained.theta, examples.x)
    outputs = Outputs(torch.sigmoid(score), torch.sigmoid(-score), torch.zeros_like(score))
    loss = cross_entropy(outputs, examples.y.view(1, -1, 1)).mean(1)
    torch.testing.assert_close(loss.double(), torch.full((2, 2), least).double(), atol=1e-4, rtol=0)


def test_the_model_shown_is_not_in_the_list_yet() -> None:
    assert shown().name not in FAMILIES
