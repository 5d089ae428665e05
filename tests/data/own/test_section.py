"""A key of a user's table is written once."""

import pytest
from pydantic import Field

from study.cli import main
from study.data import Guess, load_section
from study.data.own import section as room
from study.data.own.section import DatasetSection, description, role_keys
from study.errors import DataError
from study.own_table import study_file
from tests.worlds.own_tables import ROLES, cases


class More(DatasetSection):
    """The section with another key, which is all that is written of it."""

    weight: str | None = Field(default=None, description="a column of weights, such as `2`")


def test_another_key_is_known_everywhere_from_its_field_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "DatasetSection", More)
    monkeypatch.setattr(role_keys, "__defaults__", (More,))
    assert role_keys()[-1] == "weight"
    with pytest.raises(SystemExit):
        main(["init", "--help"])
    assert "--weight COLUMN a column of weights, such as 2" in " ".join(capsys.readouterr().out.split())
    assert "# weight: a column of weights, such as 2" in study_file("c.csv", Guess({}, {}), place="c.yaml")

    dataset = load_section(More.model_validate({**ROLES, "weight": "income"}), cases())
    assert "income" not in dataset.feature_names
    with pytest.raises(DataError, match=r"dataset\.weight: column nowhere not found; columns are"):
        load_section(More.model_validate({**ROLES, "weight": "nowhere"}), cases())
    with pytest.raises(DataError, match=r"dataset\.weight: column bad is named in label as well"):
        load_section(More.model_validate({**ROLES, "weight": "bad"}), cases())


def test_description_of_every_key_is_one_plain_line() -> None:
    for key in ("path", *role_keys()):
        assert description(key)
        assert "`" not in description(key)
        assert "\n" not in description(key)
