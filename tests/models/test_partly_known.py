"""Losses where some decisions are unknown: their minimum is that of the loss with all of them."""

from itertools import combinations

import pytest
import torch
from torch import Tensor

from study.models.examples import UNKNOWN, Batch, Examples
from study.models.families import FAMILIES
from study.models.losses import loss_of
from study.models.network import Actions, Comparison, Outputs
from study.words import Costs
from tests.models.synthetic_examples import in_float64, make_examples

FAMILY = {
    **{"defer": "ordinal", "compare": "pair", "ce": "actions", "ova": "actions", "realizable": "actions"},
    **{"binary": "mlp", "reject": "ordinal", "two-stage": "given"},
}
ASKING = ("defer", "compare", "ce", "ova", "realizable")
SUMS = ("compare", "ce", "ova", "two-stage")
"""Whose loss is the classifier's own, if it has one, and apart from it an estimate that needs decisions."""
COSTS = [Costs(), Costs(2, 3)]
NOTHING = torch.zeros(1, 1, dtype=torch.float64)


def partly(examples: Examples, known: Tensor) -> Examples:
    """Return examples (N,) of which some decisions are known."""
    return Examples(examples.x, examples.y, examples.a, examples.dm.where(known, UNKNOWN))


def problem(method: str, rows: int = 30) -> tuple[Examples, object, Tensor]:
    """Return examples, a model and networks of two lanes."""
    model = FAMILIES[FAMILY[method]].model(method)
    generator = torch.Generator().manual_seed(1)
    theta = torch.randn(1, model.layout(4, 2).size, 2, generator=generator, dtype=torch.float64)
    return in_float64(make_examples(rows, 3, seed=5)), model, theta


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("method", FAMILY)
def test_with_every_decision_known_it_is_the_loss(method: str, costs: Costs) -> None:
    examples, model, theta = problem(method)
    batch = examples.whole(1)
    given = (model.outputs(theta, batch.x), batch, NOTHING + torch.tensor([0.0, 2.0]), NOTHING + 0.1)
    torch.testing.assert_close(loss_of(method, costs, partly=True)(*given), loss_of(method, costs)(*given))


@pytest.mark.parametrize("method", ["binary", "reject"])
def test_methods_without_deferral_to_people_keep_their_machine_code(method: str) -> None:
    assert loss_of(method, partly=True).__name__ == loss_of(method).__name__


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("gamma", [0.17, -0.05])
@pytest.mark.parametrize("method", SUMS)
def test_loss_and_gradient_are_unbiased_over_which_decisions_are_known(
    method: str, gamma: float, costs: Costs
) -> None:
    """Exactly: the mean over all choices of three of seven examples is that with all decisions."""
    examples, model, theta = problem(method, rows=7)
    theta.requires_grad_()

    def of(loss: object, given: Examples) -> tuple[Tensor, Tensor]:
        batch = given.whole(1)
        value = loss(model.outputs(theta, batch.x), batch, NOTHING, NOTHING + gamma)
        return value.detach(), torch.autograd.grad(value.sum(), theta)[0]

    all_known = of(loss_of(method, costs), examples)
    masks = [torch.isin(torch.arange(7), torch.tensor(some)) for some in combinations(range(7), 3)]
    found = [of(loss_of(method, costs, partly=True), partly(examples, known)) for known in masks]
    for part, whole in zip(zip(*found, strict=True), all_known, strict=True):
        torch.testing.assert_close(torch.stack(part).mean(0), whole)


@pytest.mark.parametrize("method", [*ASKING, "two-stage"])
def test_gradients_are_those_of_finite_differences(method: str) -> None:
    examples, model, theta = problem(method)
    batch = partly(examples, torch.arange(30) % 3 > 0).whole(1)
    alpha, loss = torch.tensor([[0.0, 2.0]]).double(), loss_of(method, partly=True)
    assert torch.autograd.gradcheck(
        lambda t: loss(model.outputs(t, batch.x), batch, alpha, NOTHING + 0.1),
        theta.requires_grad_(),
        atol=1e-7,
    )


@pytest.mark.parametrize("known", [0, 1])
@pytest.mark.parametrize("method", ASKING)
def test_minibatch_with_hardly_any_decision_trains_the_classifier(method: str, known: int) -> None:
    examples, model, theta = problem(method)
    batch = partly(examples, torch.arange(30) < known).whole(1)
    theta.requires_grad_()
    value = loss_of(method, partly=True)(model.outputs(theta, batch.x), batch, NOTHING + 1, NOTHING)
    (gradient,) = torch.autograd.grad(value.sum(), theta)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 1e-3


@pytest.mark.parametrize("method", ["defer", "ce", "ova", "realizable", "two-stage"])
def test_difference_between_groups_is_that_of_the_examples_with_a_decision(method: str) -> None:
    """What alpha adds is what it adds in a batch of these examples alone."""
    examples, model, theta = problem(method)
    known = torch.arange(30) % 3 > 0
    alone = Examples(examples.x[known], examples.y[known], examples.a[known], examples.dm[known])

    def added(loss: object, given: Examples) -> Tensor:
        batch = given.whole(1)
        with_alpha, without = (
            loss(model.outputs(theta, batch.x), batch, NOTHING + alpha, NOTHING) for alpha in (1.0, 0.0)
        )
        return with_alpha - without

    torch.testing.assert_close(
        added(loss_of(method, partly=True), partly(examples, known)), added(loss_of(method), alone)
    )


