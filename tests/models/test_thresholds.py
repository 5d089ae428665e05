from itertools import product
from math import floor, inf, nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from study.models.decisions import CellCounts
from study.models.network import Thresholds
from study.models.thresholds import band_counts, band_loss, choose_bands, quantile_bands, random_quantiles
from tests.models.plain_thresholds import People, decide_plainly, many_people, plain_loss, small_people

SEEDS, LANES, CANDIDATES = 2, 2, 3
CELLS = list(product((0, 1), (0, 1)))


def bands_in_halves(numbers: list[int]) -> Thresholds:
    """Return Thresholds (2, 2, 3, 2) that often are scores, or equal."""
    pair = torch.tensor(numbers).view(2, SEEDS, 2, CANDIDATES, LANES) / 2
    return Thresholds(*pair.sort(dim=0).values)


size = 2 * SEEDS * 2 * CANDIDATES * LANES
some_bands = st.lists(st.integers(-5, 5), min_size=size, max_size=size).map(bands_in_halves)
coefficient = st.sampled_from([0.0, 0.125, 0.5, 1.0, 3.0])


def by_group(bands: Thresholds, seed: int, candidate: int, lane: int) -> tuple[list[float], list[float]]:
    t0, t1 = (t[seed, :, candidate, lane].tolist() for t in bands)
    return t0, t1


def losses_of(people: People, bands: Thresholds, alpha: float, gamma: float) -> torch.Tensor:
    """Return the loss (S, C, M) of every band of every lane."""
    lanes = people.score.shape[2]
    counts = band_counts(*people.given(), bands)
    return band_loss(counts, torch.arange(lanes), *(torch.full((lanes,), c) for c in (alpha, gamma)))


@settings(deadline=None)
@given(small_people(), some_bands)
def test_counts_are_those_of_a_loop_over_people(people, bands):
    found = band_counts(*people.given(), bands)
    for s, c, k in product(range(SEEDS), range(CANDIDATES), range(LANES)):
        decided = decide_plainly(people.rows(s, k), *by_group(bands, s, c, k))
        for i, cell in enumerate(CELLS):
            here = [person[2:] for person in decided if person[:2] == cell]
            counted = [len(here), *(sum(column) for column in zip(*here, strict=True))] if here else [0] * 4
            assert [part[i, s, c, k].item() for part in found] == counted


def test_on_a_threshold_the_upper_is_positive_the_lower_negative_and_two_equal_ones_positive():
    score = torch.tensor([-1.0, 0, 1]).view(1, 3, 1)
    bands = Thresholds(torch.tensor([-1.0, 1, 0]).expand(1, 2, 3)[..., None], torch.ones(1, 2, 3, 1))
    group, label = torch.zeros(3), torch.ones(3)
    found = band_counts(score, group, label, torch.ones(3) > 0, bands)
    # With Y = 1, the model errs where it says negative.
    assert found.deferred[1, 0, :, 0].tolist() == [1, 0, 0]
    assert found.model_errors[1, 0, :, 0].tolist() == [1, 2, 2]
    assert found.dm_errors[1, 0, :, 0].tolist() == [1, 0, 0]


def test_infinite_scores_and_thresholds_are_compared_as_numbers_and_nan_is_negative():
    scores, thresholds = [-inf, -1.0, 0.0, 2.0, inf], [(-inf, inf), (-1.0, inf), (-inf, 2.0), (inf, inf)]
    people = People(torch.zeros(5), torch.ones(5), torch.ones(5) > 0, torch.tensor(scores).view(1, 5, 1))
    t0, t1 = torch.tensor(thresholds).T.view(2, 1, 1, 4, 1).expand(-1, -1, 2, -1, -1)
    found = band_counts(*people.given(), Thresholds(t0, t1))
    for c, (low, high) in enumerate(thresholds):
        decided = decide_plainly(people.rows(0, 0), [low] * 2, [high] * 2)
        assert found.deferred[1, 0, c, 0] == sum(person[2] for person in decided)
        assert found.model_errors[1, 0, c, 0] == sum(person[3] for person in decided)
    unknown = band_counts(
        torch.full((1, 5, 1), nan), *people.given()[1:], Thresholds(t0[:, :, 1:], t1[:, :, 1:])
    )
    assert not unknown.deferred.any()
    assert (unknown.model_errors[1] == 5).all()


