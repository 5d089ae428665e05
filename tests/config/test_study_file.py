"""The study file: what is refused and how, what is filled in, and what comes back."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.config.presets import preset_names
from study.config.reading import load_config, validate
from study.config.spaces import ARMS, Range
from study.config.study_file import StudyConfig
from study.data import Group
from study.errors import StudyFileError
from study.models.families import FAMILIES
from study.results.directory import changed_keys
from study.search.arm_state import planned_runs
from study.storage.yaml_text import dump_yaml, parse_yaml
from study.words import DEFAULT_METHODS, METHODS

HUGE = "0x" + "f" * 5000

# What is wrong, and words that the answer must have: the key, and what is allowed.
OF_A_SCORE = "model: {given: s}, dataset: {path: t.csv, label: y, sensitive: a}"

WRONG = [
    # unknown keys, at each level
    ("alpha: 1", ["alpha: unknown key", "allowed are study, dataset, decision_maker, methods, model"]),
    ("dataset: {nam: x}", ["dataset.nam: unknown key", "name, path, split_seed"]),
    (
        "search: {sampler: random, setings: 3}",
        ["search.setings", "sampler, settings, seed, alpha, gamma, model_alpha"],
    ),
    ("search: {alpha: {low: 1, high: 2, step: 3}}", ["search.alpha.step", "allowed are low, high, log"]),
    ("search: {alpha: {defer: {low: 1, hgh: 2}}}", ["search.alpha.defer.hgh", "low, high, log"]),
    ("search: {alpha: {defr: 1}}", ["search.alpha: 'defr'", "binary, reject, defer", "low, high, log"]),
    ("search: {gamma: {binary: 1}}", ["search.gamma: 'binary' has no gamma", "allowed are reject, defer"]),
    ("search: {gamma: {binary-bayes: 1}}", ["'binary-bayes' has no gamma", "reject-gate, defer-ordinal"]),
    (
        "search: {alpha: {defer-mlp: 1}}",
        ["search.alpha: 'defer-mlp' has no alpha", "binary-mlp", "defer-gate"],
    ),
    ("search: {alpha: {ordinal: 1}}", ["search.alpha: 'ordinal' has no alpha", "reject-ordinal"]),
    ("search: {model_alpha: {defer-gate: 1}}", ["'defer-gate' has no model_alpha", "reject-posthoc"]),
    ("search: {model_alpha: {binary: 1}}", ["search.model_alpha: 'binary'", "allowed are reject, defer"]),
    (
        "search: {model_alpha: {defer-bayes: {low: 1, hi: 2}}}",
        ["search.model_alpha.defer-bayes.hi", "low, high, log"],
    ),
    ("search: {alpha: {low: 1, high: 2, defer: 3}}", ["search.alpha.defer: unknown key", "low, high, log"]),
    ("thresholds: {smpler: exact}", ["thresholds.smpler", "sampler, candidates, per_group, choose_on"]),
    ("inconsistent: {who: age < 3}", ["inconsistent.who: unknown key", "allowed are where, flip"]),
    (
        "training: {hiden: 3}",
        ["training.hiden: unknown key", "hidden, learning_rate, batch_size", "mean hidden?"],
    ),
    ("pack: {size: 3}", ["pack.size: unknown key", "allowed are settings"]),
    ("resources: {worker: 1}", ["resources.worker: unknown key", "allowed are workers, backend"]),
    # wrong types
    ("study: 3", ["study: 3", "valid string"]),
    ("study: [a]", ["study: ['a']", "valid string"]),
    ("dataset: 3", ["dataset: 3 is not a section"]),
    ("dataset: {path: 3}", ["dataset.path: 3", "valid string"]),
    ('dataset: {path: "a\\0b"}', ["dataset.path", "not the name of a file"]),
    ("search: 3", ["search: 3 is not a section"]),
    ("search:", ["search: None is not a section"]),
    ("search: {settings: 1.5}", ["search.settings: 1.5", "valid integer"]),
    ("search: {settings: true}", ["search.settings: True", "valid integer"]),
    ("search: {settings: '3'}", ["search.settings: '3'", "valid integer"]),
    ("search: {alpha: [1, x]}", ["search.alpha: 'x' is not a finite number", "a list of numbers"]),
    ("search: {alpha: [true]}", ["search.alpha: True is not a finite number"]),
    ("search: {alpha: null}", ["search.alpha: None is not a finite number"]),
    ("search: {alpha: {low: a, high: 2}}", ["search.alpha.low: 'a'", "valid number"]),
    ("search: {alpha: {low: 1}}", ["search.alpha.high: is missing"]),
    ("search: {alpha: {low: 1, high: 2, log: 3}}", ["search.alpha.log: 3", "valid boolean"]),
    ("training: {patience: 1e3}", ["training.patience: 1000.0", "valid integer"]),
    ("seeds: 1.5", ["seeds", "1.5", "valid integer"]),
    ("seeds: [a]", ["seeds.0: 'a'", "valid integer"]),
    ("seeds: true", ["seeds", "True", "valid integer"]),
    # values that there are not
    ("study: a b", ["study: 'a b' is not a name", "letters, digits"]),
    ("thresholds: {candidates: 1e3}", ["thresholds.candidates: 1000.0", "valid integer"]),
    ("thresholds: {per_group: 1}", ["thresholds.per_group: 1", "valid boolean"]),
    ("inconsistent: {where: 3}", ["inconsistent.where: 3", "valid string"]),
    ("inconsistent: {flip: often}", ["inconsistent.flip: 'often'", "valid number"]),
    ("test_decision_maker: [oracle]", ["test_decision_maker: ['oracle']", "'standard', 'biased'"]),
    ("methods: [binary, guess]", ["methods.1: 'guess'", "'binary', 'reject', 'defer', 'confidence'"]),
    ("model: mpl", ["model.0: 'mpl'", "allowed are 'mlp'"]),
    ("decision_maker: judge", ["decision_maker.0: 'judge'", "'biased', 'inconsistent' or 'oracle'"]),
    ("test_decision_maker: judge", ["test_decision_maker: 'judge'", "'inconsistent' or 'oracle'"]),
    ("search: {sampler: gird}", ["search.sampler: 'gird'", "'grid', 'random', 'qmc', 'nsga2' or 'tpe'"]),
    ("resources: {backend: tpu}", ["resources.backend: 'tpu'", "'auto', 'compiled', 'eager' or 'gpu'"]),
    ("thresholds: exact", ["thresholds: 'exact' is not a section"]),
    ("thresholds: {sampler: tpe}", ["thresholds.sampler: 'tpe'", "'random', 'exact' or 'search'"]),
    ("thresholds: {choose_on: test}", ["thresholds.choose_on: 'test'", "'validation' or 'test-half'"]),
    # impossible ranges
    ("search: {alpha: {binary: {low: 2, high: 1}}}", ["search.alpha.binary: low must be below high"]),
    ("search: {alpha: {low: 1, high: 1}}", ["search.alpha: low must be below high, got 1 and 1"]),
    ("search: {alpha: {low: 0, high: 1, log: true}}", ["search.alpha: a log range must lie above 0"]),
    ("search: {alpha: {low: -.inf, high: 1}}", ["search.alpha.low", "finite number"]),
    ("search: {alpha: {low: -1.0e308, high: 1.0e308}}", ["search.alpha", "too wide"]),
    ("search: {alpha: .nan}", ["search.alpha: nan is not a finite number"]),
    ("search: {alpha: []}", ["search.alpha: the list is empty"]),
    ("search: {settings: 0}", ["search.settings: 0", "greater than or equal to 1"]),
    ("search: {settings: 1000001}", ["search.settings: 1000001", "less than or equal to 1000000"]),
    ("search: {seed: -1}", ["search.seed: -1", "greater than or equal to 0"]),
    ("dataset: {split_seed: -1}", ["dataset.split_seed: -1", "greater than or equal to 0"]),
    ("training: {hidden: 0}", ["training.hidden: 0", "greater than or equal to 1"]),
    ("training: {learning_rate: 0}", ["training.learning_rate: 0", "greater than 0"]),
    ("training: {batch_size: 7}", ["training.batch_size: 7", "greater than or equal to 8"]),
    ("training: {max_epochs: 0}", ["training.max_epochs: 0", "greater than or equal to 1"]),
    ("thresholds: {candidates: 0}", ["thresholds.candidates: 0", "greater than or equal to 1"]),
    ("thresholds: {candidates: 100001}", ["thresholds.candidates: 100001", "equal to 100000"]),
    ("inconsistent: {flip: 1.1}", ["inconsistent.flip: 1.1", "less than or equal to 1"]),
    ("inconsistent: {flip: .nan}", ["inconsistent.flip: nan", "finite number"]),
    ("pack: {settings: 0}", ["pack.settings: 0", "greater than or equal to 1"]),
    ("resources: {workers: 0}", ["resources.workers: 0", "greater than or equal to 1"]),
    ("seeds: 0", ["seeds: write how many seeds (1 to 10000), or a list"]),
    ("seeds: 20000", ["seeds: write how many seeds (1 to 10000), or a list"]),
    ("seeds: [-1]", ["seeds: write how many seeds (1 to 10000), or a list"]),
    ("seeds: []", ["seeds: the list is empty"]),
    ("seeds: [1, 1]", ["seeds: an entry is listed twice"]),
    ("methods: []", ["methods: the list is empty"]),
    ("methods: [defer, defer]", ["methods: an entry is listed twice"]),
    # a table of one's own
    (
        "dataset: {label: y}",
        ["dataset: path is missing; a table of your own needs path, label and sensitive"],
    ),
    ("dataset: {path: x.csv, label: y}", ["dataset: sensitive is missing"]),
    (
        "dataset: {path: x, label: y, sensitive: {column: a, is: 1, at_least: 2}}",
        ["dataset.sensitive: is and at_least are both given"],
    ),
    (
        "dataset: {path: x, label: y, sensitive: {column: a, equals: 1}}",
        ["dataset.sensitive.equals: unknown key; allowed are column, is, at_least"],
    ),
    (
        "dataset: {path: x, label: y, sensitive: a, decision_maker: [b, c]}",
        ["dataset.decision_maker: combine: is missing; with several columns give draw or majority"],
    ),
    (
        "dataset: {path: x, label: y, sensitive: a, decision_maker: {columns: b, combine: draw}}",
        ["dataset.decision_maker: combine: there is one column only; leave it out"],
    ),
    (
        "dataset: {path: x, label: y, sensitive: a, decision_maker: []}",
        ["dataset.decision_maker: columns: give at least one column, each once"],
    ),
    ("dataset: {path: x, label: y, sensitive: a, features: []}", ["dataset: features: the list is empty"]),
    (
        "dataset: {path: x, label: {column: y, positive: [1]}, sensitive: a}",
        ["dataset.label.positive: [1] is not a value of a column; it must be text, a number or a boolean"],
    ),
    ("decision_maker: column", ["name the column in dataset.decision_maker"]),
    ("test_decision_maker: column", ["name the column in dataset.decision_maker"]),
    # parts that do not go together
    ("{methods: defer, model: mlp}", ["model: none of mlp can be trained to defer; ordinal, posthoc"]),
    (
        "{methods: binary, model: [gate, posthoc]}",
        ["model: none of gate, posthoc can be trained to binary; mlp, bayes can"],
    ),
    ("search: {sampler: grid}", ["search.alpha: sampler grid crosses listed values", "give a list"]),
    (
        "search: {sampler: grid, alpha: [1], gamma: {defer: {low: 0, high: 1}, reject: 0.5}}",
        ["search.gamma: sampler grid", "defer-ordinal has the range 0 to 1"],
    ),
    (
        "{model: posthoc, methods: defer, search: {sampler: grid, alpha: 1, gamma: 1}}",
        ["search.model_alpha: sampler grid", "defer-posthoc has the range 0.01 to 1"],
    ),
    ("search: {sampler: qmc, alpha: [1, 2]}", ["search.alpha: sampler qmc fills ranges", "low, high"]),
    (
        "{model: [mlp, bayes], search: {gamma: {reject-bayes: [0, 1]}}}",
        ["search.gamma: sampler qmc", "reject-bayes has a list", "{low, high}"],
    ),
    (
        "{model: [mlp, bayes], thresholds: {sampler: search}, search: {model_alpha: {defer: [0, 1]}}}",
        ["search.model_alpha: sampler qmc", "defer-bayes has a list"],
    ),
    (
        "{model: posthoc, methods: defer, thresholds: {sampler: search}, "
        "search: {sampler: grid, alpha: 1, gamma: 1, model_alpha: 1}}",
        ["thresholds.sampler: search proposes", "defer-posthoc", "random or exact", "search.sampler"],
    ),
    (
        "{model: posthoc, methods: defer, thresholds: {sampler: exact}, "
        "search: {sampler: random, alpha: [1, -1]}}",
        ["search.alpha: thresholds.sampler exact", "defer-posthoc has -1", "thresholds.sampler random"],
    ),
    (
        "{model: posthoc, methods: reject, thresholds: {sampler: exact}, "
        "search: {gamma: {reject: {low: -0.1, high: 1}}}}",
        ["search.gamma: thresholds.sampler exact", "reject-posthoc has -0.1"],
    ),
    # a model that the user has
    ("model: given", ["model: given is a model that you have; write {given: COLUMN}"]),
    ("model: {given: 3}", ["model.given: 3 is not a column's name"]),
    ("model: {given: a, mlp: b}", ["model.0: {'given': 'a', 'mlp': 'b'} is not allowed"]),
    ("model: {given: risk}", ["dataset: path is missing; a table of your own needs path"]),
    (
        "{model: {given: risk}, dataset: {path: t.csv, label: y, sensitive: a, score: s}}",
        ["given model is"],
    ),
    (
        f"{{methods: defer, {OF_A_SCORE}}}",
        ["to defer; ordinal", "given can do binary, confidence, compare"],
    ),
    (f"{{methods: binary, {OF_A_SCORE}}}", ["leaves nothing to learn; add one of confidence, compare"]),
    ("{methods: two-stage, model: mlp}", ["none of mlp can be trained to two-stage; {given: COLUMN} can"]),
    # not a study file at all
    ("a: b: c", ["line 1 is not valid YAML"]),
    ("study: a\npack: [", ["line 2 is not valid YAML"]),
    ("study: a\nstudy: b", ["line 2", "the key 'study' is given twice"]),
    ("search: {settings: 1, settings: 2}", ["the key 'settings' is given twice"]),
    ("x: !!python/object/apply:os.system ['ls']", ["line 1", "could not determine a constructor"]),
    ("x: !!python/name:os.system", ["line 1", "could not determine a constructor"]),
    ("- 1\n- 2", ["a study file is a mapping of keys, got list"]),
    ("words", ["a study file is a mapping of keys, got str"]),
    ("study: a\n---\nstudy: b", ["found another document"]),
    ("1: 2", ["the key 1 is not a word"]),
    ("? [a]\n: 1", ["the key ['a'] is not a word"]),
    ("\0", ["is not valid YAML"]),
    # what YAML's own tags can do to a parser
    ("!!map [1]", ["line 1 is not valid YAML"]),
    ("!!set {a, b}", ["a study file is a mapping of keys"]),
    ("study: !!int ''", ["is not valid YAML"]),
    ("study: !!bool maybe", ["is not valid YAML"]),
    ("study: !!timestamp soon", ["is not valid YAML"]),
    ("training: 2001-99-99", ["training: '2001-99-99' is not a section"]),
    (f"search: {{alpha: {HUGE}}}", ["search.alpha", "not a finite number"]),
    (f"search: {{settings: {HUGE}}}", ["search.settings", "not allowed"]),
    (f"seeds: [{HUGE}]", ["seeds: write how many seeds"]),
    (f"training: {{learning_rate: {HUGE}}}", ["training.learning_rate", "not allowed"]),
    ("search: &all {alpha: {defer: *all}}", ["search.alpha.defer"]),
    ("[" * 3000, ["is not valid YAML"]),
]


@pytest.mark.parametrize(("document", "words"), WRONG, ids=[document[:60] for document, _ in WRONG])
def test_wrong_study_file_is_refused_in_one_line(document: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(document)
    with pytest.raises(StudyFileError) as caught:
        load_config(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert len(message.splitlines()) == 1
    assert len(message) < 600
    for word in words:
        assert word in message


def test_all_top_level_keys_are_named_for_an_unknown_one() -> None:
    with pytest.raises(StudyFileError, match=", ".join(StudyConfig.model_fields)):
        validate({"stady": "a"}, "here")


def test_an_unknown_key_is_named_before_other_problems_and_these_are_counted() -> None:
    wrong = {"seeds": "x", "search": {"settings": 0, "sampller": "tpe"}}
    with pytest.raises(StudyFileError, match=r"search\.sampller: unknown key.*\(and 2 more\)"):
        validate(wrong, "here")


def test_missing_file_is_refused_with_the_presets(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match=r"nothing\.yaml: no such study file.*presets are default"):
        load_config(tmp_path / "nothing.yaml")


def test_unknown_preset_is_refused_with_the_presets() -> None:
    with pytest.raises(StudyFileError, match=r"dfault: no such study file.*presets are default"):
        load_config("dfault")


def test_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="cannot be read"):
        load_config(tmp_path)


def test_file_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StudyFileError, match="cannot be read"):
        load_config(tmp_path / "a" / "b.yaml")


def test_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"PAR1\x80\xff\x00\x01" * 50)
    with pytest.raises(StudyFileError, match="not a text file in UTF-8"):
        load_config(path)


def test_name_with_a_null_byte_is_refused() -> None:
    with pytest.raises(StudyFileError, match="cannot be read"):
        load_config("a\0b")


def test_aliases_that_unfold_without_end_are_refused_quickly() -> None:
    lines = ["a: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 20)]
    with pytest.raises(StudyFileError, match="unknown key"):
        validate(parse_yaml("\n".join(lines), "here"), "here")
    with pytest.raises(StudyFileError, match="study: "):
        validate({"study": parse_yaml("\n".join(lines), "here")["b19"]}, "here")


# What is filled in


def test_study_is_named_after_its_file_unless_it_names_itself(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("seeds: 1")
    assert load_config(tmp_path / "mine.yaml").study == "mine"
    (tmp_path / "mine.yaml").write_text("study: other")
    assert load_config(tmp_path / "mine.yaml").study == "other"
    (tmp_path / "a name.yaml").write_text("seeds: 1")
    assert load_config(tmp_path / "a name.yaml").study == "default"


def test_empty_file_is_the_default_study(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    resolved = load_config(tmp_path / "empty.yaml").resolved()
    assert resolved == {**StudyConfig().resolved(), "study": "empty"}


def test_resolved_writes_out_every_default() -> None:
    resolved = StudyConfig().resolved()
    assert list(resolved) == [
        *("study", "dataset", "decision_maker", "methods", "model", "search", "costs"),
        *("test_decision_maker", "thresholds", "inconsistent", "seeds", "training", "pack", "resources"),
    ]
    assert resolved["dataset"] == {"name": "compas-two-year", "path": None, "split_seed": 0, "splits": 1}
    assert list(resolved["search"]) == [
        *("sampler", "settings", "seed", "alpha", "gamma", "model_alpha", "pilot")
    ]
    assert list(resolved["search"]["alpha"]) == [
        *("binary-mlp", "reject-ordinal", "defer-ordinal", "confidence-mlp", "compare-pair"),
        "ce-actions",
    ]
    assert list(resolved["search"]["alpha"]["defer-ordinal"]) == ["low", "high", "log"]
    assert resolved["search"]["gamma"] == resolved["search"]["pilot"] == {}
    assert list(resolved["search"]["model_alpha"]) == ["confidence-mlp"]
    assert resolved["test_decision_maker"] is None
    assert resolved["thresholds"] == {
        **{"sampler": "random", "candidates": 1000, "per_group": True, "choose_on": "validation"}
    }
    assert resolved["inconsistent"] == {"where": None, "flip": 0.3}
    assert resolved["seeds"] == [0, 1, 2, 3, 4]
    assert list(resolved["training"]) == [
        *("hidden", "learning_rate", "batch_size", "patience", "max_epochs")
    ]
    assert resolved["pack"] == {"settings": 64}
    assert resolved["resources"] == {"workers": None, "backend": "auto"}


@pytest.mark.parametrize(
    ("search", "settings"),
    [
        ({"sampler": "qmc", "settings": 1}, 64),
        ({"sampler": "random", "settings": 512}, 64),
        ({"sampler": "random", "settings": 513}, 128),
        ({"sampler": "qmc", "settings": 2048}, 256),
        ({"sampler": "qmc", "settings": 7681}, 1024),
        ({"sampler": "random", "settings": 1_000_000}, 1024),
        ({"sampler": "nsga2", "settings": 1_000_000}, 64),
        ({"sampler": "tpe", "settings": 8192}, 64),
        # The largest arm counts, and not what the other samplers would be asked for.
        (
            {
                **{"sampler": "grid", "settings": 9999, "alpha": list(range(40))},
                "gamma": {"reject": 0.5, "defer": list(range(30))},
            },
            192,
        ),
    ],
)
def test_pack_left_out_is_an_eighth_of_the_largest_arm_unless_the_search_learns(
    search: dict[str, Any], settings: int
) -> None:
    given = {"methods": ["binary", "reject", "defer"], "search": search}
    config = validate(given, "here")
    assert config.plan().search.settings_of_pack == settings
    assert config.resolved()["pack"] == {"settings": settings}
    assert validate({**given, "pack": {"settings": 7}}, "here").plan().search.settings_of_pack == 7


def test_pack_on_a_gpu_is_all_settings_up_to_1024_unless_the_search_learns() -> None:
    gpu = {"resources": {"backend": "gpu"}}
    widths = [
        validate({"search": {"sampler": sampler, "settings": settings}, **gpu}, "here")
        .plan()
        .search.settings_of_pack
        for sampler, settings in (("qmc", 100), ("qmc", 5000), ("nsga2", 5000))
    ]
    assert widths == [128, 1024, 64]


def test_pack_of_a_resolved_study_stays_as_written_whatever_the_rule_would_say() -> None:
    written = validate({"search": {"sampler": "random", "settings": 1024}}, "here").resolved()
    again = validate(written, "there", ["search.sampler=tpe"])
    assert again.resolved()["pack"] == written["pack"] == {"settings": 128}


OWN = {
    **{"path": "some/my cases.csv", "label": "y", "sensitive": {"column": "age", "at_least": 40}},
    **{"decision_maker": ["ann", "bob"], "drop": "id", "features": ["x", "age"], "split": "fold"},
}


def test_resolved_table_of_ones_own_has_what_was_given_and_its_name() -> None:
    people = {"columns": ["ann", "bob"], "combine": "majority"}
    resolved = validate({"dataset": {**OWN, "decision_maker": people}}, "here").resolved()
    assert resolved["dataset"] == {
        **{"name": "my-cases", "path": str(Path("some/my cases.csv").absolute()), "split_seed": 0},
        **{"splits": 1, "label": {"column": "y"}, "sensitive": {"column": "age", "at_least": 40.0}},
        **{"decision_maker": people, "features": ["x", "age"], "drop": ["id"], "split": "fold"},
    }
    assert validate(resolved, "there").resolved() == resolved


def test_columns_are_what_the_section_says() -> None:
    section = {**OWN, "decision_maker": "ann", "label": {"column": "y", "positive": True}, "name": "mine"}
    config = validate({"dataset": section, "decision_maker": "column"}, "here")
    dataset = config.dataset
    assert (dataset.name, dataset.own) == ("mine", True)
    assert dataset.label is not None
    assert dataset.sensitive is not None
    assert dataset.decision_maker is not None
    assert (dataset.label.column, dataset.label.positive) == ("y", True)
    assert dataset.decision_maker.columns == ("ann",)
    assert dataset.sensitive.group == Group("age", at_least=40.0)
    assert (dataset.drop, dataset.split, dataset.group) == (("id",), "fold", None)
    assert not StudyConfig().dataset.own


def test_role_is_changed_on_the_command_line_like_any_key() -> None:
    given = {"dataset": {**OWN, "decision_maker": "ann"}}
    changed = validate(given, "here", ["dataset.label.positive=3", "dataset.group=person"]).dataset
    assert changed.label is not None
    assert (changed.label.column, changed.label.positive) == ("y", 3)
    assert changed.group == "person"


def test_resolved_has_the_spaces_of_the_studys_arms_alone() -> None:
    prices = {"search": {"gamma": {"low": 0, "high": 1}}}
    table = {"dataset": {"path": "t.csv", "label": "y", "sensitive": "a", "score": "risk"}}
    every = validate({"model": list(FAMILIES), "methods": list(METHODS), **prices, **table}, "here")
    search = every.resolved()["search"]
    assert every.arms() == list(ARMS)
    assert list(search["alpha"]) == [arm for arm in ARMS if arm != "compare-given"]
    assert list(search["gamma"]) == [arm for arm in ARMS if not arm.startswith("binary")]
    afterwards = [arm for arm, (method, model) in ARMS.items() if FAMILIES[model].chosen_afterwards(method)]
    assert list(search["model_alpha"]) == [arm for arm in afterwards if arm != "confidence-given"]
    one = validate({"model": "gate", "methods": "defer", "search": {"gamma": {"reject": 9}}}, "here")
    assert {name: list(one.resolved()["search"][name]) for name in ("alpha", "gamma", "model_alpha")} == {
        **{"alpha": ["defer-gate"], "gamma": [], "model_alpha": []}
    }


def test_a_given_model_is_a_role_of_the_table_and_decides_the_defaults() -> None:
    table = {"path": "t.csv", "label": "y", "sensitive": "a", "decision_maker": "m"}
    config = validate({"dataset": table, "model": ["mlp", {"given": "risk"}]}, "here")
    assert (config.model, config.dataset.score) == (("mlp", "given"), "risk")
    assert config.methods == ("binary", "confidence", "compare", "two-stage")
    assert config.thresholds.sampler == "exact"
    assert config.arms() == [
        *("binary-mlp", "confidence-mlp", "confidence-given", "compare-given", "two-stage-given")
    ]
    plan = config.plan()
    assert plan.search.baseline == ("binary", "given", "none", 0)
    assert planned_runs(plan.search) == 5 * (1 + 5 * 32)
    spaces = {arm: set(config.spaces(arm)) for arm in config.arms()[2:]}
    assert spaces == {
        "confidence-given": {"alpha"},
        "compare-given": {"alpha"},
        "two-stage-given": {"alpha"},
    }
    assert config.spaces("compare-given")["alpha"] == (0.0,)
    assert validate(config.resolved(), "again").resolved() == config.resolved()
    chosen = {"dataset": table, "model": {"given": "risk"}, "thresholds": {"sampler": "random"}}
    assert validate(chosen, "here").thresholds.sampler == "random"


ROUND_TRIPS: list[dict[str, Any]] = [
    {},
    {"study": "1e5", "seeds": 1},
    {"study": "2.e3", "dataset": {"path": "1e-3", "name": "compas"}},
    {"study": "null"},
    {"study": "0x10", "decision_maker": ["standard", "oracle"], "methods": "defer", "model": "ordinal"},
    {
        "methods": ["binary", "reject", "defer"],
        "search": {
            "sampler": "grid",
            "alpha": [0, 1e-9, 1e20],
            "gamma": {"defer": 0.1, "reject": [0.5, 0.6]},
        },
    },
    {"search": {"sampler": "tpe", "alpha": {"defer": {"low": 1e-7, "high": 30, "log": True}}}},
    {"model": ["mlp", "posthoc", "bayes", "gate"], "search": {"model_alpha": {"low": 0.1, "high": 1}}},
    {
        **{"model": "bayes", "test_decision_maker": "inconsistent", "thresholds": {"sampler": "search"}},
        "inconsistent": {"where": "age <= 35", "flip": 0.0},
        "search": {"alpha": {"reject": {"low": 0.5, "high": 2}, "binary-bayes": 0.1}},
    },
    {"model": "posthoc", "methods": "reject", "search": {"gamma": {"defer-gate": 3, "reject-posthoc": 0}}},
    {"seeds": [7], "resources": {"workers": 2}, "training": {"learning_rate": 1e-05}},
]


@pytest.mark.parametrize("given", ROUND_TRIPS)
def test_resolved_study_comes_back_through_yaml(given: dict[str, Any]) -> None:
    config = validate(given, "here")
    resolved = config.resolved()
    for again in (resolved, parse_yaml(dump_yaml(resolved), "there")):
        back = validate(again, "there")
        assert back.resolved() == resolved
        assert back.plan() == config.plan()


def test_seeds_are_a_count_or_a_list() -> None:
    assert validate({"seeds": 3}, "here").seeds == (0, 1, 2)
    assert validate({"seeds": [3]}, "here").seeds == (3,)


# Overrides


def test_overrides_change_keys_at_every_level() -> None:
    words = ["search.settings=200", "seeds=2", "training.learning_rate=1e-3", "study=mine"]
    config = load_config("default", words)
    assert config.search.settings == 200
    assert config.seeds == (0, 1)
    assert config.training.learning_rate == 0.001
    assert config.study == "mine"
    assert config.search.sampler == load_config("default").search.sampler


def test_override_takes_yaml_values() -> None:
    config = load_config("default", ["search.gamma.defer={low: 0.01, high: 0.02}", "methods=[defer]"])
    assert config.search.gamma["defer-ordinal"] == Range(low=0.01, high=0.02)
    assert config.methods == ("defer",)


def test_override_within_a_shorthand_keeps_what_it_stands_for() -> None:
    assert load_config("default", ["dataset.split_seed=3"]).dataset.name == "compas-two-year"


def test_later_override_wins() -> None:
    assert load_config("default", ["seeds=2", "seeds=4"]).seeds == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("search.settings", "--set search.settings: write KEY=VALUE"),
        ("=3", "--set =3: write KEY=VALUE"),
        ("search.setings=3", r"search\.setings: unknown key; allowed are sampler, settings"),
        ("search.settings=many", r"search\.settings: 'many' is not allowed"),
        ("seeds.x=3", r"seeds\.0: \{'x': 3\} is not allowed"),
        ("a=[1", "--set a: line 1 is not valid YAML"),
        ("a=1\na: 2", "is not valid YAML|unknown key"),
        ("..=1", "unknown key"),
    ],
)
def test_wrong_override_is_refused(override: str, words: str) -> None:
    with pytest.raises(StudyFileError, match=words):
        load_config("default", [override])


def test_mapping_given_is_left_as_it_was() -> None:
    given = {"search": {"settings": 3}}
    assert validate(given, "here", ["search.settings=5"]).search.settings == 5
    assert given == {"search": {"settings": 3}}


# The preset


def test_default_preset_is_a_study_of_the_size_promised() -> None:
    config = load_config("default")
    assert config.study == "default"
    assert config.methods == DEFAULT_METHODS
    assert all(arm.unpriced or arm.arm.method == "binary" for arm in config.plan().search.arms)
    assert config.plan() == replace(StudyConfig().plan(), study="default")
    assert config.search.settings >= 30
    assert len(config.seeds) == 5
    runs = len(config.plan().search.arms) * config.search.settings * len(config.seeds)
    assert runs >= 900


def test_every_preset_is_valid() -> None:
    assert "default" in preset_names()
    for name in preset_names():
        assert isinstance(load_config(name), StudyConfig)


# What changed


def test_changed_keys_are_named_with_both_values_and_resources_do_not_count() -> None:
    one = validate({"seeds": 2}, "here").resolved()
    other = validate(
        {"seeds": 3, "training": {"hidden": 7}, "resources": {"workers": 1}}, "here"
    ).resolved()
    assert changed_keys(one, one) == []
    assert changed_keys(one, other) == [
        "seeds ([0, 1] before, [0, 1, 2] now)",
        "training.hidden (5 before, 7 now)",
    ]


def test_config_knows_no_pydantic_error_type() -> None:
    """A caller sees StudyFileError alone, whatever is given."""
    for wrong in ({"study": object()}, {"seeds": {1, 2}}, {"search": {"alpha": object()}}):
        with pytest.raises(StudyFileError):
            validate(wrong, "here")
    assert "StudyFileError" in (inspect.getdoc(validate) or "")
