from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from study.data import load_section, write_table
from study.data.describe import describe
from study.data.splits import TRAIN
from study.errors import DataError
from study.words import SPLITS
from tests.worlds.own_tables import cases, own, section


def test_what_has_no_other_role_is_a_feature_of_its_kind() -> None:
    dataset = own(cases(), decision_maker=("judge",), dm_only=("sure",))
    assert dataset.feature_names == (
        *("city=x", "city=y", "city missing", "employed=false", "employed=true"),
        *("income", "income missing", "sex=f", "sex=m", "skill", "sensitive"),
    )
    assert dataset.dm_only_names == ("sure",)


def test_listed_features_are_all_there_are_and_may_hold_the_sensitive_column() -> None:
    dataset = own(cases(), features=("skill", "race"))
    assert dataset.feature_names == ("race=A", "race=B", "race=C", "skill", "sensitive")


def test_label_and_group_are_what_was_named() -> None:
    frame = cases().assign(bad=lambda f: np.where(f["bad"] == 1, "yes", "no"))
    dataset = own(frame, positive="yes")
    assert dataset.label.tolist() == (frame["bad"] == "yes").tolist()
    assert dataset.sensitive.tolist() == (frame["race"] == "B").tolist()
    old = own(frame, positive="yes", sensitive={"column": "skill", "at_least": 0.5})
    assert old.sensitive.tolist() == (frame["skill"] >= 0.5).tolist()
    assert "skill" not in old.feature_names
    turned = own(frame, positive="no")
    assert turned.label.tolist() == (frame["bad"] == "no").tolist()


def test_neither_the_order_of_columns_nor_the_format_of_the_file_matters(tmp_path: Path) -> None:
    frame = cases()
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.iloc[:, ::-1].to_parquet(tmp_path / "b.parquet")
    one, other = (load_section(section(path=str(tmp_path / name))) for name in ("a.csv", "b.parquet"))
    assert one.fingerprint == other.fingerprint
    np.testing.assert_array_equal(one.features, other.features)


def test_encoding_is_learned_on_training_rows_alone() -> None:
    frame = cases()
    split = np.array(SPLITS)[own(frame).split]
    others = frame.assign(split=split).astype({"city": object})
    others.loc[split != "train", "income"] = 1e6
    others.loc[split != "train", "city"] = "elsewhere"
    one, other = own(frame.assign(split=split), split="split"), own(others, split="split")
    assert one.preprocessing == other.preprocessing
    rows = one.split == TRAIN
    np.testing.assert_array_equal(one.features[rows], other.features[rows])


def test_score_of_a_given_model_is_kept_as_it_is_and_no_feature_unless_listed() -> None:
    frame = cases().rename(columns={"sure": "risk"})
    dataset = own(frame, score="risk")
    assert dataset.given is not None
    assert dataset.given.tolist() == frame["risk"].tolist()
    assert "risk" not in dataset.feature_names
    assert "risk" in own(frame, score="risk", features=("skill", "risk")).feature_names
    other = frame.assign(risk=frame["risk"].clip(0.1))
    assert dataset.fingerprint != own(other, score="risk").fingerprint
    for value, words in ((1.2, "1.2 in row 1 is not a probability"), (np.nan, "missing in 1 of 200 rows")):
        with pytest.raises(DataError, match=f"column risk: {words}"):
            own(frame.assign(risk=[value, *frame["risk"][1:]]), score="risk")
    wrong = ((frame["risk"] >= 0.5) != (frame["bad"] == 1)).mean()
    lines = [line.split() for line in describe(dataset).splitlines()]
    assert ["risk", "score"] in [line[:2] for line in lines]
    assert ["The", "given", "model", "of", "column", "risk"] in lines
    assert ["all", "200", "100.0", "%", f"{100 * wrong:.1f}", "%"] in [line[:6] for line in lines]


def test_split_of_the_table_is_kept() -> None:
    words = np.random.default_rng(0).choice(SPLITS, 200)
    dataset = own(cases().assign(fold=words), split="fold")
    assert [SPLITS[code] for code in dataset.split] == words.tolist()
    assert "fold=train" not in dataset.feature_names


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(0, 5), st.integers(0, 5))
def test_same_person_is_never_on_two_sides(people: int, seed: int, split_seed: int) -> None:
    persons = np.random.default_rng(seed).integers(0, people, 200)
    assume(len(set(persons)) > 5)  # Fewer cannot be divided by three.
    dataset = own(cases().assign(person=persons), group="person", split_seed=split_seed)
    assert (pd.Series(dataset.split).groupby(persons).nunique() == 1).all()
    assert set(dataset.split) == {0, 1, 2}


