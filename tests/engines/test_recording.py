"""Recorded operations against the same operations as they are written: bit for bit."""

import pytest
import torch
from torch import Tensor

from study.engines import on_cpu
from study.engines.on_cpu import OnCpu
from study.engines.recording import Recorded
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.step import Eager
from study.models.training import Trained, TrainingOptions, train_pack
from tests.models.synthetic_examples import make_examples

OPTIONS = TrainingOptions(hidden=3, learning_rate=0.2, batch_size=16, patience=2, max_epochs=25)
TRAIN, VALIDATION = make_examples(96, 3, seed=1), make_examples(150, 3, seed=2)
STEPS = sorted(
    {
        (family.name, family.trained_method(method))
        for family in FAMILIES.values()
        for method in family.methods
        if family.name != "posthoc"
    }
)


def train(engine: type[Eager], family: str, method: str, costs: tuple[float, float]) -> Trained:
    model, loss = FAMILIES[family].model(method), loss_of(method, costs)
    return train_pack(
        engine(model, loss, TRAIN, VALIDATION),
        alpha=torch.linspace(0, 3, 40),
        gamma=torch.linspace(-0.1, 0.4, 40),
        seeds=[0, 1, 4],
        options=OPTIONS,
    )


@pytest.mark.parametrize(("family", "method"), STEPS)
@pytest.mark.parametrize("costs", [(1.0, 1.0), (1.0, 3.0)], ids=["equal costs", "unequal costs"])
def test_recorded_training_is_the_training_as_written(family, method, costs):
    written, recorded = train(Eager, family, method, costs), train(OnCpu, family, method, costs)
    # Lanes and seeds were dropped on the way, so that steps of several widths were recorded.
    assert written.epochs.unique().numel() > 1 or not written.theta.numel()
    assert torch.equal(recorded.theta, written.theta)
    assert torch.equal(recorded.validation_loss, written.validation_loss)
    assert torch.equal(recorded.epochs, written.epochs)
    assert recorded.stop == written.stop


def test_large_packs_are_not_recorded_but_trained_as_written(monkeypatch):
    small = train(OnCpu, "bayes", "binary", (1.0, 1.0))
    monkeypatch.setattr(on_cpu, "LARGEST", 0)
    monkeypatch.setattr(Recorded, "__call__", None)
    assert torch.equal(train(OnCpu, "bayes", "binary", (1.0, 1.0)).theta, small.theta)


def agree(function, kept: list[Tensor], changing: int, calls: list[list[Tensor]]) -> None:
    """Compare a function's results, and what it leaves of its arguments, in all of some calls."""
    mine, recorded = [tensor.clone() for tensor in kept], Recorded(changing)
    for given in calls:
        assert torch.equal(recorded(function, mine, given), function(kept, given))
        assert all(map(torch.equal, mine, kept))


def numbers(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_what_is_changed_in_place_is_read_as_it_then_is():
    def function(kept, given):
        (total,), (x,) = kept, given
        before = total * 2
        total += x
        # The same operation on other contents.
        after = total * 2
        scratch = torch.zeros_like(x)
        scratch[0] += x[0]
        scratch.mul_(after)
        return before + after + scratch

    agree(function, [numbers(3)], 1, [[numbers(3) + call] for call in range(4)])


def test_what_no_longer_matters_lends_its_memory_and_views_keep_theirs():
    def function(kept, given):
        x = given[0].exp()
        upper, lower = x.split(2)
        y = upper.T @ lower
        z = (y.sin() + y.cos()).abs().log()
        return torch.cat([z.exp().sqrt(), z.tanh() + upper.sum(), lower * kept[0]])

    agree(function, [numbers(2, 2)], 0, [[numbers(4, 2) + call] for call in range(4)])


def test_an_operation_with_several_results_and_one_that_cannot_write_into_a_tensor():
    def function(kept, given):
        values, indices = given[0].sort(dim=0)
        largest, at = given[0].max(dim=1)
        inputs = torch.nn.functional.logsigmoid(values)
        return inputs.sum() + indices.sum() + largest * at.to(torch.float32)

    agree(function, [numbers(1)], 0, [[numbers(3, 4) * sign] for sign in (1, -1, 2)])


def test_with_other_tensors_to_keep_it_is_recorded_anew():
    recorded = Recorded(changing=0)
    for width in (2, 3, 2):
        kept, given = [numbers(width)], [numbers(width) + width]
        for _ in range(2):
            result = recorded(lambda kept, given: kept[0] / given[0], kept, given)
            assert torch.equal(result, kept[0] / given[0])
