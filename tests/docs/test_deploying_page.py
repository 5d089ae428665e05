"""docs/deploying.md, followed from top to bottom on a small study."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from study import Study
from study.words import PAPER_METHODS
from tests.docs.pages import blocks, follow
from tests.worlds.own_tables import cases
from tests.worlds.small_study import FAMILIES, write_cases

PAGE = "docs/deploying.md"


@pytest.mark.usefixtures("_own_sigterm")
def test_commands_and_code_of_the_page_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = {"methods": list(PAPER_METHODS), "model": ["mlp", "ordinal"]}
    given = {**FAMILIES, "dataset": write_cases(tmp_path / "cases.csv"), **few}
    study = Study.run(given, out="results/cases", in_process=True)
    new = cases(30, seed=5).drop(columns=["bad", "judge", "sure"]).assign(code="X1", place="here", score=1)
    new.to_csv("new.csv", index=False)
    run_id = study.results().query("method == 'defer'")["run_id"].iloc[0]
    follow(PAGE, {"RUN_ID": run_id})
    assert sorted(path.name for path in Path("model").iterdir()) == [
        *("MODEL_CARD.md", "model.json", "weights.safetensors")
    ]
    (code,) = blocks(PAGE, "python")
    known: dict[str, object] = {}
    exec(code, known)
    decided = pd.read_csv("decisions.csv")
    theirs = known["theirs"]
    assert isinstance(theirs, pd.DataFrame)
    assert list(theirs["case"]) == list(decided.loc[decided["defer"], "case"])
    assert Path("history.db").read_bytes().startswith(b"SQLite format 3")
    shutil.rmtree("model")
    assert study.export(run_id, "model").about["run"]["run_id"] == run_id
