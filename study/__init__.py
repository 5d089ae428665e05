"""Studies of learning to defer: which runs there are, who trains them, what has been finished."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.api import Study
    from study.classifier import DeferralClassifier
    from study.deploy.model_file import load_model

__all__ = ["DeferralClassifier", "Study", "__version__", "load_model"]

__version__: str


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a loaded model needs nothing of what trains one."""
    if name == "Study":
        from study.api import Study

        return Study
    if name == "DeferralClassifier":
        try:
            from study.classifier import DeferralClassifier
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "sklearn":
                raise
            raise ImportError(
                "DeferralClassifier needs scikit-learn: pip install 'learning-to-defer-study[sklearn]'"
            ) from None
        return DeferralClassifier
    if name == "load_model":
        from study.deploy.model_file import load_model

        return load_model
    if name == "__version__":
        from importlib.metadata import version

        return version("learning-to-defer-study")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List what is imported when it is asked for, too."""
    return sorted({*globals(), *__all__})
