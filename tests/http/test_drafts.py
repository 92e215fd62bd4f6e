"""Drafts and quotes on the console."""

from __future__ import annotations

from django.urls import reverse

from entrepot.orders import queries as orders
from tests.shop import COMPANY

FORM = {
    "channel": "web", "sku": ["NOTE-A5", ""], "quantity": ["2", ""], "price": ["9.95", ""], "line_discount": ["", ""],
    "shipping": "3.00", "country": "gb", "postal_code": "LS1 4AP", "customer": "C-1",
}  # fmt: skip


def test_a_draft_is_made_shown_and_placed(shop, console):
    client = console("service")
    assert client.get(reverse("draft-new")).status_code == 200

    live = client.post(reverse("draft-new"), FORM, headers={"HX-Request": "true"}).content.decode()
    assert "22.90" in live
    assert not orders.drafts(COMPANY)

    client.post(reverse("draft-new"), FORM | {"do": "save"})
    (draft,) = orders.drafts(COMPANY)
    assert draft.total_minor == 22_90
    assert draft.number in client.get(reverse("drafts")).content.decode()

    address = {"name": "Ada Byron", "line1": "1 High Street", "city": "Leeds"}
    client.post(reverse("draft", args=[draft.id]), FORM | address | {"do": "place"})
    order = orders.order(orders.draft(draft.id).order_id)
    assert (order.total_minor, order.customer, order.external_id) == (22_90, "C-1", draft.number)
    assert client.get(reverse("draft", args=[draft.id])).status_code == 200


def test_a_draft_is_discarded(shop, console):
    client = console("service")
    client.post(reverse("draft-new"), FORM | {"do": "save"})
    (draft,) = orders.drafts(COMPANY)
    client.post(reverse("draft", args=[draft.id]), FORM | {"do": "discard"})
    assert orders.draft(draft.id).state == "discarded"


def test_a_form_that_cannot_be_is_shown_again(shop, console):
    answer = console("service").post(reverse("draft-new"), FORM | {"price": ["none", ""], "do": "save"})
    assert answer.status_code == 200
    assert not orders.drafts(COMPANY)


def test_an_auditor_only_reads(shop, console):
    client = console("auditor")
    client.post(reverse("draft-new"), FORM | {"do": "save"})
    assert not orders.drafts(COMPANY)
