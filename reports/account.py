"""The parts of the page about the study itself: asked, progress, how it ran, glossary."""

import json
from collections.abc import Mapping

import pandas as pd
import yaml

from reports.markup import Html, join, tag
from reports.results import Results
from reports.sections import section
from reports.tables import counted, flattened, key_values

ASKED = ("study", "dataset", "decision_maker", "methods", "model", "search", "seeds", "thresholds")
STATES = {
    "running": "The study is still running",
    "interrupted": "The study was interrupted",
    "finished": "The study has ended",
}
STATUS = {
    "patience": "no better validation loss for long enough",
    "max_epochs": "reached the last epoch allowed",
    "diverged": "diverged; not in any median",
}
GLOSSARY = {
    "setting": "One combination of hyperparameters: method, model, decision-maker, alpha, gamma, "
    "thresholds.",
    "run": "One training of one setting with one seed.",
    "method": "binary never says IDK; reject says IDK at a constant price gamma; defer learns with "
    "the decision-maker’s errors in view.",
    "decision-maker": "Who decides where the model says IDK. The binary method has none.",
    "IDK rate": "Share of cases in which the model leaves to the decision-maker (“I don’t know”).",
    "error": "Share of wrong decisions of model and decision-maker together.",
    "DI": "Disparate impact: the absolute difference in error rate between the two groups of the "
    "sensitive attribute A, averaged over the two outcomes Y (Eq. 11 of the paper).",
    "baseline": "A binary model trained for accuracy only (alpha = 0).",
    "alpha": "Weight of fairness in training.",
    "gamma": "Price of saying IDK in training.",
    "median": "Every figure of a setting is the median over its seeds. Runs without a figure "
    "(diverged ones) are left out of it.",
    "paper’s front": "Settings that no other setting of the same method, model and decision-maker "
    "beats in both error and DI on test. Of settings that coincide, one is kept.",
    "honest front": "The same chosen on validation, and shown on test.",
}


def progress(results: Results) -> Html | None:
    """How far the study is; None if it finished with nothing missing."""
    finished, planned = len(results.runs), results.planned
    complete = results.state == "finished" and finished >= planned and not results.failed
    if complete and finished:
        return None
    state = STATES.get(results.state, f"The study is {results.state}")
    lines = [f"{state}: {finished:,} of {counted(planned, 'run')} finished, {results.failed:,} failed."]
    if finished:
        covers = "Everything below covers the finished runs"
        lines.append(f"{covers}; settings may lack seeds, and whole settings may be missing.")
    else:
        lines.append("Nothing has finished yet, so there is nothing to show.")
    bar = tag("progress", max=max(planned, 1), value=min(finished, max(planned, 1)), aria_label="runs")
    return tag("div", *(tag("p", line) for line in lines), bar, class_="notice", role="status")


def asked(results: Results) -> Html:
    """The study file: what matters most, and all of it."""
    facts = {key: results.study[key] for key in ASKED if results.study.get(key) is not None}
    return section(
        "asked",
        "What was asked",
        key_values({**flattened(facts), "runs planned": f"{results.planned:,}"}),
        tag(
            "details",
            tag("summary", "The whole study file, with every default"),
            tag("pre", as_yaml(results.study)),
        ),
    )


def how_it_ran(results: Results, settings: pd.DataFrame) -> Html:
    """Counts, times and the manifest."""
    runs = results.runs
    facts: dict[str, str] = {
        "state": results.state,
        "runs": f"{len(runs):,} finished of {results.planned:,} planned, {results.failed:,} failed",
        "settings": f"{len(settings):,}",
    }
    if len(runs):
        seeds = settings["seeds"]
        same = seeds.min() == seeds.max()
        facts["seeds per setting"] = f"{seeds.max()}" if same else f"{seeds.min()} to {seeds.max()}"
    if len(runs) and "status" in runs:
        for status, count in runs["status"].value_counts(dropna=False).sort_index().items():
            meaning = f" ({STATUS[str(status)]})" if str(status) in STATUS else ""
            facts[f"stopped: {status}"] = f"{count:,}{meaning}"
    if len(runs) and "seconds" in runs:
        total = runs["seconds"].sum()
        facts["training time, all runs"] = f"{duration(total)} ({total / len(runs):.3g} s per run)"
    if len(runs) and "epochs" in runs:
        facts["epochs, median"] = f"{runs['epochs'].median():.0f}"
    for column, title in (("worker", "workers"), ("pack_id", "packs")):
        if len(runs) and column in runs:
            facts[title] = f"{runs[column].nunique():,}"
    if len(runs) and "finished_at" in runs:
        times = runs["finished_at"].dropna()
        facts["first run finished"] = str(times.min())
        facts["last run finished"] = str(times.max())
    manifest = flattened(results.manifest)
    recorded = [tag("h3", "As recorded"), key_values(manifest)] if manifest else []
    return section("ran", "How the study ran", key_values(facts), *recorded)


def glossary() -> Html:
    """The words, once."""
    words = (join(tag("dt", word), tag("dd", meaning)) for word, meaning in GLOSSARY.items())
    return section("glossary", "Words", tag("dl", *words))


def as_yaml(tree: Mapping[str, object]) -> str:
    """A nested mapping as YAML, in its own order; values that YAML lacks as text."""
    plain = json.loads(json.dumps(dict(tree), default=_plain))
    return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))


def duration(seconds: float) -> str:
    """Such as 45 s, 12 min or 3.4 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
