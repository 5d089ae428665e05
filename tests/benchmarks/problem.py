"""The runs that are measured: deferring COMPAS models, as in the default study."""

from dataclasses import dataclass

import torch

from study.data import load_dataset
from study.models.decision_maker import make_decision_makers
from study.models.examples import Examples, with_bias
from study.models.training import TrainingOptions

OPTIONS = TrainingOptions(hidden=5, learning_rate=0.003, batch_size=64, patience=50, max_epochs=1000)


@dataclass(frozen=True)
class Problem:
    """Three splits with a standard DM, and the settings to train: alpha, gamma (K,)."""

    train: Examples
    validation: Examples
    test: Examples
    alpha: torch.Tensor
    gamma: torch.Tensor


def compas_problem(settings: int) -> Problem:
    """Return the data that ships with the package and ``settings`` drawn as the default study does."""
    dataset = load_dataset("compas-two-year")
    x = with_bias(torch.tensor(dataset.features))
    seen_by_dm = with_bias(torch.cat([torch.tensor(dataset.features), torch.tensor(dataset.dm_only)], 1))
    y = torch.tensor(dataset.label)
    a = torch.tensor(dataset.sensitive, dtype=torch.float32)
    rows = {split: torch.tensor(dataset.indices(split)) for split in ("train", "validation", "test")}
    (maker,) = make_decision_makers(
        ["standard"],
        seen_by_dm,
        y,
        a,
        train=rows["train"],
        validation=rows["validation"],
        seed=0,
        options=OPTIONS,
    )
    splits = [Examples(x[r], y[r], a[r], maker.probability[r]) for r in rows.values()]
    generator = torch.Generator().manual_seed(0)
    alpha = 10 ** (torch.rand(settings, generator=generator) * 2.5 - 1)
    gamma = 0.03 + 0.12 * torch.rand(settings, generator=generator)
    return Problem(*splits, alpha, gamma)
