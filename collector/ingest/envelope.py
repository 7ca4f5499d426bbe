"""The bodies of SDKs: one event, an array of events, or an object with a batch and what is for all of it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from collector.ingest.batch import split_batch
from collector.ingest.body import form_data, json_of
from collector.ingest.collect import Collector
from collector.ingest.request import Request, malformed


class Envelope(msgspec.Struct):
    """What protocols read beside the batch are fields of their own structs. They are typed Any: an odd value
    there must not cost the events."""

    batch: list[msgspec.Raw] | None = None


Body = TypeVar("Body", bound=Envelope)


def json_text(collector: Collector, request: Request) -> bytes:
    """The JSON of a request: its body, else the query's `data`. Raises Refused."""
    max_bytes = collector.settings.max_body_bytes
    if not request.body and "data" in request.query:
        return form_data(request.environ["QUERY_STRING"].encode(), max_bytes)
    return json_of(request.body, request.header("Content-Encoding"), max_bytes)


def open_envelope(text: bytes, decoder: msgspec.json.Decoder[Body]) -> Body:
    """The envelope of a JSON text; its batch is None when the text is one event. Raises Refused."""
    if text.startswith(b"["):
        text = b'{"batch":%s}' % text
    try:
        return split_batch(text, decoder, "batch")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise malformed(f"Not valid JSON: {error}") from None
