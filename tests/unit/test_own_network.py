"""Who may read metrics."""

from __future__ import annotations

import pytest

from beatline.own_network import FORWARDED, may_read_metrics


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.0.0.7", True),
        ("172.18.0.5", True),
        ("192.168.1.2", True),
        ("169.254.1.1", True),
        ("100.64.3.4", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.7", True),
        ("8.8.8.8", False),
        ("2a00:1450:4001::1", False),
        ("::ffff:8.8.8.8", False),
        ("", False),
        ("somewhere", False),
    ],
)
def test_a_peer_of_the_own_network_may_and_no_other(peer: str, allowed: bool) -> None:
    assert may_read_metrics(peer, {}.get) == allowed


@pytest.mark.parametrize("name", FORWARDED)
def test_nobody_may_through_a_proxy(name: str) -> None:
    assert not may_read_metrics("127.0.0.1", {name: "8.8.8.8"}.get)
