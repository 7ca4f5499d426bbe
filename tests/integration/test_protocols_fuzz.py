"""Whatever is sent to a route of an SDK: never an answer of 5xx, and a healthy collector afterwards."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import zstandard
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collector.ingest import plausible, posthog, posthog_config, rudderstack, segment
from tests.fixtures.storage import count

PATHS = [
    path.replace("{}", "any")
    for protocol in (segment, rudderstack, posthog, posthog_config, plausible)
    for path in protocol.ROUTES
]
NAMES = """type event userId anonymousId previousId groupId messageId traits properties context integrations
    timestamp originalTimestamp sentAt writeKey channel name category app device os page version id url
    library sessionId userAgent userAgentData platform batch api_key token distinct_id uuid sent_at offset
    $set $set_once $time $insert_id $user_id $device_id $session_id $current_url $os $lib $is_server alias
    $anon_distinct_id $group_type $group_key $group_set $ignore_sent_at $process_person_profile options
    session_id n u d p r w e sd i $""".split()  # noqa: SIM905
TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        "track", "identify", "page", "group", "alias", "$identify", "$create_alias", "$groupidentify",
        "pageview", "2026-11-22T13:30:00Z", "9999-12-31T23:59:59-14:00", "posthog-python", "a\0b", "x" * 300,
        '{"a":"\\u0000"}', "\ud800",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=25,
)
EVENTS = st.fixed_dictionaries(
    {"type": TEXTS, "event": TEXTS, "userId": TEXTS, "distinct_id": TEXTS, "n": TEXTS, "u": TEXTS},
    optional={
        name: VALUES for name in NAMES if name not in {"type", "event", "userId", "distinct_id", "n", "u"}
    },
)
BATCHES = st.fixed_dictionaries(
    {"batch": st.lists(EVENTS | VALUES, max_size=3)},
    optional=dict.fromkeys(("context", "integrations", "sent_at", "sentAt", "created_at"), VALUES),
)
BODIES = (EVENTS | BATCHES | st.lists(EVENTS, max_size=3) | VALUES).map(
    lambda value: json.dumps(value).encode()
) | st.binary(max_size=100)
PACKERS = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "base64": base64.b64encode,
    "form": lambda body: urlencode({"data": base64.b64encode(body)}).encode(),
    "form that is lz64": lambda body: urlencode({"data": body, "compression": "lz64"}).encode(),
    "cut off": lambda body: body[:-1],
    "not UTF-8": lambda body: body.replace(b"a", b"\xff"),
}
TYPES = ["", "application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
FEW = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def test_no_request_breaks_the_collector(client: FlaskClient, connection: psycopg.Connection) -> None:
    @FEW
    @given(
        method=st.sampled_from(["POST", "POST", "POST", "GET", "OPTIONS", "PUT"]),
        path=st.sampled_from(PATHS),
        slash=st.sampled_from(["", "/"]),
        query=st.dictionaries(
            st.sampled_from(["_", "token", "data", "compression", "writeKey"]), TEXTS, max_size=2
        ),
        body=BODIES,
        packer=st.sampled_from(sorted(PACKERS)),
        headers=st.fixed_dictionaries(
            {"Content-Type": st.sampled_from(TYPES)},
            optional={
                "Content-Encoding": st.sampled_from(["gzip", "deflate", "zstd", "br"]),
                "PostHog-Request-Timestamp": st.sampled_from(["2026-11-22T13:30:00Z", "soon"]),
                "User-Agent": st.text(
                    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
                ),
                "Origin": st.sampled_from(["https://a.example", "null", "<script>"]),
            },
        ),
    )
    @example(
        "POST",
        "/api/event",
        "",
        {},
        b'{"n":"x","u":"/","p":"{\\"a\\":\\"\\\\u005cu0000\\"}"}',
        "as it is",
        {},
    )
    @example("POST", "/v1/b", "", {}, b'{"batch":[{"userId":"u"}],"context":{"a":"\\u0000"}}', "gzip", {})
    @example("POST", "/e", "", {}, b'{"a":' * 3_000 + b"1" + b"}" * 3_000, "as it is", {})
    @example(
        "POST", "/v1/t", "", {}, b'{"userId":"u","event":"x","context":' + nested(900) + b"}", "as it is", {}
    )
    @example("POST", "/e", "", {}, b'{"event":"x","distinct_id":' + b"9" * 5_000 + b"}", "as it is", {})
    @example("GET", "/e", "", {"data": "\ud800"}, b"", "as it is", {})
    def send(
        method: str,
        path: str,
        slash: str,
        query: dict[str, str],
        body: bytes,
        packer: str,
        headers: dict[str, str],
    ) -> None:
        answer = client.open(
            path + slash,
            method=method,
            query_string="&".join(
                f"{name}={quote(value, errors='replace')}" for name, value in query.items()
            ),
            data=PACKERS[packer](body),
            headers=headers,
        )
        assert answer.status_code in {200, 204, 400, 401, 404, 405, 413, 415}, answer.data

    send()
    stored = count(connection, "events")
    assert client.get("/health/ready").json["status"] == "ok"
    assert client.post("/e/", json={"event": "x", "distinct_id": "afterwards"}).status_code == 200
    assert count(connection, "events") == stored + 1


def nested(levels: int) -> bytes:
    """A JSON object with so many levels."""
    return b'{"a":' * levels + b"1" + b"}" * levels


def test_any_user_agent_and_address_are_a_visitor(
    client: FlaskClient, connection: psycopg.Connection
) -> None:
    @settings(FEW, max_examples=50)
    @given(st.text(max_size=50), st.text(max_size=50))
    def send(address: str, domain: Any) -> None:
        site = json.dumps({"n": "x", "u": "/", "d": domain}).encode("ascii")
        answer = client.post("/api/event", data=site, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code in {200, 400}

    send()
    assert count(connection, "events") > 0
