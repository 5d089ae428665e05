"""Identities of settings and runs, packs, and how many runs a study comes to."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.reading import load_config, validate
from study.models.families import FAMILIES
from study.results.packs import Pack, Proposal, Setting, run_id
from study.search.arm_state import planned_runs
from study.search.identity import Identity, code_digest
from study.words import BASELINE, METHODS, NO_DECISION_MAKER, Arm
from tests.worlds.small_study import PROTOCOL, config_of

TRAINING = {"hidden": 5, "learning_rate": 0.003}
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def facts_of(**changes: Any) -> dict[str, Any]:
    given_facts = {
        **{"method": "defer", "model": "ordinal", "decision_maker": "standard"},
        **{"alpha": 1.0, "gamma": 0.1, "seed": 3, "fingerprint": "f", "code": "c", "hidden": 5},
        **{"choose_on": "validation", "test_decision_maker": None},
    }
    return given_facts | changes


def identities(facts: dict[str, Any]) -> tuple[str, str]:
    """The setting's id and the run's."""
    arm = Arm(facts["method"], facts["model"], facts["decision_maker"])
    protocol = PROTOCOL | {
        "thresholds": PROTOCOL["thresholds"] | {"choose_on": facts["choose_on"]},
        "test_decision_maker": facts["test_decision_maker"],
    }
    training = TRAINING | {"hidden": facts["hidden"]}
    identity = Identity(facts["fingerprint"], training, protocol, facts["code"])
    params = {name: facts[name] for name in ("alpha", "gamma") if facts[name] is not None}
    setting = identity.setting(arm, params)
    return setting.setting_id, run_id(setting.setting_id, facts["seed"])


NUMBERS = st.floats(-10, 10, allow_nan=False).map(lambda x: x + 0.0)
FACTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["reject", "defer"]),
        "model": st.sampled_from(list(FAMILIES)),
        "decision_maker": st.sampled_from(["standard", "biased", "oracle"]),
        "alpha": NUMBERS,
        "gamma": st.none() | NUMBERS,
        "seed": st.integers(0, 2**63 - 1),
        "fingerprint": st.text(max_size=5),
        "code": st.text(max_size=5),
        "hidden": st.integers(1, 99),
        "choose_on": st.sampled_from(["validation", "test-half"]),
        "test_decision_maker": st.sampled_from(["standard", "biased"]),
    }
)


@given(FACTS, FACTS)
def test_runs_have_one_identity_if_and_only_if_their_facts_are_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert identities(one) == identities(dict(one))
    assert (identities(one)[1] == identities(other)[1]) == (one == other)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "reject"},
        {"model": "mlp"},
        {"decision_maker": "biased"},
        {"alpha": 1.0000000001},
        {"gamma": None},
        {"fingerprint": "g"},
        {"code": "d"},
        {"hidden": 6},
        {"choose_on": "test-half"},
        {"test_decision_maker": "oracle"},
    ],
)
def test_each_fact_of_a_setting_changes_both_identities(change: dict[str, Any]) -> None:
    before, after = identities(facts_of()), identities(facts_of(**change))
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_the_seed_changes_the_run_alone() -> None:
    before, after = identities(facts_of()), identities(facts_of(seed=4))
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_identities_do_not_depend_on_the_machine() -> None:
    text = (
        '["defer","ordinal","standard",{"alpha":1.0,"gamma":0.1},'
        '{"choose_on":"validation","tested_with":"standard"},"f",'
        '{"hidden":5,"learning_rate":0.003},"c"]'
    )
    setting = hashlib.sha256(text.encode()).hexdigest()[:20]
    run = hashlib.sha256(f'["{setting}",3]'.encode()).hexdigest()[:20]
    assert identities(facts_of()) == (setting, run) == ("6b0fff02d08da39df661", "6e94c66b5bc1c9e8ce3e")


def test_an_integer_alpha_is_the_same_setting() -> None:
    assert identities(facts_of(alpha=1)) == identities(facts_of(alpha=1.0))


# What a study file says, and whose rows it decides

POSTHOC, BAYES = Arm("defer", "posthoc", "standard"), Arm("reject", "bayes", "biased")
OTHERS = [
    *(Arm("binary", "mlp", NO_DECISION_MAKER), Arm("binary", "bayes", NO_DECISION_MAKER)),
    *(Arm("reject", "ordinal", "standard"), Arm("defer", "gate", "biased")),
]
INCONSISTENT = Arm("defer", "gate", "inconsistent")
ORACLE = Arm("reject", "ordinal", "oracle")


def changed(arms_: list[Arm], before: dict[str, Any], after: dict[str, Any]) -> list[bool]:
    """Whether the settings of each arm are others when the study file says something else."""
    one, other = (
        Identity.of(
            validate(raw, "here").plan(), "f", raw.get("inconsistent", {}).get("where", "age <= 35")
        )
        for raw in (before, after)
    )
    return [one.setting(arm, {"alpha": 1}) != other.setting(arm, {"alpha": 1}) for arm in arms_]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"sampler": "exact"}),
        ({}, {"sampler": "search"}),
        ({}, {"candidates": 999}),
        ({}, {"per_group": False}),
        ({"sampler": "exact"}, {"sampler": "exact", "per_group": False}),
    ],
)
def test_how_thresholds_are_chosen_decides_rows_of_posthoc_and_bayes_alone(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    both = {"thresholds": before}, {"thresholds": after}
    assert changed([POSTHOC, BAYES], *both) == [True, True]
    assert changed([*OTHERS, INCONSISTENT], *both) == [False] * 5


@pytest.mark.parametrize("sampler", ["exact", "search"])
def test_how_many_candidates_decides_nothing_where_none_are_drawn(sampler: str) -> None:
    few, many = ({"thresholds": {"sampler": sampler, "candidates": n}} for n in (1, 2))
    assert changed([POSTHOC, BAYES, *OTHERS], few, many) == [False] * 6


def test_half_of_the_test_split_decides_every_row() -> None:
    half = {"thresholds": {"choose_on": "test-half"}}
    assert all(changed([POSTHOC, BAYES, *OTHERS], {}, half))


def test_whose_decisions_count_decides_rows_of_those_who_defer_to_another() -> None:
    arms_ = [*OTHERS, POSTHOC, BAYES, ORACLE]
    assert changed(arms_, {}, {"test_decision_maker": "standard"}) == [
        *(False, False, False, True, False, True, True)
    ]


@pytest.mark.parametrize("change", [{"flip": 0.4}, {"where": "age <= 36"}])
def test_on_whom_inconsistent_errs_decides_rows_where_it_has_a_part(change: dict[str, Any]) -> None:
    arms_ = [*OTHERS, POSTHOC, BAYES]
    assert changed([INCONSISTENT, *arms_], {}, {"inconsistent": change}) == [True] + [False] * 6
    tested = {"test_decision_maker": "inconsistent"}
    assert changed(arms_, tested, tested | {"inconsistent": change}) == [False, False] + [True] * 4
    tested = {"test_decision_maker": "standard"}
    assert changed([INCONSISTENT], tested, tested | {"inconsistent": change}) == [True]


@pytest.mark.parametrize(
    "change",
    [
        *({"study": "other"}, {"seeds": 9}, {"pack": {"settings": 3}}, {"resources": {"workers": 1}}),
        *({"search": {"settings": 3}}, {"search": {"alpha": {"low": 1, "high": 2}}}),
        {"methods": "defer", "model": "gate"},
    ],
)
def test_the_rest_of_a_study_file_decides_no_row(change: dict[str, Any]) -> None:
    assert not any(changed([POSTHOC, BAYES, *OTHERS], {}, change))


def test_training_decides_every_row() -> None:
    assert all(changed([POSTHOC, BAYES, *OTHERS], {}, {"training": {"patience": 3}}))


def test_alpha_of_a_setting_is_the_networks_where_nothing_else_is_weighed() -> None:
    weighed = Setting("a", {"alpha": 2.0, "gamma": 0.1, "model_alpha": 3.0})
    searched = Setting("b", {"model_alpha": 3.0, "q1_a0": 0.5})
    plain = Setting("c", {"alpha": 2.0})
    alphas = [(setting.alpha, setting.trained_alpha) for setting in (weighed, searched, plain)]
    assert alphas == [(2.0, 3.0), (3.0, 3.0), (2.0, 2.0)]
    assert [setting.gamma for setting in (weighed, searched, plain)] == [0.1, None, None]


def test_code_digest_is_the_same_each_time_and_hexadecimal() -> None:
    assert code_digest() == code_digest()
    assert re.fullmatch(r"[0-9a-f]{16}", code_digest())


@pytest.mark.parametrize(
    "name",
    [
        *("models/networks/gate.py", "engines/compiled.py", "results/metrics.py", "seeds.py"),
        *("training/evaluation.py", "training/study_data.py", "training/pack.py"),
    ],
)
def test_code_digest_depends_on_code_that_decides_rows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = code_digest(), Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read(path) + (b"#" if path.as_posix().endswith(name) else b"")
    )
    assert code_digest.__wrapped__() != before
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path).replace(b"\n", b"\r\n"))
    assert code_digest.__wrapped__() == before


# Arms


def test_arms_are_methods_with_models_that_can_be_trained_so() -> None:
    names = [str(searched.arm) for searched in load_config("default").plan().search.arms]
    assert names == [
        *("binary-mlp-none", "reject-ordinal-standard", "defer-ordinal-standard"),
        *("confidence-mlp-standard", "compare-pair-standard", "ce-actions-standard"),
    ]


def test_binary_is_trained_once_whatever_decision_makers_there_are() -> None:
    config = validate({"decision_maker": ["standard", "biased", "oracle"]}, "here")
    found = [searched.arm for searched in config.plan().search.arms]
    assert [arm.decision_maker for arm in found if arm.method == "binary"] == [NO_DECISION_MAKER]
    for method in ("reject", "defer"):
        makers = [arm.decision_maker for arm in found if arm.method == method]
        assert makers == ["standard", "biased", "oracle"]


def test_only_methods_that_defer_have_a_gamma() -> None:
    table = {"path": "t.csv", "label": "y", "sensitive": "a", "score": "risk"}
    every = {"methods": list(METHODS), "model": list(FAMILIES), "dataset": table}
    for searched in config_of(every).plan().search.arms:
        assert ("gamma" in searched.spaces) == (searched.arm.method != "binary")


# Packs

SETTINGS = st.builds(
    Setting,
    st.text("0123456789abcdef", min_size=4, max_size=8),
    st.fixed_dictionaries(
        {"alpha": NUMBERS}, optional=dict.fromkeys(("gamma", "model_alpha", "q0_a0", "q1_a1"), NUMBERS)
    ),
)
PROPOSALS = st.builds(
    Proposal,
    SETTINGS,
    st.none() | st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=2),
)


def pack_of(*proposals: Proposal, index: int = 0, taken: set[str] | None = None) -> Pack:
    return Pack.of(BASELINE, index, proposals, (0, 1), taken or set())


@given(
    st.lists(PROPOSALS, max_size=5),
    st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3, unique=True),
)
def test_pack_comes_back_from_its_manifest(proposals: list[Proposal], seeds: list[int]) -> None:
    pack = Pack.of(BASELINE, 7, proposals, seeds, set())
    assert Pack.from_json(json.loads(json.dumps(pack.to_json()))) == pack
    assert FILE_NAME.fullmatch(pack.pack_id)


@pytest.mark.parametrize("wrong", [{}, {"proposals": 3}, {"proposals": [{}]}, {"proposals": [], "more": 1}])
def test_what_is_not_a_manifest_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        Pack.from_json(wrong)


def test_pack_ids_tell_arms_indexes_settings_and_seeds_apart() -> None:
    one, other = Proposal(Setting("a", {"alpha": 0.0}), {}), Proposal(Setting("b", {"alpha": 0.0}), {})
    assert pack_of(one) == pack_of(one)
    ids = {
        pack_of(one).pack_id,
        pack_of(other).pack_id,
        pack_of(one, other).pack_id,
        pack_of(one, index=1).pack_id,
        Pack.of(BASELINE, 0, [one], (0, 2), set()).pack_id,
        Pack.of(Arm("defer", "ordinal", "biased"), 0, [one], (0, 1), set()).pack_id,
    }
    assert len(ids) == 6


def test_setting_asked_for_twice_is_trained_once() -> None:
    first, twice = Proposal(Setting("a", {"alpha": 0.0}), {}), Proposal(Setting("b", {"alpha": 1.0}), {})
    pack = pack_of(first, twice, twice, taken={"a"})
    assert pack.fresh == ("b",)
    assert [setting.setting_id for setting in pack.settings] == ["b"]
    assert pack.runs == 2
    assert len(pack.of_search) == 3


def test_baseline_is_not_of_the_search() -> None:
    pack = pack_of(Proposal(Setting("a", {"alpha": 0.0}), None), Proposal(Setting("b", {"alpha": 0.0}), {}))
    assert [proposal.setting.setting_id for proposal in pack.of_search] == ["b"]


# How many


def test_a_grid_has_as_many_settings_as_it_crosses() -> None:
    search = {"sampler": "grid", "alpha": [0, 1, 2], "gamma": {"reject": [0.5, 0.6], "defer": 0.1}}
    config = config_of({"search": search})
    assert [searched.settings for searched in config.plan().search.arms] == [3, 6, 3]


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ({}, (3 * 10 + 1) * 2),
        ({"methods": "defer"}, (10 + 1) * 2),
        ({"methods": "reject", "decision_maker": ["standard", "biased"]}, (2 * 10 + 1) * 2),
        ({"methods": ["binary", "defer"], "decision_maker": ["standard", "oracle"]}, (3 * 10 + 1) * 2),
    ],
)
def test_planned_runs_before_anything_was_asked_for(changes: dict[str, Any], runs: int) -> None:
    config = config_of({"search": {"settings": 10}, "seeds": 2, **changes})
    assert planned_runs(config.plan().search) == runs


def test_planned_runs_shrink_when_a_setting_is_asked_for_again() -> None:
    config = validate({"search": {"settings": 10}, "seeds": 2, "methods": "binary"}, "here")
    proposals = [Proposal(Setting("a", {"alpha": 0.0}), None), Proposal(Setting("a", {"alpha": 0.0}), {})]
    plan = config.plan().search
    assert planned_runs(plan) == 22
    assert planned_runs(plan, [pack_of(*proposals)]) == 20
