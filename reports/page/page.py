"""The report: one self-contained page, the figures as files, and the tables as CSV."""

from pathlib import Path

from study.reports.figures.album import Album, album
from study.reports.measure.panels import decision_maker_labels
from study.reports.measure.reductions import Reductions, reductions
from study.reports.measure.weighing import Weighed, weigh
from study.reports.page import choosing, glossary, ran, sections
from study.reports.page.asked import asked, data_name
from study.reports.page.chooser import choose
from study.reports.page.document import document
from study.reports.page.markup import Html, tag
from study.reports.page.summary import in_short
from study.reports.paper.paper import paper_section
from study.results.study_results import Results
from study.results.wording import counted
from study.storage.tables import write_csv
from study.storage.whole_files import write_whole


def write_report(results: Results, out: Path) -> Path:
    """Write everything that is to be said about a study into a directory, and return the page.

    Writes `index.html`, `figures/*.png` and `*.svg`, and as CSV `fronts`, `fronts_by_idk_rate`,
    `idk_cdf`, `binary_by_alpha`, `hypervolumes`, `settings` (the medians), `decision_makers`, `workloads`
    (what people's time buys), `deciding` (the operating points in detail), `comparisons`, `importance` and
    `front_by_seed`. Each file appears whole or not at all; the page comes last. The same results give the
    same bytes.

    Args:
        results: of a finished or unfinished study; its ledger may be empty.
        out: the directory; made if need be. Files of the same names are replaced.
    """
    reduced = reductions(results)
    alone = results.decision_makers
    weighed = weigh(results, reduced)
    figures = album(reduced, alone, weighed.comparisons.frame)
    tables = {
        "fronts": reduced.fronts,
        "fronts_by_idk_rate": reduced.band_fronts,
        "idk_cdf": reduced.cdf,
        "binary_by_alpha": reduced.alpha,
        "hypervolumes": reduced.areas,
        "settings": reduced.settings,
        "decision_makers": alone[sorted(alone, key=lambda c: (c != "decision_maker", c != "split"))],
        "workloads": reduced.menu.merge(weighed.intervals.frame, on="setting_id", how="left"),
        "deciding": weighed.deciding.frame,
        "comparisons": weighed.comparisons.frame,
        "importance": weighed.importance,
        "front_by_seed": weighed.front_by_seed,
    }
    for name, frame in tables.items():
        write_csv(out / f"{name}.csv", frame)
    for figure in figures.all():
        write_whole(out / "figures" / f"{figure.name}.png", figure.png)
        write_whole(out / "figures" / f"{figure.name}.svg", figure.document.encode())
    page = out / "index.html"
    write_whole(page, page_of(results, reduced, weighed, figures).encode())
    return page


def page_of(results: Results, reduced: Reductions, weighed: Weighed, figures: Album) -> str:
    """The page as text."""
    study = results.study.get("study")
    name = f"Study “{study}”" if study else "Study"
    labels = decision_maker_labels(reduced.settings)
    parts: list[Html | None] = [ran.take_care(results)]
    if len(results.runs):
        parts += [
            in_short(reduced, weighed),
            choose(weighed.choices, weighed.intervals, reduced.fronts, str(study or "")),
            choosing.who_decides(weighed.deciding, reduced.points, labels),
            choosing.compared(weighed.comparisons, labels, figures.differences),
            choosing.what_matters(weighed.importance),
            paper_section(results),
        ]
    parts += [asked(results, reduced.settings), sections.decision_makers(results.decision_makers)]
    if len(results.runs):
        parts += [
            sections.fronts(reduced, figures.models),
            choosing.stable(weighed.stability, labels),
            sections.by_idk_rate(reduced, figures.models),
            sections.idk_rates(figures.models),
            sections.by_alpha(reduced, figures.alpha),
            sections.front_tables(reduced),
        ]
    parts += [ran.how_it_ran(results, reduced.settings), glossary.glossary()]
    data = data_name(results.study.get("dataset"))
    facts = [
        f"data: {data}" if data else None,
        f"{len(results.runs):,} of {counted(results.planned, 'run')}",
        counted(len(reduced.settings), "setting"),
        results.state,
    ]
    return document(
        f"{name} – report",
        tag("h1", name),
        tag("div", " · ".join(fact for fact in facts if fact), class_="soft"),
        ran.progress(results),
        _contents(parts),
        *parts,
    )


ANCHORS = {
    "care": "Take care",
    "in-short": "In short",
    "choose": "Choose",
    "deciding": "Who decides",
    "compared": "Methods compared",
    "matters": "What matters",
    "claims": "The paper’s claims",
    "asked": "What was asked",
    "dms": "Decision-makers",
    "fronts": "Error and DI",
    "stable": "Stability",
    "bands": "By IDK rate",
    "idk": "IDK rates",
    "alpha": "By alpha",
    "points": "Front points",
    "ran": "How it ran",
    "glossary": "Words",
}


def _contents(parts: list[Html | None]) -> Html:
    # Only a section's own opening tag can begin so: text is escaped.
    there = [a for a in ANCHORS if any(p and p.startswith(f'<section id="{a}"') for p in parts)]
    return tag("nav", *(tag("a", ANCHORS[anchor], href=f"#{anchor}") for anchor in there))
