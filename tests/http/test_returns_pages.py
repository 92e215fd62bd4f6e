"""The contract of the console's pages about returns: what they show, what they refuse and why, what forms keep."""

from __future__ import annotations

import base64
import csv
import re
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.insight import trail
from entrepot.insight import waiting as counts
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import Refused
from entrepot.parties.commands.erase import ErasePeople, erase
from entrepot.returns import checklists, label_queries, parcel_queries, queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.approve import Approve, Decided, approve
from entrepot.returns.commands.bought_labels import RecordLabelPurchase, record_label_purchases
from entrepot.returns.commands.labels import MakeLabel, make_labels
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.recovery import Recovery, Way
from entrepot.shipping.live import Bought
from entrepot.web import papers
from entrepot.web.views import returns as views
from tests import back
from tests.asking import a_browser, a_program
from tests.back import lines_of, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("in_november")

HTMX = {"HX-Request": "true"}


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def text_of(response: Any) -> str:
    """What a page says, without its marks."""
    assert response.status_code == 200, response
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def field(response: Any, name: str) -> str:
    """The value of a field of a page."""
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', response.content.decode())
    assert found, name
    return found[1]


def beyond_the_law(order: UUID) -> None:
    """An order of a country whose law the house knows nothing of."""
    sql.run("UPDATE orders_order SET country = 'US' WHERE id = %(order)s", {"order": order})


def long_ago(order: UUID) -> None:
    """An order that came so long ago that no law speaks for a return."""
    sql.run(
        "UPDATE shipping_shipment SET shipped_at = shipped_at - interval '400 days' WHERE order_id = %(order)s",
        {"order": order},
    )


def one_return(state: str = "") -> queries.Whole:
    rows = queries.returns_page(COMPANY, state=state)
    found = queries.whole(rows[0].id)
    assert found
    return found


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    house.stock(1, 50)
    everybody()
    return house


def waiting(house: Floor, receives: str = "supervisor", asks: str = "service") -> queries.RefundRow:
    """A refund above the limit, of two units that came back."""
    policy(approve_above_minor=1_000)
    (order,) = sold(house, 1, (0, 2))
    one = back.asked(order, 2, cause=someone(asks))
    back.put(back.found(back.came(one, cause=someone(receives))))
    refund(someone("service"), requests=[Refund(one.return_id)])
    (row,) = queries.refunds_page(COMPANY, state="waiting")
    return row


# ---- the whole way


def test_a_return_goes_its_way_by_forms(house: Floor) -> None:
    policy(approve_above_minor=1_000)
    (order,) = sold(house, 1, (0, 2))
    service, supervisor, inspector, books = map(a_browser, ("service", "supervisor", "inspector", "books"))

    form = {f"units-{lines_of(order)[0]}": "2", "reason": "poor_fit", "note": "Too small.", "asked": "refund"}
    asked = service.post(f"/orders/{order}/return/", form)
    one = one_return()
    page = f"/returns/{one.head.id}/"
    assert (asked["Location"], said(asked)) == (page, ["The return is written."])
    assert one.lines[0].reason == "poor_fit"
    assert one.head.number in text_of(service.get(f"/orders/{order}/"))

    quarantine = house.bin(0, "quarantine")
    form = {f"units-{one.lines[0].id}": "2", "bin": quarantine, f"lot-{one.lines[0].id}": "L-7"}
    came = supervisor.post(f"{page}receive/", {**form, "condition": "box torn"})
    assert said(came) == ["1 line was received."]
    (receipt,) = one_return().receipts
    assert (receipt.lot, receipt.condition, receipt.received_by) == ("L-7", "box torn", "supervisor")

    form = {"receipt": receipt.id, "units": "2", "grade": "B", "codes": "Opened, no_box", "note": "Clean."}
    inspector.post("/returns/station/inspect/", form)
    (found,) = one_return().inspections
    assert (found.grade, found.codes, found.note) == ("B", "opened no_box", "Clean.")
    station = text_of(inspector.get("/returns/station/"))
    assert "Proposed: second grade. Grade B (opened, complete and clean): second grade" in station

    form = {"inspection": found.id, "units": "1"}
    inspector.post("/returns/station/dispose/", form)
    form |= {"disposition": "liquidate", "reason": "The last of its color."}
    refused = inspector.post("/returns/station/dispose/", form)
    assert "returns.override_dispositions" in said(refused)[-1]
    supervisor.post("/returns/station/dispose/", form)
    assert [(row.disposition, row.quantity) for row in one_return().dispositions] == [
        ("second_grade", 1),
        ("liquidate", 1),
    ]
    stock = text_of(service.get("/stock/"))
    assert "Second grade" in stock
    assert "Liquidation" in stock

    service.post(f"{page}refund/")
    (refunded,) = one_return().refunds
    assert refunded.state == "waiting"
    told = text_of(books.get("/returns/refunds/"))
    for words in ("£19.98", "Does not fit", "Too small.", "opened no_box", "1 liquidate, 1 second grade",
                  "Asked by service", "Received by supervisor", "Above £10.00", "· account"):  # fmt: skip
        assert words in told, words
    decided = books.post("/returns/refunds/decide/", {"refund": refunded.id, "action": "approve"})
    assert said(decided) == ["The refund is approved."]
    assert one_return().head.state == "closed"
    done = service.get(page)
    assert "Approved by books" in text_of(done)
    assert 'id="acts"' not in done.content.decode()


