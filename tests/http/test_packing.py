"""Packing: the pages with their forms and slip, and the API."""

from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from entrepot.kernel import ids, sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import queries as orders
from entrepot.parties.commands.gift_messages import KeepGiftMessage, keep_gift_messages
from entrepot.shipping import asking, customs
from entrepot.shipping import queries as shipping
from entrepot.warehouse import packing, queries
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.warehouse.packing import Packing
from tests.http.test_api import is_problem
from tests.shop import COMPANY, a_person, the_system

pytestmark = pytest.mark.django_db
CARTONS = (("C1", 250, 180, 80), ("C2", 420, 320, 300), ("C3", 600, 500, 480))


@pytest.fixture
def waits(shop) -> queries.FulfillmentRow:
    """A fulfillment that was picked, in a house with cartons."""
    requests = [RegisterCarton(COMPANY, *carton, 30_000, 100, 30) for carton in CARTONS]
    register_cartons(the_system(shop.now), requests=requests)
    return queries.of_order(shop.one("picked"))[0]


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)][-1:]


def test_what_waits_is_listed_and_found_by_its_number(console, waits):
    page = console("supervisor")
    assert waits.number in page.get("/packing/").content.decode()
    found = page.get("/packing/", {"q": waits.order_number.lower()})
    assert (found.status_code, found["Location"]) == (302, f"/packing/{waits.id}/")
    assert "Nothing of SO-1 waits" in page.get("/packing/", {"q": "SO-1"}).content.decode()


def test_the_proposal_has_a_picture_and_is_accepted(console, waits):
    page = console("supervisor")
    shown = page.get(f"/packing/{waits.id}/").content.decode()
    assert 'class="carton"' in shown
    assert "Proposed carton" in shown or "packages proposed" in shown
    assert "Weight that carriers charge" in shown

    done = page.post(f"/packing/{waits.id}/pack/", {"as": "proposed"})

    assert said(done) == [f"{waits.number} is packed."]
    made = [one for one in queries.packages(waits.order) if one.voided_at is None]
    assert made
    assert all(one.carton == one.proposed for one in made)
    after = page.get(f"/packing/{waits.id}/").content.decode()
    assert "Packing slip" in after
    assert all(one.number in after for one in made)


def test_what_was_packed_wrongly_is_opened_again(console, program, waits):
    page = console("supervisor")
    done = page.post(f"/packing/{waits.id}/pack/", {"carton": "OWN"}, follow=True).content.decode()
    assert "taken back at once" in done, "the toast has an undo"
    assert "Packed wrongly" in done
    refused = page.post(f"/packing/{waits.id}/open/", {"reason": ""})
    assert "why the packages are opened" in said(refused)[0]
    opened = page.post(f"/packing/{waits.id}/open/", {"reason": "two slips"})
    assert said(opened) == [f"The packages of {waits.number} are open: pack it again."]
    assert "Packed as shown" in page.get(f"/packing/{waits.id}/").content.decode()

    asks = program("supervisor")
    asks.post("/api/v1/packages", {"fulfillment": str(waits.id)}, "p")
    body = {"fulfillment": str(waits.id), "reason": "two slips"}
    (void,) = asks.post("/api/v1/packages/open", body, "o").json()["packages"]
    assert {str(one.id): one.voided_at is None for one in queries.packages(waits.order)}[void] is False
    is_problem(asks.post("/api/v1/packages/open", body, "o2"), 409, "kernel.wrong_state")


def test_another_carton_is_said_and_noted(console, waits):
    page = console("supervisor")
    page.post(f"/packing/{waits.id}/pack/", {"carton": "OWN"})
    (made,) = queries.packages(waits.order)
    assert (made.carton, made.proposed) == ("OWN", "C3")
    assert "was proposed" in page.get(f"/packing/{waits.id}/").content.decode()


