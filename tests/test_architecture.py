"""Which room may import which: data flows one way, and each framework lives where it is named."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "study"

GROUND = {"words", "errors", "seeds", "printer", "group_names"}
MAY_IMPORT = {
    "words": set(),
    "errors": set(),
    "seeds": set(),
    "printer": set(),
    "group_names": {"words"},
    "storage": {"errors", "printer"},
    "results": {"storage", "words", "errors"},
    "data": {"storage", "words", "errors", "group_names"},
    "config": {"data", "storage", "words", "errors", "models"},
    "models": {"words", "seeds"},
    "engines": {"models"},
    "search": {"config", "results", "models", *GROUND},
    "training": {"search", "engines", "models", "data", "results", "storage", "config", *GROUND},
    "deploy": {"models", "data", "results", "storage", *GROUND},
    "reports": {"results", "storage", "words", "errors", "group_names"},
}
"""The rooms, and what each may import of the others. ``api``, ``status``, ``commands`` and what starts
them may import all."""

ONLY_IN = {
    "ray": {"training/local_ray.py", "training/ray_cluster.py", "training/on_ray.py"},
    "optuna": {"search/samplers.py"},
    "pydantic": {"config", "data/own/section.py", "deploy/model_file.py"},
    "torch": {"models", "engines", "training", "deploy"},
    "sklearn": {"classifier.py", "deploy/estimator.py"},
    "matplotlib": {"reports/figures"},
    "study.config.study_file": {"config", "api.py", "training/launch.py"},
}
"""What may be imported in these files and folders only, at the top of a file or within a function."""

NO_FILES_NO_PROCESSES = {
    *("pathlib", "os", "io", "shutil", "tempfile", "subprocess", "multiprocessing", "threading"),
    *("concurrent", "socket", "pandas", "pyarrow", "filelock"),
}


def imported(path: Path, *, top: bool = False) -> set[str]:
    """Every module that a file imports anywhere in it, or at its top alone, by its full name.

    ``from a.b import c`` counts as ``a.b``, and as ``a.b.c`` where that is a module of this package.
    """
    found = set()
    for node in top_imports(path) if top else ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in whole if module_file(name).exists()}
    return found


def module_file(name: str) -> Path:
    return ROOT.joinpath(*name.split(".")).with_suffix(".py")


def top_imports(path: Path) -> list[ast.stmt]:
    body = ast.parse(path.read_text("utf-8")).body
    return [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]


def packages(path: Path, *, top: bool = False) -> set[str]:
    return {name.partition(".")[0] for name in imported(path, top=top)}


def rooms_of(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("study.")}


def files(room: str = "") -> list[Path]:
    """The modules of a room, links followed: ``models`` and ``reports`` lie beside the package."""
    at = PACKAGE / room
    found = sorted(at.rglob("*.py", recurse_symlinks=True) if sys.version_info >= (3, 13) else _below(at))
    found = [at.with_suffix(".py")] if not found and at.with_suffix(".py").exists() else found
    assert found, room
    return found


def _below(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir() if folder.is_dir() else []:
        found += _below(path) if path.is_dir() else [path] if path.suffix == ".py" else []
    return found


def within(path: Path, places: set[str]) -> bool:
    name = path.relative_to(PACKAGE).as_posix()
    return any(name == place or name.startswith(f"{place}/") for place in places)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_what_its_row_of_the_table_names(room: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): more
        for path in files(room)
        if (more := rooms_of(imported(path)) - MAY_IMPORT[room] - {room})
    }
    assert wrong == {}


@pytest.mark.parametrize("room", ["config", "search"])
def test_room_knows_models_by_the_list_of_families_alone(room: str) -> None:
    known = {name for path in files(room) for name in imported(path) if name.startswith("study.models")}
    assert known <= {"study.models.families"}


def test_table_of_rooms_is_whole() -> None:
    verbs = {
        "__init__",
        "__main__",
        "api",
        "status",
        "cli",
        "collection",
        "estimate",
        "frames",
        "classifier",
        "own_table",
    }
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert there - {"__pycache__", "py"} == {*MAY_IMPORT, *verbs, "commands"}


@pytest.mark.parametrize("what", ONLY_IN)
def test_package_is_imported_where_it_is_named_only(what: str) -> None:
    users = {
        path
        for path in files()
        if any(name == what or name.startswith(f"{what}.") for name in imported(path))
    }
    assert {str(path.relative_to(PACKAGE)) for path in users if not within(path, ONLY_IN[what])} == set()
    assert users


def test_models_touch_no_files_and_no_processes() -> None:
    wrong = {
        path.name: both for path in files("models") if (both := packages(path) & NO_FILES_NO_PROCESSES)
    }
    assert wrong == {}
    opened = {
        path.name
        for path in files("models")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name) and node.id in {"open", "__file__", "exec", "eval"}
    }
    assert opened == set()


def test_folders_can_be_taken_in_at_a_glance() -> None:
    folders = {path.parent for path in files()}
    sizes = {
        str(folder.relative_to(PACKAGE)): len([p for p in folder.glob("*.py") if p.name != "__init__.py"])
        for folder in folders
    }
    assert {folder: size for folder, size in sizes.items() if size > 16} == {}


def test_nothing_outside_of_the_data_room_reaches_into_it_for_raw_data() -> None:
    wrong = {
        str(path.relative_to(ROOT)): raw
        for path in files()
        if not within(path, {"data"})
        and (raw := {name for name in imported(path) if name.startswith("study.data.named")})
    }
    assert wrong == {}


def test_a_command_imports_what_it_needs_when_it_is_run() -> None:
    """No command waits for what only another one needs."""
    light = {"study", "study.errors", "study.words", "study.printer"}
    for path in (PACKAGE / "cli.py", *files("commands")):
        own = {name for name in imported(path, top=True) if name.partition(".")[0] == "study"}
        others = packages(path, top=True) - {"study"} - sys.stdlib_module_names
        assert {name for name in own if not name.startswith("study.commands")} <= light, path
        assert others == set(), path


def test_imports_have_no_cycle() -> None:
    """Module by module, as far as the top of each file goes."""
    modules = {}
    for path in files():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        modules[name] = imported(path, top=True)
    # A package's __init__ is left out: it gathers what is below it.
    packages_ = {name for name in modules if ROOT.joinpath(*name.split("."), "__init__.py").exists()}
    edges = {
        name: {n for n in names if n in modules and n != name} - packages_
        for name, names in modules.items()
        if name not in packages_
    }
    while edges:
        free = {name for name, seen in edges.items() if not seen & set(edges)}
        assert free, f"these import each other: {sorted(edges)}"
        edges = {name: seen for name, seen in edges.items() if name not in free}


def test_the_search_for_imports_finds_nested_ones(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(
        "import a.b\ndef f():\n  from c.d import e\n  import g as h\n  from study import words\n"
    )
    assert imported(path) == {"a.b", "c.d", "g", "study", "study.words"}
    assert imported(path, top=True) == {"a.b"}
    assert packages(path) == {"a", "c", "g", "study"}
