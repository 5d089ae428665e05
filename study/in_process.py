"""Train a study's packs one after the other in this process."""

from study.ledger import ResultsDirectory
from study.pack import run_pack
from study.progress import Progress
from study.queue import PackQueue
from study.study_data import StudyData


def run_in_process(
    queue: PackQueue, data: StudyData, directory: ResultsDirectory, progress: Progress
) -> None:
    """Train until the queue is done; a pack that raises is noted as failed and the rest go on."""
    while (pack := queue.next()) is not None:
        try:
            for trained in run_pack(pack, data, directory):
                progress.pack_advanced(pack.pack_id, trained)
        except Exception as error:
            queue.fail(pack.pack_id, f"{type(error).__name__}: {error}")
            progress.pack_failed(pack.pack_id, str(error))
        else:
            queue.finish(pack.pack_id)
            progress.pack_finished(pack.pack_id)