def test_a_weight_that_is_off_asks_for_a_note_and_keeps_what_was_typed(console, waits):
    page = console("supervisor")
    first = page.post(f"/packing/{waits.id}/pack/", {"carton": "C3", "weight": "99000"})
    assert "weighs 99000 g" in said(first)[0]
    assert "Why the weight is right all the same" in page.get(f"/packing/{waits.id}/").content.decode()
    assert queries.packages(waits.order) == []

    form = {"carton": "C3", "weight": "99000", "note": "a stone as a present"}
    assert "it may hold 30000 g, these are 98900 g" in said(page.post(f"/packing/{waits.id}/pack/", form))[0]
    page.post(f"/packing/{waits.id}/pack/", form | {"weight": "29000"})
    assert [one.weight_g for one in queries.packages(waits.order)] == [29_000]


def test_of_several_packages_each_weight_stays_and_each_gets_the_carriers_number(console, shop, waits):
    """A bench with a scale and a scanner: one weight is off, the others need not be weighed again."""
    order = shop.one("picked")
    system = the_system(shop.now)
    gone = [RegisterCarton(COMPANY, *one, 30_000, 100, 30, active=False) for one in CARTONS]
    register_cartons(system, requests=gone)
    units = sum(line.units for line in packing.contents([waits.id])[waits.id])
    assert units > 1
    heaviest = max(line.item.weight_g for line in packing.contents([waits.id])[waits.id])
    register_cartons(system, requests=[RegisterCarton(COMPANY, "ONE", 600, 500, 480, heaviest, 100, 30)])
    page, here = console("supervisor"), f"/packing/{waits.id}/"
    proposed = len(
        packing.boxes(packing.contents([waits.id])[waits.id], packing.cartons([COMPANY])[COMPANY], Packing())
    )
    assert proposed > 1

    form = {"as": "proposed", "weight-1": "99000", "weight-2": "1234"}
    assert "weighs 99000 g" in said(page.post(f"{here}pack/", form))[0]
    shown = page.get(here).content.decode()
    assert 'value="99000"' in shown
    assert 'value="1234"' in shown
    assert queries.packages(order) == []

    form = {"as": "proposed", **{f"weight-{n}": "" for n in range(1, proposed + 1)}}
    page.post(f"{here}pack/", form)
    page.post(f"{here}ship/", {"tracking": "AA 1"})
    (gone,) = [row for row in shipping.of_order(order) if row.fulfillment == waits.id]
    fields = re.findall('name="(number-[^"]+)"', page.get(here).content.decode())
    assert len(fields) == proposed
    few = page.post(f"/shipments/{gone.id}/labels/", {"next": here, fields[0]: "AA1", fields[1]: ""})
    assert f"{proposed} packages" in said(few)[0]
    assert 'value="AA1"' in page.get(here).content.decode(), "what was scanned stands there still"
    given = {name: f"AA{n}" for n, name in enumerate(fields, 1)}
    assert said(page.post(f"/shipments/{gone.id}/labels/", {"next": here, **given})) == [
        "The labels are ready."
    ]
    assert [label.tracking for label in shipping.labels(shipment=gone.id)] == [*given.values()]

    lead = console("lead")
    shown = lead.get(here).content.decode()
    assert re.findall('name="parcels" value="([^"]+)"', shown) == [*given.values()], "each may be sent again"
    again = lead.post(f"/shipments/{gone.id}/reship/", {"reason": "broken", "parcels": ["AA1"]})
    assert said(again) == ["An order at no charge sends the goods again."]
    assert sql.run("""
        SELECT sum(l.quantity) = (SELECT sum(p.quantity) FROM shipping_label AS b
                                  JOIN warehouse_packageline AS p USING (package_id) WHERE b.tracking = 'AA1')
        FROM shipping_reshipment AS r JOIN orders_line AS l USING (order_id)
    """) == [(True,)]


@pytest.mark.parametrize("weight", ["-5", "ten", "1.5", "0", "9" * 30])
def test_what_is_no_weight_is_refused(console, waits, weight):
    told = console("supervisor").post(f"/packing/{waits.id}/pack/", {"carton": "C3", "weight": weight})
    assert said(told) == ["weight in grams: expected more than 0, found 0."]
    assert queries.packages(waits.order) == []


