"""Feature flags: the answer of the collector, in any of the shapes in use, as {name: on or variant}."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from beatline_client.batches import problem
from beatline_client.errors import FeatureFlagsUnavailableError
from beatline_client.transport import NO_ANSWER, Answer, Transport

PATH = "/api/v1/analytics/public/feature-flags/for_user/?distinct_id="
ATTEMPTS = 2
WORTH_ANOTHER = (NO_ANSWER, 502, 503, 504)

Flag = bool | str


def feature_flags(transport: Transport, distinct_id: str) -> dict[str, Flag]:
    """Ask for the flags of a user; raises FeatureFlagsUnavailableError."""
    for _ in range(ATTEMPTS):
        answer = transport.request("GET", PATH + quote(distinct_id, safe=""))
        if answer.status not in WORTH_ANOTHER:
            break
    if answer.status != 200:
        raise FeatureFlagsUnavailableError(problem(answer), answer.status or None)
    return read(answer)


def read(answer: Answer) -> dict[str, Flag]:
    """{"flags": {name: on or variant}}. A value may be an object {"enabled", "variant"} too, the whole a list
    of such objects with a "key", and the name "featureFlags" or none at all."""
    try:
        content = json.loads(answer.body)
        for name in ("flags", "featureFlags"):
            if isinstance(content, dict) and name in content:
                content = content[name]
        if isinstance(content, list):
            content = {flag["key"]: flag for flag in content}
        return {str(name): value_of(flag) for name, flag in content.items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise FeatureFlagsUnavailableError(f"no flags in the answer: {error}", answer.status) from error


def value_of(flag: Any) -> Flag:
    """Whether a flag is on, or which variant it has."""
    if isinstance(flag, Mapping):
        on = flag.get("enabled", flag.get("value", False))
        return (flag.get("variant") or value_of(on)) if on else False
    return flag if isinstance(flag, str) else bool(flag)
