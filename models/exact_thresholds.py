"""The best hard thresholds there are on given examples, instead of the best of a sample of them.

For one group, what a band does to the loss follows from three counts: errors among its Y = 0, errors among
its Y = 1, examples deferred. Thresholds matter only by which scores lie between them, so there are finitely
many bands, and as a deferral costs gamma >= 0 only those with the fewest for their two error counts can be
best. These go into a grid of the two error counts, which does not depend on alpha and gamma. Two groups
meet in the odds difference alone, so the least loss is, over grid cells u of group 0 and v of group 1 with
error rates x, y,

    min_u cost(u) + min_v [cost(v) + alpha/2 (|x_u - x_v| + |y_u - y_v|)].

The inner minimum, for all u at once, is a distance transform in the L1 metric: one axis after the other,
and along an axis by running minima of cost - slope x from below and cost + slope x from above
(Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions).
"""

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot, pad

from study.models.decisions import CellCounts
from study.models.network import Thresholds
from study.models.thresholds import band_counts, band_loss
from study.words import UNIT_COSTS, Costs

# Added to gamma: more than rounding, so that ties go to the fewest deferrals.
_TIE = 1e-9
# Pairs of cuts looked at in one go.
_BLOCK = 2**20


class _Price(NamedTuple):
    """What a setting pays for a deferral, and with Y = 0, 1 for a rate difference of 1 and for an error."""

    idk: float
    slope0: float
    slope1: float
    error0: float
    error1: float

    @property
    def errors(self) -> Tensor:
        """What an error costs in each cell, (4,)."""
        return torch.tensor([self.error0, self.error1] * 2, dtype=torch.float64)


class _Side(NamedTuple):
    """Cuts on one side of a score of 0, outwards; examples nearer to 0 than the cut are deferred.

    cut: (C,) distances from 0; idk: (C,) examples deferred; errors: (C, 4) of the system, by cell (A, Y).
    """

    cut: Tensor
    idk: Tensor
    errors: Tensor


class _Band(NamedTuple):
    """Both sides of a group. Cut i below and cut j above make band number i * (cuts above) + j.

    In a symmetric band every example is ``below``, and ``above`` has one cut that does nothing.
    """

    below: _Side
    above: _Side


class _Grid(NamedTuple):
    """A group's bands with the fewest deferrals, by its errors with Y = 0 (R rows) and Y = 1 (C columns).

    rate0: (R,) and rate1: (C,) error rates; errors0: (R,) and errors1: (C,) counts; idk: (R, C), infinite
    where no band leads; number: (R, C), of the first such band.
    """

    rate0: Tensor
    rate1: Tensor
    errors0: Tensor
    errors1: Tensor
    idk: Tensor
    number: Tensor

    def cost(self, price: _Price) -> Tensor:
        """Return what its bands cost but for the odds difference, (R, C)."""
        errors = price.error0 * self.errors0.unsqueeze(1) + price.error1 * self.errors1
        return errors + price.idk * self.idk


