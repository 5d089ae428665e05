"""Ctrl-C and SIGTERM end a command within two seconds, whatever it is doing and however often they come."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

INTERRUPTED = 130
"""The exit status of an interrupted command."""
GRACE = 1.0
"""Seconds from a signal until the process ends without cleaning up: what is finished is in the ledger."""
_LAST_WORDS_WITHIN = 0.2


@dataclass
class Interruption:
    """Whether a signal came."""

    came: bool = False


@contextmanager
def interruptible(last_words: Callable[[], None]) -> Iterator[Interruption]:
    """Raise KeyboardInterrupt at the first SIGINT or SIGTERM, and end the process ``GRACE`` later.

    The main thread may be in a library that does not return, and other threads may run on: the process then
    ends with ``last_words``, called from another thread, and the exit status of an interrupted command.
    Without a signal everything is as before afterwards. Outside of the main thread, signals are left to
    the program around.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    # A shell without job control lets what is in the background ignore SIGINT.
    numbers = [number for number in (signal.SIGTERM, signal.SIGINT) if not _ignored_sigint(number)]

    def interrupt(number: int, frame: object) -> None:
        if not interruption.came:
            interruption.came = True
            raise KeyboardInterrupt

    def unraisable(what: Any) -> None:
        # Raised in a callback or destructor it only would be printed; ``watch`` ends the process.
        if not isinstance(what.exc_value, KeyboardInterrupt):
            hook(what)

    def watch() -> None:
        with heard, told:
            while number := heard.recv(1):
                if number[0] in numbers:
                    time.sleep(GRACE)
                    _end(last_words)

    hook, sys.unraisablehook = sys.unraisablehook, unraisable
    before = {number: signal.signal(number, interrupt) for number in numbers}
    # The interpreter writes there as soon as a signal comes, even while no Python code runs.
    wakeup = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=watch, name="signals", daemon=True).start()
    try:
        yield interruption
    finally:
        sys.unraisablehook = hook
        if interruption.came:
            # For the interpreter's own end, too, which puts the default back in place of a handler.
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)
        else:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            told.close()


def _ignored_sigint(number: int) -> bool:
    return number == signal.SIGINT and signal.getsignal(number) == signal.SIG_IGN


def _end(last_words: Callable[[], None]) -> NoReturn:
    try:
        speaking = threading.Thread(target=last_words, daemon=True)
        speaking.start()
        # A terminal that is stopped must not keep the process.
        speaking.join(_LAST_WORDS_WITHIN)
    finally:
        os._exit(INTERRUPTED)
