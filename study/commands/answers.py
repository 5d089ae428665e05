"""How commands answer: their exit statuses, and what they say beside their output."""

import sys

DONE, INCOMPLETE, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130


def say(text: str) -> None:
    """Tell a person what goes on; the output holds results alone."""
    print(text, file=sys.stderr)
