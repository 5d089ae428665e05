from math import exp, log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from torch import Tensor
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import softplus

from study.models.decisions import decide, scores
from study.models.draws import stream
from study.models.losses import loss_of
from study.models.network import Thresholds, WeightNoise
from study.models.networks.bayes import BAYES, uncertainty
from study.models.networks.mlp import MLP
from study.models.step import expected_loss
from tests.models.plain import PlainBayes
from tests.models.synthetic_examples import in_float64, make_examples

FREE = torch.zeros(1)

INPUTS, HIDDEN, LANES = 5, 3, 4
SIZE = MLP.layout(INPUTS, HIDDEN).size
assert BAYES.posterior is not None
POSTERIOR = BAYES.posterior


def some_theta(deviation: float = -1.0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    mean, rho = torch.randn(2, 2, SIZE, LANES, generator=generator, dtype=dtype)
    return torch.cat([mean, deviation + 0.5 * rho], dim=1)


def some_noise(draws: int, share: float = 0.01, dtype: torch.dtype = torch.float64) -> WeightNoise:
    generator = torch.Generator().manual_seed(6)
    drawn = torch.randn(draws, 2, SIZE, 1, generator=generator, dtype=dtype)
    return WeightNoise(drawn, torch.tensor(share, dtype=dtype))


def plain(theta: Tensor, s: int, k: int) -> PlainBayes:
    return PlainBayes(theta[s, :, k].detach(), INPUTS, HIDDEN)


# The divergence.


@pytest.mark.parametrize("deviation", [-6.0, -3.0, 0.0, 2.0])
def test_the_divergence_and_its_gradient_are_torchs_closed_form(deviation):
    theta = some_theta(deviation).requires_grad_()
    found = POSTERIOR.divergence(theta)
    assert found.shape == (2, LANES)
    (gradient,) = torch.autograd.grad(found.sum(), theta)
    mean, rho = (part.detach().requires_grad_() for part in theta.chunk(2, dim=1))
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = kl_divergence(Normal(mean, softplus(rho)), prior).sum(1)
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-12)
    by_part = torch.cat(torch.autograd.grad(expected.sum(), (mean, rho)), dim=1)
    torch.testing.assert_close(gradient, by_part, atol=1e-12, rtol=1e-10)


def test_the_divergence_is_the_mean_log_ratio_of_draws():
    theta = some_theta()[:1, :, :1]
    draws = torch.randn(40_000, SIZE, 1, generator=stream("test", 0), dtype=torch.float64)
    w = POSTERIOR.draw(theta, draws)
    mean, rho = theta[0].chunk(2)
    ratio = (Normal(mean, softplus(rho)).log_prob(w) - Normal(0.0, 1.0).log_prob(w)).sum((1, 2))
    error = ratio.std().item() / 200
    assert POSTERIOR.divergence(theta).item() == pytest.approx(ratio.mean().item(), abs=5 * error)
    assert error < 0.1


def test_the_divergence_of_the_prior_from_itself_is_0_and_every_other_is_more():
    prior = torch.cat([torch.zeros(1, 3, 1), torch.full((1, 3, 1), log(exp(1) - 1))], dim=1).double()
    assert POSTERIOR.divergence(prior).item() == pytest.approx(0, abs=1e-12)
    for place in range(6):
        for step in (-0.1, 0.1):
            moved = prior.clone()
            moved[0, place] += step
            assert POSTERIOR.divergence(moved).item() > 1e-4


# Draws.


def test_a_draw_is_the_mean_plus_noise_times_the_deviation():
    theta = some_theta()
    noise = some_noise(1).draws[0]
    mean, deviation = theta[:, :SIZE], torch.log1p(theta[:, SIZE:].exp())
    torch.testing.assert_close(POSTERIOR.draw(theta, noise), mean + deviation * noise, atol=1e-14, rtol=0)
    assert torch.equal(POSTERIOR.draw(theta, torch.zeros_like(noise)), mean)


def test_a_network_starts_as_mlp_does_and_sure_of_itself():
    start = BAYES.initialise(INPUTS, HIDDEN, stream("test", 1))
    assert torch.equal(start[:SIZE], MLP.initialise(INPUTS, HIDDEN, stream("test", 1)))
    assert softplus(start[SIZE:]).tolist() == pytest.approx([log(1 + exp(-3))] * SIZE)


# The loss.


@pytest.mark.parametrize("method", ["binary", "reject", "defer"])
@pytest.mark.parametrize("draws", [1, 4])
def test_the_expected_loss_and_its_gradient_are_those_of_a_loop_of_single_networks(method, draws):
    theta, noise = some_theta().requires_grad_(), some_noise(draws)
    examples = in_float64(make_examples(40, INPUTS - 1, seed=1))
    alpha, gamma = torch.rand(2, 2, LANES, generator=stream("test", 2), dtype=torch.float64)
    found = expected_loss(
        BAYES, loss_of(method), BAYES.outputs, theta, examples.whole(2), alpha, gamma, noise
    )
    (gradient,) = torch.autograd.grad(found.sum(), theta)
    for s in range(2):
        for k in range(LANES):
            single = plain(theta, s, k)
            alone = single.cost(
                method, examples, alpha[s, k], gamma[s, k], noise.draws[:, s, :, 0], people=100
            )
            alone.backward()
            torch.testing.assert_close(found[s, k], alone, atol=1e-12, rtol=0)
            expected = single.in_a_lane(lambda parameter: parameter.grad)
            torch.testing.assert_close(gradient[s, :, k], expected, atol=1e-12, rtol=0)


