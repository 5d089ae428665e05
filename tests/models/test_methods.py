from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from study.models.families import FAMILIES
from study.models.losses import LOSSES, loss_of
from study.models.methods import cross_entropy
from study.models.network import Outputs
from study.models.networks.ordinal import ORDINAL
from study.models.step import Eager
from study.models.training import TrainingOptions, train_pack
from study.words import METHODS, PAPER_METHODS
from tests.models.plain import plain_disparity
from tests.models.synthetic_examples import batch_of, in_float64, make_examples

ALPHA, GAMMA = 0.7, 0.3
binary, reject, defer = (loss_of(name) for name in PAPER_METHODS)


def random_outputs(size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return p and pi, both (size,), away from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    p, pi = 0.02 + 0.96 * torch.rand(2, size, generator=generator, dtype=torch.float64)
    return p, pi


def cost_of(method, p, pi, examples, alpha, gamma) -> float:
    batch = batch_of(examples.y, examples.a, examples.dm)
    outputs = Outputs(*(part.view(1, -1, 1) for part in (p, 1 - p, pi)))
    one = torch.ones(1, 1, dtype=p.dtype)
    return method(outputs, batch, alpha * one, gamma * one).item()


def cross_entropies(y: Tensor, said: Tensor) -> Tensor:
    return torch.nn.functional.binary_cross_entropy(said, y, reduction="none")


def joint_costs(method, s: Tensor, p: Tensor, examples, gamma: float) -> Tensor:
    """Eq. 3 and Eq. 4 for given draws ``s`` (draws, B), as the mean over examples: (draws,)."""
    own = cross_entropies(examples.y, p)
    if method is reject:
        return ((1 - s) * own + s * gamma).mean(1)
    return ((1 - s) * own + s * (cross_entropies(examples.y, examples.dm) + gamma)).mean(1)


def unfairness(method, s: Tensor, p: Tensor, examples) -> Tensor:
    """What alpha multiplies, for each draw: D of the model alone, or Eq. 13 of the joint system."""
    if method is reject:
        return plain_disparity(p, examples).expand(len(s))
    joint = s * examples.dm + (1 - s) * p
    total = torch.zeros(len(s), dtype=p.dtype)
    for label in (0, 1):
        error = joint if label == 0 else 1 - joint
        in_label = examples.y == label
        cells = [error[:, in_label & (examples.a == group)].mean(1) for group in (0, 1)]
        total += 0.5 * (cells[0] - cells[1]) ** 2
    return total


def small_problem(size: int):
    """Return examples of which no cell (A, Y) is empty."""
    examples = in_float64(make_examples(size, 2, seed=4))
    assert len({(y, a) for y, a in zip(examples.y.tolist(), examples.a.tolist(), strict=True)}) == 4
    return examples


@pytest.mark.parametrize("method", [reject, defer])
@pytest.mark.parametrize("alpha", [0.0, ALPHA])
def test_the_expected_loss_equals_its_enumeration_over_all_draws(method, alpha):
    examples = small_problem(10)
    p, pi = random_outputs(10, seed=1)
    s = torch.tensor(list(product((0.0, 1.0), repeat=10)), dtype=torch.float64)
    chance = torch.where(s == 1, pi, 1 - pi).prod(1)
    assert chance.sum().item() == pytest.approx(1)
    costs = joint_costs(method, s, p, examples, GAMMA) + alpha * unfairness(method, s, p, examples)
    exact = (chance * costs).sum().item()
    assert cost_of(method, p, pi, examples, alpha, GAMMA) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("method", [reject, defer])
@pytest.mark.parametrize("alpha", [0.0, ALPHA])
def test_the_expected_loss_agrees_with_monte_carlo_over_the_draws(method, alpha):
    examples = small_problem(64)
    p, pi = random_outputs(64, seed=2)
    s = torch.bernoulli(pi.expand(40_000, -1), generator=torch.Generator().manual_seed(3))
    costs = joint_costs(method, s, p, examples, GAMMA) + alpha * unfairness(method, s, p, examples)
    drawn, error = costs.mean().item(), costs.std().item() / 200
    assert cost_of(method, p, pi, examples, alpha, GAMMA) == pytest.approx(drawn, abs=5 * error)
    assert error < 1e-3


def test_binary_is_cross_entropy_plus_alpha_disparity_and_knows_no_gamma():
    examples = small_problem(30)
    p, _ = random_outputs(30, seed=5)
    expected = (cross_entropies(examples.y, p).mean() + ALPHA * plain_disparity(p, examples)).item()
    for pi, gamma in ((torch.zeros_like(p), 0.0), (torch.full_like(p, 0.9), 100.0)):
        assert cost_of(binary, p, pi, examples, ALPHA, gamma) == pytest.approx(expected, abs=1e-12)


def test_every_lane_and_seed_has_its_own_alpha_gamma_and_loss():
    generator = torch.Generator().manual_seed(7)
    splits = [in_float64(make_examples(12, 2, seed)) for seed in (1, 2)]
    p, pi = 0.1 + 0.8 * torch.rand(2, 2, 12, 3, generator=generator, dtype=torch.float64)
    alpha, gamma = torch.rand(2, 2, 3, generator=generator, dtype=torch.float64)
    parts = [batch_of(split.y, split.a, split.dm) for split in splits]
    batch = type(parts[0])(*(torch.cat(both) for both in zip(*parts, strict=True)))
    for method in (binary, reject, defer):
        costs = method(Outputs(p, 1 - p, pi), batch, alpha, gamma)
        assert costs.shape == (2, 3)
        for s, k in product(range(2), range(3)):
            alone = cost_of(method, p[s, :, k], pi[s, :, k], splits[s], alpha[s, k], gamma[s, k])
            assert costs[s, k].item() == pytest.approx(alone, abs=1e-12)


def said_to_lanes(p: Tensor, q: Tensor, y: float) -> tuple[Outputs, Tensor]:
    """Return p and q (B,) as (1, B, 1), and labels that are all ``y``."""
    said = p.view(1, -1, 1)
    return said, q.view(1, -1, 1), torch.full_like(said, y)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_cross_entropy_is_minus_the_log_of_what_was_said_of_the_outcome(y):
    p = torch.linspace(0.001, 0.999, 101, dtype=torch.float64)
    computed = cross_entropy(*said_to_lanes(p, 1 - p, y)).flatten()
    torch.testing.assert_close(computed, cross_entropies(torch.full_like(p, y), p), atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_cross_entropy_and_its_gradient_in_float32_are_those_of_log_odds_in_float64(y):
    score = torch.linspace(-60, 60, 241).requires_grad_()
    computed = cross_entropy(*said_to_lanes(torch.sigmoid(score), torch.sigmoid(-score), y)).flatten()
    exact = score.detach().double().requires_grad_()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        exact, torch.full_like(exact, y), reduction="none"
    )
    torch.testing.assert_close(computed.double(), expected, atol=1e-6, rtol=1e-6)
    gradients = (
        torch.autograd.grad(loss.sum(), at)[0] for loss, at in ((computed, score), (expected, exact))
    )
    found, wanted = (gradient.double() for gradient in gradients)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_cross_entropy_of_what_was_called_impossible_is_finite_and_so_is_its_gradient(y):
    p = torch.tensor([0.0, 1.0, 1e-38, 1e-45]).requires_grad_()
    computed = cross_entropy(*said_to_lanes(p, 1 - p, y))
    assert (computed >= 0).all()
    assert computed.max().item() == pytest.approx(-np.log(1e-30), rel=1e-6)
    (gradient,) = torch.autograd.grad(computed.sum(), p)
    assert torch.isfinite(gradient).all()


def test_cross_entropy_of_nan_is_nan_so_that_divergence_is_seen():
    said = torch.tensor([torch.nan, 0.5])
    assert cross_entropy(*said_to_lanes(said, said, 1.0)).isnan().flatten().tolist() == [True, False]


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10**6),
    st.integers(1, 40),
    st.floats(0, 2, width=32),
    st.floats(0.1, 8),
    st.integers(1, 4),
)
def test_deferring_to_an_oracle_is_rejecting_in_loss_and_gradient(seed, size, gamma, spread, lanes):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, size, 3, generator=generator)
    theta = spread * torch.randn(2, ORDINAL.layout(3, 2).size, lanes, generator=generator)
    y = (torch.rand(size, generator=generator) < 0.5).float()
    a = (torch.rand(size, generator=generator) < 0.5).float()
    oracle, undecided = (batch_of(y, a, dm) for dm in (y, torch.full_like(y, 0.5)))
    no_alpha, gammas = torch.zeros(2, lanes), torch.full((2, lanes), gamma)
    results = []
    for method, batch in ((defer, oracle), (reject, undecided)):
        leaf = theta.clone().requires_grad_()
        both = type(batch)(*(part.expand(2, -1, -1) for part in batch))
        loss = method(ORDINAL.outputs(leaf, x), both, no_alpha, gammas)
        results.append((loss.detach(), torch.autograd.grad(loss.sum(), leaf)[0]))
    for deferred, rejected in zip(*results, strict=True):
        torch.testing.assert_close(deferred, rejected, atol=1e-6, rtol=1e-5)
        assert torch.isfinite(deferred).all()


