"""What comes in: the pages with their forms, and the API."""

from __future__ import annotations

import csv
import re
from base64 import b64decode
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.channels.x12.purchase_order import Partner
from entrepot.insight import availability, kpis
from entrepot.kernel import relay, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.delivery import RETRY_AFTER
from entrepot.kernel.errors import Refused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.commands.place import OrderLine, PlaceOrder, place
from entrepot.parties.commands.register import (
    RegisterOffer,
    RegisterSupplier,
    register_offers,
    register_suppliers,
)
from entrepot.purchasing import dock, queries
from entrepot.purchasing.commands.change import ChangeOrder, change
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.reorder import ProposeOrders, propose_orders
from entrepot.purchasing.commands.send_orders import SendOrder, send_orders
from entrepot.purchasing.commands.take_notices import TakeNotice, take_notices
from entrepot.purchasing.receiving import Plan, Quality
from entrepot.purchasing.reordering import Reordering
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.stock import availability_queries, plate_queries
from entrepot.warehouse import storing
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.web import format as fmt
from entrepot.web import order_paper
from entrepot.web.tasks import DESTINATIONS
from entrepot.web.views import inbound
from tests.asking import walked
from tests.catcher import catching
from tests.http.test_api import is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
BARCODE, SSCC, PALLET = "4006381333931", "376104250021234569", "376104250021234576"
PAGES = ["", "expected/", "receiving/", "quality/", "put-away/", "reorder/", "suppliers/"]


