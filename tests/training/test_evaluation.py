"""What rows say of decisions, against figures recounted from decisions, and thresholds found again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from study.config.spaces import ARMS
from study.data import Dataset, load_dataset
from study.models.decisions import scores
from study.models.draws import DECISION_DRAWS, weight_noise
from study.models.examples import with_bias
from study.models.families import FAMILIES
from study.models.network import WeightNoise
from study.models.thresholds import random_quantiles
from study.results.directory import ResultsDirectory
from study.results.outcomes import weighted_metrics
from study.training.launch import launch
from study.training.study_data import rows_by_use
from study.words import METHODS, METRICS, SPLITS
from tests.worlds.small_study import assert_same_rows, config_of

Numbers = np.ndarray[Any, np.dtype[np.float64]]

MODELS_HERE = [name for name, family in FAMILIES.items() if not family.given]
CHOSEN = ["posthoc", "bayes"]
COORDINATES = ["t0_a0", "t1_a0", "t0_a1", "t1_a1"]
CANDIDATES = 40
HIDDEN = 3
BASE: dict[str, Any] = {
    "study": "base",
    "methods": [method for method in METHODS if method != "two-stage"],
    "model": MODELS_HERE,
    "decision_maker": ["standard", "inconsistent"],
    "search": {"sampler": "random", "settings": 3, "alpha": {"binary": [0.1, 1]}, "model_alpha": [0.1, 1]},
    "thresholds": {"candidates": CANDIDATES},
    "seeds": [3, 5],
    "training": {"max_epochs": 2, "hidden": HIDDEN, "batch_size": 256, "learning_rate": 0.02},
}
DEFERRING = {"methods": ["reject", "defer"], "decision_maker": "standard"}
HALF = {"choose_on": "test-half", "candidates": CANDIDATES}


class Finished:
    """A study that has finished, and what its tables say."""

    def __init__(self, place: Path, **changes: Any) -> None:
        self.config = config_of(BASE, **changes)
        self.directory = ResultsDirectory(place)
        assert launch(self.config, self.directory, in_process=True, log=lambda text: None)
        self.runs, broken = self.directory.read_runs()
        assert not broken
        outcomes = self.directory.read_outcomes(self.runs)
        assert outcomes is not None
        self.outcomes = outcomes.take(pd.Index(outcomes.run_id).get_indexer(self.runs["run_id"]))
        makers = self.directory.read_decision_makers()
        self.makers = dict(zip(makers["decision_maker"], makers["probability"], strict=True))

    def of(self, **equal: str) -> pd.DataFrame:
        rows = self.runs
        for name, value in equal.items():
            rows = rows[rows[name] == value]
        assert len(rows)
        return rows


def weights_of(study: Finished, row: Any) -> bytes:
    return study.directory.read_weights(row.run_id, row.pack_id).tobytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="module")
def base(place: Path) -> Finished:
    """Every model with every method; thresholds by chance, on validation."""
    return Finished(place / "base")


@pytest.fixture(scope="module")
def exact(place: Path) -> Finished:
    """The best thresholds, on one half of the test split; tested on the other, with another DM."""
    return Finished(
        place / "exact",
        **DEFERRING,
        model=["posthoc", "bayes", "gate"],
        thresholds={"sampler": "exact", **HALF},
        test_decision_maker="inconsistent",
    )


@pytest.fixture(scope="module")
def common(place: Path) -> Finished:
    """Thresholds by chance, the same for both groups, on one half of the test split."""
    return Finished(place / "common", **DEFERRING, model=CHOSEN, thresholds={"per_group": False, **HALF})


@pytest.fixture(scope="module")
def searched(place: Path) -> Finished:
    """Thresholds that the search itself proposes."""
    return Finished(place / "searched", **DEFERRING, model=CHOSEN, thresholds={"sampler": "search"})


@pytest.fixture(scope="module")
def searched_common(place: Path) -> Finished:
    """The same, for both groups at once."""
    thresholds = {"sampler": "search", "per_group": False}
    return Finished(place / "searched common", **DEFERRING, model=CHOSEN, thresholds=thresholds)


@pytest.fixture(scope="module", params=["base", "exact", "common", "searched", "searched_common"])
def finished(request: pytest.FixtureRequest) -> Finished:
    found: Finished = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("compas-two-year")


# Rows


def test_every_arm_has_its_rows(base: Finished) -> None:
    counts = base.runs.groupby(["method", "model", "decision_maker"]).size().to_dict()
    expected = {}
    for method, model in ARMS.values():
        if model not in MODELS_HERE:
            continue
        makers = ["none"] if method == "binary" else ["standard", "inconsistent"]
        expected |= {(method, model, maker): 6 for maker in makers}
    # Two alphas, listed, are two settings however often they are drawn; the baseline is another.
    for model in ("mlp", "bayes"):
        expected[("binary", model, "none")] = counts[("binary", model, "none")]
        assert counts[("binary", model, "none")] in (2, 4, 6)
    assert counts == expected
    assert set(base.runs["status"]) == {"max_epochs"}
    assert base.runs["run_id"].is_unique


def recounted(deferred: Any, positive: Any, label: Any, group: Any, by_maker: Any) -> dict[str, float]:
    """The figures of one run, counted person by person; NaN where there is no one to count."""
    wrong = np.where(deferred, by_maker != label, positive != label)
    mean = {
        (a, y): wrong[(group == a) & (label == y)].mean() if ((group == a) & (label == y)).any() else np.nan
        for a in (False, True)
        for y in (False, True)
    }
    gaps = [abs(mean[False, y] - mean[True, y]) for y in (False, True)]
    kept = ~deferred
    return {
        "error": wrong.mean(),
        "di": sum(gaps) / 2,
        "di_y0": gaps[0],
        "di_y1": gaps[1],
        "idk_rate": deferred.mean(),
        "idk_rate_a0": deferred[~group].mean(),
        "idk_rate_a1": deferred[group].mean(),
        "error_a0": wrong[~group].mean(),
        "error_a1": wrong[group].mean(),
        "model_error": wrong[kept].mean() if kept.any() else np.nan,
        "dm_error": wrong[deferred].mean() if deferred.any() else np.nan,
        "balanced_error": (wrong[~label].mean() + wrong[label].mean()) / 2,
        "fpr": wrong[~label].mean(),
        "fnr": wrong[label].mean(),
        "cost": wrong.mean(),
    } | {
        f"{count}_a{a}_y{y}": int((counted & (group == a) & (label == y)).sum())
        for count, counted in (
            ("cases", np.ones_like(label)),
            ("deferred", deferred),
            ("model_errors", kept & wrong),
            ("dm_errors", deferred & wrong),
        )
        for a in (0, 1)
        for y in (0, 1)
    }


def test_test_figures_are_those_of_the_decisions_kept(finished: Finished) -> None:
    outcomes, columns = finished.outcomes, [name for name in finished.runs if name.startswith("test_")]
    for index, row in finished.runs.iterrows():
        decided = outcomes.decisions.get(row["test_decision_maker"], ~outcomes.label)
        figures = recounted(
            *(
                outcomes.deferred[index],
                outcomes.positive[index],
                outcomes.label,
                outcomes.sensitive,
                decided,
            )
        )
        assert {f"test_{name}" for name in figures} == set(columns) - {"test_decision_maker", "test_aurc"}
        for name, value in figures.items():
            assert row[f"test_{name}"] == pytest.approx(value, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize("split", SPLITS)
def test_every_metric_of_a_row_follows_from_its_own_counts(finished: Finished, split: str) -> None:
    for row in finished.runs.to_dict("records"):
        cases, deferred, model_errors, dm_errors = (
            [row[f"{split}_{count}_a{a}_y{y}"] for a in (0, 1) for y in (0, 1)]
            for count in ("cases", "deferred", "model_errors", "dm_errors")
        )
        wrong = [kept + left for kept, left in zip(model_errors, dm_errors, strict=True)]
        rate = [w / n for w, n in zip(wrong, cases, strict=True)]
        kept = sum(cases) - sum(deferred)
        fpr = (wrong[0] + wrong[2]) / (cases[0] + cases[2])
        fnr = (wrong[1] + wrong[3]) / (cases[1] + cases[3])
        assert {name: row[f"{split}_{name}"] for name in METRICS} == {
            "error": sum(wrong) / sum(cases),
            "di": (abs(rate[0] - rate[2]) + abs(rate[1] - rate[3])) / 2,
            "di_y0": abs(rate[0] - rate[2]),
            "di_y1": abs(rate[1] - rate[3]),
            "idk_rate": sum(deferred) / sum(cases),
            "idk_rate_a0": sum(deferred[:2]) / sum(cases[:2]),
            "idk_rate_a1": sum(deferred[2:]) / sum(cases[2:]),
            "error_a0": sum(wrong[:2]) / sum(cases[:2]),
            "error_a1": sum(wrong[2:]) / sum(cases[2:]),
            "model_error": pytest.approx(sum(model_errors) / kept if kept else np.nan, nan_ok=True, abs=0),
            "dm_error": pytest.approx(
                sum(dm_errors) / sum(deferred) if sum(deferred) else np.nan, nan_ok=True, abs=0
            ),
            "balanced_error": (fpr + fnr) / 2,
            "fpr": fpr,
            "fnr": fnr,
            "cost": sum(wrong) / sum(cases),
        }


def test_deferring_where_the_benefit_is_above_0_is_what_every_run_does(finished: Finished) -> None:
    outcomes, benefits = finished.outcomes, dict(finished.directory.read_benefits(finished.runs))
    for index, row in finished.runs.iterrows():
        benefit = benefits.get(row["run_id"])
        assert (benefit is None) == (row["method"] == "binary") == np.isnan(row["test_aurc"])
        if benefit is None:
            continue
        assert ((benefit > 0) == outcomes.deferred[index]).all()
        asked = outcomes.decisions[row["test_decision_maker"]] != outcomes.label
        kept, order = outcomes.positive[index] != outcomes.label, np.argsort(-benefit, kind="stable")
        after = kept.sum() + np.cumsum(asked[order].astype(int) - kept[order])
        area = np.mean([kept.sum(), *after]) / len(kept)
        assert row["test_aurc"] == pytest.approx(area, abs=1e-12)
        assert min(row["train_aurc"], row["validation_aurc"]) >= 0


def test_reports_find_the_same_figures_in_the_decisions(finished: Finished) -> None:
    everybody = np.ones((1, len(finished.outcomes.label)))
    figures = weighted_metrics(finished.outcomes, list(finished.runs["test_decision_maker"]), everybody)
    for name, values in figures.items():
        np.testing.assert_allclose(values[:, 0], finished.runs[f"test_{name}"], rtol=0, atol=1e-6)


def test_people_and_decision_makers_are_those_of_the_test_rows(
    finished: Finished, dataset: Dataset
) -> None:
    rows = rows_by_use(dataset, finished.config.thresholds.choose_on)["test"]
    assert list(finished.outcomes.label) == list(dataset.label[rows] == 1)
    assert list(finished.outcomes.sensitive) == list(dataset.sensitive[rows] == 1)
    assert set(finished.outcomes.decisions) == set(finished.makers)
    for name, probability in finished.makers.items():
        assert list(finished.outcomes.decisions[name]) == list(np.asarray(probability)[rows] >= 0.5)


def test_binary_never_defers_and_has_no_thresholds(base: Finished) -> None:
    rows = base.of(method="binary")
    assert rows[[*COORDINATES, "gamma", "model_alpha"]].isna().all(axis=None)
    assert (rows["test_idk_rate"] == 0).all()
    assert set(rows["test_decision_maker"]) == {"none"}
    assert not base.outcomes.deferred[rows.index].any()


def test_thresholds_have_the_shape_of_their_model(finished: Finished) -> None:
    deferring = finished.runs[finished.runs["method"] != "binary"]
    assert deferring[COORDINATES].notna().all(axis=None)
    for model, rows in deferring.groupby("model"):
        t0, t1 = rows[["t0_a0", "t0_a1"]].to_numpy(), rows[["t1_a0", "t1_a1"]].to_numpy()
        if model == "gate":
            assert (t0 == -1).all()
            assert (t1 == 1).all()
        elif model == "actions":
            priced = np.exp(-rows["gamma"].to_numpy()) * (rows["method"] == "ova") + (
                rows["method"] != "ova"
            )
            np.testing.assert_allclose(t1, np.stack([priced, priced], axis=1), rtol=1e-6)
            assert (t0 == -t1).all()
        elif model == "pair":
            np.testing.assert_allclose(t1[:, 0], np.exp(-rows["gamma"]), rtol=1e-6)
            assert (t0 == -t1).all()
        elif model in ("mlp", "bayes"):
            assert (t0 == -t1).all()
            assert (t1 >= 0).all()
        elif model == "posthoc":
            assert (t0 <= 0).all()
            assert (t1 >= 0).all()
        else:
            assert (t0 < t1).all()
            assert (t0[:, 0] == t0[:, 1]).all()
        if model in CHOSEN and not finished.config.thresholds.per_group:
            assert (t0[:, 0] == t0[:, 1]).all()
            assert (t1[:, 0] == t1[:, 1]).all()
        elif model in CHOSEN:
            assert (t1[:, 0] != t1[:, 1]).any()


def test_coefficients_are_named_in_the_rows_that_have_them(base: Finished, searched: Finished) -> None:
    afterwards = base.runs["model"].isin([*CHOSEN, "mlp"]) & (base.runs["method"] != "binary")
    assert (base.runs["model_alpha"].notna() == afterwards).all()
    assert base.runs.loc[afterwards, "model_alpha"].isin([0.1, 1]).all()
    assert (base.runs["gamma"].notna() == (base.runs["method"] != "binary")).all()
    rows = searched.runs[searched.runs["method"] != "binary"]
    assert rows["gamma"].isna().all()
    assert (rows["alpha"] == rows["model_alpha"]).all()
    assert rows["alpha"].isin([0.1, 1]).all()


def test_runs_that_diverge_have_rows_and_decisions(place: Path) -> None:
    beyond = 1e39  # Infinite in float32.
    study = Finished(
        place / "diverged",
        **{"methods": "defer", "decision_maker": "standard", "model": MODELS_HERE, "seeds": [3]},
        search={
            **{"sampler": "random", "settings": 1, "model_alpha": beyond},
            "alpha": {"defer-ordinal": beyond, "defer-gate": beyond},
        },
    )
    rows = study.of(method="defer")
    assert sorted(rows["model"]) == ["bayes", "gate", "ordinal", "posthoc"]
    assert set(rows["status"]) == {"diverged"}
    assert rows["validation_loss"].isna().all()
    assert rows["test_error"].between(0, 1).all()


# Networks


def test_networks_are_those_of_a_binary_model_with_the_same_alpha_and_seed(base: Finished) -> None:
    """Whatever the method, the decision-maker, alpha and gamma: these only choose thresholds."""
    same = {"posthoc": "mlp"}
    rows = base.runs[base.runs["model"].isin(["mlp", "posthoc", "bayes"])]
    rows = rows.assign(
        network=[same.get(model, model) for model in rows["model"]],
        trained=rows["model_alpha"].fillna(rows["alpha"]),
    )
    first = []
    for _, alike in rows.groupby(["network", "trained", "seed"]):
        weights = [weights_of(base, row) for row in alike.itertuples()]
        assert len(set(weights)) == 1
        first.append(weights[0])
    assert len(set(first)) == len(first) >= 8
    shared = rows[rows["trained"] > 0].groupby(["network", "trained", "seed"]).size()
    assert (shared > 1).all()


def test_search_for_thresholds_trains_the_same_networks(base: Finished, searched: Finished) -> None:
    found = [
        {
            (row.model, row.model_alpha, row.seed): weights_of(study, row)
            for row in study.of(method="defer").itertuples()
            if row.model in CHOSEN
        }
        for study in (base, searched)
    ]
    both = found[0].keys() & found[1].keys()
    assert len(both) >= 4
    assert all(found[0][key] == found[1][key] for key in both)


@pytest.fixture(scope="module")
def alone(place: Path) -> Finished:
    """Packs of one setting, under one of the seeds."""
    models_ = ["posthoc", "bayes", "gate"]
    return Finished(place / "alone", **DEFERRING, model=models_, seeds=[5], pack={"settings": 1})


def test_rows_do_not_depend_on_what_else_is_in_the_pack(base: Finished, alone: Finished) -> None:
    shared = base.runs[base.runs["run_id"].isin(alone.runs["run_id"])]
    assert len(shared) == len(alone.runs) == 3 * 2 * 3 + 1
    pd.testing.assert_series_equal(shared.groupby("model").size(), alone.runs.groupby("model").size())
    assert_same_rows(*(rows.drop(columns="pack_id") for rows in (shared, alone.runs)))
    for what in ("deferred", "positive"):
        order = [
            getattr(study.outcomes, what)[rows.sort_values("run_id").index]
            for study, rows in ((base, shared), (alone, alone.runs))
        ]
        assert (order[0] == order[1]).all()


# Decision-makers


def test_rejecting_models_do_not_look_at_the_decision_maker(base: Finished) -> None:
    rows = base.of(method="reject")
    keys = ["model", "alpha", "gamma", "model_alpha", "seed"]
    own = ["test_idk_rate", "test_idk_rate_a0", "test_model_error", "validation_loss", *COORDINATES]
    one, other = (
        rows[rows["decision_maker"] == maker].sort_values(keys, ignore_index=True)
        for maker in ("standard", "inconsistent")
    )
    pd.testing.assert_frame_equal(one[keys + own], other[keys + own], check_exact=True)
    assert (one["test_dm_error"] != other["test_dm_error"]).any()
    assert set(one["setting_id"]).isdisjoint(other["setting_id"])


def test_deferring_models_look_at_the_decision_maker(base: Finished) -> None:
    for model in ("ordinal", "posthoc", "bayes", "gate"):
        rows = base.of(method="defer", model=model).sort_values(["alpha", "gamma", "seed"])
        one, other = (rows[rows["decision_maker"] == maker] for maker in ("standard", "inconsistent"))
        assert list(one["gamma"]) == list(other["gamma"])
        assert list(one["validation_idk_rate"]) != list(other["validation_idk_rate"])


@pytest.fixture(scope="module")
def tested_with_itself(place: Path) -> Finished:
    """As ``exact``, without a decision-maker of its own for the tests."""
    return Finished(
        place / "itself",
        **{**DEFERRING, "decision_maker": ["standard", "inconsistent"]},
        model=["posthoc", "bayes", "gate"],
        thresholds={"sampler": "exact", **HALF},
    )


def test_decision_maker_of_the_tests_counts_and_that_of_the_training_is_learned_from(
    exact: Finished, tested_with_itself: Finished
) -> None:
    keys = ["method", "model", "alpha", "gamma", "model_alpha", "seed"]
    rows = exact.runs[exact.runs["method"] != "binary"]
    assert set(rows["decision_maker"]) == {"standard"}
    assert set(rows["test_decision_maker"]) == {"inconsistent"}
    for_itself = tested_with_itself.of(decision_maker="standard")
    assert set(for_itself["test_decision_maker"]) == {"standard"}
    one, other = (r.sort_values(keys, ignore_index=True) for r in (rows, for_itself))
    alike = [*keys, *COORDINATES, "validation_loss", "epochs"]
    alike += [f"{split}_{name}" for split in ("train", "test") for name in ("idk_rate", "model_error")]
    pd.testing.assert_frame_equal(one[alike], other[alike], check_exact=True)
    defers = one["test_idk_rate"] > 0.05
    assert defers.any()
    for split in ("train", "validation", "test"):
        assert (one.loc[defers, f"{split}_dm_error"] != other.loc[defers, f"{split}_dm_error"]).any()
    for mine, its in zip(one.itertuples(), other.itertuples(), strict=True):
        assert weights_of(exact, mine) == weights_of(tested_with_itself, its)
    assert set(one["setting_id"]).isdisjoint(other["setting_id"])


# Thresholds


def group_thresholds(score: Numbers, u: Numbers, symmetric: bool) -> tuple[float, float]:
    """t0 and t1 as training scores (Appendix C), from one group's two coordinates."""
    if symmetric:
        ordered = np.sort(np.abs(score))
        t1 = ordered[int(u[1] * len(ordered))]
        return -t1, t1
    found = []
    for side, coordinate in ((np.sort(score[score < 0]), u[0]), (np.sort(score[score >= 0]), u[1])):
        found.append(side[int(coordinate * len(side))] if len(side) else 0.0)
    return found[0], found[1]


