"""Ctrl-C and SIGTERM: a command ends within seconds, however deep it is in something else."""

import os
import signal
import subprocess
import sys

import pytest

from study.commands.interruption import GRACE, interruptible
from tests.training.driver import environment

pytestmark = pytest.mark.waits

BUSY = """
import argparse, os, signal, sys, threading, time
from study import cli
from study.commands import parser

def polite(options):
    print("at work", flush=True)
    time.sleep(600)

def deaf(options):
    # Code that is not Python's: no handler runs until it returns.
    import ctypes
    print("at work", flush=True)
    while True:
        ctypes.CDLL(None).sleep(600)

def stubborn(options):
    while True:
        try:
            print("at work", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            pass

def beside(options):
    threading.Thread(target=time.sleep, args=[600]).start()
    polite(options)

def swallowed(options):
    class Last:
        def __del__(self):
            polite(options)
    Last()
    time.sleep(600)

class Loading:
    def find_spec(self, name, path=None, target=None):
        if name == "study.printer":
            polite(None)

class Parser:
    def parse_args(self, arguments, namespace):
        namespace.command, namespace.trains = globals()[sys.argv[1]], True
        namespace.directory = "s3://key:secret@bucket/study"

if sys.argv[1] == "loading":
    del sys.modules["study.printer"], sys.modules["study"].printer
    sys.meta_path.insert(0, Loading())
else:
    parser.command_line = Parser
sys.exit(cli.main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("work", ["polite", "deaf", "stubborn", "beside", "swallowed", "loading"])
def test_signals_end_a_command_in_time_with_one_line(work: str, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY, work],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        for _ in range(3):
            os.kill(process.pid, number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    if work == "loading":
        assert err == "\nstudy: interrupted\n"
        return
    line = "study: interrupted; what is finished is kept, resume with: study resume s3://bucket/study"
    assert err == f"\n{line}\n"


def test_command_that_is_not_interrupted_leaves_signals_as_they_were() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruptible(lambda: None):
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert GRACE < 2
