"""What follows a disposition: on pages and for programs."""

from __future__ import annotations

import csv
import re
from base64 import b64encode
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.kernel.cause import Actor
from entrepot.returns import departure_queries, recovery_queries, work_order_queries
from entrepot.returns.commands.leave_departures import LeaveDeparture, leave_departures
from entrepot.returns.commands.open_departures import OpenDeparture, open_departures
from entrepot.returns.commands.settle_departures import SettleDeparture, settle_departures
from entrepot.returns.models import Disposition
from entrepot.settlement import invoice_queries, tasks
from entrepot.tax.commands.register import register_rates
from entrepot.tax.rules import RegisterRate
from entrepot.web import departure_paper
from entrepot.web.views import departures
from tests.asking import a_browser, a_program
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said, text_of
from tests.onward import JOBBER, a_vendor, disposed
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\nsigned\n%%EOF\n"


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 200)
    everybody()
    return house


def test_what_can_leave_together_stands_together(house: Floor) -> None:
    """A form as it is filled gathers what goes to one vendor: nobody has to pick out another's."""
    house.stock(1, 50)
    mine, other = disposed(house, "return_to_vendor", 3)[0], disposed(house, "return_to_vendor", 2, sku=1)[0]
    given = disposed(house, "donate", 1)[0]
    vendors = {0: a_vendor(house, 0, code="v"), 1: a_vendor(house, 1, code="w")}
    inspector = a_browser("inspector")
    page = inspector.get("/returns/departures/").content.decode()
    sections = re.findall(r'<section class="card list".*?</section>', page, re.DOTALL)
    assert len(sections) == 3, "two vendors, and what is given away"
    for which, vendor, foreign in ((mine, vendors[0], other), (other, vendors[1], mine)):
        (section,) = [one for one in sections if f"units-{which}" in one]
        assert f'value="{vendor}" selected' in section
        assert f"units-{foreign}" not in section and f"units-{given}" not in section
        (units,) = re.findall(rf'name="units-{which}"[^>]*value="(\d+)"', section)
        form = {"kind": "vendor_return", f"units-{which}": units, "supplier": str(vendor), "expected": ""}
        assert said(inspector.post("/returns/departures/gather/", form))[-1] == "They are gathered."
    assert len(departure_queries.departures(COMPANY)) == 2


def test_goods_are_returned_to_their_vendor_by_forms(house: Floor) -> None:
    (which,) = disposed(house, "return_to_vendor", 3)
    vendor = a_vendor(house, 0)
    inspector, books, auditor = map(a_browser, ("inspector", "books", "auditor"))
    page = text_of(inspector.get("/returns/departures/"))
    assert "Return to vendor" in page
    assert "SKU-000" in page
    assert "Goods that leave (1)" in text_of(books.get("/returns/recovery/"))

    form = {"kind": "vendor_return", f"units-{which}": "2", "supplier": "", "expected": "2.50"}
    refused = inspector.post("/returns/departures/gather/", form)
    assert "needs a supplier" in said(refused)[0]
    made = inspector.post("/returns/departures/gather/", form | {"supplier": str(vendor)})
    (one,) = departure_queries.departures(COMPANY)
    address = f"/returns/departures/{one.id}/"
    assert (made["Location"], said(made)[-1], one.expected_minor) == (address, "They are gathered.", 250)
    paper = inspector.get(f"{address}departure.pdf")
    assert paper.content.startswith(b"%PDF-")
    assert one.number in paper["Content-Disposition"]

    assert "sends it" in text_of(auditor.get(address))
    inspector.post(f"{address}leave/", {"amount": "much"})
    left = inspector.post(f"{address}leave/", {"amount": "", "reference": "RA 7"})
    assert said(left)[-1] == "The goods have left."
    assert "A controller notes what came." in text_of(inspector.get(address))
    owed = text_of(books.get("/returns/recovery/?kind=vendor_return"))
    assert one.number in owed
    assert "£2.50" in owed

    files = [SimpleUploadedFile("c.pdf", PDF), SimpleUploadedFile("c.html", b"<script>")]
    kept = books.post(f"{address}papers/", {"papers": files})
    assert said(kept)[0] == "1 file is kept."
    assert "a whole PDF" in said(kept)[1]
    many = [SimpleUploadedFile(f"{n}.pdf", PDF + b"%d" % n + b"%%EOF\n") for n in range(13)]
    kept = books.post(f"{address}papers/", {"papers": many})
    assert said(kept)[-1].startswith("At most 12 files are taken at once, and 13 were chosen.")
    (file,) = departure_queries.papers(one.id)
    shown = books.get(f"/returns/papers/{file.id}/")
    assert (shown.content, shown["Content-Disposition"].split(";")[0]) == (PDF, "attachment")
    assert "sandbox" in shown["Content-Security-Policy"]

    settled = f"{address}settle/"
    wrong = books.post(settled, {"answer": "all", "reference": "CN 1", "amount": "2.00"})
    assert "needs a reason" in said(wrong)[-1]
    part = books.post(settled, {"answer": "part", "reference": "CN 1", "amount": "1.00"})
    assert said(part)[-1] == "It is noted and posted."
    books.post(settled, {"answer": "nothing", "note": "one broke on the way"})
    told = text_of(books.get(address))
    assert "£1.50 of what was owed did not come" in told
    assert "Vendor return credits receivable" in told, "its entries are on its page"
    assert books.get(f"/documents/{one.id}/")["Location"] == address


