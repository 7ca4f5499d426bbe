"""What users have in common who ask: an answer counts only when its numbers are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from locust import FastHttpUser

from loadtest.users.plan import AS_ADMIN

Check = Callable[[Any], str]


class ReadingUser(FastHttpUser):
    """Somebody who asks. There are as many of them as fixed_count says, whatever the rate of events is."""

    abstract = True
    kind = ""

    def ask(self, path: str, parameters: dict[str, Any], check: Check) -> Any:
        """The JSON of an answer. check: what is wrong with it, "" when nothing is; None after a failure."""
        name = f"{self.kind} GET {path}"
        with self.client.get(
            path, params=parameters, headers=AS_ADMIN, name=name, catch_response=True
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {(answer.text or answer.error)!s:.200}")
                return None
            found = json.loads(answer.content)
            if wrong := check(found):
                answer.failure(f"wrong answer: {wrong}")
                return None
            answer.success()
            return found


def same(wanted: Any) -> Check:
    """The check that an answer is just this one."""
    return lambda found: "" if found == wanted else f"{found} instead of {wanted}"[:300]
