"""What the files of the archive hold, and how two sets of events become one."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatline.archive import parquet, restoring
from beatline.archive.archiving import union
from beatline.archive.manifest import ArchiveDamaged, Day, Manifest, Part, make_manifest, parse
from beatline.archive.parquet import EventRow, measure, place_of, read_rows, sum_of_ids, write_parts

DAY = Day(1, date(2026, 3, 4))
MIDNIGHT = int(datetime(2026, 3, 4, tzinfo=UTC).timestamp()) * 1_000_000


def row(ts: int, event_id: int, properties: str = "{}") -> EventRow:
    """An event so many microseconds into the day."""
    moment = MIDNIGHT + ts
    return (1, event_id.to_bytes(16, "big"), moment, moment, "view", *[None] * 8, properties)


rows = st.lists(st.builds(row, st.integers(0, 3), st.integers(0, 3)), max_size=12).map(
    lambda many: sorted(many, key=place_of)
)


@given(rows, rows)
def test_a_union_has_each_event_as_often_as_the_one_that_has_it_more_often(
    archived: list[EventRow], stored: list[EventRow]
) -> None:
    both = list(union(archived, stored))

    assert both == sorted(both, key=place_of)
    assert Counter(both) == Counter(archived) | Counter(stored)


@given(st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=20))
def test_ids_are_summed_by_their_lower_halves(numbers: list[int]) -> None:
    halves = [number % 2**64 for number in numbers]
    signed = [half - 2**64 if half >= 2**63 else half for half in halves]
    assert sum_of_ids([number.to_bytes(16, "big") for number in numbers]) == sum(signed)


def test_groups_and_parts_are_bounded_by_rows_and_by_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 4)
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1_000)
    events = [
        row(number, number, '{"a": "' + "x" * (600 if number >= 8 else 0) + '"}') for number in range(12)
    ]

    assert [len(group) for group in parquet.groups(events)] == [4, 4, 2, 2]
    parts = list(write_parts(events, tmp_path, part_rows=6))
    assert [measure(part).content.events for part in parts] == [8, 4]
    assert [each for part in parts for each in read_rows(part)] == events


@pytest.mark.parametrize(
    ("events", "reason"),
    [([row(2, 1), row(1, 2)], "order of time"), ([], "no events")],
)
def test_a_file_that_is_no_part_is_refused(tmp_path: Path, events: list[EventRow], reason: str) -> None:
    path = tmp_path / "part.parquet"
    with parquet.pq.ParquetWriter(path, parquet.SCHEMA) as writer:
        if events:
            writer.write_table(parquet.table_of(events))
    with pytest.raises(ArchiveDamaged, match=reason):
        measure(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 and nothing that follows is Parquet PAR1"])
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "part.parquet"
    path.write_bytes(content)
    with pytest.raises(ArchiveDamaged, match="cannot be read"):
        measure(path)


def a_manifest(**changes: Any) -> Manifest:
    """A manifest of one part."""
    since = DAY.since
    part = Part("part-0000-0123abcd.parquet", 3, 100, "ab", since, since + timedelta(hours=1), "-5")
    return msgspec.structs.replace(make_manifest(DAY, 1, [part], since, "1.0"), **changes)


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = a_manifest()
    assert parse(msgspec.json.encode(manifest), DAY) == manifest


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema_version": 2}, "version 2"),
        ({"project_id": 2}, "project 2"),
        ({"day": date(2026, 3, 5)}, "2026-03-05"),
        ({"parts": (msgspec.structs.replace(a_manifest().parts[0], name="../../../etc/passwd"),)}, "no part"),
        ({"events": "many"}, "cannot be read"),
        ({"parts": None}, "cannot be read"),
    ],
)
def test_a_manifest_of_something_else_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArchiveDamaged, match=reason):
        parse(msgspec.json.encode(a_manifest(**changes)), DAY)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(ArchiveDamaged, match="cannot be read"):
        parse(text, DAY)


def test_events_are_put_back_in_bounded_statements_that_say_how_manieth_each_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restoring, "BATCH_ROWS", 3)
    events = [row(0, 1), row(0, 2), row(0, 2), row(0, 2), row(1, 2, '{"n": 9007199254740993}')]

    batches = [[msgspec.json.decode(each) for each in batch] for batch in restoring.batches(events)]

    assert [[each["copy"] for each in batch] for batch in batches] == [[1, 1, 2], [3, 1]]
    assert batches[1][1]["ts"] == "2026-03-04T00:00:00.000001Z"
    assert batches[1][1]["properties"] == {"n": 9_007_199_254_740_993}
