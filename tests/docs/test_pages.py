"""What the README and the pages under docs/ show is true: commands, study files, code, links."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from study.commands.parser import command_line
from study.config.reading import validate
from study.storage.yaml_text import parse_yaml
from tests.docs import pages
from tests.docs.pages import NAMES, ROOT, blocks, commands, follow, lines, text

SHOWN = [(page, words) for page in NAMES for words in commands(page, "study")]


@pytest.mark.parametrize(
    ("page", "words"), SHOWN, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_every_study_command_is_one_that_there_is(page: str, words: list[str]) -> None:
    if words[-1] == "--help":
        with pytest.raises(SystemExit, match=r"^0$"):
            command_line().parse_args(words)
    else:
        assert callable(command_line().parse_args(words).command)


@pytest.mark.parametrize("page", NAMES)
def test_every_command_named_in_a_sentence_is_one_that_there_is(page: str) -> None:
    usage = command_line().format_help()
    for verb in re.findall(r"`study ([a-z]+)", text(page)):
        assert re.search(rf"^    {verb}\b", usage, flags=re.MULTILINE), verb


@pytest.mark.parametrize("page", NAMES)
def test_every_make_target_is_one_that_there_is(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for words in commands(page, "make"):
        for target in (word for word in words if "=" not in word):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("page", NAMES)
def test_every_study_file_shown_is_valid(page: str) -> None:
    for shown in blocks(page, "yaml"):
        validate(parse_yaml(shown, page), page)


@pytest.mark.parametrize("page", NAMES)
def test_python_shown_is_python(page: str) -> None:
    for code in blocks(page, "python"):
        compile(code, page, "exec")


@pytest.mark.parametrize("page", NAMES)
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", text(page)):
        if "://" not in target:
            assert ((ROOT / page).parent / target).is_file(), target


@pytest.mark.parametrize("page", NAMES)
def test_files_named_in_the_text_are_there(page: str) -> None:
    for name in re.findall(r"`((?:study|models|reports|tests)/[\w/]+\.py)`", text(page)):
        assert (ROOT / name).is_file(), name


def test_the_readme_shows_what_a_newcomer_needs() -> None:
    targets = {words[0] for words in commands("README.md", "make")}
    assert {"study", "test", "bench"} <= targets
    assert {"run", "resume", "status", "report", "select"} <= {w[0] for w in commands("README.md", "study")}
    (shown,) = blocks("README.md", "yaml")
    config = validate(parse_yaml(shown, "README.md"), "README.md")
    assert (config.study, config.search.settings) == ("my-study", 200)


@pytest.mark.parametrize("words", [["data", "list"], ["data", "describe", "compas-two-year"], ["--help"]])
def test_commands_that_need_no_study_run_as_shown(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "study", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


PAGE = """\
```sh
# a comment
A=1 study data \\
  list | head -c 1 > first.txt && study data list  # another
study data list
```
```yaml cluster
study: [
```
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.md").write_text(PAGE)
    return tmp_path / "page.md"


def test_commands_are_read_as_a_shell_reads_them(page: Path) -> None:
    assert len(lines(page.name)) == 2
    assert commands(page.name, "study") == [["data", "list"]] * 3
    assert commands(page.name, "head") == [["-c", "1"]]
    assert blocks(page.name, "yaml") == []


@pytest.mark.usefixtures("_own_sigterm")
def test_a_page_is_followed_in_the_current_directory(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ROOT", ROOT)
    copy = Path.cwd() / "page.md"
    follow(str(copy))
    assert (page.parent / "first.txt").read_text() == "c"
    copy.write_text(PAGE.replace("study data list\n", "study data fetch nowhere\n"))
    with pytest.raises(AssertionError, match="study data fetch nowhere"):
        follow(str(copy))
