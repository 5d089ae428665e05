"""The keys of a study file, and what must hold between them. Behind this border, a study is a ``Plan``."""

import re
from collections.abc import Mapping
from math import ceil, prod
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from study.config.plan import ArmPlan, DecisionMakerPlan, Plan, SearchPlan, ThresholdOptions
from study.config.sections import (
    ADAPTIVE,
    CostsSection,
    InconsistentSection,
    PackSection,
    ResourcesSection,
    SearchSection,
    ThresholdsSection,
    TrainingSection,
    by_name,
    with_score,
)
from study.config.spaces import (
    ARMS,
    COEFFICIENTS,
    NONE,
    FoundRange,
    ModelName,
    Range,
    Space,
)
from study.data.own.section import DatasetSection, Section, listed
from study.models.families import FAMILIES
from study.words import (
    BASELINE_MODELS,
    DEFAULT_METHODS,
    METHODS,
    NO_DECISION_MAKER,
    PLAIN_MODEL,
    Arm,
    Costs,
    Method,
)

DecisionMakerName = Literal["column", "standard", "biased", "inconsistent", "oracle"]

_SEEDS_ALLOWED = "write how many seeds (1 to 10000), or a list of numbers from 0 to 2^63 - 1"
# Small packs leave lanes empty at their end, large ones leave workers without one.
_STEP, _LARGEST_PACK = 64, 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def _seed_list(value: object) -> object:
    """Take ``5`` as the seeds 0 to 4."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 < value <= 10_000:
            raise ValueError(_SEEDS_ALLOWED)
        return tuple(range(value))
    return listed(value)


class StudyConfig(Section):
    """These are the keys of a study file; each may be left out."""

    study: str = Field(
        default="default", description="its name: letters, digits, `.`, `_`, `-`; the file's unless given"
    )
    dataset: Annotated[DatasetSection, BeforeValidator(by_name)] = Field(
        default=DatasetSection(), description="the data"
    )
    decision_maker: Annotated[tuple[DecisionMakerName, ...], BeforeValidator(listed)] = Field(
        default=("standard",),
        description="one or a list: `column` is the decisions in your own table, the others are simulated",
    )
    methods: Annotated[tuple[Method, ...], BeforeValidator(listed)] = Field(
        default=DEFAULT_METHODS,
        description="one or a list; `binary` never defers; by default those of these that `model` supports",
    )
    model: Annotated[tuple[ModelName, ...], BeforeValidator(listed)] = Field(
        default=("mlp", "ordinal", "actions", "pair"),
        description="one or a list; every method is trained with each model that supports it; "
        "`{given: COLUMN}` is a model that you have, whose probabilities of 1 are in that column of your "
        "table: only when to defer is learned",
    )
    search: SearchSection = Field(default=SearchSection(), description="which settings are tried")
    costs: CostsSection = Field(default=CostsSection(), description="what errors and deferrals cost")
    test_decision_maker: DecisionMakerName | None = Field(
        default=None, description="test with this decision-maker, whatever a model was trained with"
    )
    thresholds: ThresholdsSection = Field(
        default=ThresholdsSection(),
        description="how thresholds are chosen after training, for models that do not learn them",
    )
    inconsistent: InconsistentSection = Field(
        default=InconsistentSection(), description="options of the decision-maker `inconsistent`"
    )
    seeds: Annotated[tuple[int, ...], BeforeValidator(_seed_list)] = Field(
        default=(0, 1, 2, 3, 4), description="how many seeds, from 0 on, or a list of them"
    )
    training: TrainingSection = Field(default=TrainingSection(), description="training options")
    pack: PackSection = Field(default=PackSection(), description="how many settings train together")
    resources: ResourcesSection = Field(
        default=ResourcesSection(), description="where the study is trained"
    )

    @model_validator(mode="before")
    @classmethod
    def _fitting(cls, raw: Any) -> Any:
        """Take the column of a given model as a role of the table's, and defaults that suit the models.

        Left out are those of the default methods that the models cannot be trained to. With a given model,
        all that it can do are compared, and thresholds are exact.
        """
        if not isinstance(raw, Mapping) or "model" not in raw:
            return raw
        raw = with_score(raw)
        families = [family for name, family in FAMILIES.items() if name in raw["model"]]
        wanted = {*DEFAULT_METHODS, *(m for family in families if family.given for m in family.methods)}
        fitting = [m for m in METHODS if m in wanted and any(m in family.methods for family in families)]
        if fitting and "methods" not in raw:
            raw["methods"] = fitting
        thresholds = raw.get("thresholds", {})
        if isinstance(thresholds, Mapping) and any(family.given for family in families):
            raw["thresholds"] = {"sampler": "exact", **thresholds}
        return raw

    @field_validator("study")
    @classmethod
    def _named(cls, value: str) -> str:
        if not NAME.fullmatch(value):
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
        if self.dataset.splits > 1 and self.search.sampler in ADAPTIVE:
            raise ValueError(
                f"dataset.splits: sampler {self.search.sampler} learns from validation rows, which are "
                "test rows of another split; give search.sampler qmc, random or grid, or one split"
            )
        given = [name for name in self.model if FAMILIES[name].given]
        if given and not self.dataset.score:
            raise ValueError(
                f"model: {given[0]} is a model that you have; write {{{given[0]}: COLUMN}}, the column of "
                "your own table that holds its probabilities of the label's 1"
            )
        for method in self.methods:
            if not any(method in FAMILIES[name].methods for name in self.model):
                able = [family for family in FAMILIES.values() if method in family.methods]
                fitting = [family.name for family in able if not family.given]
                fitting = fitting or [f"{{{family.name}: COLUMN}}" for family in able]
                also = "".join(
                    f"; a model that is {name} can do {', '.join(FAMILIES[name].methods)}" for name in given
                )
                raise ValueError(
                    f"model: none of {', '.join(self.model)} can be trained to {method}; "
                    f"{', '.join(fitting)} can{also}"
                )
        if not self.arms():
            raise ValueError(
                f"methods: with a model that is {given[0]}, {', '.join(self.methods)} leaves nothing to "
                f"learn; add one of {', '.join(m for m in FAMILIES[given[0]].methods if m != 'binary')}"
            )
        for arm in self.searched():
            for name, space in self.spaces(*_named(arm)).items():
                self._check_space(_named(arm)[0], name, space)
        unpriced = next((arm.arm for arm in self._arm_plans() if arm.unpriced), None)
        if self.search.sampler == "grid" and unpriced:
            raise ValueError(
                f"search.gamma: sampler grid crosses listed values, but {_named(unpriced)[0]} has none; "
                "give a list, or another sampler"
            )
        return self

    def _check_space(self, arm: str, name: str, space: Space) -> None:
        sampler = self.search.sampler
        if sampler == "grid" and name not in COEFFICIENTS:
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
        values = space.gamma if isinstance(space, FoundRange) else space
        least = values.low if isinstance(values, Range) else min(values)
        method, model = ARMS[arm]
        exact = self.thresholds.sampler == "exact" and FAMILIES[model].chosen_afterwards(method)
        if exact and name != "model_alpha" and least < 0:
            raise ValueError(
                f"search.{name}: thresholds.sampler exact needs numbers from 0 on, but {arm} has "
                f"{least:g}; give others, or thresholds.sampler random"
            )

    def arms(self) -> list[str]:
        """Return what the study's methods and models come to, by name in ``ARMS``."""
        names = {pair: name for name, pair in ARMS.items()}
        pairs = ((method, model) for method in self.methods for model in self.model)
        return [names[pair] for pair in pairs if pair in names]

    def searched(self) -> list[Arm]:
        """Return the arms with each split and decision-maker.

        A method that never defers is trained once, whatever decision-makers there are.
        """
        return [
            Arm(method, model, decision_maker, split)
            for method, model in map(ARMS.__getitem__, self.arms())
            for split in range(self.dataset.splits)
            for decision_maker in ((NO_DECISION_MAKER,) if method == "binary" else self.decision_maker)
        ]

    def spaces(self, arm: str, decision_maker: str = NO_DECISION_MAKER) -> dict[str, Space]:
        """Return what is searched for ``arm``, by coefficient; without gamma where a pilot must find it.

        Thresholds that the search itself proposes leave nothing to weigh but the network's own loss.
        """
        method, model = ARMS[arm]
        search = self.search
        names = FAMILIES[model].quantiles(method)
        if names and self.thresholds.sampler == "search":
            groups = names if self.thresholds.per_group else [n for n in names if n.endswith("a0")]
            quantiles = dict.fromkeys(groups, Range(low=0.0, high=1.0))
            return {"model_alpha": search.model_alpha.get(arm, NONE), **quantiles}
        spaces: dict[str, Space | None] = {"alpha": search.alpha.get(arm, NONE)}
        spaces["gamma"] = search.gamma.get(arm)
        if found := search.pilot.get(str(Arm(method, model, decision_maker))):
            spaces["gamma"] = spaces["gamma"] or found
        spaces["model_alpha"] = search.model_alpha.get(arm)
        return {name: space for name, space in spaces.items() if space is not None}

    def _arm_plans(self) -> tuple[ArmPlan, ...]:
        return tuple(
            ArmPlan(arm, self.spaces(*named), self.settings_of(named[0]))
            for arm in self.searched()
            for named in [_named(arm)]
        )

    def priced(self, found: Mapping[str, FoundRange]) -> "StudyConfig":
        """Return the study with ranges of gamma that a pilot found, by arm."""
        search = self.search.model_copy(update={"pilot": {**self.search.pilot, **found}})
        return self.model_copy(update={"search": search})

    def plan(self) -> Plan:
        """Return the study as plain data."""
        costs = Costs(**self.costs.model_dump())
        return Plan(
            study=self.study,
            dataset=self.dataset.name,
            search=SearchPlan(
                sampler=self.search.sampler,
                seed=self.search.seed,
                arms=self._arm_plans(),
                seeds=self.seeds,
                baseline=Arm("binary", self._baseline_model(), NO_DECISION_MAKER),
                settings_of_pack=self.settings_of_pack,
                splits=self.dataset.splits,
                objectives=(
                    f"validation_{costs.metric}",
                    *("validation_di", "validation_idk_rate"),
                ),
            ),
            decision_makers=DecisionMakerPlan(
                names=self.decision_maker,
                tested_with=self.test_decision_maker,
                where=self.inconsistent.where,
                flip=self.inconsistent.flip,
                seed=self.dataset.split_seed,
            ),
            training=self.training.model_dump(),
            thresholds=ThresholdOptions(**self.thresholds.model_dump()),
            workers=self.resources.workers,
            backend=self.resources.backend,
            costs=costs,
        )

    def _baseline_model(self) -> str:
        return next((name for name in BASELINE_MODELS if name in self.model), PLAIN_MODEL)

    def settings_of(self, arm: str) -> int:
        """Return how many settings are tried in ``arm``, with each decision-maker."""
        if self.search.sampler != "grid":
            return self.search.settings
        return prod(len(space) for space in self.spaces(arm).values() if isinstance(space, tuple))

    @property
    def settings_of_pack(self) -> int:
        """How many settings train together: as the file says, else by the rule of ``PackSection``."""
        if self.pack.settings is not None:
            return self.pack.settings
        if self.search.sampler in ADAPTIVE:
            return _STEP
        most = max(map(self.settings_of, self.arms()))
        share = most if self.resources.backend == "gpu" else most / 8
        return min(_LARGEST_PACK, ceil(share / _STEP) * _STEP)

    def resolved(self) -> dict[str, Any]:
        """Return the study file with every default written out, as plain data for YAML."""
        plain: dict[str, Any] = _plain(self.model_dump())
        arms = self.arms()
        for name in COEFFICIENTS:
            spaces = plain["search"][name]
            plain["search"][name] = {arm: spaces[arm] for arm in arms if arm in spaces}
        found = plain["search"]["pilot"]
        plain["search"]["pilot"] = {
            str(arm): found[str(arm)]
            for arm in self.searched()
            if not arm.split
            if str(arm) in found and _named(arm)[0] not in self.search.gamma
        }
        plain["pack"]["settings"] = self.settings_of_pack
        return plain


def _named(arm: Arm) -> tuple[str, str]:
    """Return an arm as a study file names it, and its decision-maker."""
    return f"{arm.method}-{arm.model}", arm.decision_maker


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
