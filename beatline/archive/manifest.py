"""What is where in the archive. Each day of a project has a folder with its parts and a manifest:

    events/project=<id>/day=YYYY-MM-DD/part-0000-<random>.parquet
    events/project=<id>/day=YYYY-MM-DD/_manifest.json

The manifest is written last and replaced as a whole, so it stands for a day that is complete. What it does
not name is no part of the archive: the parts of an attempt that was killed, or of the generation before. A
part's name is never given twice, so nobody who is late can overwrite a part that counts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from beatline.errors import BeatlineError
from beatline.file_store import FileStore

SCHEMA_VERSION = 1  # of the manifest and of the columns of a part
EVENTS = "events/"
MANIFEST = "_manifest.json"  # readers of Parquet pass over names that begin with _
FOLDER = re.compile(r"events/project=([0-9]+)/day=([0-9]{4}-[0-9]{2}-[0-9]{2})/_manifest\.json")
PART_NAME = r"^part-[0-9]{4,}-[0-9a-f]{8}\.parquet$"


class ArchiveDamaged(BeatlineError):  # noqa: N818 - said of the archive
    """A day of the archive is not what its manifest says; the message says what is wrong."""


class Day(NamedTuple):
    """A UTC day of a project."""

    project_id: int
    day: date

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.day, time(), UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return self.since + timedelta(days=1)

    @property
    def folder(self) -> str:
        """Where its files are."""
        return f"{EVENTS}project={self.project_id}/day={self.day}/"

    @property
    def lock(self) -> str:
        """The name of the lock that who writes or restores it has."""
        return f"beatline archive {self.folder}"


class Content(NamedTuple):
    """What some events amount to. id_sum: of the ids' lower 64 bits, as signed numbers."""

    events: int
    id_sum: int


class Part(msgspec.Struct, frozen=True):
    """A file of a day. id_sum is text, since not every reader of JSON has integers of that size."""

    name: str
    events: int
    bytes: int
    sha256: str
    first_ts: datetime
    last_ts: datetime
    id_sum: str


class Manifest(msgspec.Struct, frozen=True):
    """A day as it is archived; its events are those of the parts together, in the order of time."""

    schema_version: int
    beatline: str
    project_id: int
    day: date
    generation: int
    archived_at: datetime
    events: int
    bytes: int
    first_ts: datetime
    last_ts: datetime
    id_sum: str
    parts: tuple[Part, ...]

    @property
    def content(self) -> Content:
        """What its events amount to."""
        return Content(self.events, int(self.id_sum))


class Found(NamedTuple):
    """A manifest as it lies in the archive; checksum is the SHA-256 of its text."""

    manifest: Manifest
    checksum: str


def make_manifest(day: Day, generation: int, parts: Iterable[Part], now: datetime, version: str) -> Manifest:
    """The manifest of a day that has at least one part."""
    parts = tuple(parts)
    return Manifest(
        schema_version=SCHEMA_VERSION,
        beatline=version,
        project_id=day.project_id,
        day=day.day,
        generation=generation,
        archived_at=now,
        events=sum(part.events for part in parts),
        bytes=sum(part.bytes for part in parts),
        first_ts=min(part.first_ts for part in parts),
        last_ts=max(part.last_ts for part in parts),
        id_sum=str(sum(int(part.id_sum) for part in parts)),
        parts=parts,
    )


def put_manifest(store: FileStore, folder: Path, day: Day, manifest: Manifest) -> Found:
    """Put a day's manifest in the place of the one before; folder is one to write it in first."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    file = folder / MANIFEST
    file.write_bytes(text)
    store.put(file, day.folder + MANIFEST)
    return Found(manifest, hashlib.sha256(text).hexdigest())


def find_manifest(store: FileStore, day: Day) -> Found | None:
    """The manifest of a day; None when it is not archived. Raises ArchiveDamaged."""
    try:
        with store.open(day.folder + MANIFEST) as file:
            text = file.read()
    except FileNotFoundError:
        return None
    return Found(parse(text, day), hashlib.sha256(text).hexdigest())


def parse(text: bytes, day: Day) -> Manifest:
    """The manifest of a text. Raises ArchiveDamaged."""
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArchiveDamaged(f"The manifest cannot be read: {error}") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise ArchiveDamaged(
            f"The manifest is of version {manifest.schema_version}, and this Beatline knows {SCHEMA_VERSION}."
        )
    if (manifest.project_id, manifest.day) != day:
        raise ArchiveDamaged(f"The manifest is of project {manifest.project_id} and {manifest.day}.")
    if not all(re.fullmatch(PART_NAME, part.name) for part in manifest.parts):
        raise ArchiveDamaged("The manifest names a file that is no part.")
    return manifest


def archived_projects(store: FileStore, day: date) -> Iterator[int]:
    """The projects of which a day is archived."""
    for name in store.names(EVENTS):
        found = FOLDER.fullmatch(name)
        if found and found[2] == str(day):
            yield int(found[1])
