"""What an installation brings: ``study`` alone, with its data, beside a user's own models and reports."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
SOURCES = ("study", "models", "reports")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE")

SCRIPT = """\
import models
import reports

from study import Study, load_model

SMALL = {
    "dataset": {"path": "cases.csv", "label": "label", "sensitive": "group", "decision_maker": "judge"},
    "decision_maker": "column",
    "methods": "binary",
    "search": {"settings": 1},
    "seeds": 1,
    "training": {"max_epochs": 1},
}
if __name__ == "__main__":
    assert (models.__doc__, reports.__doc__) == ("The user's models.", "The user's reports.")
    study = Study.run(SMALL, out="results", workers=1)  # On Ray: a worker is a process of its own.
    runs = study.results()
    assert set(runs["status"]) <= {"max_epochs", "patience"}, runs["reason"]
    study.export(runs["run_id"].iloc[0], "exported")
    assert load_model("exported").method == "binary"
"""
"""What a user runs in a folder with a ``models.py``, a ``models/`` and a ``reports/`` of its own."""


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def build(kind: str, source: Path, out: Path) -> Path:
    """Build a ``wheel`` or an ``sdist`` without a network; return its file."""
    code = f"import sys; from setuptools import build_meta; print(build_meta.build_{kind}(sys.argv[1]))"
    out.mkdir(exist_ok=True)
    return out / run(sys.executable, "-c", code, out, cwd=source).stdout.splitlines()[-1]


def contents(wheel: Path) -> set[str]:
    """The files of a wheel, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is built, links kept: a build leaves files behind."""
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
    for name in FILES:
        shutil.copy2(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_study_alone_and_every_file_of_it(source: Path, wheel: Path) -> None:
    shipped = {
        (Path("study") / name.relative_to(source / "study")).as_posix()
        for folder in (source / "study", source / "study" / "models", source / "study" / "reports")
        for name in folder.rglob("*")
        if name.is_file() and "__pycache__" not in name.parts
    }
    assert {"study/py.typed", "study/models/families.py", "study/config/presets/default.yaml"} <= shipped
    assert "study/data/named/compas_two_year.parquet" in shipped
    assert contents(wheel) == shipped


def test_wheel_carries_the_licence_and_the_notice(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" in name]
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE", "NOTICE"}
    assert "License-Expression: MIT" in metadata


def test_source_distribution_builds_the_same_wheel(source: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", source, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert contents(build("wheel", unpacked, tmp_path / "wheel")) == contents(wheel)


def test_copy_that_lost_its_links_is_refused(source: Path, tmp_path: Path) -> None:
    """Some tools that unpack zip files write a link as a text file."""
    copy = shutil.copytree(source, tmp_path / "copy", symlinks=True)
    (copy / "study" / "models").unlink()
    (copy / "study" / "models").write_text("../models")
    with pytest.raises(AssertionError, match="study/models: must be a folder or a symbolic link"):
        build("wheel", copy, tmp_path / "wheel")


def test_citation_names_the_version_and_the_licence_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])


def test_lowest_versions_that_are_tested_are_the_lower_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = {}
    for requirement in map(Requirement, project["dependencies"]):
        (bound,) = (part.version for part in requirement.specifier if part.operator == ">=")
        bounds[requirement.name.lower()] = Version(bound)
    text = (ROOT / "requirements-lowest.txt").read_text("utf-8")
    pinned = [line.split("==") for line in text.splitlines() if not line.startswith("#")]
    assert {name.lower(): Version(version) for name, version in pinned} == bounds


def test_nodes_of_a_cluster_get_all_that_is_built() -> None:
    mounted = yaml.safe_load((ROOT / "cluster.yaml").read_text("utf-8"))["file_mounts"].values()
    assert {*SOURCES, *FILES} <= set(mounted)


@pytest.fixture(params=["regular", "editable"])
def python(
    request: pytest.FixtureRequest, source: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The Python of an environment that has the package installed, and its dependencies from here."""
    environment = tmp_path_factory.mktemp(request.param) / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=source)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/python*/site-packages")
    # A line in a .pth file leads to the packages there, but not to what is installed there editably.
    here = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(here))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    what = ["--no-build-isolation", "-e", source] if request.param == "editable" else [wheel]
    run(*pip, *what, cwd=environment)
    return python


def test_installation_works_beside_models_and_reports_of_the_users_own(
    python: Path, tmp_path: Path
) -> None:
    (tmp_path / "models.py").write_text('"""Never seen: the folder comes first."""\n')
    for name in ("models", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f'"""The user\'s {name}."""\n')
    rows = [f"{i % 7},{i % 2},{i // 2 % 2},{i // 4 % 2}" for i in range(80)]
    (tmp_path / "cases.csv").write_text("\n".join(["age,label,group,judge", *rows]))
    (tmp_path / "script.py").write_text(SCRIPT)
    run(python, "script.py", cwd=tmp_path)
    assert "finished" in run(python, "-m", "study", "status", "results", cwd=tmp_path).stdout
    assert "status" in run(python.with_name("study"), "--help", cwd=tmp_path).stdout
