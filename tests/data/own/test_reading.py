import gzip
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.data.own.reading import MISSING_VALUES, read_cells, read_frame
from study.errors import DataError
from tests.worlds.own_tables import cases


def test_csv_and_parquet_compressed_or_not_by_path_or_uri_are_the_same_table(tmp_path: Path) -> None:
    frame = cases(50)
    text = frame.to_csv(index=False).encode()
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "with a mark.csv").write_bytes(b"\xef\xbb\xbf" + text)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_parquet(tmp_path / "called.csv")
    places = [str(path) for path in sorted(tmp_path.iterdir())]
    for place in [*places, (tmp_path / "a.csv").as_uri(), (tmp_path / "a.parquet").as_uri()]:
        read = read_frame(place)
        pd.testing.assert_frame_equal(read, frame, check_dtype=False, obj=place)


def test_path_starts_where_the_command_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    monkeypatch.chdir(tmp_path)
    assert read_frame("a.csv").to_dict("list") == {"x": [1], "y": [2]}


def test_values_are_read_as_pandas_reads_them(tmp_path: Path) -> None:
    cells = [*MISSING_VALUES, "1", "-2.5e3"]
    text = "number,word\n" + "".join(f"{cell},{cell}x\n" for cell in cells) + ",\n"
    (tmp_path / "a.csv").write_text(text)
    expected = pd.read_csv(io.StringIO(text))
    read = read_frame(str(tmp_path / "a.csv"))
    np.testing.assert_array_equal(read["number"], expected["number"])
    assert read["word"].isna().tolist() == expected["word"].isna().tolist()


def test_column_may_turn_into_another_kind_anywhere_in_a_large_file(tmp_path: Path) -> None:
    rows = 400_000
    body = "".join(f"{i},{i}\n" for i in range(rows))
    (tmp_path / "a.csv").write_text(f"number,word\n{body}0.5,x\n")
    read = read_frame(str(tmp_path / "a.csv"))
    assert read["number"].iloc[-1] == 0.5
    assert read["word"].iloc[[0, -1]].tolist() == ["0", "x"]


def test_cells_can_be_had_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("code,n\n007,1.50\nNA, 2\n")
    cells, frame = read_cells(str(tmp_path / "a.csv"))
    assert cells.to_pydict() == {"code": ["007", "NA"], "n": ["1.50", " 2"]}
    assert frame["code"].isna().tolist() == [False, True]
    assert read_frame(str(tmp_path / "a.csv"))["n"].tolist() == [1.5, 2]


def test_some_columns_can_be_had_whatever_the_others_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b,c,a,\n"x, y","two\nlines",03,9,\n4,,6,9,\n')
    cells, frame = read_cells(str(tmp_path / "a.csv"), ["c", "a", "b"])
    assert cells.to_pydict() == {"c": ["03", "6"], "a": ["x, y", "4"], "b": ["two\nlines", None]}
    assert frame["b"].isna().tolist() == [False, True]
    with pytest.raises(DataError, match=r"a\.csv: no column d; needed are d, a"):
        read_cells(str(tmp_path / "a.csv"), ["d", "a"])


def test_index_that_pandas_wrote_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": [3, 4]}, index=[7, 9])
    frame.to_csv(tmp_path / "a.csv")
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        assert list(read_frame(str(tmp_path / name))) == ["x", "y"]


