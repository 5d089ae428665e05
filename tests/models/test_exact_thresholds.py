from itertools import product
from math import inf, nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from study.models import exact_thresholds
from study.models.exact_thresholds import best_bands
from study.models.network import Thresholds
from study.models.thresholds import choose_bands, quantile_bands, random_quantiles
from tests.models.plain_thresholds import (
    Decided,
    People,
    decide_plainly,
    many_people,
    plain_loss,
    small_people,
)

# Eighths, and cells of ten people at most: two losses are equal, or differ by more than 1e-6.
coefficient = st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0, 2.5])
KINDS = list(product((False, True), (False, True)))
kinds = pytest.mark.parametrize(("symmetric", "per_group"), KINDS)


def best(people: People, alpha: float, gamma: float, symmetric: bool, per_group: bool):
    """Return thresholds (1, 2, 1) and loss of one setting on the first lane."""
    setting = torch.tensor([0]), torch.tensor([alpha]), torch.tensor([gamma])
    return best_bands(*people.given(), *setting, symmetric, per_group)


def decisions(rows: list[tuple[int, int, bool, float]], symmetric: bool) -> list[Decided]:
    """Return everything that one band can do: IDK is who lies between 0 and a score, on each side."""
    below = {row[3] for row in rows if row[3] < 0} | {0.0}
    above = {row[3] for row in rows if row[3] >= 0} | {-1.0}
    if symmetric:
        sizes = {abs(row[3]) for row in rows} | {-1.0}
        idk_sets = [[abs(score) <= size for *_, score in rows] for size in sizes]
    else:
        idk_sets = [
            [low <= score < 0 or 0 <= score <= high for *_, score in rows]
            for low, high in product(below, above)
        ]
    return [
        [
            (a, y, idk, not idk and (score >= 0) != bool(y), idk and dm_wrong)
            for (a, y, dm_wrong, score), idk in zip(rows, idk_set, strict=True)
        ]
        for idk_set in idk_sets
    ]


def all_decisions(people: People, symmetric: bool, per_group: bool) -> list[Decided]:
    rows = people.rows(0, 0)
    if not per_group:
        return decisions(rows, symmetric)
    groups = ([row for row in rows if row[0] == group] for group in (0, 1))
    return [one + two for one, two in product(*(decisions(group, symmetric) for group in groups))]


def idk_count(decided: Decided) -> int:
    return sum(person[2] for person in decided)


@kinds
@settings(deadline=None, max_examples=60)
@given(people=small_people(most=12, seeds=1, lanes=1), alpha=coefficient, gamma=coefficient)
def test_nothing_better_exists_by_trying_everything(symmetric, per_group, people, alpha, gamma):
    everything = all_decisions(people, symmetric, per_group)
    losses = [plain_loss(decided, alpha, gamma) for decided in everything]
    least = min(losses)
    (t0, t1), loss = best(people, alpha, gamma, symmetric, per_group)
    assert loss.item() == pytest.approx(least, abs=1e-12)
    taken = decide_plainly(people.rows(0, 0), t0[0, :, 0].tolist(), t1[0, :, 0].tolist())
    assert plain_loss(taken, alpha, gamma) == pytest.approx(least, abs=1e-12)
    equal = [idk_count(one) for one, value in zip(everything, losses, strict=True) if value < least + 1e-9]
    assert idk_count(taken) == min(equal)
    assert (t0 <= 0).all()
    assert (t1 >= 0).all()
    assert torch.equal(t0, -t1) or not symmetric
    assert torch.equal(t0[:, 0], t0[:, 1]) or per_group


def numpy_least(people: People, alpha: float, gamma: float) -> float:
    """The least loss of a pair of bands over all pairs of pairs, by their four rates."""
    group, label, dm_wrong = (np.asarray(column) for column in (people.a, people.y, people.dm_wrong))
    score = people.score[0, :, 0].numpy()
    outcomes = []
    for own in (group == 0, group == 1):
        low = [0, *score[own & (score < 0)]]
        high = [-1, *score[own & (score >= 0)]]
        bands = []
        for t0, t1 in product(low, high):
            idk = own & np.where(score < 0, score >= t0, score <= t1)
            wrong = own & np.where(idk, dm_wrong, (score >= 0) != (label == 1))
            rates = [wrong[own & (label == value)].mean() for value in (0, 1)]
            bands.append([(wrong.sum() + gamma * idk.sum()) / len(score), *rates])
        outcomes.append(np.array(bands))
    one, two = outcomes[0][:, None], outcomes[1][None]
    apart = abs(one[..., 1:] - two[..., 1:]).mean(-1)
    return float((one[..., 0] + two[..., 0] + alpha * apart).min())


