"""The headers that bound what a browser does with an answer (OWASP Secure Headers; CSP Level 3).

Every answer of Flask gets them. A page says with `as_page` what it needs beyond nothing.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, request

from beatline.settings import Settings

NO_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; connect-src {connect}; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
NO_FEATURES = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
DEFAULTS = {
    "Content-Security-Policy": NO_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": NO_FEATURES,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HSTS = "max-age=31536000"
HOST_AND_PORT = re.compile(r"[\w.\-]+(:\d+)?|\[[\da-fA-F:.]+\](:\d+)?", re.ASCII)


def init_security_headers(app: Flask, settings: Settings) -> None:
    """Give every answer of the app the headers that it does not set itself. Comes before whatever else
    changes answers: Flask asks the last one first."""

    def add_headers(response: Response) -> Response:
        for name, value in DEFAULTS.items():
            response.headers.setdefault(name, value)
        if settings.tls and is_named(request.host):
            response.headers["Strict-Transport-Security"] = HSTS
        return response

    app.after_request(add_headers)


def as_page(response: Response, *places: str, geolocation: bool = False) -> Response:
    """Let an answer be a page with scripts and styles of ours, none of them inline. places: URLs beside our
    own that its scripts may reach."""
    reachable = " ".join(["'self'", *(origin for place in places for origin in origins(place))])
    response.headers["Content-Security-Policy"] = PAGE_POLICY.format(connect=reachable)
    if geolocation:
        response.headers["Permissions-Policy"] = NO_FEATURES.replace("geolocation=()", "geolocation=(self)")
    return response


def origins(url: str) -> list[str]:
    """The origin of a URL and that of its WebSockets; none for what cannot stand in a policy."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not HOST_AND_PORT.fullmatch(parts.netloc):
        return []
    origin = f"{parts.scheme}://{parts.netloc}"
    return [origin, origin.replace("http", "ws", 1)]


def is_named(host: str) -> bool:
    """Whether a host is of the DNS. Browsers keep HSTS for a host and all its ports, and localhost belongs to
    others too; for addresses they ignore it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        ip_address(name)
    except ValueError:
        return bool(name) and name.rsplit(".")[-1] != "localhost"
    return False
