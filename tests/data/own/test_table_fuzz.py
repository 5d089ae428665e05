"""Whatever is in a person's file, the answer is a data set or one line."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.data import cautions, describe, guess, load_section
from study.data.own.reading import read_frame
from study.errors import DataError
from tests.data.malformed import ROWS, WRONG_ROLES, as_csv, as_parquet, malformed
from tests.worlds.own_tables import cases, section

QUICK = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


def load(content: bytes, place: Path, **roles: Any) -> None:
    """Everything that is done with a table before anything is trained."""
    place.write_bytes(content)
    dataset = load_section(section(path=str(place), **roles))
    assert len(describe(dataset)) > 100
    assert all(len(line.splitlines()) == 1 for line in cautions(dataset))
    assert np.isfinite(dataset.features).all()
    assert np.array_equal(dataset.preprocessing.transform(dataset.raw), dataset.features)


def assert_refused(action: Callable[[], None], place: Path) -> None:
    with pytest.raises(DataError) as caught:
        action()
    message = str(caught.value)
    assert str(place) in message
    assert len(message) < 700
    assert "Traceback" not in message


def test_malformed_files_are_refused_in_one_line(tmp_path: Path) -> None:
    place, found = tmp_path / "cases.csv", malformed()
    assert len(found) + len(WRONG_ROLES) >= 150
    for what, content in found.items():
        try:
            assert_refused(lambda content=content: load(content, place), place)  # type: ignore[misc]
        except BaseException as error:
            error.add_note(what)
            raise


@pytest.mark.parametrize("what", WRONG_ROLES)
def test_wrong_roles_are_refused_in_one_line(what: str, tmp_path: Path) -> None:
    place = tmp_path / "cases.csv"
    content = cases(ROWS).assign(one=1).to_csv(index=False).encode()
    assert_refused(lambda: load(content, place, **WRONG_ROLES[what]), place)


def test_the_files_that_are_spoilt_are_good_otherwise(tmp_path: Path) -> None:
    load(as_csv(), tmp_path / "cases.csv")
    load(as_parquet(), tmp_path / "cases.csv")
    load(as_csv(), tmp_path / "cases.csv", decision_maker=("judge",))


def attempt(content: bytes) -> None:
    """Load, or be refused; also guess."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cases.csv"
        message = str(place)
        try:
            load(content, place, decision_maker=("judge", "sure"), combine="draw")
        except DataError as error:
            message = str(error)
        assert str(place) in message
        with contextlib.suppress(DataError):
            guess(read_frame(str(place)), {})


@QUICK
@given(st.data())
def test_bytes_changed_anywhere(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([as_csv(), as_parquet()])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    attempt(bytes(content))


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["NaN", "inf", "yes", "no", "<script>", "2020-01-01", "1e5", "007", '"', "\n", "train"]
    ),
)


@QUICK
@given(st.data())
def test_odd_cells_and_names(data: st.DataObject) -> None:
    frame = cases(ROWS).astype(object)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(list(frame.columns)))
        rows = data.draw(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=6))
        for row in rows:
            frame.loc[row, name] = data.draw(CELLS)
    if data.draw(st.booleans()):
        names = data.draw(st.text(max_size=8) | st.sampled_from(["<script>", "", "skill", "split", "x=1"]))
        frame = frame.rename(columns={data.draw(st.sampled_from(["skill", "sex", "bad"])): names})
    attempt(frame.to_csv(index=False).encode("utf-8", errors="replace"))
