"""What is kept back of stock, what channels are shown of it, and what became of promises, by pages and API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.network import queries as network
from entrepot.stock import queries as stock
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db
SKU = "MUG-BLUE"


def shown(program, channel: str = "web") -> int:
    answer = program("engineer").get(f"/api/v1/availability?channel={channel}&sku={SKU}").json()
    return answer["items"][0]["quantity"]


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)][-1:]


def test_safety_stock_and_fences_are_set_and_told_and_channels_see_less(program, console, shop):
    stocked, before = program("inventory"), shown(program)
    node = network.nodes(company=COMPANY)[0].code
    channels = network.channels(company=COMPANY)
    other = next(code for code in channels if code != "web")
    assert stocked.post("/api/v1/safety-stock", {"sku": SKU, "node": node, "quantity": 1}).json() == {
        "quantity": 1
    }
    fence = {"sku": SKU, "node": node, "channel": other, "quantity": 1}
    assert stocked.post("/api/v1/ring-fences", [fence]).json() == [{"quantity": 1}]
    told = stocked.get(f"/api/v1/kept-back?sku={SKU}").json()
    assert told[0] == {
        "sku": SKU, "node": node, "safety": 1, "fences": [{"channel": other, "quantity": 1, "used": 0}],
    }  # fmt: skip
    assert shown(program) == before - 2

    for url, wrong, status in (
        ("safety-stock", {"sku": "TYPO", "node": node, "quantity": 1}, 404),
        ("safety-stock", {"sku": SKU, "node": "TYPO", "quantity": 1}, 404),
        ("ring-fences", fence | {"channel": "TYPO"}, 404),
        ("ring-fences", fence | {"quantity": -1}, 422),
    ):
        assert stocked.post(f"/api/v1/{url}", wrong).status_code == status
    assert program("service").post("/api/v1/ring-fences", fence).status_code == 403

    page, at = console("inventory"), f"/stock/{shop.skus[SKU]}/"
    assert said(page.post(f"{at}safety/", {f"units-{node}": "0"})) == ["The safety stock is set."]
    assert said(page.post(f"{at}fence/", {"node": node, "channel": other, "units": "0"})) == [
        "The units are fenced."
    ]
    assert (
        "Choose a node" in said(page.post(f"{at}fence/", {"node": "TYPO", "channel": other, "units": "1"}))[0]
    )
    assert shown(program) == before
    assert "Fence units for a channel" in page.get(at).content.decode()
    text = console("auditor").get(at).content.decode()
    assert "Kept back" in text
    assert "Fence units for a channel" not in text


def test_what_a_channel_is_shown_is_set_on_its_page_and_by_programs(program, console, shop):
    channel = network.channels(company=COMPANY)["web"]
    form = {"priority": "5", "buffer": "0", "threshold": "0", "shown_at_most": "1", "active": "on"}
    page = console("lead")
    assert said(page.post(f"/stock/channels/{channel.id}/", form)) == ["The channel is changed."]
    assert shown(program) == 1
    assert "whole numbers" in said(page.post(f"/stock/channels/{channel.id}/", form | {"buffer": "x"}))[0]
    assert page.post(f"/stock/channels/{shop.skus[SKU]}/", form).status_code == 404
    assert "may not do" in said(console("service").post(f"/stock/channels/{channel.id}/", form))[0]
    assert "Served by" in page.get("/stock/channels/").content.decode()

    lead = program("lead")
    (as_it_stands,) = [one for one in lead.get("/api/v1/channels").json() if one["code"] == "web"]
    kept = {name: one for name, one in as_it_stands.items() if name not in ("id", "nodes")}
    assert lead.post("/api/v1/channels", kept | {"shown_at_most": 0}).status_code == 200
    assert shown(program) > 1
    assert lead.post("/api/v1/channels", kept | {"currency": "QQQ"}).status_code == 422
    assert program("service").post("/api/v1/channels", kept).status_code == 403


def test_a_node_that_is_closed_serves_nobody(program, console):
    nodes, page = network.nodes(company=COMPANY), console("inventory")
    for one in nodes:
        page.post(f"/stock/nodes/{one.id}/", {"priority": one.priority})
    assert shown(program) == 0
    assert not any(one["active"] for one in program("inventory").get("/api/v1/nodes").json())
    code = nodes[0].code
    body = {"code": code, "name": "Open again", "country": "GB", "priority": 1}
    assert program("inventory").post("/api/v1/nodes", body).json()["code"] == code
    served = {"channel": "web", "node": code}
    assert program("engineer").post("/api/v1/channels/nodes", served).status_code == 200
    assert program("engineer").post("/api/v1/channels/nodes", served | {"node": "TYPO"}).status_code == 404


def test_what_carts_hold_is_listed_and_held_for_a_while_only(program, console, shop):
    engineer, now = program("engineer"), timezone.now()
    cart = {"channel": "web", "holder": "cart-7", "sku": SKU, "quantity": 1}
    far = engineer.post("/api/v1/reservations", cart | {"expires_at": (now + timedelta(days=40)).isoformat()})
    assert far.status_code == 422
    assert "within 30 days" in far.json()["detail"]
    made = engineer.post(
        "/api/v1/reservations", cart | {"expires_at": (now + timedelta(hours=1)).isoformat()}
    )
    assert made.status_code == 201
    (row,) = engineer.get("/api/v1/reservations?holder=cart-7").json()["items"]
    assert (row["id"], row["sku"], row["quantity"], row["kind"]) == (
        made.json()["reservation"],
        SKU,
        1,
        "cart",
    )
    assert engineer.get("/api/v1/reservations?sku=TYPO").json() == {"items": [], "next": None}
    assert stock.reservations(company=COMPANY + 1, at=timezone.now()) == []
    assert "cart-7" in console("service").get(f"/stock/{shop.skus[SKU]}/").content.decode()


def test_programs_say_what_is_sold_ahead_and_read_the_reports_of_orders(program):
    stocked, day = program("inventory"), (timezone.localdate() + timedelta(days=9)).isoformat()
    assert stocked.post("/api/v1/preorders", {"sku": SKU, "ships_on": day}).json()["ships_on"] == day
    assert shown(program) == 0
    ended = stocked.post("/api/v1/preorders", {"sku": SKU, "ships_on": None}, "two").json()
    assert ended["ships_on"] is None
    assert shown(program) > 0
    assert stocked.post("/api/v1/preorders", {"sku": "TYPO", "ships_on": day}).status_code == 404

    assert set(stocked.get("/api/v1/conflicts?days=7").json()) == {"causes", "displaced", "passed_over"}
    assert set(stocked.get("/api/v1/campaigns").json()) == {"campaigns", "promotions"}
    assert stocked.get("/api/v1/campaigns?days=0").status_code == 422


def test_a_code_that_is_none_stops_its_own_call_and_no_other(shop, program):
    """The call with a mistake holds nothing, whatever else is in it; the other is held."""
    until = timezone.now() + timedelta(hours=1)
    cart = {"channel": "web", "quantity": 1, "expires_at": until.isoformat()}
    engineer, url = program("engineer"), "/api/v1/reservations"

    for wrong in ({"sku": "TYPO"}, {"channel": "TYPO"}, {"node": "TYPO"}):
        both = [cart | {"sku": SKU, "holder": "d"}, cart | {"sku": SKU, "holder": "e"} | wrong]
        answer = engineer.post(url, both)
        assert (answer.status_code, answer.json()["code"]) == (404, "kernel.not_found")
        assert "TYPO" in answer.json()["detail"]
    assert stock.reservations(company=COMPANY, at=timezone.now()) == []

    assert engineer.post(url, [cart | {"sku": SKU, "holder": "c"}]).status_code == 200
    assert [one.holder for one in stock.reservations(company=COMPANY, at=timezone.now())] == ["c"]


def test_units_that_cannot_be_read_change_nothing_and_are_named(console, shop):
    page, at = console("inventory"), f"/stock/{shop.skus[SKU]}/"
    node = network.nodes(company=COMPANY)[0].code
    for form, field, wrong in (
        ("safety", f"units-{node}", "-7"),
        ("safety", f"units-{node}", "1000001"),
        ("preorder", "units_max", "many"),
        ("preorder", "ships_on", "soon"),
        ("fence", "node", "TYPO"),
    ):
        (told,) = said(page.post(f"{at}{form}/", {field: wrong, "next": at}))
        assert "Write whole" in told or "no day" in told or "Choose a node" in told
        assert f'data-refused="{at}{form}/" data-field="{field}" data-whole' in page.get(at).content.decode()


def in_cart(call, holder: str, minutes: int) -> None:
    until = (timezone.now() + timedelta(minutes=minutes)).isoformat()
    cart = {"channel": "web", "holder": holder, "sku": SKU, "quantity": 1, "expires_at": until}
    assert call.post("/api/v1/reservations", cart, f"hold-{holder}").status_code == 201


def an_order(call, cart: str) -> str:
    body = {
        "channel": "web", "external_id": f"of {cart}", "currency": "GBP", "country": "GB", "reservation": cart,
        "lines": [{"sku": SKU, "quantity": 1, "unit_price": "12.50"}],
    }  # fmt: skip
    return call.post("/api/v1/orders", body, f"order-{cart}").json()["order"]


def test_all_that_carts_hold_is_read_page_by_page_what_is_ordered_last(program):
    call = program("engineer")
    for i, minutes in enumerate((30, 10, 20)):
        in_cart(call, f"cart-{i}", minutes)
    order = an_order(call, "cart-1")

    seen, after = [], ""
    while True:
        page = call.get(f"/api/v1/reservations?sku={SKU}&limit=1{after}").json()
        seen += [(one["holder"], one["kind"], one["order"]) for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert seen == [("cart-2", "cart", None), ("cart-0", "cart", None), ("cart-1", "order", order)]
    for wrong in ("x", "2026-13-01/x", "/", "2026-01-01T00:00:00/x"):
        assert call.get(f"/api/v1/reservations?after={wrong}").status_code == 422


def test_a_person_gives_back_what_a_cart_or_its_order_holds(program, console, shop):
    call, at = program("engineer"), f"/stock/{shop.skus[SKU]}/"
    before = shown(program)
    in_cart(call, "cart-1", 30)
    in_cart(call, "cart-2", 30)
    order = an_order(call, "cart-2")
    assert shown(program) == before - 2

    text = console("auditor").get(at).content.decode()
    assert f"/orders/{order}/" in text, "whose it is"
    assert f"{at}give-back/" not in text
    page = console("lead")
    assert page.get(at).content.decode().count(f"{at}give-back/") == 2
    assert "Choose whose" in said(page.post(f"{at}give-back/", {}))[0]
    assert said(page.post(f"{at}give-back/", {"holder": "cart-1"})) == ["The units are free again."]
    assert shown(program) == before - 1
    assert "holds no reservation" in said(page.post(f"{at}give-back/", {"holder": "cart-2"}))[0]
    assert said(page.post(f"{at}give-back/", {"holder": "cart-2", "ordered": "on"})) == [
        "The units are free again."
    ]
    assert shown(program) == before
    assert "may not do" in said(console("auditor").post(f"{at}give-back/", {"holder": "cart-2"}))[0]


def test_programs_give_back_what_is_ordered_only_where_they_say_so(program):
    call = program("engineer")
    in_cart(call, "cart-1", 30)
    an_order(call, "cart-1")
    url = "/api/v1/reservations/give-back"
    assert call.post(url, {"holder": "cart-1"}, "one").status_code == 404
    assert call.post(url, {"holder": "cart-1", "ordered": True}, "two").json() == {"quantity": 1}
