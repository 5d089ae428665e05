"""The claims that one study serves, judged, and the section of its report about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from study.reports.measure.resampling import resample
from study.reports.paper.claims import Judged, judge
from study.reports.paper.claims_table import claim_rows, tally
from study.reports.paper.paper_figures import FIGURES, OF_STUDIES
from study.results.study_results import Results

# Of the resamples of the test set.
SEED: Final = 0


@dataclass(frozen=True, eq=False)
class Review:
    """What one study has to say: its claims by figure, and why the test-set interval lacks, if it does."""

    judged: Mapping[str, list[Judged]]
    missing: str


def review(study: str, results: Results | None, figures: Sequence[str] = tuple(OF_STUDIES)) -> Review:
    """Judge every claim that a study serves; reads its outcomes.

    Args:
        study: the name, such as `paper-figure-3a`; one that serves none has no claims.
        results: None if it has not been run: nothing has a verdict.
        figures: keys of `OF_STUDIES`, those needed.
    """
    of_figures = {name: OF_STUDIES[name].sources for name in figures}
    sources = {name: sources[study] for name, sources in of_figures.items() if study in sources}
    samples = None
    if results is not None and len(results.runs) and sources:
        samples = resample(results, np.random.default_rng(SEED))
    models = samples.models() if samples else []
    judged = {
        name: [judge(claim, samples) for claim in source.all(models)] for name, source in sources.items()
    }
    return Review(judged, samples.missing if samples else "")


def claims(results: Results) -> dict[str, Any] | None:
    """The claims that a study serves, by figure; None where it serves none."""
    result = review(str(results.study.get("study")), results)
    if not result.judged:
        return None
    return {
        "counts": tally(claim for judged in result.judged.values() for claim in judged),
        "missing": result.missing,
        "figures": [
            {
                "title": f"Figure {name}. {of.title}" if name in FIGURES else of.title,
                "description": of.description,
                "claims": claim_rows(judged),
            }
            for name, judged in result.judged.items()
            for of in [OF_STUDIES[name]]
        ],
    }