def loss_of(
    thresholds: Any, score: Any, group: Any, label: Any, maker: Any, alpha: float, gamma: float
) -> float:
    """What thresholds (t0_a0, t1_a0, t0_a1, t1_a1) cost: errors, gamma per IDK, alpha DI."""
    t0, t1 = np.where(group, thresholds[2], thresholds[0]), np.where(group, thresholds[3], thresholds[1])
    deferred = (score > t0) & (score < t1)
    figures = recounted(deferred, score >= t1, label, group, maker)
    return figures["error"] + gamma * figures["idk_rate"] + alpha * figures["di"]


class Case:
    """A run whose thresholds were chosen afterwards: its scores, and the rows they were chosen on."""

    def __init__(self, study: Finished, row: Any, dataset: Dataset) -> None:
        self.row, self.study = row, study
        self.rows = rows_by_use(dataset, study.config.thresholds.choose_on)["choice"]
        self.label, self.group = (column[self.rows] == 1 for column in (dataset.label, dataset.sensitive))
        probability = np.asarray(study.makers[row.decision_maker])[self.rows]
        self.maker = self.label if row.method == "reject" else probability >= 0.5
        self.symmetric = row.model == "bayes"
        model, x = FAMILIES[row.model].model(row.method), with_bias(torch.tensor(dataset.features))
        theta = torch.tensor(study.directory.read_weights(row.run_id, row.pack_id)).view(1, -1, 1)
        drawn = weight_noise(model, x.shape[1], HIDDEN, [row.seed], DECISION_DRAWS, "decisions")
        noise = None if drawn is None else WeightNoise(drawn, torch.zeros(()))
        score = {
            use: scores(model, theta, x[torch.tensor(rows)], noise).flatten().numpy()
            for use, rows in (("train", dataset.indices("train")), ("choice", self.rows))
        }
        self.train, self.score = score["train"], score["choice"]

    @property
    def thresholds(self) -> list[float]:
        """As in the ledger."""
        return [getattr(self.row, name) for name in COORDINATES]

    def at(self, quantiles: Any) -> list[float]:
        """The thresholds at four quantiles."""
        return [
            float(threshold)
            for u in (quantiles[:2], quantiles[2:])
            for threshold in group_thresholds(self.train, u, self.symmetric)
        ]

    def candidates(self) -> list[list[float]]:
        """What the sampler ``random`` tries under the run's seed."""
        per_group = self.study.config.thresholds.per_group
        quantiles = random_quantiles([self.row.seed], CANDIDATES, per_group)[0, :, :, 0].numpy()
        return [self.at(u) for u in quantiles]

    def loss(self, thresholds: list[float]) -> float:
        people = (self.score, self.group, self.label, self.maker)
        return loss_of(thresholds, *people, self.row.alpha, self.row.gamma)