# ---- duties


def test_whoever_asked_does_not_receive(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    browser = a_browser("root")
    line = lines_of(order)[0]
    asked_for = browser.post(f"/orders/{order}/return/", {f"units-{line}": "1", "reason": "poor_fit"})
    ((return_id, return_line),) = sql.run("SELECT return_id, id FROM returns_line")
    assert asked_for["Location"] == f"/returns/{return_id}/"
    told = text_of(browser.get(f"/returns/{return_id}/"))
    assert "You asked for this return or approved its refund, so somebody else receives it." in told

    refused = browser.post(f"/returns/{return_id}/receive/", {f"units-{return_line}": "1"})

    assert "did the other part of request×receive×approve" in said(refused)[-1]
    assert sql.run("SELECT count(*)::int FROM returns_receipt") == [(0,)]


@pytest.mark.parametrize(
    ("took", "why"),
    [("receives", "You received this return"), ("asks", "You asked for this return")],
)
def test_whoever_received_or_asked_does_not_approve(house: Floor, took: str, why: str) -> None:
    row = waiting(house, **{took: "root"})
    browser = a_browser("root")
    told = browser.get("/returns/refunds/")
    assert f"{why}, so somebody else decides." in text_of(told)
    assert 'value="approve"' not in told.content.decode()

    refused = browser.post("/returns/refunds/decide/", {"refund": row.id, "action": "approve"})

    assert "did the other part of request×receive×approve" in said(refused)[-1]
    assert sql.run("SELECT state FROM returns_refund") == [("waiting",)]


def test_a_refund_that_the_house_computed_is_told_so(house: Floor) -> None:
    policy(approve_above_minor=1_000)
    (order,) = sold(house, 1, (0, 2))
    one = back.asked(order, 2, cause=someone("service"))
    back.put(back.found(back.came(one)))
    refund(someone("system:returns"), requests=[Refund(one.return_id)])
    page = a_browser("books").get("/returns/refunds/").content.decode()
    assert "<dt>Computed by</dt><dd>the house itself</dd>" in page


def test_whoever_approved_a_refund_may_approve_the_next_of_that_return(house: Floor) -> None:
    policy(approve_above_minor=0)
    (order,) = sold(house, 1, (0, 2))
    one = back.asked(order, 2, cause=someone("service"))
    back.put(back.found(back.came(one)))
    books = a_browser("books")
    for _ in range(2):
        refund(someone("service"), requests=[Refund(one.return_id, ((one.lines[0], 1),))])
        assert 'value="approve"' in books.get("/returns/refunds/").content.decode()
        (row,) = queries.refunds_page(COMPANY, state="waiting")
        done = books.post("/returns/refunds/decide/", {"refund": row.id, "action": "approve"})
        assert said(done)[-1] == "The refund is approved."
    assert one_return().head.state == "closed"


def test_refunds_that_wait_are_summed_whole_read_page_by_page_and_approved_together(
    house: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(approve_above_minor=1_000)
    rows = []
    for receives in ("supervisor", "supervisor", "root"):
        (order,) = sold(house, 1, (0, 2))
        one = back.asked(order, 2, cause=someone("service"))
        back.put(back.found(back.came(one, cause=someone(receives))))
        refund(someone("service"), requests=[Refund(one.return_id)])
        rows.append(queries.refunds_page(COMPANY, state="waiting")[0])
    monkeypatch.setattr(views, "REFUNDS", 2)
    browser = a_browser("root")

    first = browser.get("/returns/refunds/").content.decode()
    later = browser.get(f"/returns/refunds/?after={rows[1].id}").content.decode()

    assert [row.number in first for row in rows] == [True, True, False]
    assert [row.number in later for row in rows] == [False, False, True]
    for page in (first, later):
        assert "<dt>Waiting</dt><dd>3</dd>" in page
        assert f"<dd>£{sum(row.total_minor for row in rows) / 100:.2f}</dd>" in page
    assert f"after={rows[1].id}" in first
    assert first.count('form="together"') == 2
    assert 'form="together"' not in later, "whoever received it does not decide"

    form = {"refund": [row.id for row in rows], "action": "approve"}
    done = browser.post("/returns/refunds/decide/", form)

    told = said(done)
    assert "2 refunds are approved." in told
    assert any("request×receive×approve" in one for one in told)
    assert [one.refund.number for one in queries.approvals(COMPANY)] == [rows[2].number]


def test_without_the_role_pages_say_who_does_it_and_forms_are_refused(house: Floor) -> None:
    row = waiting(house)
    auditor = a_browser("auditor")
    assert "A controller decides." in text_of(auditor.get("/returns/refunds/"))
    for address, form in (
        ("/returns/refunds/decide/", {"refund": row.id, "action": "approve"}),
        (f"/returns/{row.return_id}/close/", {"reason": "No."}),
        (f"/returns/{row.return_id}/refund/", {}),
        (f"/returns/{row.return_id}/review/", {"action": "accept"}),
    ):
        before = sql.run("SELECT count(*) FROM kernel_event")
        assert "may not do returns." in said(auditor.post(address, form))[-1]
        assert sql.run("SELECT count(*) FROM kernel_event") == before


# ---- what is refused keeps its form


def test_a_refused_request_keeps_its_form_once(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    service, line = a_browser("service"), lines_of(order)[0]
    form = {f"units-{line}": "7", "reason": "defective", "note": "It hums."}

    refused = service.post(f"/orders/{order}/return/", form)

    assert "7 units of line" in said(refused)[0]
    assert service.get("/returns/").status_code == 200  # another page does not take it
    page = service.get(f"/orders/{order}/")
    assert (field(page, f"units-{line}"), field(page, "note")) == ("7", "It hums.")
    assert '<option value="defective" selected>' in page.content.decode()
    again = service.get(f"/orders/{order}/")
    assert (field(again, f"units-{line}"), field(again, "note")) == ("0", "")


def test_a_late_return_is_taken_for_a_reason(house: Floor) -> None:
    policy(late="decline")
    (order,) = sold(house, 1, (0, 2))
    long_ago(order)
    service = a_browser("service")
    form = {f"units-{lines_of(order)[0]}": "1", "reason": "changed_mind"}

    refused = service.post(f"/orders/{order}/return/", form)

    assert "returns are taken for" in said(refused)[0]
    assert 'name="insist"' in service.get(f"/orders/{order}/").content.decode()
    service.post(f"/orders/{order}/return/", {**form, "insist": "A customer of many years."})
    assert one_return().head.state == "authorized"


def test_a_person_decides_about_a_late_return(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    long_ago(order)
    one = back.asked(order, 1, cause=someone("service"))
    assert "Customer service decides" in text_of(a_browser("supervisor").get(f"/returns/{one.return_id}/"))
    lead = a_browser("lead")
    refused = lead.post(f"/returns/{one.return_id}/review/", {"action": "decline"})
    assert "declining a return needs a reason" in said(refused)[0]
    lead.post(f"/returns/{one.return_id}/review/", {"action": "decline", "reason": "After half a year."})
    assert one_return().head.state == "declined"


def test_too_many_units_are_not_received(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2), (1, 1))
    one = back.asked(order, 1, 1, cause=someone("service"))
    supervisor, page = a_browser("supervisor"), f"/returns/{one.return_id}/"
    first, other = one.lines

    done = supervisor.post(
        f"{page}receive/", {f"units-{first}": "2", f"units-{other}": "1", f"serial-{first}": "S-1"}
    )

    assert said(done)[0] == "1 line was received."
    assert said(done)[-1].startswith("Quantity") or "quantity" in said(done)[-1]
    kept = supervisor.get(page)
    assert (field(kept, f"units-{first}"), field(kept, f"serial-{first}")) == ("2", "S-1")
    assert "1 pending inspection" in text_of(supervisor.get(page))


def test_a_refund_is_adjusted_in_the_readers_own_writing(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    one = back.asked(order, 2, cause=someone("ann"))
    service, page = a_browser("service"), f"/returns/{one.return_id}/"
    assert "Nothing is due to be refunded yet" in text_of(service.get(page))
    back.put(back.found(back.came(one)))
    assert "2 units are due to be refunded." in text_of(service.get(page))
    form = {f"units-{one.lines[0]}": "1", "direction": "less", "amount": "much"}

    assert "Write the amount like 12.50." in said(service.post(f"{page}refund/", form))[0]
    assert field(service.get(page), "amount") == "much"
    form["amount"] = "1,25"
    german = {"headers": {"Accept-Language": "de"}}
    assert (
        "eine Bestandskorrektur braucht einen Grund"
        in said(service.post(f"{page}refund/", form, **german))[-1]
    )
    service.post(f"{page}refund/", {**form, "adjustment_reason": "A strap is missing."}, **german)

    (row,) = one_return().refunds
    assert (row.goods_minor, row.adjustment_minor, row.total_minor) == (999, -125, 874)
    told = text_of(service.get(page))
    assert "−£1.25" in told or "-£1.25" in told
    assert "A strap is missing." in told


def test_due_units_are_those_of_the_policy(house: Floor) -> None:
    policy(refund_at="received")
    (order,) = sold(house, 1, (0, 2))
    one = back.asked(order, 2, cause=someone("ann"))
    back.came(one)
    assert "2 units are due to be refunded." in text_of(
        a_browser("service").get(f"/returns/{one.return_id}/")
    )


def test_a_rejection_needs_a_reason(house: Floor) -> None:
    row = waiting(house)
    books = a_browser("books")
    refused = books.post("/returns/refunds/decide/", {"refund": row.id, "action": "reject"})
    assert "rejecting needs a reason" in said(refused)[0]
    books.post("/returns/refunds/decide/", {"refund": row.id, "action": "reject", "reason": "No photo."})
    found = one_return().refunds[0]
    assert (found.state, found.note) == ("rejected", "No photo.")


def test_a_return_is_closed_when_nothing_is_to_be_done(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    one = back.asked(order, 2, cause=someone("ann"))
    receipts = back.came(one, 1)
    service, page = a_browser("service"), f"/returns/{one.return_id}/"
    assert "It can't be closed yet. 1 unit waits for inspection" in text_of(service.get(page))
    back.put(back.found(receipts))
    refused = service.post(f"{page}close/", {"reason": "The other one is kept."})
    assert "1 units are not refunded" in said(refused)[0]
    assert field(service.get(page), "reason") == "The other one is kept."
    service.post(f"{page}close/", {"reason": "The other one is kept.", "without_refund": "1"})
    assert one_return().head.state == "closed"


# ---- lists


def test_the_list_is_filtered_searched_and_read_page_by_page(house: Floor, monkeypatch) -> None:
    from entrepot.web import listed

    monkeypatch.setattr(listed, "PAGE", 2)
    orders = sold(house, 4, (0, 2))
    made = [back.asked(order, 1) for order in orders]
    back.came(made[0])
    auditor = a_browser("auditor")

    def rows(address: str, **headers: str) -> list[str]:
        return re.findall(
            r'<a href="/returns/[^"/]+/">(RMA-\d+)</a>', auditor.get(address, **headers).content.decode()
        )

    first = auditor.get("/returns/").content.decode()
    assert rows("/returns/") == [made[3].number, made[2].number]
    assert "All <b>4</b>" in first
    assert "Received <b>1</b>" in first
    more = re.search(r'hx-get="(/returns/\?after=[^"]+)"', first)
    assert more
    assert rows(more[1], headers=HTMX) == [made[1].number, made[0].number]
    assert rows("/returns/?state=received") == [made[0].number]
    assert rows(f"/returns/?q={made[2].number}") == [made[2].number]
    assert "No return is like that" in auditor.get("/returns/?q=nothing", headers=HTMX).content.decode()


def test_the_list_tells_the_returns_of_which_a_refund_failed(house: Floor) -> None:
    found = waiting(house)
    lead, number = a_browser("supervisor"), one_return().head.number
    assert number not in text_of(lead.get("/returns/?refund=failed"))
    approve(someone("books"), requests=[Approve(found.id, agree=True)])
    sql.run("UPDATE returns_refund SET state = 'failed' WHERE id = %(id)s", {"id": found.id})
    shown = lead.get("/returns/?refund=failed")
    assert number in text_of(shown)
    assert 'name="refund" value="failed"' in shown.content.decode()
    again = {"id": ids.uuid7()}
    sql.run(
        "INSERT INTO returns_refund SELECT (jsonb_populate_record(f, jsonb_build_object('id', %(id)s::uuid,"
        " 'number', 'RF-AGAIN'))).* FROM returns_refund AS f",
        again,
    )
    told = counts.counted(["refunds failed"], company=COMPANY, person="", roles=[], now=NOW)
    assert told == {"refunds failed": 1}, "as many as it leads to"
    sql.run("DELETE FROM returns_refund WHERE id = %(id)s::uuid", again)


def test_the_navigation_counts_what_waits_for_its_reader(house: Floor) -> None:
    waiting(house)
    one = back.asked(sold(house, 1, (0, 2))[0], 1)
    back.came(one)

    def count(name: str) -> str:
        found = re.search(r'class="count"[^>]*>(\d+)<', a_browser(name).get("/stock/").content.decode())
        return found[1] if found else ""

    assert [count(name) for name in ("inspector", "books", "root", "service", "auditor")] == [
        "1", "1", "2", "", "",
    ]  # fmt: skip


def test_the_station_finds_what_is_scanned_and_goes_on(house: Floor) -> None:
    orders = sold(house, 2, (0, 1))
    made: list[Any] = [back.asked(order, 1) for order in orders]
    for one in made:
        back.came(one)
    inspector = a_browser("inspector")

    def shown(query: str) -> UUID | None:
        task = inspector.get(f"/returns/station/{query}").context["task"]
        return task and task.return_id

    assert "2 tasks wait" in text_of(inspector.get("/returns/station/"))
    assert shown("") == shown("?later=2") == made[0].return_id
    assert shown("?later=1") == shown(f"?q={made[1].number.lower()}") == made[1].return_id
    assert shown("?q=nothing") is None
    assert shown("?node=nowhere") is None
    refused = inspector.post(
        "/returns/station/inspect/",
        {"receipt": one_return("received").receipts[0].id, "units": "9", "grade": "C", "note": "Worn."},
    )
    assert "9 units were to be inspected" in said(refused)[0]


def test_the_search_leads_to_the_return(house: Floor) -> None:
    one = back.asked(sold(house, 1, (0, 2))[0], 1)
    auditor = a_browser("auditor")
    assert auditor.get(f"/search/?q={one.number}")["Location"] == f"/returns/{one.return_id}/"
    assert auditor.get(f"/documents/{one.return_id}/")["Location"] == f"/returns/{one.return_id}/"
    assert auditor.get(f"/returns/{lines_of(one_return().head.order)[0]}/").status_code == 404


def test_what_would_be_answered_is_shown_and_nothing_is_written(house: Floor) -> None:
    policy(fee_percent=12)
    (order,) = sold(house, 1, (0, 2))
    beyond_the_law(order)
    service, form = a_browser("service"), {f"units-{lines_of(order)[0]}": "1", "reason": "changed_mind"}
    address = f"/orders/{order}/return/consider/"

    told = text_of(service.post(address, form, headers=HTMX))
    assert "Authorized · " in told
    assert "SKU-000: refund, exchange, store credit · 12 % is kept · no label" in told
    refused = text_of(service.post(address, form | {"asked": "keep"}, headers=HTMX))
    assert "keep is not offered for SKU-000" in refused
    assert "Nothing was selected" in text_of(service.post(address, {}, headers=HTMX))
    assert " of 30 days" in said(service.post(address, form))[0]
    assert queries.returns_page(COMPANY) == []


def test_a_return_shows_its_terms_and_the_report_its_reason(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    form = {f"units-{lines_of(order)[0]}": "2", "reason": "too_small", "condition": "unopened"}
    a_browser("service").post(f"/orders/{order}/return/", form)
    one = one_return().head
    assert "unopened · no fee · no label" in text_of(a_browser("service").get(f"/returns/{one.id}/"))
    empty = text_of(a_browser("auditor").get("/returns/reasons/?days=7"))
    assert "Fit 2 units" in empty
    assert "Is too small" in empty


def test_the_page_of_a_return_says_line_by_line_why_a_refund_is_that_much(house: Floor):
    policy(fee_percent=10, approve_above_minor=None)
    (order,) = sold(house, 1, (0, 2), tax_minor=200)
    beyond_the_law(order)
    one = back.asked(order, 1)
    back.back(one)
    refund(back.ASKS, requests=[Refund(one.return_id)])
    text = text_of(a_browser("supervisor").get(f"/returns/{one.return_id}/"))
    assert "Why this amount Goods 1 of SKU-000, as paid after discounts £9.99" in text
    assert "Fee 10 % of the goods for restocking" in text, text[text.index("Why this amount") :][:300]
    assert text.split("for restocking")[1].split()[:3] == ["-£1.00", "Total", "£9.99"]


def test_a_parcel_is_opened_at_the_door_and_its_questions_answered(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    one = back.asked(order, 2, cause=someone("service"))
    service, door = a_browser("service"), a_browser("supervisor")
    service.post(f"/returns/{one.return_id}/parcel/", {"tracking": "jd 7"})
    assert "Expected in JD7" in text_of(service.get(f"/returns/{one.return_id}/"))

    page = text_of(door.get("/returns/parcels/?tracking=jd7"))
    assert f"2 expected, {one.number} of" in page
    form = {"tracking": "jd7", "node": str(house.nodes[0]), f"units-{one.lines[0]}": "1", "other-1": "a sock",
            "other-units-1": "2", "condition": "wet"}  # fmt: skip
    assert said(door.post("/returns/parcels/receive/", form)) == [
        "The parcel is received.",
        (
            "1 kind of goods nobody announced is set aside. 1 unit that was announced is missing."
            " Customer service is asked."
        ),
    ]
    assert queries.return_(one.return_id).received == 1
    shown = text_of(service.get("/returns/parcels/"))
    assert "2 × a sock" in shown
    assert "Nobody can tell what it is" in shown
    (stray,) = parcel_queries.strays(COMPANY)
    refused = service.post(f"/returns/strays/{stray.id}/", {"outcome": "matched", "return": "RMA-1"})
    assert said(refused) == ["Say which return they belong to; RMA-1 is none."]
    assert f"It belongs to {one.number}" in text_of(service.get("/returns/parcels/"))
    service.post(f"/returns/strays/{stray.id}/", {"candidate": one.number, "reason": "", "return": ""})
    assert "Nothing is unexplained" in text_of(service.get("/returns/parcels/"))
    nothing = door.post("/returns/parcels/receive/", {"node": str(house.nodes[0])})
    assert "what was in the parcel" in said(nothing)[-1]
    assert "nothing is expected in it" in text_of(door.get("/returns/parcels/?tracking="))


def test_a_slip_opens_its_return_at_the_dock_and_a_second_scan_says_that_it_came(house: Floor):
    """Customers write the number of the return on their parcel, as they are told to, and lay the slip into it."""
    one = back.asked(sold(house, 1, (0, 2))[0], 2)
    door = a_browser("supervisor")
    address = f"/returns/parcels/?tracking={one.number.lower()}"
    page = text_of(door.get(address))
    assert f"2 expected, {one.number} of SO-" in page
    assert "was announced has come" not in page
    form = {"tracking": one.number.lower(), f"units-{one.lines[0]}": "2", "node": str(house.nodes[0])}
    assert said(door.post("/returns/parcels/receive/", form)) == ["The parcel is received."]
    again = text_of(door.get(address))
    assert "nothing is expected in it" in again
    assert re.search(rf"{one.number} received +What was announced has come: supervisor received it", again)


def test_a_return_that_nobody_agreed_to_is_told_at_the_dock(house: Floor):
    body = Admission((Rule("look first", answer="ask"),), business_tiers=("",))
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.authorization", body, NOW)])
    one = back.asked(sold(house, 1, (0, 1))[0], 1)
    assert one.state == "requested"
    page = text_of(a_browser("supervisor").get(f"/returns/parcels/?tracking={one.number}"))
    assert "Nobody has said yes to this return." in page


def test_the_station_shows_what_each_way_brings(house: Floor) -> None:
    ways = {"liquidate": Way({"C": 50}, fee_percent=10), "refurbish": Way({"C": 20})}
    kept = policies.SetPolicy(COMPANY, "returns.recovery", Recovery(("C",), ways), NOW)
    policies.set_policy(SYSTEM, requests=[kept])
    one = back.asked(sold(house, 1, (0, 1))[0], 1, cause=someone("service"))
    back.found(back.came(one, cause=someone("supervisor")), "C", cause=someone("inspector"))
    shown = text_of(a_browser("inspector").get("/returns/station/"))
    assert "Liquidate £5.00 £0.50 £0.00 £0.00 £4.50 Refurbish £2.00" in shown


def test_the_station_asks_what_the_checklist_says_keeps_photos_and_does_equal_units_in_one_go(
    house: Floor,
) -> None:
    questions = (
        checklists.Question("clean", "Is it clean?", caps={"no": "C"}, codes={"no": "dirty"}),
        checklists.Question("wear", "How worn is it?", "choice", ("none", "some"), caps={"some": "B"}),
        checklists.Question("length", "Length in mm", "number", least=90, most=110, required=False),
    )
    body = checklists.Checklists({"*": questions})
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.checklists", body, NOW)])
    made = [back.asked(order, 1, cause=someone("service")) for order in sold(house, 2, (0, 1))]
    (one, other) = back.came_all(made, cause=someone("supervisor"))
    inspector, supervisor = a_browser("inspector"), a_browser("supervisor")
    station = inspector.get("/returns/station/")
    assert [task.receipt for task in station.context["equal"]] == [other.receipt]
    shown = text_of(station)
    assert "Is it clean?" in shown
    assert "The same holds for 1 more return" in shown

    form = {"receipt": one.receipt, "units": "1", "grade": "", "equal": f"{other.receipt}/1", "all": "1"}
    missing = inspector.post("/returns/station/inspect/", form)
    assert "not answered: clean, wear" in said(missing)[0]
    form |= {"answer-clean": "no", "answer-wear": "some"}
    noted = inspector.post("/returns/station/inspect/", form)
    assert said(noted)[-1:] == ["Noted of 2 returns. Now decide what is done with them."]
    found = [queries.whole(each.return_id).inspections[0] for each in made]
    assert [(row.grade, row.codes) for row in found] == [("C", "dirty"), ("C", "dirty")]

    picture = SimpleUploadedFile("evil.html", base64.b64decode(PNG), "text/html")
    kept = inspector.post("/returns/station/photos/", {"inspection": found[0].id, "photos": picture})
    assert said(kept)[-1:] == ["1 photo is kept."]
    script = SimpleUploadedFile("photo.png", b"<script>alert(1)</script>", "image/png")
    refused = inspector.post("/returns/station/photos/", {"inspection": found[0].id, "photos": script})
    assert "expected a whole JPEG, PNG or WebP" in said(refused)[-1]
    (photo,) = queries.whole(made[0].return_id).inspections[0].photos
    answer = inspector.get(f"/returns/photos/{photo}/")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.content == base64.b64decode(PNG)
    assert inspector.get(f"/returns/photos/{made[0].return_id}/").status_code == 404
    assert f"/returns/photos/{photo}/" in inspector.get(f"/returns/{made[0].return_id}/").content.decode()

    assert "Something else is decided by a supervisor" in text_of(inspector.get("/returns/station/"))
    form = {"inspection": found[0].id, "disposition": "liquidate", "reason": "nobody mends these"}
    assert said(supervisor.post("/returns/station/override/", form))[-1:] == ["It is proposed instead."]
    assert "nobody mends these" in text_of(inspector.get(f"/returns/{made[0].return_id}/"))
    assert inspector.get("/returns/station/").context["equal"] == [], "another proposal is not alike"


def test_units_that_were_found_alike_are_put_away_in_one_go(house: Floor) -> None:
    made = [back.asked(order, 1, cause=someone("service")) for order in sold(house, 3, (0, 1))]
    came = back.came_all(made, cause=someone("supervisor"))
    (one, _), (other, _) = back.found(came[:2], "B", cause=someone("inspector"))
    back.found(came[2:], "D", cause=someone("inspector"))
    inspector = a_browser("inspector")
    station = inspector.get(f"/returns/station/?q={made[0].number}")
    assert [task.inspection for task in station.context["equal"]] == [other.inspection], "of the same grade"
    assert "And 1 more that was found alike" in text_of(station)
    form = {"inspection": one.inspection, "units": "1", "equal": f"{other.inspection}/1", "all": "1"}
    assert said(inspector.post("/returns/station/dispose/", form))[-1:] == [
        "Done with 2 returns. Put all of it there."
    ]
    done = [queries.whole(each.return_id).dispositions for each in made]
    assert [[row.quantity for row in rows] for rows in done] == [[1], [1], []]


def test_an_inspector_reads_what_was_found_in_his_language(house: Floor) -> None:
    """Why it came, what it is like and why that is proposed are sentences of the catalogs."""
    from django.utils.translation import override

    from docs import texts
    from entrepot.returns import recovery, rules
    from entrepot.returns.recovery import Sum
    from entrepot.web import reasons

    known = {message.id for message in texts.texts() if message.id}
    assert {one.says for one in rules.REASONS.values()} | {*rules.GRADES.values()} <= known
    sums = (Sum("second_grade", 5, 0, 0, 0, 5), Sum("return_to_vendor", 4, 0, 0, 0, 4))
    told = recovery.told(sums, f"grade B ({rules.GRADES['B']})")
    assert told == (
        "grade B (opened, complete and clean): second grade is expected to bring the most, before return to vendor"
    )
    assert told.says in known
    with override("en"):
        assert reasons.reason(told) == told


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_the_label_of_a_return_is_made_shown_and_voided(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2), address=back.HOME)
    one = back.asked(order, 2, reason="defective", cause=someone("service"))
    service, door = a_browser("service"), a_browser("supervisor")
    page, path = f"/returns/{one.return_id}/", f"/returns/{one.return_id}/label/"
    assert "Its customer was promised a label. There is none yet." in text_of(service.get(page))
    assert "Customer service makes its label." in text_of(door.get(page))
    assert said(service.post(path, {"service": "teleport"}))[0].startswith(
        f"No service takes return {one.number} back"
    )
    assert said(service.post(path))[-1] == "The label is made."
    shown = text_of(service.get(page))
    assert f"Post · slow · {one.number} · £3.00" in shown
    assert f"Expected in {one.number}" in shown
    pdf = service.get(f"{path}label.pdf")
    assert pdf.content[:5] == b"%PDF-"
    assert door.get(f"{path}label.pdf").status_code == 403
    assert "Label to print" not in text_of(door.get(page))
    assert said(service.post(f"{path}void/", {"reason": "he comes himself"}))[-1] == "The label is void."
    assert service.get(f"{path}label.pdf").status_code == 404
    assert "There is none yet." in text_of(service.get(page))


def test_a_label_that_its_carrier_sells_is_shown_as_far_as_it_is(house: Floor) -> None:
    """Nobody prints it before it is sold; what was not sold says why, and is asked for again."""
    slow = RegisterService(
        COMPANY, "Post", "slow", "Slow", 4, 30_000, "GBP", (("GB", "GB", "inland"),), (("inland", 30_000, 300),),
        live="easypost:Post Slow",
    )  # fmt: skip
    register_services(SYSTEM, requests=[slow])
    (order,) = sold(house, 1, (0, 2), address=back.HOME)
    one = back.asked(order, 2, reason="defective", cause=someone("service"))
    service = a_browser("service")
    page, path = f"/returns/{one.return_id}/", f"/returns/{one.return_id}/label/"
    assert said(service.post(path))[-1] == "The label is asked for at Post."
    assert "It is asked for at Post, who answers within a minute as a rule." in text_of(service.get(page))
    assert service.get(f"{path}label.pdf").status_code == 404

    def answered(**facts) -> None:
        found = label_queries.of_return(one.return_id)
        assert found
        told = RecordLabelPurchase(found.id, **facts)
        assert not isinstance(record_label_purchases(SYSTEM, requests=[told])[0], Refused)

    answered(outcome="fail", problem="no street")
    shown = text_of(service.get(page))
    assert "Post did not sell the label: no street. Ask again, or name another service." in shown
    assert f"Label {one.number} of return {one.number} with Post: no street" in shown
    service.post(path)
    answered(outcome="doubt", problem="too late")
    assert "I have looked: it was not bought" in text_of(service.get(page))
    assert "nobody knows whether it was bought" in said(service.post(path))[-1]
    service.post(f"{path}void/", {"reason": "we look into it"})
    assert "I have looked: it was not bought" in text_of(service.get(page)), "voided or not"
    assert said(service.post(path, {"not_bought": "yes"}))[-1] == "The label is asked for at Post."
    answered(outcome="buy", bought=Bought("s1", "T9", 250, "GBP", "data:application/pdf;base64,JVBERi0="))
    assert "Post · slow · T9 · £2.50" in text_of(service.get(page))
    pdf = service.get(f"{path}label.pdf")
    assert (pdf["Content-Type"], pdf.content) == ("application/pdf", b"%PDF-")


def test_a_label_says_whose_it_is_until_he_is_forgotten(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2), address=back.HOME)
    one = back.asked(order, 2, reason="defective", cause=someone("service"))
    make_labels(someone("service"), requests=[MakeLabel(one.return_id)])
    label = label_queries.of_return(one.return_id)
    assert label
    before = papers.return_label(label, ["Dock"])
    assert before.sender[:2] == [back.HOME.name, back.HOME.line1]
    assert papers.return_label_pdf(before).startswith(b"%PDF-")
    (person,) = sql.run("SELECT person_id FROM parties_address WHERE id = %(id)s", {"id": label.address})
    erase(SYSTEM, requests=[ErasePeople(person, (), (), (order,))])
    label = label_queries.of_return(one.return_id)
    assert label
    after = papers.return_label(label, ["Dock"])
    assert after.sender == ["GB"]
    assert papers.return_label_pdf(after).startswith(b"%PDF-")


def test_a_refund_is_told_from_its_request_to_the_books(house: Floor) -> None:
    row = waiting(house)
    approver = someone("books")
    (done,) = approve(approver, requests=[Approve(row.id, reason="seen and fine")])
    assert isinstance(done, Decided)
    found = trail.of_refund(COMPANY, row.id)
    assert found
    assert (found.number, found.state, found.total_minor) == (row.number, "paid", row.total_minor)
    assert [(one.actor, one.duty) for one in found.steps if one.kind == "refund"] == [
        ("service", ["request"]), ("books", ["approve"]),
    ]  # fmt: skip
    commands = [one.command for one in found.steps]
    for first, then in pairwise(
        (
            "returns.authorize",
            "returns.receive",
            "returns.inspect",
            "returns.refund",
            "returns.approve_refunds",
        )
    ):
        assert commands.index(first) < commands.index(then)
    assert "payments.refund" in commands
    by = {one.policy: (one.version, one.author) for one in found.decided}
    assert (by["returns"], by["returns.authorization"]) == ((1, "system:test"), (0, ""))
    assert all(one.because for one in found.decided if one.policy == "returns")
    assert {one.event for one in found.journal} == {"stock.return", "return", "payment.refunded"}
    assert sum(one.functional_minor for one in found.journal) == 0

    browser, address = a_browser("auditor"), f"/books/audit/refunds/{row.id}/"
    for other in (f"/books/audit/?subject={row.number}", f"/documents/{row.id}/"):
        assert f'href="{address}"' in browser.get(other).content.decode()
    shown = text_of(browser.get(address))
    assert f"Trail of {row.number}" in shown and "seen and fine" in shown and "version 1" in shown
    german = text_of(browser.get(address, headers={"Accept-Language": "de"}))
    assert "wieder einlagern" in german and ", restock" not in german
    rows = list(csv.DictReader(browser.get(address, {"format": "csv"}).content.decode().splitlines()))
    parts = [one["part"] for one in rows]
    lengths = [len(found.steps), len(found.decided), len(found.journal)]
    assert [parts.count(one) for one in ("step", "decision", "posting")] == lengths
    told = a_program(User.objects.get(username="auditor")).get(f"/api/v1/audit/refunds/{row.id}").json()
    assert [one["seq"] for one in told["steps"]] == [one.seq for one in found.steps]
    assert [one["version"] for one in told["decided"]] == [one.version for one in found.decided]
    assert browser.get(f"/books/audit/refunds/{row.return_id}/").status_code == 404


def test_returns_that_wait_for_an_answer_are_answered_together(house: Floor) -> None:
    body = Admission((Rule("look first", answer="ask"),), business_tiers=("",))
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.authorization", body, NOW)])
    one, two, three = (back.asked(order, 1) for order in sold(house, 3, (0, 1)))
    service = a_browser("service")
    assert "Take them back" not in text_of(service.get("/returns/"))
    shown = service.get("/returns/?state=requested")
    assert "Take them back" in text_of(shown) and shown.content.decode().count('name="return"') == 3
    address = "/returns/review/?state=requested"
    both = {"return": [str(one.return_id), str(two.return_id)]}
    refused = said(service.post(address, both | {"action": "decline"}))
    assert {text.partition(": ")[0] for text in refused} == {one.number, two.number}
    declined = said(service.post(address, both | {"action": "decline", "reason": "worn"}))
    assert declined[-1:] == ["2 returns are decided."]
    whole = {"all": a_house_code(), "action": "accept"}
    assert said(service.post(address, whole))[-1:] == ["The return is decided."]
    assert [queries.whole(each.return_id).head.state for each in (one, two, three)] == [
        "declined", "declined", "authorized",
    ]  # fmt: skip
    assert "may not do returns.review" in said(a_browser("auditor").post(address, both))[0]


def a_house_code() -> str:
    ((code,),) = sql.run("SELECT code FROM parties_company WHERE id = %(id)s", {"id": COMPANY})
    return str(code)