@pytest.fixture
def bought(shop) -> UUID:
    """Ten units of one new SKU, ordered by somebody who receives nothing, for a node with a bin for receipts."""
    system = the_system(timezone.now())
    (supplier,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs Ltd", "GBP")])
    (sku,) = register_skus(
        system, requests=[RegisterSku(COMPANY, "JUG", "A jug", lot_policy="lot", barcode=BARCODE)]
    )
    buyer = Cause(Actor("bea", everything=True), timezone.now())
    lines = ((sku.id, 10, Decimal("2.50")),)
    (answer,) = order(buyer, requests=[OrderGoods(COMPANY, supplier.id, shop.nodes[0], "W12", lines)])
    return answer.order


def said(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def line_of(which: UUID) -> queries.Line:
    return queries.lines(which)[0]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_shown_to_whoever_may_do_nothing(console, bought, path):
    assert console("auditor").get(f"/inbound/{path}").status_code == 200


def test_from_confirmation_to_receipt_on_the_page_of_an_order(console, bought):
    page, path, line = console("inventory"), f"/inbound/orders/{bought}/", line_of(bought)
    day = timezone.now().date() + timedelta(days=3)
    page.post(
        f"{path}act/",
        {
            "action": "confirm",
            f"confirmed-{line.id}": "8",
            f"day-{line.id}": day.isoformat(),
            "reference": "AB",
        },
    )
    assert line_of(bought).confirmed == 8
    text = page.get(path).content.decode()
    assert "W12" in text
    assert "JUG" in text

    wrong = page.post(f"{path}act/", {"action": "receive", f"units-{line.id}": "11"}, follow=True)
    assert "10 units still to come" in wrong.content.decode()
    page.post(
        f"{path}act/",
        {
            "action": "receive", f"units-{line.id}": "6", f"damaged-{line.id}": "1", f"lot-{line.id}": "L1",
            "note": "crushed",
        },
    )  # fmt: skip
    assert line_of(bought).received == 7
    text = page.get(path).content.decode()
    assert "crushed" in text
    page.post(f"{path}act/", {"action": "close", "reason": "they are out"})
    assert queries.order(bought).state == "received"

    (claim,) = dock.claims(COMPANY)
    page.post("/inbound/quality/claims/", {"claim": claim.id, "answer": "credit", "note": "credit note 7"})
    assert dock.claims(COMPANY) == []


def test_an_order_goes_to_its_supplier_as_a_paper_by_mail(console, bought, mailoutbox):
    page, path = console("inventory"), f"/inbound/orders/{bought}/"
    wrong = page.post(f"{path}act/", {"action": "send", "address": "nobody", "language": "de"}, follow=True)
    assert "a mail address" in wrong.content.decode() and 'value="nobody"' in wrong.content.decode()
    form = {"action": "send", "address": "orders@mugs.example", "language": "de", "mail_note": "Bitte bald."}
    assert "on its way to the supplier" in page.post(f"{path}act/", form, follow=True).content.decode()
    assert relay.relay_once(DESTINATIONS) == 1
    (mail,) = mailoutbox
    number = queries.order(bought).number
    assert mail.to == ["orders@mugs.example"] and number in mail.subject and "Bitte bald." in mail.body
    ((name, content, kind),) = mail.attachments
    assert (name, kind, content[:4]) == (f"{number}.pdf", "application/pdf", b"%PDF")
    (sending,) = queries.sendings(bought)
    assert sending.state == "sent" and str(sending.id) in mail.extra_headers["Message-ID"]
    text = page.get(path).content.decode()
    assert "Send it again" in text and '<option value="de" selected>' in text, "as he was written to last"
    assert relay.relay_once(DESTINATIONS) == 0
    read = page.get(f"{path}order.pdf?language=es")
    assert read["Content-Type"] == "application/pdf" and read.content.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("says", "state", "arrives"), [("550 nobody", "failed", 1), ("451 later", "waiting", 0), ("", "sent", 1)]
)
def test_what_the_mail_server_says_decides_what_becomes_of_a_mail(bought, settings, says, state, arrives):
    with catching() as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        send_orders(the_system(timezone.now()), requests=[SendOrder(bought, "orders@mugs.example")])
        assert relay.relay_once(DESTINATIONS) == 0, "nobody is there"
        settings.EMAIL_PORT, catcher.refuses = catcher.port, f"{says}, orders@mugs.example" if says else ""
        assert relay.relay_once(DESTINATIONS, at=timezone.now() + timedelta(hours=1)) == arrives
        assert [one.state for one in queries.sendings(bought)] == [state]
        assert len(catcher.mails) == (state == "sent")


@pytest.mark.parametrize("fault", ["away", "450 greylisted", "a bug"])
def test_a_mail_that_is_given_up_is_not_sent_and_is_work(bought, settings, monkeypatch, fault):
    with catching() as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1 if fault == "away" else catcher.port
        if fault == "a bug":
            monkeypatch.setattr(order_paper, "bought", lambda *_: 1 / 0)
        else:
            catcher.refuses = fault
        send_orders(the_system(timezone.now()), requests=[SendOrder(bought, "orders@mugs.example")])
        at = timezone.now()
        for wait in RETRY_AFTER:
            assert relay.relay_once(DESTINATIONS, at=at) == 0
            assert [one.state for one in queries.sendings(bought)] == ["waiting"]
            at += wait + timedelta(seconds=1)
        relay.relay_once(DESTINATIONS, at=at)
        (one,) = queries.sendings(bought)
        assert one.state == "failed" and one.error
        items = sql.run("SELECT subject_id FROM work_item WHERE type = 'order not sent' AND state = 'open'")
        assert items == [(bought,)]
        assert sql.run("SELECT count(*) FROM kernel_delivery WHERE state = 'waiting'") == [(0,)]
        assert catcher.mails == []


def test_a_mail_to_the_right_address_does_not_wait_for_the_one_to_the_wrong(bought, settings):
    with catching() as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.port
        catcher.refuses = "450 nobody answers there"
        send_orders(the_system(timezone.now()), requests=[SendOrder(bought, "orders@mugz.example")])
        assert relay.relay_once(DESTINATIONS) == 0
        catcher.refuses = ""
        send_orders(the_system(timezone.now()), requests=[SendOrder(bought, "orders@mugs.example")])
        assert relay.relay_once(DESTINATIONS) == 1
        assert [one.state for one in queries.sendings(bought)] == ["sent", "waiting"]


def test_a_line_is_asked_for_otherwise_and_dropped_on_the_page(console, bought):
    system = the_system(timezone.now())
    (sku,) = register_skus(system, requests=[RegisterSku(COMPANY, "LID", "A lid")])
    buyer = Cause(Actor("bea", everything=True), timezone.now())
    change(buyer, requests=[ChangeOrder(bought, (), ((sku.id, 5, Decimal("0.50")),))])
    page, path = console("inventory"), f"/inbound/orders/{bought}/"
    jug, lid = queries.lines(bought)
    day = timezone.now().date() + timedelta(days=30)
    asked = {"action": "change", f"cost-{jug.id}": "2.75", f"by-{jug.id}": day.isoformat()}
    assert "The order is changed." in page.post(f"{path}act/", asked, follow=True).content.decode()
    jug = line_of(bought)
    assert (jug.quantity, jug.unit_cost, jug.wanted_on, jug.expected_on) == (10, Decimal("2.75"), day, day)
    other = day + timedelta(days=3)
    moved = {"action": "reschedule", "sku": lid.sku, "day": other.isoformat()}
    assert "It is expected on that day." in page.post(f"{path}act/", moved, follow=True).content.decode()
    assert [one.expected_on for one in queries.lines(bought)] == [day, other]
    page.post(f"{path}act/", {"action": "close", "reason": "not any more", "line": lid.id})
    assert [one.to_come for one in queries.lines(bought)] == [10, 0]
    assert queries.order(bought).state == "open"
    page.post(f"{path}act/", {"action": "close", "reason": "nor these"})
    assert queries.order(bought).state == "cancelled"


def test_programs_change_move_and_send_an_order(program, bought, mailoutbox):
    api = program("inventory")
    line, day = line_of(bought), timezone.now().date() + timedelta(days=20)
    asked = {"order": str(bought), "lines": [{"line": str(line.id), "unit_cost": "2.25"}]}
    assert api.post("/api/v1/purchase-orders/change", asked).json()["changed"] == 1
    moved = {"order": str(bought), "expected_on": day.isoformat(), "skus": ["JUG"]}
    assert api.post("/api/v1/purchase-orders/reschedule", moved).json() == {"order": str(bought), "lines": 1}
    assert (line_of(bought).unit_cost, line_of(bought).expected_on) == (Decimal("2.25"), day)
    mail = {"order": str(bought), "address": "orders@mugs.example"}
    assert api.post("/api/v1/purchase-orders/send", mail).status_code == 200
    relay.relay_once(DESTINATIONS)
    whole = api.get(f"/api/v1/purchase-orders/{bought}").json()
    assert [one["state"] for one in whole["mails"]] == ["sent"] and whole["receipts"] == []
    assert whole["to_come"] == 10
    paper = api.get(f"/api/v1/purchase-orders/{bought}/paper?language=de").json()
    assert b64decode(paper["pdf"]).startswith(b"%PDF") and paper["number"] == whole["number"]


def test_a_scan_at_the_desk_is_received_checked_and_put_away(console, shop, bought):
    system = the_system(timezone.now())
    policy = Quality((Plan(sku="JUG", sample_percent=0, sample_min=2),))
    set_policy(
        system,
        requests=[SetPolicy(COMPANY, "purchasing.quality", policy, timezone.now() - timedelta(days=1))],
    )
    page, node = console("supervisor"), shop.nodes[0]
    unknown = page.post("/inbound/receiving/scan/", {"node": node, "text": "NOTHING"})
    assert "No SKU and no package has barcode NOTHING" in said(unknown)
    scanned = page.post(
        "/inbound/receiving/scan/", {"node": node, "text": f"010{BARCODE}10L7", "units": "10"}
    )
    assert "10 units of JUG are received" in said(scanned)
    assert "They wait for a quality check." in said(scanned)

    (check,) = dock.checks(COMPANY)
    assert check.number in page.get("/inbound/quality/").content.decode()
    page.post("/inbound/quality/decide/", {"check": check.id, "defects": "0"})
    assert sql.run("SELECT sellable FROM stock_position WHERE sku_id = %(sku)s", {"sku": check.sku}) == [
        (10,)
    ]
    assert "JUG" in console("auditor").get(f"/inbound/put-away/?node={node}").content.decode() or not sql.run(
        "SELECT FROM network_bin WHERE node_id = %(node)s AND kind = 'receiving'", {"node": node}
    )
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(node)s", {"node": node}))
    moved = PutAway(COMPANY, check.sku, bins["IN"], bins["A-01"], 10, lot="L7")
    assert not isinstance(put_away(the_system(timezone.now()), requests=[moved])[0], Refused)
    text = page.get("/inbound/suppliers/").content.decode()
    asked = kpis.Asked(timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=1))
    (docks,) = kpis.by(kpis.KPIS["dock to stock"], COMPANY, timezone.now(), asked, "node")
    assert "From dock to stock" in text and docks.facts and f">{docks.facts}</td>" in text, "the same figure"