def best_bands(
    score: Tensor,
    a: Tensor,
    y: Tensor,
    dm_wrong: Tensor,
    base: Tensor,
    alpha: Tensor,
    gamma: Tensor,
    symmetric: bool,
    per_group: bool,
    costs: Costs = UNIT_COSTS,
) -> tuple[Thresholds, Tensor]:
    """Find for every setting the thresholds of least loss: Thresholds (S, 2, K) and loss (S, K).

    score: (S, N, M); a, y, dm_wrong: (N,), and base, alpha, gamma: (K,), as for ``choose_bands``, the
    loss being that of ``band_loss``, within 1e-9 of the least. Bands have t0 <= 0 <= t1: a score below 0
    is never predicted positive, one from 0 on never negative. ``symmetric``: t0 = -t1; ``per_group``: a
    band for each group, else one for both. Thresholds lie midway between neighbouring scores, a little
    beyond the last, or at 0 where none on that side is deferred. Of equal choices one with the fewest
    deferrals is taken. Infinite scores are never deferred; for a lane with a NaN score thresholds are 0,
    the loss NaN.

    Cuts that leave all error counts as they were are left out. With n cuts that remain on a side of a
    group, time grows with n^2 per lane and with the grid (the product of two ranges of error counts) per
    setting; without ``per_group`` with n^2 per setting. For twice the examples all of these are
    four times as many. Memory is that of a few grids. Symmetric bands have n cuts in place of n^2 pairs.

    Raises ValueError where alpha or gamma is negative: the search is not exact for them.
    """
    if (alpha < 0).any() or (gamma < 0).any():
        raise ValueError("alpha and gamma must not be negative")
    cell = (2 * a + y).long()
    examples = torch.bincount(cell, minlength=4)
    compared = (examples[:2] > 0) & (examples[2:] > 0)
    slopes = 0.5 * len(y) * alpha.double().unsqueeze(1) * compared
    of_errors = torch.tensor(costs[:2], dtype=torch.float64).expand(len(base), 2)
    prices = torch.cat([gamma.double().unsqueeze(1) + _TIE, slopes, of_errors], dim=1).tolist()
    search = _separate_bands if per_group else _common_band
    bands = score.new_zeros(2, len(score), 2, len(base))
    loss = torch.full((len(score), len(base)), torch.nan, dtype=torch.float64)
    for s, lane in product(range(len(score)), sorted(set(base.tolist()))):
        one = score[s : s + 1, :, lane : lane + 1]
        if one.isnan().any():
            continue
        mine = (base == lane).nonzero().squeeze(1)
        priced = [_Price(*prices[k]) for k in mine.tolist()]
        found = search(one.flatten(), cell, dm_wrong, examples, priced, symmetric)
        bands[:, s, :, mine] = found
        counts = band_counts(one, a, y, dm_wrong, Thresholds(*found[:, None, ..., None]))
        by_setting = CellCounts(*(part.transpose(2, 3) for part in counts))
        order = torch.arange(len(mine))
        loss[s, mine] = band_loss(by_setting, order, alpha[mine], gamma[mine], costs).view(-1)
    return Thresholds(*bands), loss


def _separate_bands(
    score: Tensor, cell: Tensor, dm_wrong: Tensor, examples: Tensor, prices: list[_Price], symmetric: bool
) -> Tensor:
    """Return (t0, t1) of the best band of each group for every price, (2, 2, K), from scores (N,)."""
    bands, grids = [], []
    for group in (0, 1):
        here = cell // 2 == group
        bands.append(_bands(score[here], cell[here], dm_wrong[here], symmetric))
        grids.append(_grid(bands[group], examples, group))
    found = []
    for price in prices:
        numbers = _best_pair(grids[0], grids[1], price)
        pair = [_thresholds(band, n, symmetric) for band, n in zip(bands, numbers, strict=True)]
        found.append(torch.stack(pair, dim=1))
    return torch.stack(found, dim=-1)


def _common_band(
    score: Tensor, cell: Tensor, dm_wrong: Tensor, examples: Tensor, prices: list[_Price], symmetric: bool
) -> Tensor:
    """Return (t0, t1) of the best band for both groups for every price, (2, 2, K), from scores (N,)."""
    band = _bands(score, cell, dm_wrong, symmetric)
    found = [_thresholds(band, _best_common(band, examples, price), symmetric) for price in prices]
    return torch.stack(found, dim=-1).unsqueeze(1).expand(-1, 2, -1)


def _bands(score: Tensor, cell: Tensor, dm_wrong: Tensor, symmetric: bool) -> _Band:
    """List the cuts for examples with scores, cells and wrong DMs (n,)."""
    positive = score >= 0
    wrong = (positive != (cell % 2 == 1)).long()
    below = torch.ones_like(positive) if symmetric else ~positive
    sides = [_side(score[on].abs(), cell[on], wrong[on], dm_wrong[on].long()) for on in (below, ~below)]
    if not symmetric and (score == 0).any():
        # A score of 0 is deferred only above t0.
        sides[0].cut[0] = torch.finfo(score.dtype).tiny
    return _Band(*sides)


def _side(distance: Tensor, cell: Tensor, kept: Tensor, deferred: Tensor) -> _Side:
    """List the cuts between distances (n,) that change error counts; errors if kept, if deferred: (n,)."""
    distance, order = distance.sort()
    distance = distance[distance.isfinite()]
    by_cell = one_hot(cell, 4)
    change = (by_cell * (deferred - kept).unsqueeze(1))[order]
    errors = (by_cell * kept.unsqueeze(1)).sum(0) + pad(change.cumsum(0), (0, 0, 1, 0))
    nearer = pad(distance, (1, 0))
    farther = torch.cat([distance, nearer[-1:] * 1.001 + torch.finfo(distance.dtype).tiny])
    middle = nearer + (farther - nearer) / 2
    cut = torch.where(middle > nearer, middle, farther)
    cut[0] = 0
    idk = (pad(distance, (1, 0), value=-1) < farther).nonzero().squeeze(1)
    bound = pad((errors[idk[1:]] != errors[idk[:-1]]).any(1), (1, 0), value=True)
    idk = idk[bound]
    return _Side(cut[idk], idk, errors[idk])


