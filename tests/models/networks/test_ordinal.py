import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from torch import Tensor

from study.models.decisions import decide
from study.models.draws import stream
from study.models.losses import loss_of
from study.models.networks.ordinal import ORDINAL
from tests.models.synthetic_examples import batch_of

FREE = torch.zeros(1)

thresholds = st.floats(-5, 5)
log_gaps = st.floats(-3, 2)


def theta_for(scores: Tensor, t0: float, log_gap: float) -> Tensor:
    """Return one lane for each of ``scores`` (K,), in which every example gets that score.

    One input, the constant 1, and one hidden unit with weight 0: it says 0.5.
    """
    parts = [torch.zeros_like(scores), 2 * scores]
    parts += [torch.full_like(scores, value) for value in (t0, log_gap)]
    return torch.stack(parts).unsqueeze(0)


def outputs(scores: Tensor, t0: float, log_gap: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return p, q and pi as the model has them, (K,)."""
    x = torch.ones(1, 1, 1, dtype=scores.dtype)
    found = ORDINAL.outputs(theta_for(scores, t0, log_gap), x)
    return tuple(part.flatten().double().numpy() for part in found)


def equation_10(scores: np.ndarray, t0: float, t1: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return P, I and N in float64; 1 - sigma(x) is sigma(-x)."""
    return expit(scores - t1), expit(scores - t0) - expit(scores - t1), expit(t0 - scores)


@settings(deadline=None)
@given(st.lists(st.floats(-25, 25), min_size=1, max_size=8), thresholds, log_gaps)
def test_p_and_pi_are_those_of_equation_10(values, t0, log_gap):
    scores = np.array(values)
    positive, idk, negative = equation_10(scores, t0, t0 + np.exp(log_gap))
    p, q, pi = outputs(torch.tensor(scores), t0, log_gap)
    np.testing.assert_allclose(p, positive / (positive + negative), rtol=1e-12)
    np.testing.assert_allclose(q, negative / (positive + negative), rtol=1e-12)
    np.testing.assert_allclose(pi, idk, atol=1e-12)
    np.testing.assert_allclose(p + q, 1, rtol=1e-12)
    np.testing.assert_allclose(p * (1 - pi), positive, atol=1e-12)
    np.testing.assert_allclose(q * (1 - pi), negative, atol=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(-15, 15, width=32), min_size=1, max_size=8), thresholds, log_gaps)
def test_float32_keeps_five_digits_of_p_and_q_and_six_decimals_of_pi(values, t0, log_gap):
    t0, log_gap = np.float32(t0), np.float32(log_gap)
    scores = np.array(values)
    positive, idk, negative = equation_10(scores, t0, t0 + np.exp(np.float64(log_gap)))
    p, q, pi = outputs(torch.tensor(values), float(t0), float(log_gap))
    np.testing.assert_allclose(p, positive / (positive + negative), rtol=5e-6)
    np.testing.assert_allclose(q, negative / (positive + negative), rtol=5e-6)
    # The score itself has no digits beyond 1e-6 at 15.
    np.testing.assert_allclose(pi, idk, atol=1e-6)


@pytest.mark.parametrize("log_gap", [-1e4, -10.0, 0.0, 3.0, 5.0, 80.0, 1e4])
@pytest.mark.parametrize("t0", [-100.0, -0.5, 30.0])
def test_however_extreme_outputs_are_equation_10_of_the_thresholds_that_decide(t0, log_gap):
    scores = torch.tensor([-1e4, -200, -80, -30, 0, 20, 30, 69, 80, 110, 200, 1e4])
    t1 = ORDINAL.thresholds(theta_for(scores, t0, log_gap), FREE).t1[0, 0].double().numpy()
    positive, idk, negative = equation_10(scores.double().numpy(), t0, t1)
    p, q, pi = outputs(scores, t0, log_gap)
    np.testing.assert_allclose(p, positive / (positive + negative), atol=1e-5)
    np.testing.assert_allclose(q, negative / (positive + negative), atol=1e-5)
    np.testing.assert_allclose(pi, idk, atol=1e-6)
    assert (pi >= 0).all()


@settings(deadline=None)
@given(st.floats(-15, 15, width=32), st.floats(-5, 5, width=32), st.floats(-3, 2, width=32))
def test_gradients_are_those_of_equation_10_in_float64(score, t0, log_gap):
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (score, t0, log_gap)]
    sigma0 = torch.sigmoid(leaves[0] - leaves[1])
    sigma1 = torch.sigmoid(leaves[0] - leaves[1] - leaves[2].exp())
    naive = [sigma1 / (sigma1 + 1 - sigma0), (1 - sigma0) / (sigma1 + 1 - sigma0), sigma0 - sigma1]
    theta = theta_for(torch.tensor([score]), t0, log_gap).requires_grad_()
    found = ORDINAL.outputs(theta, torch.ones(1, 1, 1))
    for exact, computed, logarithm in zip(naive, found, (True, True, False), strict=True):
        if logarithm:  # what cross entropy looks at
            exact, computed = exact.log(), computed.log()
        expected = torch.stack(torch.autograd.grad(exact, leaves, retain_graph=True))
        (gradient,) = torch.autograd.grad(computed.sum(), theta, retain_graph=True)
        # The hidden unit says one half: the weight on it has half of the score's gradient.
        by_part = gradient[0, 1:, 0].double() * torch.tensor([2.0, 1.0, 1.0])
        torch.testing.assert_close(by_part, expected, atol=1e-5, rtol=1e-5)


