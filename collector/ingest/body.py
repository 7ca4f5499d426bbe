"""Bodies as SDKs send them: the bytes decide what they are, never Content-Type (CONTRACTS, section 2).

gzip, zlib and zstd by their magic bytes; then JSON, or a form with `data`, or bare base64. Whatever is
unpacked is bounded while it is unpacked, so a small body cannot become a large one in memory.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from urllib.parse import unquote_to_bytes

import zstandard

from beatline.events import Reason
from collector.ingest import lz_string
from collector.ingest.request import Refused, malformed, parse_fields, too_large

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
JSON_STARTS = (b"{", b"[")
ZSTD_WINDOW = 8 * 2**20
MAX_VALUES = 1_000_000


def json_of(body: bytes, content_encoding: str | None, max_bytes: int) -> bytes:
    """The JSON text in a body, of at most max_bytes. Raises Refused: 400 malformed, 413 too large."""
    text = inflate(body, content_encoding, max_bytes).strip()
    if not text.startswith(JSON_STARTS):
        is_form = text.startswith(b"data=") or b"&data=" in text
        text = form_data(text, max_bytes) if is_form else unpack_base64(text, max_bytes)
    if not text.startswith(JSON_STARTS):
        raise malformed("Neither JSON nor a form nor base64.")
    return few_values(text)


def few_values(text: bytes) -> bytes:
    """The same JSON text, when it has not too many values: the smallest ones take thirty times their text in
    memory. Raises Refused: 413."""
    if text.count(b",") >= MAX_VALUES:
        message = f"More than {MAX_VALUES} values."
        raise Refused(413, Reason.TOO_LARGE, "The request was refused.", {"body": [message]})
    return text


def inflate(body: bytes, content_encoding: str | None, max_bytes: int) -> bytes:
    """The body without its compression. Raises Refused."""
    if body.startswith(GZIP):
        return bounded(zlib.decompressobj(wbits=31), body, max_bytes)
    if body.startswith(ZSTD):
        return inflate_zstd(body, max_bytes)
    if content_encoding and content_encoding.lower() == "deflate":
        return bounded(zlib.decompressobj(), body, max_bytes)
    return body


def bounded(inflater: zlib._Decompress, body: bytes, max_bytes: int) -> bytes:
    """What zlib makes of a body, as long as that is at most max_bytes."""
    try:
        inflated = inflater.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise malformed(f"Not valid gzip: {error}") from None
    if len(inflated) > max_bytes:
        raise too_large(max_bytes)
    if not inflater.eof:
        raise malformed("The compressed body ends too early.")
    return inflated


def inflate_zstd(body: bytes, max_bytes: int) -> bytes:
    """What zstd makes of a body, as long as that is at most max_bytes."""
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_reader(body)
        inflated: bytes = reader.read(max_bytes + 1)
    except zstandard.ZstdError as error:
        raise malformed(f"Not valid zstd: {error}") from None
    if len(inflated) > max_bytes:
        raise too_large(max_bytes)
    return inflated


def form_data(form: bytes, max_bytes: int) -> bytes:
    """The JSON in a form's `data`: lz-string (posthog-js 1.10), base64, or as it is."""
    fields = parse_fields(form.decode(errors="replace"))
    data = fields.get("data", "")
    if fields.get("compression") == "lz64":
        return unpack_lz64(data.replace(" ", "+"), max_bytes)
    text = data.encode(errors="replace").lstrip()
    return text if text.startswith(JSON_STARTS) else unpack_base64(text, max_bytes)


def unpack_lz64(data: str, max_bytes: int) -> bytes:
    """What lz-string makes of a text, as long as that is at most max_bytes. The text itself may have an
    eighth of that: it is unpacked in Python."""
    if len(data) > max_bytes // 8:
        raise too_large(max_bytes // 8)
    try:
        text = lz_string.decompress_base64(data, max_bytes).encode("utf-8", "surrogatepass")
    except lz_string.TooLargeError:
        raise too_large(max_bytes) from None
    except ValueError as error:
        raise malformed(f"Not valid lz-string: {error}") from None
    if len(text) > max_bytes:
        raise too_large(max_bytes)
    return text


def unpack_base64(text: bytes, max_bytes: int) -> bytes:
    """What is in base64, standard or URL-safe, percent-encoded or with blanks for `+`."""
    if b"%" in text:
        text = unquote_to_bytes(text)
    text = text.replace(b" ", b"+").replace(b"-", b"+").replace(b"_", b"/")
    try:
        unpacked = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise malformed("Neither JSON nor a form nor base64.") from None
    return inflate(unpacked, None, max_bytes).lstrip()
