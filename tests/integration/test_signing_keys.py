"""Where the keys that sign tokens come from, and how one follows another."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask.testing import FlaskClient
from moto import mock_aws

from beatline.accounts.access_tokens import login_of
from beatline.accounts.signing_keys import KEY_FILE, kept_key, new_key, signing_keys
from beatline.errors import StartError
from beatline.settings import Settings
from collector import create_app
from tests.fixtures.people import People, Person, bearer

OLD, NEW = new_key(), new_key()
REGION = "eu-central-1"
Start = Callable[..., FlaskClient]


@pytest.fixture
def start(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts collectors on one database; settings are by their field's name."""
    apps = []

    def start_collector(**settings: Any) -> FlaskClient:
        given = {"database_url": postgres_url, "redis_url": redis_url, "data": tmp_path} | settings
        app = create_app(Settings(**given))
        apps.append(app)
        return app.test_client(use_cookies=False)

    yield start_collector
    for app in apps:
        app.extensions["beatline"].close()


def person(client: FlaskClient, connection: psycopg.Connection) -> Person:
    """Somebody with an account at a collector."""
    return People(client, connection).join("ann@example.com")


def status(client: FlaskClient, token: str) -> int:
    """What a collector answers to an access token."""
    return client.get("/api/v1/account", headers=bearer(token)).status_code


def pem(key: Any) -> str:
    """A private key in PEM."""
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_given_no_key_then_one_is_kept_in_the_data_folder(
    start: Start, connection: psycopg.Connection, tmp_path: Path
) -> None:
    first = start()
    token = person(first, connection).sign_in().access

    again = start()

    assert status(again, token) == 200
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("signing-key*")] == [KEY_FILE]


def test_given_many_first_starts_at_once_then_all_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(kept_key, [tmp_path / "data"] * 16))

    assert len(keys) == 1


@pytest.mark.parametrize("as_file", [False, True], ids=["variable", "file"])
@pytest.mark.parametrize("written", [OLD, OLD.replace("\n", "\\n")], ids=["lines", "one line"])
def test_keys_come_from_a_variable_or_a_file(as_file: bool, written: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    path.write_text(written)
    given = {"BEATLINE_SIGNING_KEYS_FILE": str(path)} if as_file else {"BEATLINE_SIGNING_KEYS": written}

    keys = signing_keys(Settings.from_env(given | {"BEATLINE_DATA": str(tmp_path)}))

    assert keys.signing_id == signing_keys(Settings(signing_keys=OLD)).signing_id
    assert not (tmp_path / KEY_FILE).exists()


def test_a_new_key_signs_and_the_old_one_s_tokens_are_good_while_it_is_listed(
    start: Start, connection: psycopg.Connection
) -> None:
    before = start(signing_keys=OLD)
    ann = person(before, connection)
    old = ann.sign_in()
    during = start(signing_keys=NEW + OLD)
    new = Person(during, ann.email, ann.account_id).sign_in()
    after = start(signing_keys=NEW)

    assert [status(client, old.access) for client in (before, during, after)] == [200, 200, 401]
    assert [status(client, new.access) for client in (before, during, after)] == [401, 200, 200]
    kid = jwt.get_unverified_header(new.access)["kid"]
    assert next(key["kid"] for key in during.get("/.well-known/jwks.json").json["keys"]) == kid
    refreshed = during.post("/api/v1/auth/refresh", headers=bearer(old.refresh))
    assert status(after, refreshed.json["access_token"]) == 200


def test_the_live_server_takes_the_same_tokens(start: Start, connection: psycopg.Connection) -> None:
    old = person(start(signing_keys=OLD), connection).sign_in()

    def known(keys: str, token: str) -> bool:
        return login_of(token, signing_keys(Settings(signing_keys=keys))) is not None

    assert [known(keys, old.access) for keys in (OLD, NEW + OLD, NEW)] == [True, True, False]
    assert not known(OLD, old.refresh)


RSA = pem(rsa.generate_private_key(65537, 2048))
OTHER_CURVE = pem(ec.generate_private_key(ec.SECP384R1()))


@pytest.mark.parametrize(
    "given",
    [
        "x", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", RSA, OTHER_CURVE, OLD + OTHER_CURVE,
        OLD.replace("PRIVATE", "PUBLIC"),
    ],
    ids=["no PEM", "broken", "RSA", "another curve", "a bad second", "public"],
)  # fmt: skip
def test_a_key_that_cannot_sign_stops_the_start(given: str, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="BEATLINE_SIGNING_KEYS"):
        signing_keys(Settings(signing_keys=given, data=tmp_path))


@contextmanager
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """AWS KMS as moto plays it: the far edge of the network."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield boto3.client("kms")


def kms_key(client: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
    """The ARN of a new key of KMS."""
    return str(client.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"])


def test_keys_of_kms_sign_and_follow_each_other_and_never_come_here(
    start: Start, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with kms(monkeypatch) as client:
        first, second = kms_key(client), kms_key(client)
        client.create_alias(AliasName="alias/beatline", TargetKeyId=first)
        before = start(signing_kms_keys="alias/beatline")
        ann = person(before, connection)
        old = ann.sign_in()
        during = start(signing_kms_keys=f"{second}, {first}")
        new = Person(during, ann.email, ann.account_id).sign_in()
        after = start(signing_kms_keys=second)

        assert [status(client, old.access) for client in (before, during, after)] == [200, 200, 401]
        assert [status(client, new.access) for client in (before, during, after)] == [401, 200, 200]
    assert not (tmp_path / KEY_FILE).exists()


def test_a_key_of_kms_that_cannot_sign_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with kms(monkeypatch) as client:
        names = [
            "alias/nobody", "arn:aws:kms:nowhere", "", kms_key(client, "RSA_2048"),
            kms_key(client, "ECC_NIST_P384"), kms_key(client, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ]  # fmt: skip
        for name in filter(None, names):
            with pytest.raises(StartError, match="BEATLINE_SIGNING_KMS_KEYS"):
                signing_keys(Settings(signing_kms_keys=name))
