"""The study file: YAML as a person writes it, validated and resolved with every default written out.

This is the border: pydantic models live here and nowhere else. Everything that can be wrong in a file
becomes one StudyFileError that names the file, the key and what is allowed.
"""

import contextlib
import copy
import math
import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from study.errors import StudyFileError

Method = Literal["binary", "reject", "defer"]
ModelName = Literal["mlp", "ordinal"]
DecisionMakerName = Literal["standard", "biased", "oracle"]
SamplerName = Literal["grid", "random", "qmc", "nsga2", "tpe"]

METHOD_NAMES: tuple[Method, ...] = ("binary", "reject", "defer")
MODEL_METHODS: dict[ModelName, tuple[Method, ...]] = {
    "mlp": ("binary",),
    "ordinal": ("reject", "defer"),
}
_SEEDS_ALLOWED = "write how many seeds (1 to 10000), or a list of numbers from 0 to 2^63 - 1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Range(_Section):
    """An interval to search, uniformly or (``log``) uniformly in the logarithm."""

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range must lie above 0, got low: {self.low:g}")
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"the range {self.low:g} to {self.high:g} is too wide for a number")
        return self


Space = Range | tuple[float, ...]
"""Where a coefficient may lie: a range, or the listed values."""


def _space(value: object) -> object:
    """Turn a number or a list into a tuple of floats, a mapping into a Range."""
    if isinstance(value, Mapping):
        return Range.model_validate(dict(value))
    if isinstance(value, Range):
        return value
    items = list(value) if isinstance(value, list | tuple) else [value]
    if not items:
        raise ValueError("the list is empty; give at least one number")
    return tuple(dict.fromkeys(_number(item) for item in items))


def _number(item: object) -> float:
    if isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < math.inf:
        with contextlib.suppress(OverflowError):
            return float(item) + 0.0  # -0.0 becomes 0.0: the same setting
    raise ValueError(
        f"{_shown(item)} is not a finite number; allowed are a number, a list of numbers, or "
        "{low, high, log}"
    )


