"""What a person can get wrong. Each class is one cause; the command line turns them into exit status 2."""

import difflib
from collections.abc import Iterable


def did_you_mean(value: object, known: Iterable[object]) -> str:
    """Return "; did you mean NAME?" where one of the ``known`` names is near, else nothing."""
    near = difflib.get_close_matches(str(value), [str(name) for name in known], n=1)
    return f"; did you mean {near[0]}?" if near else ""


class UserError(Exception):
    """Bad input: one line that says what is wrong, where, and what is allowed."""


class StudyFileError(UserError):
    """A study file, a preset name or a ``--set`` that cannot be used."""


class DataError(UserError):
    """A data set that is missing, unreadable or not what it should be."""


class LedgerError(UserError):
    """A results directory that cannot be read, written or continued."""


class OutputError(UserError):
    """A file or directory that cannot be written."""


class ModelError(UserError):
    """A directory that does not hold a model that can be used."""
