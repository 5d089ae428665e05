import torch

from models.metrics import decide
from models.mlp import MLP


def random_theta(lanes: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 2 * torch.randn(2, MLP.layout(4, 3).size, lanes, generator=generator)


def test_it_never_defers():
    x = torch.randn(2, 50, 4, generator=torch.Generator().manual_seed(1))
    assert (MLP.outputs(random_theta(5), x).pi == 0).all()
    idk, _ = decide(MLP.scores(random_theta(5), x), torch.ones(50))
    assert not idk.any()


def test_it_decides_for_the_positive_class_from_a_probability_of_one_half():
    x = torch.randn(2, 50, 4, generator=torch.Generator().manual_seed(1))
    theta = random_theta(5)
    theta[:, :, 0] = 0  # this lane says one half to everybody
    p = torch.sigmoid(MLP.outputs(theta, x).logit)
    _, not_positive = decide(MLP.scores(theta, x), torch.ones(50))
    assert torch.equal(~not_positive, p >= 0.5)
    assert not not_positive[:, :, 0].any()
    assert not_positive.any()


def test_it_has_no_thresholds_and_is_for_the_binary_method():
    assert not MLP.has_thresholds
    assert MLP.methods == {"binary"}