def test_named_index_is_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index([7, 9], name="person"))
    frame.to_parquet(tmp_path / "a.parquet")
    assert sorted(read_frame(str(tmp_path / "a.parquet"))) == ["person", "x"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"a,b\n", "has no rows"),
        (b"a,a\n1,2\n", "duplicate column a; rename one"),
        (b"a,b\n1\n", "cannot be read"),
        (b"PAR1 and no more", "cannot be read"),
    ],
)
def test_file_that_is_no_table_is_refused_by_name(content: bytes, words: str, tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_frame(str(place))
    assert str(caught.value).startswith(f"{place}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "place", ["/no/such.csv", "file:///no/such.csv", "nonsense://x/y.csv", "s3://", "."]
)
def test_place_where_no_file_is_is_refused_by_name(place: str) -> None:
    with pytest.raises(
        DataError, match=r"cannot be read \(.+\); a CSV or Parquet file is allowed"
    ) as caught:
        read_frame(place)
    assert str(caught.value).startswith(f"{place}: ")


def test_parquet_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="duplicate column a"):
        read_frame(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b",", b";"),
        lambda text: text.replace(b",", b"\t"),
        lambda text: b"sep=;\r\n" + text.replace(b",", b";"),
        lambda text: text.replace(b"\n", b",,\n"),
        gzip.compress,
    ],
)
def test_what_spreadsheets_make_of_a_table_is_read_as_the_table(change: Any, tmp_path: Path) -> None:
    frame = cases(50)
    (tmp_path / "a.csv").write_bytes(change(frame.to_csv(index=False).encode()))
    read = read_frame(str(tmp_path / "a.csv"))
    pd.testing.assert_frame_equal(read, frame, check_dtype=False)


def test_cell_of_many_megabytes_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"x,y\n1,{'z' * 3_000_000}\n")
    assert read_frame(str(tmp_path / "a.csv"))["y"].str.len().tolist() == [3_000_000]


def test_header_of_years_is_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,2019\n1,2\n3,4\n")
    assert list(read_frame(str(tmp_path / "a.csv"))) == ["n", "2019"]


def test_what_would_fill_the_memory_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_TABLE_GIB", "0.001")
    words = "word " * 20_000
    long = pa.array([words]).dictionary_encode().take(pa.array([0] * 1000))
    pq.write_table(pa.table({"x": long}), tmp_path / "few bytes.parquet")
    pq.write_table(pa.table({"x": pa.array([1] * 200_000)}), tmp_path / "many rows.parquet")
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"x\n" + b"1\n" * 2_000_000))
    os.mkfifo(tmp_path / "pipe.csv")
    for path in tmp_path.iterdir():
        assert path.stat().st_size < 20_000
        with pytest.raises(DataError, match=r"set STUDY_TABLE_GIB above|a pipe; give a file"):
            read_frame(str(path))
    with pytest.raises(DataError, match="/dev/zero: is a device or a pipe"):
        read_frame("/dev/zero")


LONG = "word " * 20_000
NESTED = {
    "list": pa.array([[LONG] * 5] * 200),
    "structure": pa.array([{"a": LONG, "b": 1}] * 1000),
    "map": pa.array([[("k", LONG)]] * 1000, pa.map_(pa.string(), pa.string())),
    "deep": pa.array([[{"a": [LONG, None]}, None]] * 1000),
    "bytes": pa.array([LONG.encode()] * 1000),
    "large": pa.array([LONG] * 1000, pa.large_string()),
    "of one length": pa.array([LONG.encode()] * 1000, pa.binary(len(LONG))),
}


@pytest.mark.parametrize("kind", NESTED)
def test_texts_that_are_stored_once_are_counted_as_often_as_they_are_there(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": NESTED[kind], "a.b": pa.array(["c"] * len(NESTED[kind]))}), path)
    assert path.stat().st_size < 20_000
    monkeypatch.setenv("STUDY_TABLE_GIB", "0.05")
    with pytest.raises(DataError, match=r"needs more than 53,687,091 bytes for [\d,]+ rows; set STUDY"):
        read_frame(str(path))
    monkeypatch.setenv("STUDY_TABLE_GIB", "0.2")
    assert list(read_frame(str(path))) == ["x", "a.b"]


@pytest.mark.parametrize("given", ["0", "-1", "", "much", "nan", "inf"])
def test_limit_that_is_no_number_above_0_is_refused(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    monkeypatch.setenv("STUDY_TABLE_GIB", given)
    with pytest.raises(DataError, match=f"STUDY_TABLE_GIB: must be a number above 0, got '{given}'"):
        read_frame(str(tmp_path / "a.csv"))
