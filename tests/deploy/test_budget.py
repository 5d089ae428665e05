"""Thresholds moved, on validation, to the share of cases that people can take on."""

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study import Study, load_model
from study.cli import main
from study.deploy.budget import cut_of
from study.results.directory import ResultsDirectory
from tests.worlds.small_study import FAMILY_ARMS

DEFERRING = [arm for arm in FAMILY_ARMS if not arm.startswith("binary")]


def run_of(directory: ResultsDirectory, arm: str) -> "pd.Series[object]":
    runs = directory.read_runs()[0]
    return runs[runs["method"] + "-" + runs["model"] == arm].iloc[-1]


@pytest.fixture(scope="module")
def table(families: ResultsDirectory) -> pd.DataFrame:
    """The table of the study, without the row that `decide` refuses."""
    raw = pd.read_csv(families.root.parent / "cases.csv")
    raw.loc[2, "place"] = None
    return raw


@pytest.mark.parametrize("arm", DEFERRING)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.55, 1.0])
def test_the_exported_model_defers_the_share_of_validation_cases_with_the_largest_benefit(
    arm: str, share: float, families: ResultsDirectory, table: pd.DataFrame, tmp_path: Path
) -> None:
    run = run_of(families, arm)
    before = Study(families.root).export(str(run["run_id"]), tmp_path / "own").decide(table)
    model = Study(families.root).export(str(run["run_id"]), tmp_path / "moved", idk=share)
    after = model.decide(table)
    validation = (table["split"] == "validation").to_numpy()
    deferred, benefit = after["defer"][validation], before["benefit"][validation]
    most = int(share * validation.sum() + 1e-9)
    # Cases of equal benefit go together.
    alike = benefit.nlargest(most + 1).iloc[-1] if most < len(benefit) else -np.inf
    assert deferred.sum() == (benefit > alike).sum() <= most
    assert set(benefit.index[deferred]) == set(benefit.index[benefit > alike])
    assert (after["probability"] == before["probability"]).all()
    both = ~after["defer"] & ~before["defer"]
    assert (after["prediction"] == before["prediction"])[both].all()
    test = table["split"] == "test"
    wrong = np.where(after["defer"], table["judge"], after["prediction"]) != table["bad"]
    found = model.about["budget"]["test"]
    assert found["error"] == pytest.approx(wrong[test].mean())
    assert found["idk_rate"] == pytest.approx(after["defer"][test].mean())
    assert model.about["run"]["test_error"] == run["test_error"]


def test_ledger_stays_as_it_was_and_card_and_apply_say_what_was_moved(
    families: ResultsDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: pd.DataFrame
) -> None:
    run, files = run_of(families, "defer-ordinal"), [*families.root.rglob("*.parquet")]
    before = [path.read_bytes() for path in files]
    out, new = tmp_path / "model", tmp_path / "new.csv"
    assert main(["export", str(families.root), str(run["run_id"]), "--idk", "0.25", "--out", str(out)]) == 0
    assert "thresholds were moved to defer 0.25" in capsys.readouterr().out
    assert [path.read_bytes() for path in files] == before
    card = (out / "MODEL_CARD.md").read_text("utf-8")
    assert "moved on the validation split to a deferral rate of at most\n25.0 %" in card
    assert "decide exactly as that run does" not in card
    error = load_model(out).about["budget"]["test"]["error"]
    assert f"| error of the joint system | {100 * error:.1f} % (" in card
    table.to_csv(new, index=False)
    assert main(["apply", str(out), str(new), "--out", str(tmp_path / "decisions.csv")]) == 0
    assert "thresholds were moved to defer 0.25 of all cases" in capsys.readouterr().out


def test_a_model_that_never_defers_cannot_be_moved(
    families: ResultsDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(families, "binary-mlp")
    command = ["export", str(families.root), str(run["run_id"]), "--idk", "0.2", "--out"]
    assert main([*command, str(tmp_path / "model")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "a binary model never defers, so there are no thresholds to move" in line
    assert not (tmp_path / "model").exists()


def test_select_names_the_run_that_does_best_at_the_budget_and_its_export(
    families: ResultsDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = str(families.root)
    assert main(["select", where, "--max-idk", "0.3", "--to-budget", "--include-degenerate", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["validation"]["idk_rate"] <= 0.3
    runs = families.read_runs()[0]
    for run_id in runs.loc[runs["method"] != "binary", "run_id"]:
        other = Study(where).export(run_id, tmp_path / run_id, idk=0.3).about["budget"]
        assert found["validation"]["error"] <= other["validation"]["error"] + 1e-12
    assert main(["select", where, "--max-idk", "0.3", "--to-budget", "--include-degenerate"]) == 0
    shown = capsys.readouterr().out
    assert found["run_id"] in shown
    export = shlex.split(shown.splitlines()[-1].partition("continue with: study ")[2])
    assert main([*export[:-1], str(tmp_path / "chosen")]) == 0
    test = load_model(tmp_path / "chosen").about["budget"]["test"]
    assert test == found["test"]
    assert found["test_interval"]["error"][0] <= test["error"] <= found["test_interval"]["error"][1]


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ([], 2, "--to-budget: needs --max-idk"),
        (["--max-idk", "0.2", "--guarantee", "error<=0.3"], 2, "leave one of both out"),
        (["--max-idk", "0.2", "--max-error", "0"], 1, "no run satisfies the limits"),
        (["--max-idk", "0.2", "--method", "binary"], 2, "nothing can be moved"),
    ],
)
def test_what_cannot_be_chosen_is_said_in_a_line(
    more: list[str], code: int, words: str, families: ResultsDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["select", str(families.root), "--to-budget", "--include-degenerate", *more]) == code
    assert words in capsys.readouterr().err.splitlines()[0]


def test_cut_lies_between_two_cases_and_keeps_equal_ones_together() -> None:
    benefit = np.array([0.5, 0.25, 0.25, -0.5, 0.0])
    for share, deferred in ((0.0, 0), (0.2, 1), (0.4, 1), (0.59, 1), (0.6, 3), (0.8, 4), (1.0, 5)):
        assert (benefit > cut_of(benefit, share)).sum() == deferred
    assert cut_of(benefit, 0.6) == pytest.approx(0.125)
