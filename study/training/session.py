"""A session of work on a study: whether it may begin, what is recorded of it, and where its logs go."""

import importlib.metadata
import logging
import platform
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from study.config.reading import stored
from study.data import Dataset
from study.errors import LedgerError, OutputError
from study.results.directory import ResultsDirectory, changed_keys
from study.search.identity import Identity

_PACKAGES = ("numpy", "optuna", "pandas", "pyarrow", "ray", "torch")


def begin_or_resume(directory: ResultsDirectory, resolved: Mapping[str, Any], identity: Identity) -> None:
    """Write the resolved study into a new directory, or check that it is the one that was begun there.

    Raises LedgerError where another study was begun there, or study.yaml, the data or the code has changed
    since: new rows would not belong with the finished ones.
    """
    if not directory.exists():
        directory.write_study(resolved)
        return
    there = stored(directory.read_study(), str(directory.study_file)).resolved()
    known = directory.read_manifest() if directory.manifest_file.exists() else {}
    if changed := changed_keys(there, resolved):
        raise LedgerError(
            f"{directory.study_file}: another study was begun there, it differs in {'; '.join(changed)}; "
            "give another --out, or resume that one"
        )
    for what, now in (("data_fingerprint", identity.data_fingerprint), ("code", identity.code)):
        if known and known.get(what) != now:
            raise LedgerError(
                f"{directory.manifest_file}: {what} was {known.get(what)} and is {now} now, so new rows "
                "would not belong with the finished ones; give another --out"
            )


def set_broken_aside(directory: ResultsDirectory, log: Callable[[str], None]) -> None:
    """Name the damaged files, and make room for new ones."""
    for broken in directory.broken():
        aside = directory.set_aside(broken)
        moved = f"moved to {aside.name} and " if aside.exists() else ""
        log(f"{broken}; {moved}made again")


@contextmanager
def session(
    directory: ResultsDirectory,
    resolved: Mapping[str, Any],
    dataset: Dataset,
    identity: Identity,
    backend: str,
    executor: str,
    warnings: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """Record in the manifest when, where and with what the study is worked on, and how that ends.

    Yields the record of this session, to be added to.
    """
    known = directory.read_manifest() if directory.manifest_file.exists() else {}
    record: dict[str, Any] = {
        "started": _now(),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "executor": executor,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
    manifest = known | {
        "study": {key: value for key, value in resolved.items() if key != "resources"},
        "data_fingerprint": identity.data_fingerprint,
        "data_source": dataset.source,
        "rows": len(dataset.label),
        "code": identity.code,
        "backend": backend,
        "cautions": list(warnings),
        "sessions": [*known.get("sessions", []), record],
    }
    directory.write_manifest(manifest)
    record["state"] = "stopped by an error"
    try:
        yield record
        record["state"] = "done"
    except KeyboardInterrupt:
        record["state"] = "interrupted"
        raise
    finally:
        record["ended"] = _now()
        directory.write_manifest(manifest)


@contextmanager
def driver_log(directory: ResultsDirectory) -> Iterator[None]:
    """Keep the messages of Ray and Optuna in the results directory, out of the terminal."""
    try:
        directory.logs.mkdir(parents=True, exist_ok=True)
        handler = _QuietHandler(directory.logs / "driver.log")
    except OSError as error:
        raise OutputError(
            f"{directory.logs}: cannot be written ({error.strerror}); make room or give another --out"
        ) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


class _QuietHandler(logging.FileHandler):
    """Writes a log as far as there is room for it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Let a record be lost: a full disk is reported once, by what could not be kept."""

    def close(self) -> None:
        """Close the log, whatever of it is still unwritten."""
        with suppress(OSError):
            super().close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
