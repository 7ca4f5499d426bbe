"""The releases of SDKs that are tried, and what each of them is known to do when it is not answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.sdks.proxy import Fault

ALL_FAULTS = (Fault.UNAVAILABLE, Fault.HANG_UP, Fault.LOSE_ANSWER, Fault.DELAY)
WITHOUT_HANG_UP = (Fault.UNAVAILABLE, Fault.LOSE_ANSWER, Fault.DELAY)  # one for each of three requests


@dataclass(frozen=True)
class Release:
    """One release of an SDK, driven by drivers/<driver>.

    package is its folder in .venv/sdks or its npm alias (package.json); calls are the names of the events
    that the driver makes it send; options go to the driver, environ to its process. faults are those after
    which this release sends again; retries says whether it ever does.
    """

    name: str
    driver: str
    package: str
    calls: frozenset[str]
    options: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ALL_FAULTS
    retries: bool = True

    @property
    def in_browser(self) -> bool:
        """Whether it runs in a page, not in a process."""
        return self.driver.endswith(".js")

    @property
    def bundle(self) -> str:
        """The page's script (bundle.mjs)."""
        return f"{self.package.replace('/', '-')}.js"


V1 = {"POSTHOG_CAPTURE_MODE": "v1"}
LEAVING = {"$pageleave", "engagement"}  # sent when the page is left, and never again

TRACKED = frozenset({"Product Viewed", "Order Completed", "Order Imported"})
SEGMENT_CALLS = TRACKED | {"identify", "page", "screen", "group", "alias"}
RUDDER_JS_CALLS = SEGMENT_CALLS - {"screen"}
POSTHOG_CALLS = frozenset({
    "Order Completed", "Order Imported", "$pageview", "$screen", "$identify", "$set", "$set_once",
    "$create_alias", "$groupidentify", "$exception",
})  # fmt: skip
POSTHOG_PYTHON_CALLS = POSTHOG_CALLS | {"Anonymous Visit"}
POSTHOG_OLDEST_JS_CALLS = TRACKED | {
    "$pageview", "$identify", "$set", "$create_alias", "$groupidentify", "$autocapture", "$pageleave",
}  # fmt: skip
POSTHOG_JS_CALLS = POSTHOG_OLDEST_JS_CALLS | {"$exception"}
PLAUSIBLE_OLD_CALLS = frozenset({"pageview", "Signup", "Outside Link"})
PLAUSIBLE_CALLS = PLAUSIBLE_OLD_CALLS | {"Purchase", "engagement"}

SEGMENT = [
    Release("segment-python-old", "segment_python.py", "old", SEGMENT_CALLS),
    Release("segment-python-current", "segment_python.py", "current", SEGMENT_CALLS, {"gzip": True}),
    Release("segment-node-old", "segment_node.mjs", "segment-node-old", SEGMENT_CALLS),
    Release("segment-node-current", "segment_node.mjs", "segment-node-current", SEGMENT_CALLS),
    # Takes any answer for a success.
    Release(
        "segment-next-old", "segment_browser.js", "segment-next-old", SEGMENT_CALLS, faults=ALL_FAULTS[1:]
    ),
    Release("segment-next-current", "segment_browser.js", "segment-next-current", SEGMENT_CALLS),
    Release(
        "segment-next-current-batching",
        "segment_browser.js",
        "segment-next-current",
        SEGMENT_CALLS,
        {"strategy": "batching"},
    ),
]
RUDDERSTACK = [
    Release("rudder-python-old", "rudder_python.py", "old", SEGMENT_CALLS),
    Release("rudder-python-current", "rudder_python.py", "current", SEGMENT_CALLS, {"gzip": True}),
    # Gives an event up when the connection breaks.
    Release(
        "rudder-js-old",
        "rudder_browser.js",
        "rudder-js-old/bundled",
        RUDDER_JS_CALLS,
        faults=(Fault.UNAVAILABLE, Fault.DELAY),
    ),
    Release("rudder-js-current", "rudder_browser.js", "rudder-js-current/bundled", RUDDER_JS_CALLS),
    Release(
        "rudder-js-current-beacon",
        "rudder_browser.js",
        "rudder-js-current/bundled",
        RUDDER_JS_CALLS,
        {"beacon": True},
        faults=(Fault.LOSE_ANSWER,),
        retries=False,
    ),
]
POSTHOG_SERVERS = [
    Release("posthog-python-old", "posthog_python.py", "old", POSTHOG_CALLS),
    Release("posthog-python-current", "posthog_python.py", "current", POSTHOG_PYTHON_CALLS, {"gzip": True}),
    Release("posthog-python-current-v1", "posthog_python.py", "current", POSTHOG_PYTHON_CALLS, environ=V1),
    Release("posthog-node-old", "posthog_node.mjs", "posthog-node-old", POSTHOG_CALLS),
    Release("posthog-node-current", "posthog_node.mjs", "posthog-node-current", POSTHOG_CALLS),
    Release("posthog-node-current-v1", "posthog_node.mjs", "posthog-node-current", POSTHOG_CALLS, environ=V1),
]
POSTHOG_BROWSERS = [
    Release("posthog-js-oldest", "posthog_browser.js", "posthog-js-oldest", POSTHOG_OLDEST_JS_CALLS),
    Release("posthog-js-old", "posthog_browser.js", "posthog-js-old", POSTHOG_JS_CALLS),
    Release("posthog-js-current", "posthog_browser.js", "posthog-js-current", POSTHOG_JS_CALLS),
]
PLAUSIBLE = [
    Release(
        "plausible-old",
        "plausible_old_browser.js",
        "plausible-old",
        PLAUSIBLE_OLD_CALLS,
        faults=WITHOUT_HANG_UP,
        retries=False,
    ),
    Release(
        "plausible-current",
        "plausible_browser.js",
        "plausible-current",
        PLAUSIBLE_CALLS,
        faults=WITHOUT_HANG_UP,
        retries=False,
    ),
]
ALL = [*SEGMENT, *RUDDERSTACK, *POSTHOG_SERVERS, *POSTHOG_BROWSERS, *PLAUSIBLE]
