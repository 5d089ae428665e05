import hashlib
from itertools import combinations

import pytest
import torch
from scipy.stats import kstest

from study.models.draws import initial_weights, minibatch_order, stream, weight_noise
from study.models.networks.bayes import BAYES
from study.models.networks.gate import GATE
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from study.seeds import stream_seed


@pytest.mark.parametrize(
    ("keys", "seed"),
    [
        (("initial weights", 0), 6114871702060421165),
        (("minibatches", 3, 7), 6444833024466677320),
        (("decision-maker", 0), 6430090035960971899),
        (("no keys",), 5089184035010197060),
    ],
)
def test_the_seed_of_a_stream_is_the_same_on_every_machine(keys, seed):
    assert stream_seed(*keys) == seed


def test_the_seed_of_a_stream_is_the_first_63_bits_of_a_sha256():
    digest = hashlib.sha256(b"('minibatches', 3, 7)").hexdigest()
    little_endian = "".join(reversed([digest[i : i + 2] for i in range(0, 16, 2)]))
    assert stream_seed("minibatches", 3, 7) == int(little_endian, 16) // 2


def test_a_seed_fits_what_a_generator_takes():
    seeds = [stream_seed("fits", key) for key in range(2000)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


def test_names_and_keys_all_count_and_do_not_run_together():
    keys = [
        ("a",),
        ("b",),
        ("a", 1),
        ("a", 2),
        ("a", 1, 23),
        ("a", 12, 3),
        ("a", 123),
        ("a", "1"),
        ("a 1",),
        ("a", -1),
    ]
    assert len({stream_seed(*key) for key in keys}) == len(keys)


def test_streams_of_different_names_and_keys_are_uncorrelated():
    draws = [
        torch.rand(20_000, generator=stream(*key), dtype=torch.float64)
        for key in (("weights", 1), ("weights", 2), ("order", 1), ("order", 1, 1))
    ]
    correlation = torch.corrcoef(torch.stack(draws))
    # Five standard errors of the correlation of independent draws, 1 / sqrt(n).
    assert (correlation - torch.eye(4)).abs().max() < 5 / 20_000**0.5


def test_a_stream_starts_anew_at_every_call():
    assert torch.equal(torch.rand(9, generator=stream("s", 4)), torch.rand(9, generator=stream("s", 4)))


def test_a_stream_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    torch.rand(3, generator=stream("s", 4))
    assert torch.equal(before, torch.get_rng_state())


def test_the_order_of_an_epoch_is_a_shuffle_for_each_seed_without_the_incomplete_minibatch():
    order = minibatch_order(50, 8, [3, 4, 5], epoch=2)
    assert order.shape == (6, 3, 8)
    for s in range(3):
        rows = order[:, s].flatten().tolist()
        assert len(set(rows)) == 48
        assert set(rows) <= set(range(50))
        assert rows != sorted(rows)


def test_an_epoch_of_whole_minibatches_shows_everybody_once():
    assert sorted(minibatch_order(48, 8, [0], epoch=1).flatten().tolist()) == list(range(48))


def test_a_minibatch_larger_than_the_split_is_the_split():
    order = minibatch_order(5, 64, [0, 1], epoch=1)
    assert order.shape == (1, 2, 5)
    assert all(sorted(order[0, s].tolist()) == [0, 1, 2, 3, 4] for s in range(2))


def test_every_epoch_and_seed_has_its_own_order_and_always_the_same():
    orders = {
        (seed, epoch): minibatch_order(40, 8, [seed], epoch) for seed in range(4) for epoch in range(1, 5)
    }
    assert len({tuple(order.flatten().tolist()) for order in orders.values()}) == 16
    for (seed, epoch), order in orders.items():
        assert torch.equal(order, minibatch_order(40, 8, [seed], epoch))


def test_the_order_of_a_seed_does_not_depend_on_the_other_seeds():
    together = minibatch_order(40, 8, [9, 2, 7], epoch=3)
    for s, seed in enumerate([9, 2, 7]):
        assert torch.equal(together[:, s : s + 1], minibatch_order(40, 8, [seed], epoch=3))


def test_all_lanes_of_a_seed_start_alike_and_seeds_differ():
    theta = initial_weights(ORDINAL, 4, 3, [0, 1, 2], 5)
    assert theta.shape == (3, ORDINAL.layout(4, 3).size, 5)
    assert all(torch.equal(theta[:, :, k], theta[:, :, 0]) for k in range(5))
    hidden = theta[:, :9, 0]
    assert not any(torch.isclose(hidden[s], hidden[t]).any() for s, t in ((0, 1), (0, 2), (1, 2)))
    assert torch.equal(initial_weights(ORDINAL, 4, 3, [2], 1)[0, :, 0], theta[2, :, 0])


def test_weight_noise_is_standard_normal_and_the_same_for_the_lanes_of_a_seed():
    noise = weight_noise(BAYES, 23, 20, [3, 4], 50, 1)
    assert noise.shape == (50, 2, MLP.layout(23, 20).size, 1)
    assert kstest(noise.double().flatten().numpy(), "norm").pvalue > 0.01
    correlation = torch.corrcoef(noise.squeeze(-1).transpose(0, 1).flatten(1))
    assert correlation[0, 1].abs() < 5 / noise[:, 0].numel() ** 0.5


def test_weight_noise_depends_on_seed_epoch_and_purpose_and_not_on_the_other_seeds():
    draws = {
        (seed, *keys): weight_noise(BAYES, 4, 2, [seed], 3, *keys)
        for seed in (0, 1)
        for keys in ((1,), (2,), ("validation",), ("decisions",))
    }
    several = [draw.flatten() for draw in draws.values()]
    assert all(not torch.isclose(one, other).any() for one, other in combinations(several, 2)), (
        "no two have a number in common"
    )
    both = weight_noise(BAYES, 4, 2, [1, 0], 3, "validation")
    assert torch.equal(both[:, :1], draws[1, "validation"])
    assert torch.equal(both[:, 1:], draws[0, "validation"])


@pytest.mark.parametrize("model", [MLP, ORDINAL, GATE], ids=lambda model: model.name)
def test_weights_that_are_plain_numbers_have_no_noise(model):
    assert weight_noise(model, 4, 2, [0], 3, 1) is None


def test_all_families_start_from_the_same_hidden_layer():
    mlp, *others = (
        initial_weights(model, 4, 3, [6], 1)[0, :15, 0] for model in (MLP, ORDINAL, GATE, BAYES)
    )
    assert all(torch.equal(mlp, other) for other in others)