@pytest.mark.parametrize("seed", range(4))
def test_nothing_better_exists_for_a_hundred_people_with_scores_all_different(seed):
    people = many_people(100, seed=seed)
    rng = np.random.default_rng(seed)
    for alpha, gamma in zip(rng.exponential(size=6), rng.uniform(0, 0.4, size=6), strict=True):
        _, loss = best(people, alpha, gamma, symmetric=False, per_group=True)
        assert loss.item() == pytest.approx(numpy_least(people, alpha, gamma), abs=2e-8)


@kinds
@pytest.mark.parametrize("oracle", [False, True])
def test_the_best_is_never_worse_than_the_best_of_a_sample(symmetric, per_group, oracle):
    people = many_people(300, seeds=2, lanes=2)
    people = people.oracle() if oracle else people
    bands = quantile_bands(people.score, random_quantiles([0, 1], 400, per_group), symmetric)
    grid = torch.tensor(list(product((0, 1), (0, 0.3, 2), (0, 0.05, 0.2, 0.6))))
    base, alpha, gamma = grid[:, 0].long(), grid[:, 1], grid[:, 2]
    _, sampled = choose_bands(*people.given(), bands, base, alpha, gamma)
    exact, least = best_bands(*people.given(), base, alpha, gamma, symmetric, per_group)
    assert (least <= sampled + 1e-9).all()
    alone = Thresholds(*(t[:, :, None, :] for t in exact))
    for k in range(len(grid)):
        one = Thresholds(*(t[..., k : k + 1].expand(-1, -1, -1, 2) for t in alone))
        _, applied = choose_bands(*people.given(), one, base[k : k + 1], alpha[k : k + 1], gamma[k : k + 1])
        assert torch.equal(applied[:, 0], least[:, k])


def test_more_freedom_is_never_worse():
    people = many_people(200)
    for alpha, gamma in product((0.0, 0.5, 3.0), (0.02, 0.1, 0.3)):
        loss = {kind: best(people, alpha, gamma, *kind)[1].item() for kind in KINDS}
        for symmetric in (False, True):
            assert loss[symmetric, True] <= loss[symmetric, False] + 1e-9
        for per_group in (False, True):
            assert loss[False, per_group] <= loss[True, per_group] + 1e-9


@kinds
def test_where_idk_is_dear_thresholds_are_0_and_where_it_is_cheap_everybody_is_idk(symmetric, per_group):
    people = many_people(80).oracle()
    (t0, t1), _ = best(people, 0.0, 1.5, symmetric, per_group)
    assert not t0.any()
    assert not t1.any()
    flipped = People(people.a, 1 - (people.score[0, :, 0] >= 0).float(), people.dm_wrong, people.score)
    (t0, t1), loss = best(flipped, 0.0, 0.25, symmetric, per_group)
    assert loss.item() == 0.25
    for group in (0, 1):
        mine = people.score[0, people.a == group, 0]
        assert t0[0, group, 0] < mine.min() or t1[0, group, 0] > mine.max()
    assert t0.isfinite().all()
    assert t1.isfinite().all()


def row_of(scores: list[float], y: list[int]) -> People:
    """Return people of group 0 with an oracle."""
    size = len(scores)
    return People(
        torch.zeros(size), torch.tensor(y).float(), torch.zeros(size) > 0, torch.tensor([scores])[..., None]
    )


def test_thresholds_lie_midway_between_scores():
    people = row_of([-4.0, -2, -1, 1, 3, 7], [0, 0, 1, 0, 1, 1])
    (t0, t1), loss = best(people, 0.0, 0.25, symmetric=False, per_group=True)
    assert (t0[0, 0, 0].item(), t1[0, 0, 0].item()) == (-1.5, 2)
    assert loss.item() == pytest.approx(2 * 0.25 / 6)


