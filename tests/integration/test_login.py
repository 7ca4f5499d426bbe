"""Signing in and out: tokens, their rotation and their end, cookies, throttling."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask

from beatline.accounts import people
from beatline.accounts.access import Role
from beatline.accounts.signing_keys import new_key, pem_keys
from tests.fixtures.people import PASSWORD, People, Tokens, bearer

ME = "/api/v1/account"
LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"


def test_it_works(persons: People) -> None:
    signed_in = persons.join("ann@example.com", Role.VIEWER).sign_in()

    me = signed_in("GET", ME)

    assert me.json["email"] == "ann@example.com"
    assert "numbers:read" in me.json["permissions"]
    assert {project["name"] for project in me.json["projects"]} == {"default", "other"}


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("ann@example.com' or 1=1 --", PASSWORD),
        ("gone@example.com", PASSWORD),
    ],
)
def test_given_a_wrong_address_or_password_then_the_refusal_does_not_tell_which(
    persons: People, email: str, password: str
) -> None:
    persons.join("ann@example.com")
    gone = persons.join("gone@example.com")
    people.disable_account(persons.connection, gone.account_id, disabled=True)

    answer = persons.client.post(LOGIN, json={"email": email, "password": password})

    assert (answer.status_code, answer.json["message"]) == (401, "The address or the password is wrong.")


@pytest.mark.parametrize("email", ["", "an@e\0xample.com", "a" * 255, None, 7])
def test_an_address_that_cannot_be_one_is_named(persons: People, email: Any) -> None:
    answer = persons.client.post(LOGIN, json={"email": email, "password": PASSWORD})
    assert (answer.status_code, list(answer.json["errors"])) == (400, ["email"])


def test_given_a_refresh_then_the_old_token_is_followed_once(persons: People) -> None:
    first = persons.join("ann@example.com").sign_in()

    second = first.refreshed().json

    assert persons.client.get(ME, headers=bearer(second["access_token"])).status_code == 200
    assert second["refresh_token"] != first.refresh


def test_given_two_tabs_that_refresh_at_once_then_both_go_on(persons: People) -> None:
    first = persons.join("ann@example.com").sign_in()

    answers = [first.refreshed(), first.refreshed()]

    assert [answer.status_code for answer in answers] == [200, 200]
    claims = [jwt.decode(a.json["refresh_token"], options={"verify_signature": False}) for a in answers]
    assert claims[0]["refresh"] == claims[1]["refresh"]


def test_given_a_refresh_token_used_again_later_then_the_whole_session_ends(persons: People) -> None:
    first = persons.join("ann@example.com").sign_in()
    second = first.refreshed().json
    persons.connection.execute("update login_sessions set refreshed_at = refreshed_at - interval '1 minute'")

    assert first.refreshed().status_code == 401

    thief = Tokens(persons.client, second["access_token"], second["refresh_token"])
    assert thief.refreshed().status_code == 401
    assert thief("GET", ME).status_code == 401
    (ended_by,) = persons.connection.execute("select ended_by from login_sessions").fetchone() or (None,)
    assert ended_by == "reuse"


def forged(claims: dict[str, Any], **changes: Any) -> str:
    """A token of another key, or of none."""
    key = pem_keys(new_key())[0]
    return jwt.encode(claims | changes, key, "ES256", headers={"kid": "00"})


def encoded(*parts: bytes) -> str:
    """Parts as a JSON Web Token has them."""
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def without_signature(claims: dict[str, Any]) -> str:
    """A token that says it needs no signature (RFC 8725, section 2.1)."""
    return encoded(b'{"alg": "none", "typ": "JWT"}', json.dumps(claims).encode()) + "."


def signed_with_the_public_key(app: Flask, claims: dict[str, Any]) -> str:
    """A token whose HMAC secret is our public key (RFC 8725, section 2.1)."""
    secret = app.extensions["beatline_signing_keys"].private.public_key()
    pem = secret.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = encoded(b'{"alg": "HS256", "typ": "JWT"}', json.dumps(claims).encode())
    return f"{signed}.{encoded(hmac.digest(pem, signed.encode(), 'sha256'))}"


def test_tokens_that_are_not_ours_are_refused(guarded: Flask, persons: People) -> None:
    signed_in = persons.join("ann@example.com").sign_in()
    claims = jwt.decode(signed_in.access, options={"verify_signature": False})
    tampered = signed_in.access[:-4] + ("AAAA" if signed_in.access[-4:] != "AAAA" else "BBBB")
    tokens = [
        forged(claims), without_signature(claims), signed_with_the_public_key(guarded, claims), tampered,
        signed_in.refresh, "", "x", "a.b.c", "blt_" + "x" * 43, "é",
    ]  # fmt: skip

    for token in tokens:
        answer = persons.client.get(ME, headers=bearer(token))
        assert answer.status_code == 401, token
        assert answer.json["code"] == "unauthorized"


def test_an_expired_token_is_refused(guarded: Flask, persons: People) -> None:
    guarded.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(seconds=-1)
    signed_in = persons.join("ann@example.com").sign_in()

    answer = signed_in("GET", ME)

    assert (answer.status_code, answer.json["message"]) == (401, "The token has expired.")


ENDINGS = {
    "logout": lambda signed_in: signed_in("POST", "/api/v1/auth/logout"),
    "logout everywhere": lambda signed_in: signed_in("POST", "/api/v1/auth/logout-everywhere"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_given_a_logout_then_access_and_refresh_end_at_once(persons: People, ending: str) -> None:
    signed_in = persons.join("ann@example.com").sign_in()

    assert ENDINGS[ending](signed_in).status_code == 200

    assert signed_in("GET", ME).status_code == 401
    assert signed_in.refreshed().status_code == 401


def test_given_a_revoked_login_then_that_one_ends_and_the_other_goes_on(persons: People) -> None:
    ann = persons.join("ann@example.com")
    here, there = ann.sign_in(), ann.sign_in()
    logins = here("GET", f"{ME}/logins").json["login_sessions"]
    other = next(login["login_id"] for login in logins if not login["current"])

    assert here("DELETE", f"{ME}/logins/{other}").status_code == 204

    assert here("GET", ME).status_code == 200
    assert there("GET", ME).status_code == 401


def test_given_another_password_then_all_other_logins_end(persons: People) -> None:
    ann = persons.join("ann@example.com")
    here, there = ann.sign_in(), ann.sign_in()

    changed = here("PUT", f"{ME}/password", {"current": PASSWORD, "new": "another password"})

    assert changed.status_code == 204
    assert [here("GET", ME).status_code, there("GET", ME).status_code] == [200, 401]
    again = persons.client.post(LOGIN, json={"email": ann.email, "password": "another password"})
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"current": "wrong", "new": "long enough now"}, "The current password is wrong."),
        ({"current": PASSWORD, "new": "short"}, "a password has 10 to 256 characters"),
    ],
)
def test_a_password_that_cannot_be_changed_stays(
    persons: People, given: dict[str, str], message: str
) -> None:
    signed_in = persons.join("ann@example.com").sign_in()

    answer = signed_in("PUT", f"{ME}/password", given)

    assert (answer.status_code, answer.json["message"]) == (400, message)


def test_given_a_disabled_account_then_it_is_out_at_once(persons: People, boss: Tokens) -> None:
    ann = persons.join("ann@example.com", Role.ANALYST)
    signed_in = ann.sign_in()

    assert boss("PATCH", f"/api/v1/accounts/{ann.account_id}", {"disabled": True}).status_code == 204

    assert signed_in("GET", ME).status_code == 401
    assert signed_in.refreshed().status_code == 401


def test_cookies_need_the_csrf_token_for_anything_but_reading(guarded: Flask, persons: People) -> None:
    persons.join("ann@example.com")
    browser = guarded.test_client()
    login = browser.post(LOGIN, json={"email": "ann@example.com", "password": PASSWORD, "cookies": True})
    assert login.json["access_token"] is None
    for header in login.headers.getlist("Set-Cookie"):
        assert "SameSite=Strict" in header
        assert "HttpOnly" in header or header.startswith("csrf_")
    csrf = browser.get_cookie("csrf_access_token")
    assert csrf

    assert browser.get(ME).status_code == 200
    assert browser.patch(ME, json={"name": "Ann"}).status_code == 401
    assert browser.patch(ME, json={"name": "Ann"}, headers={"X-CSRF-TOKEN": "wrong"}).status_code == 401
    assert browser.patch(ME, json={"name": "Ann"}, headers={"X-CSRF-TOKEN": csrf.value}).status_code == 204
    assert browser.get(ME).json["name"] == "Ann"


def test_cookies_are_refreshed_and_taken_back(guarded: Flask, persons: People) -> None:
    persons.join("ann@example.com")
    browser = guarded.test_client()
    browser.post(LOGIN, json={"email": "ann@example.com", "password": PASSWORD, "cookies": True})

    def csrf(kind: str) -> dict[str, str]:
        cookie = browser.get_cookie(f"csrf_{kind}_token")
        assert cookie
        return {"X-CSRF-TOKEN": cookie.value}

    assert browser.post(REFRESH, headers=csrf("refresh")).status_code == 200
    assert browser.get(ME).status_code == 200
    assert browser.post("/api/v1/auth/logout", headers=csrf("access")).status_code == 200
    assert browser.get_cookie("access_token_cookie", path="/api/") is None
    assert browser.get(ME).status_code == 401


def test_given_a_device_token_then_it_lets_nobody_in(guarded: Flask, persons: People) -> None:
    persons.join("ann@example.com")
    browser = guarded.test_client()
    browser.post(LOGIN, json={"email": "ann@example.com", "password": PASSWORD})
    device = browser.get_cookie("beatline_device", path="/api/v1/auth/")
    assert device

    assert persons.client.get(ME, headers=bearer(device.value)).status_code == 401
    assert persons.client.post(REFRESH, headers=bearer(device.value)).status_code == 401


def test_given_a_guesser_then_they_are_slowed_and_the_owner_s_device_is_not(
    guarded: Flask, persons: People
) -> None:
    persons.join("ann@example.com")
    known = guarded.test_client()
    good = {"email": "ann@example.com", "password": PASSWORD}
    assert known.post(LOGIN, json=good).status_code == 200

    guesses = [
        persons.client.post(LOGIN, json={"email": "ann@example.com", "password": f"guess {n}"})
        for n in range(8)
    ]

    assert {guess.status_code for guess in guesses} == {401, 429}
    assert int(guesses[-1].headers["Retry-After"]) > 0
    assert persons.client.post(LOGIN, json=good).status_code == 429
    assert known.post(LOGIN, json=good).status_code == 200


def test_given_a_crowd_of_addresses_then_the_account_is_slowed_for_strangers_only(
    guarded: Flask, persons: People
) -> None:
    persons.join("ann@example.com")
    known = guarded.test_client()
    good = {"email": "ann@example.com", "password": PASSWORD}
    assert known.post(LOGIN, json=good).status_code == 200

    statuses = [
        persons.client.post(
            LOGIN, json=good | {"password": "guess"}, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}
        ).status_code
        for n in range(25)
    ]

    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert known.post(LOGIN, json=good).status_code == 200


def test_api_tokens_do_what_their_scopes_say_until_revoked(persons: People) -> None:
    signed_in = persons.join("ann@example.com", Role.ANALYST).sign_in()
    wanted = {"name": "script", "scopes": ["numbers:read", "catalogue:write"]}
    made = signed_in("POST", f"{ME}/tokens", wanted).json
    counts = "/analytics/event-counts-by-type?start_date=2026-01-01&end_date=2026-01-02"

    def ask(method: str, path: str) -> int:
        return persons.client.open(path, method=method, headers=bearer(made["token"])).status_code

    assert ask("GET", counts) == 200
    assert ask("GET", "/api/v1/projects/1/rejected-events") == 403  # the role may, the scope may not
    assert ask("PUT", "/api/v1/projects/1/catalogue") == 403  # the scope may, the role may not
    assert ask("GET", ME) == 403  # an account is for who has signed in
    listed = signed_in("GET", f"{ME}/tokens").json["tokens"]
    assert [(token["name"], token["last_used_at"] is None) for token in listed] == [("script", False)]
    assert signed_in("DELETE", f"{ME}/tokens/{made['token_id']}").status_code == 204
    assert ask("GET", counts) == 401


def test_an_expired_api_token_is_refused(persons: People) -> None:
    signed_in = persons.join("ann@example.com", Role.ANALYST).sign_in()
    wanted = {"name": "old", "scopes": ["numbers:read"], "expires_at": "2020-01-01T00:00:00Z"}
    token = signed_in("POST", f"{ME}/tokens", wanted).json["token"]

    assert persons.client.get("/api/v1/metrics/overview", headers=bearer(token)).status_code == 401


def test_one_cannot_reach_what_is_somebody_else_s(persons: People) -> None:
    ann, bob = (persons.join(f"{name}@example.com").sign_in() for name in ("ann", "bob"))
    login_id = ann("GET", f"{ME}/logins").json["login_sessions"][0]["login_id"]
    token_id = ann("POST", f"{ME}/tokens", {"name": "x", "scopes": ["numbers:read"]}).json["token_id"]

    for path in (f"logins/{login_id}", f"tokens/{token_id}", f"logins/{uuid4()}", f"tokens/{uuid4()}"):
        assert bob("DELETE", f"{ME}/{path}").status_code == 404

    assert ann("GET", ME).status_code == 200
    assert len(ann("GET", f"{ME}/tokens").json["tokens"]) == 1


@pytest.mark.parametrize("field", ["role", "roles", "account_id", "disabled", "permissions"])
def test_nobody_gives_themselves_more_by_further_fields(persons: People, field: str) -> None:
    signed_in = persons.join("ann@example.com", Role.VIEWER).sign_in()
    before = signed_in("GET", ME).json

    answer = signed_in("PATCH", ME, {"name": "Ann", field: "admin"})

    assert (answer.status_code, answer.json["errors"]) == (400, {field: ["Unknown field."]})
    assert signed_in("GET", ME).json == before


def test_the_keys_verify_a_token_elsewhere(persons: People) -> None:
    signed_in = persons.join("ann@example.com").sign_in()
    keys = jwt.PyJWKSet.from_dict(persons.client.get("/.well-known/jwks.json").json)

    kid = jwt.get_unverified_header(signed_in.access)["kid"]
    claims = jwt.decode(signed_in.access, keys[kid].key, ["ES256"], issuer="beatline")

    assert claims["type"] == "access"


def test_accounts_are_unknown_to_the_time_that_a_refusal_takes(
    persons: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = people.fits

    def counting(password: str, password_hash: str | None) -> bool:
        checked.append(str(password_hash))
        return verify(password, password_hash)

    monkeypatch.setattr(people, "fits", counting)
    persons.join("ann@example.com")
    for email in ("ann@example.com", "nobody@example.com"):
        persons.client.post(LOGIN, json={"email": email, "password": "wrong password"})

    assert [text.startswith("$argon2id$") for text in checked] == [True, False]
    from beatline.accounts.passwords import hasher, nobodys_hash

    assert hasher.check_needs_rehash(nobodys_hash()) is False  # as costly as anybody's


def test_the_last_admin_stays(persons: People, boss: Tokens, connection: psycopg.Connection) -> None:
    boss_id = boss("GET", ME).json["account_id"]

    attempts = [
        boss("PUT", f"/api/v1/accounts/{boss_id}/role", {"role": "viewer"}),
        boss("PATCH", f"/api/v1/accounts/{boss_id}", {"disabled": True}),
        boss("DELETE", f"/api/v1/accounts/{boss_id}"),
    ]

    assert [attempt.status_code for attempt in attempts] == [409, 409, 409]
    assert boss("GET", "/api/v1/accounts").status_code == 200
