"""The page of the whole paper: its figures drawn again, and its claims next to what was measured."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from study.reports.figures.album import OF_STUDY, file_names, of_one
from study.reports.figures.render import Rendered, render
from study.reports.measure.measures import Measures
from study.reports.page.provenance import progress
from study.reports.page.rendering import render as render_page
from study.reports.paper.claims_table import claim_rows, claims_frame, tally
from study.reports.paper.paper_figures import FIGURES
from study.reports.paper.review import Review, review
from study.results.study_results import Results
from study.results.wording import counted, duration
from study.storage.tables import write_csv
from study.storage.whole_files import write_whole

TITLE: Final = "The paper, reproduced"
# By study and kind of drawing: the figure that shows it first, and the pictures.
Album = dict[tuple[str, tuple[str, ...]], tuple[str, list[Rendered]]]


def write_paper(parts: Mapping[str, Results], out: Path, figures: Sequence[str] = tuple(FIGURES)) -> Path:
    """Write the page of the whole paper into a directory, and return it.

    Writes `index.html`, `claims.csv`, and `figures/*.png` and `*.svg`. Each file appears whole or not at
    all; the page comes last. The same results give the same bytes.

    Args:
        parts: results by name of the study; those that a figure needs and that are missing are said
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
    judged = [claim for name, study in pairs for claim in reviews[study].judged[name]]
    write_csv(out / "claims.csv", claims_frame(judged))
    page = out / "index.html"
    content = [
        {
            "name": name,
            "title": FIGURES[name].title,
            "description": FIGURES[name].description,
            "drawing": FIGURES[name].drawings[0],
            "studies": [
                _study(name, study, parts, reviews[study], album) for study in FIGURES[name].sources
            ],
        }
        for name in figures
    ]
    text = render_page("paper", title=TITLE, counts=tally(judged), figures=content)
    write_whole(page, text.encode())
    return page


def _album(pairs: list[tuple[str, str]], parts: Mapping[str, Results]) -> Album:
    measured = {s: Measures(parts[s]) for _, s in pairs if s in parts and len(parts[s].runs)}
    album: Album = {}
    for name, study in pairs:
        key = (study, FIGURES[name].drawings)
        if study in measured and key not in album:
            album[key] = (name, list(drawings(name, study, measured[study])))
    return album


def drawings(name: str, study: str, measures: Measures) -> Iterator[Rendered]:
    """Our drawings of one of the paper's figures, a model after the other; none where none can be drawn.

    Args:
        name: of the figure.
        study: that it is drawn from; its last word goes into the files' names of a figure that has two.
        measures: of this study.
    """
    figure = FIGURES[name]
    file = f"figure-{name}-{study.rsplit('-', 1)[-1]}" if len(figure.sources) > 1 else f"figure-{name}"
    if figure.drawings[0] in OF_STUDY:
        if once := render(partial(OF_STUDY[figure.drawings[0]], measures), file):
            yield once
        return
    for models, suffix in file_names(measures.models).items():
        ends = [f"-{name.rsplit('-', 1)[-1]}-{suffix}" for name in figure.drawings]
        files = [f"{file}{end}" for end in (ends if len(ends) > 1 else [f"-{suffix}"])]
        drawn = of_one(measures, models, dict(zip(figure.drawings, files, strict=True)))
        yield from (rendered for _, rendered in drawn)


def cost(results: Results) -> str:
    """How many runs a study has, and how long they took."""
    text = f"{len(results.runs):,} of {counted(results.planned, 'run')}; training took "
    text += f"{duration(results.runs['seconds'].sum())} of one core’s time"
    sessions = results.manifest.get("sessions")
    ended = [
        pd.Timestamp(str(session["ended"])) - pd.Timestamp(str(session["started"]))
        for session in (sessions if isinstance(sessions, list) else [])
        if isinstance(session, Mapping) and session.get("started") and session.get("ended")
    ]
    if ended:
        wall = sum(time.total_seconds() for time in ended)
        text += f", {duration(wall)} on the clock in {counted(len(ended), 'session')}"
    return f"{text}."


def _study(
    name: str, study: str, parts: Mapping[str, Results], result: Review, album: Album
) -> dict[str, Any]:
    results = parts.get(study)
    first, pictures = album.get((study, FIGURES[name].drawings), (name, []))
    return {
        "name": study,
        "cost": cost(results) if results else "",
        "progress": progress(results) if results else None,
        "first": first,
        "pictures": pictures,
        "missing": result.missing,
        "claims": claim_rows(result.judged[name]),
    }
