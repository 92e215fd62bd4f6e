"""Plates: by the API, on their pages, and with a scanner from the notice to the pick face."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.catalog.barcodes import is_sscc
from entrepot.kernel import ids, policies, sql
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing import queries as purchasing
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods, order
from entrepot.purchasing.commands.take_notices import TakeNotice, take_notices
from entrepot.stock import plate_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.plating import sscc
from entrepot.warehouse import counted, shelf_queries
from entrepot.warehouse.commands.build_plates import BuildPlate, PlateLine, build_plates
from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
from entrepot.warehouse.commands.replenish import ReviewFaces, SetPickFace, review_faces, set_pick_faces
from entrepot.warehouse.plates import PlatePolicy
from tests.handheld import stands
from tests.http.test_api import is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db

NUMBER, OTHER = sscc("7610425", 3, 1), sscc("7610425", 3, 2)


@dataclass
class Bins:
    node: UUID
    of: dict[str, UUID] = field(default_factory=dict)


@pytest.fixture
def bins(shop) -> Bins:
    node = shop.nodes[0]
    return Bins(node, dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": node})))


def came(shop, bins: Bins, sku: str, units: int, bin_code: str) -> None:
    wanted = Receive(
        COMPANY, shop.skus[sku], bins.node, bins.of[bin_code], units, units * 100, "receipt", ids.uuid7()
    )
    receive(the_system(shop.now), requests=[wanted])


def announced(shop, bins: Bins, *, pens: int = 12, number: str = NUMBER) -> UUID:
    """An order of pens with a notice that names the plate they come on."""
    system = the_system(shop.now)
    (supplier,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "PENCO", "Pen & Co", "GBP")])
    line = OrderedLine(shop.skus["PEN-STEEL"], pens, Decimal("1.00"))
    (bought,) = order(system, requests=[OrderGoods(COMPANY, supplier.id, bins.node, "", (line,))])
    (which,) = (one.id for one in purchasing.lines(bought.order))
    day = shop.now.date() + timedelta(days=1)
    notice = TakeNotice(COMPANY, f"ASN-{number}", day, ((bought.order, which, pens, number),))
    take_notices(system, requests=[notice])
    return bought.order


def row(number: str = NUMBER) -> plate_queries.PlateRow:
    found = plate_queries.plate_named(company=COMPANY, text=number)
    assert found is not None
    return found


def test_a_program_builds_finds_moves_and_opens_plates(shop, bins, program):
    came(shop, bins, "PEN-STEEL", 40, "IN")
    robot = program("supervisor")
    wanted = {"node": "LDN", "bin": "IN", "lines": [{"sku": "PEN-STEEL", "quantity": 12}]}
    assert is_problem(robot.post("/api/v1/plates", wanted), 422, "kernel.invalid"), (
        "the company has no prefix"
    )
    system = the_system(shop.now)
    set_to = policies.SetPolicy(COMPANY, "warehouse.plates", PlatePolicy("7610425"), shop.now)
    policies.set_policy(system, requests=[set_to])
    made = robot.post("/api/v1/plates", wanted)
    assert made.status_code == 201, made.content
    own = made.json()["number"]
    assert is_sscc(own) and own.startswith("07610425")

    given = robot.post(
        "/api/v1/plates", [wanted | {"number": f"(00){NUMBER}"}, wanted | {"number": "12"}], "given"
    ).json()
    assert given[0]["number"] == NUMBER and given[1]["code"] == "kernel.invalid"
    listed = robot.get("/api/v1/plates?node=LDN&q=pen-steel").json()["items"]
    assert [(one["number"], one["units"], one["bin_code"]) for one in listed] == [
        (NUMBER, 12, "IN"),
        (own, 12, "IN"),
    ]
    assert robot.get(f"/api/v1/plates?q={NUMBER[:9]}").json()["items"][0]["number"] == NUMBER
    assert robot.get("/api/v1/plates?q=MUG-BLUE").json() == {"items": [], "next": None}

    move = {"number": NUMBER, "to_bin": "R-01", "scanned": "R-01", "why": "put_away"}
    assert is_problem(
        robot.post("/api/v1/plates/move", move | {"to_bin": "nowhere"}), 404, "kernel.not_found"
    )
    assert is_problem(
        robot.post("/api/v1/plates/move", move | {"scanned": "A-01"}), 409, "warehouse.wrong_bin"
    )
    assert is_problem(robot.post("/api/v1/plates/move", move | {"number": OTHER}), 404, "kernel.not_found")
    assert robot.post("/api/v1/plates/move", move).json()["units"] == 12
    whole = robot.get(f"/api/v1/plates/{NUMBER}").json()
    assert whole["bin_code"] == "R-01" and whole["content"][0]["sku_code"] == "PEN-STEEL"
    assert [(one["command"], one["from_code"], one["to_code"]) for one in whole["history"]] == [
        ("warehouse.move_plates", "IN", "R-01"), ("warehouse.build_plates", "", "IN"),
    ]  # fmt: skip
    label = robot.get(f"/api/v1/plates/{NUMBER}/label").json()["zpl"]
    assert f">;>800{NUMBER}" in label and "12 x PEN-STEEL" in label

    assert robot.post("/api/v1/plates/open", {"number": NUMBER}).json()["units"] == 12
    assert is_problem(
        robot.post("/api/v1/plates/open", {"number": NUMBER}, "again"), 409, "warehouse.plate_empty"
    )
    assert is_problem(robot.post("/api/v1/plates/move", move, "empty"), 409, "warehouse.plate_empty")
    assert robot.get(f"/api/v1/plates/{NUMBER}").json()["units"] == 0
    assert is_problem(
        program("auditor").post("/api/v1/plates/open", {"number": own}), 403, "kernel.not_permitted"
    )


def test_a_plate_goes_from_the_notice_to_its_bin_by_three_scans(shop, bins, handheld):
    announced(shop, bins)
    hand = handheld("supervisor")
    hand.goes("/scan/receive/")
    hand.scans(NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1"))
    assert hand.wrong, "its check digit does not fit"
    hand.scans(f"]C100{NUMBER}")
    assert "12 units of PEN-STEEL are received" in hand.right[0]
    assert (row().bin_code, row().units) == ("IN", 12)

    assert f"Plate …{NUMBER[-6:]}" in hand.goes("/scan/put-away/")
    hand.scans(f"]C100{NUMBER}")
    assert hand.asks == ("Put the plate into", "R-01") and "12 × PEN-STEEL" in hand.page
    hand.scans("OUT")
    assert "OUT, for staging" in hand.wrong
    hand.scans("IN")
    assert "they stand in this one" in hand.wrong
    hand.scans("PEN-STEEL")
    assert hand.wrong.startswith("PEN-STEEL comes later") and row().bin_code == "IN"
    hand.scans("R-01", key="once")
    assert hand.right == ["The plate stands in R-01, with 12 units."]
    assert stands(shop.skus["PEN-STEEL"]) == {"R-01": 12} and row().bin_code == "R-01"

    hand.goes("/scan/move/")
    hand.scans(NUMBER)
    hand.scans("=open")
    assert hand.right == ["12 units stand loose in R-01."]
    assert row().units == 0 and stands(shop.skus["PEN-STEEL"]) == {"R-01": 12}
    hand.scans(NUMBER)
    assert hand.wrong, "an empty plate opens nothing"


def test_a_plate_is_counted_by_one_scan_and_a_missing_one_loses_its_content(shop, bins, handheld, program):
    came(shop, bins, "PEN-STEEL", 25, "R-01")
    robot = program("supervisor")
    plate = {"node": "LDN", "bin": "R-01", "lines": [{"sku": "PEN-STEEL", "quantity": 10}]}
    for number in (NUMBER, OTHER):
        assert robot.post("/api/v1/plates", plate | {"number": number}, again=number).status_code == 201
    came(shop, bins, "PEN-STEEL", 3, "IN")
    away = sscc("7610425", 3, 9)
    there = {"node": "LDN", "bin": "IN", "lines": [{"sku": "PEN-STEEL", "quantity": 3}], "number": away}
    assert robot.post("/api/v1/plates", there, again=away).status_code == 201
    ask_counts(the_system(shop.now), requests=[AskCount(bins.of["R-01"])])
    for who in ("supervisor", "inventory"):
        hand = handheld(who)
        hand.keys = iter(f"{who}{n}" for n in range(99))
        hand.goes("/scan/count/")
        hand.scans("R-01", "R-01")
        hand.scans(away)
        assert hand.wrong.startswith("Wrong bin"), hand.page
        hand.scans(OTHER)
        hand.scans(OTHER)
        assert hand.wrong.startswith("Done already")
        hand.scans("7")
        assert hand.wrong, "a plate is counted whole"
        hand.scans("PEN-STEEL", "5", "=finished")
        assert "15 ×" in hand.page, "both are the same goods"
        hand.scans("=yes")
        if counted.differences(company=COMPANY):
            break
    (line,) = counted.differences(company=COMPANY)
    assert line.counted == 15
    decider = handheld("books").browser
    decider.post("/floor/counts/decide/", {"line": str(line.id), "decision": "approve", "cause": "stolen"})
    assert stands(shop.skus["PEN-STEEL"])["R-01"] == 15
    assert row(OTHER).units == 10, "what was seen keeps what stands on it"
    assert row(NUMBER).units == 5


def test_a_program_says_which_plates_it_saw_when_it_counted(shop, bins, program):
    came(shop, bins, "PEN-STEEL", 20, "R-01")
    first, second = program("supervisor"), program("inventory")
    plate = {"node": "LDN", "bin": "R-01", "lines": [{"sku": "PEN-STEEL", "quantity": 10}]}
    first.post("/api/v1/plates", [plate | {"number": number} for number in (OTHER, NUMBER)])
    task = first.post("/api/v1/counts", {"node": "LDN", "bin": "R-01"}).json()["task"]
    said = {"task": task, "counted": [{"sku": "PEN-STEEL", "units": 13}], "plates": [OTHER]}
    unknown = said | {"plates": [sscc("7610425", 9, 9)]}
    for one in (first, second):
        one.post("/api/v1/counts/start", {"task": task})
        assert is_problem(one.post("/api/v1/counts/enter", unknown), 404, "kernel.not_found")
        state = one.post("/api/v1/counts/enter", said).json()["state"]
    assert state == "waiting"
    (line,) = counted.differences(company=COMPANY)
    decision = {"line": str(line.id), "decision": "approve", "cause": "stolen"}
    assert program("books").post("/api/v1/counts/decide", decision).json()["posted"] == -7
    assert (row(OTHER).units, row(NUMBER).units) == (10, 3)


def test_a_pick_face_is_filled_by_a_whole_plate(shop, bins, handheld, program):
    system, sku = the_system(shop.now), shop.skus["PEN-STEEL"]
    came(shop, bins, "PEN-STEEL", 60, "R-01")
    robot = program("supervisor")
    plate = {"node": "LDN", "bin": "R-01", "lines": [{"sku": "PEN-STEEL", "quantity": 20}]}
    big = plate | {"number": OTHER, "lines": [{"sku": "PEN-STEEL", "quantity": 40}]}
    robot.post("/api/v1/plates", [plate | {"number": NUMBER}, big])
    set_pick_faces(system, requests=[SetPickFace(COMPANY, sku, bins.of["A-02"], 5, 30)])
    review_faces(system, requests=[ReviewFaces(bins.node)])
    (task,) = shelf_queries.replenishments(company=COMPANY)
    assert task.quantity == 30

    hand = handheld("supervisor")
    hand.goes("/scan/replenish/")
    hand.scans(NUMBER)
    hand.scans("R-01", OTHER)
    assert hand.wrong.startswith("Too many")
    hand.scans(NUMBER, "PEN-STEEL")
    assert hand.wrong, "a plate goes by itself"
    hand.scans("A-02")
    assert hand.right == ["20 × PEN-STEEL stand in A-02."]
    assert row().bin_code == "A-02" and stands(sku) == {"A-02": 20, "R-01": 40}

    refill = {"replenishment": str(task.id), "plate": NUMBER}
    assert is_problem(robot.post("/api/v1/replenishments", refill), 409, "kernel.wrong_state")
    set_pick_faces(system, requests=[SetPickFace(COMPANY, sku, bins.of["A-02"], 25, 60)])
    review_faces(system, requests=[ReviewFaces(bins.node)])
    (task,) = shelf_queries.replenishments(company=COMPANY)
    refill = {"replenishment": str(task.id), "plate": NUMBER}
    assert is_problem(robot.post("/api/v1/replenishments", refill), 409, "warehouse.plate_unfit"), (
        "it stands there"
    )
    assert robot.post("/api/v1/replenishments", refill | {"plate": OTHER}, "other").json()["quantity"] == 40
    assert stands(sku) == {"A-02": 60}


def test_the_pages_show_a_plate_its_label_and_what_happened_to_it(shop, bins, console):
    came(shop, bins, "PEN-STEEL", 12, "R-01")
    desk = console("supervisor")
    form = {"node": str(bins.node), "bin": "r-01", "sku": "PEN-STEEL", "units": "12", "number": NUMBER}
    assert (
        "There is no SKU"
        in desk.post("/stock/plates/build/", form | {"sku": "x"}, follow=True).content.decode()
    )
    made = desk.post("/stock/plates/build/", form, follow=True)
    assert made.redirect_chain[-1][0] == f"/stock/plates/{row().id}/"
    assert "PEN-STEEL" in made.content.decode() and "Plate built" in made.content.decode()
    assert NUMBER in desk.get("/stock/plates/?q=PEN-STEEL").content.decode()
    assert desk.get("/find/", {"q": f"(00){NUMBER}"}).status_code == 200
    assert (
        desk.get("/search/", {"q": f"00{NUMBER}"}, follow=True)
        .redirect_chain[-1][0]
        .endswith(f"/{row().id}/")
    )
    pdf = desk.get(f"/stock/plates/{row().id}/label.pdf")
    assert pdf["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF")
    assert f">;>800{NUMBER}" in desk.get(f"/stock/plates/{row().id}/label.zpl").content.decode()
    assert desk.get(f"/stock/plates/{row().id}/label.png").status_code == 404
    moved = desk.post(f"/stock/plates/{row().id}/move/", {"bin": "A-02"}, follow=True).content.decode()
    assert "The plate stands there now." in moved and row().bin_code == "A-02"
    assert (
        "no bin" in desk.post(f"/stock/plates/{row().id}/move/", {"bin": "?"}, follow=True).content.decode()
    )
    desk.post(f"/stock/plates/{row().id}/open/")
    assert row().units == 0
    assert NUMBER not in desk.get("/stock/plates/").content.decode()
    assert NUMBER in desk.get("/stock/plates/?all=on").content.decode()
    assert stock.buckets(sku=shop.skus["PEN-STEEL"])[0].bin_code == "A-02"


def test_programs_stack_cartons_on_a_pallet(shop, bins, program, console):
    call, page = program("supervisor"), console("supervisor")
    came(shop, bins, "MUG-BLUE", 10, "A-01")
    lines = [{"sku": "MUG-BLUE", "quantity": 2}]
    for number, key in ((NUMBER, "a"), (OTHER, "b")):
        call.post("/api/v1/plates", {"node": "LDN", "bin": "A-01", "lines": lines, "number": number}, key)
    pallet = sscc("7610425", 3, 3)
    body = {"plates": [NUMBER, OTHER], "number": pallet}
    stacked = call.post("/api/v1/plates/stack", body, "c").json()
    assert (stacked["number"], stacked["cartons"], stacked["units"]) == (pallet, 2, 4)
    assert call.post("/api/v1/plates/stack", body, "c").json() == stacked
    is_problem(
        call.post("/api/v1/plates/stack", {"plates": [pallet], "number": NUMBER}, "d"),
        409,
        "warehouse.plate_stacked",
    )
    shown = call.get(f"/api/v1/plates/{pallet}").json()
    assert (shown["units"], shown["cartons"]) == (4, 2)
    assert {one["carton"] for one in shown["content"]} == {NUMBER, OTHER}
    assert call.get(f"/api/v1/plates/{NUMBER}").json()["on_number"] == pallet

    seen = page.get(f"/stock/plates/{stacked['plate']}/").content.decode()
    assert "Cartons on it" in seen and NUMBER in seen and "its cartons stand by themselves" in seen
    carton = plate_queries.plate_named(company=COMPANY, text=NUMBER).id
    assert "on pallet" in page.get(f"/stock/plates/{carton}/").content.decode()
    page.post(f"/stock/plates/{stacked['plate']}/open/")
    assert plate_queries.plate(company=COMPANY, which=carton).on_plate is None
    page.post(f"/stock/plates/{carton}/stack/", {"number": pallet})
    assert plate_queries.plate(company=COMPANY, which=carton).on_number == pallet


def test_the_plates_that_wait_longest_are_put_away_first_and_how_many_more_there_are_is_said(
    shop, bins, console
):
    system, per_page = the_system(shop.now), 50
    came(shop, bins, "PEN-STEEL", per_page + 5, "IN")
    line = (PlateLine(shop.skus["PEN-STEEL"], 1),)
    numbers = [sscc("7610425", 3, n) for n in range(100, 100 + per_page + 2)]
    build_plates(system, requests=[BuildPlate(COMPANY, bins.of["IN"], line, one) for one in numbers])
    page = console("supervisor")
    text = page.get(f"/inbound/put-away/?node={bins.node}").content.decode()
    assert all(one in text for one in numbers[:per_page]) and numbers[-1] not in text
    assert "2 more plates wait" in text
    found = plate_queries.plate_named(company=COMPANY, text=numbers[0])
    page.post(f"/stock/plates/{found.id}/move/", {"bin": "R-01", "next": "/inbound/put-away/"})
    text = page.get(f"/inbound/put-away/?node={bins.node}").content.decode()
    assert numbers[0] not in text and "1 more plate waits" in text


def test_a_bin_or_sku_that_is_not_there_leaves_the_form_as_it_was_filled_in(shop, bins, console):
    came(shop, bins, "PEN-STEEL", 5, "IN")
    page = console("supervisor")
    form = {
        "node": str(bins.node),
        "bin": "NO-BIN",
        "sku": "PEN-STEEL",
        "units": "3",
        "lot": "",
        "number": NUMBER,
    }
    page.post("/stock/plates/build/", form)
    text = page.get("/stock/plates/").content.decode()
    assert 'value="NO-BIN"' in text and f'value="{NUMBER}"' in text
    page.post("/stock/plates/build/", form | {"bin": "IN"})
    page.post(f"/stock/plates/{row().id}/move/", {"bin": "NO-BIN"})
    assert 'value="NO-BIN"' in page.get(f"/stock/plates/{row().id}/").content.decode()
    nodes = {"from": str(bins.node), "to": str(shop.nodes[1])}
    page.post("/stock/transfers/send/", nodes | {"plate": "123"})
    assert 'value="123"' in page.get("/stock/transfers/").content.decode()
