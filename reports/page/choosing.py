"""The parts of the page for people who choose: who decides whom, which method, what matters, how stable."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from study.reports.figures.differences import ROWS
from study.reports.figures.render import Rendered
from study.reports.measure.comparisons import Comparisons
from study.reports.measure.deciding import Deciding
from study.reports.measure.front_seeds import MARGIN
from study.reports.measure.headline import ALONE
from study.reports.measure.importance import BINS, FIGURES, REST, TOGETHER
from study.reports.measure.workloads import EXAMPLE
from study.reports.page.document import picture
from study.reports.page.markup import Html, join, section, tag
from study.reports.page.tables import ends, table, text_table, with_interval
from study.results.fronts import MORE_COLUMNS
from study.results.wording import NOTHING, decimals, percent, share, signed

# Whoever is wrong about so many of one outcome decides nearly always the same.
ONE_SIDED: Final = 0.8
Points = Mapping[str, pd.DataFrame]


def who_decides(deciding: Deciding, points: pd.DataFrame, labels: Mapping[str, str]) -> Html | None:
    """The operating points in detail: what their DI is made of, whom they leave, and who is better at it.

    Args:
        deciding: figures of the points.
        points: as `operating_points` returns them.
        labels: of the decision-makers, as `decision_maker_labels` returns them.
    """
    if not len(deciding.frame):
        return None
    note = (
        f"Each method where people take on at most {share(EXAMPLE)} of cases: its setting with the fewest "
        "errors, and its fairest that errs no more than the baseline (or what comes nearest), chosen on "
        "validation. A is the sensitive attribute, Y the outcome. Every figure is the median over seeds on "
        "test; below it the middle 95 % over resampled test people. Where groups are small the interval is "
        "wide: do not read differences that it covers."
    )
    content: list[Html | None] = [
        tag("p", note),
        _lacking(deciding.lacking, "intervals, and no figures by A and Y"),
    ]
    blocks = list(deciding.frame.groupby("decision_maker", sort=False))
    for name, frame in blocks:
        figures = {str(what): rows.set_index("figure") for what, rows in frame.groupby("what", sort=False)}
        if len(blocks) > 1 or name in labels:
            content.append(tag("h3", f"Decision-maker {labels.get(str(name), name)}"))
        content += [_warning(figures), _made_of(figures), _left(figures), _each_share(figures)]
        own = points[(points["decision_maker"] == name) & points["setting_id"].notna()]
        shown = own[["what", "model", "alpha", "gamma", *MORE_COLUMNS, "setting_id"]].dropna(
            axis=1, how="all"
        )
        content.append(table(shown, caption="The settings.", class_="compact"))
    return section("deciding", "Who decides about whom, and how well", *content)


def compared(comparisons: Comparisons, labels: Mapping[str, str], figure: Rendered | None) -> Html | None:
    """The methods' fronts with intervals, and their differences."""
    frame = comparisons.frame
    if not len(frame):
        return None
    note = (
        "Hypervolume of the honest front that each seed has of its own, mean over seeds: the area in the "
        "error-DI plane that the chosen settings dominate on test, up to 0.5 in both (more is better). The "
        "interval over seeds says what another training would change (Student’s t), that over people what "
        "another test set would (bootstrap, what was chosen stays chosen)."
    )
    read = (
        "Differences are paired: the same seeds, the same people. Where both intervals lie on one side of "
        "0, the first method is better (or worse) by more than chance; where one covers 0, this study does "
        "not tell them apart. A model that was not trained to binary is compared with a binary mlp."
    )
    head = ("decision-maker", "model", "", "hypervolume", "over seeds, 95 %", "over people, 95 %", "seeds")
    rows = []
    for row in frame.to_dict("records"):
        alone = pd.isna(row["second"])
        write = decimals(4) if alone else signed(4)
        rows.append(
            (
                labels.get(row["decision_maker"], row["decision_maker"]),
                row["model"],
                row["first"] if alone else f"{row['first']} − {row['second']}",
                write(row["estimate"]),
                ends(row["seeds_low"], row["seeds_high"], write),
                ends(row["test_low"], row["test_high"], write),
                row["seeds"],
            )
        )
    caption = "A line shows the interval over people, the thick part that over seeds, the mark the mean."
    pairs = int(frame["second"].notna().sum())
    caption += f" The first {ROWS} of {pairs}; the table has all." if pairs > ROWS else ""
    return section(
        "compared",
        "Which method is better",
        tag("p", note),
        picture(figure, caption) if figure else None,
        tag("p", read),
        _lacking(comparisons.lacking, "intervals over people"),
        text_table(head, rows, caption=_also("comparisons")),
    )


def stable(stability: pd.DataFrame, labels: Mapping[str, str]) -> Html | None:
    """How far the honest fronts are those of every seed."""
    shown = stability[stability["seeds"] > 1]
    if not len(shown):
        return None
    note = (
        "Settings on the honest front are chosen by medians over seeds; each seed alone has a front of its "
        "own. “On the seed’s front” is how often, over settings and seeds, a chosen setting is on it: with "
        "many settings close together seldom, and that alone is no harm. “On it or within "
        f"{MARGIN:g}” counts those, too, that no setting beats by more than {MARGIN:g} in both error and "
        "DI: far below 100 % the choice depends on the seed, and the settings need more seeds before "
        "anybody relies on one. The overlap is the share of settings that two seeds’ fronts have in common."
    )
    shown = shown.assign(decision_maker=shown["decision_maker"].astype(str).replace(dict(labels)))
    return section(
        "stable",
        "How stable the fronts are",
        tag("p", note),
        table(shown),
        tag("p", _also("front_by_seed", "By setting: "), class_="soft"),
    )


