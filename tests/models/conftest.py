from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

COMPAS_COPY = Path(__file__).parents[3] / "shared" / "data" / "compas-scores.csv"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Every test starts with one thread, as a study's workers do."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def compas_file() -> Path:
    """A copy of ProPublica's file; it lies beside the repository, not in it."""
    if not COMPAS_COPY.is_file():
        pytest.skip("needs compas-scores.csv in ../shared/data beside the repository")
    return COMPAS_COPY
