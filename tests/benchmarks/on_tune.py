"""One run per Ray Tune trial, on actors that are used again: what a trial costs before it trains."""

import time
from pathlib import Path
from typing import Any

import study.training.on_ray  # noqa: F401  First: it tells Ray to be quiet.
from study.training.ray_cluster import ray_cluster

# isort: split
from ray import tune


class _Empty(tune.Trainable):
    """A trial without work."""

    def setup(self, config: dict[str, Any]) -> None:
        pass

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        return True

    def step(self) -> dict[str, Any]:
        return {"done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        pass

    def load_checkpoint(self, checkpoint: Any) -> None:
        pass


def seconds_per_trial(trials: int, directory: Path) -> float:
    """Return the seconds on the clock that an empty trial takes, the first quarter left out."""
    ended: list[float] = []

    class Clock(tune.Callback):
        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            ended.append(time.perf_counter())

    with ray_cluster(None, 1, directory, "again"):
        tune.Tuner(
            tune.with_resources(_Empty, {"cpu": 1}),
            param_space={"run": tune.grid_search(list(range(trials)))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(storage_path=str(directory), callbacks=[Clock()], verbose=0),
        ).fit()
    warm = len(ended) // 4
    return (ended[-1] - ended[warm]) / (len(ended) - 1 - warm)