def test_a_lot_is_sold_to_a_buyer_by_forms(house: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2020, 1, 1))
    register_rates(SYSTEM, requests=[rate])
    (which,) = disposed(house, "liquidate", 3)
    inspector, books = a_browser("inspector"), a_browser("books")
    page = text_of(inspector.get("/returns/departures/"))
    assert "Price expected without tax, in GBP" in page
    form = {"kind": "liquidation", f"units-{which}": "3", "expected": "3.60", **asdict(JOBBER)}
    refused = inspector.post("/returns/departures/gather/", form | {"country": "Britain"})
    assert "country" in said(refused)[0]
    assert "Jobber Ltd" in inspector.get("/returns/departures/").content.decode(), (
        "what was typed stands there"
    )
    inspector.post("/returns/departures/gather/", form | {"country": "gb"})
    (one,) = departure_queries.departures(COMPANY)
    address = f"/returns/departures/{one.id}/"
    assert "comes on top when the goods leave" in text_of(inspector.get(address))

    inspector.post(f"{address}leave/")
    assert "The invoice is written in a moment." in text_of(books.get(address))
    tasks.serve_invoice(SYSTEM, [one.id])
    told = text_of(books.get(address))
    for words in (
        "Jobber Ltd",
        "GB980780684",
        "Tax of £0.72: 20 % in GB.",
        f"INV-{NOW.year}-000001",
        "£4.32",
    ):
        assert words in told
    assert "Jobber Ltd" not in text_of(a_browser("auditor").get(address)), "the vault is not for all"
    with monkeypatch.context() as patched:
        patched.setattr(departure_paper, "pdf", lambda told, *_: told.receiver.encode())
        assert books.get(f"{address}departure.pdf").content == b"Jobber Ltd, 2 Quay, HU1 1AA Hull"
        assert a_browser("auditor").get(f"{address}departure.pdf").content == b"JOB"
    sums = departure_paper._sums(departure_queries.departure(COMPANY, one.id))
    assert [amount for _, amount in sums[:3]] == ["3.60 GBP", "0.72 GBP", "4.32 GBP"]
    (invoice,) = invoice_queries.documents(COMPANY, source=one.id)
    assert books.get(f"/books/invoices/{invoice.id}/invoice.pdf").content.startswith(b"%PDF-")
    assert one.number in books.get(f"/books/invoices/{invoice.id}/invoice.xml").content.decode()
    assert one.number in text_of(books.get("/books/invoices/"))

    less = {"answer": "agreed", "reference": "x", "amount": "3.60", "note": "a sixth was broken"}
    books.post(f"{address}settle/", less)
    tasks.serve_invoice(SYSTEM, [one.id])
    told = text_of(books.get(address))
    assert "£0.72 less by agreement, of them £0.12 of tax." in told
    assert f"CRN-{NOW.year}-000001" in told


def test_what_was_gathered_may_stay(house: Floor) -> None:
    (which,) = disposed(house, "donate", 1)
    inspector, supervisor = a_browser("inspector"), a_browser("supervisor")
    form = {"kind": "donation", f"units-{which}": "1", "receiver": "A charity"}
    inspector.post("/returns/departures/gather/", form)
    (one,) = departure_queries.departures(COMPANY)
    page = text_of(inspector.get(f"/returns/departures/{one.id}/"))
    assert "were written off when it was decided that these units leave" in page
    done = supervisor.post(f"/returns/departures/{one.id}/withdraw/", {"reason": "it was sold"})
    assert said(done) == ["The goods stay. Gather them anew."]
    assert "The goods stayed." in text_of(inspector.get(f"/returns/departures/{one.id}/"))
    assert inspector.get(f"/returns/departures/{which}/").status_code == 404


