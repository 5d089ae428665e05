"""A trained model by itself: it decides for the rows of a table, and explains why.

This file needs neither Ray nor Optuna, and no results directory.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from study.data import Preprocessing
from study.deploy.estimator import Estimator, Table
from study.errors import DataError
from study.models.decisions import decide, rank
from study.models.examples import with_bias
from study.models.families import Family
from study.models.network import Model, Thresholds, Uncertainty, WeightNoise, pad_lanes
from study.results.wording import as_html

# Rows go through the network so many at a time, the last ones filled up: the bits of a score can depend on
# how many rows a product has, and a person's decision must not depend on who else is in the table.
_ROWS = 256

_SHOWN = ("error", "di", "idk_rate")


# Not frozen: a pipeline of scikit-learn notes on its steps who calls them.
@dataclass(eq=False, repr=False)
class DeployedModel(Estimator):
    """A model, what turns raw rows into its inputs, and its thresholds.

    weights: (P,) float32. noise: (J, P / 2) draws for uncertain weights, else None. t0, t1: by group A = 0
    and 1: deferred where t0 < score < t1, positive from t1. about: where it comes from and what it
    did, as plain data.
    """

    family: Family
    method: str
    hidden: int
    weights: Tensor
    noise: Tensor | None
    t0: tuple[float, float]
    t1: tuple[float, float]
    preprocessing: Preprocessing
    about: Mapping[str, Any]

    def __repr__(self) -> str:
        """Name method, family and run."""
        run = self.about.get("run", {}).get("run_id", "unknown")
        return f"DeployedModel({self.method}, {self.family.name}, {len(self.columns)} columns, run {run})"

    def _repr_html_(self) -> str:
        """Show in a notebook what it is and what it needs."""
        run = self.about.get("run", {})
        return as_html(
            f"{self.method} ({self.family.name})",
            [
                ("run", run.get("run_id", "unknown")),
                ("columns", ", ".join(self.columns)),
                ("deferred between, A = 0", f"{self.t0[0]:.4g} and {self.t1[0]:.4g}"),
                ("deferred between, A = 1", f"{self.t0[1]:.4g} and {self.t1[1]:.4g}"),
                *((f"test {name}", run[f"test_{name}"]) for name in _SHOWN if f"test_{name}" in run),
            ],
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that a table must have, in any order; others are not looked at."""
        own = self.preprocessing
        score = [own.given.column] if own.given else []
        return tuple(dict.fromkeys([*score, *(column.name for column in own.columns), own.group.column]))

    @property
    def outcomes(self) -> tuple[str, str] | None:
        """What the classes 0 and 1 are called in the study's table, None where they are just that."""
        known = self.about.get("outcomes")
        if not isinstance(known, list) or known == ["0", "1"] or len(known) != 2:
            return None
        return str(known[0]), str(known[1])

    def on_column(self, thresholds: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return thresholds on a score that is the log-odds of a given model's p as its probabilities."""
        p = torch.sigmoid(torch.as_tensor(thresholds, dtype=torch.float64)).numpy()
        return self.preprocessing.given.probability(p) if self.preprocessing.given else p

    def decide(self, table: Table) -> pd.DataFrame:
        """Return a decision for each row of ``table`` (N rows with ``columns``), under its index.

        An array or a list of rows is taken with its columns in the order of ``columns``.

        Columns: ``prediction``, the model's class 0 or 1 (where it defers: the likelier one, which is not a
        decision); ``predicted``, the same in the table's own words, where these are others than 0 and 1;
        ``probability`` of class 1, of a given model that of its column; ``defer``, whether the case goes to
        the decision-maker; ``score``, and ``lower`` and ``upper``, the thresholds of the person's group:
        deferred where lower < score < upper, 1 from upper on; where the method may defer, the ``benefit``
        of asking: above 0 where it does, and the larger, the more is gained (see models.regions); where
        the family estimates it, ``dm_right``, the probability that the decision-maker is right; where it
        decides by an uncertainty of its own, that and its limit, such as ``rho`` and ``rho_limit``;
        ``reason`` in words.
        A row's decision does not depend on the others.

        Raises DataError in one line for a missing column, text in a column of numbers, a category
        that training did not see, a missing sensitive value, and a number that is too large.
        """
        frame = self.frame(table)
        self.preprocessing.refuse_unseen(frame)
        decisions = self.decide_inputs(self.preprocessing.transform(frame)).set_axis(frame.index)
        if self.preprocessing.given:
            decisions["probability"] = self.preprocessing.given.of(frame)
        if self.outcomes is not None:
            zero, one = self.outcomes
            words = np.where(decisions["prediction"] == 1, one, zero)
            decisions.insert(1, "predicted", pd.Series(words, frame.index, dtype="str"))
        return decisions

    def decide_inputs(self, inputs: npt.NDArray[np.float32]) -> pd.DataFrame:
        """Return what ``decide`` does, of inputs (N, F + 1) as ``preprocessing`` makes them."""
        score, probability, pi, right = self._evaluate(with_bias(torch.from_numpy(inputs)))
        if score.isnan().any():
            row = int(score.isnan().nonzero()[0])
            raise DataError(f"row {row + 1}: its values are too large for the model")
        given = self.preprocessing.given
        said = given.probability(probability.double().numpy()) if given else probability.double().numpy()
        group = torch.from_numpy(inputs[:, -1].astype(np.int64))
        both = (torch.tensor(t, dtype=torch.float64).view(1, 2, 1) for t in (self.t0, self.t1))
        thresholds = Thresholds(*both)
        of_all = score.view(1, -1, 1)
        decided = decide(of_all, thresholds, group)
        ranking = rank(decided, of_all, thresholds, group, self._model.region)
        lower, upper = (t[0, group, 0].numpy() for t in thresholds)
        benefit = {"benefit": ranking.benefit[0, :, 0].double().numpy()} if self.method != "binary" else {}
        decisions = pd.DataFrame(
            {
                "prediction": ranking.positive[0, :, 0].numpy().astype(np.int64),
                "probability": said,
                "defer": decided.deferred[0, :, 0].numpy(),
                "score": score.double().numpy(),
                "lower": lower,
                "upper": upper,
                **benefit,
            }
        )
        if self._model.right:
            decisions["dm_right"] = right.double().numpy()
        measure, words = self._model.uncertainty, self.outcomes or ("0", "1")
        if measure is None:
            name, value, ends = "score", decisions["score"], (lower, upper)
            if given and not self.family.trains(self.method):
                name, value, ends = given.column, said, (self.on_column(lower), self.on_column(upper))
            rows = zip(decisions["prediction"], decisions["defer"], value, *ends, strict=True)
            reasons = [_by_thresholds(name, words, *row) for row in rows]
        else:
            decisions[measure.column] = measure.value(score.double(), pi.double()).numpy()
            decisions[f"{measure.column}_limit"] = measure.limit(torch.from_numpy(upper)).numpy()
            reasons = [_by_uncertainty(row, words, measure) for row in decisions.itertuples(index=False)]
        return decisions.assign(reason=pd.Series(reasons, dtype="str"))

    def _evaluate(self, x: Tensor) -> Tensor:
        """Return score, p, pi and kappa (4, N) of inputs (N, F), their last column 1.

        kappa is the probability that the person is right, NaN where the family has none.
        """
        theta = pad_lanes(self.weights[None, :, None])
        noise = None if self.noise is None else WeightNoise(self.noise[:, None, :, None], torch.zeros(()))
        result = [x.new_empty(4, 0)]
        with one_thread():
            for start in range(0, len(x), _ROWS):
                rows = torch.arange(start, start + _ROWS).clamp_max(len(x) - 1)
                block = x[rows].unsqueeze(0)
                score = self._model.score(theta, block, noise)
                parts = (score, *self._probabilities(theta, block, noise))
                result.append(torch.stack([part[0, :, 0] for part in parts]))
        return torch.cat(result, dim=1)[:, : len(x)]

    def _probabilities(self, theta: Tensor, x: Tensor, noise: WeightNoise | None) -> list[Tensor]:
        """Return p, pi and kappa (1, B, K); of uncertain weights their means over the draws."""
        model = self._model
        draw = model.posterior.draw if model.posterior is not None else None
        drawn = [theta] if draw is None or noise is None else [draw(theta, e) for e in noise.draws]
        said = [model.outputs(weights, x) for weights in drawn]
        right = [model.right(one) if model.right else torch.full_like(one.p, torch.nan) for one in said]
        each = ([one.p for one in said], [one.pi for one in said], right)
        return [torch.stack(draws).mean(0) for draws in each]

    @property
    def _model(self) -> Model:
        return self.family.model(self.method)


@contextmanager
def one_thread() -> Iterator[None]:
    """As in training: the bits of a score may depend on how a product is cut into threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _by_thresholds(
    name: str,
    words: tuple[str, str],
    prediction: int,
    defer: bool,
    value: float,
    lower: float,
    upper: float,
) -> str:
    if defer:
        return f"deferred: {name} {value:.4g} is between {lower:.4g} and {upper:.4g}"
    if prediction:
        return f"{words[1]}: {name} {value:.4g} is not below {upper:.4g}"
    return f"{words[0]}: {name} {value:.4g} is not above {lower:.4g}"


def _by_uncertainty(row: Any, words: tuple[str, str], measure: Uncertainty) -> str:
    limit = getattr(row, f"{measure.column}_limit")
    description = f"{measure.description} {getattr(row, measure.column):.4g}"
    if row.defer:
        return f"deferred: {description} is above {limit:.4g}"
    return f"{words[row.prediction]}: {description} is not above {limit:.4g}"
