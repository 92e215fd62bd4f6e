"""Webhooks: which events have names, which addresses are public, what fits."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels import webhooks
from entrepot.channels.webhooks import Tried
from entrepot.orders.rules import STATUSES

NOW = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
FITS = ("Shop", "https://shop.example.com/hook", ("order.shipped",))


@pytest.mark.parametrize(
    ("kind", "before", "after", "names"),
    [
        ("order", "", "ready", ["order.placed", "order.ready"]),
        ("order", "ready", "picking", []),
        ("order", "picking", "partly shipped", ["order.partly_shipped"]),
        ("order", "ready", "ready", []),
        ("order", "ready", "fraud review", ["order.held"]),
        ("dispute", "under_review", "won", ["dispute.won"]),
        ("sku", "registered", "registered", ["sku.changed"]),
        ("person", "", "in", []),
    ],
)
def test_an_event_of_the_log_has_the_names_of_what_it_did(kind, before, after, names) -> None:
    assert webhooks.names_of(kind, before, after) == names
    assert webhooks.names_of(kind, before, after, "orders.edit") == names


def test_a_date_that_slips_has_a_name_though_the_order_stays_as_it_is() -> None:
    assert webhooks.names_of("order", "", "", "sourcing.peg") == ["order.promise_slipped"]
    assert webhooks.names_of("order", "backordered", "ready", "sourcing.peg") == ["order.ready"]
    assert webhooks.names_of("sku", "", "", "sourcing.peg") == []


@given(st.sampled_from(["", *STATUSES]), st.sampled_from(STATUSES))
def test_every_name_of_an_order_says_that_its_state_changed(before: str, after: str) -> None:
    names = webhooks.names_of("order", before, after)
    assert bool(names) <= (before != after)
    assert ("order.placed" in names) == (before == "")
    assert all(not webhooks.EVENTS[name].states or after in webhooks.EVENTS[name].states for name in names)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "ff02::1", "fec0::1", "192.0.0.8", "192.0.0.9", "192.88.99.1", "::ffff:192.88.99.1",
        "64:ff9b:1::a00:1",
    ],
)  # fmt: skip
def test_addresses_of_the_house_its_network_and_what_wraps_them_are_not_public(address: str) -> None:
    assert not webhooks.is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
)
def test_addresses_of_the_internet_are(address: str) -> None:
    assert webhooks.is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_that_is_wrapped_is_judged_as_what_it_wraps(address: IPv4Address) -> None:
    inside = webhooks.is_public(str(address))
    assert webhooks.is_public(f"::ffff:{address}") == inside
    assert webhooks.is_public(str(IPv6Address((0x64FF9B << 96) + int(address)))) == inside


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/", "https://user:pw@shop.example.com/", "https://127.0.0.1/", "https://[::1]/",
        "https://localhost/", "https://db/", "https://db.internal/", "ftp://shop.example.com", "shop.example.com",
        "https://", "", "https://shop.example.com/#a", "https://shop.example.com:99999/", "https://a b.example.com/",
        "https://shop.example.com/\n", f"https://shop.example.com/{'a' * 500}", "https://169.254.169.254/latest",
    ],
)  # fmt: skip
def test_addresses_that_nothing_is_sent_to_are_refused(url: str) -> None:
    assert webhooks.misfit_url(url, permits_local=False) is not None


def test_what_fits_fits_and_what_does_not_is_told() -> None:
    assert webhooks.misfit(*FITS, permits_local=False) is None
    assert webhooks.misfit_url("http://127.0.0.1:8080/hook", permits_local=True) is None
    assert webhooks.misfit("", *FITS[1:], permits_local=False).facts["field"] == "name"
    assert webhooks.misfit(*FITS[:2], (), permits_local=False).facts["field"] == "events"
    told = webhooks.misfit(*FITS[:2], ("order.eaten",), permits_local=False)
    assert told.facts["found"] == "order.eaten" and "order.shipped" in told.facts["expected"]


@given(st.binary(max_size=80))
def test_a_secret_has_24_to_64_bytes(raw: bytes) -> None:
    secret = f"whsec_{base64.b64encode(raw).decode()}"
    assert (webhooks.misfit_secret(secret) is None) == (24 <= len(raw) <= 64)
    assert webhooks.misfit_secret(secret.removeprefix("whsec_")) is not None
    assert webhooks.misfit_secret(f"{secret}%") is not None


def test_a_message_names_the_document_and_its_states_and_nobody() -> None:
    order = UUID(int=7)
    found = webhooks.message("order.shipped", "msg_1", NOW, "hearth", "order", order, "packed", "shipped")
    assert found == {
        "id": "msg_1",
        "sent": {
            "type": "order.shipped", "timestamp": "2026-11-27T06:30:00+00:00",
            "data": {"company": "hearth", "kind": "order", "id": str(order), "before": "packed", "after": "shipped"},
        },
    }  # fmt: skip


def test_what_is_dead_for_long_or_says_that_it_is_gone_is_given_up() -> None:
    assert not webhooks.is_given_up(Tried(0, is_gone=False))
    assert webhooks.is_given_up(Tried(1, is_gone=False))
    assert webhooks.is_given_up(Tried(0, is_gone=True))
