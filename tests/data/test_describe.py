import dataclasses
import re

import numpy as np

from study.data.dataset import Table, make_dataset
from study.data.describe import describe
from study.words import SPLITS
from tests.worlds.own_tables import cases, own


def line_of(text: str, start: str, occurrence: int = 0) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith(start)]
    return re.split(r"\s{2,}", lines[occurrence])


def test_figures_are_those_of_the_table(table: Table) -> None:
    dataset = make_dataset(table, split_seed=0)
    text = describe(dataset)
    frame = table.frame.assign(split=dataset.split)

    group = frame[frame["sensitive"] == 1]
    rate = f"{100 * group['label'].mean():.1f} %"
    share = f"{100 * len(group) / 200:.1f} %"
    assert line_of(text, "A = 1 ") == ["A = 1", str(len(group)), share, rate]

    test = frame[frame["split"] == 2]
    means = [f"{100 * test[column].mean():.1f} %" for column in ("label", "sensitive")]
    assert line_of(text, "test") == ["test", "60", "30.0 %", *means]

    cells = [str(((test["sensitive"] == a) & (test["label"] == y)).sum()) for a in (0, 1) for y in (0, 1)]
    assert line_of(text, "test", 1) == ["test", *cells]


def test_names_source_and_fingerprint_are_told(table: Table) -> None:
    dataset = make_dataset(table, split_seed=0)
    text = describe(dataset)
    assert text.startswith("toy: 200 rows")
    for part in ("made up", dataset.fingerprint, "height, visits, constant, sensitive", "secret"):
        assert part in text


def test_lines_of_one_block_are_equally_long(table: Table) -> None:
    blocks = describe(make_dataset(table, split_seed=0)).split("\n\n")[-4:]
    assert blocks.pop().startswith("Warnings:\n  the odds difference (DI) is known to ± ")
    for block in blocks:
        assert len({len(line) for line in block.splitlines()}) == 1


def test_empty_group_has_no_rate(table: Table) -> None:
    lonely = dataclasses.replace(table, frame=table.frame.assign(sensitive=0), dm_only_names=())
    text = describe(make_dataset(lonely, split_seed=0))
    assert line_of(text, "A = 1 ") == ["A = 1", "0", "0.0 %", "-"]
    assert "nothing more" in text


def test_long_lists_are_wrapped(table: Table) -> None:
    names = tuple(f"feature_number_{i}" for i in range(40))
    frame = table.frame.assign(**dict.fromkeys(names, table.frame["height"]))
    wide = dataclasses.replace(table, frame=frame, feature_names=names)
    text = describe(make_dataset(wide, split_seed=0))
    assert max(map(len, text.partition("Warnings:")[0].splitlines())) <= 100


# A user's own table


def test_columns_of_ones_own_table_are_told_with_role_kind_and_values() -> None:
    frame = cases().assign(notes="x")
    roles = {"decision_maker": ("judge",), "dm_only": ("sure",), "features": ("skill", "city", "race")}
    text = describe(own(frame, **roles))
    missing = f"{100 * frame['city'].isna().mean():.1f} %"
    low, high = frame["skill"].min(), frame["skill"].max()
    for row in (
        ["case", "drop", "-", "0.0 %", "200 different"],
        ["skill", "feature", "number", "0.0 %", f"{low:g} to {high:g}"],
        ["city", "feature", "category", missing, "x, y"],
        ["race", "sensitive, feature", "category", "0.0 %", "A, B, C"],
        ["judge", "decision_maker", "-", "0.0 %", "0, 1"],
        ["bad", "label", "-", "0.0 %", "0, 1"],
        ["notes", "not used", "-", "0.0 %", "x"],
    ):
        assert line_of(text, f"{row[0]} ") == row
    assert line_of(text, "sure")[1:3] == ["dm_only", "number"]
    assert "A = 0: race not B\nA = 1: race B\n" in text


def test_rules_for_group_and_label_are_told() -> None:
    frame = cases().assign(bad=lambda f: f["bad"].map({0: "no", 1: "yes"}))
    text = describe(own(frame, positive="yes", sensitive={"column": "skill", "at_least": 0.25}))
    assert "A = 1: skill ≥ 0.25\nlabel = 0: bad not yes\nlabel = 1: bad yes\n" in text


def test_figures_of_the_decision_maker_are_those_of_the_table() -> None:
    frame = cases(600).astype({"judge": float})
    frame.loc[::5, "judge"] = np.nan
    dataset = own(frame, decision_maker=("judge",))
    kept = dataset.raw.assign(split=dataset.split, group=dataset.sensitive)
    text = describe(dataset)
    for code, name in enumerate(SPLITS):
        rows = kept[kept["split"] == code]
        decided = rows[rows["judge"].notna()]
        wrong = (decided["judge"] != decided["bad"]).groupby([decided["bad"], decided["group"]]).mean()
        di = wrong.unstack().diff(axis=1)[1].abs().mean()
        share = f"{100 * len(decided) / len(rows):.1f} %"
        error = f"{100 * (decided['judge'] != decided['bad']).mean():.1f} %"
        found = line_of(text, name, 2)
        assert found == [name, str(len(decided)), share, error, f"{di:.3f}"]
