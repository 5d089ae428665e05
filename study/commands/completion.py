"""study completion: what a shell needs to complete the words of a command line."""

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from study import printer
from study.commands.arguments import DONE, AddParser

if TYPE_CHECKING:
    from study.commands.parser import Parser

_FILES = {"FILE", "TABLE", "STUDY.yaml", "FILE.parquet", "FILE.db"}
_FOLDERS = {"DIR", "MODEL"}


def add(add_parser: AddParser) -> None:
    """Add the command."""
    completion = add_parser(
        "completion",
        help="print a script that completes commands in bash or zsh",
        description="Print a script that completes commands, flags, presets and files. "
        'For bash: eval "$(study completion bash)" in ~/.bashrc. For zsh: '
        "study completion zsh > ~/.zfunc/_study, a folder of fpath.",
    )
    completion.add_argument("shell", choices=["bash", "zsh"])
    completion.set_defaults(command=_completion)


def _completion(options: argparse.Namespace) -> int:
    import shtab

    from study.commands.parser import command_line
    from study.commands.training import preset_help
    from study.data import DATASETS

    parser = command_line()
    names = {"FILE|PRESET": [name for name, _ in preset_help()], "NAME|FILE": list(DATASETS)}
    for action in _actions(parser):
        if action.metavar in names:
            function = f"_study_{'presets' if 'PRESET' in str(action.metavar) else 'data_sets'}"
            action.complete = {"bash": function, "zsh": function}  # type: ignore[attr-defined]
        elif action.metavar in _FILES | _FOLDERS:
            action.complete = shtab.FILE if action.metavar in _FILES else shtab.DIRECTORY  # type: ignore[attr-defined]
    functions = {"_study_presets": names["FILE|PRESET"], "_study_data_sets": names["NAME|FILE"]}
    write = _for_bash if options.shell == "bash" else _for_zsh
    preamble = "\n".join(write(name, words) for name, words in functions.items())
    printer.echo(shtab.complete(parser, shell=options.shell, preamble=preamble))
    return DONE


def _actions(parser: "Parser") -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of all its commands."""
    parser.add_late()
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)


def _for_bash(name: str, words: Iterable[str]) -> str:
    return f'{name}() {{\n  compgen -W "{" ".join(words)}" -- "$1"\n  compgen -f -- "$1"\n}}'


def _for_zsh(name: str, words: Iterable[str]) -> str:
    return f"{name}() {{\n  compadd {' '.join(words)}\n  _files\n}}"
