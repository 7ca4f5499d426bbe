"""The boards of the product show what a count over the events themselves gives, on both engines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

import msgspec
import psycopg
import pytest
from flask.testing import FlaskClient

from beatline.events import Event
from beatline.settings import Settings
from beatline.storage.engine import POSTGRES
from collector import create_app
from tests.fixtures.rows import event as stored
from tests.fixtures.rows import insert_events
from tests.grafana.boards import interval_of, targets
from tests.grafana.frames import Frame
from tests.grafana.macros import TimeRange
from tests.grafana.reader import QUOTES, Reader, expand
from tests.grafana.seed import DAY, DEFAULT, HOUR, MINUTE, NOW, SHOP
from tests.grafana.variables import Choices, Variable, interpolate

TARGETS = {str(target): target for target in targets()}
WIDTHS = [
    HOUR,
    DAY,
    2 * DAY + HOUR,
    70 * DAY,
    120 * DAY,
    1100 * DAY,
]  # of which minutes, hours or days are counted
MIDNIGHT = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
RANGES = {f"{width // HOUR} h": TimeRange(NOW - width, NOW) for width in WIDTHS}
RANGES |= {f"{days} whole days": TimeRange(MIDNIGHT - days * DAY, MIDNIGHT) for days in (1, 8, 100)}
HOURLY = TimeRange(NOW - HOUR, NOW)
WEEK = TimeRange(NOW - 7 * DAY, NOW)
PROJECTS = [DEFAULT, SHOP]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ranges = pytest.mark.parametrize("time_range", RANGES.values(), ids=RANGES.keys())
projects = pytest.mark.parametrize("project", PROJECTS)


def shown(reader: Reader, name: str, time_range: TimeRange, project: int, **typed: Any) -> Frame:
    """The frame of a target of a project."""
    return reader.answer(TARGETS[name], time_range, chosen(project, **typed))


def chosen(project: int, **typed: Any) -> Choices:
    """What somebody picks."""
    return {"project": str(project), **typed}


def floor(at: datetime, width: timedelta) -> datetime:
    """The start of the step of a time, by UTC."""
    return EPOCH + (at - EPOCH) // width * width


def of_project(reader: Reader, project: int) -> list[Event]:
    """A project's events."""
    return [event for event in reader.events if event.project_id == project]


def in_steps(
    events: Iterable[Event], time_range: TimeRange, step: timedelta, bucket: timedelta
) -> list[Event]:
    """The events of whole steps, from that in which the range starts to the last bucket that begins in it."""
    first = floor(time_range.start, step)
    return [event for event in events if first <= floor(event.ts, bucket) < time_range.end]


def in_buckets(events: Iterable[Event], time_range: TimeRange, bucket: timedelta) -> list[Event]:
    """The events of the buckets that begin in the range."""
    return [event for event in events if time_range.start <= floor(event.ts, bucket) < time_range.end]


def within(at: datetime, time_range: TimeRange) -> bool:
    """Whether a time is in the range; both ends are."""
    return time_range.start <= at <= time_range.end


def bucket_of(step: timedelta) -> timedelta:
    """What a step is made of."""
    return MINUTE if step < HOUR else HOUR if step < DAY else DAY


def total_bucket(time_range: TimeRange) -> timedelta:
    """What the total of a range is made of."""
    width = time_range.end - time_range.start
    return MINUTE if width <= 2 * DAY else HOUR if width <= 62 * DAY else DAY


def viewed(events: Iterable[Event]) -> list[Event]:
    """The page views."""
    return [event for event in events if event.event_type in ("view", "page_view") and event.page_url]


def actor(event: Event) -> str | None:
    """Who: the user, or else the anonymous visitor."""
    return event.user_id if event.user_id is not None else event.anonymous_id


def series_of(frame: Frame) -> dict[str, dict[datetime, float]]:
    """The points of each series that are not zero."""
    times = frame.column("Time").values if frame.columns else []
    return {
        column.name: {at: value for at, value in zip(times, column.values, strict=True) if value}
        for column in frame.columns
        if column.name != "Time"
    }


def by_step(
    events: Iterable[Event], step: timedelta, name: Callable[[Event], str]
) -> dict[str, dict[datetime, float]]:
    """The same, counted by hand."""
    counted: dict[str, Counter[datetime]] = defaultdict(Counter)
    for event in events:
        counted[name(event)][floor(event.ts, step)] += 1
    return {name: dict(points) for name, points in counted.items()}


