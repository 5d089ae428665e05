from math import inf, isnan, nan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from study.models.decisions import counts_alone, decide, joint_counts, scores
from study.models.draws import stream
from study.models.examples import Examples
from study.models.network import Layout, Model, Thresholds, WeightNoise
from study.models.networks.bayes import BAYES
from study.models.networks.gate import GATE
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from study.results.metrics import metrics
from study.words import METRICS
from tests.models.synthetic_examples import make_examples

FREE = torch.zeros(1)

# Its score is the first input, times theta's first row; the other rows are the thresholds by group.
GIVEN = Model(
    name="given",
    layout=lambda inputs, hidden: Layout({"slope": (1,), "t0": (2,), "t1": (2,)}),
    initialise=lambda inputs, hidden, generator: torch.zeros(5),
    outputs=lambda theta, x: pytest.fail("figures go by scores"),
    score=lambda theta, x, noise: x[:, :, :1] * theta[:, :1],
    thresholds=lambda theta, gamma: Thresholds(theta[:, 1:3], theta[:, 3:5]),
)


def figures_of(
    model: Model, theta: Tensor, examples: Examples, noise: WeightNoise | None = None
) -> dict[str, Tensor]:
    """Return the figures of networks with their own thresholds."""
    score = scores(model, theta, examples.x, noise)
    counts = joint_counts(decide(score, model.thresholds(theta, FREE), examples.a), examples)
    return {name: torch.from_numpy(values) for name, values in metrics(counts).items()}


def ratio(counted: list[bool], among: list[bool] | None = None) -> float:
    """Return the share of True in ``counted``, only where ``among`` is, NaN if it is nowhere."""
    chosen = [c for c, here in zip(counted, among or [True] * len(counted), strict=True) if here]
    return sum(chosen) / len(chosen) if chosen else nan


def naive_figures(
    score: list[float], t0: list[float], t1: list[float], examples: Examples
) -> dict[str, float]:
    """Return all figures of one network, thresholds by group, by going through the examples one by one."""
    y, a = [bool(label) for label in examples.y], [bool(group) for group in examples.a]
    idk, wrong = [], []
    for i, x in enumerate(score):
        idk.append(t0[a[i]] < x < t1[a[i]])
        decision = bool(examples.dm[i] >= 0.5) if idk[i] else x >= t1[a[i]]
        wrong.append(decision != y[i])
    kept = [not deferred for deferred in idk]
    cells = {
        (group, label): ratio(wrong, [a[i] is group and y[i] is label for i in range(len(y))])
        for group in (False, True)
        for label in (False, True)
    }
    gaps = [abs(cells[False, label] - cells[True, label]) for label in (False, True)]
    not_a = [not group for group in a]
    fpr, fnr = (ratio(wrong, [label is of for label in y]) if of in y else nan for of in (False, True))
    return {
        "error": ratio(wrong),
        "di": (gaps[0] + gaps[1]) / 2,
        "di_y0": gaps[0],
        "di_y1": gaps[1],
        "idk_rate": ratio(idk),
        "idk_rate_a0": ratio(idk, not_a) if any(not_a) else nan,
        "idk_rate_a1": ratio(idk, a) if any(a) else nan,
        "error_a0": ratio(wrong, not_a) if any(not_a) else nan,
        "error_a1": ratio(wrong, a) if any(a) else nan,
        "model_error": ratio(wrong, kept) if any(kept) else nan,
        "dm_error": ratio(wrong, idk) if any(idk) else nan,
        "balanced_error": (fpr + fnr) / 2,
        "fpr": fpr,
        "fnr": fnr,
        "cost": ratio(wrong),
    }


def given_theta(*lanes: tuple[float, float, float]) -> Tensor:
    """Return theta (1, 5, K) of lanes (slope, t0, t1), for both groups."""
    return torch.tensor([(slope, t0, t0, t1, t1) for slope, t0, t1 in lanes]).T.unsqueeze(0)


def assert_figures_are_naive(
    model: Model, theta: Tensor, examples: Examples, noise: WeightNoise | None = None
) -> None:
    found = figures_of(model, theta, examples, noise)
    assert tuple(found) == METRICS
    score = model.score(theta, examples.x.expand(len(theta), -1, -1), noise)
    thresholds = model.thresholds(theta, FREE)
    for s in range(theta.shape[0]):
        for k in range(theta.shape[2]):
            t0, t1 = (level[s, :, k].tolist() for level in thresholds)
            naive = naive_figures(score[s, :, k].tolist(), t0, t1, examples)
            got = {name: values[s, k].item() for name, values in found.items()}
            assert got == pytest.approx(naive, abs=1e-12, nan_ok=True)


def standard_noise(seeds: int, size: int) -> WeightNoise:
    drawn = torch.randn(4, seeds, size, 1, generator=stream("test", 9))
    return WeightNoise(drawn, torch.zeros(()))


