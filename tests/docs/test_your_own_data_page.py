"""docs/your-own-data.md, followed from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.config.reading import load_config, validate
from study.data import cautions
from study.results.directory import ResultsDirectory
from study.storage.yaml_text import parse_yaml
from tests.docs.pages import blocks, follow, text
from tests.worlds.own_tables import cases, own

PAGE = "docs/your-own-data.md"
ROWS = 600


def table() -> pd.DataFrame:
    """Cases as the page shows them: two for each person, some without a lab value or a decision."""
    generator = np.random.default_rng(0)
    age, visits = generator.integers(20, 90, ROWS), generator.poisson(2, ROWS)
    score = (age - 55) / 20 + (visits - 2) / 2
    readmitted = score + generator.logistic(size=ROWS) > 0.5
    doctor = np.where(generator.random(ROWS) < 0.8, readmitted, ~readmitted)
    return pd.DataFrame(
        {
            "case_id": np.arange(ROWS) + 1,
            "person_id": [f"p{i // 2}" for i in range(ROWS)],
            "age": age,
            "ward": generator.choice(["surgery", "medicine", "other"], ROWS),
            "visits": visits,
            "lab": np.where(generator.random(ROWS) < 0.2, np.nan, generator.normal(6, 1, ROWS).round(1)),
            "ethnicity": generator.choice(["majority", "minority"], ROWS, p=[0.6, 0.4]),
            "doctor": np.where(generator.random(ROWS) < 0.1, None, np.where(doctor, "yes", "no")),
            "readmitted": np.where(readmitted, "yes", "no"),
        }
    )


def test_the_table_shown_has_the_columns_of_the_one_that_is_used() -> None:
    shown = blocks(PAGE, "text")[0].splitlines()
    assert shown[0].split(",") == list(table())
    assert {len(line.split(",")) for line in shown} == {len(shown[0].split(","))}


@pytest.mark.usefixtures("ray_here", "_own_sigterm", "without_figures")
def test_from_the_table_to_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table().to_csv("cases.csv", index=False)
    # As the page has it, but with fewer epochs.
    follow(PAGE, {"--out results/first-look": "--set training.max_epochs=30 --out results/first-look"})
    written = load_config("cases.yaml").resolved()
    shown = blocks(PAGE, "yaml")[0]
    assert validate(parse_yaml(shown, PAGE), PAGE).resolved() == written
    rows = ResultsDirectory("results/first-look").read_runs()[0]
    assert set(rows["decision_maker"]) == {"none", "column"}
    assert Path("results/first-look/report/index.html").is_file()
    for code in blocks(PAGE, "python"):
        exec(compile(code, PAGE, "exec"), {})
    assert "Warnings:" in capsys.readouterr().out


def test_every_caution_is_explained() -> None:
    """Whatever is said of tables that have every fault there is."""
    explained = text(PAGE).partition("## Warnings")[2]
    cells = [line.split(" | ")[0].strip("| ") for line in explained.splitlines() if line.startswith("| ")]
    patterns = [re.escape(cell).replace(r"\.\.\.", ".*") for cell in cells[2:]]
    faulty = cases(900).assign(a=1, b="x", judge=lambda f: f["judge"].where(f["race"] != "B", f["bad"]))
    faulty["stand_in"] = (faulty["race"] == "B") * 2.0 + faulty["skill"] / 9
    faulty.loc[::3, "judge"] = np.nan
    faulty["visits"] = ["?", *(str(row % 20) for row in range(1, 900))]
    faulty.loc[5, "sex"] = "F"
    faulty = pd.concat([faulty, faulty], ignore_index=True)
    without_a_cell = cases(200).assign(bad=lambda f: f["bad"].where(f["race"] != "B", 0))
    by = {"decision_maker": ("judge",)}
    said = [
        *cautions(own(faulty, **by)),
        *cautions(own(without_a_cell, **by)),
        *cautions(own(cases().assign(judge=lambda f: f["bad"]), **by)),
        *cautions(own(cases().assign(judge=lambda f: 1 - f["judge"]), **by)),
    ]
    for line in said:
        assert any(re.match(pattern, line) for pattern in patterns), line
    simulated = (
        "the decision-maker is simulated (standard), but the table has real decisions; to use them, write"
    )
    used = {p for p in patterns for line in [*said, simulated] if re.match(p, line)}
    assert used == set(patterns)
