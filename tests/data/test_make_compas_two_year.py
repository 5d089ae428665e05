import hashlib
import io
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import study.data
from study.data.make_compas_two_year import MEMBER, csv_from_wheel, embedded_content
from study.errors import DataError


def wheel_with(tmp_path: Path, content: bytes) -> tuple[Path, str]:
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, content)
    return wheel, hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_member_of_the_right_wheel_is_extracted(tmp_path: Path) -> None:
    wheel, wheel_hash = wheel_with(tmp_path, b"a\n1\n")
    member_hash = hashlib.sha256(b"a\n1\n").hexdigest()
    path = csv_from_wheel(wheel, tmp_path, wheel_sha256=wheel_hash, member_sha256=member_hash)
    assert path.read_bytes() == b"a\n1\n"


def test_other_wheel_and_other_member_are_refused(tmp_path: Path) -> None:
    wheel, wheel_hash = wheel_with(tmp_path, b"a\n1\n")
    with pytest.raises(DataError, match=r"package\.whl: SHA-256 is"):
        csv_from_wheel(wheel, tmp_path)
    with pytest.raises(DataError, match=r"compas-scores-two-years\.csv: SHA-256 is"):
        csv_from_wheel(wheel, tmp_path, wheel_sha256=wheel_hash)


def test_only_needed_columns_are_embedded_and_equal_input_gives_equal_bytes(
    raw_compas: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "raw.csv"
    raw_compas.assign(name="somebody", dob="1970-01-01", id=range(10)).to_csv(path, index=False)
    content = embedded_content(path)
    assert content == embedded_content(path)
    frame = pq.read_table(io.BytesIO(content)).to_pandas()
    assert set(frame.columns) == set(raw_compas.columns)
    assert frame["age"].tolist() == list(range(20, 30))


def test_embedded_file_names_nobody() -> None:
    schema = pq.read_schema(Path(study.data.__file__).with_name("compas_two_year.parquet"))
    assert not {"id", "name", "first", "last", "dob", "c_case_number"} & set(schema.names)
    assert len(schema.names) == 12
