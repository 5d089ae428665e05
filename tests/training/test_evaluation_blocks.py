"""Evaluation in blocks of settings and seeds says what evaluation at once says."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from study.config.plan import ThresholdOptions
from study.config.spaces import ARMS
from study.models.draws import initial_weights
from study.models.families import FAMILIES
from study.models.network import LANE_MULTIPLE
from study.models.training import Stop, Trained, TrainingOptions
from study.results.packs import Pack, Proposal
from study.training import evaluation
from study.training.evaluation import Evaluation, evaluate
from study.training.study_data import StudyData
from study.words import NO_DECISION_MAKER, SPLITS, Arm
from tests.worlds.small_study import IDENTITY

SETTINGS, SEEDS, NETWORKS = 75, 3, 41
TRAINED, TESTED = 90, 43


def data_with(sampler: Any) -> StudyData:
    """Return 200 examples of 4 features; the test rows are no multiple of 8."""
    generator = np.random.default_rng(0)
    rows = np.split(np.arange(200), [TRAINED, 200 - TESTED])
    uses = dict(zip(("train", "validation", "test"), rows, strict=True))
    return StudyData(
        study="small",
        dataset="small",
        identity=IDENTITY,
        fingerprint="fingerprint",
        features=generator.normal(size=(200, 4)).astype(np.float32),
        label=generator.integers(0, 2, 200).astype(np.float32),
        sensitive=generator.integers(0, 2, 200).astype(np.int8),
        rows={**uses, "choice": uses["validation"]},
        decision_makers={"standard": generator.random(200).astype(np.float32)},
        test_decision_maker=None,
        options=TrainingOptions(hidden=3, learning_rate=0.05, batch_size=16, patience=5, max_epochs=20),
        thresholds=ThresholdOptions(sampler, 7, True, "validation"),
        backend="eager",
        given=generator.random(200).astype(np.float32),
    )


def pack_of(method: str, model: str) -> Pack:
    maker = NO_DECISION_MAKER if method == "binary" else "standard"
    arm = Arm(method, model, maker)
    proposals = []
    for number in range(SETTINGS):
        params = {"alpha": number / 50} | ({} if method == "binary" else {"gamma": number / 300})
        if FAMILIES[model].chosen_afterwards(method):
            quantiles = dict.fromkeys(evaluation.QUANTILES, number * 7 % 75 / 75)
            params |= {"model_alpha": float(number * 5 % NETWORKS), **quantiles}
        proposals.append(Proposal(IDENTITY.setting(arm, params), {}))
    return Pack.of(arm, 0, proposals, range(SEEDS), set())


def trained(pack: Pack) -> tuple[Trained, torch.Tensor]:
    """Networks with weights of their own, one of them broken; those chosen afterwards share some."""
    family = FAMILIES[pack.model]
    afterwards = family.chosen_afterwards(pack.method)
    lanes = NETWORKS if afterwards else SETTINGS
    lane = torch.tensor([int(s.trained_alpha) if afterwards else k for k, s in enumerate(pack.settings)])
    generator = torch.Generator().manual_seed(1)
    theta = initial_weights(family.model(pack.method), 5 + family.given, 3, pack.seeds, lanes)
    theta += torch.randn(theta.shape, generator=generator)
    theta[1, :, 4] = torch.nan
    nothing = torch.zeros(SEEDS, lanes)
    return Trained(theta, nothing, nothing, nothing, [[Stop.PATIENCE] * lanes] * SEEDS), lane


def at_once(pack: Pack, sampler: str) -> dict[str, torch.Tensor]:
    """All settings in their own order, under all seeds, on all networks."""
    family, data = FAMILIES[pack.model], data_with(sampler)
    splits = {split: data.examples(split, pack.decision_maker, given=family.given) for split in SPLITS}
    choice = splits["validation"] if family.chosen_afterwards(pack.method) else None
    networks, lane = trained(pack)
    return evaluation._evaluate(family, pack, data, splits, choice, networks.theta, lane)


def in_blocks(pack: Pack, sampler: str, block: int) -> Evaluation:
    with patch.object(evaluation, "_BLOCK", block):
        return evaluate(FAMILIES[pack.model], pack, data_with(sampler), *trained(pack))


CASES = [
    (method, model, sampler)
    for method, model in ARMS.values()
    for sampler in ("random", "exact", "search")
    if sampler == "random" or (model in ("posthoc", "bayes") and method != "binary")
]


@pytest.mark.parametrize(("method", "model", "sampler"), CASES)
def test_in_blocks_of_any_size_is_as_at_once(method: str, model: str, sampler: str) -> None:
    pack = pack_of(method, model)
    expected = at_once(pack, sampler)

    @settings(max_examples=2, deadline=None, database=None)
    @given(st.integers(1, 4 * LANE_MULTIPLE * SEEDS * TRAINED))
    @example(1)
    def check(block: int) -> None:
        found = in_blocks(pack, sampler, block)
        decisions = {"deferred": found.deferred, "positive": found.positive}
        decisions |= {} if found.benefit is None else {"benefit": found.benefit}
        assert found.columns.keys() | decisions.keys() == expected.keys()
        for name, values in {**found.columns, **decisions}.items():
            np.testing.assert_array_equal(values, expected[name], err_msg=name)

    check()
    # Without weights there is one network, and the best of seven thresholds for it.
    assert len(expected["test_error"].unique()) > (5 if FAMILIES[model].trains(method) else 3)


def test_a_block_has_as_many_runs_as_fit_but_whole_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    one_block = evaluation._evaluate

    def looked_at(model: Any, pack: Pack, *rest: Any) -> dict[str, torch.Tensor]:
        seen.append((len(pack.seeds), len(pack.fresh)))
        return one_block(model, pack, *rest)

    monkeypatch.setattr(evaluation, "_evaluate", looked_at)
    pack = pack_of("defer", "ordinal")
    for block, expected in [
        (2**40, [(3, 75)]),
        (2 * LANE_MULTIPLE * SEEDS * TRAINED, [(3, 64), (3, 11)]),
        (2 * LANE_MULTIPLE * SEEDS * TRAINED - 1, [(3, 32), (3, 32), (3, 11)]),
        (2 * LANE_MULTIPLE * TRAINED, [(2, 32), (2, 32), (2, 11), (1, 32), (1, 32), (1, 11)]),
        (1, [(1, 32), (1, 32), (1, 11)] * 3),
    ]:
        seen.clear()
        in_blocks(pack, "random", block)
        assert seen == expected
