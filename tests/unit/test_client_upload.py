"""Uploads of the Python client: what rows become, what is refused, and that memory stays bounded."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from beatline_client import Client, DeliveryError, Progress, Rejection, UploadError, UploadSummary
from beatline_client.upload import MAX_REJECTIONS

from beatline.ingest.csv_rows import read_columns, read_rows
from beatline.ingest.lines import Lines
from tests.fixtures.scripted import HANG_UP, Received, Reply, Scripted, reply, scripted_server

Rows = list[dict[str, Any]]


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted_server() as scripted:
        yield scripted


@pytest.fixture
def client(server: Scripted) -> Iterator[Client]:
    with Client(server.url, "bl_key", backoff=0.01, max_backoff=0.02, max_retries=2) as client:
        yield client


def arrived(server: Scripted) -> Rows:
    """The events, without the ids that the client made."""
    return [{name: value for name, value in event.items() if name != "event_id"} for event in server.events()]


def save(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_given_dicts_then_what_is_no_field_of_an_event_becomes_a_property(
    client: Client, server: Scripted
) -> None:
    rows: Rows = [
        {"event_type": "bought", "user_id": 7, "total": 9.5, "properties": {"items": 2}, "session_id": None},
        {
            "event_type": "seen",
            "distinct_id": "d",
            "timestamp": datetime(2024, 1, 2, tzinfo=UTC),
            "note": None,
        },
    ]
    summary = client.upload(rows)
    assert arrived(server) == [
        {"event_type": "bought", "user_id": "7", "properties": {"total": 9.5, "items": 2}},
        {
            "event_type": "seen", "distinct_id": "d", "timestamp": "2024-01-02T00:00:00+00:00",
            "properties": {"note": None},
        },
    ]  # fmt: skip
    assert (summary.rows, summary.accepted, summary.rejected, summary.rejections) == (2, 2, 0, [])
    assert "sent_at" not in server.requests[0].body


def test_given_a_csv_file_then_columns_are_renamed_converted_left_out_and_completed(
    client: Client, server: Scripted, tmp_path: Path
) -> None:
    path = save(
        tmp_path,
        "orders.csv",
        "customer,when,total,password,event_type,properties\r\n"
        'u1,2024-01-02T03:04:05Z,9.50 EUR,secret,,"{""vip"": true}"\r\n'
        '"u,2",2024-01-03,,secret,refunded,\r\n',
    )
    client.upload(
        path,
        mapping={"customer": "user_id", "when": "timestamp", "password": None},
        convert={"total": lambda cell: float(cell.removesuffix(" EUR"))},
        defaults={"event_type": "bought", "source": "shop"},
    )
    assert arrived(server) == [
        {
            "event_type": "bought", "user_id": "u1", "timestamp": "2024-01-02T03:04:05Z",
            "properties": {"source": "shop", "total": 9.5, "vip": True},
        },
        {
            "event_type": "refunded", "user_id": "u,2", "timestamp": "2024-01-03",
            "properties": {"source": "shop"},
        },
    ]  # fmt: skip


def test_given_a_csv_file_with_bad_rows_then_each_is_named_and_the_others_go(
    client: Client, server: Scripted, tmp_path: Path
) -> None:
    lines = [
        b"user_id,event_type,n",  # the header, with a byte order mark
        b"u1,a,1",
        b"u2,b",
        b"",
        b"u3,a,3,4",
        b"u4,a,\xff",
        b'u5,"a"b,5',
        b"u6,a,six",
        b'u7,"a\nb",7,,',
    ]
    path = save(tmp_path, "rows.csv", b"\xef\xbb\xbf" + b"\n".join(lines))
    summary = client.upload(path, convert={"n": lambda n: n if "\udcff" in n else int(n)})
    assert [event["user_id"] for event in server.events()] == ["u1", "u2", "u7"]
    assert (summary.rows, summary.accepted, summary.rejected) == (7, 3, 4)
    reasons = {row: json.dumps(errors) for row, errors in summary.rejections}
    assert list(reasons) == [3, 4, 5, 6]
    assert "More cells than columns" in reasons[3]
    assert "no JSON" in reasons[4]
    assert "Not valid CSV" in reasons[5]
    assert reasons[6].startswith('{"n": ["ValueError: invalid literal')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "user_id,event_type,,n\nu1,a,x,1\n"),
        ("rows.csv.gz", gzip.compress(b"user_id,event_type,n\nu1,a,1\n", mtime=0)),
        ("rows.ndjson", '{"user_id": "u1", "event_type": "a", "n": 1}\n\n'),
        ("rows.jsonl.gz", gzip.compress(b'{"user_id": "u1", "event_type": "a", "n": 1}', mtime=0)),
        ("rows.ndjson", b'\xef\xbb\xbf{"user_id": "u1", "event_type": "a", "n": 1}\r\n'),
    ],
)
def test_given_a_file_then_its_name_says_what_it_is(
    client: Client, server: Scripted, tmp_path: Path, name: str, content: str | bytes
) -> None:
    assert client.upload(str(save(tmp_path, name, content))).accepted == 1
    assert arrived(server) == [{"user_id": "u1", "event_type": "a", "properties": {"n": 1}}]


def test_given_another_name_then_the_format_can_be_said(
    client: Client, server: Scripted, tmp_path: Path
) -> None:
    path = save(tmp_path, "rows.txt", "user_id;event_type\nu1;a\n")
    with pytest.raises(ValueError, match=r"neither .csv"):
        client.upload(path)
    assert client.upload(path, format="csv").accepted == 1


@pytest.mark.parametrize(
    "content",
    [
        "event_type,user_id,n\na,u1,1\n\n,,\nb,u2\n",
        "User ID;Event Name;event_type;TimeStamp;time;n\nu1;a; b ;2024-01-02;x;1,5\n",
        "userId\tevent\tts\tplan\nu1\ta\t2024-01-02\t pro \n",
        "$row,event-type,,user_id,$reason\n7,a,x,u1,Bad.\n",
        'event_type,properties,n\na,"{""n"": 1, ""m"": [2]}",3\nb,{},\n',
        "event_type,a,b,c,d,e,f,g\nx,1,-1.50,01,1e5,1234567890123456,TRUE,Truely\n",
        "event_type,a,b,c,d\nx,0,-0,.5,0.0000000000000001\n",
        'event_type,text\nx,"two\nlines"\ny,"say ""hi"""\n',
    ],
)
def test_given_a_csv_file_then_it_is_understood_as_the_collector_would(
    client: Client, server: Scripted, tmp_path: Path, content: str
) -> None:
    assert client.upload(save(tmp_path, "rows.csv", content)).rejected == 0
    lines = Lines(BytesIO(content.encode()), 2**20)
    imported = [json.loads(row.raw) for row in read_rows(lines, read_columns(lines, None))]
    assert arrived(server) == [{"properties": {}, **event} for event in imported]


