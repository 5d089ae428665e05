import dataclasses
import statistics
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.data import write_table
from study.data.dataset import Dataset, Table, make_dataset
from study.data.preprocessing import scaling
from study.errors import DataError, OutputError


def changed(table: Table, column: str, row: int, value: object) -> Table:
    frame = table.frame.copy()
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    return dataclasses.replace(table, frame=frame)


def test_features_are_standardised_by_the_training_split_alone(table: Table) -> None:
    dataset = make_dataset(table, split_seed=4)
    training = [i for i in range(200) if dataset.split[i] == 0]
    for position, name in enumerate(["height", "visits"]):
        raw = table.frame[name].tolist()
        seen = [raw[i] for i in training]
        mean, deviation = statistics.fmean(seen), statistics.pstdev(seen)
        expected = [(value - mean) / deviation for value in raw]
        np.testing.assert_allclose(dataset.features[:, position], expected, rtol=1e-5, atol=1e-6)
    secret = table.frame["secret"].to_numpy()
    seen_secret = secret[training]
    expected_secret = (secret - seen_secret.mean()) / seen_secret.std()
    np.testing.assert_allclose(dataset.dm_only[:, 0], expected_secret, rtol=1e-5, atol=1e-6)


def test_shapes_types_and_names(table: Table) -> None:
    dataset = make_dataset(table, split_seed=0)
    assert dataset.features.shape == (200, 4)
    assert dataset.features.dtype == dataset.label.dtype == dataset.dm_only.dtype == np.float32
    assert dataset.sensitive.dtype == dataset.split.dtype == np.int8
    assert dataset.dm_only.shape == (200, 1)
    assert dataset.feature_names == ("height", "visits", "constant", "sensitive")
    assert dataset.dm_only_names == ("secret",)
    assert np.array_equal(dataset.label, table.frame["label"])
    assert np.array_equal(dataset.sensitive, table.frame["sensitive"])


def test_sensitive_attribute_is_the_last_input_as_it_is(table: Table) -> None:
    dataset = make_dataset(table, split_seed=0)
    assert np.array_equal(dataset.features[:, -1], table.frame["sensitive"])


def test_constant_column_becomes_zero(table: Table) -> None:
    assert not make_dataset(table, split_seed=0).features[:, 2].any()


def test_column_constant_on_the_training_split_alone_becomes_zero(table: Table) -> None:
    test_row = int(make_dataset(table, split_seed=0).indices("test")[0])
    dataset = make_dataset(changed(table, "constant", test_row, 7.0), split_seed=0)
    assert not dataset.features[:, 2].any()


def test_scaling_of_a_known_column() -> None:
    values = np.array([[1.0], [3.0], [100.0]])
    mean, factor = scaling(values, np.array([True, True, False]))
    assert (mean[0], factor[0]) == (2.0, 1.0)


def test_table_without_columns_for_the_dm(table: Table) -> None:
    dataset = make_dataset(dataclasses.replace(table, dm_only_names=()), split_seed=0)
    assert dataset.dm_only.shape == (200, 0)


