"""Decompression of lz-string's compressToBase64, for old releases of posthog-js (CONTRACTS, section 6.3).

The format is pieroxy's lz-string: LZ78 with codes of growing width, least significant bit first, over UTF-16
code units, packed six bits to a base64 digit. Written here because the output must be bounded while it grows.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

CHARACTER_8, CHARACTER_16, END = 0, 1, 2


class TooLargeError(Exception):
    """The text is longer than allowed."""


class Bits:
    """The bits of base64 digits, six a digit, the most significant first."""

    def __init__(self, text: str) -> None:
        digits = text.rstrip("=")
        packed = base64.b64decode(digits + "A" * (-len(digits) % 4), validate=True)
        self.bits = f"{int.from_bytes(packed, 'big'):0{len(packed) * 8}b}"
        self.position = 0

    def take(self, count: int) -> int:
        """A number of so many bits, the least significant first. Raises ValueError at the end."""
        taken = self.bits[self.position : self.position + count]
        if len(taken) < count:
            raise ValueError("it ends too early")
        self.position += count
        return int(taken[::-1], 2)


def decompress_base64(text: str, max_length: int) -> str:
    """The text of a compressToBase64. Surrogate pairs come out as one character.

    Raises TooLargeError beyond max_length UTF-16 units, ValueError when it is malformed.
    """
    pieces: list[str] = []
    length = 0
    for piece in entries(Bits(text)):
        length += len(piece)
        if length > max_length:
            raise TooLargeError
        pieces.append(piece)
    joined = "".join(pieces)
    return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def entries(bits: Bits) -> Iterator[str]:
    """The dictionary entries that the codes name, in turn."""
    dictionary: list[str] = ["", "", ""]  # the three codes that are no entries
    width, room = 2, 2  # room: entries until codes grow by a bit
    first = True
    last = ""
    while (code := bits.take(width)) != END:
        if code in (CHARACTER_8, CHARACTER_16):
            dictionary.append(chr(bits.take(8 if code == CHARACTER_8 else 16)))
            code = len(dictionary) - 1
            if not first:
                room -= 1
                if room == 0:
                    width, room = width + 1, 1 << width
        entry = next_entry(dictionary, code, last)
        yield entry
        if not first:
            dictionary.append(last + entry[0])
            room -= 1
        else:
            width, room = 3, 4
        if room == 0:
            width, room = width + 1, 1 << width
        first, last = False, entry


def next_entry(dictionary: list[str], code: int, last: str) -> str:
    """The entry of a code; the one that is about to be made is the last one and its first character."""
    if code < len(dictionary):
        return dictionary[code]
    if code == len(dictionary) and last:
        return last + last[0]
    raise ValueError("a code names no entry")
