"""The report: one self-contained page, the figures as files, and the tables as CSV."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from study.reports.figures.album import Album, album
from study.reports.measure.calibration import WHAT
from study.reports.measure.measures import TABLES, Measures
from study.reports.page import method_tables
from study.reports.page.configuration import configuration, data_name
from study.reports.page.front import front
from study.reports.page.group_tables import group_tables
from study.reports.page.provenance import progress, provenance, warnings
from study.reports.page.rendering import render
from study.reports.page.summary import summary
from study.reports.page.tables import table
from study.reports.paper.review import claims
from study.results.fronts import side_by_side
from study.results.limits import NAMES
from study.results.study_results import Results
from study.results.wording import counted
from study.storage.tables import write_csv
from study.storage.whole_files import write_whole

Context = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: its id, and the name of its template.
        title: its heading.
        context: what the template is given; None where there is nothing to show.
        without_runs: whether it is also there before anything has finished.
        folded: whether only its heading is seen until it is opened.
    """

    anchor: str
    title: str
    context: Callable[[Measures], Context | None]
    without_runs: bool = False
    folded: bool = False


def _guarantee(measures: Measures) -> Context | None:
    found = measures.results.guarantee
    return found and {**found, "decision_maker": measures.called(found["decision_maker"])}


def _alpha(measures: Measures) -> Context | None:
    curves, runs = measures.alpha, measures.alpha_runs
    binned = len(curves) < int(runs.groupby("model")["alpha"].nunique().sum())
    return {"binned": binned} if len(curves) else None


def _calibration(measures: Measures) -> Context | None:
    found = measures.calibration
    curves = found.frame.drop_duplicates(["decision_maker", "what"])
    several = curves["decision_maker"].nunique() > 1
    lines = [
        f"{WHAT[str(row.what)]} {row.error:.3f}"
        + (f" ({measures.labels[str(row.decision_maker)]})" if several else "")
        for row in curves.itertuples()
    ]
    return {"missing": found.missing, "errors": lines} if lines or found.missing else None


SECTIONS: Final = (
    Section("summary", "Summary", summary),
    Section("choose", "Choose a run", front),
    Section("calibration", "Calibration", _calibration),
    Section("guarantee", "Guarantee", _guarantee),
    Section("warnings", "Warnings", warnings, without_runs=True),
    Section("by-group", "Deferral and error rates by group", group_tables),
    Section("comparisons", "Method comparison", method_tables.comparisons),
    Section("fronts", "Pareto fronts", lambda m: {"areas": table(side_by_side(m.named(m.areas)))}),
    Section("bands", "Fronts by deferral rate", method_tables.bands),
    Section("deferral", "Deferral rates", lambda m: {} if len(m.cdf) else None),
    Section("alpha", "Fairness against alpha", _alpha),
    Section("claims", "Claims", lambda m: claims(m.results)),
    Section("importance", "Hyperparameter importance", method_tables.importance, folded=True),
    Section("stability", "Front stability", method_tables.stability, folded=True),
    Section("front-tables", "Pareto-front tables", method_tables.front_tables, folded=True),
    Section("decision-makers", "Decision-makers", method_tables.decision_makers, True, True),
    Section("configuration", "Study configuration", lambda m: configuration(m.results), True, True),
    Section("provenance", "Provenance", lambda m: provenance(m.results, m.settings), True, True),
    Section("glossary", "Glossary", lambda m: {}, True, True),
)
FIRST: Final = ("summary", "choose")
"""The sections of the first screen; a list of the others follows."""


RENEWED: Final = 30
"""Seconds after which the page of a running study looks whether it was written again."""


def write_report(results: Results, out: Path) -> Path:
    """Write everything that is known about a study into a directory, and return the page.

    Writes `index.html`, `figures/*.png` and `*.svg`, and `TABLES` as CSV. Each file appears whole or not at
    all; the page comes last. The same results give the same bytes.

    Args:
        results: of a finished or unfinished study; its ledger may be empty.
        out: the directory; made if need be. Files of the same names are replaced.
    """
    measures = Measures(results)
    figures = album(measures)
    for name, frame in TABLES.items():
        write_csv(out / f"{name}.csv", frame(measures))
    for figure in figures.all():
        write_whole(out / "figures" / f"{figure.name}.png", figure.png)
        write_whole(out / "figures" / f"{figure.name}.svg", figure.document.encode())
    page = out / "index.html"
    write_whole(page, page_of(measures, figures).encode())
    return page


def page_of(measures: Measures, figures: Album) -> str:
    """The page as text."""
    results = measures.results
    study, data = results.study.get("study"), data_name(results.study.get("dataset"))
    name = f"Study “{study}”" if study else "Study"
    facts = [
        *([f"data: {data}"] if data else []),
        f"{len(results.runs):,} of {counted(results.planned, 'run')}",
        counted(len(measures.settings), "setting"),
        results.state,
    ]
    bodies = [(section, body_of(section, measures, figures)) for section in SECTIONS]
    return render(
        "report",
        title=f"{name} – report",
        name=name,
        facts=facts,
        progress=progress(results),
        sections=[{"section": one, "body": body} for one, body in bodies if body is not None],
        first=FIRST,
        running=RENEWED if results.state == "running" else 0,
        warnings=len((warnings(measures) or {}).get("warnings", [])),
    )


def body_of(section: Section, measures: Measures, figures: Album) -> Markup | None:
    """A section without its heading; None where it has nothing to show."""
    results = measures.results
    if not len(results.runs) and not section.without_runs:
        return None
    context = section.context(measures)
    given = {"units": results.units, "interval": results.interval, "metric": NAMES[measures.metric]}
    return None if context is None else render(section.anchor, album=figures, **given, **context)
