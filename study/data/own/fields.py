"""What every section of a study file is made of: the base class, lists of one, values in messages."""

import reprlib

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a study file: unknown keys, other types and infinite numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def listed(value: object) -> object:
    """Take one for a list of one."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def shown(value: object) -> str:
    """Return a value as it stands in the file, cut to a length that fits a line."""
    brief = reprlib.Repr()
    brief.maxlevel = 3
    brief.maxstring = brief.maxother = brief.maxlong = 60
    try:
        text = brief.repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits.
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
