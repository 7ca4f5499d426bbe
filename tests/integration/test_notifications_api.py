"""Devices, preferences and the inbox, by the API: what is taken, what is shown, and to whom."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from psycopg import Connection

from beatline.accounts.access import Role
from beatline.notifications.devices import MOST_DEVICES
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.admin import TOKEN
from tests.fixtures.notifications import LOOPBACK, NOW, queue, work
from tests.fixtures.people import People, Tokens
from tests.providers.https import HttpServer
from tests.providers.webhook_receiver import SECRET

DEVICES, NOTIFICATIONS = "/api/v1/devices", "/api/v1/notifications"
KEYS = {
    "p256dh": urlsafe_b64encode(b"\x04" * 65).decode().rstrip("="),
    "auth": urlsafe_b64encode(b"a" * 16).decode(),
}
BROWSER = {"channel": "web_push", "endpoint": "https://127.0.0.1:4443/push/abc", **KEYS}
ANDROID = {"channel": "fcm", "token": "fcm-registration-token:with_characters"}
IPHONE = {"channel": "apns", "token": "0123456789abcdef" * 4, "sandbox": True}
MAIL = {"channel": "email"}
HOOK = {"channel": "webhook", "url": "https://127.0.0.1:4443/hooks/secret-path"}
QUIET = {
    "from": "22:00", "to": "07:30", "time_zone": "Europe/Berlin", "days": [1, 5], "critical_passes": False
}  # fmt: skip


@pytest.fixture
def guarded(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A collector whose people may have webhooks on this machine."""
    app = create_app(
        Settings(
            database_url=postgres_url,
            redis_url=redis_url,
            data=tmp_path,
            admin_token=TOKEN,
            webhook_networks=LOOPBACK,
            smtp_url="smtp://localhost",
        )
    )
    yield app
    app.extensions["beatline"].close()


@pytest.fixture
def ann(persons: People) -> Tokens:
    """A viewer, signed in."""
    return persons.join("ann@example.com", Role.VIEWER, 1).sign_in()


@pytest.fixture
def bob(persons: People) -> Tokens:
    """Another one."""
    return persons.join("bob@example.com", Role.VIEWER, 1).sign_in()


def account_of(session: Tokens) -> UUID:
    """Whose session it is."""
    return UUID(session("GET", "/api/v1/account").json["account_id"])


def register(session: Tokens, body: dict[str, Any]) -> dict[str, Any]:
    """A device that is new."""
    answer = session("POST", DEVICES, body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def listed(session: Tokens) -> list[dict[str, Any]]:
    """Somebody's devices."""
    return list(session("GET", DEVICES).json["devices"])


@pytest.mark.parametrize(
    ("body", "address"),
    [
        (ANDROID, "…aracters"), (IPHONE, "…89abcdef"), (BROWSER, "127.0.0.1:4443"), (MAIL, "ann@example.com"),
        (MAIL | {"address": "Ann@Example.com"}, "ann@example.com"), (HOOK, HOOK["url"]),
    ],
)  # fmt: skip
def test_given_a_device_then_registering_it_again_refreshes_it(
    ann: Tokens, body: dict[str, Any], address: str
) -> None:
    made = register(ann, body | {"name": "my device"})
    again = ann("POST", DEVICES, body | {"name": "renamed"})

    assert again.status_code == 200
    (device,) = listed(ann)
    assert made["device_id"] == again.json["device_id"] == device["device_id"]
    assert (device["name"], device["address"], device["channel"]) == ("renamed", address, body["channel"])
    assert device["last_seen_at"] > device["registered_at"]
    assert device["unregistered_at"] is None


def test_given_a_webhook_then_its_secret_is_shown_once_and_kept(ann: Tokens, connection: Connection) -> None:
    made = register(ann, HOOK)
    again = ann("POST", DEVICES, HOOK)
    kept = "select target ->> 'secret' from devices"
    first = connection.execute(kept).fetchall()
    changed = ann("POST", DEVICES, HOOK | {"secret": SECRET})

    assert made["secret"].startswith("whsec_")
    assert first == [(made["secret"],)]
    assert (again.json["secret"], changed.json["secret"]) == (None, None)
    assert connection.execute(kept).fetchall() == [(SECRET,)]
    everything = ann("GET", DEVICES).text
    assert "secret" not in everything.replace("secret-path", "")
    assert SECRET not in everything


LONG = "x" * 5_000
# What is sent, and the field that is to blame.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "channel"),
    ({"channel": "pigeon"}, "channel"),
    ({"channel": "fcm"}, "token"),
    (ANDROID | {"token": "short"}, "token"),
    (ANDROID | {"token": LONG}, "token"),
    (ANDROID | {"token": "ä" * 20}, "token"),
    (ANDROID | {"token": "a" * 20 + "\0"}, "token"),
    (ANDROID | {"token": 17}, "token"),
    (ANDROID | {"url": "https://127.0.0.1/"}, "url"),
    (ANDROID | {"name": ""}, "name"),
    (ANDROID | {"name": "a\0"}, "name"),
    (ANDROID | {"name": "x" * 101}, "name"),
    (ANDROID | {"account_id": str(uuid4())}, "account_id"),
    (IPHONE | {"token": "not hexadecimal!"}, "token"),
    (IPHONE | {"token": "not-hexadecimal!"}, "token"),
    (IPHONE | {"token": "ab" * 101}, "token"),
    (BROWSER | {"p256dh": KEYS["auth"]}, "p256dh"),
    (BROWSER | {"auth": "????"}, "auth"),
    (BROWSER | {"endpoint": "http://10.0.0.1/push"}, "endpoint"),
    (BROWSER | {"endpoint": "javascript:alert(1)"}, "endpoint"),
    (MAIL | {"address": "bob@example.com"}, "address"),
    (MAIL | {"address": "ann@example.com\nBcc: bob@example.com"}, "address"),
    ({"channel": "webhook"}, "url"),
    (HOOK | {"url": "http://169.254.169.254/latest/meta-data"}, "url"),
    (HOOK | {"url": "https://user:password@127.0.0.1/"}, "url"),
    (HOOK | {"url": "file:///etc/passwd"}, "url"),
    (HOOK | {"secret": "whsec_c2hvcnQ="}, "secret"),
    (HOOK | {"secret": "\0"}, "secret"),
]


