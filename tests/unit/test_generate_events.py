"""The sample data: pure, seeded, valid, with a rhythm."""

import runpy
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from beatline.catalogue import check_payload
from beatline.events import Event

SCRIPT = Path(__file__).parents[2] / "loadtest" / "generate_events.py"
script = runpy.run_path(str(SCRIPT))
Sample, sample_events, main = script["Sample"], script["sample_events"], script["main"]


@pytest.fixture(scope="module")
def default_sample() -> list[Event]:
    return sample_events(Sample())


def test_given_the_defaults_then_5000_events_lie_in_four_weeks_of_may_2025(
    default_sample: list[Event],
) -> None:
    assert len(default_sample) == 5000
    times = [event.ts for event in default_sample]
    assert times == sorted(times)
    assert datetime(2025, 5, 1, tzinfo=UTC) <= times[0] < datetime(2025, 5, 2, tzinfo=UTC)
    assert datetime(2025, 5, 28, tzinfo=UTC) <= times[-1] < datetime(2025, 5, 29, tzinfo=UTC)


def test_given_the_same_sample_then_the_events_are_the_same(default_sample: list[Event]) -> None:
    assert sample_events(Sample()) == default_sample


@pytest.mark.parametrize(
    "other",
    [
        Sample(seed=1),
        Sample(events=4999),
        Sample(start=date(2025, 5, 2)),
        Sample(end=date(2025, 5, 27)),
    ],
)
def test_given_another_sample_then_no_id_is_shared(default_sample: list[Event], other: object) -> None:
    ids = {event.event_id for event in default_sample}
    assert len(ids) == 5000
    assert not ids & {event.event_id for event in sample_events(other)}


@pytest.mark.parametrize("count", [1, 24, 25, 1000])
@pytest.mark.parametrize("seed", [0, 3])
def test_given_one_day_and_any_count_then_exactly_so_many_events_lie_in_it(count: int, seed: int) -> None:
    day = date(2024, 2, 29)
    events = sample_events(Sample(count, day, day, seed))
    assert len(events) == count
    assert {event.ts.date() for event in events} == {day}


def test_given_the_sample_then_every_payload_fits_its_type(default_sample: list[Event]) -> None:
    for event in default_sample:
        check_payload(event.event_type, msgspec.json.decode(event.properties))
        assert event.client_id
        assert event.ts < event.received_at < event.ts + timedelta(seconds=1)


def test_given_the_sample_then_views_lead_clicks_and_clicks_lead_locations(
    default_sample: list[Event],
) -> None:
    ranked = Counter(event.event_type for event in default_sample).most_common()
    assert [event_type for event_type, _ in ranked] == ["view", "click", "location"]


def test_given_the_sample_then_nights_and_weekends_are_calmer(default_sample: list[Event]) -> None:
    hours = Counter(event.ts.hour for event in default_sample)
    weekdays = Counter(event.ts.weekday() for event in default_sample)
    assert hours[12] > 3 * hours[3]
    assert weekdays[1] > weekdays[6]


def test_given_the_sample_then_users_return_in_short_sessions(default_sample: list[Event]) -> None:
    sessions = defaultdict(list)
    for event in default_sample:
        sessions[event.user_id, event.session_id].append(event)
    visits = Counter(user_id for user_id, _ in sessions)
    assert max(visits.values()) > 10
    assert 100 < len(visits) <= 201
    for session in sessions.values():
        assert session[-1].ts - session[0].ts < timedelta(hours=1)
        assert session[0].event_type == "view"
        assert len({event.device_id for event in session}) == 1