def _by_method(value: object) -> object:
    """Spread one space over all methods, or take a mapping from methods to spaces."""
    if isinstance(value, Mapping) and not {"low", "high", "log"} & set(value):
        unknown = [key for key in value if key not in METHOD_NAMES]
        if unknown:
            raise ValueError(
                f"{unknown[0]!r} is not a method or part of a range; allowed are "
                f"{', '.join(METHOD_NAMES)}, or low, high, log"
            )
        return value
    return {method: _space(value) for method in METHOD_NAMES}


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _seed_list(value: object) -> object:
    """Take ``5`` as the seeds 0 to 4."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 < value <= 10_000:
            raise ValueError(_SEEDS_ALLOWED)
        return tuple(range(value))
    return _listed(value)


SpaceByMethod = Annotated[
    dict[Method, Annotated[Space, BeforeValidator(_space)]], BeforeValidator(_by_method)
]


class DatasetSection(_Section):
    """Which table, where its file is if it does not ship with the package, and how it is split."""

    name: str = "compas-two-year"
    path: str | None = None
    split_seed: int = Field(default=0, ge=0, lt=2**63)

    @field_validator("path")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        try:
            usable = value is None or b"\0" not in os.fsencode(value)
        except UnicodeEncodeError:
            usable = False
        if not usable:
            raise ValueError(f"{value!r} is not the name of a file")
        return value


DEFAULT_SPACES: dict[str, dict[Method, Space]] = {
    "alpha": {
        "binary": Range(low=0.01, high=1.0, log=True),
        "reject": Range(low=0.01, high=1.0, log=True),
        "defer": Range(low=0.1, high=30.0, log=True),
    },
    "gamma": {
        "reject": Range(low=0.5, high=0.7),
        "defer": Range(low=0.03, high=0.15),
    },
}


class SearchSection(_Section):
    """Which settings are tried: ``settings`` of them for every method, model and decision-maker."""

    sampler: SamplerName = "qmc"
    settings: int = Field(default=64, ge=1, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    alpha: SpaceByMethod = Field(default={}, validate_default=True)
    gamma: SpaceByMethod = Field(default={}, validate_default=True)

    @field_validator("gamma", mode="before")
    @classmethod
    def _has_gamma(cls, value: object) -> object:
        if isinstance(value, Mapping) and "binary" in value:
            raise ValueError("binary never says IDK and has no gamma; allowed are reject, defer")
        return value

    @field_validator("alpha", "gamma")
    @classmethod
    def _defaults(cls, value: dict[Method, Space], info: Any) -> dict[Method, Space]:
        """Fill in the methods left out; a method without this coefficient has no space."""
        defaults = DEFAULT_SPACES[info.field_name]
        return {method: value.get(method, space) for method, space in defaults.items()}


class TrainingSection(_Section):
    """How every run is trained."""

    hidden: int = Field(default=5, ge=1, le=1000)
    learning_rate: float = Field(default=0.003, gt=0, le=1)
    batch_size: int = Field(default=64, ge=2, le=1_000_000)
    patience: int = Field(default=50, ge=1, le=100_000)
    max_epochs: int = Field(default=1000, ge=1, le=1_000_000)


class PackSection(_Section):
    """How many settings train together, each under every seed."""

    settings: int = Field(default=64, ge=1, le=4096)


class ResourcesSection(_Section):
    """Workers on one machine, one core each (null: a worker per core), and how the step runs.

    ``backend``: ``compiled`` needs a C++ compiler, ``eager`` nothing; ``auto`` compiles large studies
    where it can.
    """

    workers: int | None = Field(default=None, ge=1, le=100_000)
    backend: Literal["auto", "compiled", "eager"] = "auto"


class StudyConfig(_Section):
    """A whole study file."""

    study: str = "default"
    dataset: Annotated[
        DatasetSection, BeforeValidator(lambda v: {"name": v} if isinstance(v, str) else v)
    ] = DatasetSection()
    decision_maker: Annotated[tuple[DecisionMakerName, ...], BeforeValidator(_listed)] = ("standard",)
    methods: Annotated[tuple[Method, ...], BeforeValidator(_listed)] = METHOD_NAMES
    model: Annotated[tuple[ModelName, ...], BeforeValidator(_listed)] = ("mlp", "ordinal")
    search: SearchSection = SearchSection()
    thresholds: Literal["learned"] = "learned"
    seeds: Annotated[tuple[int, ...], BeforeValidator(_seed_list)] = (0, 1, 2, 3, 4)
    training: TrainingSection = TrainingSection()
    pack: PackSection = PackSection()
    resources: ResourcesSection = ResourcesSection()

    @field_validator("study")
    @classmethod
    def _named(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"{value!r} is not a name; letters, digits, . _ and - are allowed")
        return value

    @field_validator("decision_maker", "methods", "model", "seeds")
    @classmethod
    def _distinct(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("the list is empty; give at least one")
        if len(set(value)) < len(value):
            raise ValueError("an entry is listed twice; list each once")
        return value

    @field_validator("seeds")
    @classmethod
    def _seeds(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if min(value) < 0 or max(value) >= 2**63:
            raise ValueError(_SEEDS_ALLOWED)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "StudyConfig":
        for method in self.methods:
            if not any(method in MODEL_METHODS[name] for name in self.model):
                fitting = [name for name, methods in MODEL_METHODS.items() if method in methods]
                raise ValueError(
                    f"model: none of {', '.join(self.model)} can be trained to {method}; "
                    f"{', '.join(fitting)} can"
                )
        sampler = self.search.sampler
        for key, spaces in (("alpha", self.search.alpha), ("gamma", self.search.gamma)):
            for method in self.methods:
                space = spaces.get(method)
                if sampler == "grid" and isinstance(space, Range):
                    raise ValueError(
                        f"search.{key}: sampler grid crosses listed values, but {method} has the range "
                        f"{space.low:g} to {space.high:g}; give a list, or another sampler"
                    )
                if sampler == "qmc" and isinstance(space, tuple) and len(space) > 1:
                    raise ValueError(
                        f"search.{key}: sampler qmc fills ranges evenly, but {method} has a list; "
                        "give {low, high}, or another sampler"
                    )
        return self

    def resolved(self) -> dict[str, Any]:
        """Return the study file with every default written out, as plain data for YAML."""
        plain: dict[str, Any] = _plain(self.model_dump())
        return plain


def preset_names() -> list[str]:
    """Return the names of the presets that ship with the package."""
    folder = resources.files("study.presets")
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def load_config(source: str | Path, overrides: Sequence[str] = ()) -> StudyConfig:
    """Read a study file or preset, apply ``KEY=VALUE`` overrides, and validate the whole.

    Raises StudyFileError with one line for a missing file, broken YAML, an unknown key or a value that
    is not allowed.
    """
    where = str(source)
    if isinstance(source, str) and source in preset_names():
        text = resources.files("study.presets").joinpath(f"{source}.yaml").read_text("utf-8")
        where = f"preset {source}"
    else:
        text = _read(Path(source))
    raw = parse_yaml(text, where)
    if _NAME.fullmatch(Path(source).stem):
        raw.setdefault("study", Path(source).stem)
    return validate(raw, where, overrides)


def validate(raw: Mapping[str, Any], where: str, overrides: Sequence[str] = ()) -> StudyConfig:
    """Return the validated study, after ``KEY=VALUE`` overrides.

    Raises StudyFileError, naming ``where`` the study came from.
    """
    whole = copy.deepcopy(dict(raw))
    for override in overrides:
        _set(whole, override)
    try:
        return StudyConfig.model_validate(whole)
    except ValidationError as error:
        raise StudyFileError(f"{where}: {_explain(error)}") from None


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Parse a mapping from YAML, safely; duplicate keys and other documents are refused."""
    try:
        raw = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError) as error:
        # The last two: a value that does not fit its tag, such as !!bool maybe.
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        words = str(error).splitlines() or [type(error).__name__]
        problem = getattr(error, "problem", None) or words[0]
        raise StudyFileError(f"{where}:{line} is not valid YAML ({problem})") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise StudyFileError(f"{where}: a study file is a mapping of keys, got {type(raw).__name__}")
    return raw


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Write plain data as YAML, keys in the order given."""
    text: str = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100)
    return text


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys whose values differ, with both values; ``resources`` decide no row."""
    found = []
    for key in dict.fromkeys([*old, *new]):
        name = f"{prefix}{key}"
        if name == "resources" or old.get(key) == new.get(key):
            continue
        if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
            found += changed_keys(old[key], new[key], f"{name}.")
        else:
            found.append(f"{name} ({old.get(key)} there, {new.get(key)} now)")
    return found


