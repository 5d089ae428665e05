"""The command line: exit status, one line for what is wrong, and what each command prints."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import yaml

import study
from study.config.presets import COLLECTIONS, preset_names
from study.config.reading import load_config
from study.results.choice.candidates import degenerate
from study.results.directory import ResultsDirectory
from study.results.limits import NAMES
from study.results.packs import Pack
from study.search.arm_state import planned_runs
from study.storage.seals import seal_parquet
from study.training.pack import Advance
from study.training.scheduler import run_in_process
from tests.commands.answers import Answer, Say, assert_refused
from tests.training.driver import environment
from tests.worlds.own_tables import cases
from tests.worlds.small_study import TINY, assert_same_rows, write_cases

pytestmark = pytest.mark.usefixtures("_own_sigterm")

ID = r"[0-9a-f]{20}"
ENDS = r"( +\d\.\d{3} to \d\.\d{3}){3}"
LEADS = r"( +[+−]?\d\.\d{3} \([+−]?\d\.\d{3} to [+−]?\d\.\d{3}\)){3}"
SHOWN = [name for word, name in NAMES.items() if word != "cost"]
SELECTED = re.compile(
    r"(People alone (may )?do better: .*\n)?"
    rf"(binary|reject|defer) \((mlp|ordinal), decision-maker (none|standard)\), "
    rf"alpha [0-9.e+-]+(, gamma [0-9.e+-]+)?\n"
    rf"  setting {ID}, run {ID}, seed [01]\n"
    r" +validation +test +95 % interval +validation, 2 seeds +test, seeds\n"
    + "".join(rf"  {name} +\d\.\d{{3}} +\d\.\d{{3}}{ENDS}\n" for name in SHOWN)
    + r"  The interval is the bootstrap's over test cases\. .*\n.*\n"
    r"(  on test, the run less +error +odds difference +balanced error\n"
    rf"(    (the baseline|the decision-maker alone|deferring as many cases at random){LEADS}\n)+)"
    r"(  expected rise from validation to test, .*\n)?"
    r"(  unstable: .*\n)?(  \d+ degenerate runs? left out: .*\n)?"
)


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


# Words of the command line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("rnu", "invalid choice: 'rnu'"),
        ("reprot d", "did you mean report?"),
        ("select d --minimise eror", "did you mean error?"),
        ("data lsit", "did you mean list?"),
        ("run a.yaml b.yaml", "unrecognized arguments: b.yaml"),
        ("run --outt x", "unrecognized arguments: --outt; did you mean --out?"),
        ("export d --ot m", "unrecognized arguments: --ot; did you mean --out?"),
        ("status d --jsno", "did you mean --json?"),
        ("init t.csv --lable y", "unrecognized arguments: --lable; did you mean --label?"),
        ("--vesion", "did you mean --version?"),
        ("select d --guarantee=--", "argument --guarantee: expected one argument"),
        ("run --workers 0", "--workers: must be a whole number from 1 to 100000, got '0'"),
        ("run --workers two", "--workers: must be a whole number from 1 to 100000, got 'two'"),
        ("resume", "required: DIR"),
        ("status", "required: DIR"),
        ("select d --max-idk 1.5", "--max-idk: must be a number from 0 to 1, got '1.5'"),
        ("select d --max-di nan", "--max-di: must be a number from 0 to 1, got 'nan'"),
        ("select d --max-error low", "--max-error: must be a number from 0 to 1, got 'low'"),
        ("select d --minimise speed", "invalid choice: 'speed'"),
        ("export d", "required: RUN_ID, --out"),
        ("apply m t.csv", "required: --out"),
        ("optuna d", "required: --out"),
        ("data", "required: COMMAND"),
        ("data describe", "required: NAME"),
        ("data write compas-two-year", "required: --out"),
        (
            "data describe compas-two-year --split-seed -1",
            "--split-seed: must be a whole number from 0 to 2^63 - 1, got '-1'",
        ),
    ],
)
def test_wrong_words_are_refused_in_one_line(line: str, words: str, say: Say) -> None:
    answer = say(*shlex.split(line))
    assert_refused(answer, words, "--help")
    assert answer.err.startswith("study")


def test_help_names_every_command(say: Say) -> None:
    answer = say("--help")
    assert answer.status == 0
    assert say().out == answer.out
    commands = "run resume status report select export apply optuna data init presets completion"
    for command in commands.split():
        assert re.search(rf"^    {command}\b", answer.out, re.MULTILINE)


def test_version_is_that_of_the_installed_package(say: Say) -> None:
    answer = say("--version")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == f"study {version('learning-to-defer-study')}\n" == f"study {study.__version__}\n"


def test_presets_are_listed_with_what_they_draw_and_how_many_runs(say: Say) -> None:
    answer = say("presets")
    assert (answer.status, answer.err) == (0, "")
    lines = [re.split(r"  +", line) for line in answer.out.splitlines()[1:]]
    rows = {name: [runs, what] for name, runs, about, what in lines}
    assert {about.split()[1] for _, _, about, _ in lines} <= {"seconds", "minutes", "hours"}
    runs = {name: planned_runs(load_config(name).plan().search) for name in preset_names()}
    assert {name: rows[name][0] for name in runs} == {name: f"{count:,}" for name, count in runs.items()}
    assert rows["paper-figure-6"][1].startswith("Figure 6: deferral rates")
    both = runs["paper-figure-7-compas"] + runs["paper-figure-7-health"]
    assert rows["paper-figure-8"] == [
        f"{both:,}",
        "Figure 8: paper-figure-7-compas, paper-figure-7-health.",
    ]
    assert set(rows) == {*runs, *COLLECTIONS}


# What is refused before anything runs


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("serch: {}", ["wrong.yaml: serch: unknown key; allowed are study, dataset"]),
        ("seeds: many", ["wrong.yaml: seeds", "'many'"]),
        ("search: {alpha: {low: 2, high: 1}}", ["wrong.yaml: search.alpha: low must be below high"]),
        ("a: [", ["wrong.yaml: line 1 is not valid YAML"]),
        ("methods: binray", ["wrong.yaml: methods.0: 'binray' is not allowed", "did you mean binary?"]),
        ("dataset: compass", ["dataset: 'compass' is unknown", "did you mean compas?"]),
        ("dataset: nowhere", ["dataset: 'nowhere' is unknown; allowed are compas-two-year, compas"]),
        ("dataset: {name: compas, path: /no/such.csv}", ["/no/such.csv: cannot be read"]),
        (
            "{decision_maker: inconsistent, inconsistent: {where: agge <= 3}}",
            ["inconsistent.where: 'agge <= 3': column 'agge' is not allowed; allowed are age"],
        ),
        ("{test_decision_maker: inconsistent, inconsistent: {where: age}}", ["inconsistent.where: 'age'"]),
        (
            "dataset: {name: compas-two-year, path: x.csv}",
            ["dataset compas-two-year: path is not allowed, it ships with the package"],
        ),
        (
            "dataset: {path: x.csv}",
            ["dataset: label is missing; a table of your own needs path, label and"],
        ),
        (
            "dataset: {name: x, path: x.csv}",
            ["dataset: 'x' is unknown; allowed are", "label and sensitive"],
        ),
    ],
)
def test_wrong_study_file_is_refused_before_anything_is_written(
    document: str, words: list[str], tmp_path: Path, say: Say
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(document)
    assert_refused(say("run", path, "--out", tmp_path / "out"), *words)
    assert not (tmp_path / "out").exists()


def test_table_in_the_place_of_a_study_file_is_refused_with_what_to_do(say: Say) -> None:
    assert_refused(say("run", "cases.csv"), "cases.csv: is a table; write a study file for it: study init")


def test_missing_study_file_is_refused(say: Say) -> None:
    assert_refused(say("run", "nothing.yaml"), "nothing.yaml: no such study file", "presets are default")
    assert_refused(say("run", "paper-figure-8b"), "did you mean paper-figure-8?")


def test_wrong_override_is_refused(tmp_path: Path, say: Say) -> None:
    answer = say("run", "--set", "search.settngs=3", "--out", tmp_path / "out")
    assert_refused(answer, "preset default: search.settngs: unknown key; allowed are sampler, settings")


def test_place_that_cannot_be_written_is_refused(tmp_path: Path, tiny_file: Path, say: Say) -> None:
    answer = say("run", tiny_file, "--out", tiny_file)
    assert_refused(answer, f"{tiny_file}: cannot be written", "give a writable --out")
    answer = say("run", tiny_file, "--out", tiny_file / "below")
    assert_refused(answer, "cannot be written", "give a writable --out")


@pytest.mark.parametrize(
    "command",
    [
        *("resume {}", "status {}", "report {}", "select {}"),
        *("export {} 0123 --out {}/m", "optuna {} --out {}/h.db"),
    ],
)
def test_directory_without_a_study_is_refused(command: str, tmp_path: Path, say: Say) -> None:
    for place in (tmp_path, tmp_path / "nothing"):
        assert_refused(
            say(*command.replace("{}", str(place)).split()),
            f"{place}: no study there (no study.yaml)",
            "study run",
        )
    assert list(tmp_path.iterdir()) == []


def test_cluster_that_is_not_there_is_refused(tmp_path: Path, tiny_file: Path) -> None:
    """In a process of its own: this one may be connected to a Ray."""
    words = ["run", "-q", str(tiny_file), "--out", str(tmp_path / "out"), "--address", "127.0.0.1:1"]
    done = subprocess.run(
        [sys.executable, "-m", "study", *words], capture_output=True, text=True, env=environment()
    )
    assert_refused(
        Answer(done.returncode, done.stdout, done.stderr), "--address 127.0.0.1:1: no Ray cluster there"
    )


def test_changed_study_file_is_refused_with_the_keys_that_differ(
    tiny_results: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    path = tmp_path / "tiny.yaml"
    changed = {**TINY, "seeds": 3, "training": {"max_epochs": 4}, "resources": {"workers": 1}}
    path.write_text(yaml.safe_dump(changed))
    answer = say("run", path, "--out", tiny_results.root)
    assert_refused(
        answer,
        f"{tiny_results.study_file}: another study was begun there, it differs in",
        "seeds ([0, 1] before, [0, 1, 2] now)",
        "training.max_epochs (3 before, 4 now)",
    )
    assert "resources" not in answer.err


def test_other_data_or_code_is_refused(tiny_copy: ResultsDirectory, say: Say) -> None:
    manifest = tiny_copy.read_manifest()
    for what in ("code", "data_fingerprint"):
        tiny_copy.write_manifest(manifest | {what: "another"})
        assert_refused(say("resume", tiny_copy.root), f"manifest.json: {what} was another and is ")


def test_unreadable_study_directory_is_refused(tiny_copy: ResultsDirectory, say: Say) -> None:
    tiny_copy.study_file.write_text("study: [")
    for command in ("status", "report", "resume"):
        assert_refused(say(command, tiny_copy.root), "study.yaml: cannot be read")


# What finishes


@pytest.mark.usefixtures("without_figures")
def test_resume_of_a_finished_study_says_so_and_writes_the_report(
    tiny_copy: ResultsDirectory, ray_here: int, say: Say
) -> None:
    answer = say("resume", tiny_copy.root)
    assert answer.status == 0
    assert answer.out == f"report: {tiny_copy.report / 'index.html'}\n"
    first, second = answer.err.splitlines()
    assert first == f"20 runs, 2 workers, results in {tiny_copy.root}"
    assert re.fullmatch(r"20 of 20 runs \| front: \d+ settings, error .+ %, odds difference .+", second)


@pytest.mark.usefixtures("without_figures")
def test_broken_file_of_the_ledger_is_named_and_its_runs_are_done_again(
    tiny_copy: ResultsDirectory, tiny_results: ResultsDirectory, ray_here: int, say: Say
) -> None:
    broken = sorted(tiny_copy.runs.iterdir())[1]
    broken.write_bytes(broken.read_bytes()[:-50])
    status = say("status", tiny_copy.root)
    assert status.out.splitlines()[0].startswith("tiny: interrupted, ")
    assert f"{broken}: cannot be read (" in status.out
    report = say("report", tiny_copy.root)
    assert report.status == 0
    assert report.err.startswith(f"{broken}: cannot be read (")

    answer = say("resume", tiny_copy.root)
    assert answer.status == 0
    named = answer.err.splitlines()[0]
    assert named.startswith(f"{broken}: cannot be read (")
    assert named.endswith(f"); moved to _{broken.name}.broken and made again")
    assert (tiny_copy.runs / f"_{broken.name}.broken").is_file()
    assert_same_rows(tiny_copy.read_runs()[0], tiny_results.read_runs()[0])


@pytest.mark.usefixtures("without_figures")
def test_study_with_a_failed_pack_ends_with_status_1(
    tiny_copy: ResultsDirectory, ray_here: int, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RETRIES", "RETRIES_BETWEEN", "SPLITS"):
        monkeypatch.setattr(f"study.training.scheduler.{name}", 0)
    bad = sorted(tiny_copy.packs.iterdir())[2]
    (tiny_copy.runs / f"{bad.stem}.parquet").unlink()

    def fail(pack: Pack, *_: object) -> Iterator[Advance]:
        raise ValueError("out of luck")

    monkeypatch.setattr("study.training.scheduler.run_pack", fail)
    monkeypatch.setattr(
        "study.training.on_ray.run_on_ray", lambda tried, directory, **_: run_in_process(tried, directory)
    )
    answer = say("resume", tiny_copy.root)
    assert answer.status == 1
    assert answer.out == f"report: {tiny_copy.report / 'index.html'}\n"
    assert "Traceback" not in answer.err
    lines = answer.err.splitlines()
    status = json.loads(say("status", tiny_copy.root, "--json").out)
    assert status["failed"] == 20 - status["finished"] > 0
    reason = "ValueError: out of luck"
    assert f"{status['failed']} runs of pack {bad.stem} failed: {reason}" in lines
    assert re.fullmatch(r"study: tiny: interrupted, \d+ of 20 runs finished", lines[-3])
    assert re.fullmatch(r"\d runs failed; `study resume` tries them again", lines[-2])
    assert lines[-1] == f"  {bad.stem}: {status['failed']} runs: {reason}"
    assert status["failures"] == [lines[-1].strip()]


# Status


def test_status_for_a_person_and_for_a_program(tiny_results: ResultsDirectory, say: Say) -> None:
    answer = say("status", tiny_results.root)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == "tiny: finished, 20 of 20 runs finished\n"
    status = json.loads(say("status", tiny_results.root, "--json").out)
    assert {name: status[name] for name in ("planned", "finished", "failed", "state")} == {
        "planned": 20,
        "finished": 20,
        "failed": 0,
        "state": "finished",
    }


def test_status_of_an_unfinished_study(tiny_copy: ResultsDirectory, say: Say) -> None:
    gone = sorted(tiny_copy.runs.iterdir())[0]
    missing = len(tiny_copy.read_pack_runs(gone.stem))
    gone.unlink()
    status = json.loads(say("status", tiny_copy.root, "--json").out)
    assert (status["state"], status["finished"]) == ("interrupted", 20 - missing)
    with tiny_copy.locked():
        assert json.loads(say("status", tiny_copy.root, "--json").out)["state"] == "running"


def test_a_study_is_watched_for_as_long_as_it_runs(
    tiny_copy: ResultsDirectory, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = sorted(tiny_copy.runs.iterdir())[0]
    rows, missing = gone.read_bytes(), len(tiny_copy.read_pack_runs(gone.stem))
    gone.unlink()
    with ExitStack() as driver:
        driver.enter_context(tiny_copy.locked())
        waits = iter([lambda: gone.write_bytes(rows), driver.close])
        monkeypatch.setattr("study.commands.looking.time.sleep", lambda _: next(waits)())
        answer = say("status", tiny_copy.root, "--watch")
    assert (answer.status, answer.out) == (0, "tiny: finished, 20 of 20 runs finished\n")
    lines = answer.err.splitlines()
    assert lines[0] == f"{20 - missing} of 20 runs"
    assert all(line.startswith("20 of 20 runs | ") for line in lines[1:])
    assert len(lines) == 3
    again = say("status", tiny_copy.root, "--watch", "--json")
    assert (json.loads(again.out)["state"], again.err) == ("finished", "")


# Report


@pytest.mark.usefixtures("without_figures")
def test_report_is_written_where_it_is_wanted(
    tiny_results: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    answer = say("report", tiny_results.root, "--out", tmp_path / "elsewhere")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == f"report: {tmp_path / 'elsewhere' / 'index.html'}\n"
    fronts = pd.read_csv(tmp_path / "elsewhere" / "fronts.csv")
    columns = [
        *("front", "method", "model", "decision_maker", "setting_id", "alpha", "gamma"),
        *("error", "di", "idk_rate", "validation_error", "validation_di", "validation_idk_rate"),
    ]
    assert list(fronts)[: len(columns)] == columns
    assert set(fronts["front"]) == {"paper", "honest"}
    assert set(fronts["setting_id"]) <= set(tiny_results.read_runs()[0]["setting_id"])
    cdf = pd.read_csv(tmp_path / "elsewhere" / "idk_cdf.csv")
    assert list(cdf)[:6] == ["method", "model", "decision_maker", "group", "cutoff", "fraction"]


def test_report_that_cannot_be_written_is_refused(
    tiny_results: ResultsDirectory, tiny_file: Path, say: Say
) -> None:
    answer = say("report", tiny_results.root, "--out", tiny_file / "below")
    assert_refused(answer, "below: the report cannot be written", "give a writable --out")


# Select


@pytest.mark.usefixtures("without_figures")
def test_select_with_a_guarantee_names_a_run_and_its_bounds_or_says_what_is_missing(
    tiny_results: ResultsDirectory, say: Say, tmp_path: Path
) -> None:
    limits = ("--guarantee", "error<=0.9", "--guarantee", "idk<=95%", "--confidence", 0.9)
    chosen = json.loads(say("select", tiny_results.root, *limits, "--json").out)
    assert list(chosen)[:2] == ["setting_id", "run_id"]
    assert chosen["guarantee"]["limits"] == ["error<=0.9", "idk<=0.95"]
    assert chosen["guarantee"]["upper_bounds"]["error"] <= 0.9
    runs = tiny_results.read_runs()[0].set_index("run_id")
    assert chosen["test"]["error"] == runs.loc[chosen["run_id"], "test_error"]
    answer = say("select", tiny_results.root, *limits)
    assert f"{chosen['run_id']} --guarantee" in answer.out
    assert "guarantee: with probability 90%" in answer.out
    continued = shlex.split(answer.out.rpartition("continue with: ")[2])[1:]
    assert continued[3:-2] == [*limits[:-1], "0.9"]
    model = tmp_path / "model"
    exported = json.loads(say(*continued[:-1], model, "--json").out)
    assert exported["guarantee"]["upper_bounds"] == chosen["guarantee"]["upper_bounds"]
    card = (model / "MODEL_CARD.md").read_text("utf-8")
    assert "- guarantee: with probability 90% over the draw of the test cases" in card
    assert "no longer a neutral estimate" in card
    say("report", tiny_results.root, "--out", tmp_path / "report", *limits)
    page = (tmp_path / "report" / "index.html").read_text("utf-8")
    assert "guarantee: with probability 90% over the draw of the test cases" in page
    others = sorted(set(runs.index) - {chosen["run_id"]})
    refused = say("export", tiny_results.root, others[0], *limits, "--out", tmp_path / "other")
    assert_refused(refused, f"it is given for run {chosen['run_id']}, and not for {others[0]}")
    answer = say("select", tiny_results.root, "--guarantee", "error<=0.001")
    assert (answer.status, answer.out) == (1, "")
    assert "no run is certified (error<=0.001: p = 1, at most 0.05 is needed)" in answer.err
    assert_refused(
        say("select", tiny_results.root, "--guarantee", "speed<=1"), "METRIC<=NUMBER", "'speed<=1'"
    )


def test_of_a_table_with_groups_intervals_and_guarantees_count_groups(tmp_path: Path, say: Say) -> None:
    section = write_cases(tmp_path / "cases.csv")
    table = pd.read_csv(tmp_path / "cases.csv")
    # Two rows of one split for each person: 100 test rows of 50 people.
    table["person"] = [f"p{row % 3}-{row // 6}" for row in range(len(table))]
    table.to_csv(tmp_path / "cases.csv", index=False)
    results = tmp_path / "results"
    given = {**TINY, "dataset": section | {"group": "person", "row_id": "case"}, "seeds": 1}
    made = study.Study.run(given, out=results, in_process=True)
    tested = pd.read_parquet(made.directory.test_rows_file).merge(table, left_on="row_id", right_on="case")
    assert (len(tested), set(tested["split"])) == (100, {"test"})
    assert (tested["label"] == (tested["bad"] == 1)).all()
    assert (tested.groupby("person")["cluster"].nunique() == 1).all()
    assert "bootstrap's over 50 groups by person" in say("select", results, "--include-degenerate").out
    answer = say("select", results, "--include-degenerate", "--guarantee", "error<=0.9")
    assert "on one test case of each of 50 groups by person: error 0." in answer.out
    assert "the guarantee is about a random case of a random group" in answer.out
    chosen = json.loads(
        say("select", results, "--include-degenerate", "--guarantee", "error<=0.9", "--json").out
    )
    assert (chosen["guarantee"]["test_cases"], chosen["guarantee"]["groups"]) == (50, "50 groups by person")
    page = made.report(tmp_path / "report").read_text("utf-8")  # type: ignore[union-attr]
    assert "bootstrap interval over 50 groups by person" in page
    assert "over test cases" not in page
    model = made.export(chosen["run_id"], tmp_path / "model")
    assert model.method == chosen["method"]
    assert "interval over 50 groups by person." in (tmp_path / "model" / "MODEL_CARD.md").read_text("utf-8")


def test_select_for_a_person_and_for_a_program(tiny_results: ResultsDirectory, say: Say) -> None:
    answer = say("select", tiny_results.root)
    assert (answer.status, answer.err) == (0, "")
    words, _, export = answer.out.rpartition("continue with: ")
    assert SELECTED.fullmatch(words)
    chosen = json.loads(say("select", tiny_results.root, "--json").out)
    assert list(chosen)[:7] == ["setting_id", "run_id", "method", "alpha", "gamma", "validation", "test"]
    assert list(chosen["validation"])[:3] == list(chosen["test"])[:3] == ["error", "di", "idk_rate"]
    runs = tiny_results.read_runs()[0]
    figures = ["validation_error", "validation_di", "validation_idk_rate"]
    # Ties go to the smaller DI, IDK rate, setting and seed.
    best = runs[~degenerate(runs)].sort_values([*figures, "setting_id", "seed"]).iloc[0]
    assert (chosen["run_id"], chosen["setting_id"]) == (best["run_id"], best["setting_id"])
    for split in ("validation", "test"):
        assert chosen[split] == {name: best[f"{split}_{name}"] for name in chosen[split]}
    place = shlex.quote(str(tiny_results.root))
    assert export == f"study export {place} {chosen['run_id']} --out model\n"


def test_select_under_impossible_constraints_names_the_nearest(
    tiny_results: ResultsDirectory, say: Say
) -> None:
    for words in ([], ["--json"]):
        answer = say("select", tiny_results.root, "--max-error", "0", "--max-idk", "0.5", *words)
        assert (answer.status, answer.out) == (1, "")
        head, _, nearest = answer.err.partition("\n")
        assert re.fullmatch(
            r"study: no run satisfies the limits; nearest \(over error by 0\.\d+\) is", head
        )
        assert SELECTED.fullmatch(nearest)


def test_select_before_anything_has_finished_is_refused(tiny_copy: ResultsDirectory, say: Say) -> None:
    for path in tiny_copy.runs.iterdir():
        path.unlink()
    assert_refused(say("select", tiny_copy.root), "no run has finished yet")


# Paths


@pytest.mark.parametrize(
    "line",
    [
        *("export {} 0123 --out {uri}", "optuna {} --out {uri}", "init t.csv --out {uri}"),
        *("apply m t.csv --out {uri}.csv", "apply {uri} t.csv --out d.csv"),
        *("data write compas-two-year --out {uri}", "run --out {cut}", "status {cut}"),
    ],
)
def test_uri_is_refused_where_a_local_path_is_wanted_and_its_key_is_not_shown(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    monkeypatch.chdir(tmp_path)
    uris = {"uri": "s3://KEY:SECRET@bucket/x", "cut": "s3://KEY:SEC/RET@bucket/x"}
    answer = say(*line.format(tmp_path, **uris).split())
    assert_refused(answer, "s3://bucket/x")
    assert not re.search("KEY|SEC", answer.err)
    assert list(tmp_path.iterdir()) == []


def test_home_directory_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir("/")
    assert say("data", "write", "compas-two-year", "--out", "~/t.parquet").status == 0
    assert (tmp_path / "t.parquet").is_file()
    assert_refused(say("status", "~/nothing"), f"{tmp_path / 'nothing'}: no study there")


# Deploy


def test_what_select_says_to_continue_with_leads_to_decisions(
    tiny_results: ResultsDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    """Each command names the next one, from a choice to a file of decisions."""
    monkeypatch.chdir(tmp_path)

    def next_words(answer: Answer) -> list[str]:
        assert (answer.status, answer.err) == (0, "")
        return shlex.split(answer.out.rpartition("continue with: study ")[2])

    exported = say(*next_words(say("select", tiny_results.root, "--max-idk", "0.9")))
    assert exported.out.startswith("model: decides on all 2,165 test rows as the run did\n")
    words = next_words(exported)
    assert words == ["apply", "model", "new.csv", "--out", "decisions.csv"]
    assert say("data", "write", "compas-two-year", "--out", "new.csv").status == 0
    answer = say(*words)
    decided = pd.read_csv("decisions.csv")
    deferred = int(decided["defer"].sum())
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == f"decisions.csv: 7,214 rows, {deferred:,} of them deferred\n"
    assert len(decided) == 7214


def test_model_that_is_not_reproduced_ends_with_status_1(
    tiny_copy: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    run = tiny_copy.read_runs()[0].iloc[0]
    path = tiny_copy.root / "runs" / f"{run['pack_id']}.parquet"
    rows = pd.read_parquet(path)
    path.write_bytes(seal_parquet(rows.assign(test_error=rows["test_error"] + 1e-9).to_parquet()))
    answer = say("export", tiny_copy.root, run["run_id"], "--out", tmp_path / "model")
    assert (answer.status, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 1
    assert answer.err.startswith(f"study: run {run['run_id']}: the model decides on 0 of 2,165 test rows")
    assert not (tmp_path / "model").exists()


def test_what_cannot_be_exported_or_applied_is_refused(
    tiny_results: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    model, out = tmp_path / "model", tmp_path / "decisions.csv"
    assert_refused(
        say("export", tiny_results.root, "0123", "--out", model), "no finished run 0123", "study select"
    )
    run_id = tiny_results.read_runs()[0]["run_id"].iloc[0]
    assert say("export", tiny_results.root, run_id, "--out", model).status == 0
    assert_refused(say("export", tiny_results.root, run_id, "--out", model), f"{model}: already exists")
    assert_refused(say("apply", tmp_path, "new.csv", "--out", out), "model.json: cannot be read")
    assert_refused(say("apply", model, tmp_path / "new.csv", "--out", out), "new.csv: cannot be read")
    (tmp_path / "new.csv").write_text("age\n=1\n")
    assert_refused(
        say("apply", model, tmp_path / "new.csv", "--out", out), "new.csv: column sensitive not found"
    )
    table = tmp_path / "table.parquet"
    assert say("data", "write", "compas-two-year", "--out", table).status == 0
    pd.read_parquet(table).head(3).assign(age="=1").to_csv(tmp_path / "new.csv", index=False)
    assert_refused(
        say("apply", model, tmp_path / "new.csv", "--out", out), "new.csv: column age: =1 is not a finite"
    )
    assert not out.exists()


def test_history_is_written_and_says_how_to_look_at_it(
    tiny_results: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    path = tmp_path / "history.db"
    answer = say("optuna", tiny_results.root, "--out", path)
    assert answer.status == 0
    assert answer.out == (f"{path}: 9 settings\nlook at them with: optuna-dashboard sqlite:///{path}\n")
    assert path.read_bytes().startswith(b"SQLite format 3")
    assert_refused(say("optuna", tiny_results.root, "--out", path), f"{path}: already exists")


# Data


def test_data_list_has_a_line_for_each(say: Say) -> None:
    answer = say("data", "list")
    assert (answer.status, answer.err) == (0, "")
    names = [line.split()[0] for line in answer.out.splitlines()]
    assert {"compas", "compas-two-year"} <= set(names)


def test_data_describe_says_how_many(say: Say) -> None:
    answer = say("data", "describe", "compas-two-year", "--split-seed", "3")
    assert (answer.status, answer.err) == (0, "")
    assert "7,214" in answer.out or "7214" in answer.out


def test_data_write_writes_the_table(tmp_path: Path, say: Say) -> None:
    path = tmp_path / "new" / "table.parquet"
    answer = say("data", "write", "compas-two-year", "--out", path)
    assert (answer.status, answer.out, answer.err) == (0, f"7,214 rows: {path}\n", "")
    table = pd.read_parquet(path)
    assert len(table) == 7214
    assert {"label", "sensitive", "split"} <= set(table)
    assert set(table["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("verb", ["describe", "write", "fetch"])
def test_unknown_data_set_is_refused_with_those_there_are(verb: str, tmp_path: Path, say: Say) -> None:
    out = ["--out", tmp_path / "t.parquet"] if verb == "write" else []
    assert_refused(say("data", verb, "compass", *out), "'compass' is unknown", "compas-two-year, compas")


def test_table_that_cannot_be_written_is_refused(tiny_file: Path, say: Say) -> None:
    answer = say("data", "write", "compas-two-year", "--out", tiny_file / "t.parquet")
    assert_refused(answer, "cannot be written")


# Processes

BLOCKED = """
import sys

