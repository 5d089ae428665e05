"""Writes docs/study-file.md out of the schema of the study file: `python -m tests.docs.study_file_page`."""

import json
from collections.abc import Iterator
from typing import Any

from study.config.spaces import DEFAULTS
from study.config.study_file import StudyConfig
from study.storage.yaml_text import dump_yaml
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "study-file.md"
HEAD = """\
# The study file

<!-- Written by `make docs` out of the schema; change the descriptions there. -->

A study is one YAML file. Every key is optional. Unknown keys and values that are not allowed are rejected
by name before anything is trained. `study run` takes a file, the name of a preset, or nothing for the
preset `default`; `--set` changes single keys.

```sh
study run cases.yaml
study run cases.yaml --set search.settings=200 --set 'model=[mlp, ordinal, gate]' --out results/more
```

```yaml
study: my-study
dataset:
  path: cases.csv
  label: readmitted
  sensitive: {column: ethnicity, is: minority}
  decision_maker: {columns: [nurse, doctor], combine: draw}
  drop: [case]
  group: person
decision_maker: [column, standard]
methods: [binary, reject, defer]
model: [mlp, ordinal]
search:
  sampler: random
  settings: 200
  alpha: {low: 0.01, high: 1.0, log: true}
  gamma: {reject: {low: 0.5, high: 0.7}, defer-ordinal: [0.03, 0.06, 0.1]}
seeds: 5
```

The `study.yaml` in the results directory is the same file with all defaults written out; `study run` takes
it, too. A relative `path` starts at the current directory. A study can be resumed with the same file only,
except for `resources`, which affect no row.
"""
SPACES = """\
gamma has no default range: which prices matter depends on the data, the decision-maker and the method.
Where a study file gives none, a pilot trains every method briefly at many prices before the first run,
on training and validation rows alone, and takes the gammas between which the deferral rate on validation
goes from over 90 % to under 2 %, and a little more. Settings are spread along the curve that it saw, so
that they cover everything from never to always deferring about evenly: equally many lie between any two
neighbours in `search.pilot.NAME.gamma`. A range or list in the study file is taken as it is. The
`study.yaml` in the results directory says what the pilot found, so that a study that is resumed, or run
from that file elsewhere, tries the same settings."""
TYPES = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true, false"}


def page() -> str:
    schema = StudyConfig.model_json_schema()
    parts = [HEAD]
    for path, section in sections(schema, schema, ""):
        title = f"`{path}`" if path else "The whole file"
        parts += [f"## {title}", section["description"], table(schema, section)]
    parts += ["## Default search ranges", SPACES, spaces()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def sections(schema: Any, section: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A section and the ones in it, each with its dotted name; a range has none."""
    yield path, section
    for key, field in section["properties"].items():
        inner = section_of(schema, field)
        if inner is not None:
            yield from sections(schema, inner, f"{path}.{key}" if path else key)
        elif "additionalProperties" in field and key == "alpha":
            yield "{low, high, log}", schema["$defs"]["Range"]
        elif "additionalProperties" in field and key == "pilot":
            yield "search.pilot.NAME", schema["$defs"]["FoundRange"]


def section_of(schema: Any, field: Any) -> Any:
    for kind in [field, *field.get("anyOf", [])]:
        if "$ref" in kind:
            return schema["$defs"][kind["$ref"].rpartition("/")[2]]
    return None


def table(schema: Any, section: Any) -> str:
    rows = ["| key | description | allowed | default |", "| --- | --- | --- | --- |"]
    for key, field in section["properties"].items():
        inner = section_of(schema, field)
        allowed = "a section, see below" if inner else kind(field)
        if key in section.get("required", ()):
            default = "required"
        elif inner or "additionalProperties" in field or field["default"] in (None, []):
            default = ""
        else:
            default = f"`{value(field['default'])}`"
        rows.append(f"| `{key}` | {field['description']} | {allowed} | {default} |")
    return "\n".join(rows)


def kind(field: Any) -> str:
    """What pydantic allows there, in words."""
    if "anyOf" in field:
        kinds = [kind(inner) for inner in field["anyOf"] if inner.get("type") != "null"]
        plain = {"text", "true, false", "a whole number", "a number"}
        return "text, a number, true, false" if set(kinds) == plain else " or ".join(kinds)
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if field["type"] == "array":
        listed = kind(field["items"])
        return f"one or a list of: {listed}" if "enum" in field["items"] else f"one or a list ({listed})"
    if field["type"] == "object":
        return "see below"
    return TYPES[field["type"]] + bounds(field)


def bounds(field: Any) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    words = [f"from {low:,}"] if low is not None else []
    if "exclusiveMinimum" in field:
        words.append(f"above {field['exclusiveMinimum']:,}")
    if high is not None:
        words.append(f"to {high:,}")
    if "exclusiveMaximum" in field:
        words.append(f"to 2^{field['exclusiveMaximum'].bit_length() - 1} - 1")
    return f" {' '.join(words)}" if words else ""


def value(plain: Any) -> str:
    """A default as YAML in one line."""
    if isinstance(plain, str):
        return plain
    return json.dumps(plain) if not isinstance(plain, list | dict) else dump_yaml({"x": plain})[2:].strip()


def spaces() -> str:
    """The default ranges, an arm in each row."""
    rows = ["| method and model | " + " | ".join(f"`{name}`" for name in DEFAULTS) + " |"]
    rows.append("| --- |" + " --- |" * len(DEFAULTS))
    for arm in DEFAULTS["alpha"]:
        cells = []
        for by_arm in DEFAULTS.values():
            space = by_arm.get(arm)
            cells.append(f"`{value(space.model_dump(exclude_defaults=True))}`" if space else "")  # type: ignore[union-attr]
        rows.append(f"| `{arm}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
