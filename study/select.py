"""Choose one setting: the best on validation under constraints, with its test figures beside."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from reports.reduce import medians_by_setting
from study.errors import LedgerError

Figure = Literal["error", "di", "idk"]
COLUMN = {"error": "error", "di": "di", "idk": "idk_rate"}


@dataclass(frozen=True)
class Selection:
    """A setting, and whether it satisfies the constraints or only comes nearest to them.

    ``validation`` and ``test`` hold medians over seeds of error, di and idk_rate; ``run_id`` is the
    run whose validation figure is the median one (the lower of two).
    """

    satisfies: bool
    setting_id: str
    run_id: str
    dataset: str
    method: str
    model: str
    decision_maker: str
    alpha: float
    gamma: float | None
    validation: dict[str, float | None]
    test: dict[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """Return the selection as plain data, the contract's keys first."""
        names = ("setting_id", "run_id", "method", "alpha", "gamma", "validation", "test")
        rest = ("model", "decision_maker", "dataset")
        return {name: getattr(self, name) for name in (*names, *rest)}

    def words(self) -> str:
        """Return the selection for a person."""
        gamma = "" if self.gamma is None else f", gamma {self.gamma:.4g}"
        lines = [
            f"{self.method} ({self.model}, decision-maker {self.decision_maker}), "
            f"alpha {self.alpha:.4g}{gamma}",
            f"  setting {self.setting_id}, run {self.run_id}",
            "              error      DI  IDK rate",
        ]
        for split, figures in (("validation", self.validation), ("test", self.test)):
            shown = [f"{v:.3f}" if v is not None else "-" for v in figures.values()]
            lines.append(f"  {split:<10}{shown[0]:>7}{shown[1]:>8}{shown[2]:>10}")
        return "\n".join(lines)


def select(
    runs: pd.DataFrame,
    *,
    max_idk: float | None = None,
    max_di: float | None = None,
    max_error: float | None = None,
    minimise: Figure = "error",
) -> Selection:
    """Return the setting with the smallest validation ``minimise`` under the constraints.

    All figures are medians over seeds. Ties go to the smaller error, DI and IDK rate, in this order.
    Where no setting satisfies the constraints, the one whose excess over them sums to least is
    returned with ``satisfies`` False. Raises LedgerError where nothing has finished.
    """
    settings = medians_by_setting(runs)
    columns = {figure: f"validation_{name}" for figure, name in COLUMN.items()}
    settings = settings.dropna(subset=list(columns.values()))
    if settings.empty:
        raise LedgerError("no run has finished yet, there is nothing to select from")
    limits = {"idk": max_idk, "di": max_di, "error": max_error}
    excess = pd.Series(0.0, index=settings.index)
    for figure, limit in limits.items():
        if limit is not None:
            excess += (settings[columns[figure]] - limit).clip(lower=0)
    order = [columns[minimise], *columns.values(), "setting_id"]
    ranked = settings.assign(excess=excess).sort_values(["excess", *dict.fromkeys(order)])
    chosen = ranked.iloc[0]
    return Selection(
        satisfies=bool(chosen["excess"] == 0),
        setting_id=chosen["setting_id"],
        run_id=_median_run(runs, chosen["setting_id"], columns[minimise]),
        dataset=chosen["dataset"],
        method=chosen["method"],
        model=chosen["model"],
        decision_maker=chosen["decision_maker"],
        alpha=float(chosen["alpha"]),
        gamma=_number(chosen["gamma"]),
        validation=_figures(chosen, "validation"),
        test=_figures(chosen, "test"),
    )


def _median_run(runs: pd.DataFrame, setting_id: str, column: str) -> str:
    of_setting = runs[runs["setting_id"] == setting_id].dropna(subset=[column])
    ordered = of_setting.sort_values([column, "seed"])
    return str(ordered["run_id"].iloc[(len(ordered) - 1) // 2])


def _figures(setting: "pd.Series[Any]", split: str) -> dict[str, float | None]:
    return {name: _number(setting[f"{split}_{name}"]) for name in COLUMN.values()}


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
