"""A model's directory: what is written is read again bit for bit, and what is damaged is refused."""

import hashlib
import json
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load, save

from study.data import Group, Preprocessing
from study.data.columns import Column
from study.data.preprocessing import Given
from study.deploy.model import DeployedModel
from study.deploy.model_file import MODEL_FILE, WEIGHTS_FILE, load_model, save_model
from study.errors import DataError, ModelError
from study.models.families import FAMILIES
from study.storage.seals import sealed_json
from tests.worlds.own_tables import cases

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=5)
VALUES = TEXT | st.booleans() | st.integers(-(2**60), 2**60) | FLOATS
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
TABLE = cases(20).assign(code="007", place="here", score=1)


@pytest.fixture
def place(exported: dict[str, Path], tmp_path: Path) -> Path:
    """A model that may be damaged; with uncertain weights, as these have noise."""
    return Path(shutil.copytree(exported["defer-bayes"], tmp_path / "model"))


def facts_of(place: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((place / MODEL_FILE).read_text())
    return facts


def write_facts(place: Path, facts: dict[str, Any]) -> None:
    """Write other facts, with a seal that is right."""
    (place / MODEL_FILE).write_bytes(sealed_json({k: v for k, v in facts.items() if k != "sha256"}))


@pytest.mark.parametrize("seed", range(10))
def test_a_flipped_bit_is_refused(seed: int, place: Path) -> None:
    drawn = random.Random(seed)
    path = place / (MODEL_FILE if seed % 5 else WEIGHTS_FILE)
    content = bytearray(path.read_bytes())
    bit = drawn.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    assert_refused(place, path.name)


def write_tensors(place: Path, content: bytes) -> None:
    """Write weights that ``model.json`` vouches for."""
    (place / WEIGHTS_FILE).write_bytes(content)
    write_facts(place, facts_of(place) | {"weights_sha256": hashlib.sha256(content).hexdigest()})


def assert_refused(place: Path, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        load_model(place)
    message = str(caught.value)
    assert message.startswith(str(place))
    assert len(message.splitlines()) == 1
    assert len(message) < 500


columns = st.builds(
    Column,
    TEXT,
    st.just("category"),
    levels=st.lists(TEXT, max_size=3).map(tuple),
    other=st.booleans(),
    missing=st.booleans(),
) | st.builds(Column, TEXT, st.just("number"), median=FLOATS, missing=st.booleans())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_model_is_read_as_it_was_written(data: st.DataObject, tmp_path: Path) -> None:
    family = data.draw(st.sampled_from(list(FAMILIES.values())))
    model = family.model(min(family.methods))
    made = tuple(data.draw(st.lists(columns, max_size=3)))
    count, hidden = sum(len(column.inputs) for column in made), data.draw(st.integers(1, 4))
    scales = st.lists(FLOATS, min_size=count, max_size=count).map(tuple)
    group = data.draw(st.builds(Group, TEXT, VALUES | st.none(), FLOATS | st.none()))
    score = data.draw(st.builds(Given, TEXT, FLOATS)) if family.given else None
    preprocessing = Preprocessing(made, group, data.draw(scales), data.draw(scales), score)
    size = model.layout(len(preprocessing.inputs) + 1, hidden).size
    floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
    weights = torch.from_numpy(data.draw(arrays(np.float32, size, elements=floats, fill=floats)))
    noise = torch.randn(3, size // 2) if model.posterior else None
    bands = [sorted(data.draw(st.tuples(FLOATS, FLOATS))) for _ in range(2)]
    t0, t1 = zip(*bands, strict=True)
    about = data.draw(st.dictionaries(TEXT, TEXT | FLOATS))
    written = DeployedModel(
        family, min(family.methods), hidden, weights, noise, t0, t1, preprocessing, about
    )
    save_model(written, tmp_path)
    read = load_model(tmp_path)
    assert (read.family, read.method, read.hidden) == (family, written.method, hidden)
    assert torch.equal(read.weights.view(torch.int32), weights.view(torch.int32))
    assert (noise is None and read.noise is None) or torch.equal(read.noise, noise)
    assert (read.t0, read.t1, read.about) == (t0, t1, about)
    assert read.preprocessing == preprocessing
    assert type(read.preprocessing.group.equals) is type(group.equals)


def test_no_two_files_of_different_models_go_together(exported: dict[str, Path], place: Path) -> None:
    shutil.copy(exported["reject-bayes"] / WEIGHTS_FILE, place)
    assert_refused(place, r"weights\.safetensors: is damaged, or of another model than model\.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "another"}, "format: Input should be 'learning-to-defer model'; it is damaged, or of"),
        ({"format_version": 2}, "format_version: Input should be 1"),
        ({"model": "forest"}, "model and method do not match"),
        ({"model": "mlp"}, "model and method do not match"),
        ({"method": "guess"}, "model and method do not match"),
        ({"model": "posthoc"}, r"does not match weights\.safetensors"),
        ({"hidden": 6}, r"does not match weights\.safetensors"),
        ({"hidden": 10**30}, r"does not match weights\.safetensors|hidden"),
        ({"hidden": 0}, "hidden: Input should be greater than or equal to 1"),
        ({"hidden": "5"}, "hidden: Input should be a valid integer"),
        ({"hidden": 1e999}, "hidden"),
        ({"t0": [1, 1], "t1": [0, 0]}, "t0 and t1 do not match"),
        ({"t0": [float("nan"), 0]}, "t0.0: Input should be a finite number"),
        ({"t1": [0]}, "t1.1: Field required"),
        ({"preprocessing": {}}, "preprocessing.columns: Field required"),
        ({"extra": 1}, "extra: Extra inputs are not permitted"),
    ],
)
def test_facts_that_do_not_fit_are_refused(change: dict[str, Any], words: str, place: Path) -> None:
    write_facts(place, facts_of(place) | change)
    assert_refused(place, words)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, pickle.dumps({})],
)
def test_facts_that_are_not_json_of_this_kind_are_refused(content: bytes, place: Path) -> None:
    (place / MODEL_FILE).write_bytes(content)
    assert_refused(place, r"model\.json: ")


