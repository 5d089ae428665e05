"""One way to retry: storage that answers with errors or slowly is given time, a full disk is not."""

import errno
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

Result = TypeVar("Result")

PATIENCE = 120.0
"""How many seconds storage may fail without a break before an action is given up."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds between two tries: they double from the one to the other."""
ANSWER_WITHIN = 60.0
"""Seconds that one request may take, besides the time for its bytes."""
SLOWEST = 50_000
"""Bytes per second below which a store counts as one that does not answer."""

_PASSING = {
    getattr(errno, name)
    for name in (
        *("EIO", "EAGAIN", "EBUSY", "EINTR", "ESTALE", "ETIMEDOUT", "ENOLCK", "EREMOTEIO"),
        *("ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EHOSTUNREACH", "ENETUNREACH", "ENOTCONN"),
    )
    if hasattr(errno, name)
}
_LASTING = (
    *("ACCESS_DENIED", "NO_SUCH_BUCKET", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH"),
    *("INVALID_CLIENT_TOKEN_ID", "MISSING_AUTHENTICATION_TOKEN", "UNRECOGNIZED_CLIENT", "EXPIRED_TOKEN"),
    *("Bucket '", "PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND", "Authentication"),
    *("AuthorizationFailure", "AuthorizationPermissionMismatch", "ContainerNotFound", "HTTP status 403"),
    "Not a regular file",
)
"""What stores say, through pyarrow, of an error that waiting does not mend."""


def with_retries(action: Callable[[], Result]) -> Result:
    """Return what ``action`` returns, retried while its OSError may be transient; else raise that error."""
    deadline, wait = time.monotonic() + PATIENCE, FIRST_WAIT
    while True:
        try:
            return action()
        except OSError as error:
            if not may_pass(error) or time.monotonic() + wait > deadline:
                raise
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def answered(request: Callable[[Callable[[int], None]], Result]) -> Result:
    """Return what ``request`` returns; raises TimeoutError where it takes too long.

    What it is given adds the time that so many bytes may take. A request cannot be ended, so it goes on by
    itself, in a thread. An interrupt waits for it: a file that is being uploaded appears.
    """
    seconds = ANSWER_WITHIN

    def allow(size: int) -> None:
        nonlocal seconds
        seconds += size / SLOWEST

    outcome, began = Future[Result](), time.monotonic()

    def ask() -> None:
        try:
            outcome.set_result(request(allow))
        except BaseException as error:
            outcome.set_exception(error)

    def overdue() -> bool:
        while not outcome.done() and (left := began + seconds - time.monotonic()) > 0:
            wait([outcome], left)
        return not outcome.done()

    threading.Thread(target=ask, name="store", daemon=True).start()
    try:
        late = overdue()
    except BaseException:
        overdue()
        raise
    if late:
        raise TimeoutError(f"gave no answer within {seconds:.0f} s")
    return outcome.result()


def may_pass(error: OSError) -> bool:
    """Say whether an error may be gone in a minute: pyarrow gives those of object stores no number."""
    if isinstance(error, FileNotFoundError | PermissionError):
        return False
    if error.errno is None:
        return not any(word in str(error) for word in _LASTING)
    return error.errno in _PASSING


def reason(error: BaseException) -> str:
    """Return why something failed, on one line."""
    message = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(message.split())[:300]
