"""A run's model, exported: it decides as the run did, or nothing is written."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from study import Study, load_model
from study.deploy.apply import apply
from study.deploy.export import NotReproducedError
from study.deploy.model import DeployedModel
from study.errors import DataError, LedgerError, ModelError, OutputError
from study.results.directory import ResultsDirectory
from study.results.files.schema import RUN_SCHEMA, to_parquet
from tests.worlds.small_study import FAMILY_ARMS, TINY, config_of, finished_packs

GROUPED = {"idk_rate": "defer", "error": "wrong"}


def exported_from(directory: ResultsDirectory, run_id: str, place: Path) -> DeployedModel:
    return Study(directory.root).export(run_id, place)


def run_of(directory: ResultsDirectory, model: Path) -> "pd.Series[object]":
    runs = directory.read_runs()[0].set_index("run_id", drop=False)
    return runs.loc[load_model(model).about["run"]["run_id"]]


@pytest.fixture
def families_copy(families: ResultsDirectory, tmp_path: Path) -> ResultsDirectory:
    shutil.copytree(families.root, tmp_path / "families")
    return ResultsDirectory(tmp_path / "families")


@pytest.mark.parametrize("arm", FAMILY_ARMS)
def test_decisions_of_an_exported_model_have_exactly_the_test_figures_of_the_ledger(
    arm: str, families: ResultsDirectory, exported: dict[str, Path], tmp_path: Path
) -> None:
    """From the user's file to a file of decisions; every figure is counted here again."""
    raw = pd.read_csv(families.root.parent / "cases.csv", dtype=str, keep_default_na=False)
    # Training saw "elsewhere" as none of its places, which is what an empty cell is.
    raw.loc[2, "place"] = ""
    raw.sample(frac=1, random_state=1).to_csv(tmp_path / "cases.csv", index=False)
    apply(exported[arm], tmp_path / "cases.csv", tmp_path / "decisions.csv")
    decided = pd.read_csv(tmp_path / "decisions.csv")
    run, test = run_of(families, exported[arm]), decided[decided["split"] == "test"]
    assert len(decided) == 300
    assert len(test) == 100
    wrong = np.where(test["defer"], test["judge"] != test["bad"], test["prediction"] != test["bad"])
    test = test.assign(wrong=wrong, a=(test["race"] == "B").astype(int))
    rate = test.groupby(["a", "bad"])["wrong"].mean()
    gaps = (rate[0] - rate[1]).abs()
    found = {"di_y0": gaps[0], "di_y1": gaps[1], "di": gaps.mean()}
    for name, column in GROUPED.items():
        found[name] = test[column].mean()
        found |= {f"{name}_a{a}": mean for a, mean in test.groupby("a")[column].mean().items()}
    found["model_error"] = test.loc[~test["defer"], "wrong"].mean()
    found["dm_error"] = test.loc[test["defer"], "wrong"].mean()
    for name, value in found.items():
        assert np.float64(value) == pytest.approx(run[f"test_{name}"], abs=1e-15, nan_ok=True), name
    assert (found["idk_rate"] == 0) if run["method"] == "binary" else (0.1 < found["idk_rate"] < 0.97)


def test_test_rows_that_chose_thresholds_are_not_among_those_compared(tmp_path: Path) -> None:
    given = {
        **{**TINY, "methods": "defer", "model": "posthoc", "seeds": 1},
        "thresholds": {"choose_on": "test-half"},
        "test_decision_maker": "biased",
    }
    study = Study.run(given, out=tmp_path / "out", in_process=True)
    run = study.results().query("method == 'defer'").iloc[0]
    model = study.export(run["run_id"], tmp_path / "model")
    assert sum(map(sum, model.about["test_rows_by_a_and_label"])) == 2165 // 2
    assert model.about["rows"]["test"] == 2165 // 2


def test_what_is_written_says_where_it_comes_from(
    families: ResultsDirectory, exported: dict[str, Path]
) -> None:
    place = exported["defer-posthoc"]
    assert sorted(path.name for path in place.iterdir()) == [
        "MODEL_CARD.md",
        "model.json",
        "weights.safetensors",
    ]
    about, run = json.loads((place / "model.json").read_text())["about"], run_of(families, place)
    assert set(about["run"]) == set(RUN_SCHEMA.names) - {"worker", "finished_at"}
    known = {name: None if pd.isna(run[name]) else run[name] for name in about["run"]}
    assert about["run"] == known
    assert about["study"] == config_of(families.read_study()).resolved()
    assert about["rows"] == {"train": 100, "validation": 100, "test": 100}
    assert about["code"] == families.read_manifest()["code"]


def test_weights_are_read_of_the_runs_pack_alone_and_rows_twice(
    families: ResultsDirectory, tmp_path: Path, opened: list[str]
) -> None:
    row = families.read_runs()[0].iloc[-1]
    opened.clear()
    exported_from(families, row["run_id"], tmp_path / "model")
    pack, packs = f"{row['pack_id']}.parquet", len(finished_packs(families))
    read = Counter(opened)
    assert packs > 2
    assert [name for name in read if name.startswith("weights/")] == [f"weights/{pack}"]
    # Every pack's rows are looked at to name and to find the run, and its own pack's once more for the
    # whole row; then all for the card, which compares it with others.
    assert sum(count for name, count in read.items() if name.startswith("runs/")) == 3 * packs + 1


# What is refused


