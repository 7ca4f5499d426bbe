"""The key that tells push services who sends (VAPID, RFC 8292). Browsers subscribe with its public half."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from beatline.accounts.signing_keys import kept_key
from beatline.errors import StartError
from beatline.settings import Settings

KEY_FILE = "vapid-key.pem"  # in the data folder, where no key is set


def vapid_key(settings: Settings) -> ec.EllipticCurvePrivateKey:
    """The key of the settings; without one, that of the data folder, made when missing.

    Raises StartError for a key that cannot be used.
    """
    return key_of(settings.vapid_private_key or kept_key(settings.data, KEY_FILE))


@cache
def key_of(pem: str) -> ec.EllipticCurvePrivateKey:
    """A private key in PEM; line breaks may be written as \\n."""
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError) as error:
        raise StartError(f"BEATLINE_VAPID_PRIVATE_KEY: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise StartError("BEATLINE_VAPID_PRIVATE_KEY: only an EC key on the curve P-256 can sign")
    return key


def public_half(key: ec.EllipticCurvePrivateKey) -> str:
    """The public key as browsers take it (applicationServerKey): the point in base64url, 87 characters."""
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def vapid_public_key(settings: Settings) -> str:
    """What the console gives to a browser that subscribes."""
    return public_half(vapid_key(settings))