@ranges
@projects
def test_events_over_time(reader: Reader, time_range: TimeRange, project: int) -> None:
    """Given any range, each point is the number of events of its whole step."""
    step = interval_of(TARGETS["events-1-A"].panel, time_range)
    counted = in_steps(of_project(reader, project), time_range, step, bucket_of(step))
    frame = shown(reader, "events-1-A", time_range, project)
    assert series_of(frame) == by_step(counted, step, lambda event: event.event_type)


@ranges
@projects
def test_events_by_type(reader: Reader, time_range: TimeRange, project: int) -> None:
    """The totals, most first."""
    events = in_buckets(of_project(reader, project), time_range, total_bucket(time_range))
    counted = Counter(event.event_type for event in events)
    expected = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    assert shown(reader, "events-2-A", time_range, project).rows() == expected


def test_events_of_chosen_types(reader: Reader) -> None:
    """One or two types, one with a quote in its name."""
    for types in (["click"], ["sign'up", "purchase"]):
        counted = [each for each in of_project(reader, DEFAULT) if each.event_type in types]
        expected = Counter(each.event_type for each in in_buckets(counted, WEEK, HOUR))
        assert dict(shown(reader, "events-2-A", WEEK, DEFAULT, type=types).rows()) == expected


@pytest.fixture
def api(
    reader: Reader, redis_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[FlaskClient]:
    """A collector on the same database."""
    seeded = "seeded_postgres" if reader.engine == POSTGRES else "seeded_timescale"
    database_url = request.getfixturevalue(seeded)[0]
    app = create_app(Settings(database_url=database_url, redis_url=redis_url, data=tmp_path))
    yield app.test_client()
    app.extensions["beatline"].close()


@pytest.mark.parametrize("days", [1, 7, 41, 100])
def test_whole_days_equal_the_api(reader: Reader, api: FlaskClient, days: int) -> None:
    """Given whole UTC days, the totals by type are what /analytics/event-counts-by-type answers."""
    time_range = TimeRange(MIDNIGHT - days * DAY, MIDNIGHT)
    query = f"start_date={time_range.start.date()}&end_date={(time_range.end - DAY).date()}"
    answer = api.get(f"/analytics/event-counts-by-type?{query}")
    assert answer.status_code == 200
    assert answer.json
    assert dict(shown(reader, "events-2-A", time_range, DEFAULT).rows()) == answer.json


FILTERS: list[tuple[str, dict[str, Any], Callable[[Event, dict[str, Any]], bool]]] = [
    ("nothing", {}, lambda event, given: True),
    ("a type", {"type": ["sign'up"]}, lambda event, given: event.event_type == "sign'up"),
    ("a user", {"user": "usr_003"}, lambda event, given: event.user_id == "usr_003"),
    ("a visitor", {"user": "anon_2"}, lambda event, given: event.anonymous_id == "anon_2"),
    ("part of a user", {"user": "usr_00"}, lambda event, given: False),
    (
        "a session",
        {"session": "usr_003_2026030412"},
        lambda event, given: event.session_id == "usr_003_2026030412",
    ),
    ("a page", {"page": "/blog/it's-here"}, lambda event, given: event.page_url == "/blog/it's-here"),
    ("a property", {"property": "plan"}, lambda event, given: "plan" in given),
    (
        "part of a property",
        {"property": "currency", "value": "eU"},
        lambda event, given: "eu" in str(given.get("currency", "")).lower(),
    ),
    (
        "a property in full",
        {"property": "coupon", "value": 'O\'Brien "10%"', "match": "equals"},
        lambda event, given: given.get("coupon") == 'O\'Brien "10%"',
    ),
    (
        "not part of a property in full",
        {"property": "coupon", "value": "O'Brien", "match": "equals"},
        lambda event, given: False,
    ),
    (
        "a number",
        {"property": "position", "value": "7", "match": "equals"},
        lambda _, given: given.get("position") == 7,
    ),
    ("anything", {"value": '"PLAN": "team"'}, lambda event, given: given.get("plan") == "team"),
    ("no wildcard", {"property": "coupon", "value": "1_%"}, lambda event, given: False),
    (
        "quotes",
        {"user": QUOTES, "page": QUOTES, "property": QUOTES, "value": QUOTES},
        lambda event, given: False,
    ),
    (
        "all at once",
        {
            "user": "usr_003",
            "type": ["view", "page_view"],
            "property": "plan",
            "value": "free",
            "match": "equals",
        },
        lambda event, given: (
            event.user_id == "usr_003"
            and event.event_type in ("view", "page_view")
            and given["plan"] == "free"
        ),
    ),
]


@pytest.mark.parametrize(
    ("typed", "passes"), [each[1:] for each in FILTERS], ids=[each[0] for each in FILTERS]
)
def test_log_filters(
    reader: Reader, typed: dict[str, Any], passes: Callable[[Event, dict[str, Any]], bool]
) -> None:
    """Given filters, the log has exactly the events that pass them, newest first, and 500 at most."""
    passing = [
        event
        for event in of_project(reader, DEFAULT)
        if within(event.ts, HOURLY) and passes(event, msgspec.json.decode(event.properties))
    ]
    frame = shown(reader, "events-4-A", HOURLY, DEFAULT, **typed)
    times = frame.column("time").values if frame.columns else []
    assert times == sorted((event.ts for event in passing), reverse=True)[:500]
    if 0 < len(passing) <= 500:
        assert set(frame.column("event id").values) == {str(event.event_id) for event in passing}


def test_log_is_bounded(reader: Reader) -> None:
    """More than 500 events: the newest 500."""
    events = [event.ts for event in of_project(reader, DEFAULT) if within(event.ts, WEEK)]
    times = shown(reader, "events-4-A", WEEK, DEFAULT).column("time").values
    assert len(events) > 500
    assert times == sorted(events, reverse=True)[:500]


@ranges
@projects
def test_rejected_events(reader: Reader, time_range: TimeRange, project: int) -> None:
    """By reason, as many as the table has in whole steps."""
    step = interval_of(TARGETS["events-3-A"].panel, time_range)
    points = series_of(shown(reader, "events-3-A", time_range, project))
    with reader.as_grafana():
        rows = reader.connection.execute(
            "select reason, received_at from rejected_events where project_id = %s and received_at <= %s",
            [project, time_range.end],
        ).fetchall()
    kept = [(reason, at) for reason, at in rows if at >= floor(time_range.start, step)]
    assert Counter({name: sum(each.values()) for name, each in points.items()}) == Counter(
        reason for reason, _ in kept
    )


@ranges
@projects
def test_page_views_over_time(reader: Reader, time_range: TimeRange, project: int) -> None:
    """All pages, and one of them."""
    step = interval_of(TARGETS["pages-2-A"].panel, time_range)
    views = viewed(in_steps(of_project(reader, project), time_range, step, bucket_of(step)))
    assert series_of(shown(reader, "pages-2-A", time_range, project)) == by_step(
        views, step, lambda _: "views"
    )
    cart = by_step([event for event in views if event.page_url == "/cart"], step, lambda _: "views")
    assert series_of(shown(reader, "pages-6-A", time_range, project, page="/cart")) == cart


@ranges
@projects
def test_top_pages(reader: Reader, time_range: TimeRange, project: int) -> None:
    """Views, share, and change against the period of the same width before."""
    now, before = page_periods(reader, time_range, project)
    expected = [
        (
            page,
            count,
            count / now.total(),
            before[page],
            relative(count, before[page]),
        )
        for page, count in sorted(now.items(), key=lambda each: (-each[1], each[0]))
    ]
    rows = shown(reader, "pages-3-A", time_range, project).rows()
    assert [row[:2] + row[3:4] for row in rows] == [row[:2] + row[3:4] for row in expected]
    for row, by_hand in zip(rows, expected, strict=True):
        assert row[2] == pytest.approx(by_hand[2])
        assert row[4] == (by_hand[4] if by_hand[4] is None else pytest.approx(by_hand[4]))


@ranges
@projects
def test_page_totals(reader: Reader, time_range: TimeRange, project: int) -> None:
    """All pages together."""
    now, before = page_periods(reader, time_range, project)
    change = relative(now.total(), before.total())
    [row] = shown(reader, "pages-1-A", time_range, project).rows()
    assert row == (now.total(), len(now), before.total(), change if change is None else pytest.approx(change))


def relative(count: int, before: int) -> float | None:
    """The change against before, if there was anything."""
    return (count - before) / before if before else None


def page_periods(
    reader: Reader, time_range: TimeRange, project: int
) -> tuple[Counter[str | None], Counter[str | None]]:
    """Views by page in the buckets of the range, and in those of the period before."""
    bucket = total_bucket(time_range)
    views = viewed(of_project(reader, project))
    start = int(time_range.start.timestamp())
    since = datetime.fromtimestamp(start - (int(time_range.end.timestamp()) - start), UTC)
    now = Counter(event.page_url for event in in_buckets(views, time_range, bucket))
    before = Counter(event.page_url for event in views if since <= floor(event.ts, bucket) < time_range.start)
    return now, before


@ranges
def test_one_page(reader: Reader, time_range: TimeRange) -> None:
    """Views, users and sessions of a page are exact to the ends of the range; its viewers add up."""
    views = [
        event
        for event in viewed(of_project(reader, DEFAULT))
        if event.page_url == "/pricing" and within(event.ts, time_range)
    ]
    [row] = shown(reader, "pages-5-A", time_range, DEFAULT, page="/pricing").rows()
    users = {actor(event) for event in views} - {None}
    assert row == (len(views), len(users), len({event.session_id for event in views} - {None}))
    viewers = Counter(actor(event) for event in views if actor(event) is not None)
    expected = sorted(viewers.items(), key=lambda each: (-each[1], str(each[0])))[:50]
    rows = shown(reader, "pages-7-A", time_range, DEFAULT, page="/pricing").rows()
    assert [row[:2] for row in rows] == expected


def distinct(events: Iterable[Event], step: timedelta) -> dict[datetime, float]:
    """Distinct users of each step."""
    users: dict[datetime, set[str]] = defaultdict(set)
    for event in events:
        who = actor(event)
        if who is not None:
            users[floor(event.ts, step)].add(who)
    return {at: len(each) for at, each in users.items()}


@pytest.mark.parametrize("panel", ["users-4-A", "users-5-A"])
@ranges
@projects
def test_active_users(reader: Reader, time_range: TimeRange, project: int, panel: str) -> None:
    """Each hour and each day counts its users anew."""
    step = interval_of(TARGETS[panel].panel, time_range)
    width = time_range.end - time_range.start
    bucket = HOUR if (step < DAY if panel == "users-4-A" else width <= 93 * DAY) else DAY
    expected = distinct(in_steps(of_project(reader, project), time_range, step, bucket), step)
    frame = shown(reader, panel, time_range, project)
    assert series_of(frame).get("users", {}) == expected


def touched(events: Iterable[Event], time_range: TimeRange) -> list[Event]:
    """The events of the hours that the range touches; of a wide one, of the days that begin in it."""
    bucket = HOUR if time_range.end - time_range.start <= 93 * DAY else DAY
    first = floor(time_range.start, HOUR)
    return [event for event in events if first <= floor(event.ts, bucket) < time_range.end]


@ranges
@projects
def test_users_of_the_range(reader: Reader, time_range: TimeRange, project: int) -> None:
    """Distinct users, the most active of them, and on how many days."""
    events = [event for event in touched(of_project(reader, project), time_range) if actor(event) is not None]
    assert shown(reader, "users-1-A", time_range, project).rows() == [
        (len({actor(each) for each in events}),)
    ]
    days = {(actor(event), event.ts.date()) for event in events}
    active = Counter(user for user, _ in days)
    counted = Counter(actor(event) for event in events)
    expected = [
        (user, count, active[user])
        for user, count in sorted(counted.items(), key=lambda each: (-each[1], str(each[0])))
    ]
    assert shown(reader, "users-10-A", time_range, project).rows() == expected[:50]


@ranges
@projects
def test_new_users(reader: Reader, time_range: TimeRange, project: int) -> None:
    """First seen in the range, all together and by step; a clock that runs ahead is not believed."""
    firsts: dict[str, datetime] = {}
    for event in of_project(reader, project):
        if event.user_id is not None:
            seen = min(event.ts, event.received_at)
            firsts[event.user_id] = min(seen, firsts.get(event.user_id, seen))
    new = [at for at in firsts.values() if within(at, time_range)]
    assert shown(reader, "users-2-A", time_range, project).rows() == [(len(new),)]
    step = interval_of(TARGETS["users-6-A"].panel, time_range)
    points = Counter(
        floor(at, step) for at in firsts.values() if floor(time_range.start, step) <= at <= time_range.end
    )
    assert series_of(shown(reader, "users-6-A", time_range, project)).get("users", {}) == points


def sessions(reader: Reader, project: int) -> list[tuple[datetime, datetime, int]]:
    """Beginning, end and events of every session and user in it; a clock that runs ahead is not believed."""
    times: dict[tuple[str | None, str], list[datetime]] = defaultdict(list)
    for event in of_project(reader, project):
        if event.session_id:
            times[actor(event), event.session_id].append(min(event.ts, event.received_at))
    return [(min(each), max(each), len(each)) for each in times.values()]


LENGTHS = [0, 1e-6, 10, 30, 60, 180, 600, 1800, 3600, float("inf")]
COUNTS = [1, 2, 3, 5, 10, 20, 50, 100, float("inf")]


@ranges
@projects
def test_sessions(reader: Reader, time_range: TimeRange, project: int) -> None:
    """Sessions that began in the range: number, length, events, and how both are distributed."""
    begun = [each for each in sessions(reader, project) if within(each[0], time_range)]
    lengths = [(end - start).total_seconds() for start, end, _ in begun]
    counts = [count for _, _, count in begun]
    [row] = shown(reader, "users-3-A", time_range, project).rows()
    assert row[0] == len(begun)
    assert row[1:] == (
        (pytest.approx(median(lengths)), pytest.approx(fmean(counts))) if begun else (None, None)
    )
    for panel, values, classes in (("users-8-A", lengths, LENGTHS), ("users-9-A", counts, COUNTS)):
        expected = [sum(low <= value < high for value in values) for low, high in pairwise(classes)]
        assert shown(reader, panel, time_range, project).column("sessions").values == expected


@ranges
@projects
def test_sessions_over_time(reader: Reader, time_range: TimeRange, project: int) -> None:
    """By the step in which they began."""
    step = interval_of(TARGETS["users-7-A"].panel, time_range)
    first = floor(time_range.start, step)
    begun = (start for start, _, _ in sessions(reader, project) if first <= start <= time_range.end)
    points = Counter(floor(start, step) for start in begun)
    assert series_of(shown(reader, "users-7-A", time_range, project)).get("sessions", {}) == points


@pytest.mark.parametrize("user", ["usr_003", "anon_2", "nobody"])
def test_one_user(reader: Reader, user: str) -> None:
    """The events of a user by hour, the latest ones, and the sessions."""
    events = [event for event in of_project(reader, DEFAULT) if actor(event) == user]
    step = interval_of(TARGETS["users-13-A"].panel, WEEK)
    hours = by_step(in_steps(events, WEEK, step, HOUR), step, lambda _: "events")
    assert series_of(shown(reader, "users-13-A", WEEK, DEFAULT, user=user)) == hours
    latest = shown(reader, "users-15-A", WEEK, DEFAULT, user=user)
    times = sorted((event.ts for event in events if within(event.ts, WEEK)), reverse=True)[:200]
    assert (latest.column("time").values if times else latest.columns) == times
    visits = Counter(event.session_id or "" for event in events if event.ts >= WEEK.start)
    rows = shown(reader, "users-14-A", WEEK, DEFAULT, user=user).rows()
    assert {row[0]: row[4] for row in rows} == visits


def located(reader: Reader, project: int, time_range: TimeRange) -> list[dict[str, Any]]:
    """The places of the events of a range."""
    return [
        msgspec.json.decode(event.properties) | {"ts": event.ts, "user": actor(event)}
        for event in of_project(reader, project)
        if event.event_type == "location" and within(event.ts, time_range)
    ]


@pytest.mark.parametrize("cell", ["0", "1", "2", "3"])
@projects
def test_places(reader: Reader, project: int, cell: str) -> None:
    """Cells, totals and latest places of a week."""
    places = located(reader, project, WEEK)
    cells = Counter(
        (round(each["latitude"], int(cell)), round(each["longitude"], int(cell))) for each in places
    )
    frame = shown(reader, "places-1-A", WEEK, project, cell=cell)
    assert {row[:2]: row[2] for row in frame.rows()} == cells
    [totals] = shown(reader, "places-2-A", WEEK, project, cell=cell).rows()
    accuracy = median(each["accuracy"] for each in places) if places else None
    assert totals == (len(places), len({each["user"] for each in places}), accuracy)
    latest = shown(reader, "places-4-A", WEEK, project, cell=cell).rows()
    places.sort(key=lambda each: each["ts"], reverse=True)
    assert [(row[0], row[1], row[3], row[4], row[5]) for row in latest] == [
        (
            each["ts"],
            each["user"],
            pytest.approx(each["latitude"], abs=1e-6),
            pytest.approx(each["longitude"], abs=1e-6),
            each["accuracy"],
        )
        for each in places
    ]


@ranges
@projects
def test_places_over_time(reader: Reader, time_range: TimeRange, project: int) -> None:
    """Events of type location by step."""
    step = interval_of(TARGETS["places-3-A"].panel, time_range)
    counted = in_steps(of_project(reader, project), time_range, step, bucket_of(step))
    places = [event for event in counted if event.event_type == "location"]
    assert series_of(shown(reader, "places-3-A", time_range, project)) == by_step(
        places, step, lambda _: "events"
    )


STRANGE = [
    '{"latitude": "52.5", "longitude": 13.4}',
    '{"latitude": 91, "longitude": 13.4}',
    '{"latitude": -90.5, "longitude": 13.4}',
    '{"latitude": 52.5, "longitude": 180.5}',
    '{"latitude": 52.5, "longitude": -180.5}',
    '{"latitude": [52.5], "longitude": 13.4}',
    '{"latitude": null, "longitude": 13.4}',
    '{"latitude": 1e400, "longitude": 13.4}',
    '{"longitude": 13.4}',
    "{}",
    "[]",
    '"52.5, 13.4"',
]
UNDERSTOOD = [
    ('{"latitude": 52.5, "longitude": 13.4, "accuracy": 7}', (52.5, 13.4, 7)),
    ('{"latitude": -90, "longitude": 180, "accuracy": -1}', (-90, 180, None)),
    ('{"latitude": 1e-400, "longitude": 0, "accuracy": 1e400}', (0, 0, None)),
    ('{"latitude": 52.5, "longitude": 13.4, "accuracy": "near"}', (52.5, 13.4, None)),
]


def test_strange_places_are_left_out(connection: psycopg.Connection) -> None:
    """Given what an open route lets in, only numbers within the globe are places, and nothing fails."""
    connection.execute("select make_event_partition(%s, %s)", [NOW, NOW])
    for number, properties in enumerate(STRANGE + [text for text, _ in UNDERSTOOD]):
        connection.execute(
            "insert into events (project_id, event_id, ts, received_at, event_type, user_id, properties) "
            "values (1, gen_random_uuid(), %s, %s, 'location', 'usr_1', %s)",
            [NOW - number * MINUTE, NOW, properties],
        )
    chosen = {name: Variable(name, value) for name, value in (("project", "1"), ("user", ""), ("cell", "6"))}
    answers = {}
    for name in ("places-1-A", "places-1-B", "places-2-A"):
        sql = expand(interpolate(TARGETS[name].sql, chosen, HOURLY), HOURLY, MINUTE).sql
        answers[name] = connection.execute(sql.encode()).fetchall()
    assert [row[3:] for row in answers["places-1-B"]] == [place for _, place in UNDERSTOOD]
    assert sum(row[2] for row in answers["places-1-A"]) == len(UNDERSTOOD)
    assert answers["places-2-A"] == [(len(UNDERSTOOD), 1, 7)]


def test_timeline_of_a_busy_user(connection: psycopg.Connection) -> None:
    """Given more events than are shown, also beyond the range's end, the newest 200 within it are shown."""
    minutes = [NOW - number * MINUTE for number in range(-25, 600) if number % 10 or number > 300]
    everything = [NOW - 6 * HOUR + number * timedelta(seconds=1) for number in range(250)]
    insert_events(connection, [stored(at, user_id="busy") for at in minutes + everything])
    insert_events(connection, [stored(at, user_id="other") for at in minutes])
    chosen = {"project": Variable("project", "1"), "user": Variable("user", "busy")}
    target = TARGETS["users-15-A"]
    for time_range in (TimeRange(NOW - DAY, NOW), TimeRange(NOW - 7 * HOUR, NOW - 5 * HOUR), HOURLY):
        sql = expand(interpolate(target.sql, chosen, time_range), time_range, MINUTE).sql
        times = [row[0] for row in connection.execute(sql.encode()).fetchall()]
        inside = [at for at in minutes + everything if within(at, time_range)]
        assert times == sorted(inside, reverse=True)[:200]
