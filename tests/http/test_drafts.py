"""Drafts and quotes on the console."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.urls import reverse

from entrepot.catalog import queries as catalog
from entrepot.network import queries as network
from entrepot.orders import queries as orders
from entrepot.tax import queries as taxes
from entrepot.tax.commands.register import RegisterRate, register_rates
from tests.shop import COMPANY, the_system

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
    gift = {"gift_message": "For you,\r\nfrom Bea "}
    expensive = FORM | address | gift | {"do": "place", "discount": "999"}
    again = client.post(reverse("draft", args=[draft.id]), expensive).content.decode()
    assert "For you,\nfrom Bea</textarea>" in again, "what was typed is not lost"
    assert orders.draft(draft.id).state == "draft"

    client.post(reverse("draft", args=[draft.id]), FORM | address | gift | {"do": "place"})
    order = orders.order(orders.draft(draft.id).order_id)
    assert (order.total_minor, order.customer, order.external_id) == (22_90, "C-1", draft.number)
    assert orders.gift_message(order.id) == "For you,\nfrom Bea"
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


def test_what_is_no_number_costs_and_takes_off_nothing(shop, console):
    client = console("service")
    for text in ("NaN", "-Infinity", "9e999999999"):
        live = client.post(reverse("draft-new"), FORM | {"discount": text}, headers={"HX-Request": "true"})
        assert live.status_code == 200 and "22.90" in live.content.decode(), text
        answer = client.post(reverse("draft-new"), FORM | {"price": [text, ""], "do": "save"})
        told = f"price of NOTE-A5: expected a number from 0 on, found {text}."
        assert answer.status_code == 200 and told in answer.content.decode(), text
    assert not orders.drafts(COMPANY)


def test_an_auditor_only_reads(shop, console):
    client = console("auditor")
    client.post(reverse("draft-new"), FORM | {"do": "save"})
    assert not orders.drafts(COMPANY)


def test_a_program_makes_changes_places_and_discards_drafts(shop, program):
    api = program("root")
    line = {"sku": "NOTE-A5", "quantity": 2, "unit_price": "9.95"}
    said = {"channel": "web", "currency": "GBP", "lines": [line], "shipping_minor": 300}
    made = api.post("/api/v1/drafts", said, again="d1")
    assert (made.status_code, made.json()["total_minor"]) == (201, 22_90)
    one = made.json()["draft"]
    changed = api.post("/api/v1/drafts", said | {"draft": one, "shipping_minor": 0}, again="d2").json()
    assert (changed["draft"], changed["total_minor"]) == (one, 19_90)

    whole = api.get(f"/api/v1/drafts/{one}").json()
    assert whole["lines"] == [line | {"kind": "goods", "description": "", "discount_minor": 0}]
    assert (whole["shipping_minor"], whole["total_minor"], whole["demand"]) == (0, 19_90, "sale")

    address = {"name": "Ada Byron", "line1": "1 High Street", "city": "Leeds"}
    placed = api.post(
        "/api/v1/drafts/place", {"draft": one, "address": address, "gift_message": "For you"}, again="p1"
    )
    assert placed.status_code == 201
    assert orders.gift_message(orders.draft(one).order_id) == "For you"
    assert "For you" not in placed.content.decode()
    assert api.get(f"/api/v1/drafts/{one}").json()["state"] == "placed"
    assert (
        api.post("/api/v1/drafts/discard", {"draft": one}, again="x1").json()["code"] == "kernel.wrong_state"
    )

    other = api.post("/api/v1/drafts", said, again="d3").json()["draft"]
    assert [row["id"] for row in api.get("/api/v1/drafts").json()] == [other]
    assert (
        api.post("/api/v1/drafts/discard", {"draft": other, "reason": "too dear"}, again="x2").status_code
        == 200
    )
    assert api.get("/api/v1/drafts").json() == []


def test_a_price_left_out_is_the_catalogs_and_goods_without_one_are_not_given_away(shop, console):
    client = console("service")
    form = FORM | {"price": ["", ""], "do": "save"}
    unknown = form | {"sku": ["NOPE", ""]}
    live = client.post(reverse("draft-new"), unknown, headers={"HX-Request": "true"}).content.decode()
    assert "no price" in live
    assert "<b>–</b>" in live, "what has no price comes to nothing that could be told"
    answer = client.post(reverse("draft-new"), unknown).content.decode()
    assert "price of NOPE: expected one in GBP: the catalog has none, found nothing." in answer
    assert not orders.drafts(COMPANY)

    client.post(reverse("draft-new"), form)
    (draft,) = orders.drafts(COMPANY)
    assert draft.total_minor == 2 * 9_95 + 3_00
    client.post(reverse("draft", args=[draft.id]), FORM | {"price": ["0", ""], "do": "save"})
    assert orders.drafts(COMPANY)[0].total_minor == 3_00, "a gift is one where somebody says so"


def test_a_change_asks_for_channels_goods_and_rates_once(shop, console, statements):
    client = console("service")
    with statements() as ran:
        assert client.post(reverse("draft-new"), FORM, headers={"HX-Request": "true"}).status_code == 200
    for ask in (network.channels, catalog.skus, taxes.rates):
        with statements() as alone:
            ask(company=COMPANY)
        assert ran.texts.count(*alone.texts) == 1, ask


def test_a_tax_left_out_is_that_of_the_rates_and_follows_the_lines(shop, console):
    rate = RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2020, 1, 1))
    register_rates(the_system(shop.now), requests=[rate])
    client = console("service")
    live = client.post(reverse("draft-new"), FORM, headers={"HX-Request": "true"}).content.decode()
    assert "Tax by the rates in force:" in live
    assert "20 % in GB" in live
    client.post(reverse("draft-new"), FORM | {"do": "save"})
    (draft,) = orders.drafts(COMPANY)
    assert draft.total_minor == 22_90 + 4_58, "goods and shipping bear it"
    page = client.get(reverse("draft", args=[draft.id])).content.decode()
    assert 'id="tax" name="tax" value=""' in page, "it is worked out anew when the lines change"

    client.post(reverse("draft", args=[draft.id]), FORM | {"tax": "1.00", "do": "save"})
    page = client.get(reverse("draft", args=[draft.id])).content.decode()
    assert orders.drafts(COMPANY)[0].total_minor == 23_90
    assert 'id="tax" name="tax" value="1.00"' in page
    assert "By the rates in force the tax is £4.58:" in page
