"""CSV at the batch route: a small file is a batch whose events are its rows (REQUIREMENTS I7)."""

from __future__ import annotations

from io import BytesIO
from itertools import islice

from beatline.events import Reason
from beatline.ingest.csv_rows import BadFile, Row, decode_row, read_columns, read_rows
from beatline.ingest.lines import Lines
from beatline.ingest.pipeline import Protocol
from beatline.ingest.wire import TYPE_LENGTH, TrackedEventSchema
from collector.answers import Answer, json_answer
from collector.ingest.body import GZIP, inflate
from collector.ingest.collect import Collector, shown
from collector.ingest.request import Refused, Request, length_required

CSV_TYPES = {"text/csv", "text/tab-separated-values", "application/csv"}
CSV = Protocol("csv", decode_row, TrackedEventSchema)


def default_event_type(request: Request) -> str | None:
    """The event type of rows that name none. Raises Refused when it cannot be one."""
    event_type = request.query.get("event_type")
    if event_type is not None and ("\0" in event_type or not 1 <= len(event_type) <= TYPE_LENGTH):
        errors = {"event_type": [f"Not a text of 1 to {TYPE_LENGTH} characters."]}
        raise Refused(400, Reason.INVALID, "The file was refused.", errors)
    return event_type


def csv_batch(collector: Collector, request: Request) -> Answer:
    """Store the good rows; the others are named in the answer, by their index and line, and kept."""
    limit = collector.settings.max_body_bytes
    if request.is_chunked and not request.body.startswith(GZIP):
        raise length_required()
    body = inflate(request.body, request.header("Content-Encoding"), limit)
    collector.authenticate(request)
    rows = rows_of(body, default_event_type(request), collector.settings.max_batch_events + 1)
    refused = collector.many(request, CSV, [row.raw for row in rows])
    rejected = [{**item, "line": rows[item["index"]].line} for item in shown(refused)]
    return json_answer(200, {"accepted": len(rows) - len(rejected), "rejected": rejected})


def rows_of(body: bytes, default_type: str | None, most: int) -> list[Row]:
    """The rows of a CSV body, the first `most`. Raises Refused."""
    lines = Lines(BytesIO(body), len(body))
    try:
        rows = list(islice(read_rows(lines, read_columns(lines, default_type)), most))
    except BadFile as error:
        raise Refused(400, Reason.INVALID, "The CSV was refused.", error.errors) from None
    if not rows:
        raise Refused(400, Reason.INVALID, "The CSV was refused.", {"body": ["No rows."]})
    return rows
