"""A given model: its p is the column, and what is learned next to it is the rule that is best."""

from itertools import product

import pytest
import torch
from torch import Tensor

from study.models.exact_thresholds import best_bands
from study.models.examples import Batch, Examples
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.network import Asking
from study.models.networks.given import AS_IT_IS, COMPARED, TWO_STAGE
from study.models.step import Eager
from study.models.training import Stop, TrainingOptions, train_pack
from study.words import Costs
from tests.models.synthetic_examples import in_float64, make_examples

ALL = pytest.mark.parametrize("model", [AS_IT_IS, COMPARED, TWO_STAGE], ids=lambda model: model.name)
GIVEN = torch.tensor([0.0, 1e-30, 0.2, 0.49999997, 0.5, 0.50000006, 0.8, 1.0])
ETA = torch.tensor([0.7, 0.7, 0.3, 0.52, 0.9, 0.2, 0.55], dtype=torch.float64)
KAPPA = torch.tensor([0.75, 0.65, 0.9, 0.55, 0.85, 0.95, 0.5], dtype=torch.float64)


def inputs_with(p: Tensor) -> Tensor:
    """(1, B, 4): p, two features, and the constant 1."""
    features = torch.randn(len(p), 2, generator=torch.Generator().manual_seed(1)).to(p.dtype)
    return torch.cat([p[:, None], features, torch.ones_like(features[:, :1])], dim=1)[None]


def some_theta(model, lanes: int = 3, dtype=torch.float32) -> Tensor:
    size = model.layout(4, 2).size
    return torch.randn(1, size, lanes, generator=torch.Generator().manual_seed(2)).to(dtype)


@ALL
def test_p_is_the_column_to_the_bit_and_its_class_that_of_every_score(model):
    theta, x = some_theta(model), inputs_with(GIVEN)
    said = model.outputs(theta, x)
    assert torch.equal(said.p, GIVEN.view(1, -1, 1).expand(-1, -1, 3))
    score = model.score(theta, x, None)
    assert score.isfinite().all()
    assert torch.equal(score >= 0, said.p >= 0.5)


@ALL
def test_no_weight_reads_the_column(model):
    theta = some_theta(model)
    one, other = (model.outputs(theta, inputs_with(p)) for p in (GIVEN, GIVEN.flip(0)))
    for a, b in zip(one[2:], other[2:], strict=True):
        assert torch.equal(a, b)


def test_without_weights_nothing_is_trained():
    splits = [given_examples(make_examples(rows, 4, seed=rows)) for rows in (80, 60)]
    trained = train_pack(
        Eager(AS_IT_IS, loss_of("binary"), *splits),
        alpha=torch.tensor([0.0, 0.5]),
        gamma=torch.zeros(2),
        seeds=[1, 2],
        options=TrainingOptions(3, 0.02, 16, 5, 15),
    )
    assert trained.theta.shape == (2, 0, 2)
    assert trained.epochs.eq(0).all()
    assert trained.stop == [[Stop.UNTRAINED] * 2] * 2
    p, y = splits[1].x[:, 0], splits[1].y
    nats = -torch.where(y > 0.5, p, 1 - p).log().mean()
    torch.testing.assert_close(trained.validation_loss[:, 0], nats.expand(2))


def given_examples(examples: Examples) -> Examples:
    p = torch.rand(len(examples), 1, generator=torch.Generator().manual_seed(3))
    return Examples(torch.cat([p, examples.x], dim=1), examples.y, examples.a, examples.dm)


def atoms(part: slice = slice(None)) -> tuple[Batch, Tensor]:
    """Every atom with each of its four cases (y, person right), and how likely each is."""
    cases = list(product((0.0, 1.0), (0.0, 1.0)))
    y = torch.tensor([y for y, _ in cases] * len(ETA), dtype=torch.float64)[part]
    right = torch.tensor([right for _, right in cases] * len(ETA), dtype=torch.float64)[part]
    eta, kappa = ETA.repeat_interleave(4)[part], KAPPA.repeat_interleave(4)[part]
    weight = torch.where(y > 0.5, eta, 1 - eta) * torch.where(right > 0.5, kappa, 1 - kappa)
    dm = torch.where(right > 0.5, y, 1 - y)
    return Examples(torch.ones(len(y), 1, dtype=torch.float64), y, torch.zeros_like(y), dm).whole(1), weight


@pytest.mark.parametrize("gamma", [0.0, 0.04, -0.03, 0.17])
@pytest.mark.parametrize("costs", [Costs(), Costs(2.0, 0.5)])
def test_minimum_of_two_stage_is_the_bayes_rule_for_the_given_class(gamma, costs):
    """By brute force over the score of asking, atom by atom, from the cost of every case."""
    score = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    price = torch.full((1, 1), gamma, dtype=torch.float64)
    for atom, (eta, kappa) in enumerate(zip(ETA.tolist(), KAPPA.tolist(), strict=True)):
        batch, weight = atoms(slice(4 * atom, 4 * atom + 4))
        p = torch.full((1, 1, len(score)), eta, dtype=torch.float64)
        total = torch.zeros(len(score), dtype=torch.float64)
        for row in range(4):
            one = Batch(*(part[:, row : row + 1] for part in batch[:-1]), batch.u[:, :, row : row + 1])
            outputs = Asking(p, 1 - p, score.view(1, 1, -1))
            total += weight[row] * loss_of("two-stage", costs)(outputs, one, 0 * price, price)[0]
        fp, fn, _ = costs
        kept = fp * (1 - eta) if eta >= 0.5 else fn * eta
        asked = (1 - kappa) * (fn * eta + fp * (1 - eta)) + gamma
        assert bool(score[total.argmin()] > 0) == (asked < kept)


