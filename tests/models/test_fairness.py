from fractions import Fraction
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from study.models.fairness import contrast, disparity, expected_squared_disparity

# Two groups with both labels, one of everything twice, in no order.
Y = torch.tensor([0.0, 1, 1, 0, 1, 0, 1, 0], dtype=torch.float64)
A = torch.tensor([0.0, 1, 0, 1, 1, 1, 0, 0], dtype=torch.float64)

# Label, group, and eighths of p.
person = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 8))
people = st.lists(person, min_size=1, max_size=14)


def random_case(seed: int, size: int, lanes: int) -> tuple[Tensor, ...]:
    """Return y, a, dm, each (2, size), and p, pi, both (2, size, lanes)."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    y, a = ((draw(2, size) < 0.5).double() for _ in range(2))
    return y, a, draw(2, size), draw(2, size, lanes), draw(2, size, lanes)


def gap(y: Tensor, a: Tensor, prediction: Tensor, label: int) -> float:
    """Return the group difference in error rate among those with ``label``, 0 where a group is empty."""
    errors: dict[int, list[float]] = {0: [], 1: []}
    for label_i, group_i, prediction_i in zip(y.tolist(), a.tolist(), prediction.tolist(), strict=True):
        if label_i == label:
            errors[int(group_i)].append(prediction_i if label == 0 else 1 - prediction_i)
    if not errors[0] or not errors[1]:
        return 0.0
    return sum(errors[0]) / len(errors[0]) - sum(errors[1]) / len(errors[1])


def all_draws(size: int) -> Tensor:
    return torch.tensor(list(product((0.0, 1.0), repeat=size)), dtype=torch.float64)


def enumerated(y: Tensor, a: Tensor, p: Tensor, pi: Tensor, dm: Tensor) -> float:
    """Eq. 12-14 over all 2^B deferral draws."""
    total = 0.0
    for s in all_draws(len(y)):
        chance = torch.where(s == 1, pi, 1 - pi).prod().item()
        joint = s * dm + (1 - s) * p
        total += chance * 0.5 * sum(gap(y, a, joint, label) ** 2 for label in (0, 1))
    return total


def equalised_odds(cases: list[tuple[int, int, int]]) -> bool:
    """Whether error rates are equal between the groups, exactly; cases of (y, a, eighths of p)."""
    for label in (0, 1):
        eighths = [[c for y, a, c in cases if y == label and a == group] for group in (0, 1)]
        if all(eighths):
            means = [Fraction(sum(of_group), len(of_group)) for of_group in eighths]
            if means[0] != means[1]:
                return False
    return True


def disparity_of(cases: list[tuple[int, int, int]]) -> float:
    y, a, eighths = torch.tensor(cases, dtype=torch.float64).T
    return disparity(contrast(y, a).unsqueeze(0), (eighths / 8).view(1, -1, 1)).item()


def test_the_contrast_is_plus_one_over_n0_and_minus_one_over_n1_within_its_label():
    y, a = torch.tensor([0.0, 0, 0, 1, 1, 0]), torch.tensor([0.0, 0, 1, 1, 0, 0])
    expected = torch.tensor([[1 / 3, 1 / 3, -1, 0, 0, 1 / 3], [0, 0, 0, -1, 1, 0]])
    torch.testing.assert_close(contrast(y, a), expected)


@pytest.mark.parametrize("empty", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_label_with_an_empty_cell_has_contrast_0_and_the_other_keeps_its_own(empty):
    label, group = empty
    kept = ~((label == Y) & (group == A))
    rows = contrast(Y[kept], A[kept])
    assert torch.equal(rows[label], torch.zeros(int(kept.sum()), dtype=torch.float64))
    assert torch.equal(rows[1 - label], contrast(Y, A)[1 - label][kept])
    assert rows[1 - label].abs().sum() == 2


def test_contrasts_of_many_batches_are_those_of_each():
    y, a, *_ = random_case(0, 9, 1)
    both = contrast(y, a)
    assert both.shape == (2, 2, 9)
    assert all(torch.equal(both[s], contrast(y[s], a[s])) for s in range(2))


@pytest.mark.parametrize("seed", range(5))
def test_disparity_is_the_mean_over_labels_of_absolute_group_differences(seed):
    y, a, _, p, _ = random_case(seed, 11, 3)
    computed = disparity(contrast(y, a), p)
    for s, k in product(range(2), range(3)):
        looped = sum(abs(gap(y[s], a[s], p[s, :, k], label)) for label in (0, 1)) / 2
        assert computed[s, k].item() == pytest.approx(looped, abs=1e-12)


@settings(deadline=None)
@given(people)
def test_disparity_lies_between_0_and_1(cases):
    assert 0 <= disparity_of(cases) <= 1 + 1e-12


def test_disparity_reaches_1_where_one_group_is_always_wrong_and_the_other_never():
    wrong_in_group_1 = torch.where(A == 1, 1 - Y, Y)
    assert disparity(contrast(Y, A).unsqueeze(0), wrong_in_group_1.view(1, -1, 1)).item() == 1


@settings(deadline=None, max_examples=80)
@given(people)
def test_disparity_is_0_exactly_where_probabilities_have_equalised_odds(cases):
    # Means of up to 14 eighths differ by 1 / (8 * 14 * 14) at least, where they differ.
    assert (disparity_of(cases) < 1e-9) == equalised_odds(cases)


@settings(deadline=None, max_examples=80)
@given(people)
def test_disparity_is_0_exactly_where_hard_decisions_have_equalised_odds(cases):
    hard = [(y, a, 8 * (eighths >= 4)) for y, a, eighths in cases]
    assert (disparity_of(hard) < 1e-9) == equalised_odds(hard)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=5),
    st.lists(st.integers(0, 8), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_groups_of_different_size_with_the_same_error_rates_have_disparity_0(
    negatives, positives, times0, times1, random
):
    cases = [
        (label, group, eighths)
        for label, pattern in ((0, negatives), (1, positives))
        for group, times in ((0, times0), (1, times1))
        for eighths in pattern * times
    ]
    random.shuffle(cases)
    assert disparity_of(cases) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_soft_disparity_equals_its_enumeration_over_all_draws(seed):
    y, a, dm, p, pi = random_case(seed, 8, 2)
    computed = expected_squared_disparity(contrast(y, a), p, pi, dm.unsqueeze(-1))
    for s, k in product(range(2), range(2)):
        exact = enumerated(y[s], a[s], p[s, :, k], pi[s, :, k], dm[s])
        assert computed[s, k].item() == pytest.approx(exact, abs=1e-12)


def test_soft_disparity_has_the_gradient_of_its_enumeration():
    generator = torch.Generator().manual_seed(6)
    p, pi = (torch.rand(8, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    dm = torch.rand(8, generator=generator, dtype=torch.float64)
    u = contrast(Y, A)
    s = all_draws(8)
    chance = torch.where(s == 1, pi, 1 - pi).prod(1)
    exact = (chance * 0.5 * ((s * dm + (1 - s) * p) @ u.T).square().sum(1)).sum()
    columns = (part.view(1, -1, 1) for part in (p, pi, dm))
    closed = expected_squared_disparity(u.unsqueeze(0), *columns)
    for ours, theirs in zip(
        torch.autograd.grad(closed.sum(), (p, pi)), torch.autograd.grad(exact, (p, pi)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-9)


def test_soft_disparity_agrees_with_monte_carlo_over_the_draws():
    generator = torch.Generator().manual_seed(8)
    y, a, dm, p, pi = (part[0] for part in random_case(11, 60, 1))
    p, pi = p.squeeze(1), pi.squeeze(1)
    s = torch.bernoulli(pi.expand(40_000, -1), generator=generator)
    joint = s * dm + (1 - s) * p
    squared = torch.zeros(len(s), dtype=torch.float64)
    for label in (0, 1):
        error = joint if label == 0 else 1 - joint
        cells = [error[:, (y == label) & (a == group)].mean(1) for group in (0, 1)]
        squared += 0.5 * (cells[0] - cells[1]) ** 2
    closed = expected_squared_disparity(
        contrast(y, a).unsqueeze(0), p.view(1, -1, 1), pi.view(1, -1, 1), dm.view(1, -1, 1)
    )
    assert closed.item() == pytest.approx(squared.mean().item(), abs=5 * squared.std().item() / 200)
    # The tolerance is fine enough to miss neither the variance of the draws nor the factor 1/2.
    without = 0.5 * (contrast(y, a) @ (p + pi * (dm - p))).square().sum().item()
    assert closed.item() - without > 10 * squared.std().item() / 200


@pytest.mark.parametrize("always", [0.0, 1.0])
def test_soft_disparity_of_a_model_that_never_or_always_defers_is_half_the_sum_of_squares(always):
    y, a, dm, p, _ = random_case(3, 10, 2)
    closed = expected_squared_disparity(contrast(y, a), p, torch.full_like(p, always), dm.unsqueeze(-1))
    for s, k in product(range(2), range(2)):
        decides = dm[s] if always else p[s, :, k]
        squares = 0.5 * sum(gap(y[s], a[s], decides, label) ** 2 for label in (0, 1))
        assert closed[s, k].item() == pytest.approx(squares, abs=1e-12)
