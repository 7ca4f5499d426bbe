"""Receiving a file: streamed to disk, unpacked and bounded on the way, never in memory."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.wsgi import LimitedStream

from beatline.events import Reason
from collector.ingest.body import GZIP
from collector.ingest.front_door import content_length
from collector.ingest.request import Refused, length_required, malformed, too_large

PIECE = 2**16


class Upload:
    """A file that is being received; gzip is told by its first bytes. Has what werkzeug needs of a file.

    Writing raises Refused: 413 when the file, unpacked, is larger than max_bytes, 400 for broken gzip.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.file: IO[bytes] = path.open("wb")
        self.max_bytes = max_bytes
        self.size = 0  # unpacked
        self.head: bytes | None = b""  # the first bytes, until there are enough to tell
        self.inflater: zlib._Decompress | None = None

    def write(self, data: bytes) -> int:
        """Take more of the file."""
        taken = len(data)
        if self.head is not None:
            data = self.head + data
            self.head = data if len(data) < len(GZIP) else None
            if self.head is not None:
                return taken
            if data.startswith(GZIP):
                self.inflater = zlib.decompressobj(wbits=31)
        for piece in self.unpacked(data) if self.inflater else (data,):
            self.keep(piece)
        return taken

    @property
    def knows_its_end(self) -> bool:
        """Whether a file that is cut off could be told from a whole one; true until that is clear."""
        return self.head is not None or self.inflater is not None

    def unpacked(self, data: bytes) -> Iterator[bytes]:
        """What gzip makes of more data, piece by piece; a file may be of several members."""
        while data:
            if self.inflater is None or self.inflater.eof:
                self.inflater = zlib.decompressobj(wbits=31)
            try:
                yield self.inflater.decompress(data, PIECE)
            except zlib.error as error:
                raise malformed(f"Not valid gzip: {error}") from None
            data = self.inflater.unconsumed_tail or self.inflater.unused_data

    def keep(self, data: bytes) -> None:
        """Write to disk, within the limit."""
        self.size += len(data)
        if self.size > self.max_bytes:
            raise too_large(self.max_bytes)
        self.file.write(data)

    def finish(self) -> int:
        """Have the whole file on disk; its size. Raises Refused when its gzip has no end."""
        if self.head:
            self.keep(self.head)
        if self.inflater and not self.inflater.eof:
            raise malformed("The compressed file ends too early.")
        self.file.flush()
        os.fsync(self.file.fileno())
        return self.size

    def seek(self, place: int, whence: int = 0) -> int:
        """Werkzeug rewinds what it has received; there is nothing to do."""
        return place

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def receive(environ: dict[str, Any], path: Path, max_bytes: int) -> int:
    """Write the file of a request to a path: the file of a multipart form, else the body. Returns its size.

    Raises Refused, and OSError when the disk does not take it.
    """
    media_type, options = parse_options_header(environ.get("CONTENT_TYPE"))
    upload = Upload(path, max_bytes)
    try:
        if media_type == "multipart/form-data":
            receive_form(environ, options, upload)
        else:
            receive_body(environ, upload)
        return upload.finish()
    finally:
        upload.close()


def receive_body(environ: dict[str, Any], upload: Upload) -> None:
    """The body is the file. Raises Refused for one whose end cannot be told from a broken connection."""
    stream = body_of(environ, upload.max_bytes)
    knows_length = content_length(environ) >= 0
    while data := stream.read(PIECE):
        upload.write(data)
        if not knows_length and not upload.knows_its_end:
            raise length_required()


def receive_form(environ: dict[str, Any], options: dict[str, str], upload: Upload) -> None:
    """The form has one file. Raises Refused when it has none or more."""
    parts: list[str | None] = []

    def part(
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        parts.append(filename)
        if len(parts) > 1:
            raise Refused(400, Reason.INVALID, "The form was refused.", {"file": ["More than one file."]})
        return cast(IO[bytes], upload)

    parser = FormDataParser(part, max_form_memory_size=PIECE, max_form_parts=10, silent=False)
    stream = body_of(environ, upload.max_bytes)
    try:
        parser.parse(stream, "multipart/form-data", None, options)
    except RequestEntityTooLarge:
        raise too_large(PIECE) from None
    except ValueError as error:
        raise malformed(f"Not a form: {error}") from None
    if not parts:
        raise Refused(
            400, Reason.INVALID, "The form was refused.", {"file": ["Missing data for required field."]}
        )


def body_of(environ: dict[str, Any], max_bytes: int) -> IO[bytes]:
    """The body of a request, as a stream. Raises Refused at once for a length that is too large as it stands;
    reading it raises werkzeug's ClientDisconnected for a body that ends before its length."""
    length = content_length(environ)
    if length > max_bytes + PIECE:
        raise too_large(max_bytes)
    stream = environ["wsgi.input"]
    return cast(IO[bytes], LimitedStream(stream, length) if length >= 0 else stream)