def cases(study: Finished, dataset: Dataset) -> Iterator[Case]:
    rows = study.runs[study.runs["model"].isin(CHOSEN) & (study.runs["method"] != "binary")]
    assert len(rows) >= 24
    return (Case(study, row, dataset) for row in rows.itertuples())


@pytest.mark.parametrize("name", ["base", "common"])
def test_of_candidates_drawn_by_chance_the_cheapest_is_taken(
    name: str, request: pytest.FixtureRequest, dataset: Dataset
) -> None:
    for case in cases(request.getfixturevalue(name), dataset):
        candidates = case.candidates()
        losses = [case.loss(thresholds) for thresholds in candidates]
        assert case.loss(case.thresholds) == pytest.approx(min(losses), abs=1e-9)
        assert case.thresholds in candidates


def test_exact_thresholds_cost_no_more_than_any_drawn_by_chance(exact: Finished, dataset: Dataset) -> None:
    better = 0
    for case in cases(exact, dataset):
        best, drawn = case.loss(case.thresholds), min(case.loss(t) for t in case.candidates())
        assert best <= drawn + 1e-9
        better += best < drawn - 1e-9
    assert better > 0


@pytest.mark.parametrize("name", ["searched", "searched_common"])
def test_thresholds_that_the_search_proposes_are_those_quantiles(
    name: str, request: pytest.FixtureRequest, dataset: Dataset
) -> None:
    study = request.getfixturevalue(name)
    params = {
        proposal.setting.setting_id: proposal.setting.params
        for pack in study.directory.read_packs()
        for proposal in pack.proposals
    }
    for case in cases(study, dataset):
        u = params[case.row.setting_id]
        first = [u.get("q0_a0", 0.0), u["q1_a0"]]
        second = first if name == "searched_common" else [u.get("q0_a1", 0.0), u["q1_a1"]]
        assert case.thresholds == case.at([*first, *second])
