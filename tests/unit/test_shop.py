"""The demo shop's walk: pure, seeded, plausible."""

from collections import Counter, defaultdict
from itertools import islice
from random import Random

import msgspec
import pytest

from beatline.catalogue import PAYLOADS, check_payload
from beatline.shop import CLICKS, LANDINGS, LEAVE, NEXT_PAGE, ShopEvent, walk

FIVE_MINUTES = 300


def events(rate: float, count: int, seed: int = 1) -> list[ShopEvent]:
    return list(islice(walk(Random(seed), rate), count))


@pytest.fixture(scope="module")
def quarter_of_an_hour() -> list[ShopEvent]:
    return events(rate=100, count=90_000)


def by_session(walked: list[ShopEvent]) -> dict[str, list[ShopEvent]]:
    sessions = defaultdict(list)
    for event in walked:
        sessions[event["session_id"]].append(event)
    return sessions


def test_given_the_same_seed_then_the_events_are_the_same() -> None:
    assert events(10, 500, seed=7) == events(10, 500, seed=7)


def test_given_another_seed_then_the_events_differ() -> None:
    assert events(10, 500, seed=7) != events(10, 500, seed=8)


def test_given_100_events_a_second_then_a_few_hundred_users_are_active(
    quarter_of_an_hour: list[ShopEvent],
) -> None:
    window = quarter_of_an_hour[-100 * FIVE_MINUTES :]
    assert 300 <= len({event["user_id"] for event in window}) <= 900


@pytest.mark.parametrize("rate", [0.1, 1, 20])
def test_given_a_low_rate_then_few_users_are_active(rate: float) -> None:
    window = events(rate, max(1, round(rate * FIVE_MINUTES)))
    assert 1 <= len({event["user_id"] for event in window}) <= 10 * max(1, rate)


def test_given_many_visits_then_pages_are_popular_in_the_order_of_a_shop(
    quarter_of_an_hour: list[ShopEvent],
) -> None:
    views = Counter(e["page_url"] for e in quarter_of_an_hour if e["event_type"] == "page_view")
    ranked = ["/products/electronics", "/products/books", "/products/toys"]
    assert views[ranked[0]] > views[ranked[1]] > views[ranked[2]] > 0
    assert views["/cart"] > views["/checkout"] > views["/order"] > 0


def test_given_many_visits_then_some_users_have_two_sessions_and_none_has_more(
    quarter_of_an_hour: list[ShopEvent],
) -> None:
    minute = quarter_of_an_hour[-6000:]
    sessions = {(event["user_id"], event["session_id"]) for event in minute}
    of_a_user = Counter(user_id for user_id, _ in sessions)
    assert 2 in of_a_user.values()
    assert "usr_1" in of_a_user


def test_given_a_session_then_it_has_one_user_and_opens_with_a_view(
    quarter_of_an_hour: list[ShopEvent],
) -> None:
    for session in by_session(quarter_of_an_hour).values():
        assert len({event["user_id"] for event in session}) == 1
        assert session[0]["event_type"] == "page_view"


def test_given_an_order_then_it_is_worth_what_was_put_into_the_cart(
    quarter_of_an_hour: list[ShopEvent],
) -> None:
    ordered = 0
    for session in by_session(quarter_of_an_hour).values():
        cart: list[object] = []
        for event in session:
            if event["event_type"] == "add_to_cart":
                cart.append(event["properties"]["price"])
            if event["event_type"] == "order_completed":
                assert event["properties"] == {"total": sum(cart), "items": len(cart)}
                cart.clear()
                ordered += 1
    assert ordered > 100


def test_given_any_event_then_its_payload_fits_its_type(
    quarter_of_an_hour: list[ShopEvent],
) -> None:
    for event in quarter_of_an_hour[:20_000]:
        if event["event_type"] in PAYLOADS:
            check_payload(event["event_type"], event["properties"])
        assert event["page_url"].startswith("/")
    assert set(PAYLOADS) - {"view"} < {event["event_type"] for event in quarter_of_an_hour}


def test_given_the_tables_then_every_page_leads_somewhere_and_can_be_clicked() -> None:
    reachable = {page for nexts in NEXT_PAGE.values() for page in nexts} - {LEAVE}
    assert reachable == NEXT_PAGE.keys() == CLICKS.keys()
    assert LANDINGS.keys() <= reachable


def test_given_any_event_then_it_can_be_sent_as_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(events(1, 50))) == events(1, 50)
