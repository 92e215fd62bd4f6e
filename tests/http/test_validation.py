"""What validation found of an order, by the API and on the order's page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.validation import Validation
from tests.shop import the_system

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def an_order(name: str, **changes: Any) -> dict[str, Any]:
    home = {"name": "Ada King", "line1": "PO Box 7", "city": "Ockham", "email": "ada@example.com"}
    billing = {**home, "line1": "1 Rue de Rivoli", "city": "Paris", "country": "FR", "postal_code": "75001"}
    return {
        "channel": "web", "external_id": name, "currency": "GBP", "country": "GB", "postal_code": "gu236nq",
        "lines": [{"sku": "LAMP-OAK", "quantity": 1, "unit_price": "59.00"}], "address": home, "billing": billing,
        "tax_number": "FR40303265045", "service": "courier", **changes,
    }  # fmt: skip


@pytest.fixture
def strict(shop) -> None:
    policy = Validation(mismatch="warn", box="warn", box_services_refused=("Courier",), velocity="enforce")
    cause = the_system(LONG_AGO)
    set_policy(cause, requests=[SetPolicy(1, "orders.validation", policy, LONG_AGO, scope="web")])


def test_what_only_warns_is_in_the_answer_and_in_the_order(strict, program):
    answer = program("lead").post("/api/v1/orders", an_order("V1"))
    assert answer.status_code == 201, answer.content
    warnings = [
        {"rule": "mismatch", "reason": "It is billed to another country than it is sent to."},
        {"rule": "service", "reason": "No service is called courier: the one that suits best will be taken."},
        {"rule": "box", "reason": "courier brings nothing to a PO box."},
    ]
    assert (answer.json()["holds"], answer.json()["warnings"]) == ([], warnings)

    found = program("lead").get(f"/api/v1/orders/{answer.json()['order']}")
    assert found.json()["warnings"] == warnings
    for text in ("Ada", "Rivoli", "303265045", "example.com"):
        assert text not in found.content.decode()
    assert program("lead").post("/api/v1/orders", an_order("V1")).json()["warnings"] == warnings


def test_the_page_tells_what_was_noticed_and_who_is_billed_to_those_who_may_know(strict, program, console):
    answer = program("lead").post("/api/v1/orders", an_order("V1")).json()
    address = reverse("order", args=[answer["order"]])

    page = console("lead").get(address).content.decode()
    for text in ("Noticed, and let pass", "It is billed to another country", "1 Rue de Rivoli", "FR40303265045",
                 "VAT number of FR", "GU23 6NQ", "email:"):  # fmt: skip
        assert text in page, text
    page = console("auditor").get(address).content.decode()
    assert "Noticed, and let pass" in page
    for text in ("Rivoli", "FR40303265045", "email:"):
        assert text not in page, text


def test_an_edited_address_says_what_it_is_held_for(strict, program):
    order = program("lead").post("/api/v1/orders", an_order("V1"), again="a").json()["order"]
    edit = {"order": order, "reason": "asked", "postal_code": "12345"}
    answer = program("lead").post("/api/v1/orders/edit", edit, again="b")
    assert answer.json()["holds"] == ["address hold"], answer.content
    assert [one["rule"] for one in answer.json()["warnings"]] == ["mismatch", "box"], "as before"


def test_cards_come_as_tokens_and_payments_in_their_currency(strict, program):
    paid = {
        "provider": "fake", "reference": "p", "amount_minor": 59_00, "currency": "EUR", "card": "tok-1",
        "authorized_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    held = program("lead").post("/api/v1/orders", an_order("V1", payment=paid), again="a")
    assert held.json()["holds"] == ["payment hold"]
    refused = program("lead").post(
        "/api/v1/orders", an_order("V2", payment={**paid, "card": "4111111111111111"}), again="b"
    )
    assert refused.status_code in (409, 422), refused.content
    assert "4111" not in refused.content.decode()


@pytest.mark.parametrize(
    "changes", [{"tax_number": "1" * 41}, {"billing": {"name": "A", "line1": "B", "city": "C", "country": "gb"}},
                {"priced_at": "yesterday"}],
)  # fmt: skip
def test_what_is_not_as_it_must_be_is_refused(program, changes):
    assert program("lead").post("/api/v1/orders", an_order("V1", **changes)).status_code == 422
