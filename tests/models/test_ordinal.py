import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from torch import Tensor

from models.methods import defer, reject
from models.metrics import decide
from models.ordinal import ORDINAL
from models.randomness import stream
from tests.models.synthetic_examples import batch_of

thresholds = st.floats(-5, 5)
log_gaps = st.floats(-3, 2)


def theta_for(scores: Tensor, t0: float, log_gap: float) -> Tensor:
    """Return one lane for each of ``scores`` (K,), in which every example gets that score.

    One input, the constant 1, and one hidden unit with weight 0: it says 0.5.
    """
    parts = [torch.zeros_like(scores), 2 * scores]
    parts += [torch.full_like(scores, value) for value in (t0, log_gap)]
    return torch.stack(parts).unsqueeze(0)


def probabilities(scores: Tensor, t0: float, log_gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Return p and pi as the model has them, (K,)."""
    logit, pi = ORDINAL.outputs(theta_for(scores, t0, log_gap), torch.ones(1, 1, 1, dtype=scores.dtype))
    return torch.sigmoid(logit).flatten().numpy(), pi.flatten().numpy()


def equation_10(scores: np.ndarray, t0: float, t1: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return expit(scores - t1), expit(scores - t0) - expit(scores - t1), 1 - expit(scores - t0)


@settings(deadline=None)
@given(st.lists(st.floats(-25, 25), min_size=1, max_size=8), thresholds, log_gaps)
def test_p_and_pi_are_those_of_equation_10(values, t0, log_gap):
    scores = np.array(values)
    positive, idk, negative = equation_10(scores, t0, t0 + np.exp(log_gap))
    p, pi = probabilities(torch.tensor(scores), t0, log_gap)
    # torch's softplus is the identity from 20 upwards: exp(-20) = 2e-9 away.
    np.testing.assert_allclose(p, positive / (positive + negative), atol=1e-8)
    np.testing.assert_allclose(pi, idk, atol=1e-12)
    np.testing.assert_allclose(pi + p * (1 - pi) + (1 - p) * (1 - pi), 1, atol=1e-12)
    np.testing.assert_allclose(p * (1 - pi), positive, atol=1e-8)
    np.testing.assert_allclose((1 - p) * (1 - pi), negative, atol=1e-8)


@settings(deadline=None)
@given(thresholds, log_gaps)
def test_p_is_one_half_where_positive_and_negative_are_equal_and_idk_is_largest_there(t0, log_gap):
    t1 = t0 + np.exp(log_gap)
    middle = (t0 + t1) / 2
    positive, _, negative = equation_10(np.array(middle), t0, t1)
    assert positive == pytest.approx(negative)
    scores = torch.cat([torch.tensor([middle]).double(), torch.linspace(-20, 20, 401).double() + middle])
    p, pi = probabilities(scores, t0, log_gap)
    assert p[0] == pytest.approx(0.5, abs=1e-12)
    assert pi[0] >= pi.max() - 1e-15
    assert (pi[1:][abs(scores[1:].numpy() - middle) > 0.05] < pi[0]).all()


@pytest.mark.parametrize("score", [-1e4, -80.0, -30.0, 30.0, 80.0, 1e4])
@pytest.mark.parametrize("log_gap", [-10.0, 0.0, 3.0])
def test_log_odds_keep_their_digits_far_from_the_thresholds(score, log_gap):
    t0, t1 = 0.5, 0.5 + np.exp(log_gap)
    logit = ORDINAL.outputs(theta_for(torch.tensor([score]), t0, log_gap), torch.ones(1, 1, 1)).logit
    log_positive, log_negative = -np.logaddexp(0, t1 - score), -np.logaddexp(0, score - t0)
    assert logit.item() == pytest.approx(log_positive - log_negative, rel=1e-5)


@pytest.mark.parametrize("method", [reject, defer])
@pytest.mark.parametrize("score", [-80.0, 80.0])
@pytest.mark.parametrize("log_gap", [-10.0, 0.0, 4.0])
def test_loss_and_gradient_are_finite_at_scores_of_80(method, score, log_gap):
    y, a = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    for dm in (y, 1 - y, torch.full_like(y, 0.3)):
        theta = theta_for(torch.tensor([score]), 0.5, log_gap).requires_grad_()
        outputs = ORDINAL.outputs(theta, torch.ones(1, 4, 1))
        loss = method(outputs, batch_of(y, a, dm), torch.ones(1, 1), torch.full((1, 1), 0.1))
        (gradient,) = torch.autograd.grad(loss.sum(), theta)
        assert torch.isfinite(loss).all()
        assert torch.isfinite(gradient).all()
        # Half of the examples are as far on the wrong side as can be: there is a way back.
        assert loss.item() > 1
        assert gradient[0, 1].item() != 0


@settings(deadline=None, max_examples=200)
@given(st.floats(-10, 10, width=32), st.floats(-10, 5, width=32))
def test_the_lower_threshold_is_below_the_upper(t0, log_gap):
    scores = ORDINAL.scores(theta_for(torch.zeros(1), t0, log_gap), torch.ones(1, 1, 1))
    assert scores.t0.item() == t0
    assert scores.t0 < scores.t1
    assert scores.t1.item() == pytest.approx(t0 + np.exp(log_gap), rel=1e-5, abs=1e-5)


@settings(deadline=None, max_examples=200)
@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e4, 80, width=32))
def test_the_lower_threshold_never_passes_the_upper_however_extreme(t0, log_gap):
    scores = ORDINAL.scores(theta_for(torch.zeros(1), t0, log_gap), torch.ones(1, 1, 1))
    assert scores.t0 <= scores.t1
    outputs = ORDINAL.outputs(theta_for(torch.zeros(1), t0, log_gap), torch.ones(1, 1, 1))
    assert 0 <= outputs.pi.item() <= 1


@settings(deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=1, max_size=8), thresholds, log_gaps)
def test_hard_decisions_say_idk_exactly_between_the_thresholds_and_positive_from_the_upper_one(
    values, t0, log_gap
):
    scores = torch.tensor([*values, t0, t0 + np.exp(log_gap)], dtype=torch.float64)
    found = ORDINAL.scores(theta_for(scores, t0, log_gap), torch.ones(1, 1, 1, dtype=torch.float64))
    idk, wrong = decide(found, torch.tensor([1.0]))
    t1 = found.t1[0, 0].item()
    for k, score in enumerate(found.score.flatten().tolist()):
        assert idk[0, 0, k].item() == (t0 < score < t1)
        assert wrong[0, 0, k].item() == (score < t1)


@settings(deadline=None)
@given(st.floats(-6, 6), thresholds, log_gaps)
def test_a_model_that_decides_decides_for_the_class_that_p_favours(score, t0, log_gap):
    middle = t0 + np.exp(log_gap) / 2
    p, _ = probabilities(torch.tensor([score]).double(), t0, log_gap)
    if score >= t0 + np.exp(log_gap):
        assert p[0] > 0.5
    elif score <= t0:
        assert p[0] < 0.5
    assert (p[0] > 0.5) == (score > middle) or abs(score - middle) < 1e-9


def test_a_quarter_of_the_probability_is_idk_at_the_middle_score_before_training():
    theta = ORDINAL.initialise(6, 4, stream("test", 0)).view(1, -1, 1)
    start = ORDINAL.scores(theta, torch.zeros(1, 1, 6))
    t0, t1 = start.t0.item(), start.t1.item()
    _, idk, _ = equation_10(np.array((t0 + t1) / 2), t0, t1)
    assert t0 == -t1
    assert idk == pytest.approx(0.25, abs=0.01)


def test_ordinal_has_thresholds_and_is_for_the_methods_that_may_say_idk():
    assert ORDINAL.has_thresholds
    assert ORDINAL.methods == {"reject", "defer"}
