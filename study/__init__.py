"""Studies of learning to defer: which runs there are, who trains them, what has been finished."""

from study.api import Study

__all__ = ["Study"]
