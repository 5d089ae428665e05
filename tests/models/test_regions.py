"""A benefit puts cases in order, by the decisions that its family makes, for every method and model."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from study.models.decisions import decide, rank, risk_coverage_area
from study.models.examples import Examples
from study.models.families import FAMILIES
from study.models.network import Model, Thresholds
from study.models.networks.actions import BY_COST
from study.models.networks.pair import PAIR
from study.words import UNIT_COSTS, Costs
from tests.models.synthetic_examples import make_examples

PAIRS = [(name, method) for name, family in FAMILIES.items() for method in family.methods]
MODELS = {f"{name}-{method}": FAMILIES[name].model(method) for name, method in PAIRS}
NUMBERS = st.floats(-1e3, 1e3, width=32)


def levels(model: Model, low: list[float], high: list[float]) -> Thresholds:
    """Thresholds (1, 2, 1) that a family may have: around 0, but where they are learned."""
    if model.name == "ordinal":
        both = [sorted(pair) for pair in zip(low, high, strict=True)]
        t0, t1 = ([pair[i] for pair in both] for i in (0, 1))
    else:
        t1 = [abs(level) for level in high]
        t0 = [-level for level in (map(abs, low) if model.name == "mlp" else t1)]
    return Thresholds(*(torch.tensor(t, dtype=torch.float32).view(1, 2, 1) for t in (t0, t1)))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@given(
    score=st.lists(NUMBERS, min_size=2, max_size=12),
    low=st.lists(NUMBERS, min_size=2, max_size=2),
    high=st.lists(NUMBERS, min_size=2, max_size=2),
    near=st.booleans(),
)
def test_a_case_is_deferred_exactly_where_its_benefit_is_above_0(model, score, low, high, near):
    thresholds = levels(model, low, high)
    if near:
        # Scores at the thresholds themselves, and next to them.
        t = [float(level) for both in thresholds for level in both.flatten()]
        score = [float(np.nextafter(np.float32(v), np.float32(to))) for v in t for to in (v, -1e9, 1e9)]
    x, a = torch.tensor(score).view(1, -1, 1), (torch.arange(len(score)) % 2).float()
    decisions = decide(x, thresholds, a)
    ranking = rank(decisions, x, thresholds, a, model.region)
    assert ((ranking.benefit > 0) == decisions.deferred).all()
    kept = ~decisions.deferred
    assert (ranking.positive[kept] == decisions.positive[kept]).all()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_moved_thresholds_defer_where_the_benefit_is_above_the_cut(model):
    generator = torch.Generator().manual_seed(1)
    thresholds = levels(model, [-1.5, -0.4], [0.9, 2.5])
    x = 4 * torch.randn(1, 400, 1, generator=generator)
    a = (torch.arange(400) % 2).float()
    benefit = rank(decide(x, thresholds, a), x, thresholds, a, model.region).benefit.flatten().double()
    ordered = benefit.unique()
    assert len(ordered) > 100
    for cut in (ordered[:-1] + ordered[1:])[3::17] / 2:
        if 0 < cut < torch.finfo(torch.float32).tiny:
            continue
        both = [t.double() for t in thresholds]
        moved = Thresholds(*model.region.moved(*both, torch.full_like(both[0], float(cut))))
        assert (moved.t0 <= moved.t1).all()
        deferred = decide(x.double(), moved, a).deferred.flatten()
        assert (deferred != (benefit > cut)).sum() <= (benefit - cut).abs().lt(1e-6).sum()
    for everything, cut in ((True, -1e3), (False, 1e3)):
        moved = Thresholds(*model.region.moved(*both, torch.full_like(both[0], cut)))
        assert all(t.isfinite().all() for t in moved)
        assert (decide(x.double(), moved, a).deferred == everything).all()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_narrower_region_keeps_the_class_that_the_middle_tells(model):
    thresholds = levels(model, [-1.5, -0.4], [0.9, 2.5])
    x, a = torch.linspace(-3, 3, 601).view(1, -1, 1), torch.zeros(601)
    ranking = rank(decide(x, thresholds, a), x, thresholds, a, model.region)
    given = [t.double() for t in thresholds]
    moved = Thresholds(*model.region.moved(*given, torch.full_like(given[0], 1e3)))
    assert (decide(x.double(), moved, a).positive == ranking.positive).float().mean() > 0.998


def kappa_of(model: Model, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    outputs = model.outputs(theta, x)
    if model is PAIR:
        return outputs.right, torch.maximum(outputs.p, outputs.q)
    s = torch.softmax(outputs.scores, dim=2)
    decided = s[:, :, :2].sum(2)
    return s[:, :, 2] / decided, s[:, :, :2].amax(2) / decided


@pytest.mark.parametrize("model", [PAIR, BY_COST], ids=["compare", "ce"])
def test_benefit_of_two_estimates_is_their_difference_less_the_price(model):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(1, 50, 4, generator=generator)
    theta = torch.randn(1, model.layout(4, 3).size, 2, generator=generator)
    gamma = torch.tensor([0.0, 0.1]) if model is PAIR else torch.zeros(2)
    score, thresholds, a = model.score(theta, x, None), model.thresholds(theta, gamma), torch.zeros(50)
    found = rank(decide(score, thresholds, a), score, thresholds, a, model.region).benefit
    right, sure = kappa_of(model, theta, x)
    torch.testing.assert_close(found, right - sure - gamma, atol=1e-5, rtol=1e-4)


def plain_area(benefit: list[float], positive: list[bool], examples: Examples, costs: Costs) -> float:
    y = [bool(label) for label in examples.y]
    decided = [bool(chance >= 0.5) for chance in examples.dm]
    order = sorted(range(len(y)), key=lambda i: -benefit[i])
    totals = []
    for deferred in range(len(y) + 1):
        asked = set(order[:deferred])
        wrong = [(decided[i] if i in asked else positive[i]) != y[i] for i in range(len(y))]
        price = [costs.false_negative if happened else costs.false_positive for happened in y]
        totals.append(np.mean(np.multiply(wrong, price)) + costs.deferral * deferred / len(y))
    return float(np.mean(totals))


@pytest.mark.parametrize("costs", [UNIT_COSTS, Costs(0.7, 5.0, 0.3)], ids=["errors", "costs"])
def test_area_under_the_curve_is_the_mean_cost_over_all_numbers_of_deferrals(costs):
    examples = make_examples(60, 3, seed=4)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 60, 3, generator=generator).mul(4).round().div(2)  # With ties.
    thresholds = Thresholds(*(torch.full((2, 2, 3), t) for t in (-0.6, 0.8)))
    ranking = rank(
        decide(x, thresholds, examples.a), x, thresholds, examples.a, FAMILIES["mlp"].model("binary").region
    )
    found = risk_coverage_area(ranking, examples, costs)
    for s in range(2):
        for k in range(3):
            own = (ranking.benefit[s, :, k].tolist(), ranking.positive[s, :, k].tolist())
            assert found[s, k].item() == pytest.approx(plain_area(*own, examples, costs), abs=1e-12)
    broken = ranking._replace(benefit=ranking.benefit.clone().index_fill_(2, torch.tensor([1]), torch.nan))
    assert risk_coverage_area(broken, examples).isnan().tolist() == [[False, True, False]] * 2
