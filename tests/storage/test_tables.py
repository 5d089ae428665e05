from pathlib import Path

import numpy as np
import pandas as pd

from study.storage.tables import write_csv


def test_cells_that_a_spreadsheet_would_run_are_disarmed(tmp_path: Path) -> None:
    armed = ["=1+1", "+1+1", "-1|x", "@x", "\tx", "\n=1", "\r=1", "＝1", "-", "--1", "-.", "+1e"]
    harmless = ["plain", "a=b", "-1", "+1", "-.5", "+1.5E-3", "- x"[1:], ""]
    frame = pd.DataFrame({"=name": [*armed, *harmless, None]})
    frame["number"] = np.linspace(-1.5, 1e-9, len(frame))
    write_csv(tmp_path / "t.csv", frame)
    read = pd.read_csv(tmp_path / "t.csv", dtype={"'=name": str}, na_values=[], keep_default_na=False)
    assert list(read) == ["'=name", "number"]
    assert list(read["'=name"]) == [*(f"'{cell}" for cell in armed), *harmless, ""]
    pd.testing.assert_series_equal(read["number"], frame["number"])


def test_quotes_commas_and_line_breaks_survive(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ['a"b', "a,b", "a\nb", "ä"]})
    write_csv(tmp_path / "t.csv", frame)
    assert list(pd.read_csv(tmp_path / "t.csv")["name"]) == list(frame["name"])


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", pd.DataFrame(columns=["a", "b"]))
    assert list(pd.read_csv(tmp_path / "t.csv")) == ["a", "b"]
