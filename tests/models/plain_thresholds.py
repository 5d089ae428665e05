"""Hard thresholds again, one person and one band at a time, and people to try them on."""

from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor


@dataclass(frozen=True)
class People:
    """a, y, dm_wrong: (N,); score: (S, N, M)."""

    a: Tensor
    y: Tensor
    dm_wrong: Tensor
    score: Tensor

    def given(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.score, self.a, self.y, self.dm_wrong

    def rows(self, seed: int, lane: int) -> list[tuple[int, int, bool, float]]:
        columns = (self.a.int(), self.y.int(), self.dm_wrong, self.score[seed, :, lane])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def oracle(self) -> "People":
        return People(self.a, self.y, torch.zeros_like(self.dm_wrong), self.score)

    def shuffled(self, order: Tensor) -> "People":
        return People(self.a[order], self.y[order], self.dm_wrong[order], self.score[:, order])


@st.composite
def small_people(draw: st.DrawFn, most: int = 12, seeds: int = 2, lanes: int = 2) -> People:
    """A few people, maybe with empty cells, whose scores are halves from -2 to 2 and often equal."""
    halves = st.tuples(*[st.integers(-4, 4)] * (seeds * lanes))
    bit = st.integers(0, 1)
    rows = draw(st.lists(st.tuples(bit, bit, st.booleans(), halves), min_size=1, max_size=most))
    a, y, dm_wrong, score = zip(*rows, strict=True)
    scores = torch.tensor(score).view(-1, seeds, lanes).transpose(0, 1) / 2
    return People(torch.tensor(a).float(), torch.tensor(y).float(), torch.tensor(dm_wrong), scores)


def many_people(size: int, seeds: int = 1, lanes: int = 1, seed: int = 0) -> People:
    """People whose scores tell something of their labels, and a DM who is right three times in four."""
    rng = np.random.default_rng(seed)
    a, y = rng.integers(0, 2, size), rng.integers(0, 2, size)
    score = (y - 0.5 + 0.3 * a)[None, :, None] + rng.normal(size=(seeds, size, lanes))
    columns = (torch.tensor(a).float(), torch.tensor(y).float(), torch.tensor(rng.random(size) < 0.25))
    return People(*columns, torch.tensor(score, dtype=torch.float32))


Decided = list[tuple[int, int, bool, bool, bool]]


def decide_plainly(rows: list[tuple[int, int, bool, float]], t0: list[float], t1: list[float]) -> Decided:
    """Return group, label, IDK, the model errs, the DM errs of everybody, under thresholds by group."""
    decided = []
    for a, y, dm_wrong, score in rows:
        idk = t0[a] < score < t1[a]
        positive = score >= t1[a]
        decided.append((a, y, idk, not idk and positive != bool(y), idk and dm_wrong))
    return decided


def plain_loss(decided: Decided, alpha: float, gamma: float) -> float:
    """The deferring loss of people decided upon."""
    cells: dict[tuple[int, int], list[bool]] = {}
    total = 0.0
    for a, y, idk, model_errs, dm_errs in decided:
        total += (dm_errs + gamma) if idk else model_errs
        cells.setdefault((a, y), []).append(model_errs or dm_errs)
    di = 0.0
    for label in (0, 1):
        if (0, label) in cells and (1, label) in cells:
            rates = [sum(cells[a, label]) / len(cells[a, label]) for a in (0, 1)]
            di += abs(rates[0] - rates[1]) / 2
    return total / len(decided) + alpha * di
