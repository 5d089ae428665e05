"""A run is a fact: bit for bit the same whatever trains beside it."""

import pytest
import torch

from study.models.draws import initial_weights
from study.models.examples import Examples
from study.models.losses import loss_of
from study.models.network import Model
from study.models.networks.bayes import BAYES
from study.models.networks.gate import GATE
from study.models.networks.mlp import MLP
from study.models.networks.ordinal import ORDINAL
from study.models.step import Eager
from study.models.training import PackTraining, Stop, Trained, TrainingOptions, train_pack
from tests.models.synthetic_examples import make_examples

SETTINGS = 100
OPTIONS = TrainingOptions(hidden=3, learning_rate=0.03, batch_size=32, patience=3, max_epochs=100)
ARMS = pytest.mark.parametrize(
    ("model", "method"),
    [
        (MLP, "binary"),
        (ORDINAL, "reject"),
        (ORDINAL, "defer"),
        (GATE, "defer"),
        (BAYES, "binary"),
    ],
)
SEEDS = [0, 5, 11]
GENERATOR = torch.Generator().manual_seed(1)
ALPHA = 2 * torch.rand(SETTINGS, generator=GENERATOR)
PENALTY = 0.5 * torch.rand(SETTINGS, generator=GENERATOR)
# Methods have their own gamma: on a smaller one, rejecting models all end up rejecting everybody.
GAMMA = {"binary": PENALTY, "reject": 0.4 + PENALTY, "defer": 0.1 + PENALTY}
# 257 validation examples: two blocks, the last one of a single example.
PROBLEM = (make_examples(170, 6, seed=1), make_examples(257, 6, seed=2))


def train(
    model: Model,
    method: str,
    which: slice | list[int],
    seeds: list[int],
    problem: tuple[Examples, Examples] = PROBLEM,
    options: TrainingOptions = OPTIONS,
) -> Trained:
    return train_pack(
        Eager(model, loss_of(method), *problem),
        alpha=ALPHA[which],
        gamma=GAMMA[method][which],
        seeds=seeds,
        options=options,
    )


@pytest.fixture(scope="module")
def whole_pack():
    """Return the pack of all settings and seeds, trained once for each arm."""
    trained: dict[tuple[str, str], Trained] = {}

    def of(model: Model, method: str) -> Trained:
        key = (model.name, method)
        if key not in trained:
            trained[key] = train(model, method, slice(None), SEEDS)
        return trained[key]

    return of


def assert_same_runs(
    some: Trained, among: Trained, seeds: list[int] | slice, settings: list[int] | slice
) -> None:
    """Assert that ``some`` are, to the last bit, those of ``among`` by position."""
    for field in ("epochs", "best_epoch", "validation_loss"):
        differing = getattr(some, field) != getattr(among, field)[seeds][:, settings]
        assert differing.sum().item() == 0, f"{field} of {len(differing.flatten())} runs"
    differing = (some.theta != among.theta[seeds][:, :, settings]).any(1)
    assert differing.sum().item() == 0, f"theta of {len(differing.flatten())} runs"
    rows = range(len(among.stop))[seeds] if isinstance(seeds, slice) else seeds
    columns = range(len(among.stop[0]))[settings] if isinstance(settings, slice) else settings
    assert some.stop == [[among.stop[row][column] for column in columns] for row in rows]