def test_who_may_not_receive_is_told_who_does(console, bought):
    shown = console("auditor").get("/inbound/receiving/").content.decode()
    assert "A warehouse supervisor receives them." in shown
    refused = console("auditor").post(f"/inbound/orders/{bought}/act/", {"action": "close", "reason": "x"})
    assert "may not do purchasing.cancel" in said(refused)


def test_a_proposal_is_shown_with_its_sum_ordered_and_judged(console, program, shop, bought):
    found = queries.order(bought)
    sku = line_of(bought).sku
    offer = RegisterOffer(found.supplier, sku, Decimal("2.50"), 24, 6, pack_quantity=12)
    register_offers(the_system(timezone.now()), requests=[offer])
    ((channel,),) = sql.run("SELECT code FROM network_channel ORDER BY code LIMIT 1")
    wanted = PlaceOrder(
        company=COMPANY, channel=channel, external_id="J1", lines=(OrderLine("JUG", 40, Decimal("9.00")),),
        currency="GBP", country="GB", postal_code="LS1 4AP", policy="partial_backorder",
    )  # fmt: skip
    (placed,) = place(the_system(timezone.now()), requests=[wanted])
    allocate(the_system(timezone.now()), requests=[AllocateOrder(placed.order)])
    ((code,),) = sql.run("SELECT code FROM catalog_sku WHERE id = %(sku)s", {"sku": sku})
    own = SetPolicy(
        COMPANY,
        "purchasing.reordering",
        Reordering(service_of={code: 97.5}),
        timezone.now() - timedelta(days=1),
    )
    set_policy(the_system(timezone.now()), requests=[own])
    propose_orders(the_system(timezone.now()), requests=[ProposeOrders(sku)])
    (proposal,) = queries.proposals(COMPANY)
    page = console("inventory")

    shown = page.get("/inbound/reorder/").content.decode()
    assert proposal.number in shown
    assert "z·√(L·σd² + d²·σL²)" in shown and "said of this SKU" in shown
    assert program("inventory").get("/api/v1/reorder-proposals").json()["items"][0]["terms"]["pack"] == 12
    rejected = page.post("/inbound/reorder/act/", {"proposal": proposal.id, "action": "reject", "reason": ""})
    assert "why it is not ordered" in said(rejected)
    for wrong in ("-5", "1.5"):
        misread = {"proposal": proposal.id, "action": "order", f"units-{proposal.id}": wrong}
        assert "Write whole numbers of units." in said(page.post("/inbound/reorder/act/", misread))
        assert queries.proposals(COMPANY) == [proposal], "it is not ordered as it was proposed, either"
    more = {"proposal": proposal.id, "action": "order", f"units-{proposal.id}": "96"}
    page.post("/inbound/reorder/act/", more)
    assert queries.proposals(COMPANY) == []
    assert max(one.quantity for one in queries.orders(COMPANY)) == 96, "who knows better orders more"
    ever = "/api/v1/supplier-performance?since=2020-01-01&until=2090-01-01"
    assert program("auditor").get(ever).json() == [], "nothing of it is due yet"
    sql.change("UPDATE purchasing_orderline SET wanted_on = '2020-02-01'", {})
    assert program("auditor").get(ever).json()[0]["code"] == "mugs"
    assert "Mugs Ltd" in page.get("/inbound/suppliers/?since=2020-01-01&until=2090-01-01").content.decode()