@pytest.mark.parametrize(
    ("body", "field"), WRONG, ids=[f"{index}-{field}" for index, (_, field) in enumerate(WRONG)]
)
def test_given_a_device_that_cannot_be_then_it_is_refused(
    ann: Tokens, body: dict[str, Any], field: str
) -> None:
    answer = ann("POST", DEVICES, body)

    assert answer.status_code == 400, answer.text
    assert list(answer.json["errors"]) == [field]
    assert listed(ann) == []


def test_given_too_many_devices_then_no_more_are_taken_but_known_ones_are(ann: Tokens, bob: Tokens) -> None:
    def android(number: int) -> dict[str, Any]:
        return ANDROID | {"token": f"fcm-registration-token-{number}"}

    for number in range(MOST_DEVICES):
        register(ann, android(number))
    one_more = ann("POST", DEVICES, android(MOST_DEVICES))

    assert (one_more.status_code, len(listed(ann))) == (409, MOST_DEVICES)
    assert ann("POST", DEVICES, android(0)).status_code == 200
    register(bob, android(MOST_DEVICES))


def test_given_an_app_in_which_another_signs_in_then_it_is_theirs(ann: Tokens, bob: Tokens) -> None:
    of_ann, of_bob = register(ann, ANDROID), register(bob, ANDROID)

    assert of_ann["device_id"] != of_bob["device_id"]
    assert listed(ann) == []
    assert [device["device_id"] for device in listed(bob)] == [of_bob["device_id"]]


def test_given_the_webhook_of_another_then_it_stays_theirs_and_one_has_an_own_one(
    ann: Tokens, bob: Tokens
) -> None:
    of_ann, of_bob = register(ann, HOOK), register(bob, HOOK)

    assert of_ann["secret"] != of_bob["secret"]
    assert [len(listed(session)) for session in (ann, bob)] == [1, 1]


def test_given_the_device_of_another_then_it_is_as_if_it_were_not_there(ann: Tokens, bob: Tokens) -> None:
    device_id = register(ann, MAIL)["device_id"]
    for session, method, path in [
        (bob, "DELETE", device_id),
        (bob, "POST", f"{device_id}/test"),
        (bob, "GET", f"{device_id}/deliveries"),
        (ann, "GET", f"{uuid4()}/deliveries"),
        (ann, "DELETE", str(uuid4())),
    ]:
        assert session(method, f"{DEVICES}/{path}").status_code == 404, (method, path)
    assert [device["device_id"] for device in listed(ann)] == [device_id]

    assert ann("DELETE", f"{DEVICES}/{device_id}").status_code == 204
    assert listed(ann) == []


