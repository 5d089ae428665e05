"""The best front so far, kept pack by pack: what a running study says of itself."""

import numpy as np
import pandas as pd

from study.results.fronts import pareto_mask


class Front:
    """The settings that no other beats in validation error and odds difference, of all that were added.

    A setting counts once, with medians over its seeds, so all its runs must be added together. What is
    beaten is forgotten: adding costs the same after a thousand packs as after one.
    """

    def __init__(self) -> None:
        self._points = np.empty((0, 2))

    def add(self, settings: pd.DataFrame) -> None:
        """Add settings, a row each with their medians, as ``medians_by_setting`` returns them."""
        new = settings[["validation_error", "validation_di"]].to_numpy(dtype=float)
        points = np.concatenate([self._points, new])
        self._points = points[pareto_mask(points)]

    def summary(self) -> str:
        """Describe the front in a line; nothing where there is none."""
        if not len(self._points):
            return ""
        (error_low, di_low), (error_high, di_high) = self._points.min(0), self._points.max(0)
        return (
            f"front: {len(self._points)} settings, error {100 * error_low:.1f}-{100 * error_high:.1f} %, "
            f"odds difference {di_low:.3f}-{di_high:.3f}"
        )