def test_given_a_converted_column_then_the_function_gets_the_text_of_the_cell(
    client: Client, server: Scripted, tmp_path: Path
) -> None:
    path = save(tmp_path, "rows.csv", "event_type,zip,total,User Name\na,10115,7.10,true\n")
    client.upload(path, convert={"zip": str, "total": Decimal}, mapping={"User Name": "name"})
    assert server.events()[0]["properties"] == {"zip": "10115", "total": 7.1, "name": True}


def test_given_ndjson_then_columns_are_renamed_too(client: Client, server: Scripted, tmp_path: Path) -> None:
    path = save(tmp_path, "rows.ndjson", '{"what": "a", "who": 7, "secret": 1}\n[]\n')
    client.upload(path, mapping={"what": "event_type", "who": "user_id", "secret": None})
    assert arrived(server) == [{"event_type": "a", "user_id": "7", "properties": {}}]


def test_given_an_ndjson_file_with_bad_lines_then_each_is_named(client: Client, tmp_path: Path) -> None:
    good = b'{"user_id": "u1", "event_type": "a"}'
    lines = [good, b'{"user_id": ', b"[1]", b'{"n": NaN}', b'{"n": "\xff"}', b"[" * 100_000, good]
    summary = client.upload(save(tmp_path, "rows.ndjson", b"\n".join(lines)))
    assert (summary.accepted, summary.rejected) == (2, 5)
    assert [row for row, _ in summary.rejections] == [2, 3, 4, 5, 6]
    assert summary.rejections[1] == Rejection(3, {"row": ["Not a JSON object."]})


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("text", "row"),
        ({"event_type": "a", "properties": "[1]"}, "properties"),
        ({"event_type": "a", "properties": 7}, "properties"),
        ({"event_type": "a", "n": object()}, "row"),
    ],
)
def test_given_a_row_that_cannot_be_sent_then_it_is_rejected_here(
    client: Client, server: Scripted, row: Any, field: str
) -> None:
    summary = client.upload([row])
    assert (summary.rejected, list(summary.rejections[0].errors)) == (1, [field])
    assert server.requests == []


