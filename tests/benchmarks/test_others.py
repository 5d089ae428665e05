"""The sides of the benchmark train the same runs."""

import pytest
import torch

from study.models.draws import initial_weights, minibatch_order
from study.models.losses import loss_of
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from study.models.step import Eager, Lanes, adam_sizes
from study.models.training import TrainingOptions, train_pack
from tests.benchmarks.others import epoch_under_vmap, train_alone
from tests.models.plain import PLAIN
from tests.models.synthetic_examples import make_examples

OPTIONS = TrainingOptions(hidden=2, learning_rate=0.01, batch_size=16, patience=4, max_epochs=25)
TRAIN, VALIDATION = make_examples(96, 3, seed=1), make_examples(64, 3, seed=2)
ALPHA, GAMMA = torch.tensor([0.1, 0.5, 1.0]), torch.tensor([0.1, 0.3, 0.2])
ARMS = pytest.mark.parametrize(
    ("model", "method"), [(MLP, "binary"), (ORDINAL, "reject"), (ORDINAL, "defer")]
)


@ARMS
def test_runs_trained_alone_are_those_of_the_pack(model, method):
    seeds = [0, 3]
    engine = Eager(model, loss_of(method), TRAIN, VALIDATION)
    pack = train_pack(engine, alpha=ALPHA, gamma=GAMMA, seeds=seeds, options=OPTIONS)
    for s, seed in enumerate(seeds):
        for k in range(3):
            alone = train_alone(
                model, method, TRAIN, VALIDATION, alpha=ALPHA[k], gamma=GAMMA[k], seed=seed, options=OPTIONS
            )
            assert alone.epochs == pack.epochs[s, k]
            assert alone.validation_loss == pytest.approx(pack.validation_loss[s, k].item(), abs=2e-5)


@ARMS
def test_stacked_modules_take_the_steps_of_the_pack(model, method):
    seeds = [0, 3]
    run = epoch_under_vmap(
        model, method, TRAIN, alpha=ALPHA, gamma=GAMMA, seeds=seeds, options=OPTIONS, steps=6
    )
    stacked = run()
    theta = initial_weights(model, 4, 2, seeds, 3)
    state = (theta, torch.zeros_like(theta), torch.zeros_like(theta))
    order = minibatch_order(96, 16, seeds, 1)
    lanes = Lanes(ALPHA.expand(2, -1), GAMMA.expand(2, -1), None, [32, 32])
    Eager(model, loss_of(method), TRAIN, VALIDATION).train(
        state, adam_sizes(0.01, range(1, 7)), order, lanes
    )
    for s in range(2):
        for k in range(3):
            network = PLAIN[model.name](theta[s, :, k], 4, 2)
            for name, value in network.named_parameters():
                torch.testing.assert_close(stacked[name][s, k], value, atol=1e-5, rtol=1e-4)
