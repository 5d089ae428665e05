"""Hard thresholds chosen after training (Section 3.2.1, Appendix C), and what each choice of them does.

A network gives every example a score: for ``posthoc`` the logit, for ``bayes`` the signed signal-to-noise
ratio (mu - 0.5) / sigma, so that rho > r (3.2.2) is |score| < (1 - r) / r. By group, the system defers
where t0 < score < t1 and predicts the positive class from t1 upwards. Nothing here has a gradient:
thresholds are searched for the least loss on given examples,

    mean[(1 - s) 1(Yhat != Y) + s (1(Y_DM != Y) + gamma)] + alpha DI,

with hard decisions Yhat, s = 1 for a deferral, and the joint system's odds difference DI (Eq. 11). This is
the deferring loss; the rejecting one is the same with a decision-maker who is never wrong (the theorem of
Section 2.3). Where errors have costs, each counts as much as it costs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from study.models.decisions import CellCounts
from study.models.draws import stream
from study.models.network import Thresholds
from study.words import UNIT_COSTS, Costs


def random_quantiles(seeds: Sequence[int], candidates: int, per_group: bool) -> Tensor:
    """Draw ``candidates`` points for every seed, coordinates for ``quantile_bands``: (S, C, 4, 1).

    Uniform in [0, 1), from the stream "thresholds" of each seed. Without ``per_group`` group 1 has the
    coordinates of group 0.
    """
    streams = [stream("thresholds", seed) for seed in seeds]
    u = torch.stack([torch.rand(candidates, 4, 1, generator=s, dtype=torch.float64) for s in streams])
    return u if per_group else u[:, :, [0, 1, 0, 1]]


def quantile_bands(train_score: Tensor, quantiles: Tensor, symmetric: bool) -> Thresholds:
    """Turn quantiles into thresholds that are training scores (Appendix C), (S, 2, C, K).

    train_score: (S, N, K); quantiles: (S, C, 4, K) in [0, 1), or (S, C, 4, 1) for the same in every
    lane: t0 and t1 of group 0, t0 and t1 of group 1. Quantile u of n ascending scores is the one with
    floor(u n) before it: for t0 among those below 0, for t1 among the others; 0 where there are none.
    ``symmetric``: t1 is the quantile of the absolute scores and t0 is -t1; coordinates of t0 do not count.
    Both thresholds of a lane with a NaN score are 0.
    """
    u = quantiles.double().expand(-1, -1, -1, train_score.shape[2]).transpose(1, 2)
    score = (train_score.abs() if symmetric else train_score).sort(dim=1).values
    whole = ~score.isnan().any(1)
    below = (score < 0).sum(1)
    t1 = _order_statistics(score, below, whole * (score.shape[1] - below), u[:, 1::2])
    t0 = 0 - t1 if symmetric else _order_statistics(score, below * 0, whole * below, u[:, 0::2])
    return Thresholds(t0, t1)


def band_counts(
    score: Tensor, a: Tensor, y: Tensor, dm_wrong: Tensor, thresholds: Thresholds
) -> CellCounts:
    """Count what every candidate band of every lane does, with fields (4, S, C, K).

    score: (S, N, K); a, y, dm_wrong: (N,) groups and labels in {0, 1}, and where the decision-maker is
    wrong; thresholds: (S, 2, C, K) of the type of score. A score equal to t1 is predicted positive, one
    equal to t0 < t1 negative, a NaN negative (as in ``decisions``). Counts come from sorted scores and sums
    along them: time grows with N log N per lane, and with log N per candidate.
    """
    score = score.where(~score.isnan(), -torch.inf).transpose(1, 2).contiguous()
    counts: list[list[Tensor]] = []
    for group in (0, 1):
        t0, t1 = (t[:, group].transpose(1, 2).contiguous() for t in thresholds)
        for label in (0, 1):
            here = (a == group) & (y == label)
            ordered, order = score[..., here].sort()
            dm_errors = torch.nn.functional.pad(dm_wrong[here].long()[order].cumsum(-1), (1, 0))
            below = torch.searchsorted(ordered, t1)
            negative = torch.minimum(torch.searchsorted(ordered, t0, right=True), below)
            examples = torch.full_like(below, int(here.sum()))
            model_errors = examples - below if label == 0 else negative
            passed = dm_errors.gather(-1, below) - dm_errors.gather(-1, negative)
            counts.append([examples, below - negative, model_errors, passed])
    return CellCounts(*(torch.stack(cells).transpose(2, 3).double() for cells in zip(*counts, strict=True)))


def band_loss(
    counts: CellCounts, base: Tensor, alpha: Tensor, gamma: Tensor, costs: Costs = UNIT_COSTS
) -> Tensor:
    """The loss at the top of this file for settings (K,), (S, C, K), from counts (4, S, C, M) of lanes.

    base: (K,) the lane of each setting; alpha, gamma: (K,). A label with an empty cell adds nothing to the
    odds difference.
    """
    examples = counts.examples.sum(0)
    by_cell = torch.tensor(costs[:2], dtype=torch.float64).repeat(2).view(-1, 1, 1, 1)
    error = ((counts.model_errors + counts.dm_errors) * by_cell).sum(0) / examples
    idk = counts.deferred.sum(0) / examples
    di = 0.5 * counts.gaps.nan_to_num().sum(0)
    error, idk, di = (part[..., base] for part in (error, idk, di))
    return error + gamma.double() * idk + alpha.double() * di


def choose_bands(
    score: Tensor,
    a: Tensor,
    y: Tensor,
    dm_wrong: Tensor,
    candidates: Thresholds,
    base: Tensor,
    alpha: Tensor,
    gamma: Tensor,
    costs: Costs = UNIT_COSTS,
) -> tuple[Thresholds, Tensor]:
    """Pick for every setting the candidate with the least loss: Thresholds (S, 2, K) and loss (S, K).

    score: (S, N, M); a, y, dm_wrong: (N,), as for ``band_counts``; candidates: (S, 2, C, M); base, alpha,
    gamma: (K,), where setting k uses lane base[k]. Of equal candidates the first is taken. For a lane
    with a NaN score thresholds are 0 and the loss is NaN. Candidates are counted once per lane.
    """
    counts = band_counts(score, a, y, dm_wrong, candidates)
    losses = band_loss(counts, base, alpha, gamma, costs)
    best = losses.argmin(1, keepdim=True)
    seeds = torch.arange(len(score)).view(-1, 1, 1)
    groups = torch.arange(2).view(1, -1, 1)
    broken = score.isnan().any(1)[:, base]
    t0, t1 = (t[seeds, groups, best, base].masked_fill(broken.unsqueeze(1), 0) for t in candidates)
    return Thresholds(t0, t1), losses.gather(1, best).squeeze(1).masked_fill(broken, torch.nan)


def _order_statistics(ordered: Tensor, first: Tensor, among: Tensor, u: Tensor) -> Tensor:
    """Return quantiles u (S, 2, C, K) of the ``among`` values from ``first`` on, both (S, K), else 0.

    ordered: (S, N, K), ascending along N.
    """
    first, among = first[:, None, None], among[:, None, None]
    rank = first + torch.minimum((u * among).long(), among - 1)
    values = ordered.gather(1, rank.clamp_min(0).flatten(1, 2)).view_as(u)
    return values.where(among > 0, 0)
