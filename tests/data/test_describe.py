import dataclasses
import re

from study.data.dataset import Table, make_dataset
from study.data.describe import describe


def line_of(text: str, start: str, occurrence: int = 0) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith(start)]
    return re.split(r"\s{2,}", lines[occurrence])


def test_figures_are_those_of_the_table(table: Table) -> None:
    dataset = make_dataset(table, split_seed=0)
    text = describe(dataset)
    frame = table.frame.assign(split=dataset.split)

    group = frame[frame["sensitive"] == 1]
    rate = f"{100 * group['label'].mean():.1f} %"
    share = f"{100 * len(group) / 200:.1f} %"
    assert line_of(text, "A = 1") == ["A = 1", str(len(group)), share, rate]

    test = frame[frame["split"] == 2]
    means = [f"{100 * test[column].mean():.1f} %" for column in ("label", "sensitive")]
    assert line_of(text, "test") == ["test", "60", "30.0 %", *means]

    cells = [str(((test["sensitive"] == a) & (test["label"] == y)).sum()) for a in (0, 1) for y in (0, 1)]
    assert line_of(text, "test", 1) == ["test", *cells]


def test_names_source_and_fingerprint_are_told(table: Table) -> None:
    dataset = make_dataset(table, split_seed=0)
    text = describe(dataset)
    assert text.startswith("toy: 200 rows")
    for part in ("made up", dataset.fingerprint, "height, visits, constant, sensitive", "secret"):
        assert part in text


def test_lines_of_one_block_are_equally_long(table: Table) -> None:
    blocks = describe(make_dataset(table, split_seed=0)).split("\n\n")[-4:]
    assert blocks.pop().startswith("Take care:\n  DI is known to ± ")
    for block in blocks:
        assert len({len(line) for line in block.splitlines()}) == 1


def test_empty_group_has_no_rate(table: Table) -> None:
    lonely = dataclasses.replace(table, frame=table.frame.assign(sensitive=0), dm_only_names=())
    text = describe(make_dataset(lonely, split_seed=0))
    assert line_of(text, "A = 1") == ["A = 1", "0", "0.0 %", "-"]
    assert "nothing more" in text


def test_long_lists_are_wrapped(table: Table) -> None:
    names = tuple(f"feature_number_{i}" for i in range(40))
    frame = table.frame.assign(**dict.fromkeys(names, table.frame["height"]))
    wide = dataclasses.replace(table, frame=frame, feature_names=names)
    text = describe(make_dataset(wide, split_seed=0))
    assert max(map(len, text.partition("Take care")[0].splitlines())) <= 100
