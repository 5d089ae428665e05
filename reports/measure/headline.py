"""What a study comes to: for every decision-maker a few operating points, and what they say."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from study.reports.measure.panels import (
    baselines,
    deciding_on_test,
    decision_maker_alone,
    decision_makers_shown,
)
from study.reports.measure.workloads import (
    AIMS,
    EXAMPLE,
    FAIREST,
    FEWEST,
    aimed,
    beside,
    facts_of,
    reference_error,
)
from study.results.settings import in_reading_order
from study.results.wording import share
from study.words import NO_DECISION_MAKER

BASELINE: Final = "baseline"
ALONE: Final = "decision-maker"


def operating_points(settings: pd.DataFrame, decision_makers: pd.DataFrame) -> pd.DataFrame:
    """For every decision-maker the best of each method at the workload `EXAMPLE`, and what to compare with.

    Chosen on validation, as `workloads.by_workload` has it; of a method without a setting within the limits
    it is what comes nearest. So nothing is chosen by the figures that are shown.

    Args:
        settings: as `medians_by_setting` returns them.
        decision_makers: as in `Results`.

    Returns:
        Columns decision_maker, what (method and aim; `BASELINE`: the binary setting with alpha 0 of the
        smallest validation error; `ALONE`: the decision-maker whose decisions count on test), then those of
        `facts_of`. What does not exist has no row, and a setting has one at most.
    """
    base = baselines(settings).dropna(subset=["validation_error"])
    base = base.sort_values(["validation_error", "setting_id"]).head(1)
    tested = deciding_on_test(settings)
    rows: list[list[Any]] = []
    for name in decision_makers_shown(settings):
        own = beside(settings, name)
        most = reference_error(own, decision_makers, name)
        shown = set(base["setting_id"])
        for method in in_reading_order(own[["method"]].drop_duplicates(), ["method"])["method"][::-1]:
            for aim in AIMS:
                found = aimed(own[own["method"] == method], aim, EXAMPLE, most)
                if found is not None and found["setting_id"] not in shown:
                    shown.add(found["setting_id"])
                    rows.append([name, f"{method}, {aim}", *facts_of(found).values()])
        rows += [[name, BASELINE, *facts_of(row).values()] for row in base.to_dict("records")]
        for row in decision_maker_alone(decision_makers, tested.get(name, name)).to_dict("records"):
            alone = {"test_error": row["error"], "test_di": row["di"], "test_idk_rate": 1.0}
            rows.append([name, ALONE, *facts_of(alone).values()])
    return pd.DataFrame(rows, columns=["decision_maker", "what", *facts_of({})])


def sentences(
    menu: pd.DataFrame,
    points: pd.DataFrame,
    deciding: pd.DataFrame,
    comparisons: pd.DataFrame,
    tested: Mapping[str, str],
) -> dict[str, list[str]]:
    """What the tables come to in words: paragraphs by decision-maker, only figures that the tables have.

    Args:
        menu: as `workloads.by_workload` returns it.
        points: as `operating_points` returns them.
        deciding: the frame of `deciding.Deciding`.
        comparisons: the frame of `comparisons.Comparisons`.
        tested: as `panels.deciding_on_test` returns it.
    """
    said = {}
    for name in map(str, menu["decision_maker"].unique()):
        own = menu[menu["decision_maker"] == name]
        at = EXAMPLE if name != NO_DECISION_MAKER else 0.0
        chosen = {row["aim"]: row for row in own[own["workload"] == at].to_dict("records")}
        known = points[(points["decision_maker"] == name) & points["what"].isin([BASELINE, ALONE])]
        known = known.dropna(subset=["error", "di"])
        figures = deciding[deciding["decision_maker"] == name]
        texts = [
            _lead(name, tested.get(name, name)) + _offers(chosen, list(known["what"])) if chosen else "",
            _comparison(known),
            _who(chosen, figures),
            _fronts(comparisons[comparisons["decision_maker"] == name]),
        ]
        paragraphs = [" ".join(text for text in part if text) for part in (texts[:2], texts[2:])]
        said[name] = [paragraph for paragraph in paragraphs if paragraph]
    return said


def _lead(name: str, test_name: str) -> str:
    if name == NO_DECISION_MAKER:
        return "Of models that always decide themselves, "
    with_ = f"“{name}”" if name == test_name else f"“{name}” in training, “{test_name}” on test"
    return f"If people (decision-maker {with_}) can take on {share(EXAMPLE)} of cases, "


def _offers(chosen: Mapping[str, Mapping[Any, Any]], known: Sequence[str]) -> str:
    said = []
    if FEWEST in chosen:
        said.append(f"the fewest errors are those of {_setting(chosen[FEWEST])}")
    if FAIREST in chosen:
        than = "the baseline" if BASELINE in known else "the decision-maker alone"
        limit = f" that errs no more than {than}" if known else ""
        same = FEWEST in chosen and chosen[FEWEST]["setting_id"] == chosen[FAIREST]["setting_id"]
        said.append(f"the fairest{limit} is " + ("the same" if same else _setting(chosen[FAIREST])))
    return f"{'; '.join(said)}."


def _setting(row: Mapping[Any, Any]) -> str:
    gamma = "" if math.isnan(row["gamma"]) else f", gamma {row['gamma']:.3g}"
    leaves = f", {share(row['idk_rate'])} of cases left to people" if row["idk_rate"] > 0 else ""
    return (
        f"{row['method']} (model {row['model']}, alpha {row['alpha']:.3g}{gamma}), with error "
        f"{row['error']:.3f} and DI {row['di']:.3f}{leaves}"
    )


def _comparison(known: pd.DataFrame) -> str:
    spoken = {BASELINE: "the baseline, trained for accuracy only,", ALONE: "the decision-maker alone"}
    said = [
        f"{spoken[row['what']]} has error {row['error']:.3f} and DI {row['di']:.3f}"
        for row in known.to_dict("records")
    ]
    return f"For comparison: {'; '.join(said)}." if said else ""


def _who(chosen: Mapping[str, Mapping[Any, Any]], deciding: pd.DataFrame) -> str:
    """Whom the settings leave to people, and who is better at which cases of the one with fewest errors."""
    of = {aim: deciding[deciding["setting_id"] == row["setting_id"]] for aim, row in chosen.items()}
    figures = {aim: rows.set_index("figure")["value"].to_dict() for aim, rows in of.items()}
    said, told = [], set()
    for aim in figures:
        a0, a1 = (figures[aim].get(f"idk_rate_a{a}", math.nan) for a in (0, 1))
        if a0 + a1 > 0 and chosen[aim]["setting_id"] not in told:
            told.add(chosen[aim]["setting_id"])
            which = "with the fewest errors" if aim == FEWEST else "that is fairest"
            said.append(
                f"The one {which} leaves people {share(a0)} of those with A = 0 and {share(a1)} of those "
                "with A = 1."
            )
    first = figures.get(FEWEST, {})
    names = ("dm_error", "model_error_on_left", "model_error", "dm_error_on_kept")
    left, model_left, kept, maker_kept = (first.get(name, math.nan) for name in names)
    if not math.isnan(left + model_left + kept + maker_kept):
        said.append(
            f"With the fewest errors, people decide {share(left)} of the cases left to them wrongly, where "
            f"the model would {share(model_left)}; the model decides {share(kept)} of those that it keeps "
            f"wrongly, where people would {share(maker_kept)}."
        )
    return " ".join(said)


def _fronts(comparisons: pd.DataFrame) -> str:
    """Whether deferring or rejecting has the better front, as far as the intervals tell."""
    found: dict[str, list[str]] = {}
    pairs = comparisons[(comparisons["first"] == "defer") & (comparisons["second"] == "reject")]
    for row in pairs.to_dict("records"):
        ends = [(row[f"{key}_low"], row[f"{key}_high"]) for key in ("seeds", "test")]
        ends = [pair for pair in ends if not math.isnan(pair[0])]
        if ends and all(low > 0 for low, _ in ends):
            which = "better than that of rejecting by more than chance"
        elif ends and all(high < 0 for _, high in ends):
            which = "worse than that of rejecting by more than chance"
        else:
            which = "not told apart from that of rejecting"
        found.setdefault(which, []).append(str(row["model"]))
    said = [f"{which} (model {', '.join(models)})" for which, models in found.items()]
    return f"Over all settings, the front of deferring is {', and '.join(said)}." if said else ""
