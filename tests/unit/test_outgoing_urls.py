"""Where URLs from outside may lead: attacks of server-side request forgery, as a table."""

from __future__ import annotations

import threading
from ipaddress import ip_address, ip_network

import pytest

from beatline.outgoing_urls import NoAnswer, UrlRefused, addresses_of, check_url, is_public, place_of
from beatline.settings import Settings

PUBLIC = "93.184.216.34"
PUBLIC_6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
NAMES = {
    "public.example": [PUBLIC],
    "both.example": [PUBLIC_6, PUBLIC],
    "xn--bcher-kva.example": [PUBLIC],
    "a_b.example.": [PUBLIC],
    "inside.example": ["10.1.2.3"],
    "half.example": [PUBLIC, "127.0.0.1"],
    "localhost": ["127.0.0.1", "::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "6to4.example": ["2002:7f00:1::"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "zone.example": ["fe80::1%2"],
}


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of names of the table; else a public one, as the worst of resolvers."""
    if host == "unknown.example":
        raise NoAnswer(f"{host}: it has no address.", sent=False)
    return NAMES.get(host, [PUBLIC])


@pytest.mark.parametrize(
    "url",
    [
        "https://public.example/hook",
        "https://public.example",
        "https://public.example:8443/hook?a=b",
        "HTTPS://PUBLIC.example/",
        "https://both.example/",
        "https://bücher.example/",
        "https://a_b.example./",
        f"https://{PUBLIC}/",
        f"https://[{PUBLIC_6}]:1024/",
    ],
)
def test_given_a_public_address_then_it_is_allowed(url: str) -> None:
    check_url(url, Settings(), resolve)


@pytest.mark.parametrize(
    "url",
    [
        # another scheme
        "http://public.example/",
        "ftp://public.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "//public.example/",
        "public.example",
        "",
        # names that lead inside
        "https://inside.example/",
        "https://half.example/",
        "https://localhost/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://mapped.example/",
        "https://6to4.example/",
        "https://nat64.example/",
        "https://zone.example/",
        "https://unknown.example/",
        # addresses
        "https://127.0.0.1/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://168.63.129.16/",
        "https://100.100.100.200/",
        "https://192.0.0.192/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://198.18.0.1/",
        "https://192.88.99.1/",
        "https://192.0.0.9/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::127.0.0.1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:5db8:d822]/",
        "https://[::ffff:0:127.0.0.1]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[64:ff9b:1::1]/",
        "https://[2002:7f00:0001::]/",
        "https://[2001:0:53aa:64c:0:0:80ff:fffe]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[fec0::1]/",
        "https://[ff02::1]/",
        "https://[2001:db8::1]/",
        "https://[2001:1::1]/",
        "https://[3fff::1]/",
        # spellings that some resolvers take for an address
        "https://127.1/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.01/",
        "https://127.0.0.1./",
        "https://1.2.3.4.5/",
        "https://public.example.0x/",
        "https://127。0。0。1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        "https://loc\u00adalhost/",
        # what parsers read differently
        "https://public.example@127.0.0.1/",
        "https://user@public.example/",
        "https://user:password@public.example/",
        "https://127.0.0.1\\@public.example/",
        "https://public.example\\.inside.example/",
        "https://127.0.0.1#@public.example/",
        "https://127.0.0.1?@public.example/",
        "https://public.example /",
        "https://public.example\t/",
        "https://public.example/\r\nHost: inside.example",
        "https://public.example%00.inside.example/",
        "https://pub%6cic.example/",
        "https://[public.example]/",
        "https://[::1/",
        "https://.public.example/",
        "https://public..example/",
        "https://-public.example/",
        "https:///public.example/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 130 + "example/",
        "https://public.example/" + "a" * 2_048,
        # ports of other services
        "https://public.example:22/",
        "https://public.example:25/",
        "https://public.example:0/",
        "https://public.example:65536/",
        "https://public.example:-1/",
        "https://public.example:x/",
    ],
)
def test_given_an_attack_then_it_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        check_url(url, Settings(), resolve)
    assert "10.1.2.3" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_given_http_then_it_is_refused_without_looking_the_name_up() -> None:
    with pytest.raises(UrlRefused, match="https://"):
        check_url("http://unknown.example/", Settings(), resolve)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://inside.example/", True),
        ("https://inside.example:8080/", True),
        ("http://10.200.0.1:8080/", True),
        ("https://public.example/", True),
        ("http://[fd12::1]/", True),
        ("http://public.example/", False),
        ("https://half.example/", False),
        ("https://localhost/", False),
        ("http://[::ffff:10.0.0.1]/", False),
        ("http://inside.example:22/", False),
    ],
)
def test_given_own_networks_then_they_are_allowed_by_http_too(url: str, allowed: bool) -> None:
    settings = Settings(webhook_networks=(ip_network("10.0.0.0/8"), ip_network("fd12::/16")))
    if allowed:
        check_url(url, settings, resolve)
        return
    with pytest.raises(UrlRefused):
        check_url(url, settings, resolve)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://192.0.0.192/",
        "http://[fd20:ce::254]/",
        "http://[fd00:ec2::254]/",
    ],
)
def test_given_all_networks_then_what_clouds_tell_machines_is_still_refused(url: str) -> None:
    settings = Settings(webhook_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    with pytest.raises(UrlRefused):
        check_url(url, settings, resolve)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("1.1.1.1", True),
        ("2a00:1450:4001::1", True),
        ("192.0.2.1", False),
        ("240.0.0.1", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) == public


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Push.Example:443/x", "https://push.example"),
        ("https://push.example:8443/x", "https://push.example:8443"),
        ("http://[2606:2800::1]:80/", "http://[2606:2800::1]"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert place_of(url).origin == origin


def test_given_a_name_server_that_does_not_answer_then_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        over.wait(10)
        return []

    monkeypatch.setattr("socket.getaddrinfo", hang)
    with pytest.raises(NoAnswer, match="in time"):
        addresses_of("slow.example", 443, 0.05)
    over.set()


def test_given_a_name_of_this_machine_then_its_addresses_are_found() -> None:
    assert "127.0.0.1" in addresses_of("localhost", 443, 5)
