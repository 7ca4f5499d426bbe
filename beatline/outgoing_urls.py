"""URLs from outside: where they may lead, and where not (server-side request forgery)."""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from beatline.errors import BeatlineError
from beatline.settings import Settings

MAX_URL = 2_048
LOOK_UP_SECONDS = 5.0

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int, float], list[str]]

# A host as DNS knows it. The last label is no number: 0x7f.1 and 2130706433 are addresses for some resolvers.
NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*"
    r"(?!(?:0x[0-9a-f]*|[0-9]+)\.?$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?"
)
PORTS = {"https": 443, "http": 80}
FIRST_FREE_PORT = 1_024  # below are the services of operating systems: mail, SSH, SMB
# Never, whatever is allowed: what clouds tell machines about themselves, their keys included.
METADATA = [
    ip_network(text)
    for text in ("169.254.0.0/16", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::/32",
                 "fd20:ce::/32")
]  # fmt: skip
# What ipaddress calls global, at least in some versions of Python, although it leads to other places:
# multicast, addresses of protocols, and IPv6 that carries IPv4 (6to4, Teredo; ::ffff:0:0/96 and 64:ff9b::/96
# are outside 2000::/3).
GLOBAL_UNICAST = ip_network("2000::/3")
NOT_PUBLIC = [
    ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "2001::/23", "2002::/16", "3fff::/20")
]  # fmt: skip


class UrlRefused(BeatlineError):  # noqa: N818 - said to whoever gave it
    """Beatline does not send to this URL; the message is one sentence that says why."""


class NoAnswer(BeatlineError):  # noqa: N818 - said by the network
    """There is no answer. sent: the request may have arrived nevertheless."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


@dataclass(frozen=True)
class Place:
    """Where a request goes. host in ASCII, of an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    target: bytes

    @property
    def origin(self) -> str:
        """As browsers write it (RFC 6454): without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if PORTS[self.scheme] == self.port else f":{self.port}")


def place_of(url: str) -> Place:
    """A URL in its parts. Raises UrlRefused for one that is malformed, or that parsers read differently."""
    import httpx  # noqa: PLC0415 - a third of a second that only those who look at URLs should wait

    if len(url) > MAX_URL or not url.isprintable():
        raise UrlRefused("The URL is too long, or has characters that no URL has.")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UrlRefused("The URL is malformed.") from error
    if parsed.scheme not in PORTS:
        raise UrlRefused("The URL must begin with https://.")
    if parsed.userinfo:
        raise UrlRefused("The URL must not hold a user's name or password.")
    host = parsed.raw_host.decode("ascii").lower()
    if not NAME.fullmatch(host) and not literal(host):
        raise UrlRefused("The URL's host is neither a name nor an address.")
    port = PORTS[parsed.scheme] if parsed.port is None else parsed.port
    return Place(parsed.scheme, host, port, parsed.raw_path)


def literal(host: str) -> Address | None:
    """The address that a host is in its standard spelling; None for a name, and for one with a zone."""
    try:
        return ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def checked_addresses(
    place: Place, networks: Sequence[Network], resolve: Resolve, seconds: float
) -> list[str]:
    """The addresses of a host, all of which may be sent to.

    Raises UrlRefused if one of them may not, and NoAnswer for a name that cannot be looked up. The messages
    do not tell the addresses: they would show what only this network's DNS knows.
    """
    if place.port not in PORTS.values() and not FIRST_FREE_PORT <= place.port <= 65_535:
        raise UrlRefused(f"The URL's port must be {PORTS[place.scheme]}, or {FIRST_FREE_PORT} or higher.")
    if place.scheme == "http" and not networks:
        raise UrlRefused("The URL must begin with https://.")
    found = [place.host] if literal(place.host) else resolve(place.host, place.port, seconds)
    for text in found:
        if not may_send_to(ip_address(text), place.scheme, networks):
            raise UrlRefused(
                f"{place.host} leads to an address that is not public, or not allowed by {place.scheme} "
                "(BEATLINE_WEBHOOK_NETWORKS)."
            )
    return found


def may_send_to(address: Address, scheme: str, networks: Sequence[Network]) -> bool:
    """Whether an address is public (by https), or in one of the networks (by http too)."""
    if any(address in network for network in METADATA):
        return False
    if any(address in network for network in networks):
        return True
    return scheme == "https" and is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address is one of the Internet's, and no other address in disguise."""
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)


def addresses_of(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name. Raises NoAnswer when it has none, or they are not known in time.

    getaddrinfo cannot be interrupted and takes as long as the name's servers please: it runs in a thread.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=look_up, daemon=True, name="look-up").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty as error:
        raise NoAnswer(f"{host}: its address was not found in time.", sent=False) from error
    if isinstance(answer, OSError):
        raise NoAnswer(f"{host}: it has no address.", sent=False) from answer
    return answer


def check_url(url: str, settings: Settings, resolve: Resolve = addresses_of) -> None:
    """Raise UrlRefused for a URL that nothing would be sent to; looks its name up.

    For the registration of webhooks and browsers. Sending checks again, since names change.
    """
    place = place_of(url)
    try:
        checked_addresses(place, settings.webhook_networks or (), resolve, LOOK_UP_SECONDS)
    except NoAnswer as error:
        raise UrlRefused(str(error)) from error
