"""Bodies are what their bytes say (CONTRACTS, section 2), and no larger than allowed when unpacked."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.body import MAX_VALUES, json_of
from collector.ingest.request import Refused

MAX = 2**20
EVENT = json.dumps({"event": "ü~~~???>>>", "n": [1, None]}).encode()
LZ64_EVENTS = (  # posthog-js 1.10: lz-string's compressToBase64
    "NobwRApgbhB2AuYBcYAkAHAhgc2gSwgHcwAaMdAJwHt0IL4CBnZcVK5lAGT1gFcAPUmgDGvChTjwA+mIA2yMAAt48dIyQB6DY0U0AdBH"
    "6YAtulkQNAS8A1BIF4NwAB7Q1D0Z1peACYK8ARicNjCGQfAHYATgBWAGYIgBYIgAYAJj0fHzJUD3xhCClPBQ8/Mg88RgZYYXcvFEKnWT"
    "wAIwVCCCayeCoAazgFAGkAUQBNMABfMioAMwnXRCQohISIkYBdIA"
)


def b64(data: bytes) -> bytes:
    """In base64."""
    return base64.b64encode(data)


SHAPES: dict[str, tuple[bytes, str | None]] = {
    "plain": (EVENT, None),
    "blanks around": (b" \r\n" + EVENT + b"\n", None),
    "gzip": (gzip.compress(EVENT), "gzip"),
    "gzip that does not say so": (gzip.compress(EVENT), None),
    "gzip that says something else": (gzip.compress(EVENT), "br"),
    "not packed though it says so": (EVENT, "gzip"),
    "deflate": (zlib.compress(EVENT), "deflate"),
    "zstd": (zstandard.compress(EVENT), "zstd"),
    "form with base64": (urlencode({"data": b64(EVENT)}).encode(), None),
    "form with + as it is": (b"data=" + b64(EVENT), None),
    "form with more fields": (
        b"ver=1&data=" + quote_plus(b64(EVENT)).encode() + b"&compression=base64",
        None,
    ),
    "form with JSON": (urlencode({"data": EVENT}).encode(), None),
    "form with packed base64": (urlencode({"data": b64(gzip.compress(EVENT))}).encode(), None),
    "packed form": (gzip.compress(urlencode({"data": b64(EVENT)}).encode()), None),
    "bare base64": (b64(EVENT), None),
    "base64 for URLs": (base64.urlsafe_b64encode(EVENT).rstrip(b"="), None),
    "base64 with blanks for +": (b64(EVENT).replace(b"+", b" "), None),
    "percent-encoded base64": (quote(b64(EVENT)).encode(), None),
}


@pytest.mark.parametrize(("body", "encoding"), SHAPES.values(), ids=SHAPES)
def test_the_bytes_say_what_a_body_is(body: bytes, encoding: str | None) -> None:
    assert json_of(body, encoding, MAX) == EVENT


def test_the_base64_of_the_examples_has_every_digit_that_transport_spoils() -> None:
    assert {b"+", b"/", b"="} <= {b64(EVENT)[i : i + 1] for i in range(len(b64(EVENT)))}


@pytest.mark.parametrize("escape", [quote, str])
def test_lz_string_in_a_form(escape: Callable[[str], str]) -> None:
    body = f"data={escape(LZ64_EVENTS)}&compression=lz64".encode()
    (event,) = json.loads(json_of(body, None, MAX))
    assert event["event"] == "$pageview"
    assert event["properties"]["$current_url"] == "https://shop.example/é€😀"


MALFORMED = {
    "nothing": b"",
    "a text": b'"event"',
    "a number": b"17",
    "bytes": b"\x00\x01\xff",
    "base64 of no JSON": b64(b"hello"),
    "broken gzip": b"\x1f\x8b broken",
    "gzip cut off": gzip.compress(EVENT)[:-9],
    "zstd cut off": zstandard.compress(b"hello " * 99)[:12],
    "form without data": b"a=1&data",
    "form with broken base64": b"data=%%%",
    "form with broken lz-string": b"data=AAAA&compression=lz64",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        json_of(body, None, MAX)
    assert (refused.value.status, refused.value.code) == (400, "malformed")


def test_a_form_of_many_fields_is_refused() -> None:
    assert status_of(b"data=x" + b"&a=1" * 1_000) == 400


@given(st.binary(max_size=300), st.sampled_from([None, "gzip", "deflate", "zstd", "br"]))
def test_any_bytes_are_json_or_refused(body: bytes, encoding: str | None) -> None:
    for prefix in (b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"data=", b"compression=lz64&data="):
        assert status_of(prefix + body, encoding) in {200, 400, 413}


def status_of(body: bytes, encoding: str | None = None) -> int:
    """How a body is answered, as far as its shape decides that."""
    try:
        return 200 if json_of(body, encoding, MAX).startswith((b"{", b"[")) else 500
    except Refused as refused:
        return refused.status


def lz64_of_one_letter(length: int) -> bytes:
    """lz-string's form of at least so many times the letter a, which is small: each code names the entry that
    it makes, one longer than the one before."""
    bits = numbered(0, 2) + numbered(ord("a"), 8)
    entries, width, room, entry, total = 4, 3, 4, 1, 1
    while total < length:
        bits += numbered(entries, width)
        entries, room, entry = entries + 1, room - 1, entry + 1
        total += entry
        if room == 0:
            width, room = width + 1, 1 << width
    bits += numbered(2, width)
    bits += "0" * (-len(bits) % 24)
    return b64(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def numbered(value: int, width: int) -> str:
    """The bits of a number, the least significant first."""
    return f"{value:0{width}b}"[::-1]


BOMB = b'{"a":"' + b"a" * 200 * MAX + b'"}'
BOMBS = {
    "gzip": (gzip.compress(BOMB, 1), None),
    "gzip of gzip": (gzip.compress(gzip.compress(BOMB, 1)), None),
    "deflate": (zlib.compress(BOMB, 1), "deflate"),
    "zstd": (zstandard.compress(BOMB), None),
    "zstd that says its size": (zstandard.ZstdCompressor(write_content_size=True).compress(BOMB), None),
    "base64 of gzip": (b64(gzip.compress(BOMB, 1)), None),
    "form of gzip": (urlencode({"data": b64(gzip.compress(BOMB, 1))}).encode(), None),
    "lz-string": (
        urlencode({"data": lz64_of_one_letter(200 * MAX), "compression": "lz64"}).encode(),
        None,
    ),
    "large lz-string": (b"compression=lz64&data=" + b"A" * MAX, None),
}
del BOMB


def test_lz64_of_one_letter_is_a_text() -> None:
    body = urlencode({"data": lz64_of_one_letter(1_000), "compression": "lz64"}).encode()
    assert status_of(body) == 400  # but no JSON
    with pytest.raises(Refused) as refused:
        json_of(body, None, 999)
    assert refused.value.status == 413


@pytest.mark.parametrize(("body", "encoding"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(body: bytes, encoding: str | None) -> None:
    assert len(body) < 2 * MAX
    tracemalloc.start()
    status = status_of(body, encoding)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert status in {400, 413}
    assert peak < 16 * MAX


def test_more_values_than_memory_is_good_for_are_refused() -> None:
    many = b"[" + b"1," * (MAX_VALUES - 1)
    assert json_of(many + b"1]", None, 8 * MAX)
    with pytest.raises(Refused) as refused:
        json_of(many + b"1,1]", None, 8 * MAX)
    assert refused.value.status == 413
