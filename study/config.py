"""The study file: YAML as a person writes it, validated and resolved with every default written out.

This is the border: pydantic models live here and nowhere else. Everything that can be wrong in a file
becomes one StudyFileError that names the file, the key and what is allowed.
"""

import copy
import os
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from study.errors import StudyFileError
from study.spaces import (
    ARMS,
    CHOSEN_AFTERWARDS,
    DEFAULTS,
    METHOD_NAMES,
    MODEL_METHODS,
    Method,
    ModelName,
    Range,
    Section,
    Space,
    Spaces,
    as_mapping,
    by_arm,
    shown,
)
from study.yaml_text import parse_yaml

if TYPE_CHECKING:
    from study.data import Dataset, TableColumns

DecisionMakerName = Literal["column", "standard", "biased", "inconsistent", "oracle"]
SamplerName = Literal["grid", "random", "qmc", "nsga2", "tpe"]

_SEEDS_ALLOWED = "write how many seeds (1 to 10000), or a list of numbers from 0 to 2^63 - 1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _seed_list(value: object) -> object:
    """Take ``5`` as the seeds 0 to 4."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 < value <= 10_000:
            raise ValueError(_SEEDS_ALLOWED)
        return tuple(range(value))
    return _listed(value)


def _column_value(value: object) -> object:
    if not isinstance(value, str | bool | int | float) or (
        isinstance(value, float) and not isfinite(value)
    ):
        raise ValueError(
            f"{shown(value)} is not a value of a column; text, a number or a boolean is allowed"
        )
    return value


ColumnValue = Annotated[str | bool | int | float, BeforeValidator(_column_value)]
ColumnNames = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class LabelSection(Section):
    """The column of the outcome; ``positive`` names which of its two values counts as 1."""

    column: str
    positive: ColumnValue | None = None


class SensitiveSection(Section):
    """The column of the sensitive attribute: who has the value ``is``, or a number from ``at_least`` on."""

    column: str
    equals: ColumnValue | None = Field(default=None, alias="is")
    at_least: float | None = None

    @model_validator(mode="after")
    def _one(self) -> "SensitiveSection":
        if self.equals is not None and self.at_least is not None:
            raise ValueError("is and at_least are both given; one of them is allowed")
        return self


class PeopleSection(Section):
    """The columns of what people decided, and how several of them become one decision-maker."""

    columns: ColumnNames
    combine: Literal["draw", "majority"] | None = None

    @model_validator(mode="after")
    def _combined(self) -> "PeopleSection":
        if len(set(self.columns)) < max(len(self.columns), 1):
            raise ValueError("columns: give at least one column, each once")
        if len(self.columns) > 1 and self.combine is None:
            raise ValueError("combine: is missing; with several columns draw or majority is allowed")
        if len(self.columns) == 1 and self.combine is not None:
            raise ValueError("combine: there is one column only; leave it out")
        return self


def _column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class DatasetSection(Section):
    """Which table, where its file is if it does not ship with the package, and how it is split.

    With ``label`` and ``sensitive`` it is a table of the user's own, whose columns have the roles named
    here: ``decision_maker`` decided, ``dm_only`` only the decision-maker sees, ``drop`` nobody uses, and the
    rest, or ``features``, the model sees. ``split`` is a column of train, validation and test; rows with the
    same value in ``group`` are never on two sides.
    """

    name: str = "compas-two-year"
    path: str | None = None
    split_seed: int = Field(default=0, ge=0, lt=2**63)
    label: Annotated[LabelSection | None, BeforeValidator(_column)] = None
    sensitive: Annotated[SensitiveSection | None, BeforeValidator(_column)] = None
    decision_maker: Annotated[
        PeopleSection | None, BeforeValidator(lambda v: {"columns": v} if isinstance(v, str | list) else v)
    ] = None
    features: ColumnNames | None = None
    drop: ColumnNames = ()
    dm_only: ColumnNames = ()
    split: str | None = None
    group: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_file(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "name" in value or not isinstance(value.get("path"), str):
            return value
        from study.data import table_name

        # Only a table of one's own has no name; said here, where it is still known that none was given.
        named = {**value, "name": table_name(value["path"])}
        return named if set(value) - {"path", "split_seed"} else {**named, "label": None}

    @model_validator(mode="after")
    def _whole(self) -> "DatasetSection":
        if self.model_fields_set <= {"name", "path", "split_seed"}:
            return self
        for key in ("path", "label", "sensitive"):
            if getattr(self, key) is None:
                raise ValueError(f"{key} is missing; a table of your own needs path, label and sensitive")
        if self.features == ():
            raise ValueError("features: the list is empty; name a column, or leave it out for all the rest")
        return self

    @property
    def columns(self) -> "TableColumns | None":
        """The roles of columns in a table of the user's own; None for a data set that the project knows."""
        if self.path is None or self.label is None or self.sensitive is None:
            return None
        from study.data import Group, TableColumns

        people = self.decision_maker
        return TableColumns(
            path=self.path,
            label=self.label.column,
            sensitive=Group(self.sensitive.column, self.sensitive.equals, self.sensitive.at_least),
            positive=self.label.positive,
            decision_maker=people.columns if people else (),
            combine=people.combine if people else None,
            features=self.features,
            drop=self.drop,
            dm_only=self.dm_only,
            split=self.split,
            group=self.group,
        )

    def load(self) -> "Dataset":
        """Return the data set; raises DataError where it cannot be had."""
        from study.data import load_dataset

        return load_dataset(self.name, path=self.path, columns=self.columns, split_seed=self.split_seed)

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write a table's roles only where there are any; a role's own keys only where they are given."""
        kept = {key: value for key, value in plain(self).items() if value is not None and value != ()}
        for key in ("label", "sensitive", "decision_maker"):
            if key in kept:
                kept[key] = {inner: value for inner, value in kept[key].items() if value is not None}
        if "equals" in kept.get("sensitive", {}):
            kept["sensitive"]["is"] = kept["sensitive"].pop("equals")
        return {"name": self.name, "path": self.path, **kept}

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


class SearchSection(Section):
    """Which settings are tried: ``settings`` of them for every method, model and decision-maker."""

    sampler: SamplerName = "qmc"
    settings: int = Field(default=64, ge=1, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    alpha: Spaces = Field(default={}, validate_default=True)
    gamma: Spaces = Field(default={}, validate_default=True)
    model_alpha: Spaces = Field(default={}, validate_default=True)

    @field_validator("alpha", "gamma", "model_alpha", mode="before")
    @classmethod
    def _as_mapping(cls, value: object, info: ValidationInfo) -> object:
        return as_mapping(str(info.field_name), value)

    @field_validator("alpha", "gamma", "model_alpha")
    @classmethod
    def _by_arm(cls, value: dict[str, Space], info: ValidationInfo) -> dict[str, Space]:
        return by_arm(str(info.field_name), value)


class ThresholdsSection(Section):
    """How ``posthoc`` and ``bayes`` get their thresholds after training (Appendix C).

    ``random`` tries ``candidates`` drawn from the training scores, ``exact`` finds the best there are,
    and with ``search`` the study's own sampler proposes them, as quantiles of the training scores.
    They are chosen on the validation split or, as in the paper, on one half of the test split; then
    the other half is what every method of the study is tested on.
    """

    sampler: Literal["random", "exact", "search"] = "random"
    candidates: int = Field(default=1000, ge=1, le=100_000)
    per_group: bool = True
    choose_on: Literal["validation", "test-half"] = "validation"


class InconsistentSection(Section):
    """On whom the decision-maker ``inconsistent`` errs: with probability ``flip`` its p becomes 1 - p.

    ``where`` is a condition such as ``age <= 35``; left out, the data set's own.
    """

    where: str | None = None
    flip: float = Field(default=0.3, ge=0, le=1)


class TrainingSection(Section):
    """How every run is trained."""

    hidden: int = Field(default=5, ge=1, le=1000)
    learning_rate: float = Field(default=0.003, gt=0, le=1)
    batch_size: int = Field(default=64, ge=8, le=1_000_000)
    patience: int = Field(default=50, ge=1, le=100_000)
    max_epochs: int = Field(default=1000, ge=1, le=1_000_000)


class PackSection(Section):
    """How many settings train together, each under every seed."""

    settings: int = Field(default=64, ge=1, le=4096)


class ResourcesSection(Section):
    """Workers on one machine, one core each (null: a worker per core), and how the step runs.

    ``backend``: ``compiled`` needs a C++ compiler, ``eager`` nothing; ``auto`` compiles large studies
    where it can.
    """

    workers: int | None = Field(default=None, ge=1, le=100_000)
    backend: Literal["auto", "compiled", "eager"] = "auto"


class StudyConfig(Section):
    """A whole study file."""

    study: str = "default"
    dataset: Annotated[
        DatasetSection, BeforeValidator(lambda v: {"name": v} if isinstance(v, str) else v)
    ] = DatasetSection()
    decision_maker: Annotated[tuple[DecisionMakerName, ...], BeforeValidator(_listed)] = ("standard",)
    methods: Annotated[tuple[Method, ...], BeforeValidator(_listed)] = METHOD_NAMES
    model: Annotated[tuple[ModelName, ...], BeforeValidator(_listed)] = ("mlp", "ordinal")
    search: SearchSection = SearchSection()
    test_decision_maker: DecisionMakerName | None = None
    thresholds: ThresholdsSection = ThresholdsSection()
    inconsistent: InconsistentSection = InconsistentSection()
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
        if "column" in (*self.decision_maker, self.test_decision_maker) and not self.dataset.decision_maker:
            raise ValueError(
                "decision_maker: column is what people decided in a table of your own; name the column in "
                "dataset.decision_maker"
            )
        for method in self.methods:
            if not any(method in MODEL_METHODS[name] for name in self.model):
                fitting = [name for name, methods in MODEL_METHODS.items() if method in methods]
                raise ValueError(
                    f"model: none of {', '.join(self.model)} can be trained to {method}; "
                    f"{', '.join(fitting)} can"
                )
        for arm in self.arms():
            for name, space in self.spaces(arm).items():
                self._check_space(arm, name, space)
        return self

    def _check_space(self, arm: str, name: str, space: Space) -> None:
        sampler = self.search.sampler
        if sampler == "grid" and name not in DEFAULTS:
            raise ValueError(
                f"thresholds.sampler: search proposes quantiles of {arm} from 0 to 1, which sampler grid "
                "does not; give random or exact, or another search.sampler"
            )
        if sampler == "grid" and isinstance(space, Range):
            raise ValueError(
                f"search.{name}: sampler grid crosses listed values, but {arm} has the range {space.low:g} "
                f"to {space.high:g}; give a list, or another sampler"
            )
        if sampler == "qmc" and isinstance(space, tuple) and len(space) > 1:
            raise ValueError(
                f"search.{name}: sampler qmc fills ranges evenly, but {arm} has a list; give "
                "{low, high}, or another sampler"
            )
        least = space.low if isinstance(space, Range) else min(space)
        exact = self.thresholds.sampler == "exact" and arm in DEFAULTS["model_alpha"]
        if exact and name != "model_alpha" and least < 0:
            raise ValueError(
                f"search.{name}: thresholds.sampler exact needs numbers from 0 on, but {arm} has "
                f"{least:g}; give others, or thresholds.sampler random"
            )

    def arms(self) -> list[str]:
        """Return the arms that the study's methods and models come to, as words."""
        pairs = ((method, model) for method in self.methods for model in self.model)
        return [f"{method}-{model}" for method, model in pairs if f"{method}-{model}" in ARMS]

    def spaces(self, arm: str) -> dict[str, Space]:
        """Return what is searched for ``arm``, by coefficient.

        Thresholds that the search itself proposes leave nothing to weigh but the network's own loss.
        """
        method, _, model = arm.partition("-")
        search = self.search
        names = CHOSEN_AFTERWARDS.get(model, ()) if method != "binary" else ()  # type: ignore[call-overload]
        if names and self.thresholds.sampler == "search":
            groups = names if self.thresholds.per_group else [n for n in names if n.endswith("a0")]
            quantiles = dict.fromkeys(groups, Range(low=0.0, high=1.0))
            return {"model_alpha": search.model_alpha[arm], **quantiles}
        spaces = {"alpha": search.alpha, "gamma": search.gamma, "model_alpha": search.model_alpha}
        return {name: by_arm[arm] for name, by_arm in spaces.items() if arm in by_arm}

    def resolved(self) -> dict[str, Any]:
        """Return the study file with every default written out, as plain data for YAML."""
        plain: dict[str, Any] = _plain(self.model_dump())
        arms = self.arms()
        for name in ("alpha", "gamma", "model_alpha"):
            spaces = plain["search"][name]
            plain["search"][name] = {arm: spaces[arm] for arm in arms if arm in spaces}
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
            word = "name" if parent == "dataset" else "column"
            place[parent] = {word: place[parent]} if isinstance(place.get(parent), str) else {}
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
    value = shown(problem["input"])
    if kind == "extra_forbidden":
        return f"unknown key; allowed are {', '.join(_keys_beside(problem['loc']))}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"{value} is not allowed; allowed are {context['expected']}"
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return f"{value} is not a section; write keys and values beneath it"
    text = str(problem["msg"])
    return f"{value} is not allowed; {text[0].lower()}{text[1:]}"


def _keys_beside(location: Sequence[str | int]) -> list[str]:
    """Return the keys that are allowed where an unknown one was found."""
    section: type[BaseModel] = StudyConfig
    for part in location[:-1]:
        field = section.model_fields.get(str(part))
        inner = field.annotation if field else None
        kinds = [kind for kind in (inner, *get_args(inner)) if isinstance(kind, type)]
        section = next((kind for kind in kinds if issubclass(kind, BaseModel)), Range)
    return [field.alias or name for name, field in section.model_fields.items()]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
