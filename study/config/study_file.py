"""The keys of a study file, and what must hold between them. Behind this border, a study is a ``Plan``."""

import re
from collections.abc import Mapping
from math import ceil, prod
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from study.config.consistency import check_data, check_models, check_spaces
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
        makers, sampler = (*self.decision_maker, self.test_decision_maker), self.search.sampler
        check_data(self.dataset, makers, sampler)
        check_models(self.model, self.methods, self.dataset.score)
        check_spaces(self._arm_plans(), sampler, self.thresholds.sampler)
        return self

    def arms(self) -> list[str]:
        """Return what the study's methods and models come to, by name in ``ARMS``."""
        names = (f"{method}-{model}" for method in self.methods for model in self.model)
        return [name for name in names if name in ARMS]

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
        found = search.pilot.get(str(Arm(method, model, decision_maker)))
        spaces: dict[str, Space | None] = {
            "alpha": search.alpha.get(arm, NONE),
            "gamma": search.gamma.get(arm, found),
            "model_alpha": search.model_alpha.get(arm),
        }
        return {name: space for name, space in spaces.items() if space is not None}

    def _arm_plans(self) -> tuple[ArmPlan, ...]:
        """Return what is searched in every arm, with each split and decision-maker.

        A method that never defers is trained once, whatever decision-makers there are.
        """
        return tuple(
            ArmPlan(
                Arm(method, model, decision_maker, split),
                self.spaces(name, decision_maker),
                self._settings_of(name),
            )
            for name, (method, model) in ((name, ARMS[name]) for name in self.arms())
            for split in range(self.dataset.splits)
            for decision_maker in ((NO_DECISION_MAKER,) if method == "binary" else self.decision_maker)
        )

    def _settings_of(self, arm: str) -> int:
        """Return how many settings are tried in ``arm``, with each decision-maker."""
        if self.search.sampler != "grid":
            return self.search.settings
        return prod(len(space) for space in self.spaces(arm).values() if isinstance(space, tuple))

    def priced(self, found: Mapping[str, FoundRange]) -> "StudyConfig":
        """Return the study with ranges of gamma that a pilot found, by arm."""
        search = self.search.model_copy(update={"pilot": {**self.search.pilot, **found}})
        return self.model_copy(update={"search": search})

    def plan(self) -> Plan:
        """Return the study as plain data."""
        costs = Costs(**self.costs.model_dump())
        baseline = next((name for name in BASELINE_MODELS if name in self.model), PLAIN_MODEL)
        return Plan(
            study=self.study,
            dataset=self.dataset.name,
            search=SearchPlan(
                sampler=self.search.sampler,
                seed=self.search.seed,
                arms=self._arm_plans(),
                seeds=self.seeds,
                baseline=Arm("binary", baseline, NO_DECISION_MAKER),
                settings_of_pack=self._settings_of_pack(),
                splits=self.dataset.splits,
                objectives=(f"validation_{costs.metric}", "validation_di", "validation_idk_rate"),
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

    def _settings_of_pack(self) -> int:
        """Return how many settings train together: as the file says, else as ``PackSection`` describes."""
        if self.pack.settings is not None:
            return self.pack.settings
        if self.search.sampler in ADAPTIVE:
            return _STEP
        most = max(map(self._settings_of, self.arms()))
        share = most if self.resources.backend == "gpu" else most / 8
        return min(_LARGEST_PACK, ceil(share / _STEP) * _STEP)

    def resolved(self) -> dict[str, Any]:
        """Return the study file with every default written out, as plain data for YAML."""
        plain = self.model_dump(mode="json")
        arms, search = self.arms(), plain["search"]
        for name in COEFFICIENTS:
            search[name] = {arm: search[name][arm] for arm in arms if arm in search[name]}
        first = [plan.arm for plan in self._arm_plans() if not plan.arm.split]
        named = {str(arm): f"{arm.method}-{arm.model}" for arm in first}
        search["pilot"] = {
            arm: search["pilot"][arm]
            for arm, name in named.items()
            if arm in search["pilot"] and name not in self.search.gamma
        }
        plain["pack"]["settings"] = self._settings_of_pack()
        return plain