def test_units_are_refurbished_by_forms(house: Floor) -> None:
    (which,) = disposed(house, "refurbish", 3)
    inspector, supervisor = a_browser("inspector"), a_browser("supervisor")
    planned = inspector.post("/returns/work-orders/plan/", {f"units-{which}": "3", "plan": "New buttons"})
    assert said(planned) == ["1 work order is planned."]
    (one,) = work_order_queries.work_orders(COMPANY)
    address = f"/returns/work-orders/{one.id}/"
    assert said(inspector.post(f"{address}start/"))[-1] == "The work has begun."

    form = {"units-sellable": "1", "grade-sellable": "A", "units-second_grade": "1", "grade-second_grade": "B",
            "scrapped": "1", "parts": "0.50", "minutes": "5"}  # fmt: skip
    unknown = inspector.post(f"{address}finish/", form | {"sku-second_grade": "NONE"})
    assert said(unknown)[-1] == "There is no SKU NONE."
    few = inspector.post(f"{address}finish/", form | {"scrapped": "0"})
    assert "expected 3 units" in said(few)[-1]
    part = {"part-1": "SKU-002", "part-units-1": "2"}
    no_part = inspector.post(f"{address}finish/", form | part | {"part-2": "NONE", "part-units-2": "1"})
    assert said(no_part)[-1] == "There is no SKU NONE."
    house.stock(2, 1)
    few = inspector.post(f"{address}finish/", form | part | {"work_order": one.id.hex})
    again = inspector.get("/returns/work-orders/").content.decode()
    assert 'value="SKU-002"' in again, "what was filled in is still there"
    assert said(few)[-1].startswith("2 units of SKU-002 were used as parts, 1 are in stock there")
    house.stock(2, 1)
    done = inspector.post(f"{address}finish/", form | part | {"sku-second_grade": "SKU-001"})
    assert said(done)[-1] == "The work is done. Put them there."
    told = text_of(inspector.get("/returns/work-orders/"))
    assert "2 × SKU-002 used, from PICK · £2.00" in told
    assert "£3.00 £2.50 £2.50" in told, "worth, work, and what of it became value"
    assert "1 × SKU-001, Grade B" in told
    told = list(
        csv.DictReader(inspector.get("/returns/work-orders/?format=csv").content.decode().splitlines())
    )
    assert [(row["state"], row["value"], row["capitalized"]) for row in told] == [
        ("finished", "3.00", "2.50")
    ]

    (other,) = disposed(house, "refurbish", 1)
    supervisor.post("/returns/work-orders/plan/", {f"units-{other}": "1", "plan": "Mend it"})
    second = work_order_queries.work_orders(COMPANY)[0]
    gone = supervisor.post(f"/returns/work-orders/{second.id}/withdraw/", {"reason": "no parts"})
    assert said(gone)[-1] == "Nothing is done with them."


def test_what_waits_to_be_refurbished_stands_by_sku_and_node(house: Floor) -> None:
    """A form as it is filled plans what is worked on alike, and nothing else."""
    mug, other = disposed(house, "refurbish", 1, 2)
    house.stock(1, 5)
    (lamp,) = disposed(house, "refurbish", 1, sku=1)
    page = a_browser("inspector").get("/returns/work-orders/")
    groups = [[row.disposition for row in rows] for rows in page.context["groups"]]
    assert groups == [[mug, other], [lamp]]
    assert "No work order yet" in text_of(page)


