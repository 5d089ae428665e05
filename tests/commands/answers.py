"""What the command line answers to words given to it in this process."""

from collections.abc import Callable


class Answer:
    """Exit status and what was printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


Say = Callable[..., Answer]


def assert_refused(answer: Answer, *words: str) -> None:
    """Exit status 2, nothing on stdout, one line on stderr that has ``words``."""
    assert answer.status == 2
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1
    assert answer.err.endswith("\n")
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err
