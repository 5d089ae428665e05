"""A study whose data is split several times: each split is trained as a study of its own would be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from study import Study
from study.errors import StudyFileError
from tests.worlds.small_study import DIFFERS_BY_NATURE, write_cases

SPLITS = 3


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    section = write_cases(tmp_path_factory.mktemp("table") / "cases.csv")
    del section["split"]
    section["drop"] = [*section["drop"], "split"]
    return {
        "study": "small",
        "dataset": section,
        "decision_maker": ["column", "standard"],
        "methods": ["binary", "defer"],
        "model": ["mlp", "ordinal"],
        # Given, so that no pilot looks for one in each split.
        "search": {"sampler": "random", "settings": 3, "gamma": {"low": 0.05, "high": 0.3}},
        "seeds": 2,
        "training": {"max_epochs": 4, "batch_size": 16},
    }


@pytest.fixture(scope="module")
def split_study(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Study:
    several = {**given, "dataset": given["dataset"] | {"splits": SPLITS}}
    return Study.run(several, out=tmp_path_factory.mktemp("several") / "results", in_process=True)


def test_each_split_has_the_rows_of_a_study_with_its_seed(
    given: dict[str, Any], split_study: Study, tmp_path: Path
) -> None:
    rows = split_study.results()
    assert rows["run_id"].is_unique
    assert sorted(rows["split"].unique()) == list(range(SPLITS))
    names = ["method", "model", "decision_maker", "alpha", "gamma", "seed"]
    # Names of runs and settings tell splits apart, or do not, and are no part of what was measured.
    own = [*DIFFERS_BY_NATURE, "run_id", "setting_id", "pack_id", "split"]
    for split in (0, 2):
        once = {**given, "dataset": given["dataset"] | {"split_seed": split}}
        alone = Study.run(once, out=tmp_path / f"{split}", in_process=True).results()
        here = rows[rows["split"] == split]
        if split == 0:
            assert set(alone["run_id"]) == set(here["run_id"])
        one, other = (
            part.sort_values(names, ignore_index=True).drop(columns=own) for part in (alone, here)
        )
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_settings_are_the_same_in_every_split_and_runs_are_not(split_study: Study) -> None:
    rows = split_study.results()
    by_setting = rows.groupby("setting_id")
    assert (by_setting["split"].nunique() == SPLITS).all()
    assert (by_setting.size() == SPLITS * 2).all()
    assert rows["data_fingerprint"].nunique() == SPLITS
    status = split_study.status()
    assert (status.planned, status.finished) == (len(rows), len(rows))


def test_an_interrupted_study_of_splits_resumes_to_the_same_rows(
    split_study: Study, given: dict[str, Any], tmp_path: Path
) -> None:
    several = {**given, "dataset": given["dataset"] | {"splits": SPLITS}}
    study = Study.run(several, out=tmp_path / "results", in_process=True)
    before = study.results()
    for pack in before["pack_id"].unique()[1::2]:
        study.directory.remove_rows(pack)
    study.directory.test_rows_of(1).write_bytes(b"torn")
    study.resume(in_process=True)
    keys = before.columns.difference(DIFFERS_BY_NATURE)
    one, other = (s.results().sort_values("run_id", ignore_index=True)[keys] for s in (split_study, study))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_run_of_a_later_split_is_exported_and_says_so(split_study: Study, tmp_path: Path) -> None:
    rows = split_study.results()
    run = rows[
        (rows["split"] == 2) & (rows["method"] == "defer") & (rows["decision_maker"] == "column")
    ].iloc[0]
    model = split_study.export(run["run_id"], tmp_path / "model")
    assert model.about["run"]["split"] == 2
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text("utf-8")
    assert f"seed 0, split 2 of {SPLITS})" in card
    assert "(split seed 2)" in card
    plain = " ".join(card.split())
    assert (
        f"The study splits its data {SPLITS} times, and trains and tests this run's setting on every"
        in plain
    )
    assert "on the test rows of its own split, split 2 (counted from 0)" in plain
    assert f"metrics over all {SPLITS} splits" in plain
    assert "corrected resampled t" in plain
    assert f"- Error over the {2 * SPLITS} runs of its setting, on all splits: " in plain
    assert "variation over splits and seeds" in plain


def test_page_and_choice_of_a_study_of_splits(split_study: Study, tmp_path: Path) -> None:
    page = split_study.report(tmp_path / "report").read_text("utf-8")  # type: ignore[union-attr]
    assert f"interval over {SPLITS} splits of the data (corrected resampled t)" in page
    rows, tables = split_study.results(), tmp_path / "report"
    # A run's own interval is over the test cases of its split.
    one = pd.read_csv(tables / "deferral_budgets.csv").dropna(subset=["error_low"]).iloc[0]
    run = rows[rows["run_id"] == one["run_id"]].iloc[0]
    cases = sum(run[f"test_cases_a{a}_y{y}"] for a in (0, 1) for y in (0, 1))
    assert one["error"] == run["test_error"]
    for end, quantile in (("error_low", 0.025), ("error_high", 0.975)):
        assert one[end] == pytest.approx(binom.ppf(quantile, cases, one["error"]) / cases, abs=2 / cases)
    # What is shown of all splits is their mean, with the corrected resampled t.
    by_group = pd.read_csv(tables / "metrics_by_group.csv")
    of_people = (by_group["what"] == "decision-maker") & (by_group["decision_maker"] == "column")
    alone = by_group[of_people & (by_group["metric"] == "error")].iloc[0]
    made = [split_study.directory.read_decision_makers(split) for split in range(SPLITS)]
    errors = pd.concat(made).query("decision_maker == 'column'")["test_error"]
    half = 4.302653 * errors.std(ddof=1) * np.sqrt(1 / SPLITS + 0.3 / 0.56)
    assert (len(errors), alone["value"]) == (SPLITS, pytest.approx(errors.mean(), abs=1e-6))
    assert alone["high"] == pytest.approx(min(1, errors.mean() + half), abs=1e-5)
    chosen = split_study.select(max_idk=0.9, include_degenerate=True)
    assert f"split {chosen.split} of {SPLITS}" in chosen.summary()
    assert f"validation, {2 * SPLITS} runs" in chosen.summary()
    assert chosen.test_interval["error"] is not None
    assert chosen.run_id in set(rows["run_id"])
    certificate = split_study.certify("error<=0.95", confidence=0.9)
    assert certificate.run["split"] == 0
    assert json.dumps(certificate.to_json())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda given: given["search"].update(sampler="nsga2"), "nsga2 learns from validation rows"),
        (lambda given: given["dataset"].update(split="split", drop=["case"]), "leave one of the two out"),
        (lambda given: given["dataset"].update(splits=0), "splits"),
    ],
)
def test_what_cannot_be_split_again_is_refused(
    given: dict[str, Any], change: Callable[[dict[str, Any]], None], words: str
) -> None:
    wrong = {**given, "dataset": given["dataset"] | {"splits": SPLITS}, "search": dict(given["search"])}
    change(wrong)
    with pytest.raises(StudyFileError, match=words):
        Study.of(wrong)