def test_indices_partition_the_rows(table: Table) -> None:
    dataset = make_dataset(table, split_seed=0)
    parts = [dataset.indices(name) for name in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [112, 28, 60]
    assert all(part.dtype == np.int64 for part in parts)
    assert sorted(np.concatenate(parts).tolist()) == list(range(200))
    with pytest.raises(DataError, match=r"'dev' is not allowed; train, validation, test are"):
        dataset.indices("dev")


@pytest.mark.parametrize("array", ["features", "label", "sensitive", "dm_only", "split"])
def test_arrays_are_read_only(table: Table, array: str) -> None:
    values = getattr(make_dataset(table, split_seed=0), array)
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 0


def test_same_table_and_seed_give_the_same_fingerprint(table: Table) -> None:
    copy = dataclasses.replace(table, frame=table.frame.copy())
    one, other = make_dataset(table, split_seed=1), make_dataset(copy, split_seed=1)
    assert one.fingerprint == other.fingerprint
    assert len(one.fingerprint) == 64
    assert int(one.fingerprint, 16) > 0


def test_fingerprint_does_not_depend_on_how_a_column_is_stored(table: Table) -> None:
    frame = table.frame.astype({"visits": float, "label": "int8", "sensitive": bool})
    stored_otherwise = dataclasses.replace(table, frame=frame)
    expected = make_dataset(table, split_seed=0).fingerprint
    assert make_dataset(stored_otherwise, split_seed=0).fingerprint == expected


@pytest.mark.parametrize("column", ["height", "visits", "label", "sensitive", "secret"])
def test_any_changed_value_changes_the_fingerprint(table: Table, column: str) -> None:
    value = 1 - table.frame.loc[17, column]
    other = changed(table, column, 17, value)
    one, two = (make_dataset(t, split_seed=0).fingerprint for t in (table, other))
    assert one != two


def test_names_and_split_change_the_fingerprint(table: Table) -> None:
    renamed = dataclasses.replace(
        table,
        frame=table.frame.rename(columns={"height": "size"}),
        feature_names=("size", "visits", "constant"),
    )
    moved = dataclasses.replace(
        table, feature_names=("height", "visits"), dm_only_names=("constant", "secret")
    )
    variants = [
        make_dataset(table, split_seed=0),
        make_dataset(table, split_seed=1),
        make_dataset(renamed, split_seed=0),
        make_dataset(moved, split_seed=0),
    ]
    assert len({variant.fingerprint for variant in variants}) == 4


def test_fingerprint_is_pinned() -> None:
    """Computed once: a change would make every existing ledger incomparable with new runs."""
    frame = pd.DataFrame(
        {"x": [0.5, 1, 2, 4], "label": [0, 1, 0, 1], "sensitive": [0, 0, 1, 1], "z": [1, 2, 3, 4]}
    )
    dataset = make_dataset(Table("tiny", frame, ("x",), ("z",), "made up"), split_seed=0)
    assert dataset.fingerprint == PINNED


PINNED = "08dec90481feca4d54d0847b226f8372cef1700fbff7a21edda69a2b6f0a8428"


@pytest.mark.parametrize("value", [1e300, 1e60])
def test_value_beyond_float32_is_refused(table: Table, value: float) -> None:
    rows = make_dataset(table, split_seed=0).indices("test")
    with pytest.raises(DataError, match="column height: a value is too large, or too far from the others"):
        make_dataset(changed(table, "height", int(rows[0]), value), split_seed=0)


def written(dataset: Dataset, path: Path) -> pd.DataFrame:
    write_table(dataset, path)
    return pd.read_parquet(path)


def test_written_table_has_the_contracts_columns_and_raw_values(table: Table, tmp_path: Path) -> None:
    dataset = make_dataset(table, split_seed=2)
    frame = written(dataset, tmp_path / "new" / "toy.parquet")
    assert list(frame.columns) == [
        *("height", "visits", "constant"),
        *("label", "sensitive", "secret", "split"),
    ]
    pd.testing.assert_frame_equal(frame.drop(columns="split"), table.frame)
    for name in ("train", "validation", "test"):
        assert np.flatnonzero(frame["split"] == name).tolist() == dataset.indices(name).tolist()


def test_written_table_replaces_the_old_one_and_leaves_nothing_beside(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "toy.parquet"
    path.write_text("old")
    assert len(written(make_dataset(table, split_seed=0), path)) == 200
    assert [entry.name for entry in tmp_path.iterdir()] == ["toy.parquet"]


def test_unwritable_place_is_refused_and_leaves_nothing(table: Table, tmp_path: Path) -> None:
    (tmp_path / "toy.parquet").mkdir()
    with pytest.raises(OutputError, match=r"toy\.parquet: cannot be written"):
        write_table(make_dataset(table, split_seed=0), tmp_path / "toy.parquet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["toy.parquet"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_table(make_dataset(table, split_seed=0), tmp_path / "file" / "toy.parquet")
