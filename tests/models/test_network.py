from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from study.models.losses import loss_of
from study.models.network import LANE_MULTIPLE, Layout, glorot, in_blocks, pad_lanes, padded_width
from study.models.networks.gate import GATE
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from tests.models.plain import PLAIN, plain_loss
from tests.models.synthetic_examples import in_float64, make_examples

FAMILIES = pytest.mark.parametrize("model", [MLP, ORDINAL, GATE], ids=lambda model: model.name)
ARMS = pytest.mark.parametrize(
    ("model", "method"),
    [(MLP, "binary"), (ORDINAL, "reject"), (ORDINAL, "defer"), (GATE, "reject"), (GATE, "defer")],
)


def random_theta(model, seeds, inputs, hidden, lanes) -> torch.Tensor:
    generator = torch.Generator().manual_seed(inputs * 100 + hidden)
    size = model.layout(inputs, hidden).size
    return torch.randn(seeds, size, lanes, generator=generator, dtype=torch.float64)


@FAMILIES
@pytest.mark.parametrize(("inputs", "hidden"), [(2, 1), (3, 1), (2, 7), (5, 5), (23, 5), (9, 20), (101, 3)])
def test_lanes_say_what_a_loop_of_single_networks_says(model, inputs, hidden):
    theta = random_theta(model, 2, inputs, hidden, 3)
    splits = [in_float64(make_examples(11, inputs - 1, seed)).x for seed in (1, 2)]
    p, q, pi = model.outputs(theta, torch.stack(splits))
    assert p.shape == q.shape == pi.shape == (2, 11, 3)
    for s in range(2):
        for k in range(3):
            single = PLAIN[model.name](theta[s, :, k], inputs, hidden)
            p_alone, pi_alone = single(splits[s])
            torch.testing.assert_close(p[s, :, k], p_alone, atol=1e-12, rtol=0)
            torch.testing.assert_close(q[s, :, k], 1 - p_alone, atol=1e-12, rtol=0)
            torch.testing.assert_close(pi[s, :, k], pi_alone, atol=1e-12, rtol=0)


@ARMS
@pytest.mark.parametrize(("inputs", "hidden"), [(3, 1), (5, 4), (23, 5)])
def test_lanes_have_the_loss_and_gradient_of_a_loop_of_single_networks(model, method, inputs, hidden):
    theta = random_theta(model, 2, inputs, hidden, 3).requires_grad_()
    splits = [in_float64(make_examples(24, inputs - 1, seed)) for seed in (1, 2)]
    batches = [split.whole(1) for split in splits]
    batch = type(batches[0])(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    alpha, gamma = torch.rand(2, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    loss = loss_of(method)(model.outputs(theta, batch.x), batch, alpha, gamma)
    (gradient,) = torch.autograd.grad(loss.sum(), theta)
    for s in range(2):
        for k in range(3):
            single = PLAIN[model.name](theta[s, :, k].detach(), inputs, hidden)
            alone = plain_loss(method, *single(splits[s].x), splits[s], alpha[s, k], gamma[s, k])
            alone.backward()
            torch.testing.assert_close(loss[s, k], alone, atol=1e-12, rtol=0)
            single_gradient = single.in_a_lane(lambda parameter: parameter.grad)
            torch.testing.assert_close(gradient[s, :, k], single_gradient, atol=1e-12, rtol=0)


@FAMILIES
@settings(deadline=None, max_examples=60)
@given(st.integers(2, 60), st.integers(1, 40))
def test_the_hidden_size_is_found_again_from_the_parameters_and_the_inputs(model, inputs, hidden):
    theta = random_theta(model, 1, inputs, hidden, 1)
    x = torch.randn(1, 3, inputs, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, :, -1] = 1
    p_alone, _ = PLAIN[model.name](theta[0, :, 0], inputs, hidden)(x[0])
    torch.testing.assert_close(model.outputs(theta, x).p[0, :, 0], p_alone, atol=1e-12, rtol=0)


shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=4), shapes, min_size=1, max_size=5))
def test_splitting_by_a_layout_and_putting_together_again_changes_nothing(shapes):
    layout = Layout(shapes)
    assert layout.size == sum(torch.empty(shape).numel() for shape in shapes.values())
    theta = torch.arange(2.0 * layout.size * 3).view(2, layout.size, 3)
    parts = layout.split(theta)
    assert list(parts) == list(shapes)
    for name, part in parts.items():
        assert part.shape == (2, prod(shapes[name]), 3)
    assert torch.equal(torch.cat(list(parts.values()), dim=1), theta)


def test_the_parts_of_a_layout_are_views():
    theta = torch.zeros(1, 5, 2)
    Layout({"one": (2,), "two": (3,)}).split(theta)["two"].fill_(1)
    assert theta[0, :, 0].tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(("inputs", "units"), [(22, 5), (5, 1), (100, 20)])
def test_glorot_weights_are_uniform_within_the_root_of_6_over_inputs_and_units(inputs, units):
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([glorot(inputs, units, generator) for _ in range(2000 // units)]).double().numpy()
    bound = (6 / (inputs + units)) ** 0.5
    assert kstest(drawn, "uniform", args=(-bound, 2 * bound)).pvalue > 0.01


@pytest.mark.parametrize("lanes", [1, 5, 31, 32, 33, 64, 70])
def test_padding_keeps_the_lanes_and_repeats_the_last_up_to_the_next_multiple(lanes):
    theta = torch.randn(2, 5, lanes, generator=torch.Generator().manual_seed(0))
    padded = pad_lanes(theta)
    width = next(multiple for multiple in range(0, 200, LANE_MULTIPLE) if multiple >= lanes)
    assert padded.shape == (2, 5, width)
    assert padded_width(lanes) == width
    assert torch.equal(padded[..., :lanes], theta)
    assert all(torch.equal(padded[..., k], theta[..., -1]) for k in range(lanes, width))


@pytest.mark.parametrize("size", [0, 1, 13, 256, 257, 258, 700, 1024, 5000])
def test_blocks_are_equally_long_to_one_example_and_hold_everybody_in_order(size):
    x = torch.arange(2.0 * size * 3).view(2, size, 3)
    blocks = in_blocks(x)
    lengths = {block.shape[1] for block in blocks}
    assert max(lengths) - min(lengths) <= 1
    assert max(lengths) <= 256
    assert torch.equal(torch.cat(blocks, dim=1), x)
