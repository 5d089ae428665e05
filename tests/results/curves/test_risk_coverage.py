"""The risk-coverage curve, against a system built anew for every number of deferred cases."""

import numpy as np
import pytest

from study.results.curves import COVERAGES, at_coverage, risk_coverage
from study.results.outcomes import Outcomes, weighted_metrics


@pytest.fixture
def outcomes() -> Outcomes:
    rng = np.random.default_rng(5)
    label, sensitive = rng.random(50) < 0.4, rng.random(50) < 0.5
    decided = {"column": rng.random(50) < 0.5, "oracle": label}
    return Outcomes(
        ["a", "b"], rng.random((2, 50)) < 0.2, rng.random((2, 50)) < 0.5, label, sensitive, decided
    )


def benefit_of(outcomes: Outcomes, run: int) -> np.ndarray:
    """With ties, above 0 where the run defers."""
    drawn = np.random.default_rng(run).integers(1, 9, 50) / 8
    return np.where(outcomes.deferred[run], drawn, drawn - 1.25).astype(np.float32)


@pytest.mark.parametrize("run", [0, 1])
@pytest.mark.parametrize("maker", ["column", "oracle"])
def test_every_point_is_the_system_that_defers_so_many(outcomes: Outcomes, run: int, maker: str) -> None:
    benefit = benefit_of(outcomes, run)
    curve = risk_coverage(outcomes, run, benefit, maker)
    order = sorted(range(50), key=lambda i: (-benefit[i], i))
    systems = np.zeros((51, 50), bool)
    for number in range(51):
        systems[number, order[:number]] = True
    repeated = outcomes.positive[run].repeat(51).reshape(50, 51).T
    brute = Outcomes(
        [f"{n}" for n in range(51)],
        systems,
        repeated,
        outcomes.label,
        outcomes.sensitive,
        outcomes.decisions,
    )
    expected = weighted_metrics(brute, [maker] * 51, np.ones((1, 50)))
    for name in ("error", "di", "idk_rate"):
        np.testing.assert_allclose(curve[name], expected[name][:, 0], atol=1e-6)
    own = weighted_metrics(outcomes, [maker] * 2, np.ones((1, 50)))
    (row,) = curve[curve["own"]].to_dict("records")
    assert row["error"] == pytest.approx(own["error"][run, 0], abs=1e-6)
    assert row["di"] == pytest.approx(own["di"][run, 0], abs=1e-6)


def test_random_deferral_is_the_mean_over_all_draws(outcomes: Outcomes) -> None:
    curve, rng = risk_coverage(outcomes, 0, benefit_of(outcomes, 0), "column"), np.random.default_rng(1)
    model, person = (d != outcomes.label for d in (outcomes.positive[0], outcomes.decisions["column"]))
    drawn = [np.where(rng.permutation(50) < 15, person, model).mean() for _ in range(4000)]
    assert curve["random_error"][15] == pytest.approx(np.mean(drawn), abs=0.005)
    assert curve["random_error"][50] == pytest.approx(person.mean()) == curve["error"][50]


def test_errors_are_quoted_at_shares_that_the_model_decides(outcomes: Outcomes) -> None:
    curve = risk_coverage(outcomes, 0, benefit_of(outcomes, 0), "column")
    assert [at_coverage(curve, share)["idk_rate"] for share in COVERAGES] == [0.2, 0.1]
    assert at_coverage(curve, 1.0)["idk_rate"] == 0
    assert at_coverage(curve, 0.795)["coverage"] == pytest.approx(0.8)
