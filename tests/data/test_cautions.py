"""Each caution is there where it should be, and not on a table without that fault."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data import cautions, load_dataset
from study.data.describe import disparate_impact
from study.data.small_cells import di_half_width, independent_by_cell
from study.words import SPLITS
from tests.worlds.own_tables import cases, own

LARGE = 12_000


def sound(rows: int = LARGE) -> pd.DataFrame:
    return cases(rows).drop(columns="sure")


def lines(frame: pd.DataFrame, **roles: Any) -> list[str]:
    return cautions(own(frame, **{"decision_maker": ("judge",), **roles}))


def only(frame: pd.DataFrame, **roles: Any) -> str:
    (line,) = lines(frame, **roles)
    assert len(line.splitlines()) == 1
    return line


def test_large_sound_table_has_none() -> None:
    assert lines(sound()) == []
    assert cautions(load_dataset("compas-two-year")) == []


def test_small_cells_give_the_interval_of_di() -> None:
    line = only(sound(1000))
    assert line.startswith("the odds difference (DI) is known to ± 0.1")
    assert "take smaller odds differences for chance" in line


def test_rows_of_a_group_are_counted_as_what_they_are_worth() -> None:
    """Twenty rows of each of 1,000 people tell no more than one: the caution stays, with the same width."""
    once = sound(1000)
    line = only(once)
    twenty = once.loc[np.repeat(np.arange(1000), 20)].reset_index(drop=True)
    assert lines(twenty.drop(columns="case"), drop=()) != []  # Copies on both sides, but no small cells.
    grouped = lines(twenty, group="case", drop=())[0]
    assert grouped.split(" only")[0] == line.split(" only")[0]
    assert "independent ones by case: take smaller" in grouped
    frame = pd.DataFrame({"group": [0, 0, 0, 1, 1, 2, 2, 2], "label": 1, "a": 0})
    assert _worth(frame) == pytest.approx(8**2 / (9 + 4 + 9))


def _worth(frame: pd.DataFrame) -> float:
    class Given:
        split, measured = np.full(len(frame), 2), np.ones(len(frame), dtype=bool)
        sensitive, label = frame["a"].to_numpy(), frame["label"].to_numpy()

    found = independent_by_cell(Given(), frame["group"].to_numpy())  # type: ignore[arg-type]
    assert found[0, 0] == found[1, 0] == found[1, 1] == 0
    return float(found[0, 1])


def test_interval_is_that_of_simulated_models() -> None:
    """Of a model with the same error everywhere, by simulation."""
    sizes = np.array([[60, 90], [150, 80]])
    generator = np.random.default_rng(0)
    rates = [[generator.binomial(n, 0.3, 20_000) / n for n in row] for row in sizes]
    signed = 0.5 * ((rates[0][0] - rates[1][0]) + (rates[0][1] - rates[1][1]))
    assert di_half_width(sizes, 0.3) == pytest.approx(1.96 * signed.std(), rel=0.03)
    assert np.isnan(di_half_width(np.array([[0, 3], [3, 3]]), 0.3))


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=20))
def test_disparate_impact_is_eq_11(rows: list[tuple[bool, bool, bool]]) -> None:
    wrong, label, group = np.array(rows, dtype=bool).reshape(-1, 3).T
    found = disparate_impact(wrong, label, group)
    differences = []
    for y in (False, True):
        cells = [[row[0] for row in rows if row[1:] == (y, a)] for a in (False, True)]
        if not all(cells):
            assert np.isnan(found)
            return
        differences.append(abs(sum(cells[0]) / len(cells[0]) - sum(cells[1]) / len(cells[1])))
    assert found == pytest.approx(sum(differences) / 2)


@pytest.mark.parametrize("split", SPLITS)
def test_split_without_a_cell_cannot_measure_di(split: str) -> None:
    frame = sound(1000)
    frame["fold"] = np.array(SPLITS)[own(frame).split]
    rows = (frame["fold"] == split) & (frame["race"] == "B")
    frame.loc[rows, "bad"] = 0
    assert lines(frame, split="fold")[0].startswith(
        f"the odds difference (DI) cannot be measured: the {split} split has no row with race B and bad = 1"
    )


@pytest.mark.parametrize(
    ("column", "leak"),
    [
        ("number", lambda bad: bad + np.random.default_rng(0).normal(size=len(bad)) / 4),
        ("turned", lambda bad: -3.0 * bad),
        ("word", lambda bad: np.where(bad == 1, "late", "in time")),
        ("where it is missing", lambda bad: np.where(bad == 1, np.nan, 1.0 + np.arange(len(bad)) % 7)),
    ],
)
def test_column_that_gives_the_label_away_is_named(column: str, leak: Any) -> None:
    frame = sound()
    line = only(frame.assign(**{column: leak(frame["bad"].to_numpy())}))
    assert line.startswith(f"column {column}: possible target leakage (AUC 0.9") or "AUC 1.000" in line
    assert "name it in drop" in line


def test_rare_levels_do_not_pass_for_a_leak() -> None:
    frame = sound(150).assign(town=[f"town {i % 45}" for i in range(150)])
    assert not any("town" in line for line in lines(frame))


def test_decisions_that_equal_the_outcome_are_named() -> None:
    frame = sound()
    assert only(frame.assign(judge=frame["bad"])).startswith("the decision-maker judge equals the label: ")
    almost = frame["bad"].where(np.arange(LARGE) % 500 > 0, 1 - frame["bad"])
    assert "equals the label in 99.8 % of the rows" in only(frame.assign(judge=almost))


def test_decisions_that_mean_the_opposite_are_named() -> None:
    frame = sound()
    line = only(frame.assign(judge=1 - frame["judge"]))
    assert line.startswith("the decision-maker judge is wrong in 80 % of the rows")
    assert "its 1 may mean the label's 0" in line


def test_decision_maker_who_is_never_wrong_on_a_group_is_named() -> None:
    frame = sound()
    frame["judge"] = frame["judge"].where(frame["race"] != "B", frame["bad"])
    line = only(frame)
    assert line.startswith("the decision-maker judge is never wrong where race B (")


def test_decisions_that_are_missing_are_counted() -> None:
    frame = sound().astype({"judge": float})
    frame.loc[::4, "judge"] = np.nan
    dataset = own(frame, decision_maker=("judge",))
    known = np.arange(12_000) % 4 > 0
    validation, test = (int((known & (dataset.split == split)).sum()) for split in (1, 2))
    line = only(frame)
    assert line.startswith("3,000 of 12,000 rows have no decision: they teach the model outcomes, and ")
    assert f"are measured on the {validation:,} validation and {test:,} test rows that have one" in line
    shares = [f"{100 * frame.loc[rows, 'bad'].mean():.0f} % of the" for rows in (known, ~known)]
    assert f"label is 1 in {shares[0]} rows with a decision and in {shares[1]} others" in line


def test_constant_columns_are_named() -> None:
    line = only(sound().assign(one=1, land="here"))
    assert line.startswith("columns land, one: the same in every training row")


@pytest.mark.parametrize("roles", [{}, {"drop": ("case", "row")}])
def test_rows_on_two_sides_are_counted_also_under_new_numbers(roles: dict[str, Any]) -> None:
    twice = pd.concat([sound(4000)] * 3, ignore_index=True)
    if roles:
        twice["row"] = np.arange(LARGE)
    (line,) = [line for line in lines(twice, **roles) if "equal a training or validation row" in line]
    test = own(twice, decision_maker=("judge",), **roles).split == 2
    same = pd.Series(np.arange(LARGE) % 4000)
    elsewhere = same[test].isin(same[~test]).sum()
    assert line.startswith(f"{elsewhere:,} of {test.sum():,} test rows")
    assert "in group" in line
    grouped = lines(twice.assign(person=same), group="person", **roles)
    assert not any("equal a training" in line for line in grouped)


def test_group_that_can_be_guessed_is_said_with_its_stand_ins() -> None:
    frame = sound()
    stand_in = (frame["race"] == "B") + np.random.default_rng(0).normal(size=LARGE) / 3
    line = only(frame.assign(address=stand_in))
    assert line.startswith(
        "proxies: the sensitive attribute is predictable from the other columns (AUC 0.9"
    )
    assert "most of all from address" in line


def test_near_equal_spellings_are_named() -> None:
    frame = sound(600)
    frame.loc[:9, "race"] = ["b", "B "] * 5
    (line,) = [line for line in lines(frame) if "near-equal" in line]
    assert line.startswith("column race: B, 'B ', b are near-equal spellings, and count as different")


def test_case_whose_name_is_dropped_is_found_on_several_sides() -> None:
    """A long table: a row is one of three answers about a case."""
    frame = pd.concat([sound(400)] * 3, ignore_index=True)
    frame["judge"] = np.random.default_rng(0).integers(0, 2, len(frame))
    (line,) = [line for line in lines(frame) if "in more than one split" in line]
    assert "values of column case are in more than one split" in line
    assert not any("in more than one split" in line for line in lines(frame, group="case", drop=()))


def test_number_column_with_a_few_words_is_named() -> None:
    frame = sound(600).assign(visits=lambda f: [str(i % 20) for i in range(len(f))])
    frame.loc[3, "visits"] = "?"
    (line,) = [line for line in lines(frame) if "visits" in line]
    assert line == (
        "column visits is used as categories: it holds numbers but for ?: leave these cells empty to use "
        "the column as numbers"
    )
