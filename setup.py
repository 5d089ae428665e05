"""Refuses to build from a copy whose symbolic links were lost; everything else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup

for name in ("models", "reports"):
    if not Path(__file__).with_name("study").joinpath(name, "__init__.py").is_file():
        raise SystemExit(
            f"study/{name}: must be a folder or a symbolic link to ../{name}; unpack the source with a "
            "tool that keeps symbolic links, such as git or tar"
        )
setup()
