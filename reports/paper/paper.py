"""The paper's statements beside what was measured: a section of a report, and a page of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from study.reports.figures.render import Rendered
from study.reports.measure.evidence import gather
from study.reports.measure.reductions import reductions
from study.reports.page.document import document, picture
from study.reports.page.markup import Html, join, section, tag
from study.reports.page.ran import progress
from study.reports.paper.claims import RULE, Judged, Verdict, judge
from study.reports.paper.claims_table import claims_frame, claims_table, verdicts_table
from study.reports.paper.paper_drawings import drawings
from study.reports.paper.paper_figures import FIGURES
from study.results.study_results import Results
from study.results.wording import counted, duration
from study.storage.tables import write_csv
from study.storage.whole_files import write_whole

TITLE: Final = "The paper, reproduced"
SUBTITLE: Final = (
    "Madras, Pitassi, Zemel: Predict Responsibly: Improving Fairness and Accuracy by Learning to Defer"
)
# Of the resamples of the test set.
SEED: Final = 0
NOTE: Final = (
    "Drawings show medians over seeds, as the paper’s do; the tables measure each seed by itself. "
    "Hypervolume is the area that a front dominates in the plane of error and DI, up to 0.5 in both: the "
    "paper’s front over test points, the honest one chosen on validation and shown on test. The paper’s "
    "gains with every further setting that is tried, so methods are compared over equally many settings. "
    "Resamples make small DIs larger and the paper’s fronts better than they are, a little and in all "
    "methods."
)
CAPTIONS: Final = {
    "plane": "Left the paper’s front (over test points), right the honest one (chosen on validation, shown "
    "on test). Every point is the median of the seeds of one setting.",
    "bands": "Settings by their IDK rate, and the fronts among them.",
    "cdf": "Share of the settings whose median IDK rate on test is at or below the cutoff.",
    "alpha": "Left DI (Figure 7), right the error rate (Figure 8). A point is a run; the line joins the "
    "medians over the runs of one alpha or of neighbouring ones.",
}

OF_MANY: Final = {
    Verdict.HOLDS: "hold",
    Verdict.IN_PART: "hold in part",
    Verdict.NOT: "do not hold",
    Verdict.UNDEFINED: "undefined",
    Verdict.NOT_RUN: "not run",
}
# By study and kind of drawing: the figure that shows it first, and the pictures.
Album = dict[tuple[str, str], tuple[str, list[Rendered]]]


@dataclass(frozen=True, eq=False)
class Review:
    """What one study has to say: its claims by figure, and why the test-set interval lacks, if it does."""

    judged: Mapping[str, list[Judged]]
    lacking: str


def review(study: str, results: Results | None, figures: Sequence[str] = tuple(FIGURES)) -> Review:
    """Judge every claim about the figures that a study serves; reads its outcomes.

    Args:
        study: the name, such as `paper-figure-3a`; one that serves no figure has no claims.
        results: None if it has not been run: nothing has a verdict.
        figures: of the paper, those asked for.
    """
    sources = {name: FIGURES[name].sources[study] for name in figures if study in FIGURES[name].sources}
    evidence = None
    if results is not None and len(results.runs) and sources:
        evidence = gather(results, np.random.default_rng(SEED))
    models = evidence.models() if evidence else []
    judged = {
        name: [judge(claim, evidence) for claim in source.all(models)] for name, source in sources.items()
    }
    return Review(judged, evidence.lacking if evidence else "")


def paper_section(results: Results) -> Html | None:
    """The claims of the figures that a study serves; None where it serves none."""
    study = str(results.study.get("study"))
    found = review(study, results)
    if not found.judged:
        return None
    parts: list[Html] = []
    for name, judged in found.judged.items():
        figure = FIGURES[name]
        parts += [tag("h3", f"Figure {name}. {figure.title}"), tag("p", figure.says), claims_table(judged)]
    return section(
        "claims",
        "The paper’s claims",
        _tally([claim for judged in found.judged.values() for claim in judged]),
        _rule(),
        _lacking(found),
        *parts,
    )


def write_paper(parts: Mapping[str, Results], out: Path, figures: Sequence[str] = tuple(FIGURES)) -> Path:
    """Write the page of the whole paper into a directory, and return it.

    Writes `index.html`, `claims.csv`, and `figures/*.png` and `*.svg`. Each file appears whole or not at
    all; the page comes last. The same results give the same bytes.

    Args:
        parts: results by name of the study; those that a figure needs and that are not there are said
            to be not run.
        out: the directory; made if need be. Files of the same names are replaced.
        figures: keys of `FIGURES`, in the order of the page.
    """
    pairs = [(name, study) for name in figures for study in FIGURES[name].sources]
    studies = list(dict.fromkeys(study for _, study in pairs))
    reviews = {study: review(study, parts.get(study), figures) for study in studies}
    album = _album(pairs, parts)
    for _, pictures in album.values():
        for drawing in pictures:
            write_whole(out / "figures" / f"{drawing.name}.png", drawing.png)
            write_whole(out / "figures" / f"{drawing.name}.svg", drawing.document.encode())
    judged = [(f"figure-{name}", claim) for name, study in pairs for claim in reviews[study].judged[name]]
    write_csv(out / "claims.csv", claims_frame([claim for _, claim in judged]))
    page = out / "index.html"
    text = document(
        TITLE,
        tag("h1", TITLE),
        tag("div", SUBTITLE, class_="soft"),
        tag("nav", *(tag("a", f"Figure {name}", href=f"#figure-{name}") for name in figures)),
        _all_claims(judged),
        section("rule", "How a claim is judged", _rule()),
        *(_figure(name, parts, reviews, album) for name in figures),
    )
    write_whole(page, text.encode())
    return page


def _album(pairs: list[tuple[str, str]], parts: Mapping[str, Results]) -> Album:
    reduced = {s: reductions(parts[s]) for _, s in pairs if s in parts and len(parts[s].runs)}
    album: Album = {}
    for name, study in pairs:
        key = (study, FIGURES[name].drawing)
        if study in reduced and key not in album:
            album[key] = (name, list(drawings(name, study, reduced[study], parts[study])))
    return album


def _all_claims(judged: list[tuple[str, Judged]]) -> Html:
    return section(
        "claims",
        "All claims",
        _tally([claim for _, claim in judged]),
        verdicts_table(judged),
        tag("p", "With every statistic and interval: ", tag("a", "claims.csv", href="claims.csv")),
        class_="summary",
    )


def _figure(name: str, parts: Mapping[str, Results], reviews: Mapping[str, Review], album: Album) -> Html:
    figure = FIGURES[name]
    content: list[Html | None] = [tag("p", figure.says)]
    for study in figure.sources:
        first, pictures = album.get((study, figure.drawing), (name, []))
        content += _study(study, parts.get(study))
        if first == name:
            content += [picture(drawing, CAPTIONS[figure.drawing]) for drawing in pictures]
        else:
            link = tag("a", f"Figure {first}", href=f"#figure-{first}")
            content.append(tag("p", "Drawn together with ", link, "."))
        content += [_lacking(reviews[study]), claims_table(reviews[study].judged[name])]
    return section(f"figure-{name}", f"Figure {name}. {figure.title}", *content)


def took(results: Results) -> str:
    """How many runs a study has, and what they took, in words."""
    said = f"{len(results.runs):,} of {counted(results.planned, 'run')}"
    if "seconds" in results.runs:
        said += f"; training took {duration(results.runs['seconds'].sum())} of one core’s time"
    sessions = results.manifest.get("sessions")
    ended = [
        pd.Timestamp(str(session["ended"])) - pd.Timestamp(str(session["started"]))
        for session in (sessions if isinstance(sessions, list) else [])
        if isinstance(session, Mapping) and session.get("started") and session.get("ended")
    ]
    if ended:
        wall = sum(time.total_seconds() for time in ended)
        said += f", {duration(wall)} on the clock in {counted(len(ended), 'session')}"
    return f"{said}."


def _study(study: str, results: Results | None) -> list[Html | None]:
    name = tag("strong", f"Study {study}: ")
    if results is None:
        return [tag("p", name, "not run yet.")]
    return [tag("p", name, took(results)), progress(results)]


def _tally(judged: Sequence[Judged]) -> Html:
    counts = Counter(claim.verdict for claim in judged)
    said = ", ".join(f"{counts[verdict]} {words}" for verdict, words in OF_MANY.items() if counts[verdict])
    return tag("p", f"Of {counted(len(judged), 'claim')}: {said}.")


def _rule() -> Html:
    return join(*(tag("p", text) for text in RULE), tag("p", NOTE))


def _lacking(found: Review) -> Html | None:
    if not found.lacking:
        return None
    return tag("p", f"There are no test-set intervals: {found.lacking}.", class_="soft")