blocked = ["ray", "optuna", "torch"]

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from study import printer
from study.api import Study
from study.cli import main

printer.SILENT = 600.0
curves, Study._calibration = Study._calibration, lambda self, run_id: {}
for command in ([], ["run"], ["export"], ["apply"], ["optuna"]):
    try:
        main([*command, "--help"])
    except SystemExit as left:
        assert left.code == 0, command
for command in (["status"], ["status", "--json"], ["select"], ["report"]):
    status = main([command[0], sys.argv[1], *command[1:]])
    assert status == 0, (command, status)
# The reliability curves, and nothing else, are what a model says of the test rows.
Study._calibration = curves
blocked.remove("torch")
assert main(["report", sys.argv[1]]) == 0
"""


def test_help_and_looking_at_results_need_no_ray_and_only_reliability_curves_need_torch(
    tiny_copy: ResultsDirectory,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(tiny_copy.root)],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tiny_copy.report / "index.html").is_file()


OPTIMIZED = """
import sys
from study.cli import main
from study.commands.arguments import rate
results, run, table = sys.argv[1:]
assert False, "asserts are on"
if rate.__doc__ is not None or main(["select", results, "--json"]):
    sys.exit("docstrings, or no choice")
for words in (
    ["status", results],
    ["report", results, "--out", "report"],
    ["export", results, run, "--out", "model"],
    ["data", "describe", "compas-two-year"],
    ["data", "write", "compas-two-year", "--out", "new.csv"],
    ["apply", "model", "new.csv", "--out", "decisions.csv"],
    ["optuna", results, "--out", "history.db"],
    ["init", table, "--label", "bad", "--sensitive", "{column: race, is: B}", "--out", "mine.yaml"],
    ["presets"],
):
    if main(words):
        sys.exit(repr(words))
