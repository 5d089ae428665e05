"""The CI workflow is a workflow: its jobs have steps, which call make targets that there are."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text(), yaml.BaseLoader)["jobs"]
    return found


def test_there_is_a_workflow() -> None:
    assert WORKFLOWS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_uses_an_action_by_version_or_runs_a_make_target(path: Path) -> None:
    workflow = yaml.load(path.read_text(), yaml.BaseLoader)
    assert {"name", "on", "permissions", "jobs"} <= set(workflow)
    for name, job in jobs(path).items():
        assert job["runs-on"], name
        assert int(job["timeout-minutes"]) > 0
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1")), step
            commands = step.get("run", "").splitlines()
            for target in (word for line in commands for word in re.findall(r"^make (\S+)", line)):
                assert target in TARGETS, f"{name}: make {target}"
        variables = re.findall(r"\$\{\{ *matrix\.(\w+) *\}\}", str(job))
        assert set(variables) == set(job.get("strategy", {}).get("matrix", {}))


def test_it_tests_every_python_that_the_package_says_it_supports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = {line.rpartition(" ")[2] for line in project["classifiers"] if "Python :: 3." in line}
    tested = {version for path in WORKFLOWS for version in matrix(path)}
    assert tested == said


def matrix(path: Path) -> list[str]:
    return [
        version
        for job in jobs(path).values()
        for version in job.get("strategy", {}).get("matrix", {}).get("python", [])
    ]
