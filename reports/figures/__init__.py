"""The figures of a report, one module each: the only room that imports matplotlib."""

import contextlib
import os

# A notebook's kernel names a backend that may not be installed here, and matplotlib refuses to be imported.
_backend = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
finally:
    if _backend is not None:
        os.environ["MPLBACKEND"] = _backend
if _backend is not None:
    with contextlib.suppress(ValueError):
        matplotlib.rcParams["backend"] = _backend