@settings(deadline=None)
@given(small_people(), some_bands, coefficient, coefficient)
def test_the_loss_is_the_formula_of_the_deferring_loss(people, bands, alpha, gamma):
    found = losses_of(people, bands, alpha, gamma)
    for s, c, k in product(range(SEEDS), range(CANDIDATES), range(LANES)):
        decided = decide_plainly(people.rows(s, k), *by_group(bands, s, c, k))
        assert found[s, c, k].item() == pytest.approx(plain_loss(decided, alpha, gamma), abs=1e-12)


@settings(deadline=None)
@given(small_people(), some_bands, coefficient, coefficient)
def test_rejecting_is_deferring_to_an_oracle(people, bands, alpha, gamma):
    """Of Eq. 9 the loss knows no DM: IDK costs gamma, and none of the deferred cases is wrong."""
    found = losses_of(people.oracle(), bands, alpha, gamma)
    for s, c, k in product(range(SEEDS), range(CANDIDATES), range(LANES)):
        decided = decide_plainly(people.rows(s, k), *by_group(bands, s, c, k))
        kept = [(a, y, idk, model_errs, False) for a, y, idk, model_errs, _ in decided]
        rejecting = sum(gamma if idk else float(errs) for _, _, idk, errs, _ in decided) / len(decided)
        unfair = plain_loss(kept, 1.0, 0.0) - plain_loss(kept, 0.0, 0.0)
        assert found[s, c, k].item() == pytest.approx(rejecting + alpha * unfair, abs=1e-12)


@settings(deadline=None)
@given(
    small_people(), some_bands, st.lists(st.tuples(st.integers(0, 1), coefficient, coefficient), min_size=1)
)
def test_the_choice_is_the_argmin_over_the_candidates_of_the_settings_lane(people, bands, asked):
    base, alpha, gamma = (torch.tensor(column) for column in zip(*asked, strict=True))
    chosen, loss = choose_bands(*people.given(), bands, base, alpha, gamma)
    assert chosen.t0.shape == chosen.t1.shape == (SEEDS, 2, len(asked))
    for s, k in product(range(SEEDS), range(len(asked))):
        lane = asked[k][0]
        rows = people.rows(s, lane)
        pairs = [by_group(bands, s, c, lane) for c in range(CANDIDATES)]
        losses = [plain_loss(decide_plainly(rows, *pair), *asked[k][1:]) for pair in pairs]
        assert loss[s, k].item() == pytest.approx(min(losses), abs=1e-12)
        picked = chosen.t0[s, :, k].tolist(), chosen.t1[s, :, k].tolist()
        assert losses[pairs.index(picked)] == pytest.approx(min(losses), abs=1e-12)


def test_of_equal_candidates_the_first_is_chosen():
    people = People(
        torch.zeros(2), torch.tensor([0.0, 1]), torch.ones(2) > 0, torch.tensor([[[-1.0], [1]]])
    )
    t1 = torch.tensor([2.0, 0.5, 0.25, 0]).view(1, 1, 4, 1).expand(1, 2, -1, -1)
    chosen, loss = choose_bands(
        *people.given(), Thresholds(-t1, t1), torch.tensor([0]), torch.ones(1), torch.ones(1)
    )
    assert loss.item() == 0
    assert chosen.t1.flatten().tolist() == [0.5, 0.5]


def test_a_lane_with_a_nan_score_gets_thresholds_0_and_loss_nan_and_the_others_what_they_had():
    people = many_people(60, seeds=2, lanes=3)
    bands = quantile_bands(people.score, random_quantiles([0, 1], 20, True), symmetric=False)
    base, alpha, gamma = torch.tensor([0, 1, 1, 2]), torch.ones(4), torch.full((4,), 0.1)
    before, loss_before = choose_bands(*people.given(), bands, base, alpha, gamma)
    people.score[0, 7, 1] = nan
    after, loss_after = choose_bands(*people.given(), bands, base, alpha, gamma)
    assert loss_after.isnan().tolist() == [[False, True, True, False], [False] * 4]
    for old, new in zip(before, after, strict=True):
        assert (new[0, :, 1:3] == 0).all()
        assert torch.equal(new[1], old[1])
        assert torch.equal(new[0][:, [0, 3]], old[0][:, [0, 3]])
    well = ~loss_after.isnan()
    assert torch.equal(loss_after[well], loss_before[well])


