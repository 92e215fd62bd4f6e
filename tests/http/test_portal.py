"""The portal of customers: who sees what of an order, what is answered, and what can't be found out."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
import segno
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from entrepot.catalog import queries as catalog
from entrepot.kernel import ids, policies, relay, sql
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.orders import rules
from entrepot.parties.commands.register import RegisterAddress, register_addresses
from entrepot.returns import exchange_queries, label_queries, portal_queries, queries, repair_queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.bought_labels import RecordLabelPurchase, record_label_purchases
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.expect_sent_back import ExpectSentBack, expect_sent_back
from entrepot.returns.commands.finish_work import FinishWork, finish_work
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.labels import MakeLabel, make_labels
from entrepot.returns.commands.note_arrivals import NoteArrival, note_arrivals
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.repairs import OfferRepair, offer_repairs
from entrepot.returns.commands.review import Review, review
from entrepot.returns.commands.send_back import SendBack, send_back
from entrepot.returns.commands.verdicts import RefuseUnits, refuse_units
from entrepot.returns.commands.work_orders import StartWork, start_work
from entrepot.returns.portal_queries import Portal
from entrepot.returns.reasons import Reasons
from entrepot.returns.rules import REASONS
from entrepot.returns.tasks import serve_refund
from entrepot.shipping.live import Bought
from entrepot.web import words
from entrepot.web.views import portal
from tests.back import APPROVES, policy
from tests.rules.test_returns_photos import jpeg, png
from tests.shop import COMPANY, the_system

START = "/portal/hearth/web/"
WRONG = "We find no order with this number and address."


@pytest.fixture
def order(shop) -> orders.OrderView:
    """An order that came, of a shop whose portal is open."""
    body = Portal(
        is_open=True, accent="#7a1f3d", greeting="Good to see you.", send_to={"LDN": ("Dock 4", "London E1")}
    )
    at = shop.now - timedelta(days=2)
    wanted = policies.SetPolicy(COMPANY, "returns.portal", body, at, scope="web")
    policies.set_policy(the_system(at), requests=[wanted])
    found = orders.order(shop.one("delivered"))
    assert found
    assert found.channel == "web"
    return found


@pytest.fixture
def customer() -> Client:
    return Client()


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def looks_up(customer: Client, number: str, proof: str) -> Any:
    return customer.post(START, {"number": number, "proof": proof})


def enters(customer: Client, order: orders.OrderView) -> Any:
    response = looks_up(customer, order.external_id, order.postal_code)
    assert (response.status_code, response["Location"]) == (302, "/portal/order/")
    return customer.get("/portal/order/")


def wants(order: orders.OrderView, units: int = 1, **facts: str) -> dict[str, Any]:
    line = next(one for one in queries.returnable(order.id) if one.left >= units).line
    said = {f"{name}-{line}": text for name, text in ({"reason": "changed_mind"} | facts).items()}
    return {"key": str(ids.uuid7()), f"units-{line}": str(units)} | said


def test_who_knows_number_and_address_sees_the_order(customer, order):
    start = customer.get(START)
    assert "Good to see you." in text_of(start)
    page = enters(customer, order)
    assert f"Order {order.external_id}" in text_of(page)
    assert "Delivered on" in text_of(page)
    assert all(
        f"units-{one.line}" in page.content.decode() for one in queries.returnable(order.id) if one.left
    )
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]


def test_the_customer_chooses_a_language_and_is_greeted_in_it(customer, order, shop):
    body = Portal(is_open=True, greeting="Good to see you.", greetings={"de": "Schön, dass Sie da sind."})
    at = shop.now - timedelta(days=1)
    wanted = policies.SetPolicy(COMPANY, "returns.portal", body, at, scope="web")
    policies.set_policy(the_system(at), requests=[wanted])
    start = customer.get(START)
    assert "Good to see you." in text_of(start) and f'name="next" value="{START}"' in start.content.decode()
    chosen = customer.post("/language/", {"language": "de", "next": START}, follow=True)
    assert chosen.redirect_chain == [(START, 302)]
    assert "Schön, dass Sie da sind." in text_of(chosen) and '<html lang="de"' in chosen.content.decode()
    assert "Schön" in text_of(looks_up(customer, "wrong", "wrong")), "also where it is refused"
    customer.post("/language/", {"language": "es", "next": START})
    assert "Good to see you." in text_of(customer.get(START)), "none is written in Spanish"
    answer = enters(customer, order) and customer.post("/portal/answer/", wants(order))
    assert 'name="next" value="/portal/order/"' in answer.content.decode(), "no form is sent again by it"


def test_how_to_reach_the_retailer_stands_below_each_page_as_it_is_written(customer, order, shop):
    assert 'class="contact"' not in customer.get(START).content.decode()
    body, at = Portal(is_open=True, contact="020 7946 0999, <Mon> to Fri"), shop.now - timedelta(days=1)
    wanted = policies.SetPolicy(COMPANY, "returns.portal", body, at, scope="web")
    policies.set_policy(the_system(at), requests=[wanted])
    for page in (customer.get(START), enters(customer, order) and customer.get("/portal/order/")):
        assert "020 7946 0999, &lt;Mon&gt; to Fri</p>" in page.content.decode()


def test_what_waits_for_stock_is_told_with_its_day(customer, order, console, program):
    (waiting,) = sql.run(
        "SELECT order_id, line_id, quantity FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id"
        " WHERE o.channel_id = (SELECT channel_id FROM orders_order WHERE id = %(id)s) ORDER BY line_id LIMIT 1",
        {"id": order.id},
    )
    which, line, units = waiting
    day = date(2031, 5, 17)
    sql.change(
        "UPDATE sourcing_backorder SET promised_on = %(day)s::date, pegged_at = now() WHERE line_id = %(line)s::uuid",
        {"day": day, "line": line},
    )
    found = orders.order(which)
    assert found
    assert re.search(rf"expected by 17 May 2031 +{units} × ", text_of(enters(customer, found)))
    page = text_of(console("service").get(f"/orders/{which}/"))
    assert re.search(
        r"no supply is expected yet; by the usual lead time it comes on 17 May 2031, +[\d,]+ days after the promise",
        page,
    )
    assert page.count("expected on 17 May 2031") == 2, "at the head as well, as it is late, and where it is"
    (told,) = program("service").get(f"/api/v1/orders/{which}").json()["waits"]
    assert (told["line"], told["quantity"], told["expected_on"]) == (str(line), units, "2031-05-17")
    assert told["late_days"] > 1_000


def test_our_own_number_and_a_mail_address_do_as_well(customer, order):
    given = RegisterAddress(COMPANY, "Ada", postal_code=order.postal_code, email="Ada@example.com")
    (kept,) = register_addresses(the_system(order.placed_at), requests=[given])
    sql.run(
        "UPDATE orders_order SET address_id = %(new)s WHERE id = %(id)s", {"new": kept.id, "id": order.id}
    )
    assert looks_up(customer, order.number, "ada@example.com ").status_code == 302
    assert looks_up(Client(), order.number, order.postal_code).status_code == 422, (
        "the mail address is asked for"
    )
    assert looks_up(Client(), f" {order.number.lower()}", "ada@example.com").status_code == 302


def test_a_number_is_found_as_telephones_and_shops_write_it(customer, order):
    sql.run("UPDATE orders_order SET external_id = '#1001' WHERE id = %(id)s", {"id": order.id})
    assert looks_up(customer, "1001", order.postal_code).status_code == 302
    assert looks_up(Client(), "# 1001", order.postal_code).status_code == 302
    assert looks_up(Client(), "#", order.postal_code).status_code == 422


def test_what_is_wrong_is_not_told(customer, order, shop):
    other = orders.order(shop.orders["delivered"][1])
    assert other
    tried = [
        looks_up(customer, order.external_id, "XX1 1XX"),
        looks_up(customer, "no such order", order.postal_code),
        looks_up(customer, order.external_id, ""),
        looks_up(customer, order.external_id, other.postal_code),
    ]
    assert {one.status_code for one in tried} == {422}
    said = {re.sub(r"\S*(csrf|token)\S*|value=\"[^\"]*\"", "", one.content.decode()) for one in tried}
    assert len(said) == 1, "each says the same"
    assert all(WRONG in text_of(one) for one in tried)
    assert not any(portal.VISIT in one.cookies for one in tried)


def test_reasons_are_those_of_each_thing_and_stand_under_heads_where_they_are_many(customer, order):
    lines = [one for one in queries.returnable(order.id) if one.left > 0]
    page = enters(customer, order).content.decode()
    of_line = page.split(f'id="reason-{lines[0].line}"')[1].split("</select>")[0]
    heads = re.findall(r'<optgroup label="([^"]+)"', of_line)
    assert heads[:2] == ["The way to me", "The thing itself"]
    assert len(set(heads)) == len(heads) == of_line.count("</optgroup>")
    told = {code for code in REASONS if f'value="{code}"' in of_line}
    assert told == {*REASONS} - {"undeliverable"}, "he has it"

    sql.run(
        "UPDATE catalog_sku SET category = 'lamps' WHERE id = (SELECT sku_id FROM orders_line WHERE id = %(line)s)",
        {"line": lines[0].line},
    )
    body = Reasons(by_category={"lamps": ("defective", "changed_mind"), "shirts": ("too_small",)})
    now = datetime.now().astimezone()
    policies.set_policy(
        the_system(now),
        requests=[policies.SetPolicy(COMPANY, "returns.reasons", body, now - timedelta(days=1))],
    )
    page = customer.get("/portal/order/").content.decode()
    of_line = page.split(f'id="reason-{lines[0].line}"')[1].split("</select>")[0]
    assert re.findall(r'value="(\w+)"', of_line) == ["defective", "changed_mind"], "in the house's own order"
    assert "optgroup" not in of_line


def test_another_channels_order_is_not_there(customer, order):
    body = Portal(is_open=True)
    policies.set_policy(
        the_system(datetime.now().astimezone()),
        requests=[
            policies.SetPolicy(COMPANY, "returns.portal", body, datetime.now().astimezone(), scope="market")
        ],
    )
    response = customer.post(
        "/portal/hearth/market/", {"number": order.external_id, "proof": order.postal_code}
    )
    assert response.status_code == 422


@pytest.mark.parametrize("address", ["/portal/hearth/none/", "/portal/none/web/", "/portal/hearth/market/"])
def test_no_door_where_none_is_open(customer, order, address):
    assert customer.get(address).status_code == 404
    assert customer.get(f"{address}theme.css").status_code == 404


def test_guessing_is_stopped_for_the_order_and_for_the_source(customer, order):
    for i in range(portal.TRIES_OF_ORDER):
        written = f"#{order.external_id}" if i % 2 else order.external_id.upper()
        assert looks_up(customer, written, "guess").status_code == 422, "however it is written"
    stopped = looks_up(customer, order.external_id, order.postal_code)
    assert stopped.status_code == 429, "even with the right address"
    assert "Wait 15 minutes" in text_of(stopped)
    for i in range(portal.TRIES_OF_SOURCE - portal.TRIES_OF_ORDER - 1):
        assert looks_up(customer, f"guess {i}", "guess").status_code == 422
    assert looks_up(customer, "yet another", "guess").status_code == 429
    kept = sql.run("SELECT string_agg(who, ' ') FROM access_tries")[0][0]
    assert order.external_id not in kept
    assert "127.0.0.1" not in kept


def test_guessing_is_stopped_also_for_who_owns_an_order(customer, order):
    """Between his guesses he looks his own up: with each of these only its own try is given back."""
    answers = []
    for i in range(portal.TRIES_OF_SOURCE + 15):
        own = i % 5 == 4
        found = looks_up(customer, order.external_id if own else f"guess {i}", order.postal_code)
        answers.append(found.status_code)
    assert answers.count(422) == portal.TRIES_OF_SOURCE
    assert answers[:35] == [422, 422, 422, 422, 302] * 7
    assert set(answers[37:]) == {429}


@pytest.mark.parametrize("status", rules.STATUSES)
def test_no_hold_and_no_step_of_the_floor_is_told_to_customers(customer, order, status):
    sql.run("UPDATE orders_order SET status = %(s)s WHERE id = %(id)s", {"s": status, "id": order.id})
    page = text_of(enters(customer, order))
    (told,) = re.findall(r" · ([^·]+?) Where it is", page)
    assert told in {*map(str, words.ORDERS_TO_CUSTOMERS.values()), "we get it ready"}
    assert not re.search(r"\b(hold|fraud|tax|exception|review|pick\w*|packed|release)\b", told)
    sql.run("UPDATE orders_order SET status = 'delivered' WHERE id = %(id)s", {"id": order.id})


def test_days_are_those_of_the_reader_or_of_where_the_order_goes(customer, order):
    """It is promised for the evening of 4 May in New York, which is the 5th in UTC."""
    promised = datetime.fromisoformat("2026-05-04T23:59:00-04:00")
    sql.run(
        "UPDATE orders_order SET country = 'US', postal_code = '10001', placed_at = %(at)s WHERE id = %(id)s",
        {"id": order.id, "at": promised},
    )
    came = sql.run("SELECT id, delivered_at FROM shipping_shipment WHERE order_id = %(id)s", {"id": order.id})
    sql.run(
        "UPDATE shipping_shipment SET delivered_at = NULL, state = 'shipped', promised_at = %(at)s"
        " WHERE order_id = %(id)s",
        {"id": order.id, "at": promised},
    )
    found = orders.order(order.id)
    assert found
    page = text_of(enters(customer, found))
    assert "of 4 May 2026" in page and "expected by 4 May 2026" in page
    customer.cookies["zone"] = "Etc/Unknown"
    assert "of 4 May 2026" in text_of(customer.get("/portal/order/")), "a browser that hides its zone"
    customer.cookies["zone"] = "Asia/Tokyo"
    page = text_of(customer.get("/portal/order/"))
    assert "of 5 May 2026" in page, "in the zone of his browser"
    assert "expected by 4 May 2026" in page, "where it arrives"
    for one, at in came:
        sql.run(
            "UPDATE shipping_shipment SET delivered_at = %(at)s, state = 'delivered' WHERE id = %(id)s",
            {"id": one, "at": at},
        )


def test_who_comes_in_is_not_stopped_however_many_share_his_address(customer, order):
    for _ in range(portal.TRIES_OF_SOURCE + 1):
        assert looks_up(customer, order.external_id, order.postal_code).status_code == 302


def test_a_return_is_answered_and_written_once(customer, order):
    enters(customer, order)
    said = wants(order, note="Too blue")
    answer = customer.post("/portal/answer/", said)
    assert "Money back" in text_of(answer)
    assert "Accepted at once." in text_of(answer)
    assert portal_queries.returns_of(order.id) == [], "nothing is written yet"

    first, second = (customer.post("/portal/ask/", said | {"asked": "refund"}) for _ in range(2))
    assert first.status_code == 302
    assert first["Location"] == second["Location"], "a second tap is the same return"
    (made,) = portal_queries.returns_of(order.id)
    page = customer.get(first["Location"])
    assert made.number in text_of(page)
    assert "<svg" in page.content.decode()
    assert "Dock 4" in text_of(page)
    whole = queries.whole(made.id)
    assert whole
    assert [(one.reason, one.note) for one in whole.lines] == [("changed_mind", "Too blue")]
    assert whole.duties == [("request", f"portal {order.number}")], "so anybody of the house may receive it"
    slip = customer.get(f"{first['Location']}slip/")
    assert slip.content.startswith(b"%PDF")


def test_photos_come_with_the_return_and_after_it(customer, order, console):
    enters(customer, order)
    said = wants(order) | {"asked": "refund"}
    sent = [SimpleUploadedFile("it.png", png()), SimpleUploadedFile("me.svg", b"<svg/>")]
    refused = customer.post("/portal/ask/", said | {"photos": sent})
    assert refused.status_code == 422 and "JPEG, PNG or WebP" in text_of(refused)
    assert portal_queries.returns_of(order.id) == [], "nothing is asked with photos that are none"
    form = refused.content.decode()
    assert 'name="asked" value="refund" checked' in form and "Choose your photos once more" in form
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    assert {name: fields[name] for name in said if name != "asked"} == {
        name: text for name, text in said.items() if name != "asked"
    }, "nothing has to be said twice"
    many = [SimpleUploadedFile(f"{n}.png", png(1, n)) for n in range(1, 8)]
    assert "photos" in text_of(customer.post("/portal/ask/", said | {"photos": many}))

    offered = customer.post("/portal/answer/", said).content.decode()
    assert 'name="photos"' in offered and "multipart/form-data" in offered
    made = customer.post("/portal/ask/", said | {"photos": [SimpleUploadedFile("it.png", png())]})
    page = customer.get(made["Location"])
    assert "We have 1 photo of it." in text_of(page)
    more = f"{made['Location']}photos/"
    assert customer.post(more, {"photos": [SimpleUploadedFile("x.jpg", jpeg())]}).status_code == 302
    assert "Choose a photo first." in text_of(customer.post(more, {}))
    bad = customer.post(more, {"photos": [SimpleUploadedFile("x.jpg", b"x")]})
    assert bad.status_code == 422 and "We have 2 photos of it." in text_of(bad)

    (seen,) = portal_queries.returns_of(order.id)
    staff = console("service").get(f"/returns/{seen.id}/").content.decode()
    assert "Photos of the customer" in staff and staff.count('loading="lazy"') == 2
    thief = Client()
    assert thief.post(more, {"photos": [SimpleUploadedFile("x.png", png())]}).status_code == 403


def test_the_number_of_the_parcel_is_told_and_until_when_it_is_waited_for(customer, order, shop):
    enters(customer, order)
    address = customer.post("/portal/ask/", wants(order) | {"asked": "refund"})["Location"]
    (seen,) = portal_queries.returns_of(order.id)
    assert "We wait for it until" in text_of(customer.get(address))
    assert "with a carrier of your choice to:" in text_of(customer.get(address))
    assert customer.post(f"{address}parcel/", {"tracking": " jd 17 "}).status_code == 302
    assert portal_queries.parcels_of(seen.id) == [("JD17", None)]
    assert "JD17 · the carrier has not told of it yet" in text_of(customer.get(address))
    note_scans(the_system(shop.now), requests=[NoteScan(COMPANY, "JD17", shop.now)])
    assert "JD17 · the carrier has it since" in text_of(customer.get(address))

    empty = customer.post(f"{address}parcel/", {"tracking": " "})
    assert empty.status_code == 422 and "Write the number on the parcel." in text_of(empty)
    for number in range(portal.PARCELS_MOST):
        last = customer.post(f"{address}parcel/", {"tracking": f"X{number}"})
    assert last.status_code == 422 and "enough parcels" in text_of(last)
    assert len(portal_queries.parcels_of(seen.id)) == portal.PARCELS_MOST
    assert Client().post(f"{address}parcel/", {"tracking": "X"}).status_code == 403
    assert customer.post("/portal/return/RMA-0/parcel/", {"tracking": "X"}).status_code == 404


def test_the_way_of_a_refund_is_told_in_words_of_its_customer(customer, order, shop):
    policy(refund_at="authorized", approve_above_minor=0)
    relay.relay_once(relay.destinations())  # what was sent is paid for
    enters(customer, order)
    address = customer.post("/portal/ask/", wants(order) | {"asked": "refund"})["Location"]
    assert "Your money" not in text_of(customer.get(address))
    (seen,) = portal_queries.returns_of(order.id)
    (made,) = refund(the_system(shop.now), requests=[Refund(seen.id)])
    assert isinstance(made, Refunded)
    assert "Somebody looks at it before it is sent." in text_of(customer.get(address))
    approve(APPROVES, requests=[Approve(made.refund)])
    page = text_of(customer.get(address))
    assert "Sent on" in page or "Given on" in page
    relay.relay_once(relay.destinations())
    serve_refund(the_system(shop.now), [order.id])
    (told,) = portal_queries.refunds_of(seen.id)
    assert (told.step, sum(way.minor for way in told.ways)) == ("given", made.total_minor)
    assert "Given on" in text_of(customer.get(address))


def test_the_customer_reads_from_when_he_has_his_money_and_what_he_gets_instead(customer, order, shop):
    rule = Rule("trusted", refund_at="scanned", send_at="received", window_days=365)
    at = the_system(shop.now - timedelta(days=1))
    kept = policies.SetPolicy(COMPANY, "returns.authorization", Admission((rule,)), at.at)
    policies.set_policy(at, requests=[kept])
    enters(customer, order)
    said = wants(order)
    offered = text_of(customer.post("/portal/answer/", said))
    assert offered.count("Given when the carrier has the parcel.") == 2, "of money and of store credit"
    assert "We send the other one when yours has come." in offered
    address = customer.post("/portal/ask/", said | {"asked": "refund"})["Location"]
    assert "Given when the carrier has the parcel." in text_of(customer.get(address))


def test_a_customer_follows_his_repair_and_answers_to_its_price(customer, order, shop):
    at = the_system(shop.now)
    body = Admission((Rule("we mend", outcomes=("repair", "refund"), window_days=365),))
    kept = policies.SetPolicy(COMPANY, "returns.authorization", body, shop.now - timedelta(days=1))
    policies.set_policy(the_system(shop.now - timedelta(days=1)), requests=[kept])
    enters(customer, order)
    said = wants(order)
    assert "Have it repaired" in text_of(customer.post("/portal/answer/", said))
    address = customer.post("/portal/ask/", said | {"asked": "repair"})["Location"]
    (seen,) = portal_queries.returns_of(order.id)
    ((line, units),) = sql.run(
        "SELECT id, quantity FROM returns_line WHERE return_id = %(id)s", {"id": seen.id}
    )
    (receipt,) = whole(receive(at, requests=[Receive(seen.id, line, units)]))
    (found,) = whole(inspect(at, requests=[Inspect(receipt.receipt, units, "C")]))
    (put,) = whole(dispose(at, requests=[Dispose(found.inspection, units)]))
    assert portal_queries.returns_of(order.id)[0].step == "in repair"
    offer = OfferRepair(
        COMPANY, put.disposition_id, units, "a new coil", "customer", 1_250, "The coil is burnt."
    )
    (made,) = whole(offer_repairs(at, requests=[offer]))
    page = text_of(customer.get(address))
    assert "We can repair it, if you agree to the price." in page and "The coil is burnt." in page
    strange = customer.post(f"{address}repair/", {"repair": str(ids.uuid7()), "agrees": "1"})
    assert strange.status_code == 302
    assert "We can repair it" in text_of(customer.get(address)), "another's repair is not his to answer"
    says = {"repair": str(made.repair), "agrees": "1"}
    customer.post(f"{address}repair/", says)
    assert customer.post(f"{address}repair/", says | {"agrees": "0"}).status_code == 302
    assert "We repair it." in text_of(customer.get(address)), "the first answer stands"
    work = repair_queries.repairs(COMPANY, return_id=seen.id)[0].work_order
    whole(start_work(at, requests=[StartWork(work)]))
    whole(finish_work(at, requests=[FinishWork(work, repaired=units)]))
    assert "It is repaired, and we send it back to you." in text_of(customer.get(address))
    whole(send_back(at, requests=[SendBack(seen.id, "Parcel Post", "PP1")]))
    page = text_of(customer.get(address))
    assert "It is on its way back to you." in page and "Parcel Post · PP1 · sent on" in page
    whole(note_arrivals(at, requests=[NoteArrival(COMPANY, "PP1")]))
    assert portal_queries.returns_of(order.id)[0].step == "with you again"
    assert "It is with you again." in text_of(customer.get(address))


def test_what_is_not_taken_back_is_told_to_its_customer(customer, order, shop):
    enters(customer, order)
    address = sends(customer, wants(order))["Location"]
    (seen,) = portal_queries.returns_of(order.id)
    at = the_system(shop.now)
    ((line, units),) = sql.run(
        "SELECT id, quantity FROM returns_line WHERE return_id = %(id)s", {"id": seen.id}
    )
    (receipt,) = whole(receive(at, requests=[Receive(seen.id, line, units)]))
    (found,) = whole(inspect(at, requests=[Inspect(receipt.receipt, units, "D")]))
    told = RefuseUnits(found.inspection, "not_ours", "It bears another maker's name.")
    whole(refuse_units(at, requests=[told]))
    page = unescape(text_of(customer.get(address)))
    assert "Not taken back" in page and "It is not from us. It bears another maker's name." in page
    assert "We send it back to you." in page
    (after,) = portal_queries.returns_of(order.id)
    assert after.step == "refused"
    whole(dispose(at, requests=[Dispose(found.inspection, units)]))
    assert "It was sent back to you." in text_of(customer.get(address))


def test_one_unit_is_a_tap_and_the_only_one_is_taken(customer, order):
    """A box where one unit may come back, a choice where several may; nothing to choose where there is one thing."""
    page = enters(customer, order).content.decode()
    for line in queries.returnable(order.id):
        box = f'type="checkbox" id="units-{line.line}"' in page
        assert box == (line.left == 1)


def test_something_else_of_its_price_is_exchanged_at_once(customer, order, monkeypatch):
    line = next(one for one in queries.returnable(order.id) if one.left)
    relay.relay_once(relay.destinations())  # what was sent is paid for
    sql.run(
        "UPDATE catalog_sku SET category = 'gifts', list_price = 20 WHERE company_id = %(c)s", {"c": COMPANY}
    )
    enters(customer, order)
    offered = customer.post("/portal/answer/", wants(order)).content.decode()
    assert f'name="instead-{line.line}"' in offered and 'value="exchange"' in offered
    codes = re.findall(r'<option value="([A-Z0-9-]+)">', offered)
    assert codes[0] == line.sku_code and len(codes) > 2, "the same again comes first"
    said = wants(order) | {"asked": "exchange"}
    refused = customer.post("/portal/ask/", said | {f"instead-{line.line}": "GOLD-BAR"})
    assert refused.status_code == 422 and "is not to be had any more" in text_of(refused)
    form = refused.content.decode()
    assert 'name="asked" value="exchange" checked' in form and f'name="instead-{line.line}"' in form
    assert "GOLD-BAR" not in form
    photo = {"photos": [SimpleUploadedFile("me.svg", b"<svg/>")]}
    form = customer.post("/portal/ask/", said | {f"instead-{line.line}": codes[1]} | photo).content.decode()
    assert f'<option value="{codes[1]}" selected>' in form, "what was chosen stays chosen"
    assert portal_queries.returns_of(order.id) == []

    wish = said | {f"instead-{line.line}": codes[1]}
    first, second = (customer.post("/portal/ask/", wish) for _ in range(2))
    assert first["Location"] == second["Location"]
    (seen,) = portal_queries.returns_of(order.id)
    (made,) = exchange_queries.of_return(seen.id)
    assert (made.sku_code, made.even, made.worth_minor) == (codes[1], True, made.costs_minor)
    page = text_of(customer.get(first["Location"]))
    name = catalog.skus(company=COMPANY, codes=[codes[1]])[codes[1]].name
    assert "What you get instead" in page and f"1 × {name}" in page
    whole = queries.whole(seen.id)
    assert whole and whole.lines[0].note == f"→ {codes[1]}"
    monkeypatch.setattr(exchange_queries, "instead_of", lambda *_: {})
    again = customer.post("/portal/ask/", wish)
    assert (again.status_code, again["Location"]) == (302, first["Location"]), "it took the last unit"
    assert len(exchange_queries.of_return(seen.id)) == 1


def test_what_the_rules_refuse_is_told(customer, order):
    enters(customer, order)
    line = queries.returnable(order.id)[0]
    too_many = {"key": str(ids.uuid7()), f"units-{line.line}": str(line.left + 1)}
    for address in ("/portal/answer/", "/portal/ask/"):
        refused = customer.post(address, too_many | {"asked": "refund"})
        assert refused.status_code == 422
        assert str(line.left) in text_of(refused)
    nothing = customer.post("/portal/answer/", {"key": str(ids.uuid7())})
    assert "Choose what you send back." in text_of(nothing)
    keyless = customer.post("/portal/ask/", {k: v for k, v in wants(order).items() if k != "key"})
    assert keyless.status_code == 422
    assert portal_queries.returns_of(order.id) == []


def test_who_asks_too_often_keeps_what_he_chose(customer, order, monkeypatch):
    """The rules are not asked once more for him: what he said and chose is sent when he may again."""
    enters(customer, order)
    said = wants(order, note="Too blue")
    line = next(name.removeprefix("units-") for name in said if name.startswith("units-"))
    chosen = said | {"asked": "store_credit", f"instead-{line}": "LAMP-OAK"}
    with monkeypatch.context() as patch:
        patch.setattr(portal, "ASKS_OF_ORDER", 0)
        patch.setattr(portal, "consider", None)
        photo = {"photos": [SimpleUploadedFile("it.jpg", jpeg())]}
        stopped = customer.post("/portal/ask/", chosen | photo)
        assert customer.post("/portal/answer/", said).status_code == 422
    assert stopped.status_code == 422 and "too many tries" in text_of(stopped)
    form = stopped.content.decode()
    assert "data-again" in form, "photos are chosen once more"
    kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))
    assert kept.items() >= chosen.items()
    assert portal_queries.returns_of(order.id) == []
    assert customer.post("/portal/ask/", kept).status_code == 302
    (seen,) = portal_queries.returns_of(order.id)
    assert seen


def test_a_form_whose_key_stands_for_something_else_has_another(customer, order, shop):
    """Sent, back in the browser, and sent with something else: it is told once, and not at every press."""
    found = filter(None, map(orders.order, shop.orders["delivered"]))
    several = next(
        one
        for one in found
        if one.channel == order.channel and sum(line.left for line in queries.returnable(one.id)) > 1
    )
    enters(customer, several)
    order, said = several, wants(several) | {"asked": "refund"}
    assert customer.post("/portal/ask/", said).status_code == 302
    left = next(one.line for one in queries.returnable(order.id) if one.left)
    other = {
        "key": said["key"],
        f"units-{left}": "1",
        f"reason-{left}": "changed_mind",
        "asked": "store_credit",
    }
    refused = customer.post("/portal/ask/", other)
    assert refused.status_code == 422
    (key,) = re.findall(r'name="key" value="([^"]+)"', refused.content.decode())
    assert key != said["key"]
    assert customer.post("/portal/ask/", other | {"key": key}).status_code == 302
    assert len(portal_queries.returns_of(order.id)) == 2


def test_lines_of_another_order_are_not_there(customer, order, shop):
    other = orders.order(shop.orders["delivered"][1])
    assert other
    enters(customer, order)
    refused = customer.post("/portal/ask/", wants(other) | {"asked": "refund"})
    assert refused.status_code == 422
    assert portal_queries.returns_of(other.id) == []
    strange = Client()
    enters(strange, order)
    customer.post("/portal/ask/", wants(order) | {"asked": "refund"})
    (made,) = portal_queries.returns_of(order.id)
    thief = Client()
    thief.cookies[portal.VISIT] = portal.signing.dumps(str(other.id), salt=portal.VISIT)
    assert thief.get(f"/portal/return/{made.number}/").status_code == 404
    assert thief.get(f"/portal/return/{made.number}/slip/").status_code == 404


@pytest.mark.parametrize("cookie", ["", "x", "{link}", "{console}"])
def test_without_a_visit_nothing_is_shown(customer, order, cookie):
    forged = {
        "{link}": portal.signing.dumps(str(order.id), salt=portal.LINK),
        "{console}": portal.signing.dumps(str(order.id)),
    }
    customer.cookies[portal.VISIT] = forged.get(cookie, cookie)
    for response in (customer.get("/portal/order/"), customer.post("/portal/ask/", wants(order))):
        assert response.status_code == 403
        assert order.external_id not in response.content.decode()
    assert portal_queries.returns_of(order.id) == []


def test_a_visit_ends(customer, order, monkeypatch):
    enters(customer, order)
    monkeypatch.setattr(portal, "VISIT_SECONDS", -1)
    ended = customer.get("/portal/order/")
    assert ended.status_code == 403
    assert START in ended.content.decode(), "and says where to begin again"
    monkeypatch.undo()
    left = customer.post("/portal/leave/")
    assert "You have left" in text_of(left)
    assert customer.get("/portal/order/").status_code == 403


def test_customer_service_makes_a_link(console, customer, order, monkeypatch):
    service = console("service")
    response = service.post(f"/orders/{order.id}/link/")
    told = str(next(iter(get_messages(response.wsgi_request))))
    link = told.rpartition(" ")[2]
    assert "good for 30 days" in told
    path = link.removeprefix("http://testserver")
    followed = customer.get(path)
    assert followed["Location"] == "/portal/order/"
    assert f"Order {order.external_id}" in text_of(customer.get("/portal/order/"))
    assert order.external_id not in link
    assert str(order.id) not in link
    assert Client().get(path[:-3] + "xx/").status_code == 403
    assert console("auditor").post(f"/orders/{order.id}/link/").status_code == 403

    real = portal.signing.loads
    monkeypatch.setattr(
        portal.signing, "loads",
        lambda text, salt, max_age: real(text, salt=salt, max_age=max_age and -1),
    )  # fmt: skip
    assert Client().get(path).status_code == 403, "an old link"


def test_links_are_withdrawn_and_a_later_one_is_good(console, customer, order):
    service = console("service")

    def link() -> str:
        response = service.post(f"/orders/{order.id}/link/")
        told = str([*get_messages(response.wsgi_request)][-1])
        return told.rpartition(" ")[2].removeprefix("http://testserver")

    first = link()
    assert Client().get(first).status_code == 302
    assert console("auditor").post(f"/orders/{order.id}/links/withdraw/").status_code == 302
    assert Client().get(first).status_code == 302, "who may not, withdraws none"
    service.post(f"/orders/{order.id}/links/withdraw/")
    assert Client().get(first).status_code == 403
    second = link()
    assert Client().get(second).status_code == 302
    old = portal.signing.dumps(str(order.id), salt=portal.LINK, compress=True)
    assert Client().get(f"/portal/link/{old}/").status_code == 403, (
        "nor is one good from before there were numbers"
    )
    assert service.post(f"/orders/{ids.uuid7()}/links/withdraw/").status_code == 302
    told = sql.run("SELECT subject_id, payload FROM kernel_event WHERE command = 'access.withdraw_links'")
    assert told == [(order.id, {"links": "withdrawn"})]


def test_the_retailer_gives_the_color_and_no_more(customer, order):
    sheet = customer.get(f"{START}theme.css")
    assert sheet["Content-Type"] == "text/css"
    assert sheet.content.decode() == ":root { --accent: #7a1f3d; }\n"


def test_whoever_sits_at_the_console_is_nobody_here(console, order):
    service = console("service")
    assert service.get("/portal/order/").status_code == 403
    assert UUID(int=0) == portal_queries.NOBODY


def test_whose_parcel_we_pay_for_has_the_label_at_once(customer, order):
    """Where the house is at fault it pays the way back: said with the answer; and the label is there with the return,
    as a PDF and as a code."""
    enters(customer, order)
    said = wants(order, reason="defective")
    assert "costs you nothing: we send you a label" in text_of(customer.post("/portal/answer/", said))
    page = customer.get(customer.post("/portal/ask/", said | {"asked": "refund"})["Location"])
    (one,) = [one for one in portal_queries.returns_of(order.id) if one.step == "accepted"]
    assert (
        "Put the label on it and give it to Parcel Post: it costs you nothing. It goes to: Dock 4"
        in text_of(page)
    )
    assert "Show this code where you hand the parcel in." in text_of(page)
    assert "carrier of your choice" not in text_of(page)
    assert (
        segno.make(one.number, error="m", micro=False).svg_inline(omitsize=True, border=2)
        in page.content.decode()
    )
    assert one.number in [parcel.tracking for parcel in portal_queries.parcels_of(one.id)]
    pdf = customer.get(f"/portal/return/{one.number}/label/")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    found = label_queries.of_return(one.id)
    assert found
    assert label_queries.send_to(found, timezone.now()) == ["Dock 4", "London E1"]


def test_it_is_on_its_way_when_its_customer_or_its_carrier_says_so(customer, order, shop):
    """Not when it is accepted, nor when there is a label that is still to be put on."""
    enters(customer, order)
    sends(customer, wants(order, reason="defective"))
    other = another(order, shop)
    enters(customer, other)
    sends(customer, wants(other))

    def steps() -> list[str]:
        return [one.step for each in (order, other) for one in portal_queries.returns_of(each.id)]

    (one,), (two,) = (portal_queries.returns_of(each.id) for each in (order, other))
    assert label_queries.of_return(one.id)
    assert steps() == ["accepted", "accepted"]
    customer.post(f"/portal/return/{two.number}/parcel/", {"tracking": "JD 9"})
    assert steps() == ["accepted", "on its way"]
    note_scans(the_system(timezone.now()), requests=[NoteScan(order.company, one.number)])
    assert steps() == ["on its way", "on its way"]
    assert "What to do now" in text_of(customer.get(f"/portal/return/{two.number}/"))


def test_a_label_that_its_carrier_sells_is_waited_for(customer, order):
    enters(customer, order)
    sql.change("UPDATE carriage_service SET live = 'easypost:Post Slow'", {})
    page = customer.get(
        customer.post("/portal/ask/", wants(order, reason="defective") | {"asked": "refund"})["Location"]
    )
    (one,) = portal_queries.returns_of(order.id)[:1]
    assert "Parcel Post makes your label. It takes a minute or two. Look again" in text_of(page)
    assert "Make my label" not in text_of(page)
    pdf = f"/portal/return/{one.number}/label/"
    assert customer.get(pdf).status_code == 404
    label = label_queries.of_return(one.id)
    assert label
    system = the_system(order.placed_at)
    record_label_purchases(system, requests=[RecordLabelPurchase(label.id, "fail", problem="no street")])
    page = customer.get(f"/portal/return/{one.number}/")
    assert "Make my label" in text_of(page)
    assert "no street" not in text_of(page), "what a carrier says is not the customer's to see"
    customer.post(f"/portal/return/{one.number}/label/ask/")
    label = label_queries.of_return(one.id)
    assert label
    record_label_purchases(system, requests=[RecordLabelPurchase(label.id, "doubt", problem="too late")])
    page = text_of(customer.get(f"/portal/return/{one.number}/"))
    assert "We look into it; you need not do anything." in page
    assert "Make my label" not in page
    refused = text_of(customer.post(f"/portal/return/{one.number}/label/ask/"))
    assert "We look into your label" in refused
    make_labels(system, requests=[MakeLabel(one.id, not_bought=True)])
    label = label_queries.of_return(one.id)
    assert label
    bought = Bought("s1", "T9", label.cost_minor, label.currency, "https://labels.example/1.pdf")
    record_label_purchases(system, requests=[RecordLabelPurchase(label.id, "buy", bought)])
    assert "Put the label on it and give it to Parcel Post" in text_of(
        customer.get(f"/portal/return/{one.number}/")
    )
    assert customer.get(pdf)["Location"] == "https://labels.example/1.pdf"


def test_what_could_not_be_delivered_asks_nothing_of_the_customer(customer, order):
    """The carrier brings it back: there is nothing to send, and no label to make."""
    enters(customer, order)
    ((shipment,),) = sql.run(
        "SELECT id FROM shipping_shipment WHERE order_id = %(id)s LIMIT 1", {"id": order.id}
    )
    (expected,) = expect_sent_back(the_system(order.placed_at), requests=[ExpectSentBack(shipment)])
    assert expected.number
    page = text_of(customer.get(f"/portal/return/{expected.number}/"))
    assert "Nothing: it could not be delivered, and the carrier brings it back to us." in page
    assert "When it is here, you are paid back." in page
    assert "Make my label" not in page
    assert "Put the label on it" not in page


def test_who_pays_for_his_parcel_himself_has_no_label(customer, order):
    enters(customer, order)
    page = customer.get(customer.post("/portal/ask/", wants(order) | {"asked": "refund"})["Location"])
    (one,) = portal_queries.returns_of(order.id)[:1]
    assert "Make my label" not in text_of(page)
    assert customer.get(f"/portal/return/{one.number}/label/").status_code == 404
    refused = customer.post(f"/portal/return/{one.number}/label/ask/")
    assert refused.status_code == 422
    assert "We send no label for this return" in text_of(refused)
    assert Client().get(f"/portal/return/{one.number}/label/").status_code == 403, "nobody's visit"


def test_a_label_that_no_carrier_makes_is_asked_for_again(customer, order):
    """Which carriers a house has is not told; when one is found, the customer makes it himself."""
    enters(customer, order)
    sql.change("UPDATE carriage_service SET active = FALSE", {})
    page = customer.get(
        customer.post("/portal/ask/", wants(order, reason="defective") | {"asked": "refund"})["Location"]
    )
    (one,) = portal_queries.returns_of(order.id)[:1]
    assert "Ask for the label below" in text_of(page)
    ask = f"/portal/return/{one.number}/label/ask/"
    refused = customer.post(ask)
    assert refused.status_code == 422
    assert "make the label here. Write to us: we send it to you." in text_of(refused)
    sql.change("UPDATE carriage_service SET active = TRUE", {})
    assert customer.post(ask)["Location"] == f"/portal/return/{one.number}/"
    assert label_queries.of_return(one.id)


def another(order: orders.OrderView, shop: Any) -> orders.OrderView:
    """A second order of the same customer, from where the first is."""
    key = next(
        one
        for one in shop.orders["delivered"]
        if one != order.id and (found := orders.order(one)) and found.channel == "web"
    )
    sql.run(
        "UPDATE orders_order AS o SET country = v.country, customer_id = v.customer_id, address_id = v.address_id"
        " FROM orders_order AS v"
        " WHERE o.id = %(id)s AND v.id = %(of)s",
        {"id": key, "of": order.id},
    )
    found = orders.order(key)
    assert found
    return found


def sends(customer: Client, said: dict[str, Any]) -> Any:
    return customer.post("/portal/ask/", said | {"asked": "refund"})


def test_things_of_several_orders_come_in_one_parcel_with_one_label(customer, order, shop):
    """A second order that is looked up in the same visit: its things may come in the parcel of the first."""
    enters(customer, order)
    first = customer.get(sends(customer, wants(order, reason="defective"))["Location"])
    assert "Put something of another order into the same parcel" in text_of(first)
    (one,) = portal_queries.returns_of(order.id)

    other = another(order, shop)
    enters(customer, other)
    said = wants(other)
    answer = customer.post("/portal/answer/", said)
    assert f"Together with {one.number} of order {order.external_id}" in text_of(answer)
    page = customer.get(sends(customer, said | {"together": str(one.id)})["Location"])
    (two,) = portal_queries.returns_of(other.id)
    label = label_queries.of_return(two.id)
    assert label and [number for number, _ in label.returns] == sorted((one.number, two.number))
    assert label_queries.of_return(one.id).id == label.id
    assert f"One label for {label.numbers}: put all of it into one parcel" in text_of(page)
    assert customer.get(f"/portal/return/{two.number}/label/").content.startswith(b"%PDF-")
    enters(customer, order)
    assert f"One label for {label.numbers}" in text_of(customer.get(f"/portal/return/{one.number}/"))


def test_one_label_is_made_of_two_afterwards(customer, order, shop):
    enters(customer, order)
    sends(customer, wants(order, reason="defective"))
    (one,) = portal_queries.returns_of(order.id)
    other = another(order, shop)
    enters(customer, other)
    page = customer.get(sends(customer, wants(other, reason="defective"))["Location"])
    (two,) = portal_queries.returns_of(other.id)
    assert label_queries.of_return(two.id).id != label_queries.of_return(one.id).id
    assert f"One label for this and {one.number}" in text_of(page)
    customer.post(f"/portal/return/{two.number}/label/ask/", {"together": str(one.id)})
    assert label_queries.of_return(two.id).id == label_queries.of_return(one.id).id
    assert "One label for this and" not in text_of(customer.get(f"/portal/return/{two.number}/"))


def test_whoever_shows_the_second_order_alone_does_not_see_the_address_of_the_first(customer, order, shop):
    """Not even by a label for both, which bears it."""
    enters(customer, order)
    sends(customer, wants(order, reason="defective"))
    (one,) = portal_queries.returns_of(order.id)
    other = another(order, shop)
    enters(customer, other)
    sends(customer, wants(other, reason="defective"))
    (two,) = portal_queries.returns_of(other.id)
    enters(customer, order)
    customer.post(f"/portal/return/{one.number}/label/ask/", {"together": str(two.id)})
    assert label_queries.of_return(two.id).order == order.id
    alone = Client()
    enters(alone, other)
    page = text_of(alone.get(f"/portal/return/{two.number}/"))
    assert f"The label stands with return {one.number} of order" in page
    assert "Label to print" not in page
    assert alone.get(f"/portal/return/{two.number}/label/").status_code == 404
    enters(alone, order)
    assert alone.get(f"/portal/return/{one.number}/label/").content.startswith(b"%PDF-")


def test_from_another_address_nothing_comes_in_the_parcel_of_somebody_whom_nobody_knows(
    customer, order, shop
):
    enters(customer, order)
    sends(customer, wants(order, reason="defective"))
    (one,) = portal_queries.returns_of(order.id)
    other = another(order, shop)
    sql.run(
        "UPDATE orders_order SET customer_id = NULL, address_id = (SELECT id FROM parties_address WHERE place NOT IN"
        " ('', (SELECT a.place FROM parties_address AS a JOIN orders_order AS v ON v.address_id = a.id"
        " WHERE v.id = %(of)s)) ORDER BY id LIMIT 1) WHERE id = %(id)s",
        {"id": other.id, "of": order.id},
    )
    customer.get("/portal/link/" + portal.signing.dumps(str(other.id), salt=portal.LINK) + "/")
    page = customer.get(sends(customer, wants(other, reason="defective"))["Location"])
    assert "One label for this and" not in text_of(page)
    (two,) = portal_queries.returns_of(other.id)
    customer.post(f"/portal/return/{two.number}/label/ask/", {"together": str(one.id)})
    assert label_queries.of_return(two.id).id != label_queries.of_return(one.id).id


def test_a_parcel_without_a_label_of_ours_is_told_of_for_both_at_once(customer, order, shop):
    enters(customer, order)
    sends(customer, wants(order))
    (one,) = portal_queries.returns_of(order.id)
    other = another(order, shop)
    enters(customer, other)
    sends(customer, wants(other))
    (two,) = portal_queries.returns_of(other.id)
    page = f"/portal/return/{two.number}/"
    assert f"{one.number} of order {order.external_id} is in it as well" in text_of(customer.get(page))
    assert "One label" not in text_of(customer.get(page))
    customer.post(f"{page}parcel/", {"tracking": "JD 9", "together": str(one.id)})
    assert [portal_queries.parcels_of(each.id) for each in (one, two)] == [[("JD9", None)]] * 2


def test_nobody_puts_a_return_into_his_parcel_whose_order_he_did_not_show_to_be_his(customer, order, shop):
    enters(customer, order)
    sends(customer, wants(order, reason="defective"))
    (one,) = portal_queries.returns_of(order.id)
    other = another(order, shop)
    stranger = Client()
    enters(stranger, other)
    said = wants(other, reason="defective")
    assert one.number not in text_of(stranger.post("/portal/answer/", said))
    page = stranger.get(sends(stranger, said | {"together": str(one.id)})["Location"])
    (two,) = portal_queries.returns_of(other.id)
    assert one.number not in text_of(page)
    stranger.post(f"/portal/return/{two.number}/label/ask/", {"together": str(one.id)})
    stranger.post(f"/portal/return/{two.number}/parcel/", {"tracking": "X1", "together": str(one.id)})
    assert label_queries.of_return(two.id).id != label_queries.of_return(one.id).id
    assert "X1" not in [parcel.tracking for parcel in portal_queries.parcels_of(one.id)]
    left = customer.post("/portal/leave/")
    assert left.status_code == 200
    enters(customer, other)
    assert "in it as well" not in text_of(customer.get(f"/portal/return/{two.number}/")), (
        "who left begins anew"
    )


def test_a_name_keeps_the_direction_of_its_letters(customer, order):
    enters(customer, order)
    name = "מנורה מס׳ 196 (LED) עם כבל"
    sql.run("UPDATE orders_line SET description = %(name)s::text", {"name": name})
    assert f"<legend><bdi>{name}" in unescape(customer.get("/portal/order/").content.decode())
    said = wants(order)
    assert f"1 × <bdi>{name}</bdi>" in unescape(customer.post("/portal/answer/", said).content.decode())
    sends(customer, said)
    (one,) = portal_queries.returns_of(order.id)
    page = unescape(customer.get(f"/portal/return/{one.number}/").content.decode())
    assert f"1 × <bdi>{name}</bdi>" in page
    assert "<address><bdi>" in page


def test_what_is_refused_is_told_in_words_of_the_customer(customer, order):
    """No key, no code and no field of ours; and in his language."""
    enters(customer, order)
    line = queries.returnable(order.id)[0]
    too_many = {"key": str(ids.uuid7()), f"units-{line.line}": str(line.left + 1)}
    page = unescape(text_of(customer.post("/portal/answer/", too_many)))
    assert f"Of {line.description} you can send back {line.left} more, and chose {line.left + 1}." in page
    assert str(line.line) not in page
    strange = wants(order) | {f"reason-{line.line}": "because", f"note-{line.line}": "מס׳ 196 (LED)"}
    shown = customer.post("/portal/answer/", strange)
    assert "Choose why you send it back." in text_of(shown)
    assert 'value="מס׳ 196 (LED)"' in shown.content.decode(), "what was written stays"
    assert re.search(r'value="1" (data-units checked|selected)', shown.content.decode())
    sends(
        customer,
        {"key": str(ids.uuid7()), f"units-{line.line}": str(line.left), f"reason-{line.line}": "defective"},
    )
    again = {"key": str(ids.uuid7()), f"units-{line.line}": "1"}
    page = unescape(text_of(customer.post("/portal/answer/", again)))
    assert f"{line.description} is sent back already." in page
    gone = {"key": str(ids.uuid7()), f"units-{ids.uuid7()}": "1"}
    assert "We don't find this any more." in text_of(customer.post("/portal/answer/", gone)).replace(
        "&#x27;", "'"
    )


def test_who_looked_at_a_return_tells_its_customer_why(customer, order, shop):
    policy(window_days=0)
    sql.change(
        "UPDATE shipping_shipment SET delivered_at = delivered_at - interval '90 days',"
        " shipped_at = shipped_at - interval '90 days' WHERE order_id = %(id)s",
        {"id": order.id},
    )
    enters(customer, order)
    address = sends(customer, wants(order))["Location"]
    (one,) = portal_queries.returns_of(order.id)
    assert one.step == "asked"
    review(APPROVES, requests=[Review(one.id, accept=False, reason="It was worn for three months.")])
    page = unescape(text_of(customer.get(address)))
    assert "We can't take it back. It was worn for three months." in page
    assert "a person decides" not in page


def test_who_can_not_send_one_thing_back_goes_on_with_the_rest(customer, order):
    lines = [one for one in queries.returnable(order.id) if one.left]
    assert len(lines) > 1
    sql.run(
        "UPDATE catalog_sku SET category = 'sealed' WHERE id ="
        " (SELECT sku_id FROM orders_line WHERE id = %(line)s)",
        {"line": lines[0].line},
    )
    rule = Rule("the seal is broken", categories=("sealed",), answer="no", exception="hygiene_seal")
    now = datetime.now().astimezone()
    body = policies.SetPolicy(COMPANY, "returns.authorization", Admission((rule,)), now - timedelta(days=1))
    policies.set_policy(the_system(now), requests=[body])
    enters(customer, order)
    said = {"key": str(ids.uuid7())}
    for one in lines[:2]:
        said |= {f"units-{one.line}": "1", f"reason-{one.line}": "changed_mind", f"note-{one.line}": "as new"}
    page = customer.post("/portal/answer/", said)
    assert "the seal is broken" in text_of(page) and "Go on without it" in text_of(page)
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode()))
    assert f"units-{lines[1].line}" in fields and not [name for name in fields if str(lines[0].line) in name]
    assert "Accepted at once." in text_of(customer.post("/portal/answer/", fields))
    alone = {name: text for name, text in said.items() if str(lines[1].line) not in name}
    assert "Go on without it" not in text_of(customer.post("/portal/answer/", alone))


def test_whose_things_are_told_apart_by_numbers_names_them(customer, order):
    """Goods of a regulated kind come back under the number that they left with."""
    line = next(one for one in queries.returnable(order.id) if one.left)
    enters(customer, order)
    field = f'name="serial-{line.line}"'
    assert field not in customer.get("/portal/order/").content.decode()
    sql.run(
        "UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id ="
        " (SELECT sku_id FROM orders_line WHERE id = %(line)s)",
        {"line": line.line},
    )
    rule = Rule("by its number", tracked=True, must_match=True)
    now = datetime.now().astimezone()
    body = policies.SetPolicy(COMPANY, "returns.authorization", Admission((rule,)), now - timedelta(days=1))
    policies.set_policy(the_system(now), requests=[body])
    assert field in customer.get("/portal/order/").content.decode()
    said = {"key": str(ids.uuid7()), f"units-{line.line}": "1", f"reason-{line.line}": "changed_mind"}
    missing = customer.post("/portal/answer/", said)
    assert "name the lot or serial number that stands on it" in text_of(missing)
    strange = customer.post("/portal/answer/", said | {f"serial-{line.line}": "SN-9"})
    assert "SN-9 did not leave with this order" in text_of(strange)
