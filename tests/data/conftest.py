from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.data.dataset import Table
from study.data.named.health import AGE_BANDS, RAW_COLUMNS

COMPAS_COPY = Path(__file__).parents[3] / "shared" / "data" / "compas-scores.csv"


@pytest.fixture(scope="session")
def compas_copy() -> Path:
    """A copy of ProPublica's file without names; it lies beside the repository, not in it."""
    if not COMPAS_COPY.is_file():
        pytest.skip("needs compas-scores.csv in ../shared/data beside the repository")
    return COMPAS_COPY


@pytest.fixture
def raw_compas() -> pd.DataFrame:
    """Ten defendants as a CSV file gives them: text, in the columns that the project reads."""
    rows = 10
    return pd.DataFrame(
        {
            "age": [str(20 + i) for i in range(rows)],
            "juv_fel_count": "0",
            "juv_misd_count": "1",
            "juv_other_count": "2",
            "priors_count": [str(i) for i in range(rows)],
            "sex": ["Male", "Female"] * 5,
            "race": ["African-American", "Caucasian", "Hispanic", "African-American", "Asian"] * 2,
            "c_charge_degree": ["F", "M", "O", "F", "M"] * 2,
            "c_charge_desc": ["Battery", None, "Grand Theft Auto", "Poss Cocaine", "DUI"] * 2,
            "score_text": "Low",
            "is_recid": ["0", "1", "1", "0", "0"] * 2,
            "is_violent_recid": ["0", "1", "0", "0", "0"] * 2,
        }
    )


@pytest.fixture
def raw_health() -> pd.DataFrame:
    """Sixty members with one to three years each, in no order, with columns that no one may use."""
    generator = np.random.default_rng(5)
    years = [(member, year) for member in range(100, 160) for year in range(1, 2 + member % 3)]
    generator.shuffle(years)
    rows = len(years)
    frame = pd.DataFrame({name: generator.integers(0, 9, rows) for name in RAW_COLUMNS})
    frame["MemberID_t"] = [member for member, _ in years]
    frame["YEAR_t"] = [f"Y{year}" for _, year in years]
    frame["trainset"] = [int(year < 3) for _, year in years]
    frame["PayDelay_stdev"] = generator.normal(20, 5, rows)
    frame[list(AGE_BANDS)] = np.eye(len(AGE_BANDS), dtype=int)[generator.integers(0, len(AGE_BANDS), rows)]
    frame["CharlsonIndexI_max"] = generator.choice([0, 2, 4], rows)
    frame["Charlson>0"] = (frame["CharlsonIndexI_max"] > 0).astype(int)
    return frame


@pytest.fixture
def table() -> Table:
    """Two hundred random rows: one constant feature, two that vary, one column for the DM."""
    generator = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "height": generator.normal(170, 10, 200),
            "visits": generator.integers(0, 9, 200),
            "constant": np.full(200, 0.1),
            "label": generator.integers(0, 2, 200),
            "sensitive": generator.integers(0, 2, 200),
            "secret": generator.normal(5, 2, 200),
        }
    )
    return Table("toy", frame, ("height", "visits", "constant"), ("secret",), "made up")
