"""Files that carry a digest of themselves: one flipped bit is seen, others read them as ever."""

import io
import json
import random
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
import yaml

from study.results.files.schema import to_parquet
from study.storage.seals import (
    check_parquet,
    check_text,
    open_json,
    seal_parquet,
    sealed_json,
    sealed_yaml,
)

TABLE = pa.table({"name": ["a", "b", None] * 50, "number": [float(number) for number in range(150)]})
DATA = {"sessions": [{"state": "done", "cores": 2}], "rows": 7, "code": None}
FILES = {
    "parquet": (to_parquet(TABLE), check_parquet),
    "json": (sealed_json(DATA), check_text),
    "indented json": (sealed_json(DATA, indent=2), check_text),
    "yaml": (sealed_yaml("study: tiny\nseeds: 2\n"), check_text),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_flipped_bit_is_seen(kind: str) -> None:
    content, check = FILES[kind]
    check(content)
    bits = range(8 * len(content))
    for bit in bits if len(bits) < 4000 else random.Random(kind).sample(bits, 4000):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"digest|not a Parquet file"):
            check(bytes(damaged))


@pytest.mark.parametrize("kind", FILES)
def test_what_is_cut_short_or_longer_or_has_no_seal_is_refused(kind: str) -> None:
    content, check = FILES[kind]
    for damaged in (b"", content[:-1], content[1:], content[: len(content) // 2], content + b"x"):
        with pytest.raises(ValueError, match=r"digest|not a Parquet file"):
            check(damaged)


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1PAR1", b"PAR1" + b"\7" * 90 + b"PAR1", b"\0" * 100])
def test_what_only_looks_like_a_table_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"digest|not a Parquet file"):
        check_parquet(content)


def test_table_of_another_writer_has_no_seal() -> None:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    with pytest.raises(ValueError, match="digest is wrong or missing"):
        check_parquet(sink.getvalue())
    check_parquet(seal_parquet(sink.getvalue()))


def test_other_programs_read_sealed_files_as_ever(tmp_path: Path) -> None:
    (tmp_path / "one.parquet").write_bytes(FILES["parquet"][0])
    (tmp_path / "_two.parquet.broken").write_bytes(b"set aside")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path), TABLE.to_pandas())
    assert pq.ParquetFile(tmp_path / "one.parquet").read().equals(TABLE)
    assert pyarrow.dataset.dataset(tmp_path).to_table().equals(TABLE)
    for kind in ("json", "indented json"):
        assert {**json.loads(FILES[kind][0]), "sha256": 0} == {**DATA, "sha256": 0}
        assert open_json(FILES[kind][0]) == DATA
    assert yaml.safe_load(FILES["yaml"][0]) == {"study": "tiny", "seeds": 2}


def test_pages_carry_checksums_for_readers_that_check_nothing_else() -> None:
    content = bytearray(FILES["parquet"][0])
    numbers = pq.ParquetFile(pa.BufferReader(bytes(content))).metadata.row_group(0).column(1)
    content[numbers.dictionary_page_offset + 100] ^= 1
    with pytest.raises(OSError, match=r"CRC"):
        pq.ParquetFile(pa.BufferReader(bytes(content)), page_checksum_verification=True).read()
