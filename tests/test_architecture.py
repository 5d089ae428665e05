"""Who may import whom: data flows one way, and Ray and Optuna live in one file each."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("study", "models", "reports")

FORBIDDEN = {
    "models": {"study", "reports", "ray", "optuna", "pandas", "matplotlib", "pyarrow", "yaml", "pydantic"},
    "reports": {"study", "models", "torch", "ray", "optuna", "pydantic"},
    "study/data": {"models", "reports", "torch", "ray", "optuna"},
}
BORDER = ("config", "dataset_section", "explain", "sections", "spaces")
TRAINING = ("launch", "compiling", "study_data", "pack", "checkpoint", "evaluation")
DEPLOYING = ("export", "deployed", "model_file")
ONLY_IN = {
    "ray": {"study/cluster.py", "study/on_ray.py"},
    "optuna": {"study/search.py"},
    "pydantic": {f"study/{name}.py" for name in (*BORDER, "model_file")},
    "models": {f"study/{name}.py" for name in (*TRAINING, *DEPLOYING, "plan", "search")},
    "torch": {f"study/{name}.py" for name in (*TRAINING, *DEPLOYING, "on_ray")},
}
"""What of the room ``study`` may import these, at the top of a file or within a function."""


def imported(path: Path, *, top: bool = False) -> set[str]:
    """Every module that a file imports anywhere in it, or at its top alone, by its full name."""
    found = set()
    for node in top_imports(path) if top else ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
    return found


def top_imports(path: Path) -> list[ast.stmt]:
    body = ast.parse(path.read_text("utf-8")).body
    return [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]


def packages(path: Path, *, top: bool = False) -> set[str]:
    return {name.partition(".")[0] for name in imported(path, top=top)}


def files(room: str) -> list[Path]:
    found = sorted((ROOT / room).rglob("*.py"))
    assert found, room
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_room_imports_nothing_from_further_down(room: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): both
        for path in files(room)
        if (both := packages(path) & FORBIDDEN[room])
    }
    assert wrong == {}


@pytest.mark.parametrize("package", ONLY_IN)
def test_package_is_imported_in_named_files_of_the_study_room_only(package: str) -> None:
    users = {path.relative_to(ROOT).as_posix() for path in files("study") if package in packages(path)}
    assert users <= ONLY_IN[package]
    assert users


def test_nobody_outside_of_the_data_room_reaches_into_it_for_raw_data() -> None:
    names = ("compas", "health", "sources", "wheels", "reading", "make_compas_two_year")
    raw = {f"study.data.{name}" for name in names}
    wrong = {
        str(path.relative_to(ROOT)): both
        for room in ROOMS
        for path in files(room)
        if path.parent.name != "data" and (both := imported(path) & raw)
    }
    assert wrong == {}


def test_a_command_imports_what_it_needs_when_it_is_run() -> None:
    """Nobody waits for what another command needs."""
    for path in (ROOT / "study" / "cli.py", *files("study/commands")):
        own = {name for name in imported(path, top=True) if name.partition(".")[0] in ROOMS}
        others = packages(path, top=True) - {*ROOMS} - sys.stdlib_module_names
        assert {name for name in own if not name.startswith("study.commands")} <= {"study.errors"}, path
        assert others == set(), path


def test_imports_of_the_rooms_have_no_cycle() -> None:
    """Module by module, as far as the top of each file goes."""
    modules = {}
    for path in (path for room in ROOMS for path in files(room)):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        names = set()
        for node in top_imports(path):
            if isinstance(node, ast.ImportFrom):
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= whole | {node.module or ""}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        modules[name] = names
    # A package's __init__ is left out: it gathers what is below it.
    graph = {name: {n for n in names if n in modules and n != name} for name, names in modules.items()}
    packages_ = {name for name in graph if (ROOT / Path(*name.split(".")) / "__init__.py").exists()}
    edges = {name: seen - packages_ for name, seen in graph.items() if name not in packages_}
    while edges:
        free = {name for name, seen in edges.items() if not seen & set(edges)}
        assert free, f"these import each other: {sorted(edges)}"
        edges = {name: seen for name, seen in edges.items() if name not in free}


def test_the_search_for_imports_finds_nested_ones(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text("import a.b\ndef f():\n    from c.d import e\n    import g as h\n")
    assert imported(path) == {"a.b", "c.d", "g"}
    assert imported(path, top=True) == {"a.b"}
    assert packages(path) == {"a", "c", "g"}
