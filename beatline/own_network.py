"""Who may read metrics: this machine and its own network, and nobody through a proxy."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

FORWARDED = ("X-Forwarded-For", "Forwarded", "Via")  # what proxies say that they are one
REFUSAL = "Metrics are for this machine and its own network, not through a proxy (docs/metrics.md)."


def may_read_metrics(peer: str, header: Callable[[str], str | None]) -> bool:
    """Whether a request comes from a private address, and not through a proxy. header gives one by name."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return not address.is_global and not any(header(name) for name in FORWARDED)
