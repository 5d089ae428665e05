"""How far a study is, what its data warns of, and how, when and where it ran."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from study.reports.measure.measures import Measures
from study.reports.page.tables import text_table
from study.results.settings import narrow_trades
from study.results.study_results import Results
from study.results.wording import counted, duration, listed, moment

STATES: Final = {
    "running": "The study is still running",
    "interrupted": "The study was interrupted",
    "finished": "The study has ended",
}
STOPPED: Final = {
    "patience": "no better validation loss for long enough",
    "max_epochs": "reached the last epoch allowed",
    "diverged": "diverged: without metrics, so in no median",
}
RECORDED: Final = {
    "data_source": "data from",
    "rows": "rows of data",
    "data_fingerprint": "data fingerprint",
    "code": "code fingerprint",
    "backend": "trained with",
}
SESSION: Final = ("started, UTC", "ended, UTC", "state", "host", "where it ran", "Python")


def progress(results: Results) -> dict[str, Any] | None:
    """How far the study is; None if it finished with nothing missing."""
    finished, planned = len(results.runs), results.planned
    complete = results.state == "finished" and finished >= planned and not results.failed
    if complete and finished:
        return None
    return {
        "running": results.state == "running",
        "state": STATES.get(results.state, f"The study is {results.state}"),
        "finished": finished,
        "planned": planned,
        "failed": results.failed,
    }


def warnings(measures: Measures) -> dict[str, Any] | None:
    """What in the data or the search would mislead, a sentence each; None if nothing was found."""
    results = measures.results
    result = results.manifest.get("cautions")
    lines = [str(line) for line in result] if isinstance(result, list) else []
    lines += narrow_trades(measures.named(results.runs)) if results.state == "finished" else []
    return {"warnings": [f"{line[:1].upper()}{line[1:]}." for line in lines]} if lines else None


def provenance(results: Results, settings: pd.DataFrame) -> dict[str, Any]:
    """Counts, times, sessions and what else the manifest records."""
    sessions = results.manifest.get("sessions")
    sessions = [s for s in sessions if isinstance(s, Mapping)] if isinstance(sessions, list) else []
    rows = session_rows(sessions, running=results.state == "running")
    return {
        "counts": counts(results, settings),
        "sessions": text_table(SESSION, rows) if sessions else None,
        "packages": _packages(sessions[-1]) if sessions else "",
        "recorded": _recorded(results.manifest),
    }


def counts(results: Results, settings: pd.DataFrame) -> dict[str, str]:
    """Runs and settings, why runs stopped, and how long they took."""
    runs = results.runs
    facts = {
        "state": results.state,
        "runs": f"{len(runs):,} finished of {results.planned:,} planned, {results.failed:,} failed",
        "settings": f"{len(settings):,}",
    }
    if not len(runs):
        return facts
    seeds = settings["seeds"]
    same = seeds.min() == seeds.max()
    facts["seeds per setting"] = f"{seeds.max()}" if same else f"{seeds.min()} to {seeds.max()}"
    stopped = runs["status"].fillna("unknown").astype(str).value_counts().to_dict()
    for status, number in sorted({"diverged": 0, **stopped}.items()):
        meaning = f" ({STOPPED[status]})" if status in STOPPED and number else ""
        facts[f"stopped: {status}"] = f"{counted(number, 'run')}{meaning}" if number else "none"
    total = runs["seconds"].sum()
    facts["training time, all runs"] = f"{duration(total)} ({total / len(runs):.3g} s per run)"
    facts["epochs, median"] = f"{runs['epochs'].median():.0f}"
    facts["workers"], facts["packs"] = (f"{runs[name].nunique():,}" for name in ("worker", "pack_id"))
    facts["first run finished"] = f"{moment(runs['finished_at'].min())} UTC"
    facts["last run finished"] = f"{moment(runs['finished_at'].max())} UTC"
    return facts


def session_rows(sessions: list[Mapping[str, Any]], *, running: bool) -> list[list[str]]:
    """A row per session, in the columns `SESSION`.

    A session that did not write how it ended is running, if it is the last of a study that is;
    else it was ended from outside, as by a power cut.
    """
    rows = []
    for number, session in enumerate(sessions, start=1):
        last = running and number == len(sessions)
        state = session.get("state") or ("running" if last else "end not recorded")
        times = [moment(session.get(key)) for key in ("started", "ended")]
        where = [listed(session.get(key)) for key in ("host", "executor", "python")]
        rows.append([*times, str(state), *where])
    return rows


def _packages(session: Mapping[str, Any]) -> str:
    versions = session.get("versions")
    known = listed(versions) if isinstance(versions, Mapping) and versions else ""
    on = f"on {session['platform']}" if session.get("platform") else ""
    return f"Last session: {', '.join(text for text in (known, on) if text)}." if known or on else ""


def _recorded(manifest: Mapping[str, object]) -> dict[str, str]:
    known = {title: manifest[key] for key, title in RECORDED.items() if key in manifest}
    return {title: f"{v:,}" if isinstance(v, int) else listed(v) for title, v in known.items()}
