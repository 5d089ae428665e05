"""Train a study's packs one after the other in this process."""

from study.attempts import Attempts
from study.ledger import ResultsDirectory
from study.pack import run_pack
from study.pieces import read_piece
from study.study_data import StudyData


def run_in_process(attempts: Attempts, data: StudyData, directory: ResultsDirectory) -> None:
    """Train until nothing is left to hand out."""
    while (name := attempts.next()) is not None:
        message = ""
        try:
            pack, ledger = read_piece(directory, name)
            for advance in run_pack(pack, data, ledger):
                attempts.advanced(name, advance)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        attempts.ended(name, message)
