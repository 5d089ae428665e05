"""The model card: what a person should know of a model before using it, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.data.preprocessing import Group
from study.deployed import MODEL_FILE, WEIGHTS_FILE, DeployedModel

CARD_FILE = "MODEL_CARD.md"

_FAMILIES = {
    "mlp": "one hidden layer, one logit; it always predicts",
    "ordinal": "one hidden layer, one score; IDK between two thresholds learned with the weights (3.2.1)",
    "posthoc": "one hidden layer, one logit; IDK between thresholds chosen after training (Appendix C)",
    "bayes": "one hidden layer with uncertain weights; IDK where 20 draws of them disagree (3.2.2)",
    "gate": "one hidden layer, and a second network that says IDK (3.1)",
}
_METHODS = {
    "binary": "never says IDK and decides everything alone",
    "reject": "says IDK where it is unsure, without regard to who decides then",
    "defer": "says IDK where the decision-maker it was trained with is expected to do better",
}
_SIMULATED = {
    "standard": "a network that sees more than the model",
    "biased": "a network that sees more than the model, trained to be unfair",
    "inconsistent": "a network that sees more than the model and errs at random on some people",
    "oracle": "one who is never wrong",
}


@dataclass(frozen=True)
class Counted:
    """What the joint system did with some of the test rows; a rate is None where there is nobody."""

    people: int
    positives: int
    idk_rate: float | None
    error: float | None
    false_positive_rate: float | None
    false_negative_rate: float | None


def model_card(model: DeployedModel, everybody: Counted, by_group: Sequence[Counted]) -> str:
    """Return the card of ``model``, which did this on the test rows, and by group A = 0 and 1."""
    about = model.about
    sections = [
        f"# Model card: {model.method}, {model.model.name}",
        "Written by `study export`. The figures are those of the run in the study's ledger; the files "
        "beside this card were checked to decide exactly as that run does for every test row.",
        _what(model),
        _use(model),
        _figures(model, everybody, by_group),
        _training(model),
        _data(about["data"], model.preprocessing.group),
        _limits(model),
        _loading(model),
    ]
    return "\n\n".join(sections) + "\n"


def _what(model: DeployedModel) -> str:
    about = model.about
    return "\n".join(
        [
            "## What it is",
            "",
            f"- Model `{model.model.name}`: {_FAMILIES[model.model.name]}; {model.hidden} hidden units.",
            f"- Method `{model.method}`: {_METHODS[model.method]}.",
            f"- Decision-maker it was trained for: {_decision_maker(about['decision_maker'])}.",
            f"- Run `{about['run_id']}` (setting `{about['setting_id']}`, seed {about['seed']}) of the "
            f"study `{about['study']}`.",
            "",
            *_rule(model),
        ]
    )


def _rule(model: DeployedModel) -> list[str]:
    """Say what is compared with what."""
    if model.method == "binary":
        return ["It predicts the positive class from a score of 0 on."]
    if model.model.name == "gate":
        return ["It says IDK where its second network gives a probability pi of deferring above 0.5."]
    if model.model.name == "bayes":
        limits = [f"| A = {a} | {1 / (1 + t1):.6g} |" for a, t1 in enumerate(model.t1)]
        words = "It says IDK where the uncertainty rho is above the limit of the person's group."
        return [words, "", "| group | limit of rho |", "| --- | ---: |", *limits]
    bands = [
        f"| A = {a} | {t0:.6g} | {t1:.6g} |"
        for a, (t0, t1) in enumerate(zip(model.t0, model.t1, strict=True))
    ]
    return [
        "Its score is compared with the thresholds of the person's group: IDK between them, the positive "
        "class from the upper one on.",
        "",
        "| group | lower | upper |",
        "| --- | ---: | ---: |",
        *bands,
    ]


def _use(model: DeployedModel) -> str:
    about = model.about
    who = about["decision_maker"]
    if model.method == "binary":
        lines = ["Predictions for cases like those of its data, by a model that hands no case to anybody."]
    else:
        lines = [
            "Decisions taken together: the model decides the cases it keeps, and every case it defers goes "
            "to a person or procedure that decides it. What the model says of a deferred case is not a "
            "decision.",
        ]
    if model.method == "defer":
        lines.append(
            f"It has learned when to defer to the decision-maker `{who}`. With anybody else its figures do "
            "not hold: train with that one's decisions first."
        )
    lines.append(
        "Not meant for decisions about people that nobody watches, or for cases unlike those of its data. "
        "Before it is used, measure it on recent cases of your own."
    )
    return "## Intended use\n\n" + "\n\n".join(lines)


def _figures(model: DeployedModel, everybody: Counted, by_group: Sequence[Counted]) -> str:
    about, test = model.about, model.about["test"]
    rows = [("everybody", everybody), *((f"A = {a}", counted) for a, counted in enumerate(by_group))]
    table = [
        f"| {name} | {c.people:,} | {c.positives:,} | {_percent(c.idk_rate)} | {_percent(c.error)} | "
        f"{_percent(c.false_positive_rate)} | {_percent(c.false_negative_rate)} |"
        for name, c in rows
    ]
    figures = [
        ("error of the joint system", _percent(test["error"])),
        ("disparate impact (DI)", _number(test["di"])),
        ("its part with label 0 / 1", f"{_number(test['di_y0'])} / {_number(test['di_y1'])}"),
        ("IDK rate", _percent(test["idk_rate"])),
        ("error of the model on what it keeps", _percent(test["model_error"])),
        ("error of the decision-maker on what is deferred", _percent(test["dm_error"])),
    ]
    lines = [
        "## What it did on the test split",
        "",
        "The joint system is wrong where the model is, or the decision-maker where the model defers.",
        "",
        "| figure | value |",
        "| --- | ---: |",
        *(f"| {name} | {value} |" for name, value in figures),
        "",
        "By group:",
        "",
        "| group | people | label 1 | IDK rate | error | error, label 0 | error, label 1 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *table,
        "",
        "DI is the mean, over the two labels, of the absolute difference between the groups' error rates "
        "in the last two columns; 0 is best.",
    ]
    alone = about["decision_maker_alone"]
    if alone is not None:
        name = about["test_decision_maker"]
        lines += [
            "",
            f"The decision-maker of these figures, `{name}`, deciding everything alone: error "
            f"{_percent(alone['error'])} (A = 0: {_percent(alone['error_a0'])}, A = 1: "
            f"{_percent(alone['error_a1'])}), DI {_number(alone['di'])}.",
        ]
    return "\n".join(lines)


def _training(model: DeployedModel) -> str:
    about, training = model.about, model.about["training"]
    setting = ", ".join(f"{name} {value:.6g}" for name, value in about["setting"].items())
    lines = [
        f"- Setting: {setting}.",
        f"- {training['epochs']} epochs, best after {training['best_epoch']}; stopped by "
        f"{training['status']}.",
        f"- Learning rate {training['learning_rate']:g}, minibatches of {training['batch_size']}, patience "
        f"{training['patience']}, at most {training['max_epochs']} epochs; {training['backend']} steps.",
    ]
    if training["status"] == "diverged":
        lines.append("- **Training diverged.** The weights are the best from before; prefer another run.")
    if about["thresholds"] is not None:
        chosen = about["thresholds"]
        on = "the validation split" if chosen["choose_on"] == "validation" else "one half of the test split"
        lines.append(f"- Thresholds chosen after training ({chosen['sampler']}), on {on}.")
    lines.append(
        f"- Code `{about['code']}`, package {about['versions']['package']}, exported with torch "
        f"{about['versions']['torch']}."
    )
    return "\n".join(["## Training", "", *lines])


def _data(data: Mapping[str, Any], group: Group) -> str:
    rows = ", ".join(f"{split} {count:,}" for split, count in data["rows"].items())
    return "\n".join(
        [
            "## Data",
            "",
            f"- `{data['name']}`: {data['source']}",
            f"- Rows: {rows} (split seed {data['split_seed']}).",
            f"- Sensitive attribute: A = 1 {group_words(group)}, else 0.",
            f"- Fingerprint `{data['fingerprint']}`",
        ]
    )


def _limits(model: DeployedModel) -> str:
    about = model.about
    lines = [
        "- The figures are those of one run on one test split; other splits, seeds and times give others. "
        "`study report` and `study select` show the spread over seeds and intervals.",
        "- If this run was picked for its test figures, they flatter it; choose on validation figures.",
        "- Fairness here is DI of this sensitive attribute alone. Nothing is said of other groups, or of "
        "how labels came about.",
        "- The sensitive attribute is an input, and sets the thresholds that a person meets.",
        "- A missing number counts as the median of the training rows, and a category that was not there "
        "as none of those that were.",
    ]
    if about["decision_maker"] in _SIMULATED:
        lines.append(
            f"- The decision-maker `{about['decision_maker']}` is simulated. What your people do with "
            "deferred cases may be quite different."
        )
    return "\n".join(["## Limits", "", *lines])


def _loading(model: DeployedModel) -> str:
    columns = ", ".join(f"`{name}`" for name in model.columns)
    return "\n".join(
        [
            "## How to use it",
            "",
            "```python",
            "from study import load_model",
            "",
            'model = load_model("this directory")',
            "decisions = model.decide(table)  # a pandas DataFrame, one row per case",
            "```",
            "",
            "or `study apply DIRECTORY new.csv --out decisions.csv`.",
            "",
            f"The table needs these columns, in any order: {columns}.",
            "",
            f"Files: `{MODEL_FILE}` (what the model is, preprocessing, thresholds, origin) and "
            f"`{WEIGHTS_FILE}` (its weights).",
        ]
    )


def group_words(group: Group) -> str:
    """Say who has A = 1."""
    if group.at_least is not None:
        return f"where `{group.column}` is {group.at_least:g} or more"
    if group.equals is not None:
        return f"where `{group.column}` is {group.equals}"
    return f"where `{group.column}` is 1 or true"


def _decision_maker(name: str) -> str:
    if name == "none":
        return "none"
    if name in _SIMULATED:
        return f"`{name}`, simulated: {_SIMULATED[name]}"
    return f"`{name}`, as recorded in the table"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
