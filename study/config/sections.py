"""The sections of a study file on what is searched, and on how and where it is trained."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import Field, ValidationInfo, field_validator

from study.config.spaces import FoundRange, Space, Spaces, as_mapping, by_arm
from study.data.own.section import Section, listed, shown
from study.models.families import FAMILIES

SamplerName = Literal["grid", "random", "qmc", "nsga2", "tpe"]
ADAPTIVE: frozenset[str] = frozenset({"nsga2", "tpe"})
"""Samplers whose proposals depend on earlier results."""


class SearchSection(Section):
    """Which settings are tried.

    Each of the three coefficients takes a number, a list or a range, for all or by method (`defer`) or by
    method and model (`defer-ordinal`).
    """

    sampler: SamplerName = Field(
        default="qmc",
        description="`grid` crosses listed values, `random` and `qmc` fill ranges; `nsga2` and `tpe` "
        "minimise validation error, odds difference and deferral rate together, and learn from the "
        "newest 200 settings and the last 100 earlier ones that no other dominates",
    )
    settings: int = Field(
        default=32,
        ge=1,
        le=1_000_000,
        description="settings for every method, model and decision-maker; ignored by `grid`",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="the sampler's seed")
    alpha: Spaces = Field(
        default={},
        validate_default=True,
        description="the weight of unfairness in the loss (Eq. 12 of the paper)",
    )
    gamma: Spaces = Field(
        default={},
        validate_default=True,
        description="the price of deferral or rejection (Eq. 8 and 9); it may be negative. Where it is "
        "left out, a pilot finds the range in which the deferral rate goes from over 90 % to under 2 %",
    )
    model_alpha: Spaces = Field(
        default={},
        validate_default=True,
        description="the alpha that networks are trained with where thresholds are chosen after training",
    )

    pilot: dict[str, FoundRange] = Field(
        default={},
        description="written by the study: what the pilot found, by method, model and decision-maker",
    )

    @field_validator("alpha", "gamma", "model_alpha", mode="before")
    @classmethod
    def _as_mapping(cls, value: object, info: ValidationInfo) -> object:
        return as_mapping(str(info.field_name), value)

    @field_validator("alpha", "gamma", "model_alpha")
    @classmethod
    def _by_arm(cls, value: dict[str, Space], info: ValidationInfo) -> dict[str, Space]:
        return by_arm(str(info.field_name), value)


class CostsSection(Section):
    """What errors and deferrals cost.

    The decision-maker's errors cost as much as the model's. Networks are trained and thresholds are chosen
    for the costs of errors; deferring has its own price in training, gamma, which is searched.
    """

    false_positive: float = Field(default=1.0, gt=0, le=1e6, description="of a wrong positive prediction")
    false_negative: float = Field(default=1.0, gt=0, le=1e6, description="of a wrong negative prediction")
    deferral: float = Field(
        default=0.0, ge=0, le=1e6, description="of asking the decision-maker, in the metric `cost`"
    )


class ThresholdsSection(Section):
    """How thresholds are chosen, for models that need them after training (Appendix C)."""

    sampler: Literal["random", "exact", "search"] = Field(
        default="random",
        description="`random` tries candidates drawn from the training scores, `exact` finds the best, "
        "with `search` the study's own sampler proposes them as quantiles of the training scores",
    )
    candidates: int = Field(
        default=1000, ge=1, le=100_000, description="the number of candidates of `random`"
    )
    per_group: bool = Field(
        default=True, description="separate thresholds for each group, or the same for both"
    )
    choose_on: Literal["validation", "test-half"] = Field(
        default="validation",
        description="the split they are chosen on; with `test-half`, as in the paper, one half of the test "
        "split, and every method of the study is tested on the other half",
    )


class InconsistentSection(Section):
    """The cases on which the decision-maker `inconsistent` is often wrong."""

    where: str | None = Field(
        default=None, description="a condition such as `age <= 35`; by default that of the data set"
    )
    flip: float = Field(
        default=0.3, ge=0, le=1, description="the probability that its p becomes 1 - p in these cases"
    )


class TrainingSection(Section):
    """Training options."""

    hidden: int = Field(default=5, ge=1, le=1000, description="hidden units")
    learning_rate: float = Field(default=0.003, gt=0, le=1, description="Adam's learning rate")
    batch_size: int = Field(default=64, ge=8, le=1_000_000, description="rows per minibatch")
    patience: int = Field(
        default=50,
        ge=1,
        le=100_000,
        description="epochs without improvement of the validation loss after which a run stops",
    )
    max_epochs: int = Field(default=1000, ge=1, le=1_000_000, description="the largest number of epochs")


class PackSection(Section):
    """How many settings train together as one tensor program."""

    settings: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="settings per pack, each with every seed; by default 64 for `nsga2` and `tpe`, which "
        "learn only between packs, otherwise an eighth of the settings of a method and model (all with "
        "`backend: gpu`), rounded up to a multiple of 64, at most 1,024",
    )


class ResourcesSection(Section):
    """Where the study is trained.

    Does not affect results, except that `backend` changes them by rounding error.
    """

    workers: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="worker processes, one per core or, with `gpu`, per GPU; by default all there are",
    )
    backend: Literal["auto", "compiled", "eager", "gpu"] = Field(
        default="auto",
        description="how the training step runs: `compiled` needs a C++ compiler, `gpu` an NVIDIA GPU for "
        "every worker; `auto` compiles large studies where there is a compiler, and leaves GPUs alone",
    )


def by_name(value: object) -> object:
    """Take a data set's name for a section that has nothing else."""
    return {"name": value} if isinstance(value, str) else value


def with_score(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study file's keys with names in ``model``, and ``{given: COLUMN}`` as dataset.score."""
    models, dataset = [], by_name(raw.get("dataset", {}))
    for model in cast(tuple[Any, ...], listed(raw["model"])):
        name, column = next(iter(model.items())) if isinstance(model, Mapping) and model else (model, None)
        if column is not None and name in FAMILIES and FAMILIES[name].given and len(model) == 1:
            if not isinstance(column, str):
                raise ValueError(f"model.{name}: {shown(column)} is not a column's name; write text")
            if isinstance(dataset, Mapping):
                if dataset.get("score", column) != column:
                    raise ValueError(
                        f"model.{name}: names column {shown(column)}, and dataset.score "
                        f"{shown(dataset['score'])}; one given model is allowed"
                    )
                dataset = {**dataset, "score": column}
            model = name
        models.append(model)
    return {**raw, "model": models, **({"dataset": dataset} if dataset else {})}
