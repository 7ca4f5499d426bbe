"""Reading archived days back, with a look at every byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from beatline.archive.manifest import ArchiveDamaged, Day, Manifest, Part
from beatline.archive.parquet import EventRow, measure, read_rows
from beatline.file_store import FileStore

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BLOCK = 2**20


def verify(store: FileStore, folder: Path, manifest: Manifest) -> None:
    """Read all parts of a day back; folder takes one at a time. Raises ArchiveDamaged."""
    parts = [verify_part(store, folder, day_of(manifest), part) for part in manifest.parts]
    if sum(part.events for part in parts) != manifest.events:
        raise ArchiveDamaged("The parts have not as many events as the day.")
    if sum(int(part.id_sum) for part in parts) != int(manifest.id_sum):
        raise ArchiveDamaged("The parts have other events than the day.")


def verify_part(store: FileStore, folder: Path, day: Day, part: Part) -> Part:
    """Read a part back, and compare it with what is known of it. Raises ArchiveDamaged."""
    path = fetch(store, folder, day, part)
    found = describe(path, day, part.sha256)
    path.unlink()
    if found != part:
        raise ArchiveDamaged(f"{part.name} has other events than the manifest says.")
    return part


def read_day(store: FileStore, folder: Path, manifest: Manifest) -> Iterator[EventRow]:
    """The events of a day in order; folder takes one part at a time. Raises ArchiveDamaged."""
    return chain.from_iterable(read_part(store, folder, day_of(manifest), part) for part in manifest.parts)


def read_part(store: FileStore, folder: Path, day: Day, part: Part) -> Iterator[EventRow]:
    """The events of a part. Raises ArchiveDamaged."""
    path = fetch(store, folder, day, part)
    yield from read_rows(path)
    path.unlink()


def fetch(store: FileStore, folder: Path, day: Day, part: Part) -> Path:
    """Copy a part here. Raises ArchiveDamaged when it is gone, or when its bytes are others."""
    path = folder / f"read-{part.name}"
    try:
        with store.open(day.folder + part.name) as source:
            found = copy(source, path)
    except FileNotFoundError:
        raise ArchiveDamaged(f"{part.name} is gone.") from None
    if found != (part.bytes, part.sha256):
        raise ArchiveDamaged(f"{part.name} has other bytes than the manifest says.")
    return path


def copy(source: BinaryIO, path: Path) -> tuple[int, str]:
    """Copy a file, and answer its size and its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as target:
        while block := source.read(BLOCK):
            digest.update(block)
            target.write(block)
        return target.tell(), digest.hexdigest()


def describe(path: Path, day: Day, sha256: str) -> Part:
    """What a manifest says of a part that lies here, read from the part itself. Raises ArchiveDamaged."""
    measured = measure(path)
    first, last = moment(measured.first_ts), moment(measured.last_ts)
    if measured.projects != {day.project_id} or not day.since <= first <= last < day.until:
        raise ArchiveDamaged("The part has events of another day or project.")
    return Part(
        name=path.name.removeprefix("read-"),
        events=measured.content.events,
        bytes=path.stat().st_size,
        sha256=sha256,
        first_ts=first,
        last_ts=last,
        id_sum=str(measured.content.id_sum),
    )


def moment(microseconds: int) -> datetime:
    """A time of a row."""
    return EPOCH + timedelta(microseconds=microseconds)


def day_of(manifest: Manifest) -> Day:
    """Which day it is of."""
    return Day(manifest.project_id, manifest.day)
