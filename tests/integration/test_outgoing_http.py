"""The client that sends to other people's servers: to the address that was checked, and to no other."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from beatline.cli import cli
from beatline.notifications.vapid_keys import key_of, public_half, vapid_public_key
from beatline.outgoing_http import MAX_ANSWER_BYTES, Client, trusted_client
from beatline.outgoing_urls import NoAnswer, UrlRefused
from beatline.settings import Settings
from tests.providers.certificates import Authority
from tests.providers.https import Reply, running
from tests.providers.webhook_receiver import WebhookReceiver

LOOPBACK = [ip_network("127.0.0.0/8")]
BODY = b"{}"


class Names:
    """A resolver whose answers change: one after the other, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int, seconds: float) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def receiver(trusted: Authority) -> Iterator[WebhookReceiver]:
    with running(WebhookReceiver(trusted.server_context("hook.example"))) as server:
        server.answer = lambda _: Reply(200)  # type: ignore[method-assign]
        yield server


def url(receiver: WebhookReceiver) -> str:
    """Its address by a name that only a resolver of these tests knows."""
    return f"https://hook.example:{receiver.server_port}/x"


def test_given_a_name_then_it_is_that_of_tls_and_host_and_the_connection_goes_to_the_address(
    receiver: WebhookReceiver,
) -> None:
    names = Names(["127.0.0.1"])
    client = Client(LOOPBACK, resolve=names)
    assert client.post(url(receiver), {}, BODY).status == 200
    assert receiver.server_names == ["hook.example"]
    assert receiver.requests[0].headers["host"] == f"hook.example:{receiver.server_port}"
    assert names.asked == 1
    client.close()


def test_given_a_name_that_changes_after_the_check_then_the_checked_address_is_used(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []
    connect = socket.create_connection
    monkeypatch.setattr(
        "socket.create_connection",
        lambda address, *rest, **named: connected.append(address[0]) or connect(address, *rest, **named),
    )
    client = Client(LOOPBACK, resolve=Names(["127.0.0.1"], ["10.0.0.1"]))
    assert client.post(url(receiver), {}, BODY).status == 200
    assert connected == ["127.0.0.1"]
    with pytest.raises(UrlRefused):
        client.post(url(receiver), {}, BODY)
    assert connected == ["127.0.0.1"]
    assert len(receiver.requests) == 1
    client.close()


def test_given_addresses_that_do_not_answer_then_the_next_one_is_tried(receiver: WebhookReceiver) -> None:
    client = Client(LOOPBACK, resolve=Names(["127.0.0.2", "127.0.0.3", "127.0.0.1"]))
    assert client.post(url(receiver), {}, BODY).status == 200
    client.close()


def test_given_a_listener_that_never_takes_connections_then_it_ends_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        full = [socket.socket() for _ in range(3)]
        for waiting in full:
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        client = Client(LOOPBACK, resolve=Names(["127.0.0.1"] * 3))
        began = time.monotonic()
        with pytest.raises(NoAnswer) as caught:
            client.post(f"https://hook.example:{listener.getsockname()[1]}/", {}, BODY, 0.3)
        assert not caught.value.sent
        assert time.monotonic() - began < 3
        for waiting in full:
            waiting.close()
        client.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_given_a_redirect_then_it_is_not_followed(receiver: WebhookReceiver, status: int) -> None:
    receiver.faults = [Reply(status, {"Location": f"https://127.0.0.1:{receiver.server_port}/inside"})]
    client = Client(LOOPBACK, resolve=Names(["127.0.0.1"]))
    assert client.post(url(receiver), {}, BODY).status == status
    assert [request.path for request in receiver.requests] == ["/x"]
    client.close()


def test_given_a_large_answer_then_its_beginning_is_read(receiver: WebhookReceiver) -> None:
    receiver.faults = [Reply(200, {}, b"x" * 10 * MAX_ANSWER_BYTES)]
    client = Client(LOOPBACK, resolve=Names(["127.0.0.1"]))
    assert client.post(url(receiver), {}, BODY).body == b"x" * MAX_ANSWER_BYTES
    client.close()


def test_given_a_proxy_in_the_environment_then_it_is_not_asked(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = Client(LOOPBACK, resolve=Names(["127.0.0.1"]))
    assert client.post(url(receiver), {}, BODY).status == 200
    client.close()


def test_given_threads_then_each_has_a_client_of_its_own(trusted: Authority) -> None:
    clients = [trusted_client(), trusted_client()]
    thread = threading.Thread(target=lambda: clients.append(trusted_client()))
    thread.start()
    thread.join()
    assert clients[0] is clients[1]
    assert clients[2] is not clients[0]


def test_given_no_vapid_key_then_one_is_made_once_and_kept(tmp_path: Path) -> None:
    first = vapid_public_key(Settings(data=tmp_path))
    assert vapid_public_key(Settings(data=tmp_path)) == first
    assert len(first) == 87
    assert (tmp_path / "vapid-key.pem").stat().st_mode & 0o777 == 0o600
    assert vapid_public_key(Settings(data=tmp_path / "other")) != first


def test_given_the_command_vapid_then_its_key_can_be_set() -> None:
    from click.testing import CliRunner

    printed = CliRunner().invoke(cli, ["vapid"])
    assert printed.exit_code == 0
    variable, _, key = printed.stdout.splitlines()[0].partition("=")
    assert variable == "BEATLINE_VAPID_PRIVATE_KEY"
    settings = Settings.from_env({variable: key.strip('"')})
    assert public_half(key_of(str(settings.vapid_private_key))) in printed.stdout