def test_an_epoch_of_minibatches_adds_up_to_the_variational_bound():
    """3.2.2: KL[q || prior] plus the expected cross entropy summed over all examples, under a draw."""
    people, size = 48, 12
    examples = in_float64(make_examples(people, INPUTS - 1, seed=1))
    theta, noise = some_theta(), some_noise(1, share=1 / people)
    order = torch.arange(people).view(-1, 1, size).expand(-1, 2, -1)
    zero = torch.zeros(2, LANES, dtype=torch.float64)
    steps = [
        expected_loss(BAYES, loss_of("binary"), BAYES.outputs, theta, batch, zero, zero, noise)
        for batch in examples.batches(order)
    ]
    total = size * torch.stack(steps).sum(0)
    p = MLP.outputs(POSTERIOR.draw(theta, noise.draws[0]), examples.x.expand(2, -1, -1)).p
    labels = examples.y.view(1, -1, 1).expand_as(p)
    surprise = torch.nn.functional.binary_cross_entropy(p, labels, reduction="none").sum(1)
    torch.testing.assert_close(total, surprise + POSTERIOR.divergence(theta), atol=1e-9, rtol=0)


# What it decides by.


def predictions(theta: Tensor, x: Tensor, noise: WeightNoise, s: int, k: int) -> np.ndarray:
    """Return z (J, N) of one lane."""
    single = plain(theta, s, k)
    with torch.no_grad():
        return np.stack([single.predict(x, draw[s, :, 0]).numpy() for draw in noise.draws])


@pytest.mark.parametrize("draws", [2, 3, 20])
def test_the_score_is_the_signal_to_noise_ratio_with_the_sign_of_the_prediction(draws):
    theta, noise = some_theta(), some_noise(draws)
    x = in_float64(make_examples(30, INPUTS - 1, seed=2)).x
    score = scores(BAYES, theta, x, noise)
    assert score.shape == (2, 30, LANES)
    for s in range(2):
        for k in range(LANES):
            z = predictions(theta, x, noise, s, k)
            mu = z.mean(0)
            sigma = np.sqrt(((z - mu) ** 2).sum(0) / (draws - 1))
            ratio = np.abs(mu - 0.5) / sigma
            found = score[s, :, k].numpy()
            np.testing.assert_allclose(np.abs(found), ratio, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(found >= 0, mu >= 0.5)
            rho = uncertainty(score[s, :, k]).numpy()
            np.testing.assert_allclose(rho, expit(np.log(1 / ratio)), rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.02, 0.98))
def test_idk_beyond_an_uncertainty_is_a_symmetric_band_of_the_score(r):
    theta, noise = some_theta(), some_noise(6)
    x = in_float64(make_examples(30, INPUTS - 1, seed=2)).x
    score = BAYES.score(theta, x.expand(2, -1, -1), noise)
    t1 = torch.full((2, 2, LANES), (1 - r) / r, dtype=torch.float64)
    deferred, positive = decide(score, Thresholds(-t1, t1), torch.zeros(30))
    for s in range(2):
        for k in range(LANES):
            z = predictions(theta, x, noise, s, k)
            rho = expit(np.log(z.std(0, ddof=1) / np.abs(z.mean(0) - 0.5)))
            told = np.abs(rho - r) > 1e-9
            np.testing.assert_array_equal(deferred[s, told, k], (rho > r)[told])
            kept = told & (rho <= r)
            np.testing.assert_array_equal(positive[s, kept, k], (z.mean(0) >= 0.5)[kept])


def test_without_a_band_it_decides_by_its_mean_prediction():
    theta, noise = some_theta(), some_noise(5)
    x = in_float64(make_examples(80, INPUTS - 1, seed=2)).x
    deferred, positive = decide(
        scores(BAYES, theta, x, noise), BAYES.thresholds(theta, FREE), torch.zeros(80)
    )
    assert not deferred.any()
    for s in range(2):
        for k in range(LANES):
            mu = predictions(theta, x, noise, s, k).mean(0)
            np.testing.assert_array_equal(positive[s, :, k], mu >= 0.5)
    assert 0 < positive.float().mean() < 1


def test_predictions_that_agree_are_as_certain_as_can_be_and_never_infinite():
    theta = some_theta(deviation=-200.0, dtype=torch.float32)
    x = make_examples(30, INPUTS - 1, seed=2).x
    score = scores(BAYES, theta, x, some_noise(8, dtype=torch.float32))
    assert torch.isfinite(score).all()
    rho = uncertainty(score)
    assert ((rho >= 0) & (rho <= 1)).all()
    assert rho.median() < 1e-4
    assert uncertainty(torch.tensor([0.0, torch.inf, -torch.inf])).tolist() == [1, 0, 0]


def test_float32_scores_are_those_of_float64():
    x = make_examples(200, INPUTS - 1, seed=2).x
    exact = scores(BAYES, some_theta().float().double(), x.double(), some_noise(20))
    noise = some_noise(20)
    noise = WeightNoise(noise.draws.float(), noise.share.float())
    found = scores(BAYES, some_theta().float(), x, noise).double()
    torch.testing.assert_close(found, exact, atol=1e-4, rtol=1e-4)
