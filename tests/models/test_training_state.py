"""A training that was interrupted and resumed ends as one that was not."""

import pytest
import torch
from safetensors.torch import load, save

from study.models.losses import loss_of
from study.models.step import Eager
from study.models.training import PackTraining, Trained
from tests.models.test_training_lanes import (
    ALPHA,
    ARMS,
    GAMMA,
    OPTIONS,
    PROBLEM,
    SEEDS,
    assert_same_runs,
    train,
)


def begin(model, method, which=slice(None), seeds=SEEDS) -> PackTraining:
    coefficients = {"alpha": ALPHA[which], "gamma": GAMMA[method][which]}
    engine = Eager(model, loss_of(method), *PROBLEM)
    return PackTraining(engine, **coefficients, seeds=seeds, options=OPTIONS)


def end(training: PackTraining) -> Trained:
    while training.running:
        training.run_epoch()
    return training.result()


@ARMS
def test_training_resumed_after_any_epoch_ends_the_same_bit_for_bit(model, method):
    """Every third epoch a new training continues from the bytes of the last one's state."""
    whole, training, resumed = train(model, method, slice(None), SEEDS), begin(model, method), 0
    while training.running:
        training.run_epoch()
        if training.epoch % 3 == 1:
            kept = save(training.state())
            training = begin(model, method)
            training.restore(load(kept))
            resumed += 1
    assert resumed > 2
    assert_same_runs(training.result(), whole, slice(None), slice(None))


@ARMS
def test_state_is_a_copy_that_further_training_leaves_alone(model, method):
    training = begin(model, method)
    training.run_epoch()
    state = training.state()
    first = end(training)
    again = begin(model, method)
    again.restore(state)
    assert_same_runs(end(again), first, slice(None), slice(None))


@ARMS
def test_state_of_another_training_is_refused(model, method):
    training = begin(model, method)
    training.run_epoch()
    state = training.state()
    fewer_settings, fewer_seeds = begin(model, method, slice(0, 99)), begin(model, method, seeds=SEEDS[:2])
    for other in (fewer_settings, fewer_seeds):
        with pytest.raises(ValueError, match="training"):
            other.restore(state)
    for name in state:
        with pytest.raises(ValueError, match="training"):
            begin(model, method).restore({k: v for k, v in state.items() if k != name})
        with pytest.raises(ValueError, match="training"):
            begin(model, method).restore(state | {name: torch.zeros(2, 2, 2, dtype=torch.float64)})
