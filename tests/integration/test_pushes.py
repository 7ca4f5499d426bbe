"""From the outbox to a device: who gets what when, and what becomes of each attempt."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from beatline.accounts import people
from beatline.accounts.access import Role
from beatline.notifications.channels import EmailTarget, FcmTarget, WebhookTarget
from beatline.notifications.preferences import Preference, QuietHours, save_preferences
from beatline.settings import Settings
from beatline.storage.queries import query
from tests.fixtures.notifications import (
    LOOPBACK,
    NOW,
    close_connections,
    deliveries,
    make_account,
    make_device,
    queue,
    states,
    webhook,
    work,
)
from tests.providers.https import Handler, HttpServer, Reply, hang_up
from workers import pushes
from workers.notifications import LIFETIME, spread_notifications, trim_notifications
from workers.pushes import FIRST_PAUSE, HASTY_ATTEMPTS, LONGEST_PAUSE, begin, pause, send_push

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = QuietHours(time(11), time(18), "UTC", [1, 2, 3, 4, 5, 6, 7], critical_passes=True)


def sent_ids(provider: HttpServer) -> list[str]:
    """The ids by which devices know what they were sent."""
    return [request.headers["webhook-id"] for request in provider.requests]


def prefer(connection: Connection, account_id: UUID, *wanted: Preference, quiet: Any = None) -> None:
    """Keep what somebody wants."""
    with connection.transaction():
        save_preferences(connection, account_id, list(wanted), quiet)


def test_given_a_notification_then_each_device_is_sent_it_once(
    database: Connection, database_url: str, redis_url: str, provider: HttpServer
) -> None:
    settings = Settings(database_url=database_url, redis_url=redis_url, webhook_networks=LOOPBACK)
    make_account(database, "boss", Role.ADMIN, None)
    ann, bob = make_account(database, "ann"), make_account(database, "bob")
    for account_id, name in ((ann, "phone"), (ann, "desk"), (bob, "phone")):
        make_device(database, account_id, webhook(provider, f"{account_id}/{name}"))
    make_device(database, make_account(database, "carl"), webhook(provider, "carl"))
    for _ in range(2):
        queue(database, [ann, bob])

    assert [work(settings, database, NOW + number * HOUR) for number in range(3)] == [3, 0, 0]

    assert sorted(request.path for request in provider.requests) == sorted(
        [f"/{ann}/desk", f"/{ann}/phone", f"/{bob}/phone"]
    )
    stored = deliveries(database)
    assert {str(each["delivery_id"]) for each in stored} == set(sent_ids(provider))
    assert [(each["state"], each["attempts"], each["outcomes"]) for each in stored] == [
        ("sent", 1, ["sent"])
    ] * 3


def test_given_a_call_then_its_attempt_was_recorded_before_and_its_outcome_is_after(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID, owner_url: str
) -> None:
    seen: list[Any] = []
    attempts = "select attempt, outcome, attempted_at from delivery_attempts"

    def look(handler: Handler) -> None:
        with psycopg.connect(owner_url) as other:
            seen.extend(other.execute(attempts).fetchall())
        handler.reply(Reply(200))

    provider.faults = [look]
    make_device(connection, ann, webhook(provider))
    queue(connection, [ann])
    work(sending, connection)

    assert seen == [(1, None, NOW)]
    assert connection.execute(attempts).fetchall() == [(1, "sent", NOW)]


# the answer: (state, outcome, whether the device is forgotten, its failures)
ANSWERS: dict[str, tuple[Reply | Callable[[Handler], None], tuple[str, str, bool, int]]] = {
    "taken": (Reply(200), ("sent", "sent", False, 0)),
    "gone": (Reply(410), ("failed", "unregistered", True, 1)),
    "refused": (Reply(400, body=b"no\0 such field"), ("failed", "refused", False, 1)),
    "overloaded": (Reply(503), ("waiting", "unavailable", False, 0)),
    "cut off": (hang_up, ("waiting", "unknown", False, 0)),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_given_an_answer_then_it_decides(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID, answer: Any, expected: Any
) -> None:
    device_id = make_device(connection, ann, webhook(provider), NOW - HOUR)
    provider.faults = [answer] * 2  # a request whose connection broke is not repeated at once
    queue(connection, [ann])
    work(sending, connection)

    (delivery,) = deliveries(connection)
    statement = "select unregistered_at is not null, failures from devices where device_id = %s"
    device = connection.execute(statement, [device_id]).fetchone()
    assert (delivery["state"], *delivery["outcomes"], *(device or ())) == expected
    assert (delivery["ended_at"] is None) == (expected[0] == "waiting")


def test_given_a_provider_that_recovers_then_the_repetition_has_the_same_id(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    make_device(connection, ann, webhook(provider))
    provider.faults = [Reply(503, {"Retry-After": "300"}), hang_up]
    queue(connection, [ann])

    due = [work(sending, connection, NOW + minute * MINUTE) for minute in (0, 4, 6, 7)]

    assert due == [1, 0, 1, 1]
    assert len(set(sent_ids(provider))) == 1
    (delivery,) = deliveries(connection)
    assert (delivery["state"], delivery["outcomes"]) == ("sent", ["unavailable", "unknown", "sent"])


def test_given_a_provider_that_is_away_for_long_then_it_is_given_up(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    make_device(connection, ann, webhook(provider))
    provider.faults = [Reply(503) for _ in range(200)]
    queue(connection, [ann])

    now = NOW
    while states(connection) in ([], ["waiting"]):
        work(sending, connection, now)
        now += MINUTE

    assert states(connection) == ["expired"]
    assert now - NOW <= LIFETIME + MINUTE
    assert 24 <= len(provider.requests) <= 60


@pytest.mark.parametrize("attempts", [0, 1, 5, 1_000_000])
def test_a_pause_grows_to_its_bound_and_is_never_shorter_than_asked_for(attempts: int) -> None:
    pauses = [pause(attempts, None) for _ in range(100)]
    longest = min(FIRST_PAUSE * (1 << min(attempts, 20)), LONGEST_PAUSE)
    assert longest / 2 <= min(pauses) < max(pauses) <= longest
    assert pause(attempts, 7_200.0) == timedelta(hours=2)


def test_given_a_worker_dies_before_the_outcome_then_it_is_sent_again_with_the_same_id(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    make_device(connection, ann, webhook(provider))
    queue(connection, [ann])
    spread_notifications(sending, NOW)
    ((delivery_id,),) = connection.execute(query("deliveries_due"), {"now": NOW}).fetchall()
    with closing(psycopg.connect(str(sending.database_url), autocommit=True)) as dying:
        assert begin(dying, delivery_id, NOW)
        send_push(sending, str(delivery_id), NOW)
        while_it_lives = (len(provider.requests), states(connection))

    again = [work(sending, connection, NOW + seconds * timedelta(seconds=1)) for seconds in (5, 10, 20)]

    assert while_it_lives == (0, ["sending"])
    assert again == [0, 1, 0]
    assert sent_ids(provider) == [str(delivery_id)]
    assert deliveries(connection)[0]["outcomes"] == ["none", "sent"]


def test_given_worker_after_worker_dies_with_a_delivery_then_it_is_begun_less_and_less_often(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    make_device(connection, ann, webhook(provider))
    queue(connection, [ann])
    spread_notifications(sending, NOW)
    begun = []
    for seconds in range(0, 3_600, 5):
        now = NOW + timedelta(seconds=seconds)
        for (delivery_id,) in connection.execute(query("deliveries_due"), {"now": now}).fetchall():
            with closing(psycopg.connect(str(sending.database_url), autocommit=True)) as dying:
                assert begin(dying, delivery_id, now)
            begun.append(seconds)

    assert begun[:HASTY_ATTEMPTS] == [0, 10, 20, 30, 40]
    assert begun[-1] - begun[-2] >= 8 * FIRST_PAUSE.total_seconds()
    assert provider.requests == []


def test_given_many_workers_then_a_notification_is_spread_and_sent_once(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    def send(delivery_id: UUID) -> None:
        send_push(sending, str(delivery_id), NOW)
        close_connections()

    make_device(connection, ann, webhook(provider))
    for number in range(10):
        queue(connection, [ann], key=str(number))
    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(spread_notifications, sending, NOW) for _ in range(4)]:
            done.result()
        ids = connection.execute(query("deliveries_due"), {"now": NOW}).fetchall() * 3
        for done in [workers.submit(send, each) for (each,) in ids]:
            done.result()

    assert len(ids) == 30
    assert len(sent_ids(provider)) == len(set(sent_ids(provider))) == 10


def test_given_a_fault_of_ours_then_it_is_tried_again(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    make_device(connection, ann, webhook(provider))
    connection.execute("""update devices set target = '{"channel": "pigeon"}'""")
    queue(connection, [ann])
    work(sending, connection)

    (delivery,) = deliveries(connection)
    assert (delivery["state"], delivery["outcomes"]) == ("waiting", ["unknown"])
    assert "pigeon" in delivery["reason"]


# Who gets what

OFF = {"enabled": False}
# preferences: whether a watch's warning is sent to a webhook
PREFERENCES: dict[str, tuple[dict[str, Any], bool]] = {
    "off": (OFF, False),
    "off for another kind": (OFF | {"kind": "alert"}, True),
    "off for another channel": (OFF | {"channel": "email"}, True),
    "more severe only": ({"minimum_severity": "critical"}, False),
    "as severe": ({"minimum_severity": "warning"}, True),
    "less severe too": ({"minimum_severity": "info"}, True),
}


@pytest.mark.parametrize(("chosen", "is_sent"), PREFERENCES.values(), ids=PREFERENCES)
def test_given_preferences_then_they_decide(
    connection: Connection,
    sending: Settings,
    provider: HttpServer,
    ann: UUID,
    chosen: dict[str, Any],
    is_sent: bool,
) -> None:
    make_device(connection, ann, webhook(provider))
    prefer(connection, ann, Preference(**{"kind": "watch", "channel": "webhook"} | chosen))
    queue(connection, [ann], severity="warning")

    assert work(sending, connection) == is_sent
    assert connection.execute("select count(*) from notification_recipients").fetchone() == (1,)


def disable(connection: Connection, account_id: UUID) -> None:
    """The account may not sign in any more."""
    people.disable_account(connection, account_id, disabled=True)


def take_role(connection: Connection, account_id: UUID) -> None:
    """The account has nothing to do with the project any more."""
    people.set_role(connection, account_id, 1, None)


def forget_device(connection: Connection, account_id: UUID) -> None:
    """The provider says that the device is gone."""
    connection.execute("update devices set unregistered_at = %s", [NOW])


@pytest.mark.parametrize("happens", [disable, take_role, forget_device])
def test_given_somebody_who_is_to_hear_no_more_then_what_waits_is_dropped(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID, happens: Any
) -> None:
    make_device(connection, ann, webhook(provider))
    queue(connection, [ann])
    spread_notifications(sending, NOW)
    happens(connection, ann)
    work(sending, connection)

    (delivery,) = deliveries(connection)
    assert (delivery["state"], delivery["outcomes"], provider.requests) == ("dropped", [], [])
    assert delivery["reason"]


@pytest.mark.parametrize("happens", [disable, forget_device])
def test_given_somebody_who_hears_nothing_then_nothing_is_made_for_them(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID, happens: Any
) -> None:
    make_device(connection, ann, webhook(provider))
    happens(connection, ann)
    queue(connection, [ann])

    assert work(sending, connection) == 0
    assert states(connection) == []


@pytest.mark.parametrize(("severity", "hour"), [("warning", 18), ("critical", 12)])
def test_given_quiet_hours_then_it_waits_for_their_end_unless_it_is_critical(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID, severity: str, hour: int
) -> None:
    make_device(connection, ann, webhook(provider))
    prefer(connection, ann, quiet=NIGHT)
    queue(connection, [ann], severity=severity)
    spread_notifications(sending, NOW)

    (delivery,) = deliveries(connection)
    at = datetime(2026, 3, 4, hour, tzinfo=UTC)
    assert (delivery["next_attempt_at"], delivery["expires_at"]) == (at, at + LIFETIME)
    assert work(sending, connection, at - timedelta(seconds=1)) == 0
    assert work(sending, connection, at) == 1


def test_given_news_of_the_same_subject_then_the_last_one_is_sent_but_to_webhooks_all(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    hook, mail = (
        make_device(connection, ann, target) for target in (webhook(provider), EmailTarget("ann@example.com"))
    )
    prefer(connection, ann, quiet=NIGHT)
    for key in ("firing", "resolved"):
        queue(connection, [ann], key=key, collapse="watch:1")
    queue(connection, [ann], key="something else")
    work(sending, connection)
    work(sending, connection, NOW + 8 * HOUR)

    outcomes = [(each["device_id"], each["state"], each["outcomes"]) for each in deliveries(connection)]
    # No mail server is set up, so the channel refuses what it is asked to send.
    failed = (mail, "failed", ["refused"])
    assert sorted(outcomes) == sorted(
        [(hook, "sent", ["sent"])] * 3 + [(mail, "dropped", []), failed, failed]
    )


def test_given_somebody_sends_about_a_subject_then_later_news_of_it_wait(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    make_device(connection, ann, webhook(provider))
    for key in ("firing", "resolved"):
        queue(connection, [ann], key=key, collapse="watch:1")
    spread_notifications(sending, NOW)
    first, second = (each["delivery_id"] for each in deliveries(connection))
    with closing(psycopg.connect(str(sending.database_url), autocommit=True)) as busy:
        assert begin(busy, first, NOW)
        send_push(sending, str(second), NOW)
    overtaken = len(provider.requests)
    send_push(sending, str(second), NOW)

    assert (overtaken, sent_ids(provider)) == (0, [str(second)])


def test_given_a_device_is_registered_again_during_the_call_then_it_is_not_forgotten(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID, owner_url: str
) -> None:
    target = webhook(provider)

    def register_again(handler: Handler) -> None:
        with psycopg.connect(owner_url) as other:
            make_device(other, ann, target, NOW + MINUTE)
        handler.reply(Reply(410))

    provider.faults = [register_again]
    make_device(connection, ann, target)
    queue(connection, [ann])
    work(sending, connection)

    assert states(connection) == ["failed"]
    assert connection.execute("select unregistered_at from devices").fetchall() == [(None,)]


def test_given_a_device_goes_to_another_account_then_nothing_of_the_first_reaches_it(
    connection: Connection, sending: Settings, ann: UUID
) -> None:
    app = FcmTarget("t" * 20)
    queue(connection, [ann], key="for ann")
    before = make_device(connection, ann, app)
    spread_notifications(sending, NOW)
    after = make_device(connection, make_account(connection, "bob"), app)

    assert before != after
    assert deliveries(connection) == []
    assert connection.execute("select device_id from devices").fetchall() == [(after,)]


def test_given_the_same_webhook_then_each_account_has_its_own(connection: Connection, ann: UUID) -> None:
    target = WebhookTarget("https://example.com/hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    of_ann = make_device(connection, ann, target)
    of_bob = make_device(connection, make_account(connection, "bob"), target)

    assert make_device(connection, ann, target, NOW + HOUR) == of_ann != of_bob


def test_given_an_alert_of_a_message_then_the_channel_gets_all_of_it(
    connection: Connection, sending: Settings, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[Any] = []
    monkeypatch.setattr(pushes, "sender", lambda _: lambda target, message, settings: got.append(message))
    make_device(connection, ann, FcmTarget("t" * 20))
    settings = Settings(
        database_url=sending.database_url, redis_url=sending.redis_url, console_url="https://b.example/"
    )
    queue(connection, [ann], path="/alerts", collapse="watch:1", severity="critical")
    work(settings, connection)

    (message,) = got
    assert message.delivery_id == deliveries(connection)[0]["delivery_id"]
    assert message.url == "https://b.example/alerts"
    told = (message.kind, message.severity, message.title, message.body, message.collapse)
    assert told == ("watch", "critical", "Many errors", "12 in 5 minutes", "watch:1")
    assert (message.created_at, message.expires_at) == (NOW, NOW + LIFETIME)


def test_given_old_notifications_then_they_are_forgotten_but_not_what_is_on_its_way(
    connection: Connection, sending: Settings, provider: HttpServer, ann: UUID
) -> None:
    device_id = make_device(connection, ann, webhook(provider))
    make_device(connection, ann, FcmTarget("t" * 20))
    connection.execute("update devices set unregistered_at = %s where channel = 'fcm'", [NOW])
    queue(connection, [ann], key="sent")
    work(sending, connection)
    provider.faults = [Reply(503)]
    queue(connection, [ann], key="waiting")
    work(sending, connection)
    queue(connection, [ann], key="new", now=NOW + timedelta(days=2))

    trim_notifications(sending, NOW + timedelta(days=sending.notification_days, seconds=1))

    left = connection.execute("select key from notifications order by key").fetchall()
    assert left == [("new",), ("waiting",)]
    assert connection.execute("select device_id from devices").fetchall() == [(device_id,)]
