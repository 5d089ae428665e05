from dataclasses import replace

import pytest
import torch
from torch import Tensor

from study.models.losses import loss_of
from study.models.networks.bayes import BAYES
from study.models.networks.gate import GATE
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from study.models.step import Eager, adam_sizes, adam_step, outputs_in_blocks
from study.models.training import PackTraining, Stop, Trained, TrainingOptions, train_pack
from tests.models.plain import PLAIN, mirrored_draw, train_plainly
from tests.models.synthetic_examples import make_examples

OPTIONS = TrainingOptions(hidden=2, learning_rate=0.05, batch_size=16, patience=6, max_epochs=80)
ARMS = pytest.mark.parametrize(
    ("model", "method", "alpha", "gamma"),
    [
        (MLP, "binary", 0.3, 0.0),
        (ORDINAL, "reject", 0.3, 0.4),
        (ORDINAL, "defer", 2.0, 0.1),
        (GATE, "reject", 0.3, 0.65),
        (GATE, "defer", 2.0, 0.2),
        (BAYES, "binary", 0.3, 0.0),
    ],
)


def train(model, method: str, alpha: list[float], gamma: list[float], seeds, options=OPTIONS) -> Trained:
    return train_pack(
        Eager(model, loss_of(method), make_examples(96, 3, seed=1), make_examples(64, 3, seed=2)),
        alpha=torch.tensor(alpha),
        gamma=torch.tensor(gamma),
        seeds=seeds,
        options=options,
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
def test_adam_in_lanes_is_torchs_adam_in_each(dtype, tolerance):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(2, 6, 3, generator=generator, dtype=dtype)
    x = torch.randn(200, 2, 8, 6, generator=generator, dtype=dtype)
    y = torch.randn(200, 2, 8, 1, generator=generator, dtype=dtype)

    theta, mean, square = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    sizes = adam_sizes(0.01, range(1, 201))
    for step in range(200):
        leaf = theta.clone().requires_grad_()
        (x[step] @ leaf - y[step]).square().mean(1).sum().backward()
        adam_step(leaf.grad, theta, mean, square, sizes[step])
    for s in range(2):
        for k in range(3):
            single = torch.nn.Parameter(start[s, :, k].clone())
            optimiser = torch.optim.Adam([single], lr=0.01)
            for step in range(200):
                optimiser.zero_grad()
                (x[step, s] @ single - y[step, s, :, 0]).square().mean().backward()
                optimiser.step()
            torch.testing.assert_close(theta[s, :, k], single.detach(), atol=tolerance, rtol=tolerance)
    assert (theta - start).abs().max() > 0.3


def test_a_seed_starts_alike_whatever_the_setting_the_method_and_the_other_seeds():
    standing = replace(OPTIONS, learning_rate=0.0, max_epochs=1)
    deferring = train(ORDINAL, "defer", [0.0, 9.0], [0.1, 0.9], [4, 5], standing)
    rejecting = train(ORDINAL, "reject", [3.0], [0.2], [5], standing)
    assert torch.equal(deferring.theta[:, :, 0], deferring.theta[:, :, 1])
    assert torch.equal(deferring.theta[1, :, 0], rejecting.theta[0, :, 0])
    assert not torch.equal(deferring.theta[0, :, 0], deferring.theta[1, :, 0])


@pytest.mark.parametrize("model", [MLP, ORDINAL, GATE], ids=lambda model: model.name)
def test_a_whole_split_goes_through_a_model_in_blocks_as_it_would_at_once(model):
    examples = make_examples(700, 3, seed=0)
    theta = torch.randn(2, model.layout(4, 3).size, 4, generator=torch.Generator().manual_seed(0))
    x = examples.x.expand(2, -1, -1)
    for block, at_once in zip(
        outputs_in_blocks(model.outputs, theta, x), model.outputs(theta, x), strict=True
    ):
        torch.testing.assert_close(block, at_once, atol=1e-6, rtol=1e-6)


@ARMS
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_training_is_a_plain_loop_with_one_network_and_torchs_adam(model, method, alpha, gamma, seed):
    trained = train(model, method, [alpha], [gamma], [seed])
    plain = train_plainly(
        model,
        method,
        make_examples(96, 3, seed=1),
        make_examples(64, 3, seed=2),
        alpha=alpha,
        gamma=gamma,
        seed=seed,
        options=OPTIONS,
    )
    # Every epoch is better or worse than the best before it by far more than float noise (1e-7).
    history = plain.history
    margins = [abs(history[epoch] - min(history[:epoch])) for epoch in range(1, len(history))]
    assert min(margins) > 1e-4, "a problem where noise decides when to stop shows nothing"
    assert trained.best_epoch.item() == plain.best_epoch
    assert trained.epochs.item() == len(history)
    assert trained.validation_loss.item() == pytest.approx(min(history), abs=2e-6)
    torch.testing.assert_close(trained.theta[0, :, 0], plain.best_weights, atol=2e-5, rtol=1e-4)


@ARMS
def test_the_weights_that_remain_are_those_of_the_best_validation_loss(model, method, alpha, gamma):
    alphas, gammas = [0.0, alpha], [0.05, gamma]
    trained = train(model, method, alphas, gammas, [0, 1, 2])
    validation = make_examples(64, 3, seed=2)
    assert (trained.best_epoch < trained.epochs).any()
    for s in range(3):
        for k in range(2):
            network = PLAIN[model.name](trained.theta[s, :, k], 4, OPTIONS.hidden)
            draws = mirrored_draw(trained.theta.shape[1] // 2, s)
            with torch.no_grad():
                again = network.cost(method, validation, alphas[k], gammas[k], draws, 96)
            assert trained.validation_loss[s, k].item() == pytest.approx(again.item(), abs=1e-6)


def reasons(trained: Trained) -> set[Stop]:
    return {stop for of_seed in trained.stop for stop in of_seed}


def test_a_run_stops_when_it_has_not_improved_for_its_patience():
    trained = train(MLP, "binary", [0.0, 0.5], [0.0, 0.0], [0, 1, 2])
    assert reasons(trained) == {Stop.PATIENCE}
    assert torch.equal(trained.epochs, trained.best_epoch + OPTIONS.patience)
    assert len(set(trained.epochs.flatten().tolist())) > 1


def test_a_run_stops_after_the_last_epoch():
    trained = train(MLP, "binary", [0.0, 0.5], [0.0, 0.0], [0, 1], replace(OPTIONS, max_epochs=4))
    assert reasons(trained) == {Stop.MAX_EPOCHS}
    assert (trained.epochs == 4).all()


def test_the_reason_and_the_epochs_are_each_runs_own():
    options = replace(OPTIONS, max_epochs=23)
    trained = train(MLP, "binary", [0.0, 0.2, 0.5, 1.0], [0.0] * 4, [0, 1, 2], options)
    assert reasons(trained) == {Stop.PATIENCE, Stop.MAX_EPOCHS}
    for s, of_seed in enumerate(trained.stop):
        for k, stop in enumerate(of_seed):
            epochs, best = trained.epochs[s, k].item(), trained.best_epoch[s, k].item()
            assert epochs == (best + OPTIONS.patience if stop is Stop.PATIENCE else 23)


@pytest.mark.parametrize("model", [MLP, BAYES], ids=lambda model: model.name)
def test_a_loss_that_only_stands_still_is_no_improvement(model):
    """Uncertain weights stand still as well: validation looks at the same draws in every epoch."""
    trained = train(model, "binary", [0.0], [0.0], [0], replace(OPTIONS, learning_rate=0.0))
    assert trained.best_epoch.item() == 1
    assert trained.epochs.item() == 1 + OPTIONS.patience


def stepwise(seeds: list[int]) -> PackTraining:
    return PackTraining(
        Eager(ORDINAL, loss_of("reject"), make_examples(96, 3, seed=1), make_examples(64, 3, seed=2)),
        alpha=torch.zeros(40),
        gamma=torch.linspace(0.1, 0.8, 40),
        seeds=seeds,
        options=OPTIONS,
    )


def test_there_is_no_result_before_the_last_run_is_done():
    training = stepwise([0])
    training.run_epoch()
    with pytest.raises(RuntimeError, match="40 runs are still in training"):
        training.result()


def test_the_number_of_running_runs_falls_as_they_stop():
    training, running = stepwise([0, 1]), [80]
    while training.running:
        training.run_epoch()
        running.append(training.running)
    epochs = training.result().epochs
    assert running == [int((epochs > epoch).sum()) for epoch in range(len(running))]


def test_training_neither_uses_nor_moves_the_global_random_numbers():
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        results.append(train(MLP, "binary", [0.1], [0.0], [0], replace(OPTIONS, max_epochs=3)))
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(results[0].theta, results[1].theta)


def test_training_lowers_the_validation_loss_below_the_entropy_of_the_labels():
    validation = make_examples(64, 3, seed=2)
    share = validation.y.mean()
    entropy = -(share * share.log() + (1 - share) * (1 - share).log())
    trained = train(MLP, "binary", [0.0], [0.0], [0, 1, 2])
    assert (trained.validation_loss < entropy - 0.1).all()


def diverging_later(at_epoch: int, size: int, broken: float):
    """Return ``binary``, but its validation loss is ``broken`` from ``at_epoch`` where gamma is 9."""
    seen: list[Tensor] = []

    def loss(outputs, batch, alpha, gamma):
        fine = loss_of("binary")(outputs, batch, alpha, gamma)
        if batch.y.shape[1] != size:
            return fine
        seen.append(fine)
        return torch.where(gamma == 9, broken, fine) if len(seen) >= at_epoch else fine

    return loss


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_a_run_that_diverges_later_keeps_its_best_weights_until_then(broken):
    validation = make_examples(64, 3, seed=2)
    settings = {"alpha": torch.zeros(2), "gamma": torch.tensor([9.0, 0.0]), "seeds": [0]}
    splits = (make_examples(96, 3, seed=1), validation)
    trained = train_pack(Eager(MLP, diverging_later(4, 64, broken), *splits), **settings, options=OPTIONS)
    three = train_pack(
        Eager(MLP, loss_of("binary"), *splits), **settings, options=replace(OPTIONS, max_epochs=3)
    )
    assert trained.stop == [[Stop.DIVERGED, Stop.PATIENCE]]
    assert trained.epochs[0, 0] == 4
    assert trained.best_epoch[0, 0] == three.best_epoch[0, 0]
    assert torch.equal(trained.validation_loss[0, 0], three.validation_loss[0, 0])
    assert torch.equal(trained.theta[0, :, 0], three.theta[0, :, 0])
