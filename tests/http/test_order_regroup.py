"""Splitting and merging orders, by their page and by the API."""

from __future__ import annotations

from django.urls import reverse

from entrepot.orders import queries as orders
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.place import OrderLine, PlaceOrder, place
from tests.floor import SYSTEM


def two_alike(shop) -> list:
    """Two ready orders of one customer to one address, of 3 units each."""
    which = orders.order(shop.one("ready"))
    line = next(line for line in which.lines if line.kind == "goods")
    answers = place(
        SYSTEM,
        requests=[
            PlaceOrder(
                which.company, which.channel, f"ALIKE-{i}", (OrderLine(line.sku_code, 3, line.unit_price),),
                which.currency, customer="ALIKE", country=which.country, postal_code=which.postal_code,
            )
            for i in (1, 2)
        ],
    )  # fmt: skip
    return [one.order for one in answers]


def test_the_page_splits_units_off_and_shows_the_new_order(shop, console):
    client, (which, _) = console("service"), two_alike(shop)
    (line,) = orders.order(which).lines
    page = client.get(reverse("order", args=[which])).content.decode()
    assert "Split the order" in page

    answer = client.post(
        reverse("order-split", args=[which]),
        {f"units-{line.id}": "2", "reason": "the rest later"},
        follow=True,
    )

    text = answer.content.decode()
    assert "this is the new one" in text
    assert "Split from" in text
    assert [one.quantity for one in orders.order(which).lines] == [1]
    answer = client.post(reverse("order-split", args=[which]), {"reason": "nothing"}, follow=True)
    assert "units that go" in answer.content.decode()


def test_the_page_offers_what_goes_to_the_same_address_and_makes_them_one(shop, console):
    client, (first, second) = console("lead"), two_alike(shop)
    page = client.get(reverse("order", args=[first])).content.decode()
    assert "To the same address" in page
    assert orders.order(second).number in page

    answer = client.post(
        reverse("order-merge", args=[first]), {"order": [str(second)], "reason": "one parcel"}, follow=True
    )

    assert "The orders are one now" in answer.content.decode()
    assert orders.order(second).merged_into == first
    page = client.get(reverse("order", args=[second])).content.decode()
    assert "Merged into" in page
    assert "Split the order" not in page


def test_the_page_and_the_api_say_why_orders_of_a_customer_can_not_be_merged(shop, console, program):
    client, (first, second) = console("lead"), two_alike(shop)
    place_hold(SYSTEM, requests=[PlaceHold(second, "fraud review", "odd")])
    number = orders.order(second).number

    page = client.get(reverse("order", args=[first])).content.decode()
    assert "Other orders of the customer" in page
    said = f">{number}</a>: can't become part of this one now, something holds it"
    assert said in page.replace("&#x27;", "'")
    assert "Make them one order" not in page
    assert "with them now, something holds it" in client.get(reverse("order", args=[second])).content.decode()

    lead, address = program("lead"), f"/api/v1/orders/{first}/mergeable"
    assert lead.get(address).json() == []
    (told,) = lead.get(f"{address}?every=true").json()
    assert (told["number"], told["why_not"]) == (number, "something holds it")


def test_who_may_do_neither_sees_no_form_and_is_refused(shop, console):
    client, (first, second) = console("auditor"), two_alike(shop)
    page = client.get(reverse("order", args=[first])).content.decode()
    assert "Split the order" not in page
    assert "To the same address" not in page
    client.post(reverse("order-merge", args=[first]), {"order": [str(second)], "reason": "x"}, follow=True)
    assert orders.order(second).merged_into is None


def test_a_program_merges_and_splits(shop, program):
    first, second = two_alike(shop)
    lead = program("lead")
    found = lead.get(f"/api/v1/orders/{first}/mergeable")
    assert [one["id"] for one in found.json()] == [str(second)]

    body = {"into": str(first), "orders": [str(second)], "reason": "one parcel"}
    merged = lead.post("/api/v1/orders/merge", body, again="m-1")
    assert (merged.status_code, merged.json()["lines"]) == (200, 2), merged.content
    assert lead.post("/api/v1/orders/merge", body, again="m-1").json() == merged.json()
    assert lead.get(f"/api/v1/orders/{second}").json()["merged_into"] == str(first)

    line = orders.order(first).lines[1].id
    body = {"order": str(first), "lines": [{"line": str(line), "quantity": 3}], "reason": "two after all"}
    answer = lead.post("/api/v1/orders/split", body, again="s-1")
    assert answer.status_code == 200, answer.content
    assert lead.get(f"/api/v1/orders/{answer.json()['new_order']}").json()["origin"] == str(first)
    refused = lead.post("/api/v1/orders/split", body, again="s-2")
    assert refused.status_code == 404
    assert program("auditor").post("/api/v1/orders/split", body, again="s-3").status_code == 403
