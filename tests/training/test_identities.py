"""Ids are hashes of facts: what was changed after it was written is refused, and trains nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.api import Study
from study.errors import LedgerError, StudyFileError, UserError
from study.results.directory import ResultsDirectory
from study.storage.seals import open_json, sealed_json
from study.training.pack import run_pack
from tests.training.test_pack import small_data
from tests.worlds.small_study import finished_packs, resume

LOST = "defer-ordinal-standard-00001"


@pytest.fixture
def outstanding(tiny_copy: ResultsDirectory) -> ResultsDirectory:
    """The study TINY, of which a pack is still to train."""
    (pack_id,) = (pack.pack_id for pack in tiny_copy.read_packs() if pack.pack_id.startswith(LOST))
    tiny_copy.remove_rows(pack_id)
    return tiny_copy


def assert_refused(directory: ResultsDirectory, *words: str, error: type[UserError] = LedgerError) -> None:
    """Resuming raises one line with all ``words``, and not a row is added."""
    before = finished_packs(directory)
    with pytest.raises(error) as caught:
        resume(directory, in_process=True, log=lambda text: None)
    line = str(caught.value)
    assert "\n" not in line
    for each in words:
        assert each in line, line
    assert finished_packs(directory) == before


def rewritten(directory: ResultsDirectory, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the pack that is to train, and seal its file as if it had been written so."""
    (path,) = directory.packs.glob(f"{LOST}*")
    content = open_json(path.read_bytes())
    change(content)
    path.write_bytes(sealed_json(content))
    return path


def test_study_without_changes_is_resumed(outstanding: ResultsDirectory) -> None:
    assert resume(outstanding, in_process=True, log=lambda text: None)


def test_edited_study_file_is_refused_with_the_key(outstanding: ResultsDirectory) -> None:
    text = outstanding.study_file.read_text()
    edited = text.replace("hidden: 5", "hidden: 2")
    assert edited != text
    outstanding.study_file.write_text(edited)
    assert_refused(outstanding, "study.yaml", "training.hidden (5 before, 2 now)")


def test_study_file_of_another_study_is_refused_with_the_key(outstanding: ResultsDirectory) -> None:
    study = outstanding.read_study()
    study["training"]["patience"] += 1
    study["seeds"] = [0, 2]
    outstanding.write_study(study)
    words = (
        "was changed after the study began",
        "training.patience (50 before, 51 now)",
        "seeds ([0, 1] before",
    )
    assert_refused(outstanding, "study.yaml", *words)


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("training", "hidden", 2, "is not that of its parameters"),
        ("training", "learning_rate", 0.004, "is not that of its parameters"),
        (None, "seeds", [0, 2], "has other seeds than study.yaml"),
        (None, "methods", ["binary", "reject"], "is not of this study's arms"),
    ],
)
def test_study_that_does_not_fit_its_packs_is_refused_without_a_manifest(
    section: str | None, key: str, value: object, words: str, outstanding: ResultsDirectory
) -> None:
    study = outstanding.read_study()
    (study[section] if section else study)[key] = value
    outstanding.write_study(study)
    outstanding.manifest_file.unlink()
    assert_refused(outstanding, str(outstanding.packs), words)


def test_data_that_changed_under_the_packs_is_refused_without_a_manifest(
    outstanding: ResultsDirectory,
) -> None:
    study = outstanding.read_study()
    study["dataset"]["split_seed"] = 1
    outstanding.write_study(study)
    outstanding.manifest_file.unlink()
    assert_refused(outstanding, "is not that of its parameters with this study's data")


@pytest.mark.parametrize("name", ["alpha", "gamma"])
def test_digit_of_a_coefficient_in_a_pack_file_is_refused(name: str, outstanding: ResultsDirectory) -> None:
    def change(content: dict[str, Any]) -> None:
        params = content["proposals"][0]["setting"]["params"]
        digits = repr(params[name])
        params[name] = float(digits[:-1] + str((int(digits[-1]) + 1) % 10))

    path = rewritten(outstanding, change)
    assert_refused(
        outstanding, str(path), "is not that of its parameters", "this file or study.yaml was changed"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(seeds=[0, 2]),
        lambda content: content.update(index=3),
        lambda content: content.update(decision_maker="oracle"),
        lambda content: content.update(fresh=[]),
        lambda content: (
            content["proposals"].reverse() or content["proposals"].append(content["proposals"][0])
        ),
        lambda content: content["proposals"][0].update(memory={"nsga2:generation": 4}),
    ],
    ids=["seeds", "index", "decision-maker", "fresh", "proposals", "memory"],
)
def test_whatever_else_a_pack_holds_decides_its_id(
    change: Callable[[dict[str, Any]], object], outstanding: ResultsDirectory
) -> None:
    path = rewritten(outstanding, change)
    assert_refused(outstanding, str(path), "its id is not that of what it holds")


def test_pack_file_that_is_missing_between_others_is_made_again(outstanding: ResultsDirectory) -> None:
    (path,) = outstanding.packs.glob("defer-ordinal-standard-00000*")
    written = path.read_bytes()
    path.unlink()
    assert resume(outstanding, in_process=True, log=lambda text: None)
    assert path.read_bytes() == written


def test_worker_refuses_a_pack_whose_settings_are_not_of_its_study(outstanding: ResultsDirectory) -> None:
    (pack,) = (pack for pack in outstanding.read_packs() if pack.pack_id.startswith(LOST))
    for part in (pack, *pack.halves()):
        with pytest.raises(
            LedgerError, match=rf"{pack.pack_id}\.json: setting {pack.fresh[0]} is not that of"
        ):
            list(run_pack(part, small_data(), outstanding))
        assert not outstanding.has_runs(part.pack_id)


def test_rows_under_the_name_of_another_pack_are_named_by_every_reader(
    outstanding: ResultsDirectory,
) -> None:
    (path,) = outstanding.runs.glob("defer-ordinal-standard-00000*")
    renamed = path.with_name(f"{path.stem}.0.parquet")
    path.rename(renamed)
    runs, broken = outstanding.read_runs()
    assert path.stem not in set(runs["pack_id"])
    reasons = {item.path: item.reason for item in broken}
    assert set(reasons) == {path, renamed}
    assert "which is not the file's name" in reasons[renamed]
    assert "it is missing" in reasons[path]


@pytest.mark.parametrize("kept", [0, 1, 5, 12])
def test_study_file_that_lost_its_end_is_an_error_not_another_study(
    kept: int, outstanding: ResultsDirectory
) -> None:
    study = outstanding.read_study()
    outstanding.write_study(dict(list(study.items())[:kept]))
    study_of = Study(outstanding.root)
    for verb in (study_of.status, study_of.report, study_of.select):
        with pytest.raises(StudyFileError, match=r"study\.yaml: is incomplete, without .*resources"):
            verb()
    assert_refused(outstanding, "study.yaml: is incomplete, without", error=StudyFileError)


def test_empty_study_file_is_an_error_not_the_default_study(outstanding: ResultsDirectory) -> None:
    outstanding.study_file.write_bytes(b"")
    with pytest.raises(LedgerError, match=r"study\.yaml: cannot be read"):
        Study(outstanding.root).status()
    assert_refused(outstanding, "study.yaml: cannot be read")
