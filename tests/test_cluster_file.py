"""The file for ``ray up`` is one that Ray takes, offline: as it stands, and as its comments offer it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]
FILE = ROOT / "cluster.yaml"
TEXT = FILE.read_text("utf-8")


def prepared(text: str) -> dict[str, Any]:
    """A file as Ray sees it, defaults filled in; raises where it would refuse it."""
    config: dict[str, Any] = prepare_config(yaml.safe_load(text))
    validate_config(config)
    return config


def on_premise() -> str:
    """The file with the part in comments in place of what it replaces, as the comment says."""
    given = yaml.safe_load(TEXT)
    block = re.search(r"^(# provider:\n(?:# .*\n)+)", TEXT, re.MULTILINE)
    assert block is not None
    own = yaml.safe_load(re.sub(r"^# ", "", block[1], flags=re.MULTILINE))
    (replaced,) = re.findall(r"in place of (.+?)\. They need", TEXT.replace("\n#", ""))
    named = re.findall(r"`(\w+)`", replaced)
    assert set(own) - {"min_workers"} <= set(named) <= set(given)
    return yaml.safe_dump({key: value for key, value in given.items() if key not in named} | own)


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `ray up cluster.yaml` is called: the files to send are named from there."""
    monkeypatch.chdir(ROOT)


def test_the_file_is_valid() -> None:
    config = prepared(TEXT)
    assert config["provider"]["type"] == "aws"
    worker = config["available_node_types"]["worker"]
    assert worker["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert worker["min_workers"] == 0
    assert worker["max_workers"] == config["max_workers"] > 0
    assert config["available_node_types"]["head"]["resources"] == {"CPU": 0}


def test_machines_of_ones_own_are_a_block_of_comments_away() -> None:
    config = prepared(on_premise())
    assert config["provider"]["type"] == "local"
    machines = len(config["provider"]["worker_ips"])
    assert config["max_workers"] == machines
    (node_type,) = config["available_node_types"].values()
    assert node_type["min_workers"] == node_type["max_workers"] == machines


@pytest.mark.parametrize("text", [TEXT, on_premise()], ids=["aws", "local"])
def test_every_node_gets_the_project_and_its_lock_and_no_other_ray(text: str) -> None:
    config = prepared(text)
    # Ray appends these to the setup commands that all nodes share.
    for commands in ("setup_commands", "head_setup_commands", "worker_setup_commands"):
        joined = "\n".join(config[commands])
        assert "-r ~/learning-to-defer/requirements-cluster.lock" in joined
        assert "--no-deps ~/learning-to-defer" in joined
        assert "ray-wheels" not in joined
        assert "boto3>=" not in joined
    for there, here in config["file_mounts"].items():
        assert Path(here).exists() or there == "~/.ray/auth_token", here
    lock = (ROOT / "requirements-cluster.lock").read_text("utf-8")
    assert "\n-r requirements.lock\n" in lock
    torch = re.search(r"^torch==\S+", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert torch is not None
    assert torch[0] in TEXT


@pytest.mark.parametrize("text", [TEXT, on_premise()], ids=["aws", "local"])
def test_nothing_is_bound_publicly(text: str) -> None:
    config = prepared(text)
    start = "\n".join([*config["head_start_ray_commands"], *config["worker_start_ray_commands"]])
    assert "--dashboard-host=127.0.0.1" in start
    assert "0.0.0.0" not in str(config)
    for rule in config["provider"].get("security_group", {}).get("IpPermissions", []):
        assert (rule["FromPort"], rule["ToPort"]) == (22, 22)
        assert all(given["CidrIp"].endswith("/32") for given in rule["IpRanges"])


@pytest.mark.parametrize("text", [TEXT, on_premise()], ids=["aws", "local"])
def test_every_node_asks_for_the_token_that_all_of_them_get(text: str) -> None:
    config = prepared(text)
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    for commands in ("setup_commands", "head_setup_commands", "worker_setup_commands"):
        joined = "\n".join(config[commands])
        assert "RAY_AUTH_MODE=token" in joined
        assert "chmod 600 ~/.ray/auth_token" in joined


@pytest.mark.parametrize("file", [FILE, ROOT / "docs" / "cluster.md"], ids=lambda file: file.name)
def test_no_way_in_turns_the_token_off(file: Path) -> None:
    assert not re.search(r"AUTH_MODE\W+disabled", file.read_text("utf-8"))


def test_what_must_be_edited_is_marked() -> None:
    for words in ("region:", "CidrIp:", "ImageId:", "IamInstanceProfile:"):
        lines = [line for line in TEXT.splitlines() if words in line]
        assert lines
        assert all("# EDIT" in line for line in lines), words


def test_what_ray_does_not_know_is_refused_so_that_the_tests_above_mean_something() -> None:
    for wrong in (TEXT + "unknown_key: 1\n", TEXT.replace("resources: {CPU: 0}", "resources: {CPU: 0.5}")):
        with pytest.raises(Exception, match=r"unknown_key|0\.5"):
            prepared(wrong)
