"""A digest over a whole file, kept within it where readers of other programs pass over it.

One flipped bit changes numbers in a Parquet, JSON or YAML file without a word, so every file that is read
back is sealed when it is written and checked when it is read. A seal costs no second file, and so no
second request in an object store.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

_SIZE = hashlib.sha256().digest_size
_PARQUET_END = 8
"""A Parquet file ends with the length of its footer, 4 bytes, and the word PAR1."""
BLANK = "0" * (2 * _SIZE)
"""What a text has in place of its seal while that is computed."""
_BLANK = BLANK.encode()
_SEAL = re.compile(rb'sha256"?: "?([0-9a-f]{%d})"?\s*\}?\s*\Z' % len(_BLANK))
_BROKEN = "its digest is wrong or missing: it was damaged or changed since it was written"


def seal_parquet(content: bytes) -> bytes:
    """Return a Parquet file with its SHA-256 before the footer, in a gap that no offset points at."""
    footer = _footer(content)
    return content[:footer] + hashlib.sha256(content).digest() + content[footer:]


def check_parquet(content: bytes) -> None:
    """Raise ValueError unless a Parquet file is as `seal_parquet` returned it."""
    footer = _footer(content)
    view = memoryview(content)
    digest = hashlib.sha256(view[: max(0, footer - _SIZE)])
    digest.update(view[footer:])
    if footer < _SIZE or digest.digest() != view[footer - _SIZE : footer]:
        raise ValueError(_BROKEN)


def seal_text(content: bytes) -> bytes:
    """Return a text that ends with a blank seal with the SHA-256 in its place."""
    before, _, after = content.rpartition(_BLANK)
    return before + hashlib.sha256(content).hexdigest().encode() + after


def check_text(content: bytes) -> None:
    """Raise ValueError unless a text is as `seal_text` returned it."""
    result = _SEAL.search(content)
    if result is None:
        raise ValueError(_BROKEN)
    blank = content[: result.start(1)] + _BLANK + content[result.end(1) :]
    if hashlib.sha256(blank).hexdigest().encode() != result[1]:
        raise ValueError(_BROKEN)


def sealed_json(data: Mapping[str, Any], *, indent: int | None = None) -> bytes:
    """Return an object as JSON; the seal is its last key, ``sha256``."""
    return seal_text(json.dumps({**data, "sha256": BLANK}, indent=indent).encode())


def open_json(content: bytes) -> dict[str, Any]:
    """Return the object that `sealed_json` was given; raises ValueError or RecursionError."""
    check_text(content)
    data = json.loads(content)
    if not isinstance(data, dict):
        raise ValueError("is not a JSON object")
    del data["sha256"]
    return data


def sealed_yaml(text: str) -> bytes:
    """Return YAML with the seal as a comment in its last line."""
    return seal_text(f"{text}# sha256: {BLANK}\n".encode())


def _footer(content: bytes) -> int:
    """Return where the footer of a Parquet file begins; raises ValueError where there is none."""
    at = len(content) - _PARQUET_END
    begin = at - int.from_bytes(content[max(0, at) : at + 4], "little")
    if at < 0 or begin < 0:
        raise ValueError("is not a Parquet file")
    return begin
