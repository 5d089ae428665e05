"""Train a study's packs one after the other in this process."""

from study.errors import UserError
from study.results.directory import ResultsDirectory
from study.training.pack import run_pack
from study.training.scheduler import Attempts


def run_in_process(attempts: Attempts, directory: ResultsDirectory) -> None:
    """Train until nothing is left to hand out."""
    while (pack_id := attempts.next()) is not None:
        message = ""
        try:
            pack = directory.read_pack(pack_id)
            for advance in run_pack(pack, attempts.data[pack.split], directory):
                attempts.advanced(pack_id, advance)
        except UserError:
            # Storage that is full or out of reach, a pack file that was changed: trying again is in vain.
            raise
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        attempts.ended(pack_id, message)