@ARMS
def test_the_pack_that_others_are_compared_with_shrinks_in_lanes_and_seeds(whole_pack, model, method):
    epochs = whole_pack(model, method).epochs
    live = [(epochs > epoch).sum(1) for epoch in range(int(epochs.max()))]
    widths = [-(-int(of_epoch.max()) // 32) for of_epoch in live]
    assert widths[0] == 4
    assert widths[-1] < 4
    assert any((of_epoch == 0).any() for of_epoch in live)


@ARMS
@pytest.mark.parametrize("setting", [0, 31, 32, 99])
def test_a_setting_alone_trains_as_it_does_among_a_hundred(whole_pack, model, method, setting):
    alone = train(model, method, [setting], SEEDS)
    assert_same_runs(alone, whole_pack(model, method), slice(None), [setting])


@ARMS
@pytest.mark.parametrize(("start", "width"), [(95, 5), (20, 33), (0, 70)])
def test_settings_train_alike_in_packs_of_any_width(whole_pack, model, method, start, width):
    which = slice(start, start + width)
    pack = train(model, method, which, SEEDS)
    assert_same_runs(pack, whole_pack(model, method), slice(None), which)


@ARMS
@pytest.mark.parametrize("which", [slice(0, 1), slice(None)])
def test_a_seed_alone_trains_as_it_does_among_three(whole_pack, model, method, which):
    for s, seed in enumerate(SEEDS):
        assert_same_runs(train(model, method, which, [seed]), whole_pack(model, method), [s], which)


@ARMS
def test_the_order_of_settings_and_seeds_changes_nothing(whole_pack, model, method):
    backwards = list(reversed(range(SETTINGS)))
    pack = train(model, method, backwards, [SEEDS[2], SEEDS[0], SEEDS[1]])
    assert_same_runs(pack, whole_pack(model, method), [2, 0, 1], backwards)


@ARMS
def test_dropping_finished_lanes_and_seeds_changes_nothing(whole_pack, monkeypatch, model, method):
    monkeypatch.setattr(PackTraining, "_compact", lambda training: None)
    never_smaller = train(model, method, slice(None), SEEDS)
    assert_same_runs(never_smaller, whole_pack(model, method), slice(None), slice(None))


@pytest.mark.parametrize(("hidden", "batch_size", "features"), [(5, 64, 22), (20, 17, 10), (2, 7, 3)])
@ARMS
def test_networks_and_minibatches_of_other_sizes_train_alike_in_any_pack(
    model, method, hidden, batch_size, features
):
    options = TrainingOptions(hidden, 0.02, batch_size, patience=2, max_epochs=6)
    problem = (make_examples(140, features, seed=3), make_examples(70, features, seed=4))
    pack = train(model, method, slice(0, 70), SEEDS, problem, options)
    for s, k in ((0, 0), (1, 33), (2, 69)):
        assert_same_runs(train(model, method, [k], [SEEDS[s]], problem, options), pack, [s], [k])


@pytest.mark.parametrize(
    ("model", "method", "broken"),
    [
        (MLP, "binary", "alpha"),
        (ORDINAL, "reject", "alpha"),
        (ORDINAL, "reject", "gamma"),
        (ORDINAL, "defer", "alpha"),
        (ORDINAL, "defer", "gamma"),
        (GATE, "defer", "gamma"),
        (BAYES, "binary", "alpha"),
    ],
)
@pytest.mark.parametrize(("value", "lane"), [(torch.inf, 0), (torch.nan, 39)])
def test_a_neighbour_that_diverges_is_a_status_of_that_run_and_changes_no_other(
    whole_pack, model, method, broken, value, lane
):
    alpha, gamma = ALPHA[:40].clone(), GAMMA[method][:40].clone()
    {"alpha": alpha, "gamma": gamma}[broken][lane] = value
    pack = train_pack(
        Eager(model, loss_of(method), *PROBLEM), alpha=alpha, gamma=gamma, seeds=SEEDS, options=OPTIONS
    )
    others = [k for k in range(40) if k != lane]
    among = whole_pack(model, method)
    assert torch.equal(pack.theta[:, :, others], among.theta[:, :, others])
    for field in ("validation_loss", "epochs", "best_epoch"):
        assert torch.equal(getattr(pack, field)[:, others], getattr(among, field)[:, others])
    assert [[of_seed[k] for k in others] for of_seed in pack.stop] == [
        [of_seed[k] for k in others] for of_seed in among.stop
    ]
    assert [of_seed[lane] for of_seed in pack.stop] == [Stop.DIVERGED] * 3
    assert pack.epochs[:, lane].tolist() == [1, 1, 1]
    assert pack.best_epoch[:, lane].tolist() == [0, 0, 0]
    assert torch.isinf(pack.validation_loss[:, lane]).all()
    start = initial_weights(model, 7, OPTIONS.hidden, SEEDS, 1)
    assert torch.equal(pack.theta[:, :, lane], start[:, :, 0])


def test_a_pack_in_which_every_run_diverges_ends():
    pack = train_pack(
        Eager(MLP, loss_of("binary"), *PROBLEM),
        alpha=torch.full((3,), torch.nan),
        gamma=torch.zeros(3),
        seeds=SEEDS,
        options=OPTIONS,
    )
    assert pack.stop == [[Stop.DIVERGED] * 3] * 3
