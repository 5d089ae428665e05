import pytest
import torch

from study.models.decisions import decide
from study.models.networks.mlp import MLP

FREE = torch.zeros(1)


def random_theta(lanes: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 2 * torch.randn(2, MLP.layout(4, 3).size, lanes, generator=generator)


def test_it_never_defers():
    x = torch.randn(2, 50, 4, generator=torch.Generator().manual_seed(1))
    assert (MLP.outputs(random_theta(5), x).pi == 0).all()
    theta = random_theta(5)
    assert not decide(MLP.score(theta, x, None), MLP.thresholds(theta, FREE), torch.ones(50)).deferred.any()


def test_it_decides_for_the_positive_class_from_a_probability_of_one_half():
    x = torch.randn(2, 50, 4, generator=torch.Generator().manual_seed(1))
    theta = random_theta(5)
    theta[:, :, 0] = 0  # this lane says one half to everybody
    positive = decide(MLP.score(theta, x, None), MLP.thresholds(theta, FREE), torch.zeros(50)).positive
    assert torch.equal(positive, MLP.outputs(theta, x).p >= 0.5)
    assert positive[:, :, 0].all()
    assert not positive.all()


@pytest.mark.parametrize("score", [-200.0, -40.0, -15.0, 0.0, 15.0, 40.0, 200.0])
def test_p_and_q_keep_their_digits_near_certainty(score):
    """One input, the constant 1, and one hidden unit of weight 0, which says one half."""
    theta = torch.tensor([0.0, 2 * score, 0.0]).view(1, -1, 1).requires_grad_()
    p, q, _ = MLP.outputs(theta, torch.ones(1, 1, 1))
    exact = torch.tensor([score, -score], dtype=torch.float64).sigmoid()
    torch.testing.assert_close(torch.stack([p, q]).flatten().double(), exact, atol=1e-37, rtol=3e-7)
    (gradient,) = torch.autograd.grad((p - q).sum(), theta)
    assert torch.isfinite(gradient).all()
