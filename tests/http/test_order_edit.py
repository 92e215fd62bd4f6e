"""Changing a placed order, by its page and by the API."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.urls import reverse

from entrepot.kernel import sql
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import PaymentGiven
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterAddress, register_addresses
from entrepot.payments.commands.capture import Capture, capture
from entrepot.tax.commands.register import RegisterRate, register_rates
from entrepot.tax.rules import tax_on_top
from entrepot.warehouse import queries as warehouse
from entrepot.web import address_form
from tests import floor, walk
from tests.asking import a_browser, a_program
from tests.shop import everybody, the_system


def test_the_form_changes_units_and_says_what_it_comes_to(shop, console):
    client, which = console("lead"), shop.one("ready")
    before = orders.order(which)
    line = before.lines[0]
    page = client.get(reverse("order", args=[which])).content.decode()
    assert "Change the order" in page

    answer = client.post(
        reverse("order-edit", args=[which]),
        {f"units-{line.id}": str(line.quantity + 1), "service": before.service, "reason": "one more"},
        follow=True,
    )

    assert "The order was changed" in answer.content.decode()
    after = orders.order(which)
    assert [one.quantity for one in after.lines[len(before.lines) :]] == [1]
    assert after.lines[: len(before.lines)] == before.lines


def test_what_a_change_is_held_for_is_told(db):
    house = walk.a_house()
    paid = PaymentGiven("account", "A-1", 9_99 * 2, floor.NOW)
    order = house.order((0, 2), payment=paid).order
    everybody()
    client, line = a_browser("service"), orders.order(order).lines[0].id
    answer = client.post(
        reverse("order-edit", args=[order]), {f"units-{line}": "3", "reason": "more"}, follow=True
    )
    assert "It is held now: payment hold." in answer.content.decode()


def test_the_form_comes_back_as_it_was_filled_in(shop, console):
    client, which = console("service"), shop.one("ready")
    answer = client.post(
        reverse("order-edit", args=[which]), {"sku": "NONE", "quantity": "2", "reason": "more"}, follow=True
    )
    assert 'value="NONE"' in answer.content.decode()


def test_who_may_not_change_sees_no_form(shop, console):
    page = console("auditor").get(reverse("order", args=[shop.one("ready")])).content.decode()
    assert "Change the order" not in page


def test_a_program_changes_an_order_and_a_trial_places_none(shop, program):
    which = shop.one("ready")
    line = orders.order(which).lines[0]
    add = {"sku": line.sku_code, "quantity": 2, "like": str(line.id)}
    body = {"order": str(which), "reason": "two more", "add": [add]}

    answer = program("lead").post("/api/v1/orders/edit", body, again="e-1")

    assert answer.status_code == 200, answer.content
    assert len(answer.json()["added"]) == 1
    one = {
        "channel": "web", "external_id": "TRIAL", "currency": "GBP", "country": "GB",
        "lines": [{"sku": line.sku_code, "quantity": 1, "unit_price": "1.00"}],
    }  # fmt: skip
    tried = program("lead").post("/api/v1/orders?dry_run=true", one, again="t-1")
    assert (tried.status_code, tried.json()["holds"] is not None) == (200, True)
    assert not orders.orders_page(1, text="TRIAL")


def test_a_charge_is_added_on_the_page_and_by_a_program(shop, console, program):
    which = shop.one("ready")
    client, page = console("lead"), reverse("order", args=[which])
    assert 'name="charge"' in client.get(page).content.decode()
    before = len(orders.order(which).lines)
    said = {"reason": "express", "charge": "4.50", "charge_kind": "shipping", "charge_for": "Express"}
    client.post(reverse("order-edit", args=[which]), said | {"charge": "much"})
    assert len(orders.order(which).lines) == before, "nothing is changed by half of a form"
    client.post(reverse("order-edit", args=[which]), said)
    charge = orders.order(which).lines[-1]
    assert (charge.kind, charge.description, charge.gross_minor) == ("shipping", "Express", 4_50)

    add = {"quantity": 1, "unit_price": "2.00", "kind": "fee.bank", "description": "By bill", "tax_minor": 0}
    body = {"order": str(which), "reason": "by bill", "add": [add]}
    answer = program("lead").post("/api/v1/orders/edit", body, again="c-1")
    assert answer.status_code == 200, answer.content
    assert answer.json()["released"] == []
    assert [(one.kind, one.gross_minor) for one in orders.order(which).lines[before:]] == [
        ("shipping", 4_50), ("fee.bank", 2_00),
    ]  # fmt: skip


def test_a_refused_form_says_again_all_that_it_said(shop, console):
    which = shop.one("ready")
    client, page = console("lead"), reverse("order", args=[which])
    said = {
        "charge": "-5", "charge_kind": "discount", "charge_for": "Late", "retax": "1", "bill_name": "Ada",
        "bill_email": "ada@example.com",
    }  # fmt: skip

    text = client.post(reverse("order-edit", args=[which]), said, follow=True).content.decode()

    assert '<option value="discount" selected>' in text
    assert 'name="retax" value="1" checked>' in text
    assert '<details class="more-facts" open>' in text
    for name, value in {**said, "bill_city": ""}.items():
        if name not in ("charge_kind", "retax"):
            assert re.search(f'name="{name}"[^>]* value="{value}"', text), name
    text = client.get(page).content.decode()
    assert '<details class="more-facts" open>' not in text, "it is said once"
    assert 'name="retax" value="1">' in text


def test_the_tax_is_put_right_on_the_page_and_by_a_program(shop, console, program):
    which = shop.one("ready")
    client, page = console("lead"), reverse("order", args=[which])
    before = orders.order(which)
    text = client.get(page).content.decode()
    assert 'name="retax"' in text and 'name="tax_number"' in text
    assert 'name="country"' not in text, "it has one"
    change = reverse("order-edit", args=[which])
    client.post(change, {"reason": "by phone", "bill_name": "Ada"})
    assert orders.order(which).billing_id == before.billing_id, "nothing is changed by half of a form"
    bill = {
        "name": "Ada King",
        "line1": "1 Rue de Rivoli",
        "city": "Paris",
        "country": "fr",
        "postal_code": "75001",
    }
    client.post(
        change,
        {"reason": "by phone", "tax_number": "FR40303265045"}
        | {f"bill_{name}": text for name, text in bill.items()},
    )
    kept = parties.address(orders.order(which).billing_id)
    assert (kept.tax_number, kept.country, kept.line1) == ("FR40303265045", "FR", "1 Rue de Rivoli")

    body = {
        "order": str(which),
        "reason": "moved",
        "tax_number": "FR83404833048",
        "billing": bill | {"country": "DE"},
    }
    answer = program("lead").post("/api/v1/orders/edit", body, again="t-9")
    assert answer.status_code == 200, answer.content
    assert "FR83404833048" not in answer.content.decode()
    kept = parties.address(orders.order(which).billing_id)
    assert (kept.tax_number, kept.country) == ("FR83404833048", "DE")

    (line, *_) = orders.order(which).lines
    rate = RegisterRate(1, before.country, Decimal("0.25"), date(2020, 1, 1))
    register_rates(the_system(shop.now), requests=[rate])
    answer = client.post(change, {"reason": "wrong", "retax": "1"}, follow=True).content.decode()
    assert "The order was changed." in answer, answer
    lines = [one for one in orders.order(which).lines if one.quantity > one.cancelled]
    net = sum(one.gross_minor - one.discount_minor + one.shipping_minor for one in lines)
    assert sum(one.tax_minor for one in lines) == tax_on_top(net, rate.rate)
    assert line.id not in {one.id for one in lines}
    client.post(change, {"reason": "abroad", "country": "KP"}, follow=True)
    assert orders.order(which).country == before.country


def test_whoever_holds_an_order_says_what_it_must_not_do(shop, console):
    which = shop.one("ready")
    client = console("service")
    said = {"type": "exception", "reason": "ask first", "waits_for": "nothing"}
    client.post(reverse("order-hold", args=[which]), said | {"blocks": ["ship"]})
    client.post(reverse("order-hold", args=[which]), said | {"type": "address hold"})
    client.post(reverse("order-hold", args=[which]), said | {"blocks": ["sing"]})
    holds = {one.type: one.blocks for one in orders.order(which).holds}
    assert holds == {"exception": ["ship"], "address hold": ["allocate", "release", "ship"]}


def test_some_units_are_cancelled_and_the_rest_stands(shop, console):
    client, which = console("service"), shop.one("ready")
    before = orders.order(which)
    line = next(one for one in before.lines if one.kind == "goods")
    page = client.get(reverse("order", args=[which])).content.decode()
    assert f'name="cancel-{line.id}" min="0" max="{line.quantity}"' in page
    too_many = {f"cancel-{line.id}": str(line.quantity + 1), "reason": "fewer", "code": "customer"}

    refused = client.post(reverse("order-cancel", args=[which]), too_many, follow=True).content.decode()
    assert f'value="{line.quantity + 1}"' in refused, "the form comes back as it was"
    assert orders.order(which).lines == before.lines

    answer = client.post(
        reverse("order-cancel", args=[which]), too_many | {f"cancel-{line.id}": "1"}, follow=True
    )

    assert "1 unit is cancelled, and what is left of the order stays." in answer.content.decode()
    after = {one.id: one.cancelled for one in orders.order(which).lines}
    assert after == {one.id: int(one.id == line.id) for one in before.lines}
    if line.quantity > 1 or len(before.lines) > 1:
        assert orders.order(which).commercial != "cancelled"


def test_of_a_part_shipped_order_the_page_cancels_the_rest_and_tells_what_is_given_back(db):
    everybody()
    house = walk.a_house()
    house.stock(0, 5)
    paid = PaymentGiven("account", "P1", 49_95, floor.NOW)
    (order,) = walk.placed(house, 1, (0, 2), (2, 3), payment=paid)
    capture(floor.SYSTEM, requests=[Capture(order, 49_95)])
    walk.shipped(order)
    client = a_browser("lead")

    told = {"reason": "Will not wait.", "code": "customer"}
    page = client.post(reverse("order-cancel", args=[order]), told, follow=True).content.decode()

    assert "29.97" in page
    assert "of what was captured is given back" in page
    found = orders.order(order)
    assert ([line.cancelled for line in found.lines], found.status) == ([0, 3], "shipped")


def test_the_kind_of_reason_is_enough_to_cancel_but_for_another_one(shop, console):
    which, browser = shop.one("ready"), console("service")

    browser.post(reverse("order-cancel", args=[which]), {"code": "other", "reason": ""})
    assert orders.order(which).commercial == "confirmed"

    page = browser.post(
        reverse("order-cancel", args=[which]), {"code": "duplicate", "reason": ""}, follow=True
    ).content.decode()
    assert orders.order(which).commercial == "cancelled"
    assert "ordered twice" in page.lower()


@pytest.mark.parametrize("entered", ["0", "one", "-1", "1.5"])
def test_what_is_no_number_of_units_cancels_nothing(shop, console, entered):
    which = shop.one("ready")
    before = orders.order(which)
    told = {f"cancel-{line.id}": entered for line in before.lines} | {"reason": "fewer", "code": "customer"}

    answer = (
        console("service").post(reverse("order-cancel", args=[which]), told, follow=True).content.decode()
    )

    assert "as whole numbers, of one line at least" in answer
    assert f'value="{entered}"' in answer, "the form comes back as it was"
    assert orders.order(which).lines == before.lines


@pytest.mark.parametrize(
    ("entered", "told"),
    [
        ({"units": "two"}, "Write units as whole numbers."),
        ({"units": "1.5"}, "Write units as whole numbers."),
        ({"sku": "MUG-SAND", "quantity": "a few"}, "Write the units to add as a whole number from 1."),
        ({"sku": "MUG-SAND", "quantity": "0"}, "Write the units to add as a whole number from 1."),
        ({"quantity": "2"}, "Name the SKU to add."),
        ({"sku": "MUG-SAND", "quantity": "1", "price": "free"}, "Write the price as an amount"),
        ({"priority": "high"}, "Write the priority as a whole number from 0 to 99."),
        ({"promise_at": "tomorrow"}, "Write the promise as a day"),
        ({"promise_at": "2020-01-01"}, "Write the promise as a day to come"),
    ],
)
def test_of_a_form_that_can_not_be_read_whole_nothing_is_done(shop, console, entered, told):
    which = shop.one("ready")
    before = orders.order(which)
    line = before.lines[0]
    form = {f"{name}-{line.id}" if name == "units" else name: text for name, text in entered.items()}
    form |= {"reason": "by phone", "service": "other"}

    page = console("lead").post(reverse("order-edit", args=[which]), form, follow=True).content.decode()

    assert told in page
    if "units" in entered:
        assert f'value="{entered["units"]}"' in page, "the form comes back as it was"
    assert orders.order(which) == before


def test_of_units_to_split_off_that_are_no_number_none_go(shop, console):
    which = next(one for one in shop.orders["ready"] if len(orders.order(one).lines) > 1)
    before = orders.order(which)
    first, second = before.lines[:2]
    form = {f"units-{first.id}": "1", f"units-{second.id}": "one", "reason": "two parcels"}

    page = console("lead").post(reverse("order-split", args=[which]), form, follow=True).content.decode()

    assert "Write units as whole numbers." in page and 'value="one"' in page
    assert orders.order(which) == before


def test_services_are_offered_and_one_that_nobody_knows_is_told(shop, console):
    which, client = shop.one("ready"), console("service")
    page = client.get(reverse("order", args=[which])).content.decode()
    assert '<option value="NX-24">Northern Express Next day</option>' in page

    for service, is_told in (("NX-24", False), ("NX-42", True)):
        form = {"service": service, "reason": "sooner"}
        page = client.post(reverse("order-edit", args=[which]), form, follow=True).content.decode()
        assert ("No service is called NX-42: the one that suits best will be taken." in page) is is_told
        assert orders.order(which).service == service


def test_units_taken_out_of_a_captured_order_tell_what_is_given_back(db):
    everybody()
    house = walk.a_house()
    house.stock(0, 5)
    paid = PaymentGiven("account", "P1", 19_98, floor.NOW)
    (order,) = walk.placed(house, 1, (0, 2), payment=paid)
    capture(floor.SYSTEM, requests=[Capture(order, 19_98)])
    (line,) = orders.order(order).lines

    form = {f"units-{line.id}": "1", "reason": "one is enough"}
    page = a_browser("service").post(reverse("order-edit", args=[order]), form, follow=True).content.decode()

    assert "£9.99 of what was captured is given back." in page
    assert "It comes to £9.99, £9.99 less than before." in page


def test_why_nothing_can_be_split_off_is_said(shop, console):
    page = console("lead").get(reverse("order", args=[shop.one("packed")])).content.decode()
    assert "Split the order" not in page
    assert "not now, no unit is free to go" in page or "not now, it has only one unit" in page


def test_an_address_is_corrected_where_it_stands_and_nothing_of_it_is_lost(shop, console):
    order = shop.one("ready")
    at = reverse("order", args=[order])
    client = console("service")
    before = parties.address(orders.order(order).address_id)
    page = client.get(at).content.decode()
    assert f'placeholder="Name" value="{before.name}"' in page

    form = {part: getattr(before, part) for part in address_form.WHO} | {
        "postal_code": before.postal_code, "reason": "by phone",
    }  # fmt: skip
    told = client.post(reverse("order-edit", args=[order]), form, follow=True).content.decode()
    assert "expected a change" in told
    lacking = form | {"line1": "", "city": "Hull"}
    told = client.post(reverse("order-edit", args=[order]), lacking, follow=True).content.decode()
    assert "The address lacks: Street." in told and 'value="Hull"' in told
    assert orders.order(order).address_id == before.id

    client.post(
        reverse("order-edit", args=[order]), form | {"line1": "9 New Street", "email": "x@example.com"}
    )
    after = parties.address(orders.order(order).address_id)
    assert (after.line1, after.email, after.name, after.postal_code) == (
        "9 New Street", "x@example.com", before.name, before.postal_code,
    )  # fmt: skip


def an_address(order, **fields) -> UUID:
    """The order goes to an address as a channel sent it."""
    kept = RegisterAddress(company=1, country="GB", customer="", **fields)
    (found,) = register_addresses(floor.SYSTEM, requests=[kept])
    sql.run(
        "UPDATE orders_order SET address_id = %(to)s::uuid WHERE id = %(order)s::uuid",
        {"to": found.id, "order": order},
    )
    return found.id


def as_shown(order) -> dict[str, str]:
    """What a browser sends of the address form that nobody touched: one line for each field, without spaces around."""
    found = orders.order(order)
    home = parties.address(found.address_id)
    fields = {part: getattr(home, part).replace("\n", "") for part in address_form.WHO}
    return fields | {"postal_code": found.postal_code, "service": found.service, "reason": "sooner"}


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " Ada  Lovelace ", "line1": "1 High Street\n", "city": "Leeds", "line2": "x" * 300},
        {"name": "Ada", "line1": "", "city": "", "email": "ada@example.test"},
    ],
    ids=["not as people type it", "not whole"],
)
def test_who_changes_something_else_leaves_the_address_as_it_is(shop, console, fields):
    order = shop.one("ready")
    kept = an_address(order, **fields)

    told = console("service").post(
        reverse("order-edit", args=[order]), as_shown(order) | {"priority": "77"}, follow=True
    ).content.decode()  # fmt: skip

    assert "The order was changed" in told and "The address lacks" not in told
    after = orders.order(order)
    assert (after.priority, after.address_id) == (77, kept)


def test_who_changes_a_part_of_an_address_leaves_the_rest_as_the_vault_has_it(shop, console):
    order = shop.one("ready")
    long = "x" * 300
    an_address(order, name="Ada", line1="1 High Street", city="Leeds", line2=long)

    console("service").post(reverse("order-edit", args=[order]), as_shown(order) | {"line1": "2 Low Street"})

    home = parties.address(orders.order(order).address_id)
    assert (home.line1, home.line2, home.name) == ("2 Low Street", long, "Ada")


def test_a_node_gives_back_what_is_on_its_floor_by_the_page_and_by_a_program(db):
    people = everybody()
    house = walk.a_house()
    for node in range(2):
        house.stock(0, 10, node=node)
    first, second, begun = walk.placed(house, 3, (0, 1))
    walk.released(first, second)
    walk.picked(begun)
    client, node = a_browser("supervisor"), str(house.nodes[0])
    page = client.get(reverse("order", args=[first])).content.decode()
    assert "A node gives back what nobody has begun to pick" in page

    told = {"node": node, "reason": "too busy"}
    page = client.post(reverse("order-reject", args=[first]), told, follow=True).content.decode()
    assert "It is sourced again, without that node." in page
    assert "N1 gave back 1 of line 1: too busy" in page
    page = client.get(reverse("order", args=[begun])).content.decode()
    assert "A node gives back" not in page
    page = client.post(reverse("order-reject", args=[begun]), told, follow=True).content.decode()
    assert "is picked" in page

    (fulfillment,) = (one.id for one in warehouse.of_order(first))
    page = client.get(reverse("document", args=[fulfillment]), {"recorded": 1}).content.decode()
    assert "Given back by the node" in page and "N1 gave back 1 of line 1: too busy" in page
    assert "sourced again without it" in page
    a_browser("lead").post(reverse("order-ask-again", args=[first]))
    page = client.get(reverse("document", args=[fulfillment]), {"recorded": 1}).content.decode()
    assert "asked again since" in page, "what was is told although it counts no more"

    asked = {"order": str(second), "node": "N1", "reason": "too busy"}
    answer = a_program(people["supervisor"]).post("/api/v1/orders/reject", asked, again="r-1")
    assert (answer.status_code, answer.json()["units"]) == (200, 1), answer.content
    answer = a_program(people["supervisor"]).post(
        "/api/v1/orders/reject", asked | {"order": str(begun)}, again="r-2"
    )
    assert answer.status_code == 409, answer.content


def test_when_an_order_may_leave_is_changed_by_the_form_and_shown(shop, console, program):
    which = shop.one("ready")
    day = (shop.now + timedelta(days=9)).date()
    client = console("service")
    fields = as_shown(which) if orders.order(which).address_id else {"reason": "as agreed"}
    told = client.post(
        reverse("order-edit", args=[which]),
        fields | {"ship_by": str(day), "min_fill_percent": "90"},
        follow=True,
    ).content.decode()
    assert "The order was changed" in told and "To leave by" in told and "90 %" in told
    found = orders.order(which)
    assert (found.ship_by, found.min_fill_percent, found.cancel_after) == (day, 90, None)

    told = client.post(
        reverse("order-edit", args=[which]), fields | {"ship_by": "soon"}, follow=True
    ).content.decode()
    assert "Write the days of shipping as days" in told
    body = {"order": str(which), "reason": "as agreed", "cancel_after": str(day)}
    answer = program("lead").post("/api/v1/orders/edit", body, again="w-1")
    assert answer.status_code == 200, answer.content
    seen = program("lead").get(f"/api/v1/orders/{which}").json()
    assert (seen["ship_by"], seen["cancel_after"], seen["min_fill_percent"]) == (str(day), str(day), 90)

    told = client.post(
        reverse("order-edit", args=[which]), fields | {"ship_by": ""}, follow=True
    ).content.decode()
    assert "The order was changed" in told and "<dt>To leave by</dt>" not in told
    assert (orders.order(which).ship_by, orders.order(which).cancel_after) == (None, day)
    body = {"order": str(which), "reason": "as agreed", "cancel_after": None}
    assert program("lead").post("/api/v1/orders/edit", body, again="w-2").status_code == 200
    assert orders.order(which).cancel_after is None


def test_lists_tell_what_should_have_left(shop, console, program):
    which = shop.one("ready")
    day = (shop.now - timedelta(days=2)).date()
    sql.run(
        "UPDATE orders_order SET ship_by = %(day)s::date WHERE id = %(order)s::uuid",
        {"day": day, "order": which},
    )
    number = orders.order(which).number
    page = console("lead").get(reverse("orders"), {"past_ship_by": "1"}).content.decode()
    assert number in page and page.count("data-row") == 1
    for before, told in ((shop.now.date(), [number]), (day, [])):
        answer = program("lead").get(f"/api/v1/orders?ship_by_before={before}").json()
        assert [one["number"] for one in answer["items"]] == told
