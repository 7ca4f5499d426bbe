"""Taking a batch apart, so that one bad event costs its neighbours nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


class BatchBody(msgspec.Struct):
    """{"events": […]}, the events still as text."""

    events: list[msgspec.Raw]


decode_batch = msgspec.json.Decoder(BatchBody).decode


def split_batch(body: bytes) -> Sequence[msgspec.Raw | bytes]:
    """The events of a batch body, each as JSON text.

    Raises msgspec.MsgspecError when the body as a whole is not {"events": […]}.
    """
    try:
        return decode_batch(body).events
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return split_by_brackets(body)


def split_by_brackets(body: bytes) -> list[bytes]:
    """The events of a body in which some event is no valid JSON (a lone surrogate, bytes that are no UTF-8,
    nesting beyond the decoder's depth) while its brackets are sound. Only texts and brackets are looked at.

    Raises msgspec.DecodeError when the brackets are not sound or there are no events.
    """
    events: list[bytes] = []
    key, start = b"", None
    for text, depth, begin, end in structure(body):
        if depth == 1 and text.startswith(b'"'):
            key = text
        elif depth == 2 and key == b'"events"':
            if text == b"[":
                start = end
            elif text in (b",", b"]") and start is not None:
                events.append(body[start:begin])
                start = end
    if not any(map(bytes.strip, events)):
        raise msgspec.DecodeError("JSON is malformed")
    return events


def structure(body: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """(token, depth, begin, end) of every text, bracket and comma; a bracket has the depth of its inside.

    Raises msgspec.DecodeError when the brackets do not close at the end of the body.
    """
    depth, end = 0, 0
    for token in TOKEN.finditer(body):
        text, end = token.group(), token.end()
        depth += text in (b"[", b"{")
        yield text, depth, token.start(), end
        depth -= text in (b"]", b"}")
        if depth <= 0:
            break
    if depth != 0 or body[end:].strip():
        raise msgspec.DecodeError("JSON is malformed: its brackets do not match")
