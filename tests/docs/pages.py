"""The README, CONTRIBUTING.md and the pages under docs/: what they show, and a way to follow one.

On every page a block marked ``sh`` holds commands, one marked ``yaml`` a study file or a part of one, and
one marked ``python`` code. Mark what is none of these otherwise: ``text``, or ``yaml`` and another word.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from study.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The contents of all blocks that are marked ``language`` and nothing else, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), flags=re.DOTALL | re.MULTILINE)


def lines(page: str) -> list[str]:
    """The commands of a page, as a person types them: continued lines are one, comments are left out."""
    whole = "".join(blocks(page, "sh")).replace("\\\n", " ")
    return [line for line in map(str.strip, whole.splitlines()) if line and not line.startswith("#")]


def commands(page: str, program: str) -> list[list[str]]:
    """The words after ``program`` in every simple command of a page, also behind | or &&."""
    return [words[1:] for line in lines(page) for words in _simple(line) if words[0] == program]


def follow(page: str, replace: Mapping[str, str] | None = None) -> None:
    """Do what a page says, in the current directory; a command that fails is an AssertionError.

    ``study`` alone runs in this process (use the fixtures ray_here and _own_sigterm), everything else in
    bash. ``replace`` gives the words that stand for something, such as RUN_ID.
    """
    for line in lines(page):
        for word, meaning in (replace or {}).items():
            line = line.replace(word, meaning)
        words = shlex.split(line, comments=True)
        if words[0] == "study" and list(_simple(line)) == [words] and not set("<>$*`") & set(line):
            assert main(words[1:]) == 0, f"{page}: {line}"
            continue
        script = f'study() {{ {shlex.quote(sys.executable)} -m study "$@"; }}\n{line}'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{page}: {line}\n{done.stdout}{done.stderr}"


def _simple(line: str) -> Iterator[list[str]]:
    """Split a line where the shell begins another command; redirections and NAME=VALUE are left out."""
    scanner = shlex.shlex(line, posix=True, punctuation_chars=True)
    scanner.whitespace_split = True
    words: list[str] = []
    redirected = False
    for token in [*scanner, ";"]:
        if token and set(token) <= set("|&;()"):
            if words:
                yield words
            words = []
        elif set(token) & set("<>") and set(token) <= set("<>&"):
            redirected = True
        elif redirected:
            redirected = False
        elif words or not re.fullmatch(r"[A-Za-z_]\w*=.*", token, flags=re.DOTALL):
            words.append(token)
