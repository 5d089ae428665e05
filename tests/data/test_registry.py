from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import study.data as data
from study.errors import DataError
from study.words import NAMES, SPLITS


@pytest.fixture(autouse=True)
def _no_own_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STUDY_DATA_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_every_name_has_one_line() -> None:
    assert {"compas", "compas-two-year"} <= set(data.DATASETS)
    assert all(len(known.description.splitlines()) == 1 for known in data.DATASETS.values())


def test_embedded_data_set_needs_nothing() -> None:
    dataset = data.load_dataset("compas-two-year")
    assert dataset.name == "compas-two-year"
    assert dataset.features.shape == (7214, 22)
    assert np.isfinite(dataset.features).all()
    assert [len(dataset.indices(name)) for name in SPLITS] == [4039, 1010, 2165]


def test_split_seed_is_passed_on() -> None:
    one, other, again = (data.load_dataset("compas-two-year", split_seed=s) for s in (0, 1, 0))
    assert not np.array_equal(one.split, other.split)
    assert one.fingerprint == again.fingerprint != other.fingerprint


def test_compas_by_path_has_the_papers_sizes(compas_copy: Path) -> None:
    dataset = data.load_dataset("compas", path=str(compas_copy))
    sizes = {name: len(dataset.indices(name)) for name in SPLITS}
    assert sizes["test"] == 3309
    assert sizes["train"] + sizes["validation"] == 7718
    assert str(compas_copy) in dataset.source


def test_compas_is_found_in_the_own_directory_and_equals_that_by_path(
    raw_compas: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    path = tmp_path / "own" / "compas-scores.csv"
    raw_compas.to_csv(path, index=False)
    found = data.load_dataset("compas")
    assert found.fingerprint == data.load_dataset("compas", path=str(path)).fingerprint


def test_compas_that_is_nowhere_is_refused_without_a_download() -> None:
    with pytest.raises(DataError, match="study data fetch compas"):
        data.load_dataset("compas")


def test_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(DataError, match="'compass' is unknown; allowed are compas-two-year, comp"):
        data.load_dataset("compass")
    with pytest.raises(DataError, match="'compass' is unknown"):
        data.fetch("compass")


def test_path_for_a_shipped_data_set_is_refused() -> None:
    with pytest.raises(DataError, match="compas-two-year: path is not allowed"):
        data.load_dataset("compas-two-year", path="x.csv")


def test_shipped_data_set_cannot_be_fetched() -> None:
    with pytest.raises(DataError, match="compas-two-year: ships with the package"):
        data.fetch("compas-two-year")


def test_fetch_keeps_to_the_pinned_file(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "compas-scores.csv").write_text("another file")
    with pytest.raises(DataError, match="already exists: SHA-256 is"):
        data.fetch("compas")


def test_groups_and_outcomes_of_every_data_set_have_names() -> None:
    assert set(NAMES) == set(data.DATASETS)
    groups, outcomes = NAMES["compas-two-year"]
    said = data.describe(data.load_dataset("compas-two-year"))
    assert f"A = 0: {groups[0]}\nA = 1: {groups[1]}\nlabel = 0: {outcomes[0]}\n" in said
