"""Methods that estimate whether the decision-maker is right say so, and whether that can be believed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study import Study, load_model
from study.cli import main
from study.deploy.card import CARD_FILE
from study.results.curves import calibration_error, reliability
from tests.worlds.small_study import write_cases


@pytest.mark.parametrize(("method", "model"), [("compare", "pair"), ("ova", "actions")])
def test_the_probability_that_the_decision_maker_is_right_is_written_and_judged(
    method: str, model: str, tmp_path: Path
) -> None:
    given = {
        "dataset": write_cases(tmp_path / "cases.csv"),
        "decision_maker": "column",
        "methods": ["binary", method],
        "model": ["mlp", model],
        "search": {"sampler": "random", "settings": 1, "gamma": 0.05},
        "seeds": 1,
        "training": {"max_epochs": 15, "batch_size": 16, "learning_rate": 0.03},
    }
    study = Study.run(given, out=tmp_path / "results", in_process=True)
    run_id = study.results().query(f"method == '{method}'")["run_id"].iloc[0]
    study.export(run_id, tmp_path / "model")
    table = pd.read_csv(tmp_path / "cases.csv")
    table.loc[2, "place"] = None
    table.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "decisions.csv"
    assert main(["apply", str(tmp_path / "model"), str(tmp_path / "new.csv"), "--out", str(out)]) == 0
    decided = pd.read_csv(out)
    sure = np.maximum(decided["probability"], 1 - decided["probability"])
    if method == "compare":
        clear = (decided["dm_right"] - 0.05 - sure).abs() > 1e-6
        assert (decided["defer"] == (decided["dm_right"] - 0.05 > sure))[clear].all()
    test = decided[decided["split"] == "test"]
    curve = reliability(test["dm_right"].to_numpy(), (test["judge"] == test["bad"]).to_numpy())
    found = load_model(tmp_path / "model").about["calibration"]["dm_right"]
    assert found["error"] == pytest.approx(calibration_error(curve))
    assert [of["cases"] for of in found["bins"]] == curve["cases"].tolist()
    in_report = study.full_results().calibration(run_id)
    assert list(in_report) == ["probability", "dm_right"]
    pd.testing.assert_frame_equal(in_report["dm_right"], curve)
    card = (tmp_path / "model" / CARD_FILE).read_text("utf-8")
    assert f"(`dm_right`): expected calibration error {found['error']:.3f}." in card
