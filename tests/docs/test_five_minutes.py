"""From a table of one's own to decisions, by the first commands of the README alone."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study import load_model
from study.cli import main
from tests.docs.pages import blocks

ROWS = 1_500
SMALLER = [
    "--set",
    "search.settings=2",
    "--set",
    "seeds=1",
    "--set",
    "training.max_epochs=30",
    "--workers",
    "2",
]
"""What the test adds to `study run`, so that it takes seconds."""


def hospital() -> pd.DataFrame:
    """What a hospital has: text, gaps, dates, a doctor who did not decide on all, people who come again."""
    random = np.random.default_rng(11)
    age, stay = random.integers(18, 95, ROWS), random.gamma(2, 3, ROWS).round(1)
    lab = np.where(random.random(ROWS) < 0.18, np.nan, random.normal(1.1, 0.4, ROWS).round(2))
    again = (age - 60) / 18 + (stay - 6) / 5 + random.logistic(size=ROWS) > 0.8
    decided = np.where(random.random(ROWS) < 0.82, again, ~again)
    words = np.array(["home", "again"])
    return pd.DataFrame(
        {
            "patient": [f"P{number:04d}" for number in random.integers(0, 1100, ROWS)],
            "admitted": pd.date_range("2024-01-01", periods=ROWS, freq="6h").strftime("%Y-%m-%d"),
            "age": age,
            "sex": random.choice(["female", "male"], ROWS),
            "ward": random.choice(["surgery", "internal medicine", None], ROWS, p=[0.4, 0.5, 0.1]),
            "stay_days": stay,
            "creatinine": lab,
            "doctor_decision": np.where(random.random(ROWS) < 0.12, None, words[decided.astype(int)]),
            "readmitted": words[again.astype(int)],
        }
    )


@pytest.mark.usefixtures("ray_here", "_own_sigterm", "without_figures")
def test_the_readmes_first_commands_lead_from_a_table_to_decisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table = hospital()
    table.to_csv("cases.csv", index=False)
    new = table.head(200).drop(columns=["readmitted", "doctor_decision"])
    new.to_csv("new.csv", index=False)
    install, *commands = blocks("README.md", "sh")[0].splitlines()
    assert shlex.split(install, comments=True) == ["pip", "install", "."]
    verbs, run_id = [], ""
    for line in commands:
        program, *words = shlex.split(line.replace("RUN_ID", run_id), comments=True)
        assert program == "study"
        verbs.append(words[0])
        assert main([*words, *(SMALLER if words[0] == "run" else [])]) == 0, line
        printed = capsys.readouterr().out
        if words[0] == "init":
            for key, column in {
                "label": "readmitted",
                "decision_maker": "doctor_decision",
                "group": "patient",
            }.items():
                assert f"{key}: inferred" in printed
                assert column in Path("cases.yaml").read_text()
        if words[0] == "select":
            (run_id,) = re.findall(r"study export results/cases ([0-9a-f]{20}) --out model", printed)
    assert verbs == ["init", "run", "select", "export", "apply"]
    decisions = pd.read_csv("decisions.csv")
    assert len(decisions) == 200
    assert decisions["patient"].tolist() == new["patient"].tolist()
    assert set(decisions["defer"]) <= {True, False}
    assert "patient" not in load_model("model").columns
    assert Path("results/cases/report/index.html").is_file()
    assert Path("model/MODEL_CARD.md").is_file()
