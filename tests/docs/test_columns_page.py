"""docs/columns.md has every column of every table, and no other."""

import re
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study import Study, load_model
from study.reports.figures.album import Album
from study.reports.paper.claims import Claim, Expected, Part, judge
from study.reports.paper.claims_table import claims_frame
from study.results.directory import ResultsDirectory
from study.results.files.schema import DECISION_MAKER_SCHEMA, OUTCOME_SCHEMA, RUN_SCHEMA, WEIGHT_SCHEMA
from study.results.packs import Pack
from study.words import METRICS, SPLITS, cell_columns

PAGE = Path(__file__).parents[2] / "docs" / "columns.md"
SCHEMAS = {
    "runs/*.parquet": RUN_SCHEMA,
    "weights/*.parquet": WEIGHT_SCHEMA,
    "outcomes/*.parquet": OUTCOME_SCHEMA,
    "decision_makers.parquet": DECISION_MAKER_SCHEMA,
}
TYPES = {"timestamp[us, tz=UTC]": "timestamp", "list<item: float>": "list of float"}


def rows_of(section: str) -> list[list[str]]:
    """The cells of a section's table, the names expanded."""
    found = []
    for line in section.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found += [[name, *cells[1:]] for name in expanded(cells[0].strip("`"))]
    return found


def expanded(name: str) -> list[str]:
    if name == "<split>_<count>_<cell>":
        return [column for split in SPLITS for column in cell_columns(split)]
    splits = [name.replace("<split>", split) for split in SPLITS] if "<split>" in name else [name]
    return [
        each
        for of_split in splits
        for each in (
            [of_split.replace("<metric>", figure) for figure in METRICS]
            if "<metric>" in name
            else [of_split]
        )
    ]


HEAD, *_SECTIONS = re.split(r"^## `(.*)`\n", PAGE.read_text("utf-8"), flags=re.MULTILINE)
SECTIONS = dict(zip(_SECTIONS[::2], map(rows_of, _SECTIONS[1::2]), strict=True))


def names(section: str) -> list[str]:
    return [row[0] for row in SECTIONS[section]]


@pytest.fixture(scope="module")
def report(families: ResultsDirectory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a report, without its figures."""
    out = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("study.reports.page.report.album", lambda *_: Album())
        patch.setattr("study.reports.page.report.page_of", lambda *_: "")
        Study(families.root).report(out)
    return out


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_column_of_the_ledger_is_there_with_its_type(table: str) -> None:
    schema: pa.Schema = SCHEMAS[table]
    types = [TYPES.get(str(field.type), str(field.type)) for field in schema]
    described = [row[:2] for row in SECTIONS[table]]
    assert described == [list(pair) for pair in zip(schema.names, types, strict=True)]


def test_figures_are_those_that_are_measured() -> None:
    assert [name for name, *_ in rows_of(HEAD)] == list(METRICS)


def test_test_rows_have_the_columns_described(families: ResultsDirectory) -> None:
    columns = pq.read_schema(families.root / "test_rows.parquet")
    described = {name.replace("<dm>", "column"): kind for name, kind, *_ in SECTIONS["test_rows.parquet"]}
    # The study's table has neither a group nor a row_id.
    assert (described.pop("cluster"), described.pop("row_id")) == ("int32", "string")
    assert {field.name: str(field.type) for field in columns} == described


def test_packs_have_the_keys_described() -> None:
    assert names("packs/*.json") == [field.name for field in fields(Pack)]


def test_every_table_of_a_report_is_described(report: Path) -> None:
    described = {name.removeprefix("report/") for name in SECTIONS if name.startswith("report/")}
    assert {path.name for path in report.glob("*.csv")} == described


@pytest.mark.parametrize("table", [name for name in SECTIONS if name.startswith("report/")])
def test_every_column_of_a_report_is_there(table: str, report: Path) -> None:
    columns = list(pd.read_csv(report / table.removeprefix("report/")))
    described = names(table) or ["band", *names("report/fronts.csv")]
    assert sorted(columns) == sorted(described)


def test_columns_of_claims_are_there() -> None:
    claim = Claim("Figure 0", "It is.", (Part("x", lambda settings: 0.0, Expected("above")),))
    assert list(claims_frame([judge(claim, None)])) == names("claims.csv")


@pytest.mark.parametrize("arm", ["defer-ordinal", "defer-bayes", "defer-gate"])
def test_columns_of_decisions_are_there(
    arm: str, exported: dict[str, Path], families: ResultsDirectory
) -> None:
    table = pd.read_csv(families.root.parent / "cases.csv").head(2)
    decided = list(load_model(exported[arm]).decide(table))
    others = {"queue", "dm_right", "rho", "rho_limit", "pi", "pi_limit"} - set(decided)
    assert [name for name in names("decisions.csv") if name not in others] == decided


def test_every_row_says_what_it_means_or_continues_the_one_before() -> None:
    for section, rows in SECTIONS.items():
        for row in rows:
            assert len(row) in (2, 3), (section, row)
        assert section.startswith(("report/", "claims")) or all(row[-1] for row in rows), section
