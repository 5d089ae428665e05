from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from study.models.examples import Examples, decision_maker_loss, with_bias
from study.models.fairness import contrast
from tests.models.synthetic_examples import make_examples

labels = st.sampled_from([0.0, 1.0])


def test_an_epoch_gathers_for_every_step_and_seed_the_examples_that_its_order_names():
    examples = make_examples(20, 3, seed=0)
    order = torch.tensor([[[3, 1, 7], [0, 0, 19]], [[4, 5, 6], [18, 2, 2]]])
    batches = examples.batches(order)
    assert len(batches) == 2
    for step, batch in enumerate(batches):
        assert batch.x.shape == (2, 3, 4)
        for seed in range(2):
            for i, row in enumerate(order[step, seed].tolist()):
                assert torch.equal(batch.x[seed, i], examples.x[row])
                assert batch.y[seed, i, 0] == examples.y[row]
                assert batch.dm[seed, i, 0] == examples.dm[row]
                said = examples.dm[row] if examples.y[row] == 1 else 1 - examples.dm[row]
                assert batch.dm_loss[seed, i, 0].item() == pytest.approx(-log(said.item()), rel=1e-6)


def test_the_fairness_contrast_counts_the_groups_of_the_minibatch_not_of_the_split():
    examples = make_examples(40, 3, seed=1)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0)).view(4, 2, 5)
    for step, batch in enumerate(examples.batches(order)):
        for seed in range(2):
            rows = order[step, seed]
            assert torch.equal(batch.u[seed], contrast(examples.y[rows], examples.a[rows]))


def test_the_whole_split_is_one_batch_of_all_examples_for_every_seed_without_a_copy_for_each():
    examples = make_examples(30, 4, seed=2)
    whole = examples.whole(3)
    for seed in range(3):
        assert torch.equal(whole.x[seed], examples.x)
        assert torch.equal(whole.y[seed, :, 0], examples.y)
        assert torch.equal(whole.dm[seed, :, 0], examples.dm)
        assert torch.equal(whole.u[seed], contrast(examples.y, examples.a))
    assert all(part.untyped_storage().nbytes() == part[0].numel() * 4 for part in whole)


def test_the_length_is_the_number_of_examples():
    assert len(make_examples(17, 2, seed=0)) == 17


def test_the_bias_is_a_last_column_of_ones():
    x = torch.tensor([[2.0, 3.0], [4.0, 5.0]])
    assert torch.equal(with_bias(x), torch.tensor([[2.0, 3.0, 1.0], [4.0, 5.0, 1.0]]))


@given(st.lists(labels, min_size=1, max_size=20))
def test_an_oracle_costs_exactly_nothing(outcomes):
    y = torch.tensor(outcomes)
    assert (decision_maker_loss(y, y) == 0).all()


@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("doubt", [0.0, 1e-30, 1e-9, 1e-6])
def test_a_decision_maker_who_is_certain_and_wrong_costs_a_finite_13_8_nats(y, doubt):
    dm = torch.tensor(1 - y + (doubt if y else -doubt), dtype=torch.float64)
    cost = decision_maker_loss(torch.tensor(y, dtype=torch.float64), dm).item()
    assert cost == pytest.approx(6 * log(10), abs=1e-6)


@settings(deadline=None)
@given(labels, st.floats(1e-5, 1 - 1e-5))
def test_any_other_decision_maker_costs_the_cross_entropy(y, probability):
    said = probability if y == 1 else 1 - probability
    cost = decision_maker_loss(
        torch.tensor(y, dtype=torch.float64), torch.tensor(probability, dtype=torch.float64)
    )
    assert cost.item() == pytest.approx(-log(said), abs=1e-12)


def test_a_decision_maker_costs_nothing_less_than_0_in_float32():
    dm = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    y = (dm > 0.3).float()
    assert (Examples(dm.view(-1, 1), y, y, dm).whole(1).dm_loss >= 0).all()