def test_an_order_as_it_was_asked_for_is_confirmed_and_received_at_one_click_each(shop, console, bought):
    found = queries.order(bought)
    wanted = tuple((shop.skus[code], units, Decimal(1)) for code, units in (("MUG-BLUE", 4), ("LAMP-OAK", 6)))
    buying = Cause(Actor("bea", everything=True), timezone.now())
    (two,) = order(buying, requests=[OrderGoods(COMPANY, found.supplier, shop.nodes[0], "W13", wanted)])
    buyer, dock_, where = console("inventory"), console("supervisor"), f"/inbound/orders/{two.order}/"
    shown = dock_.get(where).content.decode()
    assert "All that is to come is here, and good" in shown and "What happened" in shown
    first, _ = queries.lines(two.order)
    confirmed = {"action": "confirm", "day-all": "2031-02-03", f"confirmed-{first.id}": "1"}
    buyer.post(f"{where}act/", confirmed)
    assert [one.confirmed for one in queries.lines(two.order)] == [1, 6]
    assert {str(one.confirmed_on) for one in queries.lines(two.order)} == {"2031-02-03"}
    dock_.post(f"{where}act/", {"action": "receive-all"})
    assert queries.order(two.order).state == "received"
    shown = dock_.get(where).content.decode()
    assert "In the books" in shown and "All that is to come is here" not in shown


def test_what_waits_at_the_dock_and_for_checks_is_read_to_its_end(console, shop, bought, monkeypatch):
    monkeypatch.setattr(storing, "PAGE", 1)
    monkeypatch.setattr(inbound, "PAGE", 1)
    page, node = console("supervisor"), shop.nodes[0]
    for lot in ("L1", "L2", "L3"):
        page.post("/inbound/receiving/scan/", {"node": node, "text": "JUG", "units": "2", "lot": lot})
    waiting = storing.to_put_away(node=node, loose=True, limit=10)
    assert [one.lot for one in waiting if one.sku_code == "JUG"] == ["L1", "L2", "L3"]
    address = f"/inbound/put-away/?node={node}"
    assert len(walked(page, address)) == len(waiting)
    assert len(walked(page, f"{address}&sort=-units")) == len(waiting)
    assert f"{sum(one.quantity for one in waiting)}" in page.get(f"{address}&format=totals").content.decode()
    assert page.get(address).content.decode().count('action="/inbound/put-away/do/"') == len(
        waiting[0].choices
    )
    taken = csv.DictReader(page.get(f"{address}&format=csv").content.decode().splitlines())
    assert [one["lot"] for one in taken] == [one.lot for one in waiting]
    policy = Quality((Plan(sku="JUG", sample_percent=0, sample_min=1),))
    since = timezone.now() - timedelta(days=1)
    set_policy(the_system(timezone.now()), requests=[SetPolicy(COMPANY, "purchasing.quality", policy, since)])
    for lot in ("L4", "L5"):
        page.post("/inbound/receiving/scan/", {"node": node, "text": "JUG", "units": "2", "lot": lot})
    numbers = [one.number for one in dock.checks(COMPANY)]
    assert len(numbers) == 2
    assert [one[0].split()[0] for one in walked(page, "/inbound/quality/")] == numbers


def test_what_came_on_a_pallet_is_put_away_whole_and_loose_goods_by_themselves(shop, console, bought):
    system, number = the_system(timezone.now()), "376104250021234583"
    line = line_of(bought)
    lines = (
        (bought, line.id, 3, SSCC, "L1", None, (), PALLET),
        (bought, line.id, 2, number, "L1", None, (), PALLET),
    )
    take_notices(system, requests=[TakeNotice(COMPANY, "DN-9", timezone.now().date(), lines)])
    page, buyer = console("supervisor"), console("inventory")
    for code, units in ((PALLET, ""), ("JUG", "1")):
        page.post(
            "/inbound/receiving/scan/", {"node": shop.nodes[0], "text": code, "units": units, "lot": "L1"}
        )
    text = page.get(f"/inbound/put-away/?node={shop.nodes[0]}").content.decode()
    assert "Pallets and cartons, each whole" in text and "2 cartons" in text
    assert PALLET in text and SSCC not in text, "what stands on a pallet goes with it"
    assert 'name="units" value="1"' in text and 'name="units" value="6"' not in text
    plate = plate_queries.plate_named(company=COMPANY, text=PALLET)
    bin_ = re.search(r"<b>→ (\S+)</b>", text).group(1)
    page.post(f"/stock/plates/{plate.id}/move/", {"bin": bin_, "next": "/inbound/put-away/"})
    assert plate_queries.plate_named(company=COMPANY, text=SSCC).bin_code == bin_
    assert "Pallets and cartons" not in page.get(f"/inbound/put-away/?node={shop.nodes[0]}").content.decode()
    shown = buyer.get(f"/inbound/orders/{bought}/").content.decode()
    assert "DN-9" in shown and "Announced" in shown
    (found,) = dock.notices(COMPANY, state="received")
    notice = buyer.get(f"/inbound/expected/{found.id}/").content.decode()
    assert "<dt>Pallets</dt><dd>1</dd>" in notice and PALLET in notice
    assert found.number in buyer.get(f"/search/?q={PALLET}").content.decode()


