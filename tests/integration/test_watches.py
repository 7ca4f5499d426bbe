"""Watches from the request that makes one to what is told: API, evaluation, episodes and notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from beatline.accounts import people
from beatline.accounts.access import Role
from beatline.notifications import outbox
from beatline.notifications.outbox import Notification, notify
from beatline.settings import Settings
from beatline.storage.spill import Spill
from beatline.storage.store import Batch, Store
from beatline.watches import evaluation, stored
from beatline.watches.evaluation import Evaluated, evaluate
from beatline.watches.stored import Draft, create_watch
from tests.fixtures.people import People, Person, Tokens
from tests.fixtures.storage import make_event, make_rejected
from workers import watches as jobs

NOW = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)
STEP, MINUTE, HOUR = timedelta(seconds=15), timedelta(minutes=1), timedelta(hours=1)
PATH = "/api/v1/projects/1/watches"
BUYS = {"measure": "events", "event_type": "buy", "window_minutes": 5, "direction": "above", "level": 2}
WATCH = {"name": "many buys", "kind": "threshold", "condition": BUYS, "cool_down_seconds": 0}
ABSENCE = {"name": "no buys", "kind": "absence", "condition": {"event_type": "buy", "window_minutes": 5}}
TOLD_TO = (
    "select array_agg(account_id order by account_id) from notification_recipients group by notification_id"
)
Told = Callable[[], list[str]]


@pytest.fixture
def told(connection: Connection) -> Told:
    """The keys of what was queued, without 'watch:', in their order."""
    queued = "select key from notifications order by notification_id"
    return lambda: [key.removeprefix("watch:") for (key,) in connection.execute(queued)]


@pytest.fixture
def settings(workers_url: str, redis_url: str) -> Settings:
    """Settings of a worker."""
    return Settings(database_url=workers_url, redis_url=redis_url)


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """Writes events."""
    with closing(Store.connect(postgres_url)) as store:
        yield store


@pytest.fixture
def ann(persons: People) -> Person:
    """A viewer of project 1."""
    return persons.join("ann@example.com", Role.VIEWER, 1)


def make(person: Tokens, body: dict[str, Any], path: str = PATH) -> int:
    """Make a watch; its id."""
    answer = person("POST", path, body)
    assert answer.status_code == 201, answer.text
    return int(answer.json["watch_id"])


def buys(store: Store, count: int, at: datetime) -> None:
    """So many events of a type at a time."""
    store.write(Batch([make_event(event_type="buy", ts=at, received_at=at) for _ in range(count)]))


def state(connection: Connection, watch_id: int) -> str:
    """The state of a watch."""
    rows = connection.execute("select state from watch_states where watch_id = %s", [watch_id]).fetchall()
    return str(rows[0][0])


def test_given_a_viewers_watch_then_it_fires_and_is_over_and_both_are_told_once(
    ann: Person, settings: Settings, store: Store, told: Told, connection: Connection
) -> None:
    session = ann.sign_in()
    watch_id = make(session, WATCH)
    jobs.evaluate_watches(settings, NOW)
    buys(store, 3, NOW)

    for number in range(1, 4):
        jobs.evaluate_watches(settings, NOW + number * STEP)
    firing = session("GET", f"{PATH}/{watch_id}").json
    buys(store, 4, NOW + MINUTE)
    jobs.evaluate_watches(settings, NOW + MINUTE)
    during = session("GET", f"{PATH}/{watch_id}/history").json["episodes"]
    jobs.evaluate_watches(settings, NOW + 7 * MINUTE)
    episodes = session("GET", f"{PATH}/history").json["episodes"]

    assert (firing["state"], firing["value"], firing["fired_at"]) == ("firing", 3, iso(NOW + STEP))
    assert [(each["resolved_at"], each["peak"]) for each in during] == [(None, 7)]
    assert len(episodes) == 1
    assert episodes[0].items() >= {
        "watch_id": watch_id, "name": "many buys", "value": 3, "peak": 7, "notified": True,
        "fired_at": iso(NOW + STEP), "resolved_at": iso(NOW + 7 * MINUTE), "ended_by": "resolved",
    }.items()  # fmt: skip
    assert told() == [f"{watch_id}:1:firing", f"{watch_id}:1:resolved"]
    assert connection.execute(TOLD_TO).fetchall() == [([ann.account_id],)] * 2


def iso(at: datetime) -> str:
    """A time as the API writes it."""
    return at.isoformat()


def test_given_an_absence_then_it_fires_after_a_minute_of_certainty_and_an_event_ends_it(
    ann: Person, settings: Settings, store: Store, told: Told, connection: Connection
) -> None:
    watch_id = make(ann.sign_in(), ABSENCE)
    buys(store, 1, NOW)
    states = []
    for at in [NOW, NOW + 5 * MINUTE, *(NOW + 5 * MINUTE + number * STEP for number in range(1, 6))]:
        jobs.evaluate_watches(settings, at)
        states.append(state(connection, watch_id))
    buys(store, 1, NOW + 7 * MINUTE)
    jobs.evaluate_watches(settings, NOW + 7 * MINUTE)

    assert states == ["ok", "pending", "pending", "pending", "pending", "firing", "firing"]
    assert state(connection, watch_id) == "resolved"
    assert told() == [f"{watch_id}:1:firing", f"{watch_id}:1:resolved"]


def test_given_batches_wait_in_the_spill_then_no_absence_is_believed_until_it_is_drained(
    ann: Person, settings: Settings, told: Told, connection: Connection
) -> None:
    watch_id = make(ann.sign_in(), ABSENCE)
    with closing(Spill(str(settings.redis_url), 10)) as spill:
        spill.append(Batch([make_event(event_type="view", ts=NOW, received_at=NOW)]))
        for number in range(20):
            jobs.evaluate_watches(settings, NOW + number * STEP)
        waiting = state(connection, watch_id)
        ((entry, _),) = spill.oldest(1)
        spill.remove(entry)
    for number in range(20, 26):
        jobs.evaluate_watches(settings, NOW + number * STEP)

    assert waiting == "ok"
    assert told() == [f"{watch_id}:1:firing"]


def test_given_valkey_is_away_then_only_what_is_certain_is_believed(
    ann: Person, settings: Settings, store: Store, told: Told, connection: Connection
) -> None:
    session = ann.sign_in()
    absence, above = make(session, ABSENCE | {"condition": {"window_minutes": 1}}), make(session, WATCH)
    buys(store, 3, NOW - 4 * MINUTE)
    away = Settings(database_url=settings.database_url, redis_url="redis://127.0.0.1:1")

    for number in range(8):
        jobs.evaluate_watches(away, NOW + number * STEP)

    assert (state(connection, absence), state(connection, above)) == ("ok", "firing")


def test_given_a_snooze_then_nothing_is_told_until_it_ends(
    ann: Person, settings: Settings, store: Store, told: Told
) -> None:
    session = ann.sign_in()
    watch_id = make(session, WATCH)
    far = datetime.now(UTC) + timedelta(days=1)
    buys(store, 3, NOW)

    snoozed = session("POST", f"{PATH}/{watch_id}/snooze", {"until": iso(far)})
    jobs.evaluate_watches(settings, NOW)
    while_snoozed = told()
    history = session("GET", f"{PATH}/{watch_id}/history").json["episodes"]
    ended = session("DELETE", f"{PATH}/{watch_id}/snooze")
    jobs.evaluate_watches(settings, NOW + STEP)

    assert (snoozed.json["snoozed_until"], ended.json["snoozed_until"]) == (iso(far), None)
    assert while_snoozed == []
    assert [(each["notified"], each["resolved_at"]) for each in history] == [(False, None)]
    assert told() == [f"{watch_id}:1:firing"]


def test_given_an_episode_within_a_snooze_then_nobody_hears_of_it(
    ann: Person, settings: Settings, store: Store, told: Told
) -> None:
    session = ann.sign_in()
    watch_id = make(session, WATCH)
    session("POST", f"{PATH}/{watch_id}/snooze", {"until": iso(datetime.now(UTC) + HOUR)})
    buys(store, 3, NOW)

    for at in (NOW, NOW + 6 * MINUTE, datetime.now(UTC) + 2 * HOUR):
        jobs.evaluate_watches(settings, at)

    assert told() == []
    assert session("GET", f"{PATH}/history").json["episodes"][0]["ended_by"] == "resolved"


def test_given_the_evaluation_is_killed_while_it_tells_then_nothing_is_lost_or_doubled(
    ann: Person, settings: Settings, store: Store, told: Told, connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    session = ann.sign_in()
    first, second = make(session, WATCH), make(session, WATCH)
    buys(store, 3, NOW)

    def tell_one_and_die(dying: Connection, notification: Notification, now: datetime) -> None:
        notify(dying, notification, now)
        connection.execute("select pg_terminate_backend(%s)", [dying.info.backend_pid])

    monkeypatch.setattr(outbox, "notify", tell_one_and_die)
    with suppress(Exception):
        jobs.evaluate_watches(settings, NOW)
    after_kill = (told(), state(connection, first), state(connection, second))
    monkeypatch.undo()
    for number in range(1, 3):
        jobs.evaluate_watches(settings, NOW + number * STEP)

    assert after_kill == ([], "ok", "ok")
    # Numbers of episodes are given away once; those of the killed evaluation are missing.
    assert sorted(key.partition(":")[0] for key in told()) == sorted([str(first), str(second)])


def test_given_another_one_evaluates_then_this_one_does_nothing(
    ann: Person, settings: Settings, store: Store, told: Told, connection: Connection
) -> None:
    watch_id = make(ann.sign_in(), WATCH)
    buys(store, 3, NOW)
    with psycopg.connect(str(settings.database_url), autocommit=True) as other:
        other.execute("select pg_advisory_lock(hashtext('beatline watches'))")
        jobs.evaluate_watches(settings, NOW)
        held = state(connection, watch_id)
    jobs.evaluate_watches(settings, NOW)

    assert (held, state(connection, watch_id)) == ("ok", "firing")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_given_a_watch_that_changes_while_it_is_evaluated_then_the_evaluation_is_void(
    ann: Person,
    store: Store,
    told: Told,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    session = ann.sign_in()
    watch_id = make(session, WATCH)
    buys(store, 3, NOW)
    measure = evaluation.measure

    def change_meanwhile(*arguments: Any) -> Any:
        session(method, f"{PATH}/{watch_id}", WATCH | {"minimum_seconds": 60} if method == "PUT" else None)
        return measure(*arguments)

    monkeypatch.setattr(evaluation, "measure", change_meanwhile)
    evaluated = evaluate(connection, NOW, complete=True)

    assert evaluated == Evaluated()
    assert told() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_given_a_firing_watch_that_is_changed_or_deleted_then_its_episode_is_over_and_told_so(
    ann: Person, settings: Settings, store: Store, told: Told, method: str
) -> None:
    session = ann.sign_in()
    watch_id = make(session, WATCH)
    buys(store, 3, NOW)
    jobs.evaluate_watches(settings, NOW)

    renamed = session("PUT", f"{PATH}/{watch_id}", WATCH | {"name": "others"})
    told_before = told()
    changed = {"PUT": WATCH | {"condition": BUYS | {"level": 20}}}.get(method)
    session(method, f"{PATH}/{watch_id}", changed)
    jobs.evaluate_watches(settings, NOW + STEP)

    assert renamed.json["state"] == "firing"
    assert told_before == [f"{watch_id}:1:firing"]
    assert told() == [f"{watch_id}:1:firing", f"{watch_id}:1:resolved"]
    history = session("GET", f"{PATH}/history").json["episodes"]
    assert [each["ended_by"] for each in history] == (["changed"] if method == "PUT" else [])


def test_given_a_disabled_watch_then_it_is_not_evaluated(
    ann: Person, settings: Settings, store: Store, told: Told
) -> None:
    session = ann.sign_in()
    watch_id = make(session, WATCH | {"enabled": False})
    buys(store, 3, NOW)

    jobs.evaluate_watches(settings, NOW)

    assert session("GET", f"{PATH}/{watch_id}").json["evaluated_at"] is None


def lose_role(connection: Connection, person: Person) -> None:
    people.set_role(connection, person.account_id, 1, None)


def be_disabled(connection: Connection, person: Person) -> None:
    people.disable_account(connection, person.account_id, disabled=True)


def be_deleted(connection: Connection, person: Person) -> None:
    people.delete_account(connection, person.account_id)


@pytest.mark.parametrize("leave", [lose_role, be_disabled, be_deleted])
def test_given_an_owner_who_leaves_then_their_watches_stop_without_a_word(
    ann: Person, settings: Settings, store: Store, told: Told, connection: Connection,
    leave: Callable[[Connection, Person], None],
) -> None:  # fmt: skip
    watch_id = make(ann.sign_in(), WATCH)
    buys(store, 3, NOW)
    jobs.evaluate_watches(settings, NOW)

    leave(connection, ann)
    jobs.evaluate_watches(settings, NOW + STEP)
    buys(store, 3, NOW + HOUR)
    jobs.evaluate_watches(settings, NOW + HOUR)

    assert told() == [f"{watch_id}:1:firing"]
    ended = connection.execute("select ended_by from watch_history").fetchall()
    assert ended == ([] if leave is be_deleted else [("stopped",)])


def test_given_an_analyst_who_becomes_a_viewer_then_the_watch_of_rejected_events_stops(
    persons: People, settings: Settings, store: Store, told: Told, connection: Connection
) -> None:
    ada = persons.join("ada@example.com", Role.ANALYST, 1)
    condition = {"measure": "rejected", "window_minutes": 5, "direction": "above", "level": 0}
    watch_id = make(ada.sign_in(), WATCH | {"condition": condition})
    store.write(Batch([], [make_rejected(received_at=NOW)]))
    jobs.evaluate_watches(settings, NOW)
    fired = state(connection, watch_id)

    people.set_role(connection, ada.account_id, 1, Role.VIEWER)
    jobs.evaluate_watches(settings, NOW + STEP)

    assert (fired, state(connection, watch_id)) == ("firing", "ok")


def test_given_a_shared_watch_then_all_members_are_told_and_only_admins_change_it(
    persons: People, ann: Person, boss: Tokens, settings: Settings, store: Store, told: Told,
    connection: Connection,
) -> None:  # fmt: skip
    eve = persons.join("eve@example.com", Role.VIEWER, 2)
    gone = persons.join("gone@example.com", Role.VIEWER, 1)
    people.disable_account(connection, gone.account_id, disabled=True)
    viewer = ann.sign_in()
    watch_id = make(boss, WATCH | {"shared": True})
    path = f"{PATH}/{watch_id}"
    buys(store, 3, NOW)
    jobs.evaluate_watches(settings, NOW)

    seen = viewer("GET", path).json
    refused = [
        viewer("PUT", path, WATCH).status_code,
        viewer("DELETE", path).status_code,
        viewer("POST", f"{path}/snooze", {"until": iso(datetime.now(UTC) + HOUR)}).status_code,
        viewer("DELETE", f"{path}/snooze").status_code,
        viewer("POST", PATH, WATCH | {"shared": True}).status_code,
    ]
    (row,) = connection.execute(TOLD_TO).fetchall()
    admin = connection.execute("select account_id from accounts where email = 'boss@example.com'").fetchone()

    assert (seen["shared"], seen["own"], seen["may_change"], seen["state"]) == (True, False, False, "firing")
    assert refused == [403] * 5
    assert admin
    assert set(row[0]) == {ann.account_id, admin[0]}
    assert eve.account_id not in row[0]
    assert boss("PUT", path, WATCH | {"shared": True, "name": "renamed"}).status_code == 200
    assert boss("DELETE", path).status_code == 204
    actions = [each["action"] for each in boss("GET", "/api/v1/audit-log?project_id=1").json["entries"]]
    assert actions[:3] == ["watch deleted", "watch changed", "watch made"]


def test_given_somebody_elses_watch_then_only_admins_of_its_project_know_of_it(
    persons: People, ann: Person, boss: Tokens, told: Told
) -> None:
    watch_id = make(ann.sign_in(), WATCH)
    bob = persons.join("bob@example.com", Role.ANALYST, 1).sign_in()
    admin = persons.join("admin@example.com", Role.ADMIN, 1).sign_in()
    elsewhere = persons.join("elsewhere@example.com", Role.ADMIN, 2).sign_in()
    until = {"until": iso(datetime.now(UTC) + HOUR)}

    def ask(person: Tokens, project: int) -> list[int]:
        path = f"/api/v1/projects/{project}/watches/{watch_id}"
        return [
            person("GET", path).status_code,
            person("GET", f"{path}/history").status_code,
            person("POST", f"{path}/snooze", until).status_code,
            person("DELETE", f"{path}/snooze").status_code,
            person("PUT", path, WATCH).status_code,
            person("DELETE", path).status_code,
        ]

    assert ask(bob, 1) == [404] * 6
    assert ask(elsewhere, 2) == [404] * 6
    assert ask(elsewhere, 1) == [403] * 6
    assert [bob("GET", path).json for path in (PATH, f"{PATH}/history")] == [
        {"watches": [], "next_cursor": None}, {"episodes": [], "next_cursor": None}
    ]  # fmt: skip
    assert ask(admin, 1) == [200] * 5 + [204]
    entries = boss("GET", "/api/v1/audit-log?project_id=1").json["entries"]
    noted = [each["action"] for each in entries if "watch" in each["action"]]
    assert noted == ["watch deleted", "watch changed", "snooze of a watch ended", "watch snoozed"]


def test_given_an_admin_who_changes_somebodys_watch_then_it_stays_theirs(
    ann: Person, boss: Tokens, connection: Connection
) -> None:
    watch_id = make(ann.sign_in(), WATCH)

    boss("PUT", f"{PATH}/{watch_id}", WATCH | {"name": "by the boss"})

    rows = connection.execute("select account_id, name from watches").fetchall()
    assert rows == [(ann.account_id, "by the boss")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"condition": BUYS | {"window_minutes": 3}}, ("condition", "window_minutes")),
        ({"condition": BUYS | {"level": None}}, ("condition", "level")),
        ({"condition": {}}, ("condition", "window_minutes")),
        ({"condition": BUYS | {"colour": 1}}, ("condition", "colour")),
        ({"condition": BUYS | {"event_type": "a\0"}}, ("condition", "event_type")),
        ({"condition": []}, ("condition",)),
        ({"condition": None}, ("condition",)),
        ({"kind": "magic"}, ("kind",)),
        ({"kind": None}, ("kind",)),
        ({"name": ""}, ("name",)),
        ({"name": "x" * 101}, ("name",)),
        ({"name": "a\0b"}, ("name",)),
        ({"severity": "deadly"}, ("severity",)),
        ({"minimum_seconds": -1}, ("minimum_seconds",)),
        ({"minimum_seconds": 86_401}, ("minimum_seconds",)),
        ({"cool_down_seconds": "x"}, ("cool_down_seconds",)),
        ({"resolve_level": 3}, ("resolve_level",)),
        ({"resolve_level": 1e300}, ("resolve_level",)),
        ({"owner": 1}, ("owner",)),
    ],
)
def test_given_a_bad_watch_then_its_field_is_named(
    ann: Person, change: dict[str, Any], field: tuple[str, ...]
) -> None:
    answer = ann.sign_in()("POST", PATH, WATCH | change)

    assert answer.status_code == 400, answer.text
    found = answer.json["errors"]
    for name in field:
        assert name in found, answer.json
        found = found[name]


def test_given_a_bad_snooze_then_it_is_refused(ann: Person) -> None:
    session = ann.sign_in()
    watch_id = make(session, WATCH)
    for until in ("2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "soon", None):
        answer = session("POST", f"{PATH}/{watch_id}/snooze", {"until": until})
        assert (answer.status_code, "until" in answer.json["errors"]) == (400, True), answer.text


def test_given_an_id_beyond_all_numbers_then_there_is_no_such_watch(ann: Person) -> None:
    assert ann.sign_in()("GET", f"{PATH}/{10**30}").status_code == 404


def test_given_a_viewer_then_rejected_events_cannot_be_watched(ann: Person) -> None:
    session = ann.sign_in()
    condition = {"measure": "rejected", "window_minutes": 5, "direction": "above", "level": 0}

    answers = [session("POST", path, {**WATCH, "condition": condition}) for path in (PATH,)]
    answers.append(session("POST", f"{PATH}/test", {"kind": "threshold", "condition": condition}))

    assert [answer.status_code for answer in answers] == [403, 403]


def test_given_no_account_then_only_a_shared_watch_can_be_made(persons: People, ann: Person) -> None:
    admin_token = {"Authorization": "Bearer admin token of the tests"}

    own = persons.client.post(PATH, headers=admin_token, json=WATCH)
    shared = persons.client.post(PATH, headers=admin_token, json=WATCH | {"shared": True})

    assert (own.status_code, list(own.json["errors"])) == (400, ["shared"])
    assert shared.status_code == 201


def test_given_as_many_watches_as_there_may_be_then_there_is_no_other(
    ann: Person, boss: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ann.sign_in()
    monkeypatch.setattr(stored, "MOST_OF_ACCOUNT", 2)
    monkeypatch.setattr(stored, "MOST_OF_PROJECT", 3)
    for _ in range(2):
        make(session, WATCH)

    of_account = session("POST", PATH, WATCH)
    make(boss, WATCH | {"shared": True})
    of_project = boss("POST", PATH, WATCH | {"shared": True})

    assert [of_account.status_code, of_project.status_code] == [409, 409]
    assert session("PUT", f"{PATH}/1", WATCH).status_code == 200


def test_given_many_watches_then_they_come_in_pages(ann: Person) -> None:
    session = ann.sign_in()
    made = [make(session, WATCH) for _ in range(5)]
    found: list[int] = []
    cursor = ""
    while True:
        page = session("GET", f"{PATH}?limit=2{cursor}").json
        found += [watch["watch_id"] for watch in page["watches"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert found == made


def test_given_a_condition_then_it_can_be_tried_and_nothing_is_stored(
    ann: Person, store: Store, connection: Connection
) -> None:
    session = ann.sign_in()
    buys(store, 3, datetime.now(UTC))
    answers = [
        session("POST", f"{PATH}/test", {"kind": "threshold", "condition": BUYS | {"level": level}}).json
        for level in (2, 3)
    ]

    assert answers == [{"value": 3, "would_fire": True}, {"value": 3, "would_fire": False}]
    assert connection.execute("select from watches").fetchall() == []


def test_given_the_same_condition_in_many_watches_then_it_is_measured_once(
    database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On both engines, with every kind: one statement for each, however many watches there are."""
    asked = []
    read_counts = evaluation.read_counts

    def noting(*arguments: Any) -> Any:
        asked.append((arguments[1], len(arguments[3])))
        return read_counts(*arguments)

    monkeypatch.setattr(evaluation, "read_counts", noting)
    change = {"window_minutes": 5, "compared_with": "week_ago", "direction": "up", "percent": 10}
    kinds = [("threshold", BUYS), ("absence", {"window_minutes": 5}), ("change", change)]
    for number in range(30):
        kind, condition = kinds[number % 3]
        create_watch(database, 1, Draft(None, "each", kind, condition, "info", 0, 0, None, enabled=True), NOW)
    events = [make_event(event_type="buy", ts=NOW, received_at=NOW) for _ in range(30)]
    write(database, events)

    first = evaluate(database, NOW, complete=True)
    second = evaluate(database, NOW + 6 * MINUTE, complete=True)

    assert sorted(asked) == sorted(
        [("watch_kind_threshold", 1), ("watch_kind_absence", 1), ("watch_kind_change", 2)] * 2
    )
    assert (first, second) == (Evaluated(30, 20, 0), Evaluated(30, 0, 20))


def write(connection: Connection, events: list[Any]) -> None:
    """Store events through a connection that is there already."""
    store = Store(connection)
    store.prepare()
    store.write(Batch(events))


def test_given_an_old_episode_then_it_is_forgotten_and_one_that_lasts_is_not(
    ann: Person, settings: Settings, store: Store, told: Told, connection: Connection
) -> None:
    session = ann.sign_in()
    over, lasting = (
        make(session, WATCH),
        make(session, WATCH | {"condition": BUYS | {"window_minutes": 1440}}),
    )
    buys(store, 3, NOW)
    for at in (NOW, NOW + 6 * MINUTE):
        jobs.evaluate_watches(settings, at)

    jobs.trim_watch_history(settings, NOW + timedelta(days=366))

    assert state(connection, over) == "resolved"
    assert connection.execute("select watch_id from watch_history").fetchall() == [(lasting,)]