def test_unknown_run_is_refused(families: ResultsDirectory, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no finished run nothing; `study select` names one"):
        exported_from(families, "nothing", tmp_path / "model")
    with pytest.raises(LedgerError, match="no study there"):
        exported_from(ResultsDirectory(tmp_path), "nothing", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_place_that_is_taken_is_left_alone(families: ResultsDirectory, tmp_path: Path) -> None:
    run_id = families.read_runs()[0]["run_id"].iloc[0]
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").touch()
    for name in ("file", "folder"):
        with pytest.raises(OutputError, match=rf"{name}: already exists; give another --out"):
            exported_from(families, run_id, tmp_path / name)
    with pytest.raises(OutputError, match="below: cannot be written"):
        exported_from(families, run_id, tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "mine"]
    (tmp_path / "empty").mkdir()
    exported_from(families, run_id, tmp_path / "empty")
    assert load_model(tmp_path / "empty").about["run"]["run_id"] == run_id


def changed(path: Path, run_id: str, column: str, change: object) -> None:
    """Write a run's cell anew, ``change`` being a function of its value."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        if row["run_id"] == run_id:
            row[column] = change(row[column])  # type: ignore[operator]
    path.write_bytes(to_parquet(type(table).from_pylist(rows, schema=table.schema)))


@pytest.mark.parametrize(
    ("folder", "column", "change", "words"),
    [
        (
            "weights",
            "weights",
            lambda weights: [-w for w in weights],
            r"decides on [1-9]\d* of 100 test rows",
        ),
        ("outcomes", "deferred", lambda bits: bytes([bits[0] ^ 128]) + bits[1:], "decides on 1 of 100"),
        ("outcomes", "positive", lambda bits: bytes([bits[0] ^ 128]) + bits[1:], "decides on 1 of 100"),
        ("runs", "test_error", lambda error: error + 1e-12, r"decides on 0 of .* \(test_error differs\)"),
        ("runs", "t1_a0", lambda t1: t1 + 1e9, "decides on"),
    ],
)
def test_model_that_does_not_decide_as_the_ledger_says_is_not_written(
    folder: str, column: str, change: object, words: str, families_copy: ResultsDirectory, tmp_path: Path
) -> None:
    run = families_copy.read_runs()[0].query("method == 'defer' and model == 'posthoc'").iloc[0]
    changed(families_copy.root / folder / f"{run['pack_id']}.parquet", run["run_id"], column, change)
    with pytest.raises(NotReproducedError, match=rf"run {run['run_id']}: the model {words}"):
        exported_from(families_copy, run["run_id"], tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["families"]


def test_run_without_outcomes_or_weights_is_refused(
    families_copy: ResultsDirectory, tmp_path: Path
) -> None:
    run = families_copy.read_runs()[0].iloc[0]
    (families_copy.root / "weights" / f"{run['pack_id']}.parquet").unlink()
    with pytest.raises(LedgerError, match=rf"weights/{run['pack_id']}\.parquet: cannot be read"):
        exported_from(families_copy, run["run_id"], tmp_path / "model")
    (families_copy.root / "outcomes" / f"{run['pack_id']}.parquet").unlink()
    missing = rf"outcomes/{run['pack_id']}\.parquet: is missing; .*; without it no model is exported"
    with pytest.raises(LedgerError, match=missing):
        exported_from(families_copy, run["run_id"], tmp_path / "model")


def test_data_that_changed_since_are_refused(families: ResultsDirectory, tmp_path: Path) -> None:
    place = tmp_path / "moved"
    shutil.copytree(families.root.parent, place)
    directory, table = ResultsDirectory(place / "results"), place / "cases.csv"
    study = directory.read_study()
    study["dataset"]["path"] = str(table)
    directory.write_study(study)
    directory.write_manifest(directory.read_manifest() | {"study": study})
    run_id = directory.read_runs()[0]["run_id"].iloc[0]
    exported_from(directory, run_id, tmp_path / "as-it-was")
    table.write_text(table.read_text().replace("there", "here"))
    with pytest.raises(DataError, match=r"its fingerprint is [0-9a-f]+, and the run was trained on"):
        exported_from(directory, run_id, tmp_path / "model")
    with pytest.raises(DataError, match=r"its fingerprint is [0-9a-f]+, and the run was trained on"):
        Study(directory.root).to_budget(max_idk=0.5)
    table.unlink()
    with pytest.raises(DataError, match=r"cases\.csv: cannot be read"):
        exported_from(directory, run_id, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_run_with_thresholds_that_are_not_finite_is_refused(
    families_copy: ResultsDirectory, tmp_path: Path
) -> None:
    run = families_copy.read_runs()[0].query("method == 'reject' and model == 'ordinal'").iloc[0]
    changed(
        families_copy.root / "runs" / f"{run['pack_id']}.parquet", run["run_id"], "t0_a1", lambda _: None
    )
    with pytest.raises(LedgerError, match="has no finite thresholds; export another"):
        exported_from(families_copy, run["run_id"], tmp_path / "model")


def test_directory_without_a_model_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json: cannot be read .* `study export` writes it"):
        load_model(tmp_path)


def test_damaged_files_that_the_card_compares_without_are_named(
    tiny_copy: ResultsDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tiny_copy.read_runs()[0]
    run = runs[runs["method"] == "reject"].iloc[0]
    (baseline,) = set(runs.loc[(runs["method"] == "binary") & (runs["alpha"] == 0), "pack_id"])
    for path in (tiny_copy.outcomes / f"{baseline}.parquet", tiny_copy.runs / f"{baseline}.parquet"):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        Study(tiny_copy.root).export(run["run_id"], tmp_path / path.parent.name)
        assert f"{path}: cannot be read" in capsys.readouterr().err
        path.write_bytes(whole)
