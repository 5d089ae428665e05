"""The README's commands and links are true."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from study.cli import _parser
from study.config import load_config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(program: str) -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[1:] for line in words if line and line[0] == program]


@pytest.mark.parametrize("words", commands("study"), ids=" ".join)
def test_every_study_command_is_one_that_there_is(words):
    assert callable(_parser().parse_args(words).command)


def test_every_make_target_is_one_that_there_is():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = [words[0] for words in commands("make")]
    assert {"study", "test", "bench"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("words", [["data", "list"], ["data", "describe", "compas-two-year"], ["--help"]])
def test_commands_that_need_no_study_run_as_shown(words):
    done = subprocess.run(
        [sys.executable, "-m", "study", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_study_file_shown_is_valid(tmp_path):
    (shown,) = blocks("yaml")
    path = tmp_path / "shown.yaml"
    path.write_text(shown, "utf-8")
    config = load_config(path)
    assert config.study == "my-study"
    assert config.search.settings == 200


def test_every_link_to_a_file_leads_to_one():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    files = [target for target in targets if "://" not in target]
    assert files
    for name in files:
        assert (ROOT / name).is_file(), name


def test_files_named_in_the_text_are_there():
    for name in re.findall(r"`((?:study|models|reports)/[\w/]+\.py)`", README):
        assert (ROOT / name).is_file(), name
