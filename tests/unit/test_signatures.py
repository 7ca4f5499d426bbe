"""Signatures of webhooks: which are taken, and that anything else is refused and never fails."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.request import Refused
from collector.ingest.signatures import BAD, EXPIRED, check_timed, check_untimed

SECRET = "whsec_test"
BODY = b'{"type":"order.paid"}'
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
T = str(int(NOW.timestamp()))


def signature(t: str = T, secret: str = SECRET, body: bytes = BODY) -> str:
    """What signs a body and a time."""
    return hmac.new(secret.encode(), t.encode("latin-1") + b"." + body, sha256).hexdigest()


def code(header: str | None, now: datetime = NOW, secret: str = SECRET, body: bytes = BODY) -> str | None:
    """The code of the refusal; None when the signature is taken."""
    try:
        check_timed(header, secret, body, now)
    except Refused as refused:
        return refused.code if refused.status == 401 else str(refused.status)
    return None


@pytest.mark.parametrize(
    "header",
    [
        f"t={T},v1={signature()}",
        f"t={T}, v1={signature()}",
        f"v1={signature()},t={T}",
        f"t={T},v1={'0' * 64},v1={signature()},v0=x",
    ],
)
def test_a_signature_of_secret_time_and_body_is_taken(header: str) -> None:
    assert code(header) is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=",
        f"t={T}",
        f"v1={signature()}",
        signature(),
        f"t={T},v0={signature()}",
        f"t={T},v1={signature().upper()}",
        f"t={T},v1={signature()[:-1]}",
        f"t={T},v1=ä€",
        f"t={int(T) + 1},v1={signature()}",
        f"t={T},v1={signature(secret='another')}",
        f"t={T},v1={signature(body=BODY + b' ')}",
        f"t={T}," + ",".join([f"v1={'0' * 64}"] * 10) + f",v1={signature()}",
    ],
)
def test_any_other_is_refused(header: str | None) -> None:
    assert code(header) == BAD


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, None), (300, None), (-300, None), (301, EXPIRED), (-301, EXPIRED)]
)
def test_a_signature_holds_for_five_minutes_before_and_after(seconds: int, expected: str | None) -> None:
    assert code(f"t={T},v1={signature()}", NOW + timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize("t", ["soon", "-1", "1e9", "9" * 5_000, "²", ""])
def test_a_signed_time_that_is_none_is_long_ago(t: str) -> None:
    assert code(f"t={t},v1={signature(t)}") == EXPIRED


def test_an_expired_time_is_told_only_to_who_has_the_secret() -> None:
    assert code(f"t=1,v1={signature()}") == BAD
    assert code(f"t=1,v1={signature('1')}") == EXPIRED


@given(st.text(st.characters(max_codepoint=255)))
def test_whatever_the_header_holds_is_refused_in_order(header: str) -> None:
    assert code(header) == BAD


def test_a_signature_without_time_is_that_of_the_body() -> None:
    # GitHub's documentation has this example.
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    known = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    check_untimed(f"sha256={known}", secret, body)

    for header in (None, "", known, f"sha1={known}", "sha256=", f"sha256={known[:-1]}0", f"sha256=ä{known}"):
        with pytest.raises(Refused) as refusal:
            check_untimed(header, secret, body)
        assert (refusal.value.status, refusal.value.code) == (401, BAD)
