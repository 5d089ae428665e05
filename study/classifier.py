"""``DeferralClassifier``: a deferring model as a classifier of scikit-learn, trained in this process.

It trains one pack as a study does, without Ray, and leaves no files. This file alone needs scikit-learn.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data

from study.config.plan import Plan
from study.config.reading import validate
from study.data import Group, Preprocessing
from study.data.columns import encode, learn
from study.data.decisions import combine, with_confidence
from study.data.splits import VALIDATION, split_rows
from study.deploy.model import one_thread
from study.deploy.origin import run_facts, trained_model
from study.errors import UserError
from study.models.families import FAMILIES
from study.models.training import TrainingOptions
from study.results.directory import ResultsDirectory
from study.results.packs import Pack, Proposal
from study.search.identity import Identity
from study.search.samplers import propose
from study.storage.temporary import temporary_folder
from study.training.pack import run_pack
from study.training.study_data import StudyData
from study.words import FAILED, NO_DECISION_MAKER

_WHO, _GROUP = "decisions", "sensitive_features"
"""What the decision-maker is called in rows, and the column of who has A = 1."""


class DeferralClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that may leave a case to a decision-maker, and knows how good that person is.

    ``predict`` gives the model's own class for every row, as scikit-learn needs it; ``decide`` says which
    rows to leave to the decision-maker, and why.

    Args:
        method: what is trained, such as ``defer`` or ``reject``; by default ``defer`` with decisions, and
            ``binary``, which never defers, without.
        model: the model family; by default the first that can be trained so.
        alpha: the fairness coefficient: a number, a list, or a mapping of low, high and log; by default the
            range that a study searches.
        gamma: the price of deferring, likewise.
        settings: how many settings are trained side by side where alpha or gamma is a range; the one with
            the smallest joint validation error is kept.
        max_deferral: the largest deferral rate on validation rows; where no setting keeps it, the one that
            comes nearest is taken, with a warning.
        hidden, learning_rate, batch_size, patience, max_epochs: as in a study file's ``training``.
        random_state: seed of the split, of the search and of the training: a number from 0 on.

    Attributes:
        classes_: the two classes; the second one counts as positive.
        groups_: the two values of ``sensitive_features``; the second one counts as A = 1.
        model_: the trained model, as ``load_model`` returns one.
        run_: the row that a study would have for it; a seventh of the rows is its validation split.
    """

    def __init__(
        self,
        method: str | None = None,
        model: str | None = None,
        *,
        alpha: Any = None,
        gamma: Any = None,
        settings: int = 16,
        max_deferral: float | None = None,
        hidden: int = 5,
        learning_rate: float = 0.01,
        batch_size: int = 64,
        patience: int = 50,
        max_epochs: int = 300,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.model = model
        self.alpha = alpha
        self.gamma = gamma
        self.settings = settings
        self.max_deferral = max_deferral
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.patience = patience
        self.max_epochs = max_epochs
        self.random_state = random_state

    # X is scikit-learn's name for a table.
    def fit(self, X: Any, y: Any, *, sensitive_features: Any = None, decisions: Any = None) -> Self:  # noqa: N803
        """Train on rows ``X`` (N, F) with outcomes ``y`` (N,) of two classes; raises ValueError.

        Args:
            X: numbers and text, as DataFrame, array or lists; missing values are allowed.
            y: the outcomes.
            sensitive_features: (N,) of two values, or the name of a column of ``X``. An array is an input
                of the model, too, and ``predict`` needs it as well.
            decisions: what the decision-maker decided, (N,): one of the two classes, or a probability of
                the second one; missing where unknown.
        """
        frame = self._table(X, reset=True)
        outcome = column_or_1d(y, warn=True)
        if outcome.dtype.kind == "f":
            assert_all_finite(outcome, input_name="y")
        if pd.isna(outcome).any():
            raise ValueError("Input y contains NaN; an outcome is needed for every row")
        check_classification_targets(outcome)
        check_consistent_length(frame, outcome)
        self.classes_, label = np.unique(outcome, return_inverse=True)
        if len(self.classes_) != 2:
            found = f"{len(self.classes_)} class{'es' * (len(self.classes_) > 1)}"
            raise ValueError(f"Only binary classification is supported; y has {found}")
        with _as_value_error():
            self._train(frame, label.astype(np.int8), sensitive_features, decisions)
        return self

    def decide(self, X: Any, *, sensitive_features: Any = None) -> pd.DataFrame:  # noqa: N803
        """Return what to do with each row, in the columns of a loaded model's; raises ValueError."""
        check_is_fitted(self, "model_")
        frame = self._table(X, reset=False)
        with _as_value_error():
            frame = self._grouped(frame, sensitive_features)
            self.model_.preprocessing.group.refuse_unseen(frame)
            decided = self.model_.decide_inputs(self.model_.preprocessing.transform(frame))
        return decided.set_axis(frame.index)

    def predict(self, X: Any, *, sensitive_features: Any = None) -> npt.NDArray[Any]:  # noqa: N803
        """Return the model's class (N,) for each row, also where it would defer; raises ValueError."""
        decided = self.decide(X, sensitive_features=sensitive_features)
        return cast(npt.NDArray[Any], self.classes_[decided["prediction"].to_numpy()])

    def predict_proba(self, X: Any, *, sensitive_features: Any = None) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return the probabilities (N, 2) of ``classes_``; raises ValueError."""
        positive = self.decide(X, sensitive_features=sensitive_features)["probability"].to_numpy()
        return np.column_stack([1 - positive, positive])

    def __sklearn_tags__(self) -> Tags:
        """Describe the classifier to scikit-learn."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return cast(Tags, tags)

    def _table(self, rows: Any, *, reset: bool) -> pd.DataFrame:
        """Return rows as a DataFrame with names of columns that are text."""
        if isinstance(rows, pd.DataFrame):
            validate_data(self, rows, reset=reset, skip_check_array=True)
            if not len(rows):
                raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
            return rows.set_axis(list(map(str, rows.columns)), axis=1)
        checked = check_array(rows, dtype=None, ensure_all_finite=False, estimator=self)
        validate_data(self, checked, reset=reset, skip_check_array=True)
        return pd.DataFrame(checked, columns=[f"x{i}" for i in range(checked.shape[1])]).infer_objects()

    def _grouped(self, frame: pd.DataFrame, sensitive: Any) -> pd.DataFrame:
        """Return rows with the column that says who has A = 1."""
        if self.model_.preprocessing.group.column != _GROUP:
            return frame
        if self.groups_ is not None and sensitive is None:
            raise ValueError(
                "sensitive_features: the model was trained with some; give those of these rows"
            )
        return _with_group(frame, None if self.groups_ is None else sensitive)

    def _group(self, frame: pd.DataFrame, sensitive: Any) -> tuple[pd.DataFrame, Group]:
        """Return the rows with who has A = 1, and the rule that says so; keeps the two values."""
        self.groups_: tuple[Any, Any] | None = None
        if sensitive is None:
            return _with_group(frame, None), Group(_GROUP, at_least=1)
        column = sensitive if isinstance(sensitive, str) else _GROUP
        if column == _GROUP:
            if _GROUP in frame:
                raise ValueError(f"column {_GROUP} is reserved; rename it")
            frame = _with_group(frame, sensitive)
        elif column not in frame:
            raise ValueError(f"sensitive_features: column {column} not found in X")
        values, missing = sorted(frame[column].dropna().unique()), frame[column].isna().any()
        if len(values) != 2 or missing:
            raise ValueError(
                f"sensitive_features: needs one of two values in every row, got {len(values)} values"
                f"{' and missing ones' if missing else ''}; mark one group by a boolean"
            )
        self.groups_ = (values[0], values[1])
        value = values[1].item() if isinstance(values[1], np.generic) else values[1]
        return frame, Group(column, equals=value).learned(frame)

    def _plan(self, *, decided: bool) -> Plan:
        """Return the study that the parameters come to, checked as a study file is."""
        method = self.method or ("defer" if decided else "binary")
        fitting = (name for name, family in FAMILIES.items() if method in family.methods)
        coefficients = ("alpha",) if method == "binary" else ("alpha", "gamma")
        spaces = {name: getattr(self, name) for name in coefficients if getattr(self, name) is not None}
        training = ("hidden", "learning_rate", "batch_size", "patience", "max_epochs")
        given = {
            "study": "fit",
            "methods": [method],
            "model": [self.model or next(fitting, "mlp")],
            "search": {"sampler": "qmc", "settings": self.settings, "seed": self.random_state, **spaces},
            "seeds": [self.random_state],
            "training": {name: getattr(self, name) for name in training},
        }
        if self.max_deferral is not None and not 0 <= self.max_deferral <= 1:
            raise UserError(f"max_deferral: must be a number from 0 to 1, got {self.max_deferral!r}")
        if method != "binary" and not decided:
            raise UserError(f"method {method}: needs decisions, which say what deferring leads to")
        return validate(given, "DeferralClassifier").plan()

    def _train(
        self, frame: pd.DataFrame, label: npt.NDArray[np.int8], sensitive: Any, decisions: Any
    ) -> None:
        """Make of the rows what a study makes of a table, train one pack, and keep the best of its runs."""
        plan = self._plan(decided=decisions is not None)
        self.__dict__.pop("model_", None)
        features = list(frame.columns)
        frame, group = self._group(frame, sensitive)
        in_group = group.of(frame).astype(np.int8)
        validating = split_rows(label, in_group, split_seed=self.random_state) == VALIDATION
        training = ~validating
        columns = tuple(learn(frame[column], training, listed=True) for column in features)
        preprocessing = Preprocessing.learned(columns, group, encode(frame, columns), training)
        made = None
        if decisions is not None:
            given = pd.DataFrame({_WHO: column_or_1d(decisions)})
            check_consistent_length(frame, given)
            given["y"], second = self.classes_[label], self.classes_[1]
            recorded, hard = combine(given, [_WHO], None, label="y", positive=second, seed=0)
            made = with_confidence(recorded, hard, label == 1, training)
            if not (made.known & validating).any() or not (made.known & training).any():
                raise ValueError("decisions: too few are known")
        identity = Identity.of(plan, "data of fit", None)
        searched = plan.search.arms[0]
        arm = searched.arm._replace(decision_maker=_WHO if made else NO_DECISION_MAKER)
        seed = (plan.search.seed, f"{arm.method}-{arm.model}", 0)
        points = propose(plan.search.sampler, searched.spaces, searched.settings, seed=seed)
        proposals = [Proposal(identity.setting(arm, point.params), point.memory) for point in points]
        rows = dict.fromkeys(("validation", "choice", "test"), np.flatnonzero(validating))
        data = StudyData(
            study=plan.study,
            dataset="fit",
            identity=identity,
            fingerprint=identity.data_fingerprint,
            features=preprocessing.transform(frame),
            label=label.astype(np.float32),
            sensitive=in_group,
            rows={"train": np.flatnonzero(training), **rows},
            decision_makers={_WHO: made.probability} if made else {},
            test_decision_maker=None,
            options=TrainingOptions(**plan.training),
            thresholds=plan.thresholds,
            backend="eager",
            measured=made.known if made else None,
        )
        with temporary_folder("study-fit-") as folder, one_thread():
            directory = ResultsDirectory(folder / "results")
            for _ in run_pack(Pack.of(arm, 0, proposals, plan.search.seeds), data, directory):
                pass
            self.run_ = self._best(directory.read_runs()[0])
            run = run_facts(self.run_)
            self.model_ = trained_model(directory, run, preprocessing, self.hidden, {"run": run})

    def _best(self, runs: pd.DataFrame) -> "pd.Series[Any]":
        """Return the run with the smallest joint validation error within ``max_deferral``."""
        runs = runs[(runs["status"] != FAILED) & runs["validation_error"].notna()]
        if runs.empty:
            raise UserError("no setting could be trained: their losses are not finite")
        limit = 1.0 if self.max_deferral is None else self.max_deferral
        excess = (runs["validation_idk_rate"] - limit).clip(lower=0)
        by = ["excess", "validation_error", "validation_di", "validation_idk_rate", "run_id"]
        run = runs.assign(excess=excess).sort_values(by).drop(columns="excess").iloc[0]
        if excess.min() > 0:
            rate = run["validation_idk_rate"]
            warnings.warn(f"no setting defers so few rows; the nearest defers {rate:.1%}", stacklevel=4)
        return run


def _with_group(frame: pd.DataFrame, sensitive: Any) -> pd.DataFrame:
    given = np.zeros(len(frame)) if sensitive is None else column_or_1d(sensitive)
    check_consistent_length(frame, given)
    return frame.assign(**{_GROUP: given})


@contextmanager
def _as_value_error() -> Iterator[None]:
    """Turn a UserError into a ValueError, as scikit-learn expects."""
    try:
        yield
    except UserError as error:
        raise ValueError(str(error)) from None
