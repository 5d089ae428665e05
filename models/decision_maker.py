"""Simulated decision-makers: networks that see more than the model does (Section 5, Appendix B).

``standard`` is trained for accuracy alone. ``biased`` is trained with a negative fairness coefficient. The
paper's -0.1 belongs to the scale of its own loss; here it is multiplied until the bias is really there:
the smallest multiple under which the odds difference is at least twice the standard decision-maker's.
``inconsistent`` is the standard one, whose p becomes 1 - p at random on some examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from study.models.decisions import counts_alone
from study.models.draws import stream
from study.models.examples import Examples
from study.models.losses import loss_of
from study.models.network import in_blocks, pad_lanes
from study.models.networks.mlp import MLP
from study.models.step import Eager, EngineOf
from study.models.training import TrainingOptions, train_pack

NAMES = ("standard", "biased", "inconsistent", "oracle")
_BIASED_ALPHA = -0.1
_MULTIPLES = tuple(tenths / 10 for tenths in range(10, 41))
_MORE_BIASED = 2.0


@dataclass(frozen=True)
class DecisionMaker:
    """A decision-maker: ``probability`` (N,) of the positive class for every row of the data set.

    ``alpha`` is the fairness coefficient it was trained with, None for the oracle.
    """

    name: str
    probability: Tensor
    alpha: float | None


def make_decision_makers(
    names: Sequence[str],
    x: Tensor,
    y: Tensor,
    a: Tensor,
    *,
    train: Tensor,
    validation: Tensor,
    seed: int,
    options: TrainingOptions,
    unreliable: Tensor | None = None,
    flip: float = 0.0,
    engine: EngineOf = Eager,
) -> list[DecisionMaker]:
    """Return the decision-makers ``names``, trained on what only they see as well.

    x: (N, F) inputs including what only the decision-maker sees, the last column 1; y, a: (N,); train and
    validation: row numbers. All candidates for ``biased`` train with ``standard`` in one pack.
    On the rows ``unreliable`` (N,) ``inconsistent`` gives 1 - p with probability ``flip``. The ``engine``
    takes the steps.

    Raises:
        ValueError: a name is not in NAMES, or ``inconsistent`` is not given examples to be wrong on.
    """
    unknown = set(names) - set(NAMES)
    if unknown:
        raise ValueError(f"unknown decision-maker {min(unknown)}; there are {', '.join(NAMES)}")
    made = {}
    if "oracle" in names:
        made["oracle"] = DecisionMaker("oracle", y.clone(), None)
    if set(names) - {"oracle"}:
        multiples = _MULTIPLES if "biased" in names else ()
        alphas = [0.0, *(_BIASED_ALPHA * multiple for multiple in multiples)]
        trained = _train(engine, alphas, x, y, a, train, validation, seed, options)
        made["standard"] = DecisionMaker("standard", trained[:, 0], 0.0)
        if "biased" in names:
            seen = torch.cat([train, validation])
            chosen = _most_moderate(trained[seen], y[seen], a[seen])
            made["biased"] = DecisionMaker("biased", trained[:, chosen], alphas[chosen])
        if "inconsistent" in names:
            if unreliable is None:
                raise ValueError("inconsistent: name the examples on which the decision-maker is wrong")
            drawn = torch.rand(len(y), generator=stream("inconsistent", seed))
            p = trained[:, 0]
            flipped = torch.where(unreliable & (drawn < flip), 1 - p, p)
            made["inconsistent"] = DecisionMaker("inconsistent", flipped, 0.0)
    return [made[name] for name in names]


def _train(
    engine: EngineOf,
    alphas: list[float],
    x: Tensor,
    y: Tensor,
    a: Tensor,
    train: Tensor,
    validation: Tensor,
    seed: int,
    options: TrainingOptions,
) -> Tensor:
    """Return probabilities (N, K) of binary networks trained with ``alphas`` (K)."""
    splits = [Examples(x[rows], y[rows], a[rows], y[rows]) for rows in (train, validation)]
    alpha = torch.tensor(alphas)
    trained = train_pack(
        engine(MLP, loss_of("binary"), *splits),
        alpha=alpha,
        gamma=torch.zeros_like(alpha),
        seeds=[seed],
        options=options,
    )
    theta = pad_lanes(trained.theta)
    blocks = [MLP.outputs(theta, block).p[0] for block in in_blocks(x.unsqueeze(0))]
    return torch.cat(blocks)[:, : len(alphas)]


def _most_moderate(probability: Tensor, y: Tensor, a: Tensor) -> int:
    """Return the first column with at least twice the odds difference of column 0, else the highest one."""
    nothing = torch.empty(len(y), 0)
    di = [counts_alone(Examples(nothing, y, a, one)).gaps.mean().item() for one in probability.T]
    enough = [k for k in range(1, len(di)) if di[k] >= _MORE_BIASED * di[0]]
    return enough[0] if enough else max(range(1, len(di)), key=lambda k: di[k])