def test_a_buyer_says_what_is_on_its_way(console, bought):
    page, where = console("inventory"), f"/inbound/orders/{bought}/"
    form = {"action": "announce", "external_ref": "DN-5", "expected_on": "2031-01-04", "carrier": "DPD"}
    assert "Say on which day" in said(page.post(f"{where}act/", form | {"expected_on": ""}))
    wrong = page.post(f"{where}act/", form | {"packages": f"JUG; 4; {SSCC}\nCUP; 4"})
    assert "CUP 4: say a SKU of the order" in said(wrong)
    assert f"JUG; 4; {SSCC}" in page.get(where).content.decode(), "it stands there to be mended"
    packages = f"JUG; 4; 00{SSCC}; {PALLET}; L1; 2031-06-30\nJUG; 2; ; ; L2"
    page.post(f"{where}act/", form | {"packages": packages})
    (found,) = dock.notices(COMPANY)
    assert (found.external_ref, found.carrier, found.units, found.pallets) == ("DN-5", "DPD", 6, 1)
    told = [(one.sscc, one.pallet, one.lot, one.quantity) for one in dock.notice_lines(found.id)]
    assert told == [("", "", "L2", 2), (SSCC, PALLET, "L1", 4)]
    page.post(f"{where}act/", form | {"external_ref": "DN-6"})
    assert [one.units for one in dock.notices(COMPANY)] == [6, 4]
    assert "announced already" in said(page.post(f"{where}act/", form | {"external_ref": "DN-7"}))


def test_a_package_of_several_skus_that_differs_is_said_at_the_desk(console, shop, bought):
    system = the_system(timezone.now())
    (sku,) = register_skus(system, requests=[RegisterSku(COMPANY, "LID", "A lid")])
    buyer = Cause(Actor("bea", everything=True), timezone.now())
    change(buyer, requests=[ChangeOrder(bought, (), ((sku.id, 5, Decimal("0.50")),))])
    jug, lid = queries.lines(bought)
    lines = ((bought, jug.id, 10, SSCC, "L1"), (bought, lid.id, 5, SSCC))
    take_notices(system, requests=[TakeNotice(COMPANY, "DN-9", timezone.now().date(), lines)])
    page, path = console("supervisor"), "/inbound/receiving/scan/"
    scanned = {"node": shop.nodes[0], "text": f"(00){SSCC}"}
    assert "LID x: say a SKU of the package" in said(page.post(path, scanned | {"found": "LID; x"}))
    assert queries.order(bought).received == 0
    page.post(path, scanned | {"found": "LID; 3\r\nJUG; 9; L1"})
    assert [one.received for one in queries.lines(bought)] == [9, 3]


def test_typed_serial_numbers_stand_one_to_a_line_and_may_hold_spaces(console, bought):
    page, path, line = console("inventory"), f"/inbound/orders/{bought}/act/", line_of(bought)
    counted = {
        "action": "receive", f"units-{line.id}": "2", f"lot-{line.id}": "L1", f"serials-{line.id}": "A 1\r\n\r\n B 2 ",
    }  # fmt: skip
    page.post(path, counted)
    assert [one.serials for one in dock.arrivals(bought)] == [["A 1", "B 2"]]


# ---- the API


def test_a_line_that_is_confirmed_in_parts_is_shown_and_promised_by_its_days(shop, console, program, bought):
    where = f"/inbound/orders/{bought}/"
    today = timezone.now().date()
    monday, friday = today + timedelta(days=5), today + timedelta(days=9)
    buyer = console("inventory")
    wrong = buyer.post(f"{where}act/", {"action": "confirm", "parts": f"MUG; 6; {monday}"})
    assert "MUG" in said(wrong) and line_of(bought).confirmed is None
    buyer.post(f"{where}act/", {"action": "confirm", "parts": f"JUG; 6; {monday}\nJUG; 4; {friday}"})

    page = buyer.get(where).content.decode()
    assert all(text in page for text in (f"6 · {fmt.day(monday)}", f"4 · {fmt.day(friday)}"))
    (told,) = program("auditor").get(f"/api/v1/purchase-orders/{bought}").json()["lines"]
    assert told["schedule"] == [
        {"quantity": 6, "expected_on": str(monday), "to_come": 6},
        {"quantity": 4, "expected_on": str(friday), "to_come": 4},
    ]
    assert (told["confirmed"], told["confirmed_on"], told["expected_on"]) == (10, str(friday), str(monday))

    ((channel,),) = sql.run(
        "SELECT c.code FROM network_channel AS c JOIN network_channelnode AS n ON n.channel_id = c.id"
        " WHERE n.node_id = %(node)s LIMIT 1",
        {"node": shop.nodes[0]},
    )
    free = availability_queries.availability(
        company=COMPANY, channel=channel, skus=["JUG"], at=timezone.now()
    )
    (promise,) = availability.promises(free, company=COMPANY, today=today)
    before = monday - timedelta(days=1)
    assert [promise.on(day) for day in (before, monday, friday - timedelta(days=1), friday)] == [0, 6, 6, 10]


