"""Files under names, in a folder and in S3-compatible storage."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beatline.errors import StartError
from beatline.file_store import FileStore, LocalFiles, S3Files, open_file_store


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """An empty store of each kind."""
    url = request.getfixturevalue("s3") if request.param == "s3" else None
    return open_file_store(url, tmp_path / "files")


def finished(folder: Path, content: bytes) -> Path:
    """A file that somebody wrote."""
    file = folder / "written"
    file.write_bytes(content)
    return file


def test_a_file_that_was_put_is_there_and_gone_where_it_was(store: FileStore, tmp_path: Path) -> None:
    written = finished(tmp_path, b"rows")

    store.put(written, "exports/1.csv")

    assert store.size("exports/1.csv") == 4
    with store.open("exports/1.csv") as file:
        assert file.read() == b"rows"
    assert not written.exists()


def test_a_file_replaces_the_one_of_its_name(store: FileStore, tmp_path: Path) -> None:
    for content in (b"old", b"newer"):
        store.put(finished(tmp_path, content), "a")

    assert (store.size("a"), list(store.names(""))) == (5, ["a"])


def test_names_are_listed_by_how_they_begin(store: FileStore, tmp_path: Path) -> None:
    for name in ("archive/2/b", "archive/1/a", "exports/c"):
        store.put(finished(tmp_path, b""), name)

    assert list(store.names("archive/")) == ["archive/1/a", "archive/2/b"]


def test_what_is_not_there(store: FileStore) -> None:
    store.delete("nothing")

    assert (store.size("nothing"), list(store.names(""))) == (None, [])
    with pytest.raises(FileNotFoundError):
        store.open("nothing")


def leave_a_part(store: FileStore, name: str) -> None:
    """Be killed while a file is put under a name, long ago."""
    if isinstance(store, S3Files):
        store.client.create_multipart_upload(Bucket=store.bucket, Key=store.prefix + name)
    elif isinstance(store, LocalFiles):
        part = store.path(name).with_name(".0123.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"ha")
        os.utime(part, (0, 0))


def parts_of(store: FileStore) -> int:
    """How many parts there are that have no name."""
    if isinstance(store, S3Files):
        return len(store.client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", []))
    assert isinstance(store, LocalFiles)
    return len(list(store.folder.rglob("*.part")))


def test_what_the_killed_have_left_is_deleted_in_time_and_nothing_else(
    store: FileStore, tmp_path: Path
) -> None:
    store.put(finished(tmp_path, b"rows"), "exports/whole")
    for name in ("exports/half", "archive/half"):
        leave_a_part(store, name)
    assert list(store.names("")) == ["exports/whole"]

    store.delete_abandoned("exports/", datetime(1969, 1, 1, tzinfo=UTC))
    assert parts_of(store) == 2, "as if they were just written"
    store.delete_abandoned("exports/", datetime.now(UTC) + timedelta(days=1))

    assert (parts_of(store), list(store.names(""))) == (1, ["exports/whole"])


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/etc/passwd", "", "."])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        LocalFiles(tmp_path).open(name)


def test_a_url_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="s3://bucket/prefix"):
        open_file_store("ftp://example.com/files", tmp_path)