def test_two_stage_is_its_formula_at_no_price():
    """1[model right] l_keep + 1[person right] l_ask, as published."""
    batch, _ = atoms()
    p, ask = ETA.repeat_interleave(4).view(1, -1, 1), torch.linspace(-2, 2, 28, dtype=torch.float64)
    zero = torch.zeros(1, 1, dtype=torch.float64)
    found = loss_of("two-stage")(Asking(p, 1 - p, ask.view(1, -1, 1)), batch, zero, zero)
    y, right = batch.y[0, :, 0], (batch.dm == batch.y)[0, :, 0].double()
    model_right = ((p[0, :, 0] >= 0.5).double() == y).double()
    keep, asked = torch.log_softmax(torch.stack([torch.zeros_like(ask), ask]), dim=0)
    torch.testing.assert_close(found[0, 0], -(model_right * keep + right * asked).mean())


def test_gradient_of_two_stage_is_that_of_finite_differences():
    examples = in_float64(given_examples(make_examples(40, 3, seed=2)))
    batch = examples.whole(1)
    alpha, gamma = (torch.full((1, 2), value, dtype=torch.float64) for value in (0.7, 0.1))
    theta = torch.randn(1, TWO_STAGE.layout(examples.shape[1], 2).size, 2, dtype=torch.float64)

    def loss(weights: Tensor) -> Tensor:
        return loss_of("two-stage")(TWO_STAGE.outputs(weights, batch.x), batch, alpha, gamma)

    assert torch.autograd.gradcheck(loss, theta.requires_grad_())


@pytest.mark.parametrize("gamma", [0.0, 0.03, 0.17])
def test_a_true_score_and_a_true_estimate_of_the_person_compared_are_the_bayes_rule(gamma):
    """Atoms are features in one-hot form, so that the second network can hold any kappa."""
    atoms_, hidden = len(ETA), len(ETA)
    x = torch.cat([ETA[:, None], torch.eye(atoms_), torch.ones(atoms_, 1)], dim=1)[None].double()
    first = torch.zeros(atoms_ + 1, hidden, dtype=torch.float64)
    first[:atoms_], first[-1] = 80 * torch.eye(atoms_), -40
    theta = torch.cat([first.flatten(), torch.logit(KAPPA), torch.zeros(1)]).view(1, -1, 1)
    score = COMPARED.score(theta, x, None)[0, :, 0]
    t0, t1 = (t[0, 0, 0] for t in COMPARED.thresholds(theta, torch.tensor([gamma])))
    assert torch.equal((t0 < score) & (score < t1), KAPPA - gamma > torch.maximum(ETA, 1 - ETA))
    torch.testing.assert_close(COMPARED.right(COMPARED.outputs(theta, x))[0, :, 0], KAPPA)


@pytest.mark.parametrize("gamma", [0.0, 0.03, 0.1])
def test_confidence_of_a_given_score_is_chows_rule_by_brute_force(gamma):
    generator = torch.Generator().manual_seed(5)
    p = torch.rand(60, generator=generator)
    y = (torch.rand(60, generator=generator) < p).float()
    a = (torch.arange(60) % 2).float()
    wrong = torch.rand(60, generator=generator) < 0.25
    theta = torch.empty(1, 0, 1)
    score = AS_IT_IS.score(theta, inputs_with(p), None)
    of = (torch.zeros(1, dtype=torch.int64), torch.zeros(1), torch.tensor([gamma]))
    bands, loss = best_bands(score, a, y, wrong, *of, symmetric=True, per_group=False)
    confidence, errs = torch.maximum(p, 1 - p), (p >= 0.5) != (y > 0.5)
    limits = [0.0, *confidence.tolist(), 2.0]
    costs = []
    for limit in limits:
        deferred = confidence < limit
        costs.append((torch.where(deferred, wrong, errs).sum() + gamma * deferred.sum()).item() / 60)
    assert loss.item() == pytest.approx(min(costs), abs=1e-6)
    deferred = (score.abs() < bands.t1[:, :1])[0, :, 0]
    best = limits[min(range(len(limits)), key=lambda k: (round(costs[k], 6), limits[k]))]
    assert torch.equal(deferred, confidence < best)


def test_family_says_what_it_trains():
    family = FAMILIES["given"]
    assert {method: family.trains(method) for method in family.methods} == {
        **{"binary": False, "confidence": False, "compare": True, "two-stage": True}
    }