def test_an_order_is_sent_by_edi_from_its_page_and_by_programs(console, program, bought):
    where, buyer = f"/inbound/orders/{bought}/", console("inventory")
    assert "Send it by EDI" not in buyer.get(where).content.decode()
    refused = program("inventory").post("/api/v1/purchase-orders/documents", {"order": str(bought)})
    is_problem(refused, 409, "channels.no_x12_partner")
    body = Partner("HOUSE", "ZZ", "MUGS", "ZZ")
    since = timezone.now() - timedelta(days=1)
    set_policy(the_system(timezone.now()), requests=[SetPolicy(COMPANY, "channels.x12", body, since, "mugs")])

    assert "Send it by EDI" in buyer.get(where).content.decode()
    assert "The document is made" in said(buyer.post(f"{where}act/", {"action": "send-edi"}))
    made = program("inventory").post("/api/v1/purchase-orders/documents", {"order": str(bought)}, again="two")
    assert (made.json()["purpose"], made.json()["state"]) == ("05", "file")
    shown = buyer.get(where).content.decode()
    assert made.json()["number"] in shown and "Send it by EDI again" in shown
    file = buyer.get(f"/inbound/order-documents/{made.json()['document']}/")
    assert file.content.decode() == made.json()["content"] and ".edi" in file["Content-Disposition"]
    assert buyer.get(f"/inbound/order-documents/{bought}/").status_code == 404
    documents = program("auditor").get(f"/api/v1/purchase-orders/{bought}").json()["documents"]
    assert [(one["purpose"], "content" in one) for one in documents] == [("05", False), ("00", False)]
    listed = f"/api/v1/purchase-orders/{bought}/documents"
    page = program("auditor").get(f"{listed}?limit=1").json()
    assert [one["content"] for one in page["items"]] == [made.json()["content"]]
    rest = program("auditor").get(f"{listed}?after={page['next']}").json()
    assert ([one["purpose"] for one in rest["items"]], rest["next"]) == (["00"], None)


def test_a_program_says_what_slips(program, bought):
    line = line_of(bought)
    buyer = program("inventory")
    first, later = line.wanted_on - timedelta(days=3), line.wanted_on - timedelta(days=1)

    def confirmed(*days) -> dict:
        lines = [{"line": str(line.id), "quantity": 5, "expected_on": str(day)} for day in days]
        wanted = {"order": str(bought), "lines": lines}
        answer = buyer.post("/api/v1/purchase-orders/confirm", wanted, again="-".join(map(str, days)))
        return answer.json()

    assert confirmed(first, line.wanted_on) | {"order": ""} == {
        "order": "", "lines": 1, "differences": [], "slips": [],
    }  # fmt: skip
    assert confirmed(later, line.wanted_on)["slips"] == [
        f"line 1: 5 units on {later}, {first} was confirmed before"
    ]
    assert confirmed(later, later)["code"] == "kernel.invalid"


