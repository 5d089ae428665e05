import pytest

from study import printer
from study.cli import main
from tests.commands.answers import Answer, Say


@pytest.fixture(autouse=True)
def _not_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed does not depend on how busy the machine is."""
    monkeypatch.setattr(printer, "SILENT", 600.0)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Give the command line words, in this process."""

    def call(*words: object) -> Answer:
        try:
            status = main([str(word) for word in words])
        except SystemExit as left:
            status = int(left.code or 0)
        return Answer(status, *capsys.readouterr())

    return call
