"""Rate limits at the front door: requests per address, events per write key (docs/rate-limits.md)."""

from __future__ import annotations

from dataclasses import dataclass

from beatline.events import Reason
from beatline.rate_limits import RateLimits, address_bucket, headers
from beatline.settings import Settings
from collector.ingest.request import Refused, Request
from collector.metrics import IngestMetrics

COUNTED = {"ip": "requests of this address", "key": "events of this write key"}


@dataclass(slots=True)
class IngestLimits:
    """The limits that the settings name, over the buckets that all collectors share."""

    settings: Settings
    limits: RateLimits
    metrics: IngestMetrics

    def admit_address(self, request: Request) -> None:
        """Count a request of its address. Raises Refused when there are too many."""
        if self.settings.ip_rate:
            address = request.address(self.settings.trusted_proxies)
            self.admit(request, address_bucket(address), self.settings.ip_rate, self.settings.ip_burst)

    def admit_key(self, request: Request) -> None:
        """Count the first event of a request for its write key. Raises Refused when there are too many."""
        if self.settings.key_rate:
            self.admit(request, key_bucket(request), self.settings.key_rate, self.settings.key_burst)

    def admit(self, request: Request, bucket: str, rate: float, burst: float) -> None:
        """Take a token; the request notes what its answer's header will say. Raises Refused without one."""
        verdict = self.limits.take(bucket, rate, burst)
        request.verdicts.append(verdict)
        if not verdict.allowed:
            kind = bucket.partition(":")[0]
            self.metrics.rate_limited.labels(kind).inc()
            message = f"Too many {COUNTED[kind]}; the limit is {rate:g} a second."
            raise Refused(429, Reason.RATE_LIMITED, message, retry_after=verdict.retry_after)

    def charge(self, request: Request, events: int) -> None:
        """Count the further events of a request that was admitted with its first one."""
        if self.settings.key_rate and events > 1:
            self.limits.charge(
                key_bucket(request), self.settings.key_rate, self.settings.key_burst, events - 1
            )


def key_bucket(request: Request) -> str:
    """The bucket of a request's write key; requests without a key share one."""
    return f"key:{request.write_key}"


def limit_headers(request: Request) -> dict[str, str]:
    """What the answer says of the limits that the request came under."""
    return headers(*request.verdicts) if request.verdicts else {}