def test_a_program_orders_confirms_announces_and_receives(program, shop, bought):
    buyer, dock_ = program("inventory"), program("supervisor")
    ((node,),) = sql.run("SELECT code FROM network_node WHERE id = %(id)s", {"id": shop.nodes[0]})
    made = buyer.post(
        "/api/v1/purchase-orders",
        {
            "supplier": "mugs", "node": node, "lines": [{"sku": "JUG", "quantity": 4, "unit_cost": "2.50"}],
            "wanted_on": "2031-01-01",
        },
    )  # fmt: skip
    assert made.status_code == 201, made.content
    which = made.json()["order"]
    whole = buyer.get(f"/api/v1/purchase-orders/{which}").json()
    line = whole["lines"][0]
    assert (line["sku_code"], line["to_come"], line["expected_on"]) == ("JUG", 4, "2031-01-01")

    confirmed = buyer.post(
        "/api/v1/purchase-orders/confirm",
        {"order": which, "lines": [{"line": line["id"], "quantity": 4, "expected_on": "2031-01-05"}]},
    ).json()
    assert confirmed["differences"] == ["line 1: on 2031-01-05 instead of 2031-01-01"]
    notice = buyer.post(
        "/api/v1/ship-notices",
        {
            "external_ref": "DN-1", "expected_on": "2031-01-04",
            "lines": [
                {"order": which, "line": line["id"], "quantity": 3, "sscc": SSCC, "lot": "L1", "pallet": PALLET},
                {"order": which, "line": line["id"], "quantity": 1, "sscc": PALLET, "lot": "L1"},
            ],
        },
    )  # fmt: skip
    assert notice.status_code == 201, notice.content
    assert [one["pallets"] for one in buyer.get("/api/v1/ship-notices").json()["items"]] == [1]
    told = buyer.get(f"/api/v1/ship-notices/{notice.json()['notice']}").json()
    assert [(one["pallet"], one["sscc"]) for one in told["lines"]] == [("", PALLET), (PALLET, SSCC)]
    is_problem(buyer.get(f"/api/v1/ship-notices/{which}"), 404, "kernel.not_found")

    scanned = dock_.post("/api/v1/receiving/scans", {"node": node, "text": f"(00){PALLET}"}).json()
    assert (scanned["sscc"], scanned["quantity"], scanned["cartons"]) == (PALLET, 4, 1)
    assert scanned["order_state"] == "received"
    again = dock_.post("/api/v1/receiving/scans", {"node": node, "text": SSCC}, again="two")
    is_problem(again, 409, "purchasing.package_received")
    nowhere = {"node": node, "text": SSCC, "bin": "NOWHERE"}
    is_problem(dock_.post("/api/v1/receiving/scans", nowhere, again="four"), 404, "kernel.not_found")
    unknown = dock_.post("/api/v1/receiving/scans", {"node": node, "text": "?"}, again="three")
    is_problem(unknown, 404, "purchasing.unknown_barcode")
    states = [one["state"] for one in buyer.get("/api/v1/purchase-orders").json()["items"]]
    assert states == ["received", "open"]
    for path in ("quality-checks", "supplier-claims"):
        assert buyer.get(f"/api/v1/{path}").json() == {"items": [], "next": None}


# ---- suppliers, and an order that a person writes


def test_a_person_sets_up_a_supplier_with_its_offers_and_orders_from_it(console, shop):
    page, nodes = console("inventory"), shop.nodes
    new = {"code": "POT", "name": "Pottery Ltd", "currency": "gbp", "lead_days": "12"}
    assert "expected" in said(page.post("/inbound/suppliers/save/", new | {"currency": "pounds"}))
    made = page.post("/inbound/suppliers/save/", new)
    where = made["Location"]
    shown = page.get(where).content.decode()
    assert "says 12 days of lead time" in shown and "It offers nothing yet" in shown
    offer = {"sku": "MUG-BLUE", "cost": "3.125", "minimum": "24", "pack": "12", "lead_days": "9"}
    assert "Say which SKU" in said(page.post(f"{where}offer/", offer | {"sku": "NONE"}))
    for cost in ("much", "NaN", "Infinity", "9e999999999"):
        assert "cost: expected" in said(page.post(f"{where}offer/", offer | {"cost": cost})), cost
    page.post(f"{where}offer/", offer)
    shown = page.get(where).content.decode()
    assert "3.1250 GBP" in shown and "MUG-BLUE" in shown

    supplier = where.rstrip("/").rpartition("/")[2]
    assert "Pottery Ltd" in page.get(f"/inbound/orders/new/?supplier={supplier}").content.decode()
    form = {
        "supplier": supplier,
        "node": str(nodes[0]),
        "reference": "W-1",
        "sku-1": "MUG-BLUE",
        "units-1": "24",
    }
    place_ = "/inbound/orders/place/"
    for wrong, told in (
        ({"supplier": ""}, "Choose a supplier"), ({"sku-1": ""}, "Say at least one SKU"),
        ({"sku-2": "NONE", "units-2": "1"}, "NONE: say a SKU"),
        ({"sku-2": "TEA-ASSAM", "units-2": "1"}, "has no offer"),
        ({"sku-2": "TEA-ASSAM", "units-2": "1", "cost-2": "-"}, "cost of line 2"),
        ({"sku-2": "TEA-ASSAM", "units-2": "1", "cost-2": "NaN"}, "cost of line 2"),
    ):  # fmt: skip
        assert told in said(page.post(place_, form | wrong)), wrong
    assert 'value="MUG-BLUE"' in page.get("/inbound/orders/new/").content.decode(), (
        "what was typed stands again"
    )
    made = page.post(place_, form | {"sku-2": "TEA-ASSAM", "units-2": "6", "cost-2": "2.20"})
    which = UUID(made["Location"].rstrip("/").rpartition("/")[2])
    assert [(one.sku_code, one.quantity, one.unit_cost) for one in queries.lines(which)] == [
        ("MUG-BLUE", 24, Decimal("3.125")), ("TEA-ASSAM", 6, Decimal("2.20")),
    ]  # fmt: skip
    assert queries.order(which).external_ref == "W-1"
    late = page.get(where).content.decode()
    assert "Nothing was due" in late, "it is not due yet"
    changed = page.post("/inbound/suppliers/save/", new | {"name": "Potters", "next": where})
    assert changed["Location"] == where and "Potters" in page.get("/inbound/suppliers/").content.decode()
    for address in ("/inbound/suppliers/", where, "/inbound/orders/new/"):
        seen = console("auditor").get(address).content.decode()
        assert "Keep" not in seen and 'name="sku-1"' not in seen
    assert page.get(f"/inbound/suppliers/{shop.nodes[0]}/").status_code == 404


