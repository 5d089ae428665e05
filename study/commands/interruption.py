"""Ctrl-C and SIGTERM end a command within two seconds, whatever it is doing and however often they come."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from study.commands.answering import INTERRUPTED

GRACE = 1.4
"""Seconds from a signal until the process ends without cleaning up: what is finished is in the ledger."""
_LAST_WORDS_WITHIN = 0.2


@contextmanager
def interruptible(last_words: Callable[[], None]) -> Iterator[None]:
    """Raise KeyboardInterrupt at the first SIGINT or SIGTERM, and end the process ``GRACE`` later.

    The main thread may be in a library that does not return, and other threads may run on: the process then
    ends with ``last_words``, called from another thread, and the exit status of an interrupted command.
    Without a signal everything is as before afterwards. Outside of the main thread, signals are left to
    the program around.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    # A shell without job control lets what is in the background ignore SIGINT.
    numbers = [number for number in (signal.SIGTERM, signal.SIGINT) if not _ignored_sigint(number)]
    interrupted = False

    def interrupt(number: int, frame: object) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    def watch() -> None:
        with heard, told:
            while number := heard.recv(1):
                if number[0] in numbers:
                    time.sleep(GRACE)
                    _end(last_words)

    before = {number: signal.signal(number, interrupt) for number in numbers}
    # The interpreter writes there as soon as a signal comes, even while no Python code runs.
    wakeup = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=watch, name="signals", daemon=True).start()
    try:
        yield
    finally:
        if interrupted:
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
