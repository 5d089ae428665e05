"""A pack in training, saved so that whoever resumes it continues from there, to the same rows.

What is saved is tensors and nothing else, behind a digest of them and of what they belong to: what is torn,
damaged or of another pack, code or data is not used, and the pack begins again.
"""

import contextlib
import hashlib
import json
import time

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from safetensors.torch import save as to_bytes

from study.errors import LedgerError, OutputError
from study.models.training import PackTraining
from study.results.directory import ResultsDirectory
from study.results.packs import Pack

CHECKPOINT_EVERY = 20.0
"""Seconds of training between checkpoints: with the epoch that is under way, a kill costs under 30."""

_SEAL = hashlib.sha256().digest_size


class Checkpoint:
    """The checkpoint of one pack, whose training step runs on ``backend``."""

    def __init__(self, pack: Pack, directory: ResultsDirectory, *, backend: str) -> None:
        self._pack_id, self._directory = pack.pack_id, directory
        # Settings' ids are hashes over data and code; the same bits need the same torch as well.
        facts = [pack.pack_id, pack.fresh, pack.seeds, backend, torch.__version__]
        self._belongs_to = json.dumps(facts).encode()
        self._started = self._kept = time.perf_counter()
        self._written = False

    @property
    def seconds(self) -> float:
        """How long the pack has been in training, in all tries that led here."""
        return time.perf_counter() - self._started

    def restore(self, training: PackTraining) -> bool:
        """Let ``training`` continue from where the pack was saved; return whether it was."""
        try:
            kept = self._directory.read_checkpoint(self._pack_id)
            if kept is None or kept[:_SEAL] != self._seal(kept[_SEAL:]):
                return False
            state = load(kept[_SEAL:])
            seconds = float(state.pop("seconds"))
            training.restore(state)
        except (KeyError, TypeError, ValueError, SafetensorError, LedgerError):
            return False
        self._started -= seconds
        self._written = True
        return True

    def save(self, training: PackTraining) -> None:
        """Save ``training``, unless that was done a moment ago."""
        now = time.perf_counter()
        if now - self._kept < CHECKPOINT_EVERY:
            return
        self._kept = now
        content = to_bytes(training.state() | {"seconds": torch.tensor(self.seconds, dtype=torch.float64)})
        # Where it cannot be written, training continues all the same.
        with contextlib.suppress(OutputError):
            self._directory.write_checkpoint(self._pack_id, self._seal(content) + content)
            self._written = True

    def drop(self) -> None:
        """Remove what was saved: the rows are in the ledger."""
        if self._written:
            self._directory.drop_checkpoint(self._pack_id)

    def _seal(self, content: bytes) -> bytes:
        digest = hashlib.sha256(self._belongs_to)
        digest.update(content)
        return digest.digest()
