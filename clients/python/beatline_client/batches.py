"""Bringing a batch of events to the collector: attempts, pauses, and what became of each event."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from gzip import compress
from typing import Any

from beatline_client.errors import BeatlineClientError, DeliveryError, RejectedError
from beatline_client.transport import NO_ANSWER, Answer, Transport

log = logging.getLogger("beatline_client")

PATH = "/api/v1/analytics/batch/"
MAX_BATCH_EVENTS = 10_000
MAX_BATCH_BYTES = 4 * 2**20  # half of what a collector takes by default
GZIP_FROM_BYTES = 1024
GZIP_LEVEL = 5
LONGEST_RETRY_AFTER = 300.0

Verdict = BeatlineClientError | None  # None: stored
Wait = Callable[[float], bool]  # waits so many seconds; False when there is no time for that


@dataclass(frozen=True)
class Attempt:
    """One request with events and what came of it, for metrics.

    status is the collector's answer, None when there was none. problem is "" when the batch was taken;
    retried says that the same events will be sent again.
    """

    events: int
    accepted: int
    rejected: int
    seconds: float
    status: int | None
    problem: str
    retried: bool


@dataclass(frozen=True)
class Retries:
    """When to send again: so many times (None: for ever), after waits that double from first to longest."""

    limit: int | None = 10
    first: float = 0.5
    longest: float = 30.0

    def allow(self, done: int) -> bool:
        return self.limit is None or done < self.limit

    def pause(self, done: int, retry_after: float | None) -> float:
        """Seconds to wait after `done` retries: between half and all of the doubled wait, so that clients do
        not come in step, and never less than the collector asked for."""
        doubled = min(self.longest, self.first * 2.0 ** min(done, 30))
        asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
        return asked + doubled * random.uniform(0.5, 1)  # noqa: S311 - no secret


class BatchSender:
    """Sends batches. Any thread may; each call has the connection that it needs."""

    def __init__(
        self,
        transport: Transport,
        retries: Retries,
        gzip: bool,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        self._transport = transport
        self._retries = retries
        self._gzip = gzip
        self._on_attempt = on_attempt

    def send(self, events: Sequence[bytes], wait: Wait, stamp: bool) -> list[Verdict]:
        """Send events until each has its verdict: stored, RejectedError or DeliveryError.

        stamp: say when they are sent, so that the collector can correct this machine's clock.
        """
        done = 0
        while True:
            answer = self._post(events, stamp)
            verdicts = judge(answer, len(events))
            split = verdicts is None and answer.status == 413
            again = verdicts is None and (split or self._retries.allow(done))
            self._report(answer, verdicts, len(events), again)
            if verdicts is not None:
                return verdicts
            if split:
                half = len(events) // 2
                return self.send(events[:half], wait, stamp) + self.send(events[half:], wait, stamp)
            if not again or not wait(self._pause(answer, done)):
                return [given_up(answer)] * len(events)
            done += 1

    def _pause(self, answer: Answer, done: int) -> float:
        seconds = self._retries.pause(done, answer.retry_after)
        log.info("%s; sending again in %.1f s", problem(answer), seconds)
        return seconds

    def _post(self, events: Sequence[bytes], stamp: bool) -> Answer:
        sent_at = b',"sent_at":"%s"' % datetime.now(UTC).isoformat().encode() if stamp else b""
        body = b'{"events":[' + b",".join(events) + b"]" + sent_at + b"}"
        headers = {"Content-Type": "application/json"}
        if self._gzip and len(body) > GZIP_FROM_BYTES:
            body = compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return self._transport.request("POST", PATH, body, headers)

    def _report(self, answer: Answer, verdicts: list[Verdict] | None, events: int, again: bool) -> None:
        if self._on_attempt is None:
            return
        settled = verdicts or []
        attempt = Attempt(
            events=events,
            accepted=sum(verdict is None for verdict in settled),
            rejected=sum(isinstance(verdict, RejectedError) for verdict in settled),
            seconds=answer.seconds,
            status=answer.status or None,
            problem="" if 200 <= answer.status < 300 else problem(answer),
            retried=again,
        )
        try:
            self._on_attempt(attempt)
        except Exception:
            log.exception("on_attempt failed")


def judge(answer: Answer, events: int) -> list[Verdict] | None:
    """What an answer says about each event; None when they have to be sent again: later, or after 413 in
    smaller batches."""
    if 200 <= answer.status < 300:
        return judge_each(answer, events)
    if answer.status in (NO_ANSWER, 408, 429) or answer.status >= 500:
        return None
    if answer.status == 413:
        too_large = error_of(answer).get("errors") or {"event": ["Too large."]}
        return [RejectedError(too_large)] if events == 1 else None
    return [given_up(answer)] * events


def judge_each(answer: Answer, events: int) -> list[Verdict]:
    """The verdicts in `{"accepted": n, "rejected": [{"index", "errors"}]}`."""
    verdicts: list[Verdict] = [None] * events
    try:
        content = json.loads(answer.body)
        for refused in content["rejected"]:
            verdicts[refused["index"]] = RejectedError(refused["errors"])
        if content["accepted"] + len(content["rejected"]) == events:
            return verdicts
    except (ValueError, LookupError, TypeError):
        pass
    return [DeliveryError("this is no collector: its answer is none to a batch", answer.status)] * events


def given_up(answer: Answer) -> DeliveryError:
    """Why the events of an answer are not sent again."""
    return DeliveryError(problem(answer), answer.status or None)


def problem(answer: Answer) -> str:
    """What is wrong, in one line: status, code and message of the collector, or the network's error."""
    if answer.status == NO_ANSWER:
        return f"no answer: {answer.body.decode(errors='replace')}"
    if answer.location and 300 <= answer.status < 400:
        return f"{answer.status}: redirected to {answer.location}, give that as host"
    error = error_of(answer)
    said = [str(error[name]) for name in ("code", "message") if error.get(name)]
    return f"{answer.status} {': '.join(said) or answer.body[:200].decode(errors='replace')}".strip()


def error_of(answer: Answer) -> dict[str, Any]:
    """The collector's error object, {} when the answer has none."""
    try:
        content = json.loads(answer.body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
