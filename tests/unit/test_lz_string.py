"""Texts that lz-string itself packed with compressToBase64."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.lz_string import TooLargeError, decompress_base64

PACKED = {
    "": "Q===",
    "a": "IZA=",
    "a" * 47: "IY18ZXSQ",
    "ab" * 500: "IYI17SOrZ+6IcpqXrZj2u5/vQg4o0k8syi6q2m+uxh5p1l9tzj7r3n/voIRA",
    "abracadabra abracadabra": "IYIwTsDGwCahACeVbKA=",
    "the quick brown fox jumps over the lazy dog ": (
        "C4CwpgBAjgrglgYwNYQEYCcD2B3AdhAM0wA8IArGAWwAcBnCTANzHQlEgBsBDALwE8IAE0wBzCEA"
    ),
    '{"event":"é€😀","x":[1,2,3]}': "N4IgpgbmB2AuIC4QEvA1BIXg3AAeyANCAHogNoCMOATDgMwC6AvkA===",
    "\0\xff\u0100\uffff": "AAf8AICP//Q=",
    "橝fbửd띝ff촍d헣e楢聇c⬏fdbb꧃de椶": "rpWDMEaLd4Ami67SKFhZqhj1YKaCNLQ4gEGNDw1CKMMQYcqpVA2SyA==",
}


@pytest.mark.parametrize(("text", "packed"), PACKED.items())
def test_it_works(text: str, packed: str) -> None:
    assert decompress_base64(packed, 1_000) == text


def test_a_longer_text_than_allowed_is_refused_while_it_grows() -> None:
    assert decompress_base64("IY18ZXSQ", 47) == "a" * 47
    with pytest.raises(TooLargeError):
        decompress_base64("IY18ZXSQ", 46)


@pytest.mark.parametrize("packed", ["", "=", "IY18", "no base64!", "////", "ü"])
def test_what_lz_string_never_wrote_is_refused(packed: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decompress_base64(packed, 1_000)


@given(st.text(alphabet="ABCabc019+/=", max_size=200))
def test_any_digits_are_a_text_or_refused(packed: str) -> None:
    with suppress(ValueError, TooLargeError):
        assert len(decompress_base64(packed, 100)) <= 100
