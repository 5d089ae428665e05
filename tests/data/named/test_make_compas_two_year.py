import io
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

import study.data.named
from tests.data.named.make_compas_two_year import embedded_content


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


def test_embedded_file_has_no_names() -> None:
    schema = pq.read_schema(Path(study.data.named.__file__).with_name("compas_two_year.parquet"))
    assert not {"id", "name", "first", "last", "dob", "c_case_number"} & set(schema.names)
    assert len(schema.names) == 12
