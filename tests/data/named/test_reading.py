from pathlib import Path

import pytest

from study.data.named.compas import read_columns
from study.errors import DataError


def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "raw.csv"
    path.write_bytes(content)
    return path


def test_columns_come_in_the_order_asked_for_as_text(tmp_path: Path) -> None:
    frame = read_columns(file(tmp_path, b"a,b,c\n1,2,03\n4,,6\n"), ["c", "a", "b"])
    assert list(frame.columns) == ["c", "a", "b"]
    assert frame["c"].tolist() == ["03", "6"]
    assert frame["b"].isna().tolist() == [False, True]


def test_first_of_two_columns_with_one_name_counts(tmp_path: Path) -> None:
    frame = read_columns(file(tmp_path, b"a,b,a\n1,2,3\n"), ["a"])
    assert frame["a"].tolist() == ["1"]


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfa,b\n1,2\n", b"a,b\r\n1,2\r\n", b'"a","b"\n"1","2"\n', b"a,b\n1,2"]
)
def test_marks_line_ends_and_quotes_do_not_matter(tmp_path: Path, content: bytes) -> None:
    frame = read_columns(file(tmp_path, content), ["a", "b"])
    assert frame.to_dict("list") == {"a": ["1"], "b": ["2"]}


def test_quoted_cell_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    frame = read_columns(file(tmp_path, b'a,b\n"x, y","two\nlines"\n3,4\n'), ["a", "b"])
    assert frame["a"].tolist() == ["x, y", "3"]


def test_header_alone_is_a_frame_without_rows(tmp_path: Path) -> None:
    frame = read_columns(file(tmp_path, b"a,b\n"), ["a"])
    assert list(frame.columns) == ["a"]
    assert len(frame) == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (b"\nx,y\n1,2\n", "first line is"),
        (b"PAR1\x00\x15\x04\xff\xfe,\x00\x01\n\x00", "no column a, b; the CSV file must have"),
        (bytes(range(256)) * 50, "no column a, b"),
        (b"a,c\n1,2\n", "no column b; the CSV file must have the columns a, b"),
        (b"a,b\n1,2\n3", "not a readable CSV file"),
        (b"a,b\n1,2\n3,4,5\n", "not a readable CSV file"),
        (b"a,b\n1,\xff\xfe\n", "not a readable CSV file"),
    ],
)
def test_wrong_file_is_one_line_that_names_it(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DataError) as caught:
        read_columns(file(tmp_path, content), ["a", "b"])
    message = str(caught.value)
    assert reason in message
    assert "raw.csv" in message
    assert len(message.splitlines()) == 1


def test_absent_file_and_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"raw\.csv: cannot be read \(No such file"):
        read_columns(tmp_path / "raw.csv", ["a"])
    with pytest.raises(DataError, match="cannot be read"):
        read_columns(tmp_path, ["a"])
