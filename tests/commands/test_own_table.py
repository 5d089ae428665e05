"""From a user's table to a study of it, and what is said on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from study.api import Study
from study.cli import main
from study.config.reading import load_config, validate
from study.data import load_section
from study.data.own import reading
from study.errors import DataError, OutputError, StudyFileError
from study.own_table import load_data, write_study_file
from study.results.directory import ResultsDirectory
from study.storage.locations import RemotePath, location
from study.training.launch import launch
from study.words import CELL_NAMES, SPLITS
from tests.worlds.own_tables import cases
from tests.worlds.store import Store

pytestmark = pytest.mark.usefixtures("_own_sigterm")

TINY = [
    *("search.settings=2", "search.sampler=random", "seeds=2", "training.max_epochs=3"),
    *("pack.settings=2", "model=[mlp, ordinal, posthoc]", "methods=[binary, reject, defer]"),
]
ROLES = {"label": {"column": "outcome", "positive": "bad"}}


def table() -> pd.DataFrame:
    """Words for outcome and decisions, categories, missing values, two rows for each person."""
    frame = cases(600).assign(person_id=[f"p{i // 2}" for i in range(600)])
    words = {0: "good", 1: "bad"}
    frame["judge"] = frame["judge"].map(words).where(np.arange(600) % 2 > 0)
    return frame.assign(outcome=frame["bad"].map(words)).drop(columns=["bad", "sure"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the table in it."""
    monkeypatch.chdir(tmp_path)
    table().to_csv("cases.csv", index=False)
    return tmp_path


def test_from_a_table_to_a_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "cases.csv", "--label", "{column: outcome, positive: bad}"]) == 0
    assert "decision_maker: inferred from its name\n" in capsys.readouterr().out
    assert main(["data", "describe", "cases.yaml"]) == 0
    told = capsys.readouterr().out
    for line in (
        "person_id  group           -         0.0 %    300 different",
        "city       feature         category",
        "label = 1: outcome bad",
        "The decision-maker of column judge: decisions",
        "rows have no decision",
    ):
        assert line in told

    methods = ["binary", "reject", "defer", "compare", "ce"]
    chosen = [*TINY, "model=[mlp, ordinal, posthoc, pair, actions]", f"methods={methods}"]
    study = Study.run(load_config("cases.yaml", [*chosen, "search.gamma=[0.05]"]), in_process=True)
    rows = study.results()
    assert set(rows["method"]) == set(methods)
    assert set(rows.loc[rows["method"] != "binary", "decision_maker"]) == {"column"}
    assert set(rows.loc[rows["method"] == "binary", "decision_maker"]) == {"none"}
    assert set(rows["dataset"]) == {"cases"}
    assert rows["test_error"].between(0, 1).all()

    # The DM alone, counted in the table itself.
    dataset = load_section(load_config("cases.yaml").dataset)
    kept = dataset.raw
    alone = study.directory.read_decision_makers().set_index("decision_maker").loc["column"]
    for code, split in enumerate(SPLITS):
        people = kept[(dataset.split == code) & kept["judge"].notna()]
        wrong = (people["judge"] != people["outcome"]).mean()
        assert alone[f"{split}_error"] == pytest.approx(wrong)
        counts = rows[[f"{split}_cases_{cell}" for cell in CELL_NAMES]].sum(axis=1)
        assert (counts == len(people)).all()

    # A model that is exported decides once more what was measured, before and after thresholds move.
    of_pair = rows[rows["method"] == "compare"].iloc[0]
    study.export(of_pair["run_id"], "model", idk=0.3)
    card = Path("model/MODEL_CARD.md").read_text()
    tested = (dataset.split == 2) & kept["judge"].notna()
    assert f"train {(dataset.split == 0).sum()}, " in card
    assert f"test {tested.sum()} (split seed" in card
    assert "300 rows have no decision" in card

    cautions = study.directory.read_manifest()["cautions"]
    assert any("rows have no decision" in line for line in cautions)
    page = study.report().read_text()
    assert '<section id="warnings">' in page
    assert page.count("rows have no decision") == 1


def test_a_written_study_file_says_what_a_table_without_one_is_described_by(here: Path) -> None:
    path, guessed = write_study_file("cases.csv", ROLES, None)
    assert path == Path("cases.yaml")
    dataset, remarks = load_data("cases.csv", ROLES)
    written, _ = load_data("cases.yaml", {})
    assert load_config(path).dataset == dataset.section == written.section
    assert remarks == guessed.remarks


def test_nothing_is_written_over_and_nothing_that_would_not_run(here: Path) -> None:
    Path("cases.yaml").write_text("mine")
    with pytest.raises(OutputError, match=r"cases\.yaml: already exists; give another --out"):
        write_study_file("cases.csv", ROLES, None)
    assert Path("cases.yaml").read_text() == "mine"
    with pytest.raises(DataError, match=r"cases\.csv: column outcome: holds bad, good; 0 and 1"):
        write_study_file("cases.csv", {"label": "outcome"}, Path("other.yaml"))
    assert not Path("other.yaml").exists()


