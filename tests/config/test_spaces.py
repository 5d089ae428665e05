"""Where a search may look: the words for arms, and whose space is whose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.reading import validate
from study.config.spaces import ARMS, COEFFICIENTS, DEFAULTS, FoundRange, Range, middle
from study.config.study_file import DecisionMakerName, StudyConfig
from study.errors import StudyFileError
from study.models.decision_maker import NAMES
from study.models.families import FAMILIES
from study.words import METHODS

EVERY_MODEL = [name for name, family in FAMILIES.items() if not family.given]
COORDINATES = ("q0_a0", "q1_a0", "q0_a1", "q1_a1")


def study_of(*models_: str, **keys: Any) -> StudyConfig:
    methods = [m for m in METHODS if any(m in FAMILIES[name].methods for name in models_)]
    return validate({"model": list(models_), "methods": methods, **keys}, "here")


# The rooms agree


def test_rooms_agree_on_decision_makers() -> None:
    # Simulated ones, and the column of what people decided in a table of the user's own.
    simulated = set(DecisionMakerName.__args__) - {"column"}  # type: ignore[attr-defined]
    assert set(NAMES) == simulated


def test_every_arm_has_a_default_for_every_coefficient_it_has() -> None:
    deferring = [arm for arm in ARMS if not arm.startswith("binary")]
    afterwards = {"reject-posthoc", "reject-bayes", "defer-posthoc", "defer-bayes", "confidence-mlp"}
    assert set(DEFAULTS["alpha"]) == set(COEFFICIENTS["alpha"]) == set(ARMS) - {"compare-given"}
    assert set(DEFAULTS["model_alpha"]) == set(COEFFICIENTS["model_alpha"]) == afterwards
    assert set(COEFFICIENTS["gamma"]) == set(deferring)


def test_default_ranges_are_those_of_the_methods_and_of_how_thresholds_come_about() -> None:
    bounds = {
        name: {arm: (space.low, space.high, space.log) for arm, space in spaces.items()}  # type: ignore[union-attr]
        for name, spaces in DEFAULTS.items()
    }
    fair, searched = (0.01, 1.0, True), dict.fromkeys(("posthoc", "bayes"), (0.03, 3.0, True))
    learned = {"ordinal": fair, "gate": fair}
    far = dict.fromkeys(learned, (0.1, 30.0, True))
    reject = {f"reject-{model}": alpha for model, alpha in (learned | searched).items()}
    defer = {f"defer-{model}": alpha for model, alpha in (far | searched).items()}
    actions = dict.fromkeys(("ce-actions", "ova-actions", "realizable-actions"), (0.1, 30.0, True))
    given_ = {"confidence-given": (0.03, 3.0, True), "two-stage-given": (0.1, 30.0, True)}
    field = {"confidence-mlp": (0.03, 3.0, True), "compare-pair": fair, **actions, **given_}
    assert bounds["alpha"] == {"binary-mlp": fair, "binary-bayes": fair, **reject, **defer, **field}
    afterwards = [f"{m}-{n}" for m in ("reject", "defer") for n in searched]
    assert bounds["model_alpha"] == dict.fromkeys([*afterwards, "confidence-mlp"], fair)


# Arms


def test_arms_are_words_in_the_order_of_methods_then_models() -> None:
    assert study_of("posthoc", "mlp", "bayes").arms() == [
        *("binary-mlp", "binary-bayes", "reject-posthoc", "reject-bayes", "defer-posthoc", "defer-bayes"),
        "confidence-mlp",
    ]
    assert study_of("gate", methods=["defer", "reject"]).arms() == ["defer-gate", "reject-gate"]


@pytest.mark.parametrize("arm", ARMS)
def test_coefficients_of_an_arm(arm: str) -> None:
    names = set(study_of(*EVERY_MODEL, search={"gamma": {"low": 0, "high": 1}}).spaces(arm))
    method, model = ARMS[arm]
    expected = {"alpha"} if method == "binary" else {"alpha", "gamma"}
    if method != "binary" and model in ("mlp", "posthoc", "bayes"):
        expected |= {"model_alpha"}
    assert names == expected


@pytest.mark.parametrize(
    ("model", "per_group", "names"),
    [
        ("posthoc", True, COORDINATES),
        ("posthoc", False, COORDINATES[:2]),
        ("bayes", True, ("q1_a0", "q1_a1")),
        ("bayes", False, ("q1_a0",)),
    ],
)
def test_search_proposes_quantiles_in_the_place_of_alpha_and_gamma(
    model: str, per_group: bool, names: tuple[str, ...]
) -> None:
    config = study_of(
        *("mlp", "gate", model),
        thresholds={"sampler": "search", "per_group": per_group},
        search={"model_alpha": {"reject": {"low": 2, "high": 3}}, "gamma": {"low": 0, "high": 1}},
    )
    spaces = config.spaces(f"reject-{model}")
    assert spaces == {"model_alpha": Range(low=2, high=3), **dict.fromkeys(names, Range(low=0, high=1))}
    assert set(config.spaces("binary-mlp")) == {"alpha"}
    assert set(config.spaces("defer-gate")) == {"alpha", "gamma"}


def test_binary_bayes_has_no_thresholds_to_propose() -> None:
    config = study_of("bayes", methods="binary", thresholds={"sampler": "search"})
    assert set(config.spaces("binary-bayes")) == {"alpha"}


# Whose space is whose


@given(st.data())
def test_arm_goes_before_method_and_method_before_default(data: st.DataObject) -> None:
    for name, arms in COEFFICIENTS.items():
        methods = sorted({ARMS[arm][0] for arm in arms})
        words = data.draw(st.lists(st.sampled_from([*methods, *arms]), unique=True))
        given_spaces = {word: float(number) for number, word in enumerate(words)}
        config = study_of(*EVERY_MODEL, search={"sampler": "random", name: given_spaces})
        for arm in arms:
            default = DEFAULTS.get(name, {}).get(arm)
            own, of_method = given_spaces.get(arm), given_spaces.get(ARMS[arm][0])
            number = own if own is not None else of_method
            assert config.spaces(arm).get(name) == (default if number is None else (number,))


@pytest.mark.parametrize("name", COEFFICIENTS)
@pytest.mark.parametrize(
    "space", [0.5, [0.5], {"low": 0.25, "high": 0.5}, {"low": 0.25, "high": 1, "log": True}]
)
def test_one_space_is_for_every_arm_that_has_the_coefficient(name: str, space: Any) -> None:
    expected = Range(**space) if isinstance(space, dict) else (0.5,)
    config = study_of(*EVERY_MODEL, search={"sampler": "random", name: space})
    arms = COEFFICIENTS[name]
    assert {arm: config.spaces(arm)[name] for arm in arms} == dict.fromkeys(arms, expected)


def test_numbers_become_lists_without_repetition() -> None:
    search = {"sampler": "random", "alpha": [1, 1.0, 0, -0.0], "gamma": {"defer": 0.1}}
    config = validate({"search": search}, "here")
    assert config.search.alpha["binary-mlp"] == (1.0, 0.0)
    assert str(config.search.alpha["binary-mlp"]) == "(1.0, 0.0)"
    assert config.search.gamma["defer-ordinal"] == (0.1,)


def test_negative_coefficients_are_allowed_where_nothing_exact_looks_at_them() -> None:
    search = {"sampler": "random", "alpha": -1, "gamma": -0.1, "model_alpha": -2}
    assert study_of(*EVERY_MODEL, search=search).spaces("defer-posthoc")["gamma"] == (-0.1,)
    exact = {"sampler": "exact"}
    network = {"sampler": "random", "alpha": {"defer-gate": -1}, "model_alpha": -2}
    assert study_of(*EVERY_MODEL, search=network, thresholds=exact).spaces("defer-gate")["alpha"] == (-1.0,)


# What a pilot finds

FOUND = {"gamma": [-0.3, 0.0, 0.05], "deferral": [0.95, 0.5, 0.01]}


def unpriced(config: StudyConfig) -> list[str]:
    return [str(arm.arm) for arm in config.plan().search.arms if arm.unpriced]


def test_pilot_is_for_arms_without_a_gamma_and_for_each_decision_maker() -> None:
    both = {"methods": ["binary", "reject", "defer"], "decision_maker": ["standard", "biased"]}
    config = study_of("mlp", "ordinal", **both, search={"gamma": {"reject": {"low": 0.5, "high": 0.7}}})
    assert unpriced(config) == ["defer-ordinal-standard", "defer-ordinal-biased"]
    found = config.priced({"defer-ordinal-biased": FoundRange.model_validate(FOUND)})
    assert unpriced(found) == ["defer-ordinal-standard"]
    assert found.spaces("defer-ordinal", "biased")["gamma"] == FoundRange.model_validate(FOUND)
    assert list(found.spaces("defer-ordinal", "biased")) == ["alpha", "gamma"]


def test_what_a_pilot_found_stands_in_the_resolved_study_and_comes_back() -> None:
    config = validate({"methods": "defer", "model": "ordinal"}, "here")
    found = config.priced({"defer-ordinal-standard": FoundRange.model_validate(FOUND)})
    resolved = found.resolved()
    assert resolved["search"]["pilot"] == {"defer-ordinal-standard": FOUND}
    again = validate(resolved, "there")
    assert again.plan() == found.plan()
    assert unpriced(again) == []


def test_a_range_in_the_study_file_goes_before_what_a_pilot_found() -> None:
    search = {"pilot": {"defer-ordinal-standard": FOUND}, "gamma": {"defer": {"low": 0, "high": 1}}}
    config = validate({"methods": "defer", "model": "ordinal", "search": search}, "here")
    assert config.spaces("defer-ordinal", "standard")["gamma"] == Range(low=0, high=1)
    assert config.resolved()["search"]["pilot"] == {}


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ({"gamma": [0, 0.2, 0.1], "deferral": [1, 0.5, 0]}, "gamma must ascend, got 0, 0.2, 0.1"),
        ({"gamma": [0, 0.1], "deferral": [1]}, "deferral must have a rate for each gamma, got 1 for 2"),
        ({"gamma": [0], "deferral": [1]}, "gamma: "),
    ],
)
def test_what_a_pilot_found_is_checked_when_it_is_read_again(found: Any, problem: str) -> None:
    with pytest.raises(StudyFileError, match=r"search\.pilot\.defer-ordinal-standard") as raised:
        validate({"search": {"pilot": {"defer-ordinal-standard": found}}}, "here")
    assert problem in str(raised.value)


def test_no_pilot_is_made_where_the_search_proposes_thresholds() -> None:
    assert unpriced(study_of("mlp", "posthoc", thresholds={"sampler": "search"})) == []
    assert unpriced(validate({"methods": "binary"}, "here")) == []


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (Range(low=-1, high=3), 1.0),
        (Range(low=0.01, high=1, log=True), 0.1),
        ((3.0, 1.0, 2.0), 2.0),
        ((7.0,), 7.0),
        (FoundRange.model_validate(FOUND), 0.0),
    ],
)
def test_middle_of_a_space(space: Any, expected: float) -> None:
    assert middle(space) == pytest.approx(expected)


def test_default_methods_are_those_that_the_models_given_support() -> None:
    assert validate({"model": "posthoc"}, "here").methods == ("reject", "defer")
    assert validate({"model": ["actions", "mlp"]}, "here").methods == (
        "binary",
        "confidence",
        "ce",
    )
    assert validate({}, "here").arms() == [
        *("binary-mlp", "reject-ordinal", "defer-ordinal", "confidence-mlp", "compare-pair"),
        "ce-actions",
    ]
