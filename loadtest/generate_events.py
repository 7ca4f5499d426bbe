"""Fill the database with sample events: four weeks of views, clicks and locations.

    python loadtest/generate_events.py [--events 5000] [--start 2025-05-01] [--end 2025-05-28]
                                       [--seed 2025] [--database-url postgresql://…]

The events go through the same storage code as everything else. Their ids follow from the options,
and ids that are stored already are left out, so the same command twice adds nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import click
import msgspec

from beatline.embedded.postgres import NAME as EMBEDDED
from beatline.errors import StartError, StorageError
from beatline.events import DEFAULT_PROJECT, Event
from beatline.settings import Settings
from beatline.shop import CATALOGUE
from beatline.storage.store import Batch, Store, translated_errors

try:
    from faker import Faker
except ModuleNotFoundError:
    sys.exit("generate_events.py needs Faker, a development dependency: run `make setup`")

BATCH = 500
EVENTS_PER_USER = 25
ARTICLES = 8
ALREADY_STORED = """
select event_id from events
where project_id = %s and ts between %s and %s and event_id = any (%s)
"""

# Shares of a day's events by hour (UTC) and of a week's by day, Monday first.
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 10, 10, 10, 11, 13, 15, 16, 14, 9, 5)
WEEKDAYS = (10, 11, 11, 10, 9, 7, 6)
DEVICES = (("iOS", "18.4"), ("Android", "15"), ("Windows", "11"), ("macOS", "15.4"))
APP_VERSIONS = ("2.3.0", "2.3.0", "2.3.1", "2.4.0")
CLICKS = (
    ("add-to-cart", "Add to cart"),
    ("nav-menu", "Menu"),
    ("search-submit", "Search"),
    ("filter-price", "Price"),
    ("gallery-next", "Next picture"),
    ("newsletter-join", "Join the newsletter"),
    ("checkout-start", "Check out"),
)
DAY = click.DateTime(["%Y-%m-%d"])

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """What to generate: so many events on the days from start to end, both inclusive, in UTC."""

    events: int = 5000
    start: date = date(2025, 5, 1)
    end: date = date(2025, 5, 28)
    seed: int = 2025

    def event_id(self, number: int) -> UUID:
        """The id of the number-th event, counted by time: the same options give the same ids."""
        name = f"{self.seed}/{self.start}/{self.end}/{self.events}/{number}"
        return uuid5(NAMESPACE_URL, f"beatline:sample/{name}")


@dataclass(frozen=True)
class Page:
    url: str
    title: str


@dataclass(frozen=True)
class User:
    user_id: str
    device_id: str
    app_version: str
    os_name: str
    os_version: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Action:
    """Something that a user did, before it becomes an event."""

    ts: datetime
    event_type: str
    user: User
    session_id: str
    page: Page
    payload: dict[str, object]


def sample_events(sample: Sample) -> list[Event]:
    """The sample's events in the order of time; the same sample gives the same events."""
    rng = Random(sample.seed)
    faker = Faker("en_US")
    faker.seed_instance(sample.seed)
    users = [make_user(faker, number) for number in range(sample.events // EVENTS_PER_USER + 1)]
    actions = islice(make_actions(rng, sample, users, make_pages(faker)), sample.events)
    ordered = sorted(actions, key=lambda action: action.ts)
    return [to_event(rng, sample, number, action) for number, action in enumerate(ordered)]


def make_user(faker: Faker, number: int) -> User:
    os_name, os_version = faker.random.choice(DEVICES)
    latitude, longitude, *_ = faker.location_on_land()
    return User(
        user_id=f"usr_{number + 1}",
        device_id=f"dev_{faker.hexify('^' * 12)}",
        app_version=faker.random.choice(APP_VERSIONS),
        os_name=os_name,
        os_version=os_version,
        latitude=float(latitude),
        longitude=float(longitude),
    )


def make_pages(faker: Faker) -> list[Page]:
    """The pages of the shop and its magazine, most popular first."""
    pages = [Page("/", "Home")]
    for category, products in CATALOGUE.items():
        pages.append(Page(f"/products/{category}", category.replace("-", " ").capitalize()))
        for name in products:
            title = f"{name.replace('-', ' ').capitalize()} by {faker.company()}"
            pages.append(Page(f"/products/{category}/{name}", title))
    titles = (faker.sentence(nb_words=5).rstrip(".") for _ in range(ARTICLES))
    return pages + [Page(f"/magazine/{t.lower().replace(' ', '-')}", t) for t in titles]


def make_actions(rng: Random, sample: Sample, users: list[User], pages: list[Page]) -> Iterator[Action]:
    """Sessions one after another, endlessly; what would fall after the last day is left out."""
    days = [sample.start + timedelta(n) for n in range((sample.end - sample.start).days + 1)]
    day_weights = [WEEKDAYS[day.weekday()] for day in days]
    after = datetime.combine(sample.end, datetime.min.time(), UTC) + timedelta(days=1)
    while True:
        day = rng.choices(days, day_weights)[0]
        hour = rng.choices(range(24), HOURS)[0]
        start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        start += timedelta(milliseconds=rng.randrange(3_600_000))
        user = popular(rng, users)
        for action in make_session(rng, user, start, pages):
            if action.ts < after:
                yield action


def make_session(rng: Random, user: User, start: datetime, pages: list[Page]) -> Iterator[Action]:
    """One visit: a few pages, clicks on most of them, and sometimes where the user is."""
    session_id = f"sess_{rng.getrandbits(48):012x}"
    at = start
    for _ in range(rng.choice((1, 2, 3, 3, 4, 5, 6, 8))):
        page = popular(rng, pages)
        steps: list[tuple[str, dict[str, object]]] = [("view", {"url": page.url, "title": page.title})]
        steps += [("click", click_payload(rng)) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
        if rng.random() < 0.1:
            steps.append(("location", location_payload(rng, user)))
        for event_type, payload in steps:
            yield Action(at, event_type, user, session_id, page, payload)
            at += timedelta(milliseconds=rng.randint(800, 45_000))


def popular(rng: Random, ranked: list[T]) -> T:
    """One of them, the earlier ones more often."""
    return ranked[int(len(ranked) * rng.random() ** 2)]


def click_payload(rng: Random) -> dict[str, object]:
    element_id, text = rng.choice(CLICKS)
    return {"element_id": element_id, "text": text, "xpath": f"//*[@id='{element_id}']"}


def location_payload(rng: Random, user: User) -> dict[str, object]:
    """Somewhere around the user's home."""
    return {
        "latitude": round(user.latitude + rng.gauss(0, 0.02), 6),
        "longitude": round(user.longitude + rng.gauss(0, 0.02), 6),
        "accuracy": round(rng.uniform(4, 120), 1),
    }


def to_event(rng: Random, sample: Sample, number: int, action: Action) -> Event:
    return Event(
        project_id=DEFAULT_PROJECT,
        event_id=sample.event_id(number),
        ts=action.ts,
        received_at=action.ts + timedelta(milliseconds=rng.randint(20, 900)),
        event_type=action.event_type,
        user_id=action.user.user_id,
        session_id=action.session_id,
        device_id=action.user.device_id,
        page_url=action.page.url,
        app_version=action.user.app_version,
        os_name=action.user.os_name,
        os_version=action.user.os_version,
        properties=msgspec.Raw(msgspec.json.encode(action.payload)),
        client_id=True,
    )


def store_events(store: Store, events: list[Event]) -> Iterator[tuple[int, int]]:
    """Write the events in batches; yields after each how many it had and how many were new."""
    for first in range(0, len(events), BATCH):
        batch = events[first : first + BATCH]
        known = stored_ids(store, batch)
        fresh = [event for event in batch if event.event_id not in known]
        yield len(batch), store.write(Batch(fresh)).events if fresh else 0


def stored_ids(store: Store, batch: list[Event]) -> set[UUID]:
    """Which of the batch are in the table already; the ledger forgets after a day or two."""
    ids = [event.event_id for event in batch]
    found = (DEFAULT_PROJECT, batch[0].ts, batch[-1].ts, ids)
    with translated_errors():
        return {row[0] for row in store.connection.execute(ALREADY_STORED, found)}


def find_database(given: str | None, settings: Settings) -> str:
    """The address that was given or set, or else of the embedded database of `make up`."""
    embedded = settings.data / f"{EMBEDDED}.url"
    address = given or settings.database_url
    if address:
        return address
    if not embedded.exists():
        raise StartError("no database: start `make up`, or give --database-url")
    return embedded.read_text().strip()


def run(sample: Sample, database_url: str) -> int:
    """Store what is missing of the sample, showing how far it is; returns how many events were."""
    store = Store.connect(database_url)
    try:
        events = sample_events(sample)
        with click.progressbar(length=len(events), label="Storing events") as bar:
            stored = 0
            for size, new in store_events(store, events):
                stored += new
                bar.update(size)
    finally:
        store.close()
    return stored


@click.command(context_settings={"show_default": True})
@click.option("--events", type=click.IntRange(1), default=Sample.events, help="How many.")
@click.option("--start", type=DAY, default=str(Sample.start), help="First day, in UTC.")
@click.option("--end", type=DAY, default=str(Sample.end), help="Last day, in UTC.")
@click.option("--seed", type=int, default=Sample.seed, help="Another seed, other events.")
@click.option("--database-url", help="Else BEATLINE_DATABASE_URL, else that of `make up`.")
def main(events: int, start: datetime, end: datetime, seed: int, database_url: str | None) -> None:
    """Fill the database with sample views, clicks and locations, like those of a small shop."""
    if end < start:
        raise click.UsageError("--end is before --start")
    sample = Sample(events, start.date(), end.date(), seed)
    try:
        stored = run(sample, find_database(database_url, Settings.from_env()))
    except (StartError, StorageError) as error:
        raise click.ClickException(f"{error}".strip()) from error
    click.echo(f"{stored:,} events stored, {events - stored:,} were there already.")


if __name__ == "__main__":
    main()