def test_who_may_not_pack_sees_and_is_told(console, waits):
    page = console("auditor")
    assert "A packer packs it." in page.get(f"/packing/{waits.id}/").content.decode()
    assert "may not do warehouse.pack" in said(page.post(f"/packing/{waits.id}/pack/", {"as": "proposed"}))[0]


def test_what_is_not_there_is_not_found(console, shop):
    page = console("supervisor")
    for address in ("", "slip.pdf"):
        assert page.get(f"/packing/{ids.uuid7()}/{address}").status_code == 404


def test_the_slip_is_a_pdf_with_the_address_for_packers_only(console, waits):
    page = console("supervisor")
    page.post(f"/packing/{waits.id}/pack/", {"as": "proposed"})
    slip = page.get(f"/packing/{waits.id}/slip.pdf")
    assert slip["Content-Type"] == "application/pdf"
    assert slip.content.startswith(b"%PDF")
    without = console("auditor").get(f"/packing/{waits.id}/slip.pdf")
    assert len(without.content) < len(slip.content)
    assert orders.order(waits.order).address_id is not None


# ---- API


def test_from_carton_to_package_through_the_api(shop, program, console, waits):
    person = program("supervisor")
    carton = {"code": "C0", "length_mm": 100, "width_mm": 100, "height_mm": 50, "max_weight_g": 900}
    made = person.post("/api/v1/cartons", [carton, carton | {"code": "OWN"}], "c")
    assert made.status_code == 200
    assert made.json()[0]["code"] == "C0"
    assert made.json()[1]["code"] == "kernel.invalid"
    outside = {"outer_length_mm": 104, "outer_width_mm": 104, "outer_height_mm": 58}
    assert person.post("/api/v1/cartons", carton | outside, "outside").status_code == 200
    assert person.get("/api/v1/cartons").json()[0] == carton | outside | {"tare_g": 0, "cost_minor": 0}
    assert [one["code"] for one in person.get("/api/v1/cartons").json()] == ["C0", "C1", "C2", "C3"]

    filled = SetPolicy(
        COMPANY, "warehouse.packing", Packing(dunnage_from_percent=0, dunnage_g_per_liter=15), shop.now
    )
    set_policy(the_system(shop.now), requests=[filled])
    proposal = person.get(f"/api/v1/fulfillments/{waits.id}/packing").json()
    assert proposal["number"] == waits.number
    packages = proposal["proposed"]
    assert sum(len(one["places"]) for one in packages) == waits.picked
    assert all(one["dunnage_ml"] > 0 < one["dunnage_g"] for one in packages)
    assert "g of dunnage" in console("supervisor").get(f"/packing/{waits.id}/").content.decode()
    parts = [{"carton": one["carton"], "contents": one["contents"]} for one in packages]

    off = person.post("/api/v1/packages", {"fulfillment": str(waits.id), "carton": "C3", "weight_g": 1}, "w")
    is_problem(off, 409, "warehouse.weight_off")
    done = person.post("/api/v1/packages", {"fulfillment": str(waits.id), "parts": parts}, "p")
    assert done.status_code == 200, done.content
    assert re.match(r"PK-\d+", done.json()["number"])
    assert (
        person.post("/api/v1/packages", {"fulfillment": str(waits.id), "parts": parts}, "p").json()
        == done.json()
    )
    again = person.post("/api/v1/packages", {"fulfillment": str(waits.id)}, "q")
    is_problem(again, 409, "kernel.wrong_state")
    assert person.get(f"/api/v1/fulfillments/{waits.id}/packing").json()["proposed"] == []


def test_the_api_refuses_what_can_not_be(program, waits):
    person = program("supervisor")
    assert person.get(f"/api/v1/fulfillments/{ids.uuid7()}/packing").status_code == 404
    flat = {"code": "F", "length_mm": 0, "width_mm": 1, "height_mm": 1, "max_weight_g": 1}
    assert person.post("/api/v1/cartons", flat, "f").status_code == 422
    nobody = program("auditor").post("/api/v1/packages", {"fulfillment": str(waits.id)}, "n")
    is_problem(nobody, 403, "kernel.not_permitted")


