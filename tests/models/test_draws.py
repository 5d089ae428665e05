import hashlib

import pytest
import torch

from study.models.draws import stream
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
