"""What must hold between the keys of a study file; each check raises ValueError in one line."""

from collections.abc import Iterable, Sequence

from study.config.plan import ArmPlan
from study.config.sections import ADAPTIVE
from study.config.spaces import ARMS, COEFFICIENTS, FoundRange, Range, Space
from study.data.own.section import DatasetSection
from study.models.families import FAMILIES


def check_data(dataset: DatasetSection, decision_makers: Iterable[str | None], sampler: str) -> None:
    """The decision-makers must be in the table, and a sampler that learns needs one split."""
    if "column" in decision_makers and not dataset.decision_maker:
        raise ValueError(
            "decision_maker: column is what people decided in a table of your own; name the column in "
            "dataset.decision_maker"
        )
    if dataset.splits > 1 and sampler in ADAPTIVE:
        raise ValueError(
            f"dataset.splits: sampler {sampler} learns from validation rows, which are test rows of "
            "another split; give search.sampler qmc, random or grid, or one split"
        )


def check_models(models: Sequence[str], methods: Sequence[str], score: str | None) -> None:
    """Every method needs a model that can be trained to it, and a given model its ``score``."""
    given = [name for name in models if FAMILIES[name].given]
    if given and not score:
        raise ValueError(
            f"model: {given[0]} is a model that you have; write {{{given[0]}: COLUMN}}, the column of "
            "your own table that holds its probabilities of the label's 1"
        )
    for method in methods:
        able = [family for family in FAMILIES.values() if method in family.methods]
        if not any(family.name in models for family in able):
            fitting = [family.name for family in able if not family.given]
            fitting = fitting or [f"{{{family.name}: COLUMN}}" for family in able]
            also = "".join(
                f"; a model that is {name} can do {', '.join(FAMILIES[name].methods)}" for name in given
            )
            raise ValueError(
                f"model: none of {', '.join(models)} can be trained to {method}; {', '.join(fitting)} "
                f"can{also}"
            )
    if not any(f"{method}-{model}" in ARMS for method in methods for model in models):
        raise ValueError(
            f"methods: with a model that is {given[0]}, {', '.join(methods)} leaves nothing to learn; add "
            f"one of {', '.join(m for m in FAMILIES[given[0]].methods if m != 'binary')}"
        )


def check_spaces(plans: Iterable[ArmPlan], sampler: str, thresholds: str) -> None:
    """The samplers of settings and of ``thresholds`` must be able to search the spaces."""
    for plan in plans:
        for name, space in plan.spaces.items():
            _check_space(plan, name, space, sampler, thresholds)
        if sampler == "grid" and plan.unpriced:
            raise ValueError(
                f"search.gamma: sampler grid crosses listed values, but {plan.arm.method}-{plan.arm.model} "
                "has none; give a list, or another sampler"
            )


def _check_space(plan: ArmPlan, name: str, space: Space, sampler: str, thresholds: str) -> None:
    method, model = plan.arm[:2]
    arm = f"{method}-{model}"
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
            f"search.{name}: sampler qmc fills ranges evenly, but {arm} has a list; give {{low, high}}, or "
            "another sampler"
        )
    values = space.gamma if isinstance(space, FoundRange) else space
    least = values.low if isinstance(values, Range) else min(values)
    exact = thresholds == "exact" and FAMILIES[model].chosen_afterwards(method)
    if exact and name != "model_alpha" and least < 0:
        raise ValueError(
            f"search.{name}: thresholds.sampler exact needs numbers from 0 on, but {arm} has {least:g}; "
            "give others, or thresholds.sampler random"
        )
