"""The compiled step against the same step as it is; skipped where there is no C++ compiler."""

import pytest
import torch

from models.bayes import BAYES
from models.gate import GATE
from models.methods import METHODS
from models.network import WeightNoise
from models.ordinal import ORDINAL
from models.step import adam_sizes, compiler_available, step_function
from models.training import (
    Trained,
    TrainingOptions,
    initial_weights,
    minibatch_order,
    train_pack,
    weight_noise,
)
from tests.models.synthetic_examples import make_examples

OPTIONS = TrainingOptions(hidden=2, learning_rate=0.05, batch_size=16, patience=6, max_epochs=60)
ALPHA = torch.linspace(0, 3, 40)
GAMMA = torch.linspace(0.02, 0.4, 40)

pytestmark = [
    pytest.mark.skipif(not compiler_available(), reason="torch.compile needs a C++ compiler"),
    # What torch.compile says of its own internals is not ours to mend.
    pytest.mark.filterwarnings("ignore"),
]


def train(which: slice, compiled: bool) -> Trained:
    return train_pack(
        ORDINAL,
        METHODS["defer"],
        make_examples(96, 3, seed=1),
        make_examples(64, 3, seed=2),
        alpha=ALPHA[which],
        gamma=GAMMA[which],
        seeds=[0, 1],
        options=OPTIONS,
        compiled=compiled,
    )


@pytest.fixture(scope="module")
def compiled() -> Trained:
    return train(slice(None), compiled=True)


def test_compiled_training_is_eager_training_up_to_rounding(compiled):
    eager = train(slice(None), compiled=False)
    # Rounding can move the epoch of a stop, so runs that stopped together are compared.
    together = eager.best_epoch == compiled.best_epoch
    assert together.float().mean() > 0.8
    torch.testing.assert_close(
        compiled.validation_loss[together], eager.validation_loss[together], atol=1e-5, rtol=1e-4
    )


def test_a_lane_of_a_compiled_pack_is_the_same_to_the_bit_in_a_narrower_one(compiled):
    alone = train(slice(7, 8), compiled=True)
    assert torch.equal(alone.theta, compiled.theta[:, :, 7:8])
    assert torch.equal(alone.validation_loss, compiled.validation_loss[:, 7:8])
    assert torch.equal(alone.best_epoch, compiled.best_epoch[:, 7:8])


@pytest.mark.parametrize(("model", "method"), [(GATE, "defer"), (BAYES, "binary")], ids=["gate", "bayes"])
def test_compiled_steps_are_the_same_steps_as_they_are(model, method):
    examples = make_examples(96, 3, seed=1)
    order = minibatch_order(96, 16, [0, 1], epoch=1)
    draws = weight_noise(model, 4, 2, [0, 1], 2 * len(order), 1)
    start = initial_weights(model, 4, 2, [0, 1], 32)
    after = []
    for compiled in (True, False):
        step = step_function(model, METHODS[method], compiled)
        state = (start.clone(), torch.zeros_like(start), torch.zeros_like(start))
        for number, batch in enumerate(examples.batches(order)):
            two = None if draws is None else draws[2 * number : 2 * number + 2]
            noise = None if two is None else WeightNoise(two, torch.tensor(1 / 96))
            sizes = adam_sizes(0.05, number + 1)
            step(*state, sizes, batch, ALPHA[:32].expand(2, -1), GAMMA[:32].expand(2, -1), noise)
        after.append(state[0])
    assert (after[1] - start).abs().max() > 0.1
    torch.testing.assert_close(*after, atol=1e-5, rtol=1e-4)