"""


def test_all_that_does_not_train_works_without_docstrings_and_asserts(
    tiny_results: ResultsDirectory, tmp_path: Path, say: Say
) -> None:
    """PYTHONOPTIMIZE=2; what trains starts again without it, as a test of interruptions shows."""
    cases(40).to_csv(tmp_path / "cases.csv", index=False)
    chosen = say("select", tiny_results.root, "--json").out
    run = json.loads(chosen)["run_id"]
    done = subprocess.run(
        [sys.executable, "-c", OPTIMIZED, str(tiny_results.root), run, "cases.csv"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment() | {"PYTHONOPTIMIZE": "2"},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith(chosen)
    assert "model: decides on all 2,165 test rows as the run did" in done.stdout
    for name in ("report/index.html", "decisions.csv", "history.db", "mine.yaml"):
        assert (tmp_path / name).is_file()


def test_reader_that_has_seen_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m study data list | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert (done.stdout, done.stderr) == ("c", "")


def test_console_script_and_module_are_the_same() -> None:
    script = Path(sys.executable).with_name("study")
    if not script.exists():
        pytest.skip("the console script is not installed beside this Python")
    outputs = [
        subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment()).stdout
        for command in ([str(script)], [sys.executable, "-m", "study"])
    ]
    assert outputs[0] == outputs[1] != ""


def test_default_place_is_named_after_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ray_here: int, say: Say
) -> None:
    monkeypatch.chdir(tmp_path)
    small = {"methods": "binary", "search": {"settings": 1}, "seeds": 1, "training": {"max_epochs": 1}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(small))
    answer = say("run", "mine.yaml", "--set", "search.settings=2", "--workers", 1)
    assert answer.status == 0
    assert answer.out == f"report: {os.path.join('results', 'mine', 'report', 'index.html')}\n"
    assert (tmp_path / "results" / "mine" / "report" / "index.html").is_file()
    assert ResultsDirectory("results/mine").read_study()["search"]["settings"] == 2


HEAVY = {"matplotlib", "pandas", "torch", "ray", "optuna", "scipy", "numpy", "pyarrow"}


def loaded_by(*words: object) -> set[str]:
    """Which heavy libraries a process has loaded once the command line has answered."""
    code = (
        "import sys\n"
        "from study.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    modules = done.stderr.split()
    assert "study.cli" in modules
    return HEAVY.intersection(modules)


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("select", "--help")])
def test_help_loads_no_heavy_library(words: tuple[str, ...]) -> None:
    assert loaded_by(*words) == set()


@pytest.mark.parametrize("command", ["status", "select"])
def test_only_what_trains_or_draws_loads_what_that_takes(
    command: str, tiny_results: ResultsDirectory
) -> None:
    assert not loaded_by(command, tiny_results.root) & {"matplotlib", "torch", "ray", "optuna"}
