"""The Live board shows what the API answers for the same window, and what a count by hand gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest

from beatline.embedded.valkey import EmbeddedValkey
from beatline.events import Event
from beatline.settings import Settings
from collector import create_app
from tests.grafana.boards import targets
from tests.grafana.frames import Frame
from tests.grafana.macros import TimeRange
from tests.grafana.reader import Reader
from tests.grafana.seed import DEFAULT, HOUR, MINUTE, NOW, QUIET, SECOND, SHOP, USERS

LIVE = TimeRange(NOW - 15 * MINUTE, NOW)
ACTIVE, PAGES = 5 * MINUTE, 15 * MINUTE
STEP = 5 * SECOND
BY_NAME = {str(target): target for target in targets()}
Ask = Callable[..., dict[str, Any]]

every_project = pytest.mark.parametrize("project", [DEFAULT, SHOP, QUIET])


@pytest.fixture(scope="module")
def ask(
    reader: Reader, valkey_server: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """Asks the API of a collector whose clock says NOW, or another time."""
    clock = [NOW]
    settings = Settings(
        database_url=reader.database_url, redis_url=valkey_server.url, data=tmp_path_factory.mktemp("data"),
        cache=False,
    )  # fmt: skip
    app = create_app(settings)
    with pytest.MonkeyPatch.context() as patch, closing(app.extensions["beatline"]):
        patch.setattr("collector.api.rolling.utc_now", lambda: clock[0])

        def answer(path: str, at: datetime = NOW, **parameters: Any) -> dict[str, Any]:
            clock[0] = at
            response = app.test_client().get(f"/api/v1/metrics/{path}", query_string=parameters)
            assert response.status_code == 200, response.text
            return dict(response.get_json())

        yield answer


def shown(reader: Reader, panel: int, project: int = DEFAULT, **picked: str) -> Frame:
    """What a panel of the Live board shows."""
    return reader.answer(BY_NAME[f"live-{panel}-A"], LIVE, {"project": str(project), **picked})


def number(frame: Frame) -> float:
    """The one number of a frame."""
    ((value,),) = frame.rows()
    return float(value)


def of_project(reader: Reader, project: int) -> list[Event]:
    """The seeded events of a project."""
    return [event for event in reader.events if event.project_id == project]


def actor(event: Event) -> str | None:
    """The user, or else the anonymous visitor."""
    return event.user_id or event.anonymous_id


def active(events: Iterable[Event]) -> list[Event]:
    """The events that make somebody active: a clock that runs ahead does not."""
    return [event for event in events if min(event.ts, event.received_at) > NOW - ACTIVE]


def visits(events: Iterable[Event]) -> set[tuple[str | None, str | None]]:
    """Sessions; without an id, a user's own implicit one."""
    return {(event.session_id, None if event.session_id else actor(event)) for event in events}


def views(events: Iterable[Event]) -> Counter[str]:
    """Page views of the window by page."""
    viewed = [event for event in events if event.event_type in ("view", "page_view")]
    return Counter(event.page_url for event in viewed if event.page_url and NOW - PAGES < event.ts <= NOW)


@every_project
def test_active_users(reader: Reader, ask: Ask, project: int) -> None:
    """Panel 1."""
    counted = len({actor(event) for event in active(of_project(reader, project))} - {None})
    assert number(shown(reader, 1, project)) == counted
    if project == DEFAULT:
        assert counted == ask("active-users")["active_users"] > 20


@every_project
@pytest.mark.parametrize("user", ["", USERS[0], "anon_0", "nobody"])
def test_active_sessions(reader: Reader, ask: Ask, project: int, user: str) -> None:
    """Panels 2 and 8, of everybody and of one user."""
    current = [event for event in active(of_project(reader, project)) if user in ("", actor(event))]
    assert number(shown(reader, 2, project, user=user)) == len(visits(current))
    listed = {(row[0] or None, row[1] or None) for row in shown(reader, 8, project, user=user).rows()}
    assert listed == {(actor(event), event.session_id) for event in current}
    if project == DEFAULT:
        answer = ask("active-sessions", **{"user_id": user} if user else {})
        assert answer["active_sessions"] == len(visits(current))


@every_project
def test_page_views_and_top_pages(reader: Reader, ask: Ask, project: int) -> None:
    """Panels 3 and 7, with their order."""
    counted = views(of_project(reader, project))
    assert number(shown(reader, 3, project)) == counted.total()
    top = shown(reader, 7, project).rows()
    assert top == sorted(counted.items(), key=lambda page: (-page[1], page[0]))
    if project == DEFAULT:
        assert ask("overview")["page_views"] == counted.total() > 200
        answered = ask("top-pages", limit=100)["pages"]
        assert top == [(page["page_url"], page["views"]) for page in answered]


@every_project
def test_events_per_second(reader: Reader, ask: Ask, project: int) -> None:
    """Panel 4."""
    recent = [event for event in of_project(reader, project) if NOW - 10 * SECOND <= event.ts < NOW]
    assert number(shown(reader, 4, project)) == pytest.approx(len(recent) / 10)
    if project == DEFAULT:
        assert len(recent) / 10 == pytest.approx(ask("overview")["events_per_second"])
        assert recent


@every_project
def test_throughput(reader: Reader, ask: Ask, project: int) -> None:
    """Panel 5: whole steps only, so it ends with the last one before NOW."""
    end = NOW.replace(second=NOW.second // 5 * 5, microsecond=0)
    starts = [end - step * STEP for step in range(179, 0, -1)]
    counted = Counter(start_of(event.ts) for event in of_project(reader, project))
    points = shown(reader, 5, project).rows()
    assert points == [(start, counted[start] / 5) for start in starts]
    if project == DEFAULT:
        answered = ask("throughput", at=end, window=895, step=5)["points"]
        assert points == [(datetime.fromisoformat(at["at"]), at["events_per_second"]) for at in answered]
        assert sum(rate for _, rate in points) > 50


def start_of(at: datetime) -> datetime:
    """The start of its step of 5 seconds."""
    return at.replace(second=at.second // 5 * 5, microsecond=0)


RANGES = [(15 * MINUTE, MINUTE), (6 * HOUR, MINUTE), (10 * 24 * HOUR, 15 * MINUTE)]


@every_project
@pytest.mark.parametrize(("width", "step"), RANGES)
def test_by_type(reader: Reader, project: int, width: timedelta, step: timedelta) -> None:
    """Panel 6: every step of the range from the one in which it begins, zeros where nothing was."""
    time_range = TimeRange(NOW - width, NOW)
    frame = reader.answer(BY_NAME["live-6-A"], time_range, {"project": str(project)})
    points = {
        (row[0], column.name): value
        for row in frame.rows()
        for column, value in zip(frame.columns[1:], row[1:], strict=True)
        if value
    }
    first, last = (floor(at, step) for at in (time_range.start, time_range.end))
    minutes = Counter(
        (floor(event.ts, step), event.event_type)
        for event in of_project(reader, project)
        if first <= event.ts and floor(event.ts, MINUTE) <= time_range.end
    )
    assert points == minutes
    times = (
        [] if project == QUIET else [first + number * step for number in range((last - first) // step + 1)]
    )
    assert [row[0] for row in frame.rows()] == times


def floor(at: datetime, step: timedelta) -> datetime:
    """The start of a step, counted from midnight."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // step * step