# A world of a few atoms, each with so many equal cases that shares are probabilities

ETA = torch.tensor([0.7, 0.7, 0.3, 0.5, 0.9, 0.2])
KAPPA = torch.tensor([0.8, 0.6, 0.9, 0.6, 0.8, 0.9])
KNOWN = torch.tensor([0.1, 0.9, 0.3, 0.5, 0.2, 0.1])
"""By atom, the share of cases with a decision: it depends on x, not on the outcome or the decision."""


def world(known: Tensor) -> tuple[Batch, Tensor]:
    """Return a batch of 1,000 cases of every atom, and the atom of each."""
    y, right, there = [], [], []
    for eta, kappa, share in zip(ETA.tolist(), KAPPA.tolist(), known.tolist(), strict=True):
        for outcome, person, decided in [(o, p, d) for o in (0, 1) for p in (0, 1) for d in (0, 1)]:
            chance = (
                (eta, 1 - eta)[1 - outcome]
                * (kappa, 1 - kappa)[1 - person]
                * (share, 1 - share)[1 - decided]
            )
            number = round(1000 * chance)
            assert abs(number - 1000 * chance) < 1e-3
            y += [float(outcome)] * number
            right += [float(person)] * number
            there += [decided] * number
    label, decided_right = (torch.tensor(part, dtype=torch.float64) for part in (y, right))
    # A calibrated person, who says 0.9 or 0.1.
    said = torch.where(decided_right > 0.5, 0.1 + 0.8 * label, 0.9 - 0.8 * label)
    examples = Examples(label.unsqueeze(1), label, torch.zeros_like(label), said)
    atom = torch.arange(len(ETA)).repeat_interleave(1000)
    return partly(examples, torch.tensor(there) > 0).whole(1), atom


def minimised(method: str, known: Tensor, gamma: float) -> Tensor:
    """Minimise a loss over free parameters of every atom; return them, (atoms, parameters)."""
    batch, atom = world(known)
    free = torch.zeros(len(ETA), 3, dtype=torch.float64, requires_grad=True)
    loss = loss_of(method, partly=not bool((known == 1).all()))
    optimiser = torch.optim.LBFGS([free], max_iter=500, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def outputs() -> object:
        g = free[atom].view(1, -1, 3, 1)
        if method == "compare":
            a, b = g[:, :, 0], g[:, :, 1]
            return Comparison(a.sigmoid(), (-a).sigmoid(), b.sigmoid(), (-b).sigmoid())
        if method == "defer":
            return Outputs(g[:, :, 0].sigmoid(), (-g[:, :, 0]).sigmoid(), g[:, :, 1].sigmoid())
        return Actions(g)

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss(outputs(), batch, NOTHING, NOTHING + gamma).sum()
        value.backward()
        return value

    optimiser.step(closure)
    return free.detach()


@pytest.mark.parametrize("known", [torch.full_like(ETA, 0.5), KNOWN], ids=["chance", "depends on x"])
@pytest.mark.parametrize("method", ["compare", "ova"])
def test_minimum_estimates_the_outcome_and_the_person(method: str, known: Tensor) -> None:
    found = minimised(method, known, 0.0).sigmoid()[:, {"compare": [0, 1], "ova": [1, 2]}[method]]
    torch.testing.assert_close(found, torch.stack([ETA, KAPPA], 1).double(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, -0.03, 0.17])
def test_minimum_of_ce_is_that_with_all_decisions_where_chance_says_which_are_known(gamma: float) -> None:
    found, expected = (
        minimised("ce", torch.full_like(ETA, share), gamma).softmax(1) for share in (0.5, 1.0)
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, -0.03])
def test_minimum_of_ce_does_not_ask_less_where_fewer_decisions_are_known(gamma: float) -> None:
    """With -log s_y for an example without a decision, s_ask would be kappa times their share."""
    found, expected = (minimised("ce", known, gamma).softmax(1) for known in (KNOWN, torch.ones_like(ETA)))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.05, -0.05])
@pytest.mark.parametrize("method", ["defer", "realizable"])
def test_minimum_asks_where_that_with_all_decisions_does(method: str, gamma: float) -> None:
    def asks(known: Tensor) -> Tensor:
        g = minimised(method, known, gamma)
        # Beyond what flat tails of sigmoids leave, a minimum is certain to ask or not to.
        pi = g[:, 1].sigmoid() if method == "defer" else g.softmax(1)[:, 2]
        assert ((pi > 0.9) | (pi < 0.1)).all()
        return pi > 0.5

    expected = asks(torch.ones_like(ETA))
    assert expected.any()
    assert not expected.all()
    for known in (torch.full_like(ETA, 0.5), KNOWN):
        assert torch.equal(asks(known), expected)
