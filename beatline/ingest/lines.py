"""Lines of a file, however large it is: one at a time, bounded, each with its number and its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

BOM = b"\xef\xbb\xbf"


class TooLong(Exception):  # noqa: N818 - a line or row that nobody can use
    """A row is longer than allowed; the rest of its line was passed over."""


class Lines(Iterator[str]):
    """The lines of a file from a position on, as texts with their line ends.

    A row may take several lines: begin_row() starts the next one. max_bytes bounds a row, and so the
    memory. broken says whether a line of the row is no UTF-8; its odd bytes are replaced.
    """

    def __init__(self, file: BinaryIO, max_bytes: int, offset: int = 0, number: int = 0) -> None:
        self.file = file
        self.max_bytes = max_bytes
        self.offset = offset  # bytes before the next line
        self.number = number  # of the line read last, 1 for the first
        file.seek(offset)
        self.begin_row()

    def begin_row(self) -> None:
        """From here on the lines belong to another row."""
        self.first = self.number + 1
        self.parts: list[bytes] = []
        self.row_bytes = 0
        self.broken = False

    def read(self) -> bytes:
        """The next line as it lies in the file; empty at the end. Raises TooLong."""
        line = self.file.readline(self.max_bytes + 1)
        self.number += bool(line)
        self.offset += len(line)
        self.row_bytes += len(line)
        if self.row_bytes > self.max_bytes:
            self.pass_over(line)
            raise TooLong(f"Longer than {self.max_bytes} bytes.")
        if self.number == 1:
            line = line.removeprefix(BOM)
        self.parts.append(line)
        return line

    def pass_over(self, line: bytes) -> None:
        """Go on to the end of a line that was read in part."""
        while line and not line.endswith(b"\n"):
            line = self.file.readline(2**16)
            self.offset += len(line)

    def __next__(self) -> str:
        line = self.read()
        if not line:
            raise StopIteration
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.broken = True
            return line.decode(errors="replace")

    def text(self) -> str:
        """The row as far as it was read."""
        return b"".join(self.parts).decode(errors="replace")
