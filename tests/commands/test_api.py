"""The commands as Python."""

from pathlib import Path
from typing import Any

import pytest

from study import Study, load_model
from study.config.reading import validate
from study.data import read_frame
from study.errors import LedgerError, StudyFileError, UserError
from study.results.directory import ResultsDirectory
from study.results.files.schema import RUN_SCHEMA
from study.training.pack import run_pack
from tests.worlds.small_study import TINY, assert_same_rows, write_cases

SMALL = {**TINY, "methods": "binary", "search": {"sampler": "random", "settings": 1}, "seeds": 1}


@pytest.mark.usefixtures("without_figures")
def test_study_runs_from_a_mapping_and_gives_results(tmp_path: Path) -> None:
    study = Study.run(SMALL, out=tmp_path / "out", in_process=True)
    results = study.results()
    assert list(results) == RUN_SCHEMA.names
    assert len(results) == 2
    assert results["test_error"].between(0.2, 0.5).all()
    status = study.status()
    assert (status.state, status.planned, status.finished) == ("finished", 2, 2)
    assert study.report() == tmp_path / "out" / "report" / "index.html"
    assert study.report(tmp_path / "there").read_text().startswith("<!DOCTYPE html>")
    assert study.select(max_idk=0.0).setting_id in set(results["setting_id"])


