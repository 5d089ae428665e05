"""Whatever stands in a study file, the answer is a study or one StudyFileError."""

from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.config.reading import validate
from study.config.spaces import ARMS
from study.config.study_file import StudyConfig
from study.errors import StudyFileError
from study.models.families import FAMILIES
from study.storage.yaml_text import dump_yaml, parse_yaml

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

KEYS = [
    *StudyConfig.model_fields,
    *("name", "path", "split_seed", "sampler", "settings", "seed", "alpha", "gamma", "low", "high", "log"),
    *("hidden", "learning_rate", "batch_size", "patience", "max_epochs", "workers"),
    *("candidates", "per_group", "choose_on", "where", "flip", "model_alpha"),
    *("label", "sensitive", "column", "positive", "is", "at_least", "columns", "combine", "features"),
    *("drop", "dm_only", "split", "group"),
    *("binary", "reject", "defer", *ARMS),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 70),
    st.floats(),
    st.dates(),
    st.binary(max_size=4),
    st.text(max_size=8),
    st.sampled_from(["grid", "random", "tpe", "binary", "defer", *FAMILIES, "standard", "compas"]),
    st.sampled_from(["exact", "search", "validation", "test-half", "inconsistent", "age <= 35"]),
)
WORDS = st.one_of(st.sampled_from(KEYS), st.text(max_size=6))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
VALID = """\
study: mine
dataset: {name: compas-two-year, split_seed: 3}
decision_maker: [standard, oracle]
methods: [binary, reject, defer]
model: [mlp, ordinal, posthoc, bayes, gate]
search:
  sampler: random
  settings: 20
  alpha: {low: 0.1, high: 10, log: true}
  gamma: {reject: [0.5, 0.6], defer: {low: 0.03, high: 0.15}, defer-posthoc: 0.1}
  model_alpha: {reject: 0.1, defer-bayes: [0, 1]}
test_decision_maker: biased
thresholds: {sampler: exact, candidates: 30, per_group: false, choose_on: test-half}
inconsistent: {where: age <= 35, flip: 0.2}
seeds: [1, 2]
training: {hidden: 5, learning_rate: 1e-3, batch_size: 64, patience: 9, max_epochs: 99}
pack: {settings: 4}
resources: {workers: 2}
"""


OWN = VALID.replace(
    "{name: compas-two-year, split_seed: 3}",
    "{path: a.csv, label: {column: y, positive: no}, sensitive: {column: b, at_least: 3}, "
    "decision_maker: {columns: [c, d], combine: draw}, features: [x], drop: [e], group: g}",
).replace("[standard, oracle]", "[column, oracle]")


def check(document: str) -> None:
    """Either a study that comes back from its resolved file, or one line."""
    try:
        config = validate(parse_yaml(document, "f.yaml"), "f.yaml")
    except StudyFileError as error:
        message = str(error)
        assert message.startswith("f.yaml:")
        assert len(message.splitlines()) == 1
        assert len(message) < 1000
    else:
        again = validate(parse_yaml(dump_yaml(config.resolved()), "again"), "again")
        assert again.resolved() == config.resolved()
        assert again.plan() == config.plan()


def test_the_documents_that_are_mutated_below_are_valid() -> None:
    for document in (VALID, OWN):
        assert validate(parse_yaml(document, "f.yaml"), "f.yaml").study == "mine"


@QUICK
@given(st.text(alphabet="abls:[]{}!&*?|>-,#'\"%@ \n\t0123456789.eE+<=~\0\x85é", max_size=60))
def test_any_text(text: str) -> None:
    check(text)


@settings(QUICK, max_examples=50)
@given(st.dictionaries(WORDS, VALUES, max_size=5))
def test_any_mapping(data: dict[str, Any]) -> None:
    check(yaml.safe_dump(data))


@QUICK
@given(st.data())
def test_valid_document_with_a_value_replaced(data: st.DataObject) -> None:
    document: Any = yaml.safe_load(data.draw(st.sampled_from([VALID, OWN])))
    place, depth = document, data.draw(st.integers(1, 4))
    for _ in range(depth):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key]:
            break
        place = place[key]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    place[data.draw(st.sampled_from(keys))] = data.draw(VALUES)
    check(yaml.safe_dump(document))


@QUICK
@given(st.data())
def test_valid_document_with_characters_changed(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([VALID, OWN]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        width = data.draw(st.integers(0, 6))
        put = data.draw(st.text(alphabet="az09.:{}[],-!&* \n'\"", max_size=3))
        text = text[:at] + put + text[at + width :]
    check(text)
