"""Studies of learning to defer: which runs there are, who trains them, what has been finished."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.api import Study
    from study.deploy.model_file import load_model

__all__ = ["Study", "__version__", "load_model"]

__version__: str


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a loaded model needs nothing of what trains one."""
    if name == "Study":
        from study.api import Study

        return Study
    if name == "load_model":
        from study.deploy.model_file import load_model

        return load_model
    if name == "__version__":
        from importlib.metadata import version

        return version("learning-to-defer-study")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