def test_given_rows_that_the_collector_refuses_then_they_are_named_by_their_row(
    client: Client, server: Scripted
) -> None:
    errors = {"event_type": ["Missing data for required field."]}
    second = reply(200, {"accepted": 1, "rejected": [{"index": 1, "errors": errors}]})
    server.replies = [reply(200, {"accepted": 2, "rejected": []}), second]
    summary = client.upload(({"n": n} for n in range(4)), batch_size=2)
    assert summary.rejections == [Rejection(4, errors)]
    assert (summary.rows, summary.accepted, summary.rejected) == (4, 3, 1)


def test_given_very_many_bad_rows_then_all_are_counted_and_the_first_are_kept(client: Client) -> None:
    summary = client.upload(object() for _ in range(MAX_REJECTIONS + 500))  # type: ignore[misc]
    assert (summary.rejected, len(summary.rejections)) == (MAX_REJECTIONS + 500, MAX_REJECTIONS)


def test_given_the_same_upload_id_then_rows_have_the_same_ids_and_their_own_ids_stay(
    client: Client, server: Scripted
) -> None:
    rows = [{"n": 0}, {"n": 1}, {"n": 2, "event_id": "mine"}]
    for upload_id in ("orders 2024", "orders 2024", "orders 2025", None, None):
        client.upload(rows, upload_id=upload_id)
    first, again, other, *made = [[event["event_id"] for event in batch] for batch in server.batches()]
    assert first == again
    assert len({*first, *other, *made[0], *made[1]}) == 4 * 2 + 1


def test_given_a_long_iterable_then_no_more_than_a_batch_of_it_is_held(
    client: Client, server: Scripted
) -> None:
    made = 0
    ahead = []

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal made
        for _ in range(1000):
            made += 1
            yield {"event_type": "a"}

    def look(request: Received) -> Reply:
        ahead.append(made - len(server.events()))
        return reply(200, {"accepted": len(request.body["events"]), "rejected": []})

    server.replies = [look] * 10
    assert client.upload(rows(), batch_size=100).accepted == 1000
    assert len(server.requests) == 10
    assert max(ahead) <= 1


def test_given_large_rows_then_batches_are_bounded_in_bytes(client: Client, server: Scripted) -> None:
    client.upload({"event_type": "a", "text": "x" * 2**20} for _ in range(10))
    assert [len(batch) for batch in server.batches()] == [3, 3, 3, 1]