def test_many_lines_are_pasted_and_an_order_is_changed(console, program, shop):
    page, nodes = console("inventory"), shop.nodes
    (supplier,) = register_suppliers(
        the_system(timezone.now()), requests=[RegisterSupplier(COMPANY, "POT", "Pottery Ltd", "GBP")]
    )
    many = "\n".join(["TEA-ASSAM\t6\t2.20", "", "MUG-BLUE;24;3.1", *["PEN-STEEL 2 1"] * 18])
    form = {"supplier": str(supplier.id), "node": str(nodes[0]), "pasted": many}
    wrong = form | {"pasted": many + "\nNONE 1 1"}
    assert said(page.post("/inbound/orders/place/", wrong)).startswith("NONE: say a SKU")
    assert "NONE 1 1" in page.get("/inbound/orders/new/").content.decode(), (
        "what was pasted stands again, whole"
    )
    too_many = form | {"pasted": "TEA-ASSAM 1 1\n" * 2_001}
    assert "2001 lines" in said(page.post("/inbound/orders/place/", too_many))
    made = page.post("/inbound/orders/place/", form)
    where = made["Location"]
    which = UUID(where.rstrip("/").rpartition("/")[2])
    lines = queries.lines(which)
    assert [(one.sku_code, one.quantity, one.unit_cost) for one in lines[:3]] == [
        ("TEA-ASSAM", 6, Decimal("2.2")), ("MUG-BLUE", 24, Decimal("3.1")), ("PEN-STEEL", 2, Decimal(1)),
    ]  # fmt: skip
    assert len(lines) == 20

    change = {
        "action": "change",
        f"wanted-{lines[0].id}": "9",
        "pasted": "MUG-BLUE 5 3.2",
        "change_reason": "more",
    }
    assert "lines: expected" in said(page.post(f"{where}act/", {"action": "change"}))
    assert "NONE: say a SKU" in said(page.post(f"{where}act/", change | {"pasted": "NONE 1 1"}))
    assert "The order is changed" in said(page.post(f"{where}act/", change))
    lines = queries.lines(which)
    assert (lines[0].quantity, lines[0].first_quantity, lines[-1].quantity, len(lines)) == (9, 6, 5, 21)
    shown = page.get(where).content.decode()
    assert "6 at first" in shown and "added" in shown
    seen = console("auditor").get(where).content.decode()
    assert "Change what is ordered" not in seen

    api, call = "/api/v1/purchase-orders/change", program("inventory")
    body = {
        "order": str(which),
        "lines": [{"line": str(lines[1].id), "quantity": 30}],
        "added": [{"sku": "TEA-ASSAM", "quantity": 1, "unit_cost": "2"}],
    }
    answer = call.post(api, body, "one").json()
    assert answer == {"order": str(which), "changed": 1, "added": 1, "state": "open"}
    body["lines"][0]["quantity"] = 0
    is_problem(call.post(api, body, "two"), 422, "http.422")
    body["lines"][0] |= {"line": str(which), "quantity": 3}
    is_problem(call.post(api, body, "three"), 404, "kernel.not_found")


def test_programs_set_up_suppliers_and_their_offers(program, shop):
    call = program("inventory")
    body = [{"code": code, "name": code.title(), "currency": "GBP"} for code in ("AB", "CD")]
    assert [one["code"] for one in call.post("/api/v1/suppliers", body, "one").json()] == ["AB", "CD"]
    assert {one["code"] for one in call.get("/api/v1/suppliers").json()} >= {"AB", "CD"}
    offers = [
        {"supplier": one["code"], "sku": sku, "cost": "1.5", "minimum_quantity": 2, "pack_quantity": 4}
        for one in body
        for sku in ("MUG-BLUE", "TEA-ASSAM")
    ]
    assert len(call.post("/api/v1/supplier-offers", offers, "two").json()) == 4
    first = call.get("/api/v1/supplier-offers?limit=3&supplier=AB").json()
    assert [one["sku_code"] for one in first["items"]] == ["MUG-BLUE", "TEA-ASSAM"] and first["next"] is None
    of_sku = call.get("/api/v1/supplier-offers?limit=1&sku=MUG-BLUE").json()
    assert (of_sku["items"][0]["supplier_code"], of_sku["next"]) == ("AB", "AB/MUG-BLUE")
    behind = call.get("/api/v1/supplier-offers?limit=1&sku=MUG-BLUE&after=AB/MUG-BLUE").json()["items"]
    assert [one["supplier_code"] for one in behind] == ["CD"]
    is_problem(
        call.post("/api/v1/supplier-offers", offers[0] | {"supplier": "X"}, "three"), 404, "kernel.not_found"
    )
    is_problem(call.get("/api/v1/supplier-offers?supplier=X"), 404, "kernel.not_found")
    is_problem(program("auditor").post("/api/v1/suppliers", body, "four"), 403, "kernel.not_permitted")