def test_study_file_is_overwritten_only_by_force(here: Path) -> None:
    Path("mine.yaml").write_text("study: precious\n")
    words = ["init", "cases.csv", "--sensitive", "{column: race, is: B}", "--out", "mine.yaml"]
    assert main(words) == 2
    assert Path("mine.yaml").read_text() == "study: precious\n"
    assert main([*words, "--force"]) == 0
    assert load_config("mine.yaml").dataset.label.column == "outcome"


def test_simulated_decision_maker_beside_a_table_with_decisions_is_cautioned(here: Path) -> None:
    write_study_file("cases.csv", ROLES, None)
    said: list[str] = []
    config = load_config("cases.yaml", [*TINY, "methods=binary", "model=mlp", "decision_maker=standard"])
    assert launch(config, ResultsDirectory("out"), in_process=True, log=said.append)
    assert said[-1].startswith(
        "warning: the decision-maker is simulated (standard), but the table has real decisions"
    )
    assert [f"warning: {line}" for line in ResultsDirectory("out").read_manifest()["cautions"]] == said


@pytest.mark.parametrize(
    ("column", "combine", "how"),
    [
        (
            ["judge", "expert"],
            "draw",
            "The decision-maker of column judge, expert, one drawn for each case: decisions",
        ),
        (
            ["judge", "expert"],
            "majority",
            "The decision-maker of column judge, expert, their majority: decisions",
        ),
        (["sure"], None, "The decision-maker of column sure: probabilities"),
    ],
)
def test_description_says_how_people_become_one_decision_maker(
    column: list[str], combine: str | None, how: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = cases().assign(expert=lambda f: f["judge"])
    frame.to_parquet("people.parquet")
    people = f"{{columns: [{', '.join(column)}]{f', combine: {combine}' if combine else ''}}}"
    words = ["--label", "bad", "--sensitive", "employed", "--decision-maker", people]
    assert main(["data", "describe", "people.parquet", *words]) == 0
    assert how in capsys.readouterr().out


def test_table_is_written_as_the_models_see_it(here: Path) -> None:
    words = ["--label", "{column: outcome, positive: bad}", "--split-seed", "3", "--out", "t.parquet"]
    assert main(["data", "write", "cases.csv", *words]) == 0
    written = pd.read_parquet("t.parquet")
    dataset = load_data("cases.csv", ROLES, split_seed=3)[0]
    assert list(written)[: len(dataset.feature_names) - 1] == list(dataset.feature_names[:-1])
    assert written["label"].tolist() == dataset.label.tolist()
    assert written["split"].tolist() == [SPLITS[code] for code in dataset.split]


@pytest.mark.parametrize("name", ["cases.csv", "cases.parquet"])
def test_table_in_a_store_is_the_table(
    name: str, store: Store, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table().to_parquet("cases.parquet")
    there = location(store.uri(f"tables/{name}"))
    assert isinstance(there, RemotePath)
    there.write_bytes(Path(name).read_bytes())

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    path, _ = write_study_file(str(there), ROLES, None)
    assert path == Path("cases.yaml")
    dataset = load_section(load_config(path).dataset)
    assert dataset.source == str(there)
    assert dataset.fingerprint == load_data(name, ROLES)[0].fingerprint
    there.unlink()
    with pytest.raises(DataError, match=r"^s3://.*cases\..* cannot be read"):
        load_section(load_config(path).dataset)


@pytest.mark.parametrize(
    "words", [["init", "cases.csv"], ["data", "describe", "cases.csv"], ["data", "describe", "my.yaml"]]
)
def test_table_is_read_once(words: list[str], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study_file("cases.csv", ROLES, Path("my.yaml"))
    read, places = reading._read, []

    def counted(path: str, *, text: bool) -> Any:
        places.append(Path(path).name)
        return read(path, text=text)

    monkeypatch.setattr(reading, "_read", counted)
    roles = [] if "my.yaml" in words else ["--label", "{column: outcome, positive: bad}"]
    assert main([*words, *roles]) == 0
    assert places == ["cases.csv"]


def test_key_in_a_uri_is_neither_taken_into_a_study_file_nor_shown(store: Store, here: Path) -> None:
    for uri in (store.uri("nothing.csv"), "s3://KEY:hush@bucket/x.csv", "s3://bucket/x.csv?token=hush"):
        for ask in (
            lambda uri=uri: load_data(uri, ROLES),
            lambda uri=uri: write_study_file(uri, ROLES, None),
            lambda uri=uri: validate({"dataset": {**ROLES, "path": uri, "sensitive": "race"}}, "my.yaml"),
        ):
            with pytest.raises((DataError, StudyFileError)) as caught:
                ask()
            assert "hush" not in str(caught.value)
    assert "holds a key" in str(caught.value)
    assert not Path("nothing.yaml").exists()


@pytest.mark.parametrize(
    ("name", "given", "path", "words"),
    [
        ("cases.yaml", ROLES, None, "cases.yaml: a study file says all of its data; change it there"),
        ("cases.csv", {}, "x", "cases.csv: path is for a data set that the project knows; give one file"),
        ("compas", ROLES, None, "dataset: path is missing; a table of your own needs path, label and"),
        (
            "cases.csv",
            {"label": {"colum": "x"}, "sensitive": "race"},
            None,
            "dataset.label.colum: unknown key",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    name: str, given: dict[str, Any], path: str | None, words: str, here: Path
) -> None:
    with pytest.raises(StudyFileError, match=words):
        load_data(name, given, path=path)