@pytest.mark.parametrize("model", [MLP, ORDINAL, GATE, BAYES], ids=lambda model: model.name)
@pytest.mark.parametrize("size", [9, 256, 300, 700])
def test_figures_are_those_of_a_loop_over_the_examples(model, size):
    examples = make_examples(size, 4, seed=size)
    generator = torch.Generator().manual_seed(size)
    theta = 3 * torch.randn(2, model.layout(5, 3).size, 3, generator=generator)
    noise = standard_noise(2, theta.shape[1] // 2) if model.posterior else None
    assert_figures_are_naive(model, theta, examples, noise)


@pytest.mark.parametrize("size", [1, 2, 5, 40, 513])
def test_figures_are_those_of_a_loop_for_thresholds_wide_and_narrow(size):
    examples = make_examples(size, 2, seed=size)
    theta = given_theta((1, -0.3, 0.2), (1, 0, 0), (-1, -1, 2), (1, -inf, inf), (0, 0.1, 0.3), (0, 0, 0))
    assert_figures_are_naive(GIVEN, theta, examples)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 60),
    st.lists(st.tuples(*[st.floats(-2, 2, width=32)] * 4), min_size=1, max_size=6),
)
def test_figures_are_those_of_a_loop_where_each_group_has_thresholds_of_its_own(size, bands):
    examples = make_examples(size, 2, seed=size)
    lanes = [(1.0, *sorted(band[:2]), *sorted(band[2:])) for band in bands]
    theta = torch.tensor([(slope, b0, b1, c0, c1) for slope, b0, c0, b1, c1 in lanes])
    assert_figures_are_naive(GIVEN, theta.T.unsqueeze(0), examples)


def test_each_group_is_compared_with_its_own_thresholds():
    score = torch.tensor([-2.0, 0.0, 2.0]).repeat_interleave(2).view(1, -1, 1)
    thresholds = Thresholds(torch.tensor([[[-1.0], [-3.0]]]), torch.tensor([[[1.0], [-1.0]]]))
    deferred, positive = decide(score, thresholds, torch.tensor([0.0, 1, 0, 1, 0, 1]))
    assert deferred.flatten().tolist() == [False, True, True, False, False, False]
    assert positive.flatten().tolist() == [False, False, False, True, True, True]


def test_figures_of_people_counted_by_hand():
    examples = Examples(
        x=torch.tensor([[-2.0], [-2], [0], [0], [2], [2], [0], [-2]]),
        y=torch.tensor([0.0, 1, 0, 1, 1, 0, 1, 1]),
        a=torch.tensor([0.0, 0, 0, 0, 1, 1, 1, 1]),
        dm=torch.tensor([0.9, 0.9, 0.5, 0.5, 0.1, 0.1, 0.4, 0.9]),
    )
    found = figures_of(GIVEN, given_theta((1, -1, 1)), examples)
    # Wrong are, in group 0: the second (said no), the third (the DM said yes, at one half); in group
    # 1: the sixth (said yes), the seventh (the DM said no), the eighth (said no).
    expected = {
        "error": 5 / 8,
        "di_y0": 1 - 1 / 2,
        "di_y1": 2 / 3 - 1 / 2,
        "di": (1 / 2 + 1 / 6) / 2,
        "idk_rate": 3 / 8,
        "idk_rate_a0": 2 / 4,
        "idk_rate_a1": 1 / 4,
        "error_a0": 2 / 4,
        "error_a1": 3 / 4,
        "model_error": 3 / 5,
        "dm_error": 2 / 3,
        "balanced_error": (2 / 3 + 3 / 5) / 2,
        "fpr": 2 / 3,
        "fnr": 3 / 5,
        "cost": 5 / 8,
    }
    assert {name: values.item() for name, values in found.items()} == pytest.approx(expected)


def levels(t0: float, t1: float) -> Thresholds:
    """Return the same thresholds for both groups, (1, 2, 1)."""
    return Thresholds(torch.full((1, 2, 1), t0), torch.full((1, 2, 1), t1))


def test_a_score_on_the_lower_threshold_is_negative_and_on_the_upper_positive():
    score = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]).view(1, -1, 1)
    deferred, positive = decide(score, levels(-0.5, 0.5), torch.zeros(5))
    assert deferred.flatten().tolist() == [False, False, True, False, False]
    assert positive.flatten().tolist() == [False, False, False, True, True]


def test_a_score_on_two_equal_thresholds_is_positive():
    deferred, positive = decide(torch.full((1, 1, 1), 0.25), levels(0.25, 0.25), torch.ones(1))
    assert not deferred.any()
    assert positive.all()


def test_a_score_that_is_not_a_number_is_a_negative_decision():
    deferred, positive = decide(torch.full((1, 1, 1), nan), levels(-inf, inf), torch.ones(1))
    assert not deferred.any()
    assert not positive.any()