class _Loader(yaml.SafeLoader):
    """YAML as people write it: 1e-3 is a number, and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "expected a mapping", node.start_mark)
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not a word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes what ``_Loader`` would take for a number."""


for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
        list("-+.0123456789"),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise StudyFileError(
            f"{path}: no such study file, and no preset of that name; presets are "
            f"{', '.join(preset_names())}"
        ) from None
    except UnicodeDecodeError:
        raise StudyFileError(f"{path}: is not a text file in UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudyFileError(f"{path}: cannot be read ({reason})") from None


def _set(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise StudyFileError(f"--set {override}: write KEY=VALUE, such as search.settings=200")
    *parents, last = key.strip().split(".")
    place = raw
    for parent in parents:
        if not isinstance(place.get(parent), dict):
            # A shorthand such as `dataset: compas` gives way to the section it stands for.
            place[parent] = {"name": place[parent]} if isinstance(place.get(parent), str) else {}
        place = place[parent]
    place[last] = parse_yaml(f"value: {value}", f"--set {key}")["value"]


def _explain(error: ValidationError) -> str:
    """Word the first problem as key, what is wrong, what is allowed; say how many more there are."""
    problems = error.errors(include_url=False)
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    model_words = {"Range", "tuple", "function-before", "constrained"}
    parts = [str(p) for p in first["loc"] if not any(str(p).startswith(w) for w in model_words)]
    key = ".".join(part if part.isprintable() else repr(part) for part in parts)
    message = _word(first)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return (f"{key}: {message}" if key else message) + more


def _word(problem: Any) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    shown = _shown(problem["input"])
    if kind == "extra_forbidden":
        return f"unknown key; allowed are {', '.join(_keys_beside(problem['loc']))}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"{shown} is not allowed; allowed are {context['expected']}"
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return f"{shown} is not a section; write keys and values beneath it"
    text = str(problem["msg"])
    return f"{shown} is not allowed; {text[0].lower()}{text[1:]}"


def _shown(value: object) -> str:
    """Return a value as it stands in the file, cut to a length that fits a line."""
    brief = reprlib.Repr()
    brief.maxlevel = 3
    brief.maxstring = brief.maxother = brief.maxlong = 60
    try:
        text = brief.repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits.
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _keys_beside(location: Sequence[str | int]) -> list[str]:
    """Return the keys that are allowed where an unknown one was found."""
    section: type[BaseModel] = StudyConfig
    for part in location[:-1]:
        field = section.model_fields.get(str(part))
        inner = field.annotation if field else None
        section = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else Range
    return list(section.model_fields)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