def same(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda tensors: tensors | {name: change(tensors[name])}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (same("mean", lambda t: np.full_like(t, np.nan)), "holds other than finite float32 numbers"),
        (same("mean", lambda t: np.full_like(t, np.inf)), "holds other than finite float32 numbers"),
        (same("mean", lambda t: t.astype(np.float64)), "holds other than finite float32 numbers"),
        (same("mean", lambda t: t[:-1]), "does not match"),
        (same("mean", lambda t: t.reshape(1, -1)), "does not match"),
        (same("noise", lambda t: t[:, :-1]), "does not match"),
        (same("noise", lambda t: t[:0]), "does not match"),
        (same("noise", lambda t: t[0]), "does not match"),
        (lambda tensors: {name: tensors[name] for name in ("mean", "noise")}, "does not match"),
        (lambda tensors: {name: tensors[name] for name in ("mean", "deviation")}, "does not match"),
        (lambda tensors: tensors | {"more": tensors["mean"]}, "does not match"),
        (lambda tensors: {}, "does not match"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: Callable[[Any], Any], words: str, place: Path) -> None:
    write_tensors(place, save(change(load((place / WEIGHTS_FILE).read_bytes()))))
    assert_refused(place, words)


HEADERS = [
    {"a": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 4]}},
    {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**60]}},
    {"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}},
    {"a": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}},
    {"a": {"dtype": "Q", "shape": [4], "data_offsets": [0, 4]}},
    {"a": 1},
    [],
]


@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_hostile_headers_of_weights_are_refused(header: object, place: Path) -> None:
    text = json.dumps(header).encode()
    write_tensors(place, len(text).to_bytes(8, "little") + text + bytes(4))
    assert_refused(place, r"weights\.safetensors: |does not match")


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 8, pickle.dumps({"mean": [1.0]}), b"PK\3\4" + bytes(99)]
)
def test_weights_that_are_none_are_refused(content: bytes, place: Path) -> None:
    write_tensors(place, content)
    assert_refused(place, r"weights\.safetensors: cannot be read")


@pytest.mark.parametrize("name", [MODEL_FILE, WEIGHTS_FILE])
def test_file_that_is_missing_or_a_folder_is_refused(name: str, place: Path) -> None:
    (place / name).unlink()
    assert_refused(place, rf"{name}: cannot be read \(No such file or directory\)")
    (place / name).mkdir()
    assert_refused(place, rf"{name}: cannot be read \(Is a directory\)")


def usable(place: Path) -> None:
    """Load a model and let it decide; ModelError and DataError in one line are what may come of it."""
    message = ""
    try:
        assert len(load_model(place).decide(TABLE)) == len(TABLE)
    except (ModelError, DataError) as error:
        message = str(error)
    assert len(message.splitlines()) <= 1


def anywhere(facts: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """The way to any value within JSON data."""
    ways: list[tuple[Any, ...]] = []

    def walk(value: Any, way: tuple[Any, ...]) -> None:
        ways.append(way)
        if isinstance(value, dict | list):
            for key, below in value.items() if isinstance(value, dict) else enumerate(value):
                walk(below, (*way, key))

    walk({key: value for key, value in facts.items() if key != "about"}, ())
    return st.sampled_from(ways[1:])


FUZZ = settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.data(), value=JSON)
def test_any_value_in_the_facts_is_used_or_refused(
    data: st.DataObject, value: object, exported: dict[str, Path], tmp_path: Path
) -> None:
    place = Path(shutil.copytree(exported["defer-bayes"], tmp_path / "model", dirs_exist_ok=True))
    facts = facts_of(place)
    way = data.draw(anywhere(facts))
    spot = facts
    for key in way[:-1]:
        spot = spot[key]
    spot[way[-1]] = value
    write_facts(place, facts)
    usable(place)


@FUZZ
@given(data=st.data(), name=st.sampled_from([MODEL_FILE, WEIGHTS_FILE]), byte=st.integers(0, 255))
def test_any_byte_may_be_wrong_or_the_last(
    data: st.DataObject, name: str, byte: int, exported: dict[str, Path], tmp_path: Path
) -> None:
    place = Path(shutil.copytree(exported["defer-bayes"], tmp_path / "model", dirs_exist_ok=True))
    content = bytearray((place / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        content[at] = byte
    if name == MODEL_FILE:
        (place / name).write_bytes(content)
    else:
        write_tensors(place, bytes(content))
    usable(place)


def test_nothing_is_unpickled(exported: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something is unpickled")

    for module in (pickle, torch):
        monkeypatch.setattr(module, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    assert isinstance(load_model(exported["defer-gate"]).decide(TABLE), pd.DataFrame)
