"""What scikit-learn asks of a classifier that is trained already, without importing scikit-learn."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.errors import DataError

if TYPE_CHECKING:
    from sklearn.utils import Tags

Table = pd.DataFrame | npt.NDArray[Any] | Sequence[Sequence[Any]]
"""Rows: a DataFrame, whose columns are found by name, or an array or lists with all columns in order."""


class Estimator(ABC):
    """A classifier of scikit-learn, trained already: it may end a pipeline, and be scored and inspected.

    As with scikit-learn's ``FrozenEstimator``, ``fit`` trains nothing and a clone is the model itself.
    """

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The raw columns that a table must have."""

    @property
    @abstractmethod
    def outcomes(self) -> tuple[str, str] | None:
        """What the classes 0 and 1 are called in the study's table, None where they are just that."""

    @abstractmethod
    def decide(self, table: Table) -> pd.DataFrame:
        """Return a decision for each row, with the columns ``prediction`` and ``probability``."""

    @property
    def classes_(self) -> npt.NDArray[np.int64]:
        """The classes, in the order of ``predict_proba``'s columns."""
        return np.array([0, 1])

    @property
    def feature_names_in_(self) -> npt.NDArray[np.object_]:
        """The names of ``columns``."""
        return np.array(self.columns, dtype=object)

    @property
    def n_features_in_(self) -> int:
        """How many ``columns`` there are."""
        return len(self.columns)

    def frame(self, table: Table) -> pd.DataFrame:
        """Return rows as a DataFrame; DataError where an array has another number of columns."""
        if isinstance(table, pd.DataFrame):
            return table
        try:
            rows = pd.DataFrame(table)
        except (TypeError, ValueError) as error:
            raise DataError(f"the table: {error}; a DataFrame, an array or lists are allowed") from None
        if isinstance(table, Sequence) and table and isinstance(table[0], Mapping):
            return rows
        if rows.shape[1] != len(self.columns):
            raise DataError(
                f"the table: has {rows.shape[1]} columns; {len(self.columns)} are needed, in the order "
                f"{', '.join(self.columns)}"
            )
        return rows.set_axis(list(self.columns), axis=1).infer_objects()

    def predict(self, table: Table) -> npt.NDArray[np.int64]:
        """Return the model's class (N,), 0 or 1, also where it would defer; raises as ``decide``."""
        return self.decide(table)["prediction"].to_numpy()

    def predict_proba(self, table: Table) -> npt.NDArray[np.float64]:
        """Return the probabilities (N, 2) of class 0 and class 1; raises as ``decide``."""
        positive = self.decide(table)["probability"].to_numpy()
        return np.column_stack([1 - positive, positive])

    def score(
        self, table: Table, label: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Return the share of rows whose label (N,) ``predict`` gives; raises as ``decide``.

        Labels are 0 and 1, or in the words of the study's table. DataError for others.
        """
        given, words = np.asarray(label), self.outcomes or ()
        if words and set(map(str, given)) <= set(words):
            given = np.array([str(value) == words[1] for value in given])
        elif not set(given.tolist()) <= {0, 1}:
            also = f" or {' and '.join(words)}" if words else ""
            raise DataError(f"the labels: 0 and 1{also} are allowed, got {given.tolist()[0]!r}")
        right = self.predict(table) == given
        return float(
            np.average(right, weights=None if sample_weight is None else np.asarray(sample_weight))
        )

    def fit(self, table: Any = None, label: Any = None) -> Self:
        """Return the model as it is."""
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return no parameters: there is nothing left to choose."""
        return {}

    def set_params(self, **params: Any) -> Self:
        """Return the model as it is; ValueError for any parameter."""
        if params:
            raise ValueError(f"{next(iter(params))}: a trained model has no parameters")
        return self

    def __sklearn_clone__(self) -> Self:
        """Return the model itself."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """Return that it is trained."""
        return True

    def __sklearn_tags__(self) -> "Tags":
        """Describe the model to scikit-learn."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=False, single_output=True),
            classifier_tags=ClassifierTags(multi_class=False),
            input_tags=InputTags(allow_nan=True, categorical=True, string=True),
            requires_fit=False,
        )
