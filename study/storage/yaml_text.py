"""YAML as people write study files: read safely, with the surprises taken out, and written back."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from study.errors import StudyFileError


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Parse a mapping from YAML, safely; duplicate keys and other documents are refused."""
    try:
        raw = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError) as error:
        # The last two: a value that does not fit its tag, such as !!bool maybe.
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        lines = str(error).splitlines() or [type(error).__name__]
        problem = getattr(error, "problem", None) or lines[0]
        raise StudyFileError(f"{where}:{line} is not valid YAML ({problem})") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise StudyFileError(f"{where}: a study file is a mapping of keys, got {type(raw).__name__}")
    return raw


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Write plain data as YAML, keys in the order given."""
    text: str = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100)
    return text


class _Loader(yaml.SafeLoader):
    """YAML as people write it: 1e-3 is a number, 2020-01-01 is text, a key given twice is an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "expected a mapping", node.start_mark)
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not a word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes what ``_Loader`` would take for a number."""


for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
        list("-+.0123456789"),
    )
