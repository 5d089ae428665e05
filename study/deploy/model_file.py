"""A model's directory: ``model.json`` says what it is, ``weights.safetensors`` holds its numbers.

Both are data: nothing in them is run or unpickled, and whatever does not match is refused.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from study.data import Preprocessing
from study.deploy.model import DeployedModel
from study.errors import ModelError
from study.models.families import FAMILIES
from study.storage.seals import BLANK, check_text, seal_text
from study.storage.whole_files import read_whole

MODEL_FILE, WEIGHTS_FILE = "model.json", "weights.safetensors"

_NOISE = "noise"
_NOTHING = np.empty(0, dtype=np.float32)


class _Facts(BaseModel):
    """What ``model.json`` holds; other keys, other types and infinite numbers are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    format: Literal["learning-to-defer model"] = "learning-to-defer model"
    format_version: Literal[1] = 1
    model: str
    method: str
    hidden: int = Field(ge=1)
    t0: tuple[float, float]
    t1: tuple[float, float]
    columns: tuple[str, ...]
    preprocessing: Preprocessing
    weights_sha256: str
    about: dict[str, Any]
    sha256: str = BLANK
    """Of this file, with zeros in its place: one flipped bit can be another mean or threshold."""


def save_model(model: DeployedModel, directory: Path) -> None:
    """Write the model's two files into ``directory``, which is there; raises OSError."""
    layout = model.family.model(model.method).layout(len(model.preprocessing.inputs) + 1, model.hidden)
    parts = layout.split(model.weights[None, :, None])
    tensors = {name: parts[name].reshape(shape).numpy() for name, shape in layout.shapes.items()}
    if model.noise is not None:
        tensors[_NOISE] = model.noise.numpy()
    weights = save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    facts = _Facts(
        model=model.family.name,
        method=model.method,
        hidden=model.hidden,
        t0=model.t0,
        t1=model.t1,
        columns=model.columns,
        preprocessing=model.preprocessing,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        about=dict(model.about),
    )
    (directory / WEIGHTS_FILE).write_bytes(weights)
    (directory / MODEL_FILE).write_bytes(seal_text(f"{facts.model_dump_json(indent=2)}\n".encode()))


def load_model(directory: Path | str) -> DeployedModel:
    """Return the model that `study export` wrote into ``directory``.

    Raises ModelError in one line where there is none, where it is damaged (its files do not go
    together), and where another version of this package wrote it.
    """
    file = Path(directory) / MODEL_FILE
    facts = _read_facts(file)
    family, preprocessing = FAMILIES[facts.model], facts.preprocessing
    mathematics = family.model(facts.method)
    layout = mathematics.layout(len(preprocessing.inputs) + 1, facts.hidden)
    tensors = _read_tensors(file.with_name(WEIGHTS_FILE), facts.weights_sha256)
    noise = tensors.pop(_NOISE, None)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    drawn = None if noise is None or not len(noise) else noise.shape[1:]
    uncertain = None if mathematics.posterior is None else (layout.size // 2,)
    if shapes != layout.shapes or drawn != uncertain:
        raise ModelError(f"{file}: does not match {WEIGHTS_FILE}; export the model again")
    return DeployedModel(
        family=family,
        method=facts.method,
        hidden=facts.hidden,
        weights=torch.from_numpy(np.concatenate([_NOTHING, *(tensors[n].ravel() for n in layout.shapes)])),
        noise=None if noise is None else torch.from_numpy(noise),
        t0=facts.t0,
        t1=facts.t1,
        preprocessing=preprocessing,
        about=facts.about,
    )


def _read_facts(file: Path) -> _Facts:
    """Return the content of ``model.json``, if it is consistent; raises ModelError."""
    try:
        content = read_whole(file)
        facts = _Facts.model_validate_json(content)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}); `study export` writes it") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "as a whole"
        raise ModelError(
            f"{file}: {where}: {first['msg']}; it is damaged, or of another version of this package: "
            "export the model again"
        ) from None
    known = facts.model in FAMILIES and facts.method in FAMILIES[facts.model].methods
    own = facts.preprocessing
    scaled = {len(own.mean), len(own.factor)}
    others = 2 if own.given else 1
    ordered = facts.t0[0] <= facts.t1[0] and facts.t0[1] <= facts.t1[1]
    known = known and FAMILIES[facts.model].given == (own.given is not None)
    if not known or not ordered or scaled != {len(own.inputs) - others}:
        what = "model and method" if not known else "preprocessing" if ordered else "t0 and t1"
        raise ModelError(f"{file}: {what} do not match; export the model again")
    try:
        check_text(content)
    except ValueError as error:
        raise ModelError(f"{file}: {error}; export the model again") from None
    return facts


def _read_tensors(file: Path, digest: str) -> dict[str, npt.NDArray[np.float32]]:
    """Return the float32 tensors in a file whose SHA-256 is ``digest``; raises ModelError."""
    try:
        content = read_whole(file)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}); export the model again") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(
            f"{file}: is damaged, or of another model than {MODEL_FILE}; export the model again"
        )
    try:
        tensors = load(content)
        sound = all(tensor.dtype == np.float32 and np.isfinite(tensor).all() for tensor in tensors.values())
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read ({error}); export the model again") from None
    if not sound:
        raise ModelError(f"{file}: holds other than finite float32 numbers; export the model again")
    return tensors
