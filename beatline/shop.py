"""The visitors of a demo shop: an endless, seeded stream of realistic events.

A fixed number of visits is always under way; when a visitor leaves, another one arrives. One step
of a visit follows the other after about `DWELL_SECONDS`, so `rate` events a second are the doing
of `rate * DWELL_SECONDS` simultaneous visits: at 100 a second a few hundred users are active
within five minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import heapify, heapreplace
from math import log
from random import Random
from typing import NamedTuple, TypedDict

DWELL_SECONDS = 3.0
DWELL_SPREAD = 0.8
LARGEST_CROWD = 50_000
RETURNING = 0.35
SHARES_LOCATION = 0.04
SESSIONS_OF_A_USER = 2
LEAVE = "leave"

LANDINGS = {"home": 55, "category": 20, "product": 25}
NEXT_PAGE = {
    "home": {"category": 60, "search": 20, "product": 16, LEAVE: 4},
    "search": {"product": 75, "search": 12, "category": 9, LEAVE: 4},
    "category": {"product": 72, "category": 16, "home": 9, LEAVE: 3},
    "product": {"product": 34, "category": 32, "cart": 13, "home": 9, "search": 9, LEAVE: 3},
    "cart": {"checkout": 45, "category": 30, "product": 20, LEAVE: 5},
    "checkout": {"order": 70, "cart": 15, LEAVE: 15},
    "order": {"home": 50, "category": 25, LEAVE: 25},
}
CLICKS = {
    "home": (("hero-banner", "Shop the sale"), ("nav-menu", "Categories"), ("newsletter", "Join")),
    "search": (("search-field", "Search"), ("search-filter", "In stock")),
    "category": (("filter-price", "Price"), ("sort-by", "Most popular"), ("load-more", "More")),
    "product": (("gallery-next", "Next picture"), ("tab-reviews", "Reviews"), ("size", "Size")),
    "cart": (("quantity-plus", "+"), ("voucher", "Add a voucher")),
    "checkout": (("pay-card", "Card"), ("pay-invoice", "Invoice"), ("ship-fast", "Express")),
    "order": (("print-receipt", "Print receipt"),),
}
CLICKS_PER_PAGE = (1, 2, 2, 3, 3, 4)

# Most popular first: the n-th is chosen with a weight of 1/n (Zipf).
CATALOGUE = {
    "electronics": {"headphones": 79.0, "phone": 599.0, "speaker": 129.0, "smartwatch": 199.0},
    "clothing": {"t-shirt": 19.0, "jeans": 59.0, "rain-jacket": 89.0, "socks": 9.0},
    "home-garden": {"desk-lamp": 39.0, "plant-pot": 14.0, "blanket": 29.0, "toolbox": 49.0},
    "books": {"crime-novel": 12.0, "cookbook": 24.0, "atlas": 45.0},
    "sports": {"yoga-mat": 25.0, "running-shoes": 110.0, "bottle": 15.0},
    "toys": {"puzzle": 18.0, "building-bricks": 65.0, "kite": 22.0},
}
QUERIES = ("headphones", "running shoes", "gift", "jacket", "lamp", "puzzle", "cookbook")
REFERRERS = ("direct", "search engine", "newsletter", "social network", "price comparison")
DEVICES = ("phone", "desktop", "phone", "desktop", "tablet")
CITIES = (
    (51.5072, -0.1276), (40.7128, -74.0060), (52.5200, 13.4050), (48.8566, 2.3522),
    (35.6762, 139.6503), (19.0760, 72.8777), (-23.5505, -46.6333), (-1.2921, 36.8219),
)  # fmt: skip


class ShopEvent(TypedDict):
    """One event as `POST /track` and the batch endpoint take it, still without a timestamp."""

    event_type: str
    user_id: str
    session_id: str
    page_url: str
    properties: dict[str, object]


class Product(NamedTuple):
    category: str
    name: str
    price: float

    @property
    def url(self) -> str:
        return f"/products/{self.category}/{self.name}"


class Visit:
    """One session of one user, from the landing page until the visitor leaves."""

    def __init__(self, rng: Random, user_id: str) -> None:
        self.user_id = user_id
        self._rng = rng
        self._session_id = f"sess_{rng.getrandbits(48):012x}"
        self._device = rng.choice(DEVICES)
        self._product = _popular_product(rng)
        self._cart: list[Product] = []
        self._url = "/"
        self.events = self._walk()

    def _walk(self) -> Iterator[ShopEvent]:
        page, referrer = _weighted(self._rng, LANDINGS), self._rng.choice(REFERRERS)
        while page != LEAVE:
            yield from self._enter(page, referrer)
            if self._rng.random() < SHARES_LOCATION:
                yield self._event("location", _position(self._rng))
            for _ in range(self._rng.choice(CLICKS_PER_PAGE)):
                yield self._event("click", _click(self._rng, page))
            referrer, page = self._url, _weighted(self._rng, NEXT_PAGE[page])

    def _enter(self, page: str, referrer: str) -> Iterator[ShopEvent]:
        if page == "cart":
            self._cart.append(self._product)
            yield self._event("add_to_cart", {**self._product._asdict(), "quantity": 1})
        if page in ("category", "product"):
            self._product = _popular_product(self._rng)
        self._url = self._url_of(page)
        view: dict[str, object] = {"url": self._url, "title": _title(self._url)}
        yield self._event("page_view", {**view, "referrer": referrer, "device": self._device})
        if page == "search":
            yield self._event("search", {"query": self._rng.choice(QUERIES)})
        if page == "order":
            total = sum(product.price for product in self._cart)
            yield self._event("order_completed", {"total": total, "items": len(self._cart)})
            self._cart.clear()

    def _url_of(self, page: str) -> str:
        if page == "product":
            return self._product.url
        if page == "category":
            return f"/products/{self._product.category}"
        return "/" if page == "home" else f"/{page}"

    def _event(self, event_type: str, properties: dict[str, object]) -> ShopEvent:
        return {
            "event_type": event_type,
            "user_id": self.user_id,
            "session_id": self._session_id,
            "page_url": self._url,
            "properties": properties,
        }


def walk(rng: Random, rate: float) -> Iterator[ShopEvent]:
    """Yield the shop's events in order, endlessly; the same seed and rate give the same events.

    `rate` (events a second) only decides how many visitors there are: the caller keeps the pace.
    """
    crowd = min(LARGEST_CROWD, max(1, round(rate * DWELL_SECONDS)))
    customers = [f"usr_{number}" for number in range(1, max(20, crowd) + 1)]
    sessions: Counter[str] = Counter()
    visits = [
        (rng.uniform(0, 2 * DWELL_SECONDS), slot, _arrive(rng, customers, sessions)) for slot in range(crowd)
    ]
    heapify(visits)
    while True:
        at, slot, visit = visits[0]
        event = next(visit.events, None)
        if event is None:
            _depart(visit, sessions)
            visit = _arrive(rng, customers, sessions)
            event = next(visit.events)
        heapreplace(visits, (at + _dwell(rng), slot, visit))
        yield event


def _arrive(rng: Random, customers: list[str], sessions: Counter[str]) -> Visit:
    """A new user or a known one, who may be here on another device; `usr_1` comes most often."""
    user_id = customers[int(len(customers) * rng.random() ** 2)]
    if rng.random() > RETURNING or sessions[user_id] >= SESSIONS_OF_A_USER:
        user_id = f"usr_{rng.getrandbits(40)}"
    sessions[user_id] += 1
    return Visit(rng, user_id)


def _depart(visit: Visit, sessions: Counter[str]) -> None:
    sessions[visit.user_id] -= 1
    if not sessions[visit.user_id]:
        del sessions[visit.user_id]


def _dwell(rng: Random) -> float:
    """Seconds until the next step: log-normal with the mean `DWELL_SECONDS`."""
    return rng.lognormvariate(log(DWELL_SECONDS) - DWELL_SPREAD**2 / 2, DWELL_SPREAD)


def _weighted(rng: Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _popular_product(rng: Random) -> Product:
    category = _zipf(rng, list(CATALOGUE))
    name = _zipf(rng, list(CATALOGUE[category]))
    return Product(category, name, CATALOGUE[category][name])


def _zipf(rng: Random, ranked: list[str]) -> str:
    return rng.choices(ranked, [1 / rank for rank in range(1, len(ranked) + 1)])[0]


def _title(url: str) -> str:
    return f"{url.rsplit('/', 1)[-1].replace('-', ' ').capitalize() or 'Home'} | Demo shop"


def _click(rng: Random, page: str) -> dict[str, object]:
    element_id, text = rng.choice(CLICKS[page])
    return {"element_id": element_id, "text": text, "xpath": f"//*[@id='{element_id}']"}


def _position(rng: Random) -> dict[str, object]:
    latitude, longitude = rng.choice(CITIES)
    return {
        "latitude": round(latitude + rng.gauss(0, 0.05), 5),
        "longitude": round(longitude + rng.gauss(0, 0.05), 5),
        "accuracy": round(rng.uniform(5, 150), 1),
    }
