"""Where results lie: what names a local path, what a store, and what is never said aloud."""

import pickle
from pathlib import Path

import pytest

from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.storage.locations import RemotePath, local_logs, location


def test_paths_are_local_and_so_is_file() -> None:
    for given in ("results/x", Path("results/x")):
        assert location(given) == Path("results/x")
    assert location("file:///tmp/a%20study") == Path("/tmp/a study")
    assert location("C:/windows") == Path("C:/windows")


@pytest.mark.parametrize(
    "uri", ["s3://bucket/a/study", "gs://bucket/study", "abfss://box@account.dfs.core.windows.net/study"]
)
def test_a_uri_names_a_place_in_a_store(uri: str) -> None:
    there = location(uri)
    assert isinstance(there, RemotePath)
    assert (str(there), there.uri, there.name) == (uri, uri, "study")
    assert str(there / "runs" / "a.b.parquet") == f"{uri}/runs/a.b.parquet"
    assert (there / "runs" / "a.b.parquet").stem == "a.b"
    assert location(uri + "/") == there == location(there) == (there / "runs").parent
    assert pickle.loads(pickle.dumps(there)) == there
    assert ResultsDirectory(uri).where == uri


def test_a_bucket_itself_is_a_place() -> None:
    assert str(location("s3://bucket") / "study.yaml") == "s3://bucket/study.yaml"


@pytest.mark.parametrize("wrong", [Path("s3://bucket/study"), "s3:/bucket/study"])
def test_a_uri_that_became_a_path_is_refused(wrong: Path | str) -> None:
    with pytest.raises(LedgerError, match="is neither a path nor a URI"):
        ResultsDirectory(wrong)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3://KEY:hush@bucket/x?region=eu", "s3://bucket/x?region=eu"),
        (
            "s3://b/x?scheme=http&endpoint_override=h:1&token=hush",
            "s3://b/x?scheme=http&endpoint_override=h:1",
        ),
        ("abfss://box:hush@account.dfs.core.windows.net/x", "abfss://account.dfs.core.windows.net/x"),
        ("gs://b/x?access_token=hush", "gs://b/x"),
    ],
)
def test_keys_in_a_uri_are_passed_on_and_never_shown(uri: str, said: str) -> None:
    there = location(uri)
    assert isinstance(there, RemotePath)
    assert (str(there), repr(there)) == (said, f"RemotePath({said!r})")
    assert there.uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "nowhere://KEY:hush@bucket/x?token=hush",
        "s3://KEY:hush@bucket/x?region=eu&token=hush",
        "s3://KEY:hush@bucket:port/x",
    ],
)
def test_what_cannot_be_opened_is_refused_in_one_line_without_its_keys(uri: str) -> None:
    with pytest.raises(
        LedgerError, match=r"cannot be opened .*a local path is allowed, or a URI"
    ) as refused:
        ResultsDirectory(uri).exists()
    assert "hush" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_logs_are_local_and_their_own_for_every_study(tmp_path: Path) -> None:
    assert local_logs(tmp_path) == tmp_path / "logs"
    one, other = (local_logs(location(f"s3://bucket/{name}/study")) for name in ("one", "other"))
    assert one != other
    assert one.is_absolute()
