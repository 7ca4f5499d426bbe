"""posthog (Python) sends its whole repertoire: posthog_python.py '{"host": …, "key": …}'.

Releases before 6 take the distinct id first and have identify(); later ones take the event first, and the
environment's POSTHOG_CAPTURE_MODE chooses their protocol.
"""

import json
import sys
from datetime import UTC, datetime

from posthog import Posthog

settings = json.loads(sys.argv[1])
errors = []
modern = "identify" not in dir(Posthog)
posthog = Posthog(
    settings["key"],
    host=settings["host"],
    flush_interval=0.1,
    gzip=settings.get("gzip", False),
    on_error=lambda error, items: errors.append(error),
)


def capture(event, distinct_id, properties, **others):
    """The same call in either order of arguments."""
    if modern:
        posthog.capture(event, distinct_id=distinct_id, properties=properties, **others)
    else:
        posthog.capture(distinct_id, event, properties, **others)


if modern:
    capture("$identify", "usr_1", {"$set": {"email": "ada@example.com"}, "$anon_distinct_id": "anon_1"})
else:
    posthog.identify("usr_1", {"email": "ada@example.com"})
capture(
    "Order Completed",
    "usr_1",
    {
        "total": 9.99,
        "currency": "EUR",
        "items": [{"sku": "A-1", "count": 2}],
        "nothing": None,
        "$gift/card.no": "ü",
        "$session_id": "01a203d7-6426-7799-8e1d-a86421fdc728",
        "$app_version": "1.2.3",
    },
    groups={"company": "grp_1"},
)
capture("$pageview", "usr_1", {"$current_url": "https://shop.example/pricing", "$session_id": "sess_1"})
capture("$screen", "usr_1", {"$screen_name": "Settings"})
capture("Order Imported", "usr_1", {"total": 1}, timestamp=datetime(2024, 3, 15, 14, 30, tzinfo=UTC))
posthog.set(distinct_id="usr_1", properties={"city": "London"})
posthog.set_once(distinct_id="usr_1", properties={"first_page": "/pricing"})
posthog.group_identify("company", "grp_1", {"name": "Acme", "seats": 5})
posthog.alias("anon_0", "usr_1")
try:
    raise ValueError("out of stock")
except ValueError as error:
    if modern:
        posthog.capture_exception(error, distinct_id="usr_1")
        posthog.capture("Anonymous Visit", properties={"sku": "A-1"})
    else:
        posthog.capture_exception(error, "usr_1")
posthog.shutdown()
sys.exit("\n".join(map(str, errors)) or 0)
