"""A ledger, decision-makers and whole results that look like those of a real study."""

import numpy as np
import pandas as pd

from study.results.study_results import Results
from study.words import AREAS

FIGURES = [
    *("error", "di", "di_y0", "di_y1", "idk_rate", "idk_rate_a0", "idk_rate_a1"),
    *("error_a0", "error_a1", "model_error", "dm_error", "fpr", "fnr", "cost", "balanced_error"),
]
DM_ERROR = {"standard": 0.242, "biased": 0.244, "none": np.nan}
DM_DI = {"standard": 0.125, "biased": 0.254, "none": np.nan}
SESSION = {
    "started": "2026-03-01T00:00:00.123456+00:00",
    "ended": "2026-03-01T02:10:59.9+02:00",
    "state": "done",
    "host": "laptop",
    "platform": "Linux-6.1",
    "python": "3.11.9",
    "executor": "Ray on this machine",
    "versions": {"torch": "2.9.0", "ray": "2.52.0"},
}


def ledger(
    n_runs: int,
    *,
    seeds: int = 5,
    models: tuple[str, ...] = ("ordinal",),
    decision_makers: tuple[str, ...] = ("standard", "biased"),
    methods: tuple[str, ...] = ("binary", "reject", "defer"),
    seed: int = 0,
) -> pd.DataFrame:
    """`n_runs` rows in the contract's columns; the last setting may lack seeds."""
    rng = np.random.default_rng(seed)
    n = -(-n_runs // seeds)
    method = np.array(methods)[np.arange(n) % len(methods)]
    binary, defer = method == "binary", method == "defer"
    dm = np.where(binary, "none", np.array(decision_makers)[rng.integers(len(decision_makers), size=n)])
    alpha = rng.uniform(0, 1, n)
    if binary.any():
        alpha[np.flatnonzero(binary)[0]] = 0.0
    gamma = np.where(defer, rng.uniform(0.03, 0.15, n), rng.uniform(0.3, 0.7, n))
    gamma[binary] = np.nan
    logit = np.where(defer, (0.09 - gamma) / 0.012, (0.55 - gamma) / 0.04)
    idk = np.where(binary, 0.0, 1 / (1 + np.exp(-logit)))
    tilt = np.where(defer & (dm == "biased"), 0.08, 0.01)

    which = np.repeat(np.arange(n), seeds)[:n_runs]
    dm_error = pd.Series(dm).map(DM_ERROR | {}).fillna(0.25).to_numpy()
    dm_di = pd.Series(dm).map(DM_DI | {}).fillna(0.1).to_numpy()
    fair = 1 - np.exp(-4 * alpha)
    columns: dict[str, object] = {}
    run_noise = rng.normal(0, 1, (4, n_runs))
    for k, split in enumerate(("train", "validation", "test")):
        noise = 0.5 * run_noise + 0.5 * rng.normal(0, 1, (4, n_runs))
        rate = np.clip(idk[which] + 0.02 * noise[0] * (idk[which] > 0), 0, 1)
        model_error = 0.30 + 0.05 * fair[which] - 0.03 * rate + 0.004 * noise[1]
        synergy = np.where(defer, 0.03, 0.01)[which] * 4 * rate * (1 - rate)
        error = (1 - rate) * model_error + rate * dm_error[which] - synergy
        di_model = 0.22 * (1 - fair[which]) + 0.015
        di = (1 - rate) * di_model + rate * dm_di[which] * (1 - 0.4 * fair[which] * (1 - rate))
        di = np.abs(di - synergy + 0.008 * noise[2]) + 0.002 * k
        columns |= {
            f"{split}_error": error,
            f"{split}_di": di,
            f"{split}_di_y0": np.abs(di + 0.02 * noise[3]),
            f"{split}_di_y1": np.abs(di - 0.02 * noise[3]),
            f"{split}_idk_rate": rate,
            f"{split}_idk_rate_a0": np.clip(rate + tilt[which] * (rate > 0), 0, 1),
            f"{split}_idk_rate_a1": np.clip(rate - tilt[which] * (rate > 0), 0, 1),
            f"{split}_error_a0": error - 0.01,
            f"{split}_error_a1": error + 0.01,
            f"{split}_model_error": np.where(rate < 1, model_error, np.nan),
            f"{split}_dm_error": np.where(rate > 0, dm_error[which], np.nan),
            f"{split}_fpr": error - 0.02 * fair[which],
            f"{split}_fnr": error + 0.02 * fair[which],
            f"{split}_cost": error,
            f"{split}_balanced_error": error,
        }
    setting_id = pd.Series(np.char.mod("%012x", (np.arange(n) * 2654435761) % (1 << 48)))
    run_seed = (np.arange(n_runs) % seeds).astype(np.int64)
    head = {
        "run_id": np.char.mod("r%012x", (np.arange(n_runs) * 40503777) % (1 << 48)),
        "setting_id": setting_id.iloc[which].to_numpy(),
        "study": "synthetic",
        "dataset": "compas",
        "data_fingerprint": "c9864c9e48c0",
        "decision_maker": dm[which],
        "test_decision_maker": dm[which],
        "method": method[which],
        "model": np.array(models)[(np.arange(n) // 3) % len(models)][which],
        "alpha": alpha[which],
        "gamma": gamma[which],
        "seed": run_seed,
        "split": 0,
        **{t: np.full(n_runs, np.nan) for t in ("t0_a0", "t1_a0", "t0_a1", "t1_a1")},
        "epochs": rng.integers(60, 300, n_runs).astype(np.int32),
        "best_epoch": rng.integers(10, 60, n_runs).astype(np.int32),
    }
    areas = np.random.default_rng(n_runs).uniform(0.2, 0.4, (len(AREAS), n_runs))
    tail = {
        **{
            name: np.where(method[which] == "binary", np.nan, area)
            for name, area in zip(AREAS, areas, strict=True)
        },
        "validation_loss": rng.uniform(0.5, 0.7, n_runs),
        "seconds": rng.uniform(0.05, 0.2, n_runs),
        "pack_id": np.char.mod("p%05d", np.arange(n_runs) // 256),
        "worker": np.char.mod("worker-%d", (np.arange(n_runs) // 256) % 4),
        "finished_at": pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(n_runs) // 256, "s"),
        "status": np.where(rng.uniform(size=n_runs) < 0.01, "diverged", "patience"),
    }
    runs = pd.DataFrame({**head, **columns, **tail})
    figures = [f"{s}_{f}" for s in ("train", "validation", "test") for f in FIGURES]
    runs.loc[runs["status"] == "diverged", figures] = np.nan
    return runs


def decision_makers(names: tuple[str, ...] = ("standard", "biased")) -> pd.DataFrame:
    rows = []
    for name in names:
        for k, split in enumerate(("train", "validation", "test")):
            error, di = DM_ERROR.get(name, 0.25) + 0.001 * k, DM_DI.get(name, 0.1) + 0.002 * k
            alpha = {"standard": 0.0, "biased": -0.1}.get(name, np.nan)
            rows.append([name, split, error, di, di - 0.02, di + 0.02, error, error, alpha])
    columns = ["decision_maker", "split", "error", "di", "di_y0", "di_y1", "error_a0", "error_a1"]
    return pd.DataFrame(rows, columns=[*columns, "alpha"])


def results(runs: pd.DataFrame, **changes: object) -> Results:
    names = tuple(sorted(set(runs["decision_maker"]) - {"none"})) or ("standard",)
    given: dict[str, object] = {
        "runs": runs,
        "decision_makers": decision_makers(names),
        "study": {
            "study": "synthetic",
            "dataset": {"name": "compas", "path": None, "split_seed": 3},
            "decision_maker": list(names),
            "methods": ["binary", "reject", "defer"],
            "model": ["ordinal"],
            "search": {
                **{"sampler": "qmc", "settings": 400, "seed": 7},
                "alpha": {
                    "binary-ordinal": {"low": 0.01, "high": 1.0, "log": True},
                    "reject-ordinal": {"low": 0.0, "high": 1.0, "log": False},
                    "defer-ordinal": {"low": 0.1, "high": 30.0, "log": True},
                },
                "gamma": {
                    "reject-ordinal": [0.5, 0.6],
                    "defer-ordinal": {"low": 0.03, "high": 0.15, "log": False},
                },
                "model_alpha": {},
            },
            "test_decision_maker": None,
            "thresholds": {
                **{"sampler": "random", "candidates": 1000},
                **{"per_group": True, "choose_on": "validation"},
            },
            "inconsistent": {"where": None, "flip": 0.3},
            "seeds": [0, 1, 2, 3, 4],
            "training": {"hidden": 5, "learning_rate": 0.003, "patience": 50, "max_epochs": 1000},
        },
        "manifest": {
            "sessions": [SESSION],
            "data_fingerprint": "c9864c9e48c0",
            "data_source": "ProPublica",
            "rows": 7214,
            "code": "ec1d86b3f95a",
            "backend": "eager PyTorch on the CPU",
        },
        "planned": len(runs),
        "failed": 0,
        "state": "finished",
    }
    return Results(**{**given, **changes})  # type: ignore[arg-type]
