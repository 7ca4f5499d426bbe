"""Files that people and jobs keep: exports, reports, the archive. In a folder, or in S3-compatible storage.

A file is written somewhere else first and then put under its name, so a name stands for a whole file or for
none, whenever the process is killed. S3 shows an object only once its upload is complete:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from beatline.errors import StartError

PART = ".part"  # the end of the name of a file that is not whole


class FileStore(Protocol):
    """Where files lie. A name is a relative path of parts divided by slashes."""

    def put(self, file: Path, name: str) -> None:
        """Move a file that is finished under a name; one that has the name is replaced."""

    def open(self, name: str) -> BinaryIO:
        """A file to read. Raises FileNotFoundError."""

    def size(self, name: str) -> int | None:
        """How many bytes a file has; None when there is none of the name."""

    def delete(self, name: str) -> None:
        """Delete a file, if there is one of the name."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all files that begin so, in order."""

    def delete_abandoned(self, prefix: str, before: datetime) -> None:
        """Delete what has been left, since before a time, of files that were to have a name that begins so:
        whoever put them there was killed."""


class LocalFiles:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def put(self, file: Path, name: str) -> None:
        """Move a finished file under a name. It is on disk before it has the name."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{uuid4().hex}{PART}")
        shutil.move(file, part)
        sync(part)
        part.replace(target)
        sync(target.parent)

    def open(self, name: str) -> BinaryIO:
        """A file to read. Raises FileNotFoundError."""
        return self.path(name).open("rb")

    def size(self, name: str) -> int | None:
        """How many bytes a file has."""
        path = self.path(name)
        return path.stat().st_size if path.is_file() else None

    def delete(self, name: str) -> None:
        """Delete a file."""
        self.path(name).unlink(missing_ok=True)

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all files that begin so."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.suffix != PART)
        names = (path.relative_to(self.folder).as_posix() for path in files)
        return iter(sorted(name for name in names if name.startswith(prefix)))

    def delete_abandoned(self, prefix: str, before: datetime) -> None:
        """Delete parts that were last written before a time."""
        for path in list(self.folder.rglob(f".*{PART}")):
            if path.relative_to(self.folder).as_posix().startswith(prefix):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before.timestamp():
                        path.unlink()

    def path(self, name: str) -> Path:
        """Where a file lies. Raises ValueError for a name that leads out of the folder."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder) or path == self.folder:
            raise ValueError(f"{name!r} is no name of a file here")
        return path


class S3Files:
    """Files in a bucket, with the credentials, region and endpoint that boto3 finds by itself."""

    def __init__(self, bucket: str, prefix: str) -> None:
        import boto3  # noqa: PLC0415 - half a second that only its users wait

        self.client: Any = boto3.client("s3")
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""

    def put(self, file: Path, name: str) -> None:
        """Upload a finished file, in parts where it is large, and delete it here."""
        self.client.upload_file(str(file), self.bucket, self.prefix + name)
        file.unlink()

    def open(self, name: str) -> BinaryIO:
        """A file to read. Raises FileNotFoundError."""
        try:
            body: BinaryIO = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"]
        except self.client.exceptions.NoSuchKey:
            raise FileNotFoundError(name) from None
        return body

    def size(self, name: str) -> int | None:
        """How many bytes a file has."""
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            return int(self.client.head_object(Bucket=self.bucket, Key=self.prefix + name)["ContentLength"])
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def delete(self, name: str) -> None:
        """Delete a file."""
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + name)

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all files that begin so."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                yield item["Key"].removeprefix(self.prefix)

    def delete_abandoned(self, prefix: str, before: datetime) -> None:
        """Abort uploads in parts that began before a time: nobody sees their parts, but they are stored."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.bucket, Prefix=self.prefix + prefix
        )
        for upload in [upload for page in pages for upload in page.get("Uploads", [])]:
            if upload["Initiated"] < before:
                self.client.abort_multipart_upload(
                    Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )


def open_file_store(url: str | None, folder: Path) -> FileStore:
    """The store of a URL, s3://bucket/prefix or a folder's path; the folder when there is none.

    Raises StartError for a URL of another kind.
    """
    if url is None:
        return LocalFiles(folder)
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        return S3Files(parts.netloc, parts.path.strip("/"))
    if parts.scheme:
        raise StartError(f"{url}: must be a folder, or s3://bucket/prefix")
    return LocalFiles(Path(url))


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