def test_the_carrier_takes_it_under_a_number_that_it_can_have_given(console, program, waits):
    page = console("supervisor")
    page.post(f"/packing/{waits.id}/pack/", {"as": "proposed"})
    assert "The carrier has it" in page.get(f"/packing/{waits.id}/").content.decode()
    refused = program("auditor").post("/api/v1/shipments", {"fulfillment": str(waits.id)}, "s")
    is_problem(refused, 403, "kernel.not_permitted")

    told = page.post(f"/packing/{waits.id}/ship/", {"tracking": "PP 12"})

    assert said(told)[0].startswith("About its tracking number: no known carrier's numbers")
    shown = page.get(f"/packing/{waits.id}/").content.decode()
    assert "PP 12" in shown
    assert "The carrier has it" not in shown
    again = program("supervisor").post("/api/v1/shipments", {"fulfillment": str(waits.id)}, "s")
    is_problem(again, 409, "kernel.wrong_state")


def test_what_leaves_the_country_has_a_commercial_invoice(console, shop):
    (found,) = queries.of_order(shop.one("packed"))
    page = console("supervisor")
    assert "Commercial invoice" not in page.get(f"/packing/{found.id}/").content.decode()
    assert page.get(f"/packing/{found.id}/customs.pdf").status_code == 404
    sql.run("UPDATE orders_order SET country = 'FR' WHERE id = %(id)s::uuid", {"id": found.order})

    assert "Commercial invoice" in page.get(f"/packing/{found.id}/").content.decode()
    paper = page.get(f"/packing/{found.id}/customs.pdf")
    assert (paper.status_code, paper.content[:4]) == (200, b"%PDF")
    told = customs.of_fulfillment(found.id, shop.now)
    assert told is not None
    lines = queries.package_lines(found.id)
    assert sum(line.units for line in told.lines) == sum(line.units for line in lines)
    assert told.value_minor > 0
    assert (told.origin, told.destination, told.packages) == (
        "GB",
        "FR",
        len({line.number for line in lines}),
    )


def test_what_stays_in_the_customs_union_has_none(shop):
    (found,) = queries.of_order(shop.one("packed"))
    sql.run("UPDATE orders_order SET country = 'FR' WHERE id = %(id)s::uuid", {"id": found.order})
    told = customs.of_fulfillment(found.id, shop.now)
    assert told
    # And carriers are told the same, package by package.
    asked = asking.of_fulfillment(found.id, shop.now)
    assert (asked.declared.currency, asked.declared.terms) == (told.currency, "DAP")
    assert sum(good.units for box in asked.boxes for good in box.goods) == sum(
        line.units for line in told.lines
    )
    assert sum(good.value_minor for box in asked.boxes for good in box.goods) == told.value_minor
    assert {good.origin for box in asked.boxes for good in box.goods} == {"GB"}
    sql.run("UPDATE network_node SET country = 'DE' WHERE id = %(id)s::uuid", {"id": found.node})
    assert customs.of_fulfillment(found.id, shop.now) is None
    assert asking.of_fulfillment(found.id, shop.now).declared is None