@settings(deadline=None)
@given(thresholds, log_gaps)
def test_p_is_one_half_where_positive_and_negative_are_equal_and_idk_is_largest_there(t0, log_gap):
    t1 = t0 + np.exp(log_gap)
    middle = (t0 + t1) / 2
    positive, _, negative = equation_10(np.array(middle), t0, t1)
    assert positive == pytest.approx(negative)
    scores = torch.cat([torch.tensor([middle]).double(), torch.linspace(-20, 20, 401).double() + middle])
    p, _, pi = outputs(scores, t0, log_gap)
    assert p[0] == pytest.approx(0.5, abs=1e-12)
    assert pi[0] >= pi.max() - 1e-15
    assert (pi[1:][abs(scores[1:].numpy() - middle) > 0.05] < pi[0]).all()


@pytest.mark.parametrize("method", ["reject", "defer"])
@pytest.mark.parametrize("score", [-1e4, -200.0, -80.0, -40.0, 40.0, 80.0, 200.0, 1e4])
@pytest.mark.parametrize("log_gap", [-100.0, -10.0, 0.0, 4.0, 5.0, 200.0])
def test_loss_and_gradient_are_finite_however_extreme_the_score_and_the_gap(method, score, log_gap):
    y, a = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    for dm in (y, 1 - y, torch.full_like(y, 0.3)):
        theta = theta_for(torch.tensor([score]), 0.5, log_gap).requires_grad_()
        found = ORDINAL.outputs(theta, torch.ones(1, 4, 1))
        loss = loss_of(method)(found, batch_of(y, a, dm), torch.ones(1, 1), torch.full((1, 1), 0.1))
        (gradient,) = torch.autograd.grad(loss.sum(), theta)
        assert torch.isfinite(loss).all()
        assert torch.isfinite(gradient).all()
        if abs(score) == 40 and log_gap <= 0:
            # Half of the examples are far on the wrong side: there is a way back.
            assert loss.item() > 15
            assert np.sign(gradient[0, 1].item()) == np.sign(score)


@settings(deadline=None, max_examples=80)
@given(st.floats(-10, 10, width=32), st.floats(-10, 3.5, width=32))
def test_the_lower_threshold_is_below_the_upper_by_the_gap_for_both_groups(t0, log_gap):
    found = ORDINAL.thresholds(theta_for(torch.zeros(1), t0, log_gap), FREE)
    assert found.t0.flatten().tolist() == [t0, t0]
    assert (found.t0 < found.t1).all()
    assert found.t1.flatten().tolist() == pytest.approx([t0 + np.exp(log_gap)] * 2, rel=1e-5, abs=1e-5)


@settings(deadline=None, max_examples=80)
@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e4, 1e4, width=32))
def test_the_lower_threshold_never_passes_the_upper_however_extreme(t0, log_gap):
    found = ORDINAL.thresholds(theta_for(torch.zeros(1), t0, log_gap), FREE)
    assert (found.t0 <= found.t1).all()
    assert (found.t1 <= t0 + 40.2).all()
    pi = ORDINAL.outputs(theta_for(torch.zeros(1), t0, log_gap), torch.ones(1, 1, 1)).pi
    assert 0 <= pi.item() <= 1


@settings(deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=1, max_size=8), thresholds, log_gaps)
def test_hard_decisions_say_idk_exactly_between_the_thresholds_and_positive_from_the_upper_one(
    values, t0, log_gap
):
    t1 = t0 + np.exp(log_gap)
    theta = theta_for(torch.tensor([*values, t0, t1], dtype=torch.float64), t0, log_gap)
    found = ORDINAL.score(theta, torch.ones(1, 1, 1, dtype=torch.float64), None)
    deferred, positive = decide(found, ORDINAL.thresholds(theta, FREE), torch.tensor([1.0]))
    for k, score in enumerate(found.flatten().tolist()[:-1]):
        assert deferred[0, 0, k].item() == (t0 < score < t1)
        assert positive[0, 0, k].item() == (score >= t1)


@settings(deadline=None)
@given(st.floats(-6, 6), thresholds, log_gaps)
def test_a_model_that_decides_decides_for_the_class_that_p_favours(score, t0, log_gap):
    middle = t0 + np.exp(log_gap) / 2
    p, _, _ = outputs(torch.tensor([score]).double(), t0, log_gap)
    if score >= t0 + np.exp(log_gap):
        assert p[0] > 0.5
    elif score <= t0:
        assert p[0] < 0.5
    assert (p[0] > 0.5) == (score > middle) or abs(score - middle) < 1e-9


def test_a_quarter_of_the_probability_is_idk_at_the_middle_score_before_training():
    theta = ORDINAL.initialise(6, 4, stream("test", 0)).view(1, -1, 1)
    t0, t1 = (level[0, 0].item() for level in ORDINAL.thresholds(theta, FREE))
    _, idk, _ = equation_10(np.array((t0 + t1) / 2), t0, t1)
    assert t0 == -t1
    assert idk == pytest.approx(0.25, abs=0.01)