def test_given_a_device_then_it_can_be_tried_once_a_minute_and_says_how_it_went(
    ann: Tokens,
    connection: Connection,
    sending: Settings,
    provider: HttpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("collector.api.devices.utc_now", lambda: NOW)
    device_id = register(ann, HOOK | {"url": f"{provider.url}/hook"})["device_id"]
    assert ann("PUT", f"{NOTIFICATIONS}/preferences", {"preferences": [], "quiet_hours": QUIET | {
        "from": "00:00", "to": "23:59", "days": [1, 2, 3, 4, 5, 6, 7],
    }}).status_code == 204  # fmt: skip

    answers = [ann("POST", f"{DEVICES}/{device_id}/test") for _ in range(2)]
    work(sending, connection)
    shown = ann("GET", f"{DEVICES}/{device_id}/deliveries?limit=1").json

    assert [answer.status_code for answer in answers] == [202, 429]
    assert answers[1].headers["Retry-After"] == "60"
    assert answers[0].json["delivery_id"] == provider.requests[0].headers["webhook-id"]
    (delivery,) = shown["deliveries"]
    assert (delivery["kind"], delivery["state"], delivery["attempt_count"]) == ("test", "sent", 1)
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["sent"]
    assert ann("GET", NOTIFICATIONS).json["notifications"] == []


def test_given_a_page_of_deliveries_then_the_next_one_goes_on(
    ann: Tokens, connection: Connection, sending: Settings
) -> None:
    device_id = register(ann, MAIL)["device_id"]
    for number in range(3):
        queue(connection, [account_of(ann)], key=str(number), title=str(number))
    work(sending, connection)

    path, titles, cursor = f"{DEVICES}/{device_id}/deliveries?limit=2", [], ""
    for _ in range(2):
        page = ann("GET", path + cursor).json
        titles.append([delivery["title"] for delivery in page["deliveries"]])
        cursor = f"&cursor={page['next_cursor']}"

    assert titles == [["2", "1"], ["0"]]


# Preferences


def test_given_nothing_was_chosen_then_everything_is_on(ann: Tokens) -> None:
    shown = ann("GET", f"{NOTIFICATIONS}/preferences").json

    assert shown["quiet_hours"] is None
    assert len(shown["preferences"]) == 4 * 6
    chosen = {(each["enabled"], each["minimum_severity"]) for each in shown["preferences"]}
    assert chosen == {(True, "info")}


def test_given_a_choice_then_it_is_kept_in_the_place_of_the_one_before(ann: Tokens, bob: Tokens) -> None:
    path = f"{NOTIFICATIONS}/preferences"
    off = {"kind": "watch", "channel": "email", "enabled": False, "minimum_severity": "info"}
    critical = {"kind": "alert", "channel": "live", "enabled": True, "minimum_severity": "critical"}
    statuses = [
        ann("PUT", path, {"preferences": [off], "quiet_hours": None}).status_code,
        ann("PUT", path, {"preferences": [critical], "quiet_hours": QUIET}).status_code,
    ]
    shown = ann("GET", path).json

    assert statuses == [204, 204]
    assert [each for each in shown["preferences"] if each["minimum_severity"] != "info"] == [critical]
    assert all(each["enabled"] for each in shown["preferences"])
    assert shown["quiet_hours"] == QUIET
    assert bob("GET", path).json["quiet_hours"] is None
    assert ann("PUT", path, shown).status_code == 204
    assert ann("GET", path).json == shown


PLAIN = {"kind": "watch", "channel": "email", "enabled": True}
WRONG_PREFERENCES: list[dict[str, Any]] = [
    {},
    {"preferences": [PLAIN, PLAIN], "quiet_hours": None},
    {"preferences": [PLAIN | {"kind": "test"}], "quiet_hours": None},
    {"preferences": [PLAIN | {"channel": "pigeon"}], "quiet_hours": None},
    {"preferences": [PLAIN | {"minimum_severity": "fatal"}], "quiet_hours": None},
    {"preferences": [PLAIN] * 1_000, "quiet_hours": None},
    {"preferences": [], "quiet_hours": QUIET | {"from": "24:00"}},
    {"preferences": [], "quiet_hours": QUIET | {"to": "07:00:01"}},
    {"preferences": [], "quiet_hours": QUIET | {"time_zone": "Mars/Base"}},
    {"preferences": [], "quiet_hours": QUIET | {"time_zone": "../../etc/passwd"}},
    {"preferences": [], "quiet_hours": QUIET | {"days": []}},
    {"preferences": [], "quiet_hours": QUIET | {"days": [0]}},
    {"preferences": [], "quiet_hours": QUIET | {"days": [1, 1]}},
    {"preferences": [], "quiet_hours": QUIET | {"to": "22:00", "days": [1, 2, 3, 4, 5, 6, 7]}},
]


def test_given_a_choice_that_cannot_be_then_it_is_refused(ann: Tokens) -> None:
    path = f"{NOTIFICATIONS}/preferences"
    before = ann("GET", path).json
    for wrong in WRONG_PREFERENCES:
        answer = ann("PUT", path, wrong)
        assert (answer.status_code, bool(answer.json["errors"])) == (400, True), wrong
    assert ann("GET", path).json == before


# Inbox


def test_given_notifications_then_each_account_has_its_own_inbox(
    ann: Tokens, bob: Tokens, connection: Connection
) -> None:
    for number in range(3):
        queue(connection, [account_of(ann)], key=f"ann {number}", title=f"for ann {number}")
    queue(connection, [account_of(bob)], key="bob", path="/alerts", severity="critical")
    first = ann("GET", f"{NOTIFICATIONS}?limit=2").json
    second = ann("GET", f"{NOTIFICATIONS}?limit=2&cursor={first['next_cursor']}").json
    (of_bob,) = bob("GET", NOTIFICATIONS).json["notifications"]

    titles = [[each["title"] for each in page["notifications"]] for page in (first, second)]
    assert titles == [["for ann 2", "for ann 1"], ["for ann 0"]]
    assert (first["unread"], second["next_cursor"]) == (3, None)
    assert of_bob.items() >= {
        "kind": "watch", "severity": "critical", "title": "Many errors", "body": "12 in 5 minutes",
        "path": "/alerts", "project_id": 1, "created_at": NOW.isoformat(), "read_at": None,
    }.items()  # fmt: skip


def test_given_something_is_read_then_it_is_marked_and_only_ones_own(
    ann: Tokens, bob: Tokens, connection: Connection
) -> None:
    for number in range(3):
        queue(connection, [account_of(ann), account_of(bob)], key=str(number))
    newest, _, oldest = (each["notification_id"] for each in ann("GET", NOTIFICATIONS).json["notifications"])

    one = ann("POST", f"{NOTIFICATIONS}/{newest}/read")
    unread = ann("GET", f"{NOTIFICATIONS}?unread=true").json
    up_to = ann("POST", f"{NOTIFICATIONS}/read", {"up_to": oldest})
    left = ann("GET", NOTIFICATIONS).json

    assert (one.status_code, up_to.status_code) == (204, 204)
    assert (len(unread["notifications"]), unread["unread"]) == (2, 2)
    assert [each["read_at"] is None for each in left["notifications"]] == [False, True, False]
    assert (left["unread"], bob("GET", NOTIFICATIONS).json["unread"]) == (1, 3)


def test_given_the_notification_of_another_then_it_is_as_if_it_were_not_there(
    ann: Tokens, bob: Tokens, connection: Connection
) -> None:
    queue(connection, [account_of(ann)])
    (own,) = ann("GET", NOTIFICATIONS).json["notifications"]

    for notification_id in (own["notification_id"], 0, 2**63 - 1, 2**63, 10**30):
        assert bob("POST", f"{NOTIFICATIONS}/{notification_id}/read").status_code == 404
    assert bob("POST", f"{NOTIFICATIONS}/read", {"up_to": own["notification_id"]}).status_code == 204
    assert ann("GET", NOTIFICATIONS).json["unread"] == 1


def test_given_an_installation_then_it_says_which_channels_it_has(ann: Tokens) -> None:
    shown = ann("GET", f"{NOTIFICATIONS}/channels").json

    assert {each["channel"]: each["configured"] for each in shown["channels"]} == {
        "fcm": False, "apns": False, "web_push": True, "email": True, "webhook": True, "live": True
    }  # fmt: skip
    assert len(shown["vapid_public_key"]) == 87
    assert shown["kinds"] == ["alert", "watch", "report", "export"]
