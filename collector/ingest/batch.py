"""Taking a batch apart, so that one bad event costs its neighbours nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

import msgspec

# A text without an end goes on to the end of the body; nothing is read twice, whatever the body.
TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
MAX_TOKENS = 2_000_000  # more than 8 MiB of events have

Body = TypeVar("Body", bound=msgspec.Struct)


def split_batch(body: bytes, decoder: msgspec.json.Decoder[Body], name: str) -> Body:
    """A batch body as the decoder's struct, whose field `name` holds the events, each as JSON text.

    Raises msgspec.MsgspecError when the body as a whole does not fit.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        events, rest = split_by_brackets(body, name)
        batch = decoder.decode(rest)
        setattr(batch, name, [msgspec.Raw(event) for event in events])
        return batch


def split_by_brackets(body: bytes, name: str) -> tuple[list[bytes], bytes]:
    """The events in the list `name` of a body, and the body without them. For bodies in which some event is
    no valid JSON (a lone surrogate, bytes that are no UTF-8, nesting beyond the decoder's depth) while the
    brackets are sound: only texts and brackets are looked at.

    Raises msgspec.DecodeError when the brackets are not sound or there are no events.
    """
    list_name = b'"%s"' % name.encode()
    events: list[bytes] = []
    key, first, start = b"", 0, None
    for text, depth, begin, end in structure(body):
        if depth == 1 and text.startswith(b'"'):
            key = text
        elif depth == 2 and key == list_name:
            if text == b"[":
                first = start = end
            elif text in (b",", b"]") and start is not None:
                events.append(body[start:begin])
                start = end
    if not any(map(bytes.strip, events)) or start is None:
        raise msgspec.DecodeError("JSON is malformed")
    return events, body[:first] + body[start - 1 :]


def structure(body: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """(token, depth, begin, end) of every text, bracket and comma; a bracket has the depth of its inside.

    Raises msgspec.DecodeError when the brackets do not close at the end of the body, or there are too many.
    """
    depth, end = 0, 0
    for token in islice(TOKEN.finditer(body), MAX_TOKENS):
        text, end = token.group(), token.end()
        depth += text in (b"[", b"{")
        yield text, depth, token.start(), end
        depth -= text in (b"]", b"}")
        if depth <= 0:
            break
    if depth != 0 or body[end:].strip():
        raise msgspec.DecodeError("JSON is malformed: its brackets do not match")
