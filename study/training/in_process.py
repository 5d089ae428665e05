"""Train a study's packs one after the other in this process."""

from study.errors import UserError
from study.results.directory import ResultsDirectory
from study.training.pack import run_pack
from study.training.pieces import read_piece
from study.training.scheduler import Attempts
from study.training.study_data import StudyData


def run_in_process(attempts: Attempts, data: StudyData, directory: ResultsDirectory) -> None:
    """Train until nothing is left to hand out."""
    while (name := attempts.next()) is not None:
        message = ""
        try:
            pack, ledger = read_piece(directory, name)
            for advance in run_pack(pack, data, ledger):
                attempts.advanced(name, advance)
        except UserError:
            # Storage that is full or out of reach, a manifest that is none: no other try would do better.
            raise
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        attempts.ended(name, message)
