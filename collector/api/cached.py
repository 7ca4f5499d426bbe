"""Views whose answers are kept in the cache (beatline/cache.py)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, current_app, make_response

from beatline.cache import key_of
from collector.services import services

ROLLING_SECONDS = 1.0
PAST_SECONDS = 10.0  # as long as a late event may take to count where TimescaleDB has its minute already

Parameters = dict[str, Any]
View = Callable[[Parameters], Any]


def cached(staleness: Callable[[Parameters], float]) -> Callable[[View], View]:
    """A view that answers 200 with a JSON object, or raises. Its answer is at most so many seconds old when
    it is asked for, the same for all who ask with the same parameters. Comes below what reads these and above
    what writes the answer."""

    def decorate(view: View) -> View:
        name = f"{view.__module__}.{view.__name__}"

        @wraps(view)
        def answered(parameters: Parameters) -> Response:
            if not services().settings.cache:
                return make_response(view(parameters))
            key, seconds = key_of(name, parameters), staleness(parameters)
            body = services().cache.get(key, seconds, lambda: make_response(view(parameters)).get_data())
            return current_app.response_class(body, mimetype="application/json")

        return answered

    return decorate


def rolling(_: Parameters) -> float:
    """The staleness of a window that ends now, in seconds."""
    return ROLLING_SECONDS
