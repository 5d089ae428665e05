"""What programs and shells are told: JSON of every command that answers something, and completion."""

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from study.config.presets import COLLECTIONS, preset_names
from study.results.directory import ResultsDirectory
from tests.commands.answers import Say, assert_refused

pytestmark = pytest.mark.usefixtures("_own_sigterm")


@pytest.mark.usefixtures("without_figures")
def test_every_command_that_answers_something_answers_in_json(
    tiny_results: ResultsDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = tiny_results.read_runs()[0]

    def told(*words: object) -> object:
        answer = say(*words, "--json")
        assert answer.status == 0
        return json.loads(answer.out)

    presets = told("presets")
    assert {row["preset"] for row in presets} == {*preset_names(), *COLLECTIONS}
    assert all(row["runs"] > 0 and row["seconds"] > 0 for row in presets)
    assert {row["name"] for row in told("data", "list")} == {"compas-two-year", "compas", "health"}
    described = told("data", "describe", "compas-two-year")
    assert (described["rows"], described["parts"]["all"]["rows"]) == (7214, 7214)
    assert described["parts"]["a0"]["sensitive"] == 0
    assert sum(described["parts"][split]["rows"] for split in ("train", "validation", "test")) == 7214
    written = told("data", "write", "compas-two-year", "--out", "cases.csv.parquet")
    assert written == {"out": "cases.csv.parquet", "rows": 7214, "inferred": {}}
    pd.read_parquet("cases.csv.parquet").drop(columns="split").to_csv("cases.csv", index=False)
    made = told("init", "cases.csv", "--label", "label", "--sensitive", "sensitive")
    assert made["study_file"] == "cases.yaml"
    assert told("status", tiny_results.root)["finished"] == 20
    assert told("report", tiny_results.root, "--out", "page")["report"] == "page/index.html"
    run_id = told("select", tiny_results.root)["run_id"]
    exported = told("export", tiny_results.root, run_id, "--out", "model")
    assert exported == {"out": "model", "run_id": run_id, "test_rows": 2165}
    applied = told("apply", "model", "cases.csv", "--out", "decisions.csv")
    assert applied["rows"] == len(pd.read_csv("decisions.csv")) == 7214
    assert told("optuna", tiny_results.root, "--out", "h.db") == {"out": "h.db", "settings": 9}
    assert set(runs["run_id"]) >= {run_id}


@pytest.mark.usefixtures("without_figures")
def test_quiet_resume_prints_what_came_of_it_alone(
    tiny_copy: ResultsDirectory, ray_here: int, say: Say
) -> None:
    answer = say("resume", tiny_copy.root, "-q")
    page = tiny_copy.report / "index.html"
    assert (answer.status, answer.out, answer.err) == (0, f"report: {page}\n", "")
    told = json.loads(say("resume", tiny_copy.root, "--quiet", "--json").out)
    assert (told["report"], told["state"]) == (str(page), "finished")


def test_help_of_run_says_what_each_preset_is(say: Say) -> None:
    words = " ".join(say("run", "--help").out.split())
    for name in (*preset_names(), *COLLECTIONS):
        assert f" {name} " in words
    assert "default The study that `make study` runs: " in words


# Ids


def test_first_characters_of_an_id_are_enough(
    tiny_results: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    runs = tiny_results.read_runs()[0]
    run_id = str(runs["run_id"].iloc[0])
    others = {str(one) for one in (*runs["run_id"], *runs["setting_id"])} - {run_id}
    length = next(n for n in range(1, 21) if not any(one.startswith(run_id[:n]) for one in others))
    told = json.loads(
        say("export", tiny_results.root, run_id[:length], "--out", tmp_path / "m", "--json").out
    )
    assert told["run_id"] == run_id
    many = "0123456789abcdef"
    shared = next(c for c in many if sum(one.startswith(c) for one in (*others, run_id)) > 1)
    answer = say("export", tiny_results.root, shared, "--out", tmp_path / "n")
    assert_refused(answer, f"{shared}: begins the ids of ", "give more characters")


def test_a_settings_id_means_its_run_of_choice(
    tiny_results: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    chosen = json.loads(say("select", tiny_results.root, "--json").out)
    out = tmp_path / "model"
    told = json.loads(say("export", tiny_results.root, chosen["setting_id"], "--out", out, "--json").out)
    assert told["run_id"] == chosen["run_id"]


# Completion


def completed(script: Path, *words: str) -> set[str]:
    """What bash offers for the last of ``words``."""
    code = (
        f"source {script}; COMP_WORDS=({' '.join(repr(word) for word in words)}); "
        f"COMP_CWORD={len(words) - 1}; _shtab_study; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_commands_flags_presets_and_data_sets(tmp_path: Path, say: Say) -> None:
    answer = say("completion", "bash")
    assert (answer.status, answer.err) == (0, "")
    script = tmp_path / "study.bash"
    script.write_text(answer.out)
    assert completed(script, "study", "re") == {"resume", "report"}
    assert completed(script, "study", "run", "--dr") == {"--dry-run"}
    assert {"paper", "paper-figure-9"} <= completed(script, "study", "run", "pap")
    assert completed(script, "study", "data", "describe", "compas-") == {"compas-two-year"}
    assert completed(script, "study", "init", "cases.csv", "--lab") == {"--label"}


def test_zsh_gets_a_script_of_its_own(say: Say) -> None:
    answer = say("completion", "zsh")
    assert answer.status == 0
    assert answer.out.startswith("#compdef study\n")
    assert "_study_presets() {\n  compadd default" in answer.out
    assert_refused(say("completion", "fish"), "invalid choice: 'fish'")
