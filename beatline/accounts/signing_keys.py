"""The keys that sign our tokens (ES256, RFC 7518): from a variable, a file, or AWS KMS.

The first key signs, all of them verify: a new key is put first, and the old one taken away when no token of
its is left (docs/accounts.md). A key's id is its thumbprint (RFC 7638).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from beatline.errors import StartError
from beatline.settings import Settings

ALGORITHM = "ES256"
KEY_FILE = "signing-key.pem"  # in the data folder, where no key is set
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
CANNOT_SIGN = "BEATLINE_SIGNING_KEYS: only EC keys on the curve P-256 can sign ES256"


@dataclass(frozen=True)
class SigningKeys:
    """signing_id and private sign; public, by key id, verify."""

    signing_id: str
    private: ec.EllipticCurvePrivateKey
    public: dict[str, ec.EllipticCurvePublicKey]

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        keys = [
            {**as_jwk(key), "kid": key_id, "use": "sig", "alg": ALGORITHM}
            for key_id, key in self.public.items()
        ]
        return {"keys": keys}


def signing_keys(settings: Settings) -> SigningKeys:
    """The keys that the settings name; without any, the one of the data folder, made when missing.

    Raises StartError for keys that cannot be used.
    """
    private: Sequence[ec.EllipticCurvePrivateKey]
    if settings.signing_kms_keys:
        private = [kms_key(name.strip()) for name in settings.signing_kms_keys.split(",")]
    elif settings.signing_keys:
        private = pem_keys(settings.signing_keys)
    else:
        private = pem_keys(kept_key(settings.data))
    public = {key_id_of(key.public_key()): key.public_key() for key in private}
    return SigningKeys(next(iter(public)), private[0], public)


def pem_keys(text: str) -> list[ec.EllipticCurvePrivateKey]:
    """The private keys of a text in PEM, one after the other; line breaks may be written as \\n."""
    found = PEM.findall(text.replace("\\n", "\n"))
    if not found:
        raise StartError("BEATLINE_SIGNING_KEYS: there is no private key in PEM")
    return [pem_key(pem) for pem in found]


def pem_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """A private key in PEM."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise StartError(f"BEATLINE_SIGNING_KEYS: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise StartError(CANNOT_SIGN)
    return key


def kept_key(data: Path, name: str = KEY_FILE) -> str:
    """A key of the data folder, made when missing; processes that start at once get the same one."""
    path = data / name
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        beginning = path.with_name(f"{name}.{uuid4()}")
        descriptor = os.open(beginning, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key())
        try:
            os.link(beginning, path)
        except FileExistsError:
            pass
        finally:
            beginning.unlink()
    return path.read_text()


def new_key() -> str:
    """A new private key, in PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode()


def key_id_of(key: ec.EllipticCurvePublicKey) -> str:
    """The thumbprint of a key (RFC 7638): SHA-256 of its required members in order of their names."""
    jwk = as_jwk(key)
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
    return digest.hex()[:32]


def as_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """A public key as a JSON Web Key."""
    return ECAlgorithm.to_jwk(key, as_dict=True)


class KmsKey(ec.EllipticCurvePrivateKey):
    """A private key that AWS KMS holds (ECC_NIST_P256, SIGN_VERIFY): it signs there and never comes here."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name
        der = client.get_public_key(KeyId=name)["PublicKey"]
        public = serialization.load_der_public_key(der)
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise StartError(f"BEATLINE_SIGNING_KMS_KEYS: {name} is no key of the kind ECC_NIST_P256")
        self.public = public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """The signature of at most 4,096 bytes, in DER."""
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise ValueError("KMS signs ES256 only")
        answer = self.client.sign(
            KeyId=self.name, Message=bytes(data), MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        )  # fmt: skip
        return bytes(answer["Signature"])

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self.public

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256."""
        return self.public.curve

    @property
    def key_size(self) -> int:
        """256 bits."""
        return self.public.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Not with this key."""
        raise NotImplementedError

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """KMS does not tell."""
        raise NotImplementedError

    def private_bytes(self, *_: Any) -> bytes:
        """KMS does not tell."""
        raise NotImplementedError

    def __copy__(self) -> KmsKey:
        return self

    def __deepcopy__(self, _: Any) -> KmsKey:
        return self


def kms_key(name: str) -> KmsKey:
    """The key of a name, id, alias or ARN, with the credentials and region that boto3 finds by itself."""
    import boto3  # noqa: PLC0415 - half a second that only its users wait
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        return KmsKey(boto3.client("kms"), name)
    except (BotoCoreError, ClientError) as error:
        raise StartError(f"BEATLINE_SIGNING_KMS_KEYS: {error}") from error
