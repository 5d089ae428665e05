"""Losses and thresholds where errors have costs: weights, Elkan's threshold, the action of least cost."""

import pytest
import torch
from torch import Tensor

from study.models.exact_thresholds import best_bands
from study.models.examples import Batch
from study.models.losses import LOSSES, loss_of
from study.models.network import Actions, AnyOutputs, Asking, Comparison, Outputs
from study.models.thresholds import choose_bands, quantile_bands, random_quantiles
from study.words import UNIT_COSTS, Costs
from tests.models.synthetic_examples import in_float64, make_examples
from tests.models.test_surrogates import ETA, actions_of, atoms, minimised

COSTS = Costs(false_positive=1.0, false_negative=5.0)
P = COSTS.false_negative * ETA / (COSTS.false_negative * ETA + COSTS.false_positive * (1 - ETA))
"""What a model estimates that was trained where examples weigh as much as their costs."""


def outputs_of(method: str, size: int) -> AnyOutputs:
    generator = torch.Generator().manual_seed(5)
    p, pi = 0.02 + 0.96 * torch.rand(2, 1, size, 1, generator=generator, dtype=torch.float64)
    if method in ("binary", "reject", "defer"):
        return Outputs(p, 1 - p, pi)
    if method == "compare":
        return Comparison(p, 1 - p, pi, 1 - pi)
    if method == "two-stage":
        return Asking(p, 1 - p, torch.logit(pi))
    return Actions(torch.randn(1, size, 3, 1, generator=generator, dtype=torch.float64))


def rows_of(outputs: AnyOutputs, rows: Tensor) -> AnyOutputs:
    return type(outputs)(*(part[:, rows] for part in outputs))


@pytest.mark.parametrize("method", LOSSES)
def test_unit_costs_leave_a_loss_as_it_is(method: str) -> None:
    assert loss_of(method).__name__ == loss_of(method, Costs(1, 1, 0.5)).__name__ == method
    assert loss_of(method, Costs(1, 2)).__name__ != loss_of(method, Costs(2, 1)).__name__ != method


@pytest.mark.parametrize("method", LOSSES)
def test_doubling_the_cost_of_a_false_positive_is_writing_every_negative_twice(method: str) -> None:
    batch = in_float64(make_examples(40, 3, 1)).whole(1)
    negative = torch.cat([torch.arange(40), (batch.y[0, :, 0] < 0.5).nonzero()[:, 0]])
    twice = Batch(*(part[:, negative] for part in batch[:-1]), batch.u[:, :, negative])
    outputs, nothing = outputs_of(method, 40), torch.zeros(1, 1, dtype=torch.float64)
    one = 40 * loss_of(method, Costs(2.0, 1.0))(outputs, batch, nothing, nothing)
    both = len(negative) * loss_of(method)(rows_of(outputs, negative), twice, nothing, nothing)
    if isinstance(outputs, Asking):
        # C is 2 for positives, too: each has C - c in both its terms by 1 larger.
        positive = outputs.pi[0, batch.y[0, :, 0] > 0.5, 0]
        both -= (positive.log() + (1 - positive).log()).sum()
    torch.testing.assert_close(one, both)


def test_estimates_are_above_one_half_from_elkans_threshold_on() -> None:
    p = torch.sigmoid(minimised(loss_of("ova", COSTS), actions_of, 3, 0.0))[:, 1]
    torch.testing.assert_close(p, P, rtol=0, atol=1e-5)
    threshold = COSTS.false_positive / (COSTS.false_positive + COSTS.false_negative)
    assert torch.equal(p > 0.5, threshold < ETA)

    def one(g: Tensor) -> Outputs:
        score = g.view(1, 1, 1)
        return Outputs(score.sigmoid(), (-score).sigmoid(), 0 * score)

    found = torch.sigmoid(minimised(loss_of("binary", COSTS), one, 1, 0.0))[:, 0]
    torch.testing.assert_close(found, P, rtol=0, atol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.3, -0.2])
def test_minimum_of_ce_takes_the_action_of_least_expected_cost(gamma: float) -> None:
    g = minimised(loss_of("ce", COSTS), actions_of, 3, gamma)
    batch, weight = atoms()
    for atom in range(len(ETA)):
        total = [0.0, 0.0, gamma]
        for row in range(4 * atom, 4 * atom + 4):
            y, person = float(batch.y[0, row, 0]), float(batch.dm[0, row, 0])
            share, price = float(weight[row]), 5.0 if y else 1.0
            for action, said in enumerate((0.0, 1.0, person)):
                total[action] += share * price * (said != y)
        least = sorted(total)
        if least[1] - least[0] > 0.02:
            assert int(g[atom].argmax()) == total.index(least[0])


@pytest.mark.parametrize("per_group", [False, True])
def test_thresholds_count_what_errors_cost(per_group: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    score = torch.randn(1, 30, 1, generator=generator)
    a, y, wrong = (torch.rand(3, 30, generator=generator) < 0.5).long()
    negative = torch.cat([torch.arange(30), (y == 0).nonzero()[:, 0]])
    setting = torch.tensor([0]), torch.tensor([0.0]), torch.tensor([0.0])
    twice = (score[:, negative], a[negative], y[negative], wrong[negative])
    _, priced = best_bands(score, a, y, wrong, *setting, False, per_group, Costs(2.0, 1.0))
    _, doubled = best_bands(*twice, *setting, False, per_group)
    torch.testing.assert_close(30 * priced, len(negative) * doubled)

    candidates = quantile_bands(score, random_quantiles([1], 200, per_group), False)
    chosen, least = choose_bands(score, a, y, wrong, candidates, *setting, Costs(2.0, 1.0))
    also, doubled = choose_bands(*twice, candidates, *setting)
    torch.testing.assert_close(30 * least, len(negative) * doubled)
    torch.testing.assert_close(chosen.t0, also.t0)
    assert (priced <= least + 1e-9).all()


def test_thresholds_at_unit_costs_are_those_without() -> None:
    generator = torch.Generator().manual_seed(3)
    score = torch.randn(2, 50, 1, generator=generator)
    a, y, wrong = (torch.rand(3, 50, generator=generator) < 0.5).long()
    setting = torch.tensor([0, 0]), torch.tensor([0.1, 1.0]), torch.tensor([0.0, 0.2])
    plain = best_bands(score, a, y, wrong, *setting, False, True)
    unit = best_bands(score, a, y, wrong, *setting, False, True, UNIT_COSTS)
    assert torch.equal(plain[0].t0, unit[0].t0)
    assert torch.equal(plain[1], unit[1])