def test_pages_of_what_is_owed_go_on_behind_the_last_also_where_that_was_paid(
    house: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departures, "RECOVERY_PAGE", 1)
    whiches = disposed(house, "return_to_vendor", 1, 1, 1)
    vendor = a_vendor(house, 0)
    wanted = [OpenDeparture(COMPANY, "vendor_return", ((one, 1),), vendor) for one in whiches]
    opened = open_departures(SYSTEM, requests=wanted)
    days = ("2026-12-01", "2026-12-01", "2026-12-24")
    leave_departures(
        SYSTEM,
        requests=[
            LeaveDeparture(one.departure, 100, date.fromisoformat(day))
            for one, day in zip(opened, days, strict=True)
        ],
    )
    books, numbers, address = a_browser("books"), [], "/returns/recovery/"
    for _ in range(3):
        page = books.get(address).content.decode()
        numbers += re.findall(r'class="two"><a href="/returns/departures/[^"]+">([^<]+)</a>', page)
        behind = re.search(r'href="(\?after=[^"]+)"', page)
        address = f"/returns/recovery/{behind[1]}" if behind else ""
    assert sorted(numbers) == sorted(one.number for one in opened) and not address
    assert numbers[-1] == opened[2].number
    paid = recovery_queries.owed(COMPANY, NOW)[0]
    behind_it = recovery_queries.owed(
        COMPANY, NOW, after=recovery_queries.Place(paid.due_on, paid.since, paid.id)
    )
    somebody_else = replace(SYSTEM, actor=Actor("cleo", everything=True))
    settle_departures(somebody_else, requests=[SettleDeparture(paid.id, reference="CN 1")])
    left = recovery_queries.owed(COMPANY, NOW, after=recovery_queries.Place(paid.due_on, paid.since, paid.id))
    assert left == behind_it and len(left) == 2
    (head, *rows) = csv.reader(books.get("/returns/recovery/?format=csv").content.decode().splitlines())
    assert [row[head.index("number")] for row in rows] == numbers[1:]


def test_programs_send_goods_on_and_take_the_money(house: Floor) -> None:
    people = {one.username: one for one in User.objects.all()}
    floor, books = a_program(people["inspector"]), a_program(people["books"])
    (lot,) = disposed(house, "liquidate", 2)
    assert [one["units"] for one in floor.get("/api/v1/returns/onward").json()] == [2]
    body = {
        "kind": "liquidation",
        "items": [{"disposition": str(lot), "quantity": 2}],
        "buyer": asdict(JOBBER),
    }
    made = floor.post("/api/v1/returns/departures", body, again="1").json()
    which = made["departure"]
    again = floor.post("/api/v1/returns/departures", body, again="2")
    assert is_problem(again, 409, "returns.more_than_waits")
    left = floor.post(
        "/api/v1/returns/departures/leave", {"departure": which, "amount_minor": 150}, again="3"
    )
    assert (left.json()["value_minor"], left.json()["tax_minor"]) == (200, 0)
    (owed,) = books.get("/api/v1/returns/recovery?kind=liquidation").json()
    assert (owed["number"], owed["owed_minor"]) == (made["number"], 150)
    paper = {"departure": which, "content": b64encode(PDF).decode()}
    assert len(books.post("/api/v1/returns/departures/papers", paper, again="4").json()["digest"]) == 64
    no = floor.post("/api/v1/returns/departures/settle", {"departure": which, "reference": "x"}, again="5")
    assert is_problem(no, 403, "kernel.not_permitted")
    invoice = books.post("/api/v1/invoices", {"source": which}, again="7").json()["numbers"]
    less = {"departure": which, "amount_minor": 100, "reference": "x", "note": "one broke", "agreed": True}
    paid = books.post("/api/v1/returns/departures/settle", less, again="6")
    assert (paid.json()["state"], paid.json()["difference_minor"]) == ("settled", -50)
    note = books.post("/api/v1/invoices", {"source": which}, again="8").json()["numbers"][-1]
    whole = books.get(f"/api/v1/returns/departures/{which}").json()
    assert [(one["number"], one["total_minor"]) for one in whole["invoices"]] == [
        (note, 50),
        (invoice[0], 150),
    ]
    assert (whole["departure"]["reduced_minor"], whole["departure"]["buyer_country"]) == (50, "GB")
    assert (whole["items"][0]["quantity"], whole["papers"][0]["kind"]) == (2, "pdf")
    assert books.get("/api/v1/returns/departures?state=settled").json()["items"][0]["id"] == which
    assert is_problem(books.get(f"/api/v1/returns/departures/{lot}"), 404, "kernel.not_found")
    assert recovery_queries.owed(COMPANY, NOW) == []