def test_deferring_to_one_who_is_wrong_is_not_rejecting():
    examples = small_problem(30)
    p, pi = random_outputs(30, seed=9)
    deferred = cost_of(defer, p, pi, examples, 0.0, GAMMA)
    assert deferred > cost_of(reject, p, pi, examples, 0.0, GAMMA) + 0.01


def test_training_to_defer_to_an_oracle_is_training_to_reject():
    train, validation = (make_examples(96, 3, seed) for seed in (1, 2))
    oracle = [type(split)(split.x, split.y, split.a, split.y) for split in (train, validation)]
    trained = [
        train_pack(
            Eager(ORDINAL, method, *splits),
            alpha=torch.zeros(2),
            gamma=torch.tensor([0.2, 0.5]),
            seeds=[0, 1],
            options=TrainingOptions(3, 0.02, 16, 5, 15),
        )
        for method, splits in ((defer, oracle), (reject, (train, validation)))
    ]
    # What the oracle adds, to loss and gradient, is zeros: not a bit may differ.
    assert torch.equal(trained[0].theta, trained[1].theta)
    assert torch.equal(trained[0].validation_loss, trained[1].validation_loss)


def test_every_method_has_a_loss_or_is_trained_with_the_loss_of_binary():
    assert set(METHODS) == {*LOSSES, "confidence"}
    assert FAMILIES["mlp"].trained_method("confidence") == "binary"