def test_file_mapping_and_validated_study_are_the_same_study(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text("{methods: binary, search: {settings: 1, sampler: random}, training: {max_epochs: 9}}")
    changes = ["training.max_epochs=1", "seeds=1", "study=same"]
    mapping = {"methods": "binary", "search": {"settings": 1, "sampler": "random"}}
    sources = (path, mapping, validate(mapping, "here"))
    found = [
        Study.run(source, out=tmp_path / str(index), overrides=changes, in_process=True).results()
        for index, source in enumerate(sources)
    ]
    assert set(found[0]["epochs"]) == {1}
    for other in found[1:]:
        assert_same_rows(found[0], other)


def test_results_go_to_a_place_named_after_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Study.run({**SMALL, "study": "named"}, in_process=True)
    assert (tmp_path / "results" / "named" / "study.yaml").is_file()


def test_wrong_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="the study given: sseeds: unknown key"):
        Study.run({"sseeds": 3}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_place_without_a_study_is_refused(tmp_path: Path) -> None:
    study = Study(tmp_path)
    for verb in (study.results, study.status, study.report, study.select, study.resume):
        with pytest.raises(LedgerError, match="no study there"):
            verb()
    with pytest.raises(LedgerError, match="no study there"):
        study.export("0123", tmp_path / "model")
    with pytest.raises(LedgerError, match="no study there"):
        study.optuna(tmp_path / "history.db")


def test_run_becomes_a_model_and_the_search_a_history(
    tiny_results: ResultsDirectory, tmp_path: Path
) -> None:
    study, said = Study(tiny_results.root), list[str]()
    model = study.export(study.select().run_id, tmp_path / "model")
    assert model.columns == load_model(tmp_path / "model").columns
    assert study.optuna(tmp_path / "history.db", log=said.append) == 9
    assert (tmp_path / "history.db").is_file()


def test_frames_of_a_study_agree_with_its_ledger(tiny_results: ResultsDirectory) -> None:
    study = Study(tiny_results.root)
    runs, settings = study.runs(), study.settings()
    assert set(runs["run_id"]) == set(study.results()["run_id"])
    assert set(settings["setting_id"]) == set(runs["setting_id"])
    one = runs[runs["setting_id"] == settings["setting_id"].iloc[3]]
    assert settings["test_error"].iloc[3] == one["test_error"].median()
    assert set(study.fronts()["front"]) == {"paper", "honest"}
    assert set(study.fronts()["setting_id"]) <= set(settings["setting_id"])


def test_decisions_of_a_run_make_up_its_metrics(tiny_results: ResultsDirectory) -> None:
    study = Study(tiny_results.root)
    for method in ("defer", "binary"):
        run = study.runs().query(f"method == '{method}'").iloc[-1]
        decisions = study.decisions(run["run_id"][:12])
        assert (decisions["decision"] != decisions["label"]).mean() == pytest.approx(run["test_error"])
        assert decisions["defer"].mean() == pytest.approx(run["test_idk_rate"])
        group = decisions[decisions["sensitive"] == 1]
        assert group["defer"].mean() == pytest.approx(run["test_idk_rate_a1"])
        kept = decisions[~decisions["defer"]]
        assert (kept["decision"] == kept["prediction"]).all()
        assert ("decision_maker" in decisions) == (method == "defer")
    with pytest.raises(LedgerError, match="no finished run nothing"):
        study.decisions("nothing")


def test_a_study_of_a_data_frame_keeps_it_among_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = write_cases(tmp_path / "cases.csv")
    frame = read_frame(section["path"])
    monkeypatch.chdir(tmp_path)
    given = {**SMALL, "study": "frame", "dataset": {**section, "path": frame}}
    study = Study.of(given)
    assert study.estimate().runs == 2
    assert not (tmp_path / "results").exists()
    study.train(in_process=True)
    assert (tmp_path / "results" / "frame" / "table.parquet").is_file()
    assert "Study('results/frame')" in study._repr_html_()
    again = Study(tmp_path / "results" / "frame")
    assert again.resume(in_process=True).status().state == "finished"
    of_file = Study.run({**SMALL, "dataset": section}, out=tmp_path / "file", in_process=True)
    for column in ("test_error", "validation_loss"):
        assert again.results()[column].tolist() == of_file.results()[column].tolist()
    assert study.export(study.runs()["run_id"].iloc[0], tmp_path / "model").method == "binary"
    with pytest.raises(LedgerError, match=r"table\.parquet: another table was given when the study began"):
        Study.run({**given, "dataset": {**section, "path": frame.head(200)}}, in_process=True)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"max_idk": 30}, "max_idk: must be a number from 0 to 1, got 30"),
        ({"max_error": "low"}, "max_error: must be a number from 0 to 1, got 'low'"),
        ({"min_idk": float("nan")}, "min_idk: must be a number from 0 to 1, got nan"),
        ({"max_cost": -1}, "max_cost: must be a number from 0 on, got -1"),
        ({"minimise": "accuracy"}, "minimise: 'accuracy' is unknown; allowed are error, di, idk"),
        ({"minimise": "eror"}, r"allowed are .*; did you mean error\?"),
        ({"method": "defre"}, r"--method: 'defre' is not in the ledger.*; did you mean defer\?"),
    ],
)
def test_wrong_arguments_fail_as_on_the_command_line(
    wanted: dict[str, Any], words: str, tiny_results: ResultsDirectory
) -> None:
    study = Study(tiny_results.root)
    for ask in (study.select, lambda **given: study.certify("error<=0.9", **given)):
        with pytest.raises(UserError, match=words) as caught:
            ask(**wanted)
        assert len(str(caught.value).splitlines()) == 1


def test_other_wrong_arguments_fail_clearly(tiny_results: ResultsDirectory) -> None:
    study = Study(tiny_results.root)
    assert study.select(max_cost=12).satisfies
    with pytest.raises(TypeError, match=r"unknown arguments: max_idc; did you mean max_idk\?"):
        study.select(max_idc=0.3)  # type: ignore[call-arg]
    with pytest.raises(UserError, match="confidence: must be a number between 0 and 1, got 'high'"):
        study.certify("error<=0.9", confidence="high")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="workers: must be a whole number from 1 on, got 0"):
        study.resume(workers=0)
    with pytest.raises(StudyFileError, match="overrides: must be a list of KEY=VALUE words, got 'seeds=1'"):
        Study.of(SMALL, overrides="seeds=1")