def test_given_a_file_then_progress_goes_up_to_all_of_it(
    client: Client, server: Scripted, tmp_path: Path
) -> None:
    line = '{"event_type": "a", "user_id": "u", "text": "' + "x" * 1000 + '"}\n'
    path = save(tmp_path, "rows.ndjson", line * 100)
    seen: list[Progress] = []
    client.upload(path, batch_size=30, progress=seen.append)
    assert [progress.rows for progress in seen] == [30, 60, 90, 100]
    assert [progress.accepted for progress in seen] == [30, 60, 90, 100]
    assert seen[-1].bytes_read == path.stat().st_size
    assert 0 < (seen[0].percent or 0) < (seen[1].percent or 0) < 100
    assert seen[-1].percent == 100
    assert seen[-1].rows_per_second > 0


@pytest.mark.parametrize(
    ("rows", "percent"),
    [([{"event_type": "a"}] * 4, [50, 100]), (iter([{"event_type": "a"}] * 4), [None] * 2)],
)
def test_given_an_iterable_then_percent_is_known_when_its_length_is(
    client: Client, rows: Any, percent: list[float | None]
) -> None:
    seen: list[Progress] = []
    client.upload(rows, batch_size=2, progress=seen.append)
    assert [progress.percent for progress in seen] == percent


@pytest.mark.parametrize("empty", ["", "user_id,event_type\n"])
def test_given_an_empty_file_then_nothing_is_sent(
    client: Client, server: Scripted, tmp_path: Path, empty: str
) -> None:
    seen: list[Progress] = []
    summary = client.upload(save(tmp_path, "rows.csv", empty), progress=seen.append)
    assert (summary.rows, len(seen), seen[0].percent) == (0, 1, 100)
    assert server.requests == []


def test_given_a_short_trouble_then_the_upload_goes_on(client: Client, server: Scripted) -> None:
    server.replies = [HANG_UP, reply(503, Retry_After="0")]
    assert client.upload([{"event_type": "a"}]).accepted == 1
    assert len({event["event_id"] for event in server.events()}) == 1


def test_given_a_lasting_trouble_then_the_error_says_how_far_it_came_and_how_to_repeat_it(
    client: Client, server: Scripted
) -> None:
    server.replies = [reply(200, {"accepted": 2, "rejected": []}), *[reply(503)] * 3]
    with pytest.raises(UploadError, match="upload_id='mine' to repeat it") as raised:
        client.upload([{"event_type": "a"}] * 6, batch_size=2, upload_id="mine")
    summary = raised.value.summary
    assert (summary.upload_id, summary.rows, summary.accepted, summary.rejected) == ("mine", 5, 2, 0)
    assert isinstance(raised.value.__cause__, DeliveryError)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv.gz", gzip.compress(b"user_id,event_type\n" + b"u,a\n" * 5_000, mtime=0)[:-20]),
        ("rows.csv.gz", b"\x1f\x8bnot gzip at all"),
        ("rows.csv", "user_id,event_type,user_id\nu,a,u\n"),
        ("rows.csv", "User ID,event_type,user_id\nu,a,u\n"),
        ("rows.csv", "\nu,a\n"),
    ],
)
def test_given_a_damaged_file_then_the_upload_ends_with_an_error(
    client: Client, tmp_path: Path, name: str, content: str | bytes
) -> None:
    with pytest.raises(UploadError):
        client.upload(save(tmp_path, name, content))


def test_given_no_such_file_then_that_is_said(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.upload(tmp_path / "missing.csv")


def test_given_errors_of_the_caller_then_they_are_passed_on(client: Client) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"event_type": "a"}
        raise ZeroDivisionError

    def stop(progress: Progress) -> None:
        raise KeyError(progress.rows)

    with pytest.raises(ZeroDivisionError):
        client.upload(rows())
    with pytest.raises(KeyError):
        client.upload([{"event_type": "a"}], progress=stop)
    with pytest.raises(ValueError, match="batch_size"):
        client.upload([], batch_size=0)


def test_given_nothing_then_the_summary_says_so(client: Client) -> None:
    summary = client.upload([])
    assert isinstance(summary, UploadSummary)
    assert (summary.rows, summary.accepted, summary.rejected) == (0, 0, 0)
