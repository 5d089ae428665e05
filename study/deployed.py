"""A trained model by itself: read from its directory, it decides for the people of a table.

`study export` makes the directory. ``model.json`` says what the model is and where it comes from,
``weights.safetensors`` holds its numbers; nothing is unpickled. This file needs neither Ray nor Optuna,
and no results directory.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

from models.bayes import uncertainty
from models.examples import with_bias
from models.families import MODELS
from models.metrics import decide
from models.network import Model, Thresholds, WeightNoise, pad_lanes
from study.data.preprocessing import Preprocessing
from study.errors import DataError, UserError

FORMAT, FORMAT_VERSION = "learning-to-defer model", 1
MODEL_FILE, WEIGHTS_FILE = "model.json", "weights.safetensors"

# Rows go through the network so many at a time, the last ones filled up: the bits of a score can depend on
# how many rows a product has, and a person's decision must not depend on who else is in the table.
_ROWS = 256
_NOISE = "noise"

Floats = npt.NDArray[np.float64]


class ModelError(UserError):
    """A directory that does not hold a model that can be used."""


@dataclass(frozen=True, eq=False)
class DeployedModel:
    """A model, what turns raw rows into its inputs, and its thresholds.

    weights: (P,) float32. noise: (J, P / 2) draws for uncertain weights, else None. t0, t1: (2,), by group:
    IDK where t0 < score < t1, positive from t1. about: where it comes from and what it did on test rows,
    as plain data.
    """

    model: Model
    method: str
    hidden: int
    weights: Tensor
    noise: Tensor | None
    t0: tuple[float, float]
    t1: tuple[float, float]
    preprocessing: Preprocessing
    about: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that a table must have; the order and others do not matter."""
        named = (column.name for column in self.preprocessing.columns)
        return tuple(dict.fromkeys([*named, self.preprocessing.group.column]))

    @property
    def classes_(self) -> npt.NDArray[np.int64]:
        """The classes, in the order of ``predict_proba``'s columns."""
        return np.array([0, 1])

    def decide(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return one decision for each row of ``table`` (N rows with ``columns``), under its index.

        Columns: ``prediction``, the model's class 0 or 1 (where it defers: the likelier one, which is not a
        decision); ``probability`` of class 1; ``defer``, whether the case goes to the decision-maker;
        ``score``, and ``lower`` and ``upper``, the thresholds of the person's group: deferred where lower <
        score < upper, 1 from upper on; for the model ``bayes`` the uncertainty ``rho`` (3.2.2) and
        ``rho_limit``, for ``gate`` its probability ``pi`` of deferring (3.1); ``reason`` in words. A row's
        decision does not depend on the others. Raises DataError in one line for a column that is not
        there and a value that cannot be used.
        """
        inputs = self.preprocessing.transform(table)
        score, probability, pi = self._evaluate(with_bias(torch.from_numpy(inputs)))
        if score.isnan().any():
            row = int(score.isnan().nonzero()[0])
            raise DataError(f"row {row + 1}: its values are too large for the model")
        group = torch.from_numpy(inputs[:, -1].astype(np.int64))
        both = (torch.tensor(t, dtype=torch.float64).view(1, 2, 1) for t in (self.t0, self.t1))
        thresholds = Thresholds(*both)
        deferred, positive = (d[0, :, 0] for d in decide(score.view(1, -1, 1), thresholds, group))
        lower, upper = (t[0, group, 0].numpy() for t in thresholds)
        likelier = torch.where(deferred, probability >= 0.5, positive)
        decisions = pd.DataFrame(
            {
                "prediction": likelier.numpy().astype(np.int64),
                "probability": probability.double().numpy(),
                "defer": deferred.numpy(),
                "score": score.double().numpy(),
                "lower": lower,
                "upper": upper,
            },
            index=table.index,
        )
        if self.model.posterior is not None:
            decisions["rho"] = uncertainty(score.double()).numpy()
            decisions["rho_limit"] = 1 / (1 + upper)
        if self.model.name == "gate":
            decisions["pi"] = pi.double().numpy()
        return decisions.assign(reason=self._reasons(decisions))

    def predict(self, table: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Return the model's class (N,), 0 or 1, also where it would defer; raises as ``decide``."""
        return self.decide(table)["prediction"].to_numpy()

    def predict_proba(self, table: pd.DataFrame) -> Floats:
        """Return the probabilities (N, 2) of class 0 and class 1; raises as ``decide``."""
        positive = self.decide(table)["probability"].to_numpy()
        return np.column_stack([1 - positive, positive])

    def save(self, directory: Path) -> None:
        """Write the model's two files into ``directory``, which is there; raises OSError."""
        layout = self.model.layout(len(self.preprocessing.inputs) + 1, self.hidden)
        parts = layout.split(self.weights.view(1, -1, 1))
        tensors = {name: parts[name].view(shape).numpy() for name, shape in layout.shapes.items()}
        if self.noise is not None:
            tensors[_NOISE] = self.noise.numpy()
        weights = save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
        facts = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "model": self.model.name,
            "method": self.method,
            "hidden": self.hidden,
            "thresholds": {"t0": self.t0, "t1": self.t1},
            "columns": self.columns,
            "preprocessing": self.preprocessing.to_json(),
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
            "about": self.about,
        }
        (directory / WEIGHTS_FILE).write_bytes(weights)
        (directory / MODEL_FILE).write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", "utf-8")

    def _evaluate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return score, p and pi (N,) of inputs (N, F), their last column 1."""
        theta = pad_lanes(self.weights.view(1, -1, 1))
        noise = None if self.noise is None else WeightNoise(self.noise[:, None, :, None], torch.zeros(()))
        found = [x.new_empty(3, 0)]
        with _one_thread():
            for rows in x.split(_ROWS) if len(x) else ():
                block = rows[torch.arange(_ROWS).clamp_max(len(rows) - 1)].unsqueeze(0)
                score = self.model.score(theta, block, noise)
                parts = (score, *self._probabilities(theta, block, noise))
                found.append(torch.stack([part[0, : len(rows), 0] for part in parts]))
        score, p, pi = torch.cat(found, dim=1)
        return score, p, pi

    def _probabilities(self, theta: Tensor, x: Tensor, noise: WeightNoise | None) -> tuple[Tensor, Tensor]:
        """Return p and pi (1, B, K); of uncertain weights their means over the draws."""
        draw = self.model.posterior.draw if self.model.posterior is not None else None
        drawn = [theta] if draw is None or noise is None else [draw(theta, e) for e in noise.draws]
        p, _, pi = zip(*(self.model.outputs(weights, x) for weights in drawn), strict=True)
        return torch.stack(p).mean(0), torch.stack(pi).mean(0)

    def _reasons(self, decisions: pd.DataFrame) -> list[str]:
        """Say for each decision what was compared with what."""
        word = {"bayes": _uncertain, "gate": _gated}.get(self.model.name, _scored)
        return [word(row) for row in decisions.itertuples(index=False)]


def load_model(directory: Path | str) -> DeployedModel:
    """Return the model that `study export` wrote into ``directory``.

    Raises ModelError in one line where there is none, where it is damaged (its files do not go
    together), and where another version of this package wrote it.
    """
    file = Path(directory) / MODEL_FILE
    facts = _read_facts(file)
    try:
        model, method, hidden = MODELS[facts["model"]], facts["method"], int(facts["hidden"])
        t0, t1 = (_pair(facts["thresholds"][name]) for name in ("t0", "t1"))
        preprocessing = Preprocessing.from_json(facts["preprocessing"])
        digest, about = facts["weights_sha256"], dict(facts["about"])
        if hidden < 1 or method not in model.methods or t0[0] > t1[0] or t0[1] > t1[1]:
            raise ValueError("model, method, hidden and thresholds do not go together")
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise ModelError(f"{file}: is damaged ({_worded(error)}); export the model again") from None
    layout = model.layout(len(preprocessing.inputs) + 1, hidden)
    tensors = _read_tensors(file.with_name(WEIGHTS_FILE), digest)
    noise = tensors.pop(_NOISE, None)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    drawn = None if noise is None else noise.shape[1:]
    uncertain = None if model.posterior is None else (layout.size // 2,)
    if shapes != layout.shapes or drawn != uncertain:
        raise ModelError(f"{file}: does not go with {WEIGHTS_FILE} beside it; export the model again")
    weights = torch.cat([torch.from_numpy(tensors[name].reshape(-1)) for name in layout.shapes])
    draws = None if noise is None else torch.from_numpy(noise)
    return DeployedModel(model, method, hidden, weights, draws, t0, t1, preprocessing, about)


def _read_facts(file: Path) -> dict[str, Any]:
    """Return what ``model.json`` says, if it is of this format; raises ModelError."""
    try:
        facts = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        words = "cannot be read" if isinstance(error, OSError) else "is not JSON"
        raise ModelError(f"{file}: {words} ({_worded(error)}); `study export` writes a model") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(f"{file}: is not a model of this project; `study export` writes one")
    if facts.get("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"{file}: has format version {facts.get('format_version')!r}, and this package reads "
            f"{FORMAT_VERSION}; use the version of the package that wrote it, or export the model again"
        )
    return facts


def _read_tensors(file: Path, digest: str) -> dict[str, npt.NDArray[np.float32]]:
    """Return the float32 tensors in a file whose SHA-256 is ``digest``; raises ModelError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({_worded(error)}); export the model again") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(f"{file}: is damaged, or of another model; export the model again")
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ModelError(f"{file}: cannot be read ({_worded(error)}); export the model again") from None
    if not all(tensor.dtype == np.float32 and np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ModelError(f"{file}: holds other than finite float32 numbers; export the model again")
    return tensors


def _pair(values: Any) -> tuple[float, float]:
    """Return two finite numbers; raises TypeError or ValueError where there are others."""
    first, second = map(float, values)
    if not np.isfinite([first, second]).all():
        raise ValueError("a threshold is not finite")
    return first, second


def _worded(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing or unknown"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


@contextmanager
def _one_thread() -> Iterator[None]:
    """As in training: the bits of a score may depend on how a product is cut into threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _scored(row: Any) -> str:
    score, lower, upper = (f"{value:.4g}" for value in (row.score, row.lower, row.upper))
    if row.defer:
        return f"deferred: score {score} is between {lower} and {upper}"
    return (
        f"1: score {score} is not below {upper}"
        if row.prediction
        else f"0: score {score} is not above {lower}"
    )


def _uncertain(row: Any) -> str:
    rho, limit = f"{row.rho:.4g}", f"{row.rho_limit:.4g}"
    if row.defer:
        return f"deferred: uncertainty {rho} is above {limit}"
    return f"{row.prediction}: uncertainty {rho} is not above {limit}"


def _gated(row: Any) -> str:
    if row.defer:
        return f"deferred: probability of deferring {row.pi:.4g} is above 0.5"
    return f"{row.prediction}: probability of deferring {row.pi:.4g} is not above 0.5"