def _grid(band: _Band, examples: Tensor, group: int) -> _Grid:
    """Sort a group's bands by error counts; examples: (4,) in the cells."""
    own = slice(2 * group, 2 * group + 2)
    below, above = (side.errors[:, own] for side in band)
    low = below.amin(0) + above.amin(0)
    rows, columns = (below.amax(0) + above.amax(0) - low + 1).tolist()
    width = torch.tensor([columns, 1])
    cell_below, cell_above = (below - low) @ width, above @ width
    # One number orders bands by deferrals, then by which comes first.
    bands = len(below) * len(above)
    rank_below = band.below.idk * bands + torch.arange(len(below)) * len(above)
    rank_above = band.above.idk * bands + torch.arange(len(above))
    unreached = torch.iinfo(torch.int64).max
    least = torch.full((rows * columns,), unreached)
    block = max(1, _BLOCK // len(above))
    for start in range(0, len(below), block):
        some = slice(start, start + block)
        cell, rank = cell_below[some, None] + cell_above, rank_below[some, None] + rank_above
        least.scatter_reduce_(0, cell.flatten(), rank.flatten(), "amin")
    least = least.view(rows, columns)
    errors0, errors1 = low[0] + torch.arange(rows), low[1] + torch.arange(columns)
    n0, n1 = examples[own].clamp_min(1).double()
    idk = torch.where(least < unreached, (least // bands).double(), torch.inf)
    return _Grid(errors0 / n0, errors1 / n1, errors0.double(), errors1.double(), idk, least % bands)


def _best_pair(grid0: _Grid, grid1: _Grid, price: _Price) -> tuple[int, int]:
    """Return the numbers of the bands of both groups that together cost least."""
    cost0, cost1 = (grid.cost(price) for grid in (grid0, grid1))
    cost_with1 = _least_together(cost1, grid1.rate1, grid0.rate1, price.slope1).T.contiguous()
    cost_with1 = _least_together(cost_with1, grid1.rate0, grid0.rate0, price.slope0).T
    u = (cost0 + cost_with1).argmin()
    row, column = u // len(grid0.rate1), u % len(grid0.rate1)
    gap0 = price.slope0 * (grid1.rate0 - grid0.rate0[row]).abs()
    gap1 = price.slope1 * (grid1.rate1 - grid0.rate1[column]).abs()
    v = (cost1 + gap0.unsqueeze(1) + gap1).argmin()
    return int(grid0.number.flatten()[u]), int(grid1.number.flatten()[v])


def _least_together(cost: Tensor, at: Tensor, to: Tensor, slope: float) -> Tensor:
    """Return min over v of cost[:, v] + slope |at[v] - to[u]|, (R, U), from cost (R, V).

    at: (V,) and to: (U,), ascending.
    """
    before = pad((cost - slope * at).cummin(1).values, (1, 0), value=torch.inf)
    after = pad((cost + slope * at).flip(1).cummin(1).values.flip(1), (0, 1), value=torch.inf)
    split = torch.searchsorted(at, to, right=True)
    return torch.minimum(before[:, split] + slope * to, after[:, split] - slope * to)


def _best_common(band: _Band, examples: Tensor, price: _Price) -> int:
    """Return the number of the band that costs least when both groups have it; examples: (4,)."""
    below, above = ((side.errors * price.errors).sum(1) + price.idk * side.idk.double() for side in band)
    rates = (side.errors / examples.clamp_min(1).double() for side in band)
    slope = torch.tensor([price.slope0, price.slope1], dtype=torch.float64)
    gap_below, gap_above = ((rate[:, :2] - rate[:, 2:]) * slope for rate in rates)
    best, number = torch.inf, 0
    block = max(1, _BLOCK // len(above))
    for start in range(0, len(below), block):
        some = slice(start, start + block)
        cost = below[some, None] + above
        for label in (0, 1):
            cost += (gap_below[some, label, None] + gap_above[:, label]).abs_()
        at = int(cost.argmin())
        least = cost.flatten()[at].item()
        if least < best:
            best, number = least, start * len(above) + at
    return number


def _thresholds(band: _Band, number: int, symmetric: bool) -> Tensor:
    """Return t0 and t1 of a band, (2,)."""
    i, j = divmod(number, len(band.above.cut))
    t0 = band.below.cut[i]
    return torch.stack([0 - t0, t0 if symmetric else band.above.cut[j]])