def test_results_show_themselves_in_a_line_and_in_a_notebook(tiny_results: ResultsDirectory) -> None:
    study = Study(tiny_results.root)
    assert repr(study) == f"Study({str(tiny_results.root)!r})"
    assert "tiny: finished, 20 of 20 runs finished" in study._repr_html_()
    assert "not begun" in Study("nowhere")._repr_html_()
    chosen, certified = study.select(), study.certify("error<=0.9")
    assert repr(chosen).startswith(
        f"Selection(run {chosen.run_id}, {chosen.method} {chosen.model}, test error 0."
    )
    assert repr(certified) == f"Certificate(run {certified.run_id}, error<=0.9 at 95 %)"
    for shown in (chosen, certified):
        assert shown.run_id in shown._repr_html_()
        assert len(repr(shown)) < 150
    missed = study.select(max_error=0.0)
    assert repr(missed).endswith(", limits missed)")
    assert "limits missed" in missed._repr_html_()


def test_pack_that_raises_is_a_runtime_error_and_resume_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("study.training.scheduler.run_pack", broken)
        with pytest.raises(RuntimeError, match=r"2 runs failed.*\n.*MemoryError: no room"):
            Study.run(SMALL, out=tmp_path / "out", in_process=True)
    study = Study(tmp_path / "out")
    assert study.status().failed == 2
    assert study.resume(in_process=True).status().state == "finished"


def test_interruption_in_process_keeps_what_is_finished(
    tmp_path: Path, tiny_results: ResultsDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, begun = run_pack, []

    def interrupted(pack, data, directory):  # type: ignore[no-untyped-def]
        begun.append(pack)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return original(pack, data, directory)

    with monkeypatch.context() as patch:
        patch.setattr("study.training.scheduler.run_pack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Study.run(TINY, out=tmp_path / "out", in_process=True)
    mine = Study(tmp_path / "out")
    status = mine.status()
    assert (status.state, status.failed) == ("interrupted", 0)
    assert status.finished == sum(pack.runs for pack in begun[:2])
    assert_same_rows(mine.resume(in_process=True).results(), tiny_results.read_runs()[0])


def test_numbers_of_a_study_do_not_depend_on_its_name_or_other_methods(
    tmp_path: Path, tiny_results: ResultsDirectory
) -> None:
    """A run is a fact: it has the same identity and the same figures in another study."""
    other = Study.run(
        {**TINY, "study": "other", "methods": ["defer"]}, out=tmp_path / "out", in_process=True
    )
    named = ["study", "pack_id"]
    here = other.results()
    there = tiny_results.read_runs()[0]
    assert set(here["run_id"]) <= set(there["run_id"])
    shared = there[there["run_id"].isin(here["run_id"])]
    assert_same_rows(here.drop(columns=named), shared.drop(columns=named))


def test_study_must_say_on_whom_inconsistent_errs_where_the_data_set_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.training.decision_makers.default_subgroup", lambda name: None)
    for key in ("decision_maker", "test_decision_maker"):
        with pytest.raises(StudyFileError, match=r"inconsistent\.where: name the cases .* age <= 35"):
            Study.run({**SMALL, key: "inconsistent"}, out=tmp_path / "out", in_process=True)
    assert not (tmp_path / "out").exists()
    own = {**SMALL, "test_decision_maker": "inconsistent", "inconsistent": {"where": "age > 60"}}
    assert Study.run(own, out=tmp_path / "out", in_process=True).status().state == "finished"


def test_default_condition_written_out_is_the_same_study(tmp_path: Path) -> None:
    given = {**SMALL, "methods": "defer", "model": "gate", "decision_maker": "inconsistent"}
    default = Study.run(given, out=tmp_path / "default", in_process=True).results()
    written = given | {"inconsistent": {"where": "age <= 35"}}
    assert_same_rows(Study.run(written, out=tmp_path / "written", in_process=True).results(), default)