def what_matters(importance: pd.DataFrame) -> Html | None:
    """What error, DI and IDK rate depend on."""
    if not len(importance):
        return None
    note = (
        "Share of the variance of the settings’ validation medians that goes with each choice: the main "
        f"effects of an analysis of variance, coefficients in up to {BINS} bins of equally many settings "
        "within each model and decision-maker, adjusted for chance. A large share says: set this first. "
        f"“{TOGETHER.capitalize()}” is what their combination does beyond each alone, “{REST}” what "
        "remains: seeds, chance, and what bins are too coarse for; a dash: too few settings. Shares "
        "speak of the settings that were tried: where a search chose them itself (tpe, nsga2), of where it "
        "looked, and shares may overlap. This is computed here, from the settings’ medians; it is not "
        "Optuna’s estimate by a random forest."
    )
    head = ("method", "what", "error", "DI", "IDK rate", "settings")
    rows = [
        (row["method"], row["what"], *(_bar(row[figure]) for figure in FIGURES), f"{row['settings']:,}")
        for row in importance.to_dict("records")
    ]
    return section(
        "matters",
        "What matters most",
        tag("p", note),
        text_table(head, rows, caption=_also("importance")),
    )


def _warning(points: Points) -> Html | None:
    said = []
    for what, figures in points.items():
        for y, outcome in ((1, "positive (Y = 1)"), (0, "negative (Y = 0)")):
            wrong = [float(figures["value"].get(f"error_a{a}_y{y}", 0.0)) for a in (0, 1)]
            if min(wrong) >= ONE_SIDED:
                low, high = (percent(rate) for rate in sorted(wrong))
                said.append(
                    f"“{what}” gets {low} to {high} of the {outcome} people of both groups wrong: its DI "
                    "is small because it decides nearly always the same, which is equal and of little use."
                )
    return tag("div", *(tag("p", text) for text in said), class_="notice") if said else None


def _made_of(points: Points) -> Html:
    head = ["", "error", "DI", "false positives, A\u00a0=\u00a00", "A = 1", "difference"]
    head += ["false negatives, A\u00a0=\u00a00", "A = 1", "difference"]
    names = ["error", "di", "error_a0_y0", "error_a1_y0", "di_y0", "error_a0_y1", "error_a1_y1", "di_y1"]
    caption = (
        "What DI is made of: it is the mean of two differences between the groups, in how often people "
        "with Y = 0 are decided 1 (false positives) and people with Y = 1 are decided 0 (false negatives). "
        "Differences count without their sign, so that chance alone keeps them above 0: an interval that "
        "begins near 0 is no sign of a difference."
    )
    return _figures(points, head, names, caption, decimals(3))


def _left(points: Points) -> Html:
    head = [
        "",
        "everyone",
        "A = 0",
        "A = 1",
        "A = 0, Y = 0",
        "A = 0, Y = 1",
        "A = 1, Y = 0",
        "A = 1, Y = 1",
    ]
    names = ["idk_rate", "idk_rate_a0", "idk_rate_a1"]
    names += [f"idk_rate_a{a}_y{y}" for a in (0, 1) for y in (0, 1)]
    caption = (
        "Whom the model leaves to the decision-maker: IDK rates. A group that is left much more often is "
        "the one that bears, or enjoys, what the decision-maker does."
    )
    saying = {what: figures for what, figures in points.items() if _leaves(figures)}
    saying.pop(ALONE, None)
    return _figures(saying, head, names, caption, percent)


def _each_share(points: Points) -> Html:
    parts = {
        "": "everyone",
        "_a0": "A = 0",
        "_a1": "A = 1",
    }
    head = ["", "whom", "kept: the model errs", "the decision-maker would", "left: the decision-maker errs"]
    head += ["the model would"]
    names = ["model_error", "dm_error_on_kept", "dm_error", "model_error_on_left"]
    caption = (
        "Who is better at what: error on the cases that the model keeps, and on those that it leaves, each "
        "beside what the other would have done with the same cases. Good deferring leaves cases on which "
        "the decision-maker is better, and keeps those on which the model is."
    )
    rows: list[list[object]] = []
    for what, figures in points.items():
        if not _leaves(figures) or "model_error" not in figures.index:
            continue
        for suffix, whom in parts.items():
            cells = [_cell(figures, f"{name}{suffix}", decimals(3)) for name in names]
            rows.append([what if not suffix else "", whom, *cells])
    return text_table(head, rows, caption=caption, class_="compact") if rows else join()


def _leaves(figures: pd.DataFrame) -> bool:
    return bool(figures["highest"].get("idk_rate", 0.0) > 0)


def _figures(
    points: Points, head: list[str], names: list[str], caption: str, write: Callable[[object], str]
) -> Html:
    rows = [[what, *(_cell(figures, name, write) for name in names)] for what, figures in points.items()]
    return text_table(head, rows, caption=caption, class_="compact") if rows else join()


def _cell(figures: pd.DataFrame, name: str, write: Callable[[object], str]) -> Html:
    value, low, high = (figures[column].get(name, math.nan) for column in ("value", "low", "high"))
    return with_interval(value, low, high, write)


def _also(file: str, where: str = "Also in ") -> Html:
    return join(where, tag("a", f"{file}.csv", href=f"{file}.csv"), ".")


def _bar(share: float) -> Html:
    if math.isnan(share):
        return join(NOTHING)
    bar = tag("span", class_="bar", style=f"width:{5 * min(share, 1):.2f}rem", aria_hidden="true")
    return join(f"{100 * share:.0f} %", bar if share >= 0.005 else None)


def _lacking(lacking: str, what: str) -> Html | None:
    return tag("p", f"There are no {what}: {lacking}.", class_="soft") if lacking else None
