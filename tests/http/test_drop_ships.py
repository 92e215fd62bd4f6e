"""Drop-ship orders: the pages with their forms, and the API for what suppliers tell."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.kernel import ids, relay, sql
from entrepot.kernel.command import whole
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import AddressGiven, OrderLine, PlaceOrder, place
from entrepot.parties.commands.register import (
    RegisterOffer,
    RegisterSupplier,
    register_offers,
    register_suppliers,
)
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.drop_ship import DropShipOrder, drop_ship
from entrepot.purchasing.drop_ship import DropShipMail
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.rules import DropShip, Profile
from tests.http.test_api import is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
PARCELS = ("1Z999AA10123456784", "1Z999AA10123457096")
PAGE, API = "/orders/drop-ships/", "/api/v1/drop-ships"


@pytest.fixture
def asked(shop) -> list[UUID]:
    """Three orders of which a supplier is asked to send two lamps."""
    now = timezone.now()
    system = the_system(now)
    (acme,) = whole(
        register_suppliers(system, requests=[RegisterSupplier(COMPANY, "ACME", "Acme Lamps", "GBP", 2)])
    )
    lamp = shop.skus["LAMP-OAK"]
    whole(register_offers(system, requests=[RegisterOffer(acme.id, lamp, Decimal("40.25"), 1, 2)]))
    steer = Profile(drop_ship=(DropShip("ACME", "first"),))
    set_policy(system, requests=[SetPolicy(COMPANY, "sourcing.profile", steer, now - timedelta(days=1))])
    lines = (OrderLine("LAMP-OAK", 2, Decimal("89.00")), OrderLine("TEA-ASSAM", 1, Decimal("11.20")))
    placed = whole(
        place(system, requests=[PlaceOrder(COMPANY, "web", f"DS-{i}", lines, "GBP", country="GB") for i in "abc"])
    )  # fmt: skip
    whole(allocate(system, requests=[AllocateOrder(one.order) for one in placed]))
    made = whole(drop_ship(system, requests=[DropShipOrder(one.order) for one in placed]))
    return [one.made[0][0] for one in made]


def said(response) -> list[str]:
    return [str(one) for one in get_messages(response.wsgi_request)][-1:]


def test_the_freight_of_goods_that_still_ship_is_not_cancelled(asked, shop, console):
    lines = (
        OrderLine("LAMP-OAK", 2, Decimal("89.00")), OrderLine("TEA-ASSAM", 1, Decimal("11.20")),
        OrderLine("FREIGHT", 1, Decimal("4.00"), kind="shipping"),
    )  # fmt: skip
    system = the_system(timezone.now())
    (placed,) = whole(
        place(system, requests=[PlaceOrder(COMPANY, "web", "DS-F", lines, "GBP", country="GB")])
    )
    whole(allocate(system, requests=[AllocateOrder(placed.order)]))
    whole(drop_ship(system, requests=[DropShipOrder(placed.order)]))

    told = {"reason": "changed their mind", "code": "customer"}
    console("service").post(f"/orders/{placed.order}/cancel/", told)

    found = {line.sku_code or line.kind: line for line in orders.order(placed.order).lines}
    gone = {name: line.cancelled for name, line in found.items()}
    assert (gone.pop("LAMP-OAK"), gone.pop("TEA-ASSAM"), list(gone.values())) == (0, 1, [0])


def test_a_program_tells_what_the_supplier_does(asked, program):
    api = program("inventory")
    listed = api.get(API).json()["items"]
    assert [(one["id"], one["supplier"], one["state"], one["left"]) for one in listed] == [
        (str(which), "ACME", "asked", 2) for which in reversed(asked)
    ]
    first, second, third = map(str, asked)
    whole_ = api.get(f"{API}/{first}").json()
    assert whole_["lines"] == [
        {"number": 1, "sku": "LAMP-OAK", "quantity": 2, "shipped": 0, "refused": 0, "called_off": 0,
         "unit_cost": "40.250000"}
    ]  # fmt: skip

    confirmed = api.post(f"{API}/confirm", {"drop_ship": first, "reference": "A-1", "due_on": "2030-01-05"})
    assert confirmed.json() == {"drop_ship": first, "due_on": "2030-01-05"}
    sent = api.post(
        f"{API}/sent",
        {"drop_ship": first, "carrier": "UPS", "tracking": "1Z999AA10123456784", "parcels": [*PARCELS],
         "lines": [{"line": 1, "quantity": 1}]},
    ).json()  # fmt: skip
    assert (sent["amount_minor"], sent["cost_minor"], sent["state"]) == (8900, 4025, "part_shipped")
    refused = api.post(f"{API}/refuse", [{"drop_ship": second, "reason": "sold out"}]).json()
    assert refused == [{"drop_ship": second, "units": 2, "state": "refused"}]
    off = api.post(f"{API}/call-off", {"drop_ship": third, "reason": "no more", "cancel": True}).json()
    assert off == {"drop_ship": third, "units": 2, "refunded_minor": 0}

    order = queries.drop_ship(asked[0]).order
    shipment = api.get(f"/api/v1/orders/{order}").json()["shipments"][0]
    assert (shipment["carrier"], shipment["drop_ship"], shipment["numbers"]) == ("UPS", first, [*PARCELS])
    (decision,) = api.get(f"/api/v1/orders/{order}/sourcing").json()
    assert decision["lines"][0]["suppliers"] == [{"supplier": "ACME", "units": 2, "days": 2}]
    assert [one["id"] for one in api.get(f"{API}?state=coming").json()["items"]] == [first]


def test_what_the_api_refuses(asked, program):
    api = program("inventory")
    is_problem(api.get(f"{API}/{ids.uuid7()}"), 404, "kernel.not_found")
    body = {"drop_ship": str(asked[0]), "carrier": "UPS", "tracking": "1Z999AA10123456785"}
    is_problem(api.post(f"{API}/sent", body), 422, "shipping.tracking_misread")
    is_problem(
        program("auditor").post(f"{API}/sent", {"drop_ship": str(asked[0])}), 403, "kernel.not_permitted"
    )
    for body in ({"supplier": "NOBODY", "sku": "LAMP-OAK"}, {"supplier": "ACME", "sku": "NOTHING"}):
        is_problem(api.post("/api/v1/supplier-quantities", body | {"available": 1}), 404, "kernel.not_found")


def test_a_supplier_s_list_of_what_he_has(asked, program):
    body = [{"supplier": "ACME", "sku": "LAMP-OAK", "available": 12}]
    assert program("engineer").post("/api/v1/supplier-quantities", body).status_code == 200
    assert sql.run("SELECT available FROM parties_offer") == [(12,)]


def test_the_pages_show_it_and_take_what_the_supplier_says(asked, console):
    browser = console("inventory")
    listed = browser.get(PAGE).content.decode()
    first, second, third = asked
    found = queries.drop_ship(first)
    assert all(queries.drop_ship(which).number in listed for which in asked)
    assert "Acme Lamps" in listed
    page = browser.get(f"/orders/{found.order}/").content.decode()
    assert found.number in page and "2 sent by ACME himself" in page

    def tell(which: UUID, **form: str):
        return browser.post(f"{PAGE}{which}/", {"next": PAGE, **form})

    response = tell(first, action="confirm", reference="A-9", due_on="2030-02-01")
    assert (said(response), response["Location"]) == (["The supplier has confirmed it."], PAGE)
    assert (queries.drop_ship(first).reference, str(queries.drop_ship(first).due_on)) == ("A-9", "2030-02-01")
    form = {"action": "ship", "carrier": "UPS", "tracking": "1Z999AA10123456784\r\n17\r\n1Z999AA10123457096"}
    (doubt,) = said(tell(first, **form, **{"units-1": "1"}))
    assert "17 is left out" in doubt
    assert said(tell(first, action="refuse", reason="gone", **{"units-1": "1"})) == [
        "What the supplier refuses is sourced again, without him."
    ]
    assert queries.drop_ship(first).state == "shipped"
    page = browser.get(f"/orders/{found.order}/").content.decode()
    assert "1Z999AA10123456784" in page and "1Z999AA10123457096" in page and "1 refused" in page

    assert said(tell(second, action="call-off", reason="no answer")) == ["1 order is called off."]
    assert said(tell(third, action="cancel", reason="no more", code="customer")) == ["1 order is called off."]
    assert orders.order(queries.drop_ship(third).order).lines[0].places == {"cancelled": 2}
    assert queries.drop_ship(first).number not in browser.get(PAGE).content.decode()
    assert queries.drop_ship(first).number in browser.get(f"{PAGE}?state=shipped").content.decode()
    assert queries.drop_ship(first).number in browser.get(f"/documents/{first}/").content.decode()


def test_who_may_only_read_gets_no_forms(asked, console):
    page = console("auditor").get(PAGE).content.decode()
    assert queries.drop_ship(asked[0]).number in page
    assert 'name="action"' not in page


@pytest.fixture
def directed(shop) -> UUID:
    """A drop-ship order of a customer with an address, whose supplier is mailed."""
    now = timezone.now()
    system = the_system(now)
    (acme,) = whole(
        register_suppliers(system, requests=[RegisterSupplier(COMPANY, "ACME", "Acme Lamps", "GBP", 2)])
    )
    offer = RegisterOffer(acme.id, shop.skus["LAMP-OAK"], Decimal("40.25"), 1, 2)
    whole(register_offers(system, requests=[offer]))
    since = now - timedelta(days=1)
    steer = [
        SetPolicy(COMPANY, "sourcing.profile", Profile(drop_ship=(DropShip("ACME", "first"),)), since),
        SetPolicy(COMPANY, "purchasing.drop_ship_mail", DropShipMail("desk@acme.example"), since, "ACME"),
    ]
    whole(set_policy(system, requests=steer))
    wanted = PlaceOrder(
        COMPANY, "web", "DS-TO", (OrderLine("LAMP-OAK", 1, Decimal("89.00")),), "GBP", country="GB",
        postal_code="LS1 4AP", address=AddressGiven("Ada Quince", "12 Fell Row", "Leeds"),
    )  # fmt: skip
    (placed,) = whole(place(system, requests=[wanted]))
    whole(allocate(system, requests=[AllocateOrder(placed.order)]))
    (made,) = whole(drop_ship(system, requests=[DropShipOrder(placed.order)]))
    return made.made[0][0]


def test_the_card_says_what_he_was_told_and_sends_it_again(directed, console, mailoutbox):
    browser, path = console("inventory"), f"{PAGE}{directed}/"
    relay.relay_once(relay.destinations())
    relay.relay_once(relay.destinations())
    shown = browser.get(PAGE).content.decode()
    assert "desk@acme.example" in shown and "Send it to him again" in shown
    told = browser.post(path, {"next": PAGE, "action": "send"})
    assert said(told) == ["It is on its way to the supplier."]
    relay.relay_once(relay.destinations())
    relay.relay_once(relay.destinations())
    assert [mail.to for mail in mailoutbox] == [["desk@acme.example"]] * 2
    browser.post(path, {"next": PAGE, "action": "call-off", "reason": "no more"})
    relay.relay_once(relay.destinations())
    assert "Tell him again that it is called off" in browser.get(f"{PAGE}?state=called_off").content.decode()


def test_whom_it_goes_to_is_shown_to_who_may_see_addresses(directed, console, program):
    order = queries.drop_ship(directed).order
    for role, sees in (("supervisor", True), ("service", True), ("inventory", False), ("auditor", False)):
        pages = (PAGE, f"/orders/{order}/")
        shown = [console(role).get(page).content.decode() for page in pages]
        assert ["12 Fell Row" in text for text in shown] == [sees, sees], role
    assert program("inventory").get(f"{API}/{directed}").json()["to"] is None
    to = program("supervisor").get(f"{API}/{directed}").json()["to"]
    assert (to["name"], to["line1"], to["postal_code"]) == ("Ada Quince", "12 Fell Row", "LS1 4AP")


def test_a_program_sends_it_again_and_reads_what_became_of_it(directed, program, mailoutbox):
    api = program("inventory")
    relay.relay_once(relay.destinations())
    relay.relay_once(relay.destinations())
    assert api.get(API).json()["items"][0]["sending"] == "sent"
    made = api.post(f"{API}/send", {"drop_ship": str(directed)}).json()
    assert made["purpose"] == "asked"
    sendings = api.get(f"{API}/{directed}").json()["sendings"]
    assert [(one["id"] == made["sending"], one["state"]) for one in sendings] == [
        (True, "waiting"),
        (False, "sent"),
    ]
    refused = program("auditor").post(f"{API}/send", {"drop_ship": str(directed)})
    is_problem(refused, 403, "kernel.not_permitted")
    is_problem(api.post(f"{API}/send", {"drop_ship": str(ids.uuid7())}, again="two"), 404, "kernel.not_found")