def test_neighbouring_floats_are_told_apart_and_a_score_of_0_can_be_idk():
    upper = np.nextafter(np.float32(1), np.float32(2)).item()
    for lower_y, upper_y, zero_y in product((0, 1), repeat=3):
        people = row_of([-upper, -1, 0, 1, upper], [1 - upper_y, 1 - lower_y, zero_y, lower_y, upper_y])
        for symmetric in (False, True):
            least = min(plain_loss(one, 0.0, 0.25) for one in all_decisions(people, symmetric, True))
            _, loss = best(people, 0.0, 0.25, symmetric, per_group=True)
            assert loss.item() == pytest.approx(least, abs=1e-12)


def test_infinite_scores_are_never_idk_and_the_rest_is_as_good_as_can_be():
    people = row_of([-inf, -2, -1, 1, 2, inf], [1, 1, 0, 0, 1, 0])
    for symmetric, expected in ((False, 2 + 4 * 0.25 - 0.25), (True, 2 + 4 * 0.25)):
        (t0, t1), loss = best(people, 0.0, 0.25, symmetric, per_group=True)
        assert loss.item() == pytest.approx(expected / 6)
        assert t0.isfinite().all()
        assert t1.isfinite().all()


@kinds
def test_work_in_blocks_gives_the_same(symmetric, per_group, monkeypatch):
    people = many_people(150)
    whole, loss = best(people, 0.4, 0.1, symmetric, per_group)
    for block in (1, 100):
        monkeypatch.setattr(exact_thresholds, "_BLOCK", block)
        parts, again = best(people, 0.4, 0.1, symmetric, per_group)
        assert torch.equal(loss, again)
        assert all(torch.equal(one, two) for one, two in zip(whole, parts, strict=True))


@kinds
def test_the_best_does_not_depend_on_the_order_of_people_or_on_other_lanes_and_settings(
    symmetric, per_group
):
    people = many_people(90, seeds=2, lanes=3)
    settings_of = torch.tensor([2, 0, 2]), torch.tensor([0.1, 1, 4]), torch.tensor([0.1, 0.2, 0.05])
    bands, loss = best_bands(*people.given(), *settings_of, symmetric, per_group)
    other = people.shuffled(torch.randperm(90, generator=torch.Generator().manual_seed(1)))
    again, same = best_bands(*other.given(), *settings_of, symmetric, per_group)
    assert torch.equal(loss, same)
    assert all(torch.equal(one, two) for one, two in zip(bands, again, strict=True))
    for s, k in product(range(2), range(3)):
        lane = int(settings_of[0][k])
        one = People(people.a, people.y, people.dm_wrong, people.score[s : s + 1, :, lane : lane + 1])
        alone, its_loss = best(
            one, settings_of[1][k].item(), settings_of[2][k].item(), symmetric, per_group
        )
        assert its_loss.item() == loss[s, k]
        assert all(torch.equal(t[0, :, 0], both[s, :, k]) for t, both in zip(alone, bands, strict=True))


def test_a_lane_with_a_nan_score_gets_thresholds_0_and_loss_nan_and_the_others_their_own():
    people = many_people(60, seeds=2, lanes=2)
    base, alpha, gamma = torch.tensor([0, 1]), torch.ones(2), torch.full((2,), 0.1)
    before, loss_before = best_bands(*people.given(), base, alpha, gamma, False, True)
    people.score[1, 3, 0] = nan
    after, loss = best_bands(*people.given(), base, alpha, gamma, False, True)
    assert loss.isnan().tolist() == [[False, False], [True, False]]
    assert torch.equal(loss[:, 1], loss_before[:, 1])
    for old, new in zip(before, after, strict=True):
        assert not new[1, :, 0].any()
        assert torch.equal(new[..., 1], old[..., 1])


@pytest.mark.parametrize(("alpha", "gamma"), [(-0.1, 0.1), (0.1, -0.1)])
def test_a_negative_coefficient_is_refused(alpha, gamma):
    with pytest.raises(ValueError, match="alpha and gamma must not be negative"):
        best(many_people(10), alpha, gamma, symmetric=False, per_group=True)