def test_a_gift_message_comes_with_the_order_and_lies_in_its_parcel(console, waits, program, shop):
    file = SimpleUploadedFile(
        "o.csv", b"Order,SKU,Qty,Price,Gift message\nG-1,NOTE-A5,1,9.95,Happy birthday!\n"
    )
    console("service").post(reverse("orders-import"), {"channel": "web", "file": file, "do": "place"})
    (placed,) = orders.orders_page(COMPANY, text="G-1")
    assert orders.gift_message(placed.id) == "Happy birthday!"
    given = {
        "channel": "web", "external_id": "G-2", "currency": "GBP", "gift_message": "With love, Ada",
        "lines": [{"sku": "NOTE-A5", "quantity": 2, "unit_price": "9.95"}],
    }  # fmt: skip
    robot = program("service")
    assert robot.post("/api/v1/orders", given | {"gift_message": "x" * 501}).status_code == 422
    placed = robot.post("/api/v1/orders", given).json()
    assert orders.gift_message(placed["order"]) == "With love, Ada"

    page = console("supervisor")
    page.post(f"/packing/{waits.id}/pack/", {"as": "proposed"})
    before = page.get(f"/packing/{waits.id}/slip.pdf")
    said = [
        KeepGiftMessage(COMPANY, waits.order, "Für dich, Ömer"),
        KeepGiftMessage(COMPANY, ids.uuid7(), ""),
    ]
    keep_gift_messages(the_system(shop.now), requests=said)
    assert "Für dich, Ömer" in page.get(f"/packing/{waits.id}/").content.decode()
    assert "Für dich" not in console("auditor").get(f"/packing/{waits.id}/").content.decode()
    assert len(page.get(f"/packing/{waits.id}/slip.pdf").content) > len(before.content)


def noting(waits, serial_policy: str = "at_ship") -> list[packing.Contents]:
    """What is inside, of SKUs whose serial numbers are noted when they are sent."""
    skus = [each.sku for each in packing.contents([waits.id])[waits.id]]
    change = "UPDATE catalog_sku SET serial_policy = %(p)s WHERE id = ANY(%(skus)s::uuid[])"
    sql.run(change, {"p": serial_policy, "skus": skus})
    return packing.contents([waits.id])[waits.id]


def test_serial_numbers_are_typed_one_a_line_and_kept_where_some_are_missing(console, waits):
    inside = noting(waits)
    page, here = console("supervisor"), f"/packing/{waits.id}/"
    numbers = {each.line: [f"SN {each.item.kind} {n}" for n in range(each.units)] for each in inside}
    shown = page.get(here).content.decode()
    assert all(f'name="serials-{each.line}"' in shown for each in inside)
    fields = {f"serials-{line}": "\r\n".join(mine) + " \r\n\r\n" for line, mine in numbers.items()}

    short = fields | {f"serials-{inside[0].line}": "TYPED BEFORE\r\n" * (inside[0].units + 1)}
    refused = page.post(f"{here}pack/", short | {"as": "proposed"})
    assert f"expected {inside[0].units}, found {inside[0].units + 1}" in said(refused)[0]
    assert "Nothing was packed" in said(refused)[0]
    assert "TYPED BEFORE" in page.get(here).content.decode()
    page.post(f"{here}pack/", fields | {"as": "proposed"})

    assert queries.fulfillment(waits.id).state == "packed"
    kept = sql.run("SELECT serial FROM warehouse_packedserial ORDER BY 1")
    assert [serial for (serial,) in kept] == sorted(one for mine in numbers.values() for one in mine)


def test_a_program_is_told_what_to_note_and_says_it(program, waits):
    inside = noting(waits)
    asks = program("supervisor")
    told = asks.get(f"/api/v1/fulfillments/{waits.id}/packing").json()["to_note"]
    assert told == [{"line": str(each.line), "units": each.units} for each in inside]
    body = {"fulfillment": str(waits.id)}
    is_problem(asks.post("/api/v1/packages", body, "s1"), 409, "warehouse.serials_needed")
    serials = [
        {"line": one["line"], "serial": f"{one['line'][-4:]}-{n}"}
        for one in told
        for n in range(one["units"])
    ]
    empty = body | {"serials": [{"line": told[0]["line"], "serial": ""}]}
    assert asks.post("/api/v1/packages", empty, "s2").status_code == 422
    done = asks.post("/api/v1/packages", body | {"serials": serials}, "s3")
    assert done.status_code == 200, done.content
    assert sql.run("SELECT count(*)::int FROM warehouse_packedserial") == [(len(serials),)]
    assert asks.post("/api/v1/packages", body | {"serials": serials}, "s3").json() == done.json()