def test_programs_refurbish(house: Floor) -> None:
    people = {one.username: one for one in User.objects.all()}
    floor, supervisor = a_program(people["inspector"]), a_program(people["supervisor"])
    first, second = disposed(house, "refurbish", 2, 1)
    body = [
        {"disposition": str(which), "quantity": n, "plan": "mend"} for which, n in ((first, 2), (second, 1))
    ]
    one, two = (
        made["work_order"] for made in floor.post("/api/v1/returns/work-orders", body, again="1").json()
    )
    floor.post("/api/v1/returns/work-orders/start", {"work_order": one}, again="2")
    house.stock(1, 1)
    end = {"work_order": one, "outcomes": [{"quantity": 1, "grade": "A"}], "scrapped": 1, "parts_minor": 30,
           "parts": [{"sku": "SKU-001", "bin": "PICK", "quantity": 1}]}  # fmt: skip
    done = floor.post("/api/v1/returns/work-orders/finish", end, again="3").json()
    assert (done["cost_minor"], done["capitalized_minor"]) == (130, 130)
    drop = {"work_order": two, "reason": "no parts"}
    assert (
        supervisor.post("/api/v1/returns/work-orders/withdraw", drop, again="4").json()["work_order"] == two
    )
    states = [w["state"] for w in floor.get("/api/v1/returns/work-orders").json()["items"]]
    assert sorted(states) == ["finished", "withdrawn"]


@pytest.mark.parametrize("kind", departure_paper.TITLES)
def test_every_kind_has_its_paper(kind: str) -> None:
    key = UUID(int=1)
    row = departure_queries.DepartureRow(
        key, "X-1", kind, "gone", "N1", "Žofia & Co", None, "GBP", 2, 250, 300, 250, 0, NOW.date(), "RA", "",
        "ann", NOW, "ann", NOW, None,
    )  # fmt: skip
    item = departure_queries.ItemRow(
        key, key, "RMA-1", "SKU-000", "Thing", "Q", "", "S1", 2, 300, "C", "torn"
    )
    assert departure_paper.pdf(row, [item] * 80, "Test Ltd").startswith(b"%PDF-")
    told = departure_paper._sums(row)[0]
    assert ("3.00" in told[1]) == (kind in ("donation", "disposal")), "what goods were worth is nobody else's"


def test_second_grade_is_named_and_decided_about_again_on_pages(house: Floor) -> None:
    (which,) = disposed(house, "second_grade", 3)
    lead, sku = a_browser("lead"), house.skus[0]
    before = text_of(lead.get("/returns/departures/"))
    assert "Second grade that is not sold yet" in before and "Name a SKU for it" in before
    again = {f"units-{which}": "1", "instead": "second_grade", "reason": "so"}
    assert "is sold as no other SKU" in said(lead.post("/returns/departures/again/", again))[-1]
    form = {"grade": "C", "into": "SKU-001"}
    assert said(lead.post(f"/stock/{sku}/second-grade/", form))[-1:] == ["Second grade is set."]
    assert "SKU-001" in text_of(lead.get(f"/stock/{sku}/"))
    assert said(lead.post("/returns/departures/again/", again))[-1:] == ["It is decided."]
    (of,) = Disposition.objects.filter(id=which).values_list("return_id", flat=True)
    assert "1 sold as SKU-001 (C)" in text_of(lead.get(f"/returns/{of}/"))
    donate = again | {"instead": "donate"}
    assert said(lead.post("/returns/departures/again/", donate))[-1:] == ["It is decided."]
    assert [(one.kind, one.units) for one in departure_queries.waiting(COMPANY)] == [
        ("second_grade", 1),
        ("donate", 1),
    ]


def test_programs_name_second_grade_and_decide_again(house: Floor) -> None:
    (which,) = disposed(house, "second_grade", 3)
    lead = a_program(User.objects.get(username="lead"))
    body = {
        "disposition": str(which),
        "quantity": 1,
        "instead": "second_grade",
        "reason": "so",
        "bin": "PICK",
    }
    refused = lead.post("/api/v1/returns/dispositions/again", body, again="1")
    assert is_problem(refused, 409, "returns.no_second_grade")
    named = lead.post(
        "/api/v1/returns/second-grade", {"sku": "SKU-000", "grade": "C", "into": "SKU-001"}, again="2"
    )
    assert named.json()["into"] == str(house.skus[1])
    (row,) = lead.get("/api/v1/returns/second-grade?sku=SKU-000").json()
    assert (row["grade"], row["into_code"]) == ("C", "SKU-001")
    done = lead.post("/api/v1/returns/dispositions/again", body, again="3").json()
    assert (done["disposition_id"], done["value_minor"]) == (str(which), 100)
    (left,) = lead.get("/api/v1/returns/onward?disposition=second_grade").json()
    assert left["units"] == 2