def test_person_on_two_sides_of_the_tables_own_split_is_named() -> None:
    frame = cases().assign(fold=["train", "validation", "test", "train"] * 50, person=range(200))
    assert own(frame, split="fold", group="person").group_name == "person"
    frame.loc[1, "person"] = 0
    with pytest.raises(DataError, match="column fold: person 0 is in more than one split; one is allowed"):
        own(frame, split="fold", group="person")


def test_column_for_telling_people_apart_may_be_dropped_as_well() -> None:
    frame = cases().assign(case=[f"p{i // 2}" for i in range(200)])
    dataset = own(frame, group="case")
    assert (pd.Series(dataset.split).groupby(frame["case"]).nunique() == 1).all()


def test_rows_without_a_decision_are_kept_in_every_split_and_metrics_are_measured_on_the_others() -> None:
    frame = cases(400).astype({"judge": float})
    everybody = own(frame, decision_maker=("judge",))
    frame.loc[::3, "judge"] = np.nan
    dataset = own(frame, decision_maker=("judge",))
    assert dataset.decisions is not None
    known = dataset.decisions.known
    assert np.array_equal(dataset.measured, np.arange(400) % 3 > 0)
    assert np.array_equal(known, dataset.measured)
    assert everybody.measured.all()
    assert own(frame, drop=("case", "judge")).measured.all()
    assert np.array_equal(dataset.split, everybody.split)
    assert np.array_equal(np.isnan(dataset.decisions.probability), ~known)
    kept = dataset.raw["judge"]
    assert np.array_equal(dataset.decisions.probability[known] >= 0.5, kept[known] == 1)


def test_split_without_any_decision_is_named() -> None:
    frame = cases().astype({"judge": float})
    frame.loc[own(frame).split == 2, "judge"] = np.nan
    with pytest.raises(DataError, match="no row of the test split has a decision in judge"):
        own(frame, decision_maker=("judge",))


@pytest.mark.parametrize(
    "change",
    [
        {"decision_maker": ("judge",)},
        {"decision_maker": ("sure",)},
        {"decision_maker": ("judge", "sure"), "combine": "draw"},
        {"decision_maker": ("judge", "sure"), "combine": "majority"},
        {"dm_only": ("sure",)},
        {"sensitive": {"column": "race", "is": "A"}},
        {"split_seed": 1},
    ],
)
def test_whatever_decides_rows_of_the_ledger_is_in_the_fingerprint(change: dict[str, Any]) -> None:
    frame = cases().assign(fold=["train", "validation", "test", "train"] * 50)
    drop = tuple(name for name in ("case", "judge", "sure") if name not in str(change))
    plain: dict[str, Any] = {"split": "fold", "drop": ("case", "judge", "sure")}
    assert own(frame, **plain).fingerprint == own(frame.copy(), **plain).fingerprint
    assert own(frame, **{**plain, "drop": drop, **change}).fingerprint != own(frame, **plain).fingerprint


def test_written_table_has_the_encoded_columns(tmp_path: Path) -> None:
    dataset = own(cases(), dm_only=("sure",))
    write_table(dataset, tmp_path / "t.parquet")
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert list(table) == [*dataset.feature_names[:-1], "label", "sensitive", "sure", "split"]
    assert not table.isna().any().any()


def test_names_of_encoded_columns_do_not_collide() -> None:
    with pytest.raises(DataError, match="column sex=f is named twice"):
        own(cases().assign(**{"sex=f": 1}))


def test_rows_keep_the_id_that_the_table_has(tmp_path: Path) -> None:
    frame = cases(120)
    dataset = own(frame, decision_maker="judge", row_id="case", drop=("sure",))
    assert "case" not in dataset.preprocessing.inputs
    write_table(dataset, tmp_path / "out.parquet")
    written = pd.read_parquet(tmp_path / "out.parquet")
    assert next(iter(written)) == "row_id"
    joined = written.merge(frame, left_on="row_id", right_on="case", suffixes=("", "_own"))
    assert len(joined) == 120
    assert (joined["label"] == joined["bad"]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda frame: frame.assign(case=frame["case"].mask(frame.index == 3)),
            "case: missing in 1 of 60 rows; every row needs an id",
        ),
        (lambda frame: frame.assign(case="the same"), "the same names several rows"),
        (lambda frame: frame.assign(row_id=1.0), "column row_id: is reserved"),
    ],
)
def test_ids_that_tell_no_rows_apart_are_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        own(change(cases(60)), row_id="case", drop=("sure",))