def test_a_scan_opens_what_stands_behind_the_first_hundred(console, shop, waits, monkeypatch):
    """By its own number, its order's, or that of its package; in small letters as well."""
    monkeypatch.setattr("entrepot.web.views.packing.queries.waiting", lambda *_, **__: [])
    page = console("supervisor")
    for text in (waits.number, waits.order_number, waits.number.lower()):
        assert page.get("/packing/", {"q": text})["Location"] == f"/packing/{waits.id}/"
    page.post(f"/packing/{waits.id}/pack/", {"carton": "OWN"})
    (made,) = queries.packages(waits.order)
    assert page.get("/packing/", {"q": made.number})["Location"] == f"/packing/{waits.id}/"
    assert "Nothing of NOPE waits" in page.get("/packing/", {"q": "NOPE"}).content.decode()


# ---- proof


def asks(shop, **facts) -> None:
    wanted = SetPolicy(COMPANY, "warehouse.packing", Packing(**facts), shop.now)
    set_policy(the_system(shop.now), requests=[wanted])


def test_at_the_desk_every_unit_is_scanned_where_the_policy_asks(console, shop, waits):
    asks(shop, verify="unit")
    a_person("packer", "packer")
    page, here = console("packer"), f"/packing/{waits.id}/"
    inside = packing.contents([waits.id])[waits.id]
    assert "Scan every unit that goes in" in page.get(here).content.decode()
    page.post(f"{here}pack/", {"as": "proposed"})
    assert queries.fulfillment(waits.id).state == "picked"
    unknown = page.post(f"{here}pack/", {"as": "proposed", "scanned": "NOTHING OF OURS"})
    assert "NOTHING OF OURS is the barcode of no SKU" in said(unknown)[0]
    first = inside[0].item.kind
    short = page.post(f"{here}pack/", {"as": "proposed", "scanned": f"{first}\r\n"})
    if sum(one.units for one in inside) > 1:
        assert "is packed only with a scan of every unit" in said(short)[0]
        assert first in page.get(here).content.decode()
    assert "Why it is packed without proof" not in page.get(here).content.decode(), "a packer may not"
    every = "\r\n".join(one.item.kind for one in inside for _ in range(one.units))
    page.post(f"{here}pack/", {"as": "proposed", "scanned": every})
    assert queries.fulfillment(waits.id).state == "packed"


def test_a_supervisor_packs_at_the_desk_without_a_weight_and_says_why(console, shop, waits):
    asks(shop, weigh="always")
    page, here = console("supervisor"), f"/packing/{waits.id}/"
    before = page.get(here).content.decode()
    assert "Each package goes only with what the scale says" in before
    assert "Why it is packed without proof" not in before
    refused = page.post(f"{here}pack/", {"as": "proposed"})
    assert "is packed only with the weight of each package" in said(refused)[0]
    assert "Why it is packed without proof" in page.get(here).content.decode()
    page.post(f"{here}pack/", {"as": "proposed", "reason": "the scale is broken"})
    assert queries.fulfillment(waits.id).state == "packed"
    page.post(f"{here}open/", {"reason": "weigh it"})
    asks(shop, weigh="above_value", weigh_from_minor=10**12)
    assert "Each package goes only" not in page.get(here).content.decode()


def test_a_program_says_what_was_scanned_or_why_it_was_not(program, shop, waits):
    asks(shop, verify="sku")
    shop.people["packer"] = a_person("packer", "packer")
    person, body = program("supervisor"), {"fulfillment": str(waits.id)}
    is_problem(person.post("/api/v1/packages", body, "p1"), 409, "warehouse.scans_needed")
    assert (
        program("packer").post("/api/v1/packages/unproved", body | {"reason": "x"}, "p2").status_code == 403
    )
    assert person.post("/api/v1/packages/unproved", body, "p3").status_code == 422
    done = person.post("/api/v1/packages/unproved", body | {"reason": "the scanner is broken"}, "p4")
    assert done.status_code == 200, done.content
    person.post("/api/v1/packages/open", body | {"reason": "scan it"}, "o")
    scans = [{"sku": one.item.kind, "units": 1} for one in packing.contents([waits.id])[waits.id]]
    assert person.post("/api/v1/packages", body | {"scanned": scans}, "p5").status_code == 200