def test_counts_and_choice_do_not_depend_on_the_order_of_people():
    people = many_people(80, seeds=2, lanes=2)
    bands = quantile_bands(people.score, random_quantiles([3, 4], 50, True), symmetric=False)
    settled = torch.tensor([0, 1]), torch.ones(2), torch.full((2,), 0.1)
    other = people.shuffled(torch.randperm(80, generator=torch.Generator().manual_seed(0)))
    counts: CellCounts = band_counts(*people.given(), bands)
    for one, two in zip(counts, band_counts(*other.given(), bands), strict=True):
        assert torch.equal(one, two)
    chosen, again = (choose_bands(*who.given(), bands, *settled)[0] for who in (people, other))
    assert torch.equal(chosen.t0, again.t0)
    assert torch.equal(chosen.t1, again.t1)


def quantile(scores: np.ndarray, u: float) -> float:
    return float(np.sort(scores)[floor(u * len(scores))]) if len(scores) else 0.0


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.booleans(), st.booleans())
def test_quantile_bands_are_order_statistics_of_the_scores_on_each_side(seed, people, symmetric, shared):
    rng = np.random.default_rng(seed)
    score = rng.integers(-3, 4, (2, people, 3)) / 2
    score[0, :, 0] = abs(score[0, :, 0])
    u = rng.choice([0, 0.25, 1 / 3, 0.5, 0.75, np.nextafter(1, 0)], (2, 5, 4, 1 if shared else 3))
    found = quantile_bands(torch.tensor(score, dtype=torch.float32), torch.tensor(u), symmetric)
    assert found.t0.shape == found.t1.shape == (2, 2, 5, 3)
    for s, group, c, k in product(range(2), range(2), range(5), range(3)):
        x = score[s, :, k]
        u0, u1 = u[s, c, 2 * group : 2 * group + 2, 0 if shared else k]
        t1 = quantile(abs(x) if symmetric else x[x >= 0], u1)
        t0 = -t1 if symmetric else quantile(x[x < 0], u0)
        assert (found.t0[s, group, c, k].item(), found.t1[s, group, c, k].item()) == (t0, t1)


def test_symmetric_bands_do_not_look_at_the_coordinates_of_the_lower_thresholds():
    score = many_people(50).score
    u = random_quantiles([0], 30, True)
    other = u.clone()
    other[:, :, [0, 2]] = 0
    for one, two in zip(quantile_bands(score, u, True), quantile_bands(score, other, True), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("symmetric", [False, True])
def test_quantile_bands_of_a_lane_with_a_nan_score_are_0_and_the_others_as_they_were(symmetric):
    score, u = many_people(50, seeds=2, lanes=3).score, random_quantiles([0, 1], 30, True)
    whole = quantile_bands(score, u, symmetric)
    broken = score.clone()
    broken[1, 4, 2] = nan
    for old, new in zip(whole, quantile_bands(broken, u, symmetric), strict=True):
        assert (new[1, :, :, 2] == 0).all()
        assert torch.equal(new[..., :2], old[..., :2])
        assert torch.equal(new[0], old[0])


def test_random_quantiles_belong_to_their_seed_and_fill_the_unit_interval():
    u = random_quantiles([5, 6], 2000, per_group=True)
    assert u.shape == (2, 2000, 4, 1)
    assert torch.equal(u[1:], random_quantiles([6], 2000, per_group=True))
    assert not torch.equal(u[0], u[1])
    assert ((u >= 0) & (u < 1)).all()
    deciles = (10 * u).long().flatten(1, 1).squeeze(-1)
    for s, axis in product(range(2), range(4)):
        assert torch.bincount(deciles[s, :, axis], minlength=10) == pytest.approx(200, abs=70)


def test_without_groups_both_have_the_coordinates_of_group_0():
    u, apart = (random_quantiles([5], 40, per_group=per_group) for per_group in (False, True))
    assert torch.equal(u[:, :, :2], apart[:, :, :2])
    assert torch.equal(u[:, :, 2:], u[:, :, :2])
