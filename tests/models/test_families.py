"""What every model family promises, by name."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor

from study.models.draws import stream
from study.models.families import FAMILIES, Band
from study.models.losses import LOSSES
from study.models.network import Model, WeightNoise

FREE = torch.zeros(1)

MODELS = {
    **{name: family.model(family.methods[0]) for name, family in FAMILIES.items() if not family.given},
    "actions-ova": FAMILIES["actions"].model("ova"),
}
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def some(model: Model, seeds: int, inputs: int, hidden: int, lanes: int) -> tuple[Tensor, WeightNoise]:
    """Return theta and noise, both random, in float64."""
    generator = torch.Generator().manual_seed(1)
    size = model.layout(inputs, hidden).size
    theta = torch.randn(seeds, size, lanes, generator=generator, dtype=torch.float64)
    draws = torch.randn(5, seeds, size // 2, 1, generator=generator, dtype=torch.float64)
    return theta, WeightNoise(draws, torch.tensor(0.1, dtype=torch.float64))


def test_the_families_are_those_of_the_design_under_their_own_names():
    assert set(FAMILIES) == {"mlp", "ordinal", "posthoc", "bayes", "gate", "actions", "pair", "given"}
    assert all(family.name == name for name, family in FAMILIES.items())
    methods = {name: family.methods for name, family in FAMILIES.items()}
    deferring = ("reject", "defer")
    of_three = {"bayes": ("binary", *deferring), **dict.fromkeys(("ordinal", "posthoc", "gate"), deferring)}
    scored = {"actions": ("ce", "ova", "realizable"), "pair": ("compare",)}
    given = {"given": ("binary", "confidence", "compare", "two-stage")}
    assert methods == {"mlp": ("binary", "confidence"), **of_three, **scored, **given}
    assert set(LOSSES) == {"binary", *deferring, *scored["actions"], "compare", "two-stage"}


def test_thresholds_of_some_families_are_chosen_afterwards():
    band = {name: family.band for name, family in FAMILIES.items() if family.band}
    symmetric = dict.fromkeys(("mlp", "bayes", "given"), Band.SYMMETRIC)
    assert band == {**symmetric, "posthoc": Band.TWO_SIDED}
    assert FAMILIES["posthoc"].model("defer") is FAMILIES["mlp"].model("confidence")
    for name, family in FAMILIES.items():
        for method in family.methods:
            afterwards = name in band and method not in ("binary", "compare", "two-stage")
            assert family.chosen_afterwards(method) == afterwards
            assert family.trained_method(method) == ("binary" if afterwards else method)
            quantiles = {
                **dict.fromkeys(symmetric, ("q1_a0", "q1_a1")),
                "posthoc": ("q0_a0", "q1_a0", "q0_a1", "q1_a1"),
            }
            assert family.quantiles(method) == (quantiles[name] if afterwards else ())


def test_the_list_of_families_is_read_without_torch():
    check = "import sys, study.models.families; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


@EVERY
@pytest.mark.parametrize(("inputs", "hidden"), [(2, 1), (6, 4), (22, 5), (101, 20)])
def test_initial_weights_fill_the_layout_and_are_those_of_their_stream(model, inputs, hidden):
    weights, again, other = (model.initialise(inputs, hidden, stream("test", s)) for s in (1, 1, 2))
    assert weights.shape == (model.layout(inputs, hidden).size,)
    assert weights.dtype == torch.float32
    assert torch.equal(weights, again)
    assert not torch.equal(weights, other)


@EVERY
def test_a_family_starts_with_the_hidden_layer_of_mlp_with_biases_of_0(model):
    weights = model.initialise(6, 4, stream("test", 1))
    start = MODELS["mlp"].initialise(6, 4, stream("test", 1))
    same = 6 * 4 + (0 if model.name == "actions" else 4)
    assert torch.equal(weights[:same], start[:same])
    first = weights[:24].view(6, 4)
    assert (first[-1] == 0).all()
    assert (first[:-1] != 0).all()
    assert len(set(first[:-1].flatten().tolist())) == 20


@EVERY
def test_scores_and_thresholds_of_many_lanes_and_seeds_are_those_of_each(model):
    theta, noise = some(model, 2, 5, 3, 4)
    x = torch.randn(2, 7, 5, generator=stream("test", 0), dtype=torch.float64)
    score, thresholds = model.score(theta, x, noise), model.thresholds(theta, FREE.expand(4))
    assert score.shape == (2, 7, 4)
    assert thresholds.t0.shape == thresholds.t1.shape == (2, 2, 4)
    assert (thresholds.t0 <= thresholds.t1).all()
    for s in range(2):
        for k in range(4):
            lane = theta[s : s + 1, :, k : k + 1]
            its_noise = WeightNoise(noise.draws[:, s : s + 1], noise.share)
            alone = model.score(lane, x[s : s + 1], its_noise)
            torch.testing.assert_close(score[s, :, k], alone[0, :, 0], atol=1e-12, rtol=1e-12)
            for several, one in zip(thresholds, model.thresholds(lane, FREE), strict=True):
                assert torch.equal(several[s, :, k], one[0, :, 0])


@EVERY
def test_a_family_needs_noise_exactly_if_its_weights_are_uncertain(model):
    theta, noise = some(model, 1, 4, 2, 3)
    x = torch.randn(1, 6, 4, generator=stream("test", 0), dtype=torch.float64)
    if model.posterior is None:
        assert torch.equal(model.score(theta, x, None), model.score(theta, x, noise))
    else:
        with pytest.raises(ValueError, match="needs draws of the weights"):
            model.score(theta, x, None)
