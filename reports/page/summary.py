"""The first part of the page: what the study comes to, and what people's time buys."""

from typing import Final

import pandas as pd

from study.reports.measure.headline import ALONE, BASELINE, sentences
from study.reports.measure.panels import deciding_on_test, decision_maker_labels
from study.reports.measure.reductions import Reductions
from study.reports.measure.setting_intervals import SettingIntervals
from study.reports.measure.weighing import Weighed
from study.reports.measure.workloads import AIMS
from study.reports.page.markup import Html, section, tag
from study.reports.page.tables import FORMATS, text_table, with_interval
from study.results.limits import FIGURES
from study.results.wording import NOTHING

MENU_NOTE: Final = (
    "Settings are chosen by their validation figures; shown are test medians over seeds, below them 95 % "
    "intervals over resampled test people. “Fairest” is the smallest DI among the settings that err no "
    "more than the baseline on validation (without one, than the decision-maker): DI alone is smallest "
    "where everybody gets the same decision. Other limits: under “Choose a setting”."
)
SPOKEN: Final = {BASELINE: "(baseline)", ALONE: "(decision-maker alone)"}


def in_short(reduced: Reductions, weighed: Weighed) -> Html:
    """What the study comes to: in words, and what each share of cases left to people buys."""
    tables = (reduced.menu, reduced.points, weighed.deciding.frame, weighed.comparisons.frame)
    said = sentences(*tables, deciding_on_test(reduced.settings))
    if not said:
        text = "No setting has figures for error and DI yet, so there is nothing to sum up."
        return section("in-short", "In short", tag("p", text), class_="summary")
    labels = decision_maker_labels(reduced.settings)
    content: list[Html | None] = []
    for name, paragraphs in said.items():
        content.append(tag("h3", f"Decision-maker {labels.get(name, name)}") if len(said) > 1 else None)
        content += [tag("p", paragraph) for paragraph in paragraphs]
        content.append(workload_table(name, reduced, weighed.intervals))
    return section("in-short", "In short", *content, tag("p", MENU_NOTE, class_="soft"), class_="summary")


def workload_table(name: str, reduced: Reductions, intervals: SettingIntervals) -> Html:
    """A row per workload, the fewest errors and the fairest side by side, and what to compare with."""
    menu = reduced.menu.merge(intervals.frame, on="setting_id", how="left")
    head = ["people take on at most"]
    head += ["fewest errors", "error", "DI", "IDK rate", "fairest", "error", "DI", "IDK rate"]
    rows: list[list[object]] = []
    for workload, both in menu[menu["decision_maker"] == name].groupby("workload"):
        by_aim = both.set_index("aim")
        cells = [cell for aim in AIMS for cell in _offer(by_aim, aim)]
        rows.append([_workload(float(str(workload))), *cells])
    beside = reduced.points[reduced.points["decision_maker"] == name]
    for row in beside[beside["what"].isin([BASELINE, ALONE])].to_dict("records"):
        figures = [FORMATS[figure](row[figure]) for figure in FIGURES]
        rows.append([SPOKEN[row["what"]], "", *figures, *[""] * 4])
    return text_table(head, rows, caption="What people’s time buys, on test.", class_="compact")


def _workload(workload: float) -> str:
    return "nothing" if workload == 0 else "any share" if workload == 1 else f"{100 * workload:g} %"


def _offer(by_aim: pd.DataFrame, aim: str) -> list[object]:
    if aim not in by_aim.index:
        return [NOTHING] * 4
    row = by_aim.loc[aim]
    cells = [with_interval(row[f], row[f"{f}_low"], row[f"{f}_high"], FORMATS[f]) for f in FIGURES]
    return [f"{row['method']}, {row['model']}", *cells]
