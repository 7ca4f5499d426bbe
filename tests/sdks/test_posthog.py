"""PostHog's SDKs, unchanged: what each call is stored as (CONTRACTS, sections 6, 9 and 10)."""

from __future__ import annotations

import pytest
from psycopg import Connection

from tests.fixtures.rows import Row
from tests.sdks import wire
from tests.sdks.conftest import Send
from tests.sdks.releases import POSTHOG_BROWSERS, POSTHOG_SERVERS, Release
from tests.sdks.runs import Run
from tests.sdks.stored import (
    ABSENT,
    Columns,
    assert_identity_and_time,
    by_type,
    canonical,
    columns_of,
    read_aliases,
    read_groups,
    read_rows,
    read_users,
)

USER = {"user_id": "usr_1"}
VISITOR = {"anonymous_id": "anon_1"}
ON_SERVERS: dict[str, Columns] = {
    "$identify": USER,
    "Order Completed": USER | {"session_id": "01a203d7-6426-7799-8e1d-a86421fdc728", "app_version": "1.2.3"},
    "page_view": USER | {"session_id": "sess_1", "page_url": "https://shop.example/pricing"},
    "screen_view": USER,
    "Order Imported": USER,
    "$set": USER,
    "$set_once": USER,
    "$group": {},  # the SDK's own choice
    "$alias": USER | {"anonymous_id": "anon_0"},
    "$exception": USER,
}
IN_BROWSERS: dict[str, Columns] = {
    "Product Viewed": VISITOR,
    "Order Completed": USER | VISITOR | {"app_version": "1.2.3"},
    "$alias": USER | {"anonymous_id": "anon_0"},
}
ORDER = {
    "total": 9.99,
    "currency": "EUR",
    "items": [{"sku": "A-1", "count": 2}],
    "$gift/card.no": "ü",
}
TRAITS = {"email": "ada@example.com", "city": "London", "first_page": "/pricing"}
MAPPED = {  # properties that become columns, profiles, or have done their duty
    "token", "distinct_id", "$user_id", "$device_id", "$session_id", "$current_url", "$app_version",
    "app_version", "$os", "$os_name", "$os_version", "$anon_distinct_id", "$group_type", "$group_key",
    "alias", "$set", "$set_once",
}  # fmt: skip


@pytest.mark.parametrize("release", POSTHOG_SERVERS, ids=lambda release: release.name)
def test_given_a_server_then_each_call_is_stored_as_what_it_means(
    release: Release, send: Send, database: Connection
) -> None:
    run = send(release)
    rows = by_type(read_rows(database, run))
    assert {kind: columns_of(row) for kind, row in rows.items()} == on_servers(run)
    assert_identity_and_time(run, rows)
    assert_properties_kept(run, rows)
    assert read_users(database, run)["usr_1"] == TRAITS
    anonymous = {"anon_1"} if "$anon_distinct_id" in run.sent()["$identify"]["properties"] else set()
    assert read_aliases(database, run) == {(known_as, "usr_1") for known_as in {"anon_0"} | anonymous}
    assert read_groups(database, run) == {("company", "grp_1"): {"name": "Acme", "seats": 5}}


@pytest.mark.parametrize("release", POSTHOG_BROWSERS, ids=lambda release: release.name)
def test_given_a_browser_then_each_call_is_stored_as_what_it_means(
    release: Release, send: Send, database: Connection
) -> None:
    run = send(release)
    rows = by_type(read_rows(database, run))
    assert {kind: columns_of(row) for kind, row in rows.items()} == in_browsers(run)
    assert_identity_and_time(run, rows)
    assert_properties_kept(run, rows)
    assert read_users(database, run)["usr_1"].items() >= TRAITS.items()
    assert read_aliases(database, run) == {("anon_0", "usr_1"), ("anon_1", "usr_1")}
    assert read_groups(database, run) == {("company", "grp_1"): {"name": "Acme", "seats": 5}}


def on_servers(run: Run) -> dict[str, Columns]:
    """The columns of each event: constants, but for ids that the SDK makes up."""
    expected = {kind: ABSENT | columns for kind, columns in ON_SERVERS.items()}
    sent = run.sent()
    if "$anon_distinct_id" in sent["$identify"]["properties"]:
        expected["$identify"] |= VISITOR
    if "Anonymous Visit" in sent:
        visitor = {"anonymous_id": sent["Anonymous Visit"]["distinct_id"]}
        expected["Anonymous Visit"] = ABSENT | visitor
    actor = sent["$groupidentify"]["distinct_id"]
    expected["$group"] |= {"user_id": None if actor == "$company_grp_1" else actor}
    return expected


def in_browsers(run: Run) -> dict[str, Columns]:
    """The columns of each event: constants, and what the browser adds."""
    return {
        canonical(name): ABSENT | browser_columns(item) | IN_BROWSERS.get(canonical(name), USER | VISITOR)
        for name, item in run.sent().items()
    }


def browser_columns(item: wire.Item) -> Columns:
    """The page, the visit, the device and the system."""
    said = item["properties"]
    columns = {"page_url": "$current_url", "session_id": "$session_id", "device_id": "$device_id"}
    return {column: said[name] for column, name in columns.items()} | {"os_name": "Linux"}


def assert_properties_kept(run: Run, rows: dict[str, Row]) -> None:
    """What the SDK says and no column has is stored as it was said, but for nulls and the key."""
    assert rows["Order Completed"]["properties"].items() >= ORDER.items()
    for name, item in run.sent().items():
        stored = rows[canonical(name)]["properties"]
        assert {"token", "nothing"}.isdisjoint(stored), name
        said = {k: v for k, v in item["properties"].items() if v is not None and k not in MAPPED}
        assert {k: stored.get(k) for k in said} == said, name
