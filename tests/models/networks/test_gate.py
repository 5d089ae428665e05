import pytest
import torch
from torch import Tensor

from study.models.decisions import decide
from study.models.draws import stream
from study.models.networks.gate import GATE
from study.models.networks.mlp import MLP

FREE = torch.zeros(1)

INPUTS, HIDDEN = 5, 3
LAYOUT = GATE.layout(INPUTS, HIDDEN)
PREDICTOR = LAYOUT.shapes["predictor"][0]


def some(scale: float = 1.0, lanes: int = 4) -> tuple[Tensor, Tensor]:
    """Return theta (2, P, lanes) and x (2, 200, 5)."""
    generator = torch.Generator().manual_seed(3)
    theta = scale * torch.randn(2, LAYOUT.size, lanes, generator=generator)
    x = torch.randn(2, 200, INPUTS, generator=generator)
    x[:, :, -1] = 1
    return theta, x


def test_its_prediction_is_that_of_a_network_that_always_predicts():
    theta, x = some()
    alone = MLP.outputs(theta[:, :PREDICTOR], x)
    found = GATE.outputs(theta, x)
    assert torch.equal(found.p, alone.p)
    assert torch.equal(found.q, alone.q)


def test_what_deferring_costs_teaches_the_gate_alone():
    theta, x = some()
    theta.requires_grad_()
    weigh = torch.randn(2, 200, 4, generator=stream("test", 1))
    (gradient,) = torch.autograd.grad((weigh * GATE.outputs(theta, x).pi).sum(), theta)
    assert (gradient[:, :PREDICTOR] == 0).all()
    assert (gradient[:, PREDICTOR:] != 0).all()


@pytest.mark.parametrize("part", ["p", "q"])
def test_what_predicting_costs_teaches_the_predictor_alone_and_as_without_a_gate(part):
    theta, x = some()
    theta.requires_grad_()
    weigh = torch.randn(2, 200, 4, generator=stream("test", 1))
    (gradient,) = torch.autograd.grad((weigh * getattr(GATE.outputs(theta, x), part)).sum(), theta)
    assert (gradient[:, PREDICTOR:] == 0).all()
    alone = theta.detach()[:, :PREDICTOR].requires_grad_()
    (expected,) = torch.autograd.grad((weigh * getattr(MLP.outputs(alone, x), part)).sum(), alone)
    torch.testing.assert_close(gradient[:, :PREDICTOR], expected)


def test_the_gate_reads_the_prediction():
    """Where the gate sees nothing of x, people of equal p have equal pi, and others do not."""
    theta, x = some()
    LAYOUT.split(theta)["gate_hidden"].zero_()
    p, _, pi = GATE.outputs(theta, x)
    order = p.argsort(dim=1)
    p, pi = p.gather(1, order), pi.gather(1, order)
    nearby = (p.diff(dim=1) < 1e-4) & (p[:, 1:] > 0.01)
    assert nearby.any()
    assert (pi.diff(dim=1)[nearby].abs() < 1e-4).all()
    assert (pi.amax(1) - pi.amin(1) > 1e-4).all()


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0, 300.0])
def test_it_says_idk_from_a_chance_of_more_than_one_half_and_else_the_likelier_class(scale):
    theta, x = some(scale)
    p, _, pi = GATE.outputs(theta, x)
    deferred, positive = decide(GATE.score(theta, x, None), GATE.thresholds(theta, FREE), torch.zeros(200))
    told = (pi - 0.5).abs() > 1e-6
    assert told.float().mean() > 0.99
    assert torch.equal(deferred[told], (pi > 0.5)[told])
    kept = told & ~deferred
    assert torch.equal(positive[kept], (p >= 0.5)[kept])
    assert deferred.any()
    assert positive[kept].any()
    assert not positive[kept].all()


@pytest.mark.parametrize("output", [-1.0, 0.0, 1.0])
def test_a_gate_that_is_undecided_keeps_the_case(output):
    """All weights are 0 but the predictor's bias: pi is one half for everybody."""
    theta = torch.zeros(1, LAYOUT.size, 1)
    theta[0, PREDICTOR - 1] = output
    assert (GATE.outputs(theta, torch.ones(1, 2, INPUTS)).pi == 0.5).all()
    score = GATE.score(theta, torch.ones(1, 2, INPUTS), None)
    deferred, positive = decide(score, GATE.thresholds(theta, FREE), torch.tensor([0.0, 1.0]))
    assert not deferred.any()
    assert (positive == (output >= 0)).all()


def test_a_gate_starts_with_weights_on_x_and_p_and_biases_of_0():
    part = LAYOUT.split(GATE.initialise(INPUTS, HIDDEN, stream("test", 1)).view(1, -1, 1))
    first = part["gate_hidden"].view(INPUTS, HIDDEN)
    assert (first[-1] == 0).all()
    assert (first[:-1] != 0).all()
    assert (part["gate_p"] != 0).all()
    assert (part["gate_output"] != 0).all()
    assert part["gate_bias"].item() == 0
    bound = (6 / (INPUTS + 1 + HIDDEN)) ** 0.5
    assert 0.5 * bound < max(first.abs().max(), part["gate_p"].abs().max()) <= bound


@pytest.mark.parametrize("scale", [30.0, 1000.0])
def test_outputs_and_gradients_are_finite_however_large_the_weights(scale):
    theta, x = some(scale)
    theta.requires_grad_()
    found = GATE.outputs(theta, x)
    (gradient,) = torch.autograd.grad(sum(part.sum() for part in found), theta)
    assert all(torch.isfinite(part).all() for part in found)
    assert torch.isfinite(gradient).all()