def test_the_error_of_what_was_not_decided_is_undefined():
    keeps_all, keeps_nothing = (1.0, 0.0, 0.0), (1.0, -inf, inf)
    found = figures_of(GIVEN, given_theta(keeps_all, keeps_nothing), make_examples(60, 2, seed=0))
    assert isnan(found["dm_error"][0, 0])
    assert isnan(found["model_error"][0, 1])
    assert found["model_error"][0, 0] == found["error"][0, 0]
    assert found["dm_error"][0, 1] == found["error"][0, 1]
    assert found["idk_rate"][0].tolist() == [0, 1]


@pytest.mark.parametrize("empty", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_disparate_impact_is_undefined_where_a_cell_is_empty_and_the_rest_is_not(empty):
    everybody = make_examples(80, 2, seed=0)
    group, label = empty
    kept = ~((everybody.a == group) & (everybody.y == label))
    examples = Examples(everybody.x[kept], everybody.y[kept], everybody.a[kept], everybody.dm[kept])
    theta = given_theta((1, -0.5, 0.5))
    found = {name: values.item() for name, values in figures_of(GIVEN, theta, examples).items()}
    assert {name for name, value in found.items() if isnan(value)} == {"di", f"di_y{label}"}
    assert_figures_are_naive(GIVEN, theta, examples)


@pytest.mark.parametrize("present", [0, 1])
def test_figures_of_a_group_without_people_are_undefined(present):
    everybody = make_examples(80, 2, seed=0)
    kept = everybody.a == present
    examples = Examples(everybody.x[kept], everybody.y[kept], everybody.a[kept], everybody.dm[kept])
    found = figures_of(GIVEN, given_theta((1, -0.5, 0.5)), examples)
    undefined = {f"{name}_a{1 - present}" for name in ("error", "idk_rate")} | {"di", "di_y0", "di_y1"}
    assert {name for name, values in found.items() if isnan(values.item())} == undefined


def test_a_decision_maker_alone_has_the_figures_of_a_model_that_defers_everybody():
    for size in (50, 300):
        examples = make_examples(size, 2, seed=size)
        alone = metrics(counts_alone(examples))
        always = figures_of(GIVEN, given_theta((1, -inf, inf)), examples)
        assert alone == pytest.approx({name: v.item() for name, v in always.items()}, nan_ok=True)
        naive = naive_figures([0.0] * size, [-inf] * 2, [inf] * 2, examples)
        assert alone == pytest.approx(naive, abs=1e-12, nan_ok=True)


def test_an_oracle_never_errs():
    examples = make_examples(90, 2, seed=1)
    oracle = metrics(counts_alone(Examples(examples.x, examples.y, examples.a, examples.y)))
    assert oracle["error"] == oracle["di"] == oracle["dm_error"] == 0


@pytest.mark.parametrize("model", [ORDINAL, GATE, BAYES], ids=lambda model: model.name)
@pytest.mark.parametrize("size", [1, 257, 300])
def test_scores_of_a_lane_do_not_depend_on_the_other_lanes_of_the_pack_or_on_other_seeds(model, size):
    examples = make_examples(size, 6, seed=3)
    theta = 2 * torch.randn(3, model.layout(7, 5).size, 70, generator=torch.Generator().manual_seed(0))
    noise = standard_noise(3, theta.shape[1] // 2) if model.posterior else None
    packed = scores(model, theta, examples.x, noise)
    assert packed.shape == (3, size, 70)
    for s, k in ((0, 0), (1, 31), (2, 32), (1, 63), (0, 64), (2, 69)):
        its = noise and WeightNoise(noise.draws[:, s : s + 1], noise.share)
        alone = scores(model, theta[s : s + 1, :, k : k + 1], examples.x, its)
        assert int((packed[s, :, k] != alone[0, :, 0]).sum()) == 0


@pytest.mark.parametrize("lanes", [5, 33, 70])
def test_figures_do_not_depend_on_the_width_of_the_pack_even_where_scores_touch_a_threshold(lanes):
    """Every lane has the same network; the lower threshold of lane k is the score of example k.

    A score that differs in its last bit by the width of the pack puts an example on the other side.
    """
    examples = make_examples(100, 6, seed=3)
    one = torch.randn(1, ORDINAL.layout(7, 5).size, 1, generator=torch.Generator().manual_seed(0))
    theta = one.repeat(1, 1, lanes)
    theta[0, -2] = scores(ORDINAL, one, examples.x)[0, :lanes, 0]
    packed = figures_of(ORDINAL, theta, examples)
    alone = [figures_of(ORDINAL, theta[:, :, k : k + 1], examples) for k in range(lanes)]
    moved = [k for k in range(lanes) if packed["idk_rate"][0, k] != alone[k]["idk_rate"][0, 0]]
    assert moved == []
