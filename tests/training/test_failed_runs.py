"""What the rest of the project makes of a row that says that its run could not be trained."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from study import Study
from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.results.files.schema import OUTCOME_SCHEMA, RUN_SCHEMA, WEIGHT_SCHEMA, Rows, read_table
from study.results.settings import medians_by_setting
from study.words import FAILED
from tests.worlds.small_study import assert_same_rows, resume

KEPT = ("run_id", "setting_id", "method", "model", "decision_maker", "alpha", "gamma", "seed", "pack_id")


@pytest.fixture
def failed(tiny_copy: ResultsDirectory) -> str:
    """A run of the study TINY that failed, alone, after its pack was split."""
    chosen = Study(tiny_copy.root).select().run_id
    runs = tiny_copy.read_runs()[0].set_index("run_id", drop=False)
    pack = tiny_copy.read_pack(runs.loc[chosen, "pack_id"])
    whole = [
        read_table((folder / f"{pack.pack_id}.parquet").read_bytes(), schema)
        for folder, schema in (
            (tiny_copy.runs, RUN_SCHEMA),
            (tiny_copy.weights, WEIGHT_SCHEMA),
            (tiny_copy.outcomes, OUTCOME_SCHEMA),
        )
    ]
    tiny_copy.remove_rows(pack.pack_id)
    for part in pack.without({chosen}):
        own = Rows(*(table.filter(pc.is_in(table["run_id"], pa.array(part.run_ids))) for table in whole))
        named = pa.array([part.pack_id] * part.runs)
        at = RUN_SCHEMA.names.index("pack_id")
        tiny_copy.write_rows(part.pack_id, own._replace(runs=own.runs.set_column(at, "pack_id", named)))
    (alone,) = pack.without({*pack.run_ids} - {chosen})
    known = {name: [runs.loc[chosen, name]] for name in KEPT}
    known["pack_id"] = [alone.pack_id]
    nothing = {name: [None] for name in RUN_SCHEMA.names} | {"epochs": [0], "best_epoch": [0]}
    row = nothing | known | {"status": [FAILED], "reason": ["MemoryError: too much"]}
    tiny_copy.write_rows(alone.pack_id, Rows.failed(row))
    return chosen


def test_status_counts_it_and_says_why(failed: str, tiny_copy: ResultsDirectory) -> None:
    status = Study(tiny_copy.root).status()
    assert (status.state, status.planned, status.finished, status.failed) == ("interrupted", 20, 19, 1)
    (words,) = status.failures
    assert words.endswith(f": run {failed}: MemoryError: too much")


@pytest.mark.usefixtures("without_figures")
def test_reports_and_choices_leave_it_out(failed: str, tiny_copy: ResultsDirectory) -> None:
    results = Study(tiny_copy.root).full_results()
    assert failed not in set(results.runs["run_id"])
    assert (len(results.runs), results.failed) == (19, 1)
    assert set(medians_by_setting(results.runs)["seeds"]) == {1, 2}
    assert Study(tiny_copy.root).select().run_id != failed
    page = Study(tiny_copy.root).report().read_text()
    assert "19 of 20 runs finished, 1 failed" in page


def test_it_cannot_be_exported(failed: str, tiny_copy: ResultsDirectory, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=rf"run {failed} failed \(MemoryError: too much\)"):
        Study(tiny_copy.root).export(failed, tmp_path / "model")


def test_resume_trains_it_alone_and_leaves_the_others_as_they_are(
    failed: str, tiny_copy: ResultsDirectory, tiny_results: ResultsDirectory
) -> None:
    before = tiny_copy.read_runs()[0].set_index("run_id")["finished_at"]
    assert resume(tiny_copy, in_process=True, log=lambda text: None)
    rows = tiny_copy.read_runs()[0]
    assert_same_rows(*(of.drop(columns="pack_id") for of in (rows, tiny_results.read_runs()[0])))
    after = rows.set_index("run_id")["finished_at"]
    assert after.drop(failed).equals(before.drop(failed)[after.drop(failed).index])
    (pack,) = rows.loc[rows["run_id"] == failed, "pack_id"]
    assert len(tiny_copy.read_weights(failed, pack)) > 0
