"""Pages of the controller: payouts to explain, and credits that need a second person."""

from __future__ import annotations

import html
import re
from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.kernel import sql
from entrepot.orders.commands.credit import CreditItem, CreditWithoutSale, credit
from entrepot.settlement import bank_queries
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.walk import a_house


@pytest.fixture(autouse=True)
def house(db: None) -> Floor:
    from tests.shop import everybody

    house = a_house()
    everybody()
    return house


def test_a_line_that_nobody_knows_is_shown_and_explained() -> None:
    from tests.asking import a_browser

    report = TakePayout(COMPANY, "fake", "po_1", "GBP", 950, (PayoutLine("charge", "ch_9", 1000, 50),))
    (taken,) = take_payouts(SYSTEM, requests=[report])
    books, auditor = a_browser("books"), a_browser("auditor")

    page = auditor.get("/books/payouts/").content.decode()
    assert "no charge is known under ch_9" in page
    assert "A controller explains it." in page
    auditor.post("/books/payouts/explain/", {"payout": str(taken.payout), "line": "1", "reason": "mine"})
    assert balance(1100) == -1000, "an auditor changes nothing"
    books.post(
        "/books/payouts/explain/", {"payout": str(taken.payout), "line": "1", "reason": "of last year"}
    )

    assert balance(1100) == 0
    assert "ch_9" not in books.get("/books/payouts/").content.decode()


REPORT = """Type,Transaction ID,Gross,Fee
Charge,ch_9,10.00,0.50
Refund,re_7,-2.00,
Service fee,,-1.00,
"""


def upload(browser, text: str, **fields: str):
    from django.core.files.uploadedfile import SimpleUploadedFile

    told = {
        "provider": "market",
        "external_id": "P-1",
        "currency": "GBP",
        "net": "6.50",
        "do": "look",
    } | fields
    file = SimpleUploadedFile("report.csv", text.encode(), "text/csv")
    return browser.post("/books/payouts/take/", told | {"file": file})


def payouts_booked() -> list[tuple[object, ...]]:
    return sql.run(
        "SELECT external_id, net_minor, state, arrived_at::date FROM settlement_payout ORDER BY id"
    )


def test_a_report_is_looked_at_and_then_taken_in() -> None:
    from tests.asking import a_browser

    books = a_browser("books")
    page = upload(books, REPORT, day="2026-11-20").content.decode()
    assert "1 line is matched" in page and "2 lines have to be explained" in page
    assert "no charge is known under ch_9" in page and "Nothing is booked yet." in page
    assert payouts_booked() == [] and balance(1000) == 0
    assert sql.run("SELECT count(*) FROM work_item") == [(0,)]

    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    held = page.partition('<textarea name="text" hidden aria-hidden="true">')[2].partition("</textarea>")[0]
    fields["text"] = html.unescape(held)
    books.post("/books/payouts/take/", {name: html.unescape(text) for name, text in fields.items()})
    assert payouts_booked() == [("P-1", 650, "open", date(2026, 11, 20))]
    assert balance(1000) == 650
    again = upload(books, REPORT).content.decode()
    assert "was taken in before, as" in again and "Nothing is booked yet" not in again


def test_a_report_that_is_wrong_is_refused_with_its_line() -> None:
    from tests.asking import a_browser
    from tests.http.test_returns_pages import said

    books = a_browser("books")
    assert "Line 2, kind: expected one of charge" in said(upload(books, "kind,amount\nBonus,1.00\n"))[-1]
    assert "no such column; the file has a, b" in said(upload(books, "a,b\n1,2\n"))[-1]
    assert "9.99 GBP" in said(upload(books, REPORT, net="9.99"))[-1]
    assert "Say who paid out" in said(upload(books, REPORT, currency="QQQ"))[-1]
    assert "The file can't be read" in said(upload(books, '{"data": []}'))[-1]
    assert "may not do settlement.take_payouts" in said(upload(a_browser("lead"), REPORT))[-1]
    assert "Choose the file" in said(books.post("/books/payouts/take/", {"do": "look"}))[-1]
    assert payouts_booked() == []


def test_a_credit_waits_on_the_page_for_somebody_else() -> None:
    from tests.asking import a_browser

    wanted = CreditWithoutSale(
        COMPANY, "shop", "C1", (CreditItem("goods", "SKU-000", 1, Decimal("10.00")),), "GBP"
    )
    (entered,) = credit(SYSTEM, requests=[wanted])
    books = a_browser("books")
    assert entered.number in books.get("/returns/refunds/").content.decode()

    books.post("/returns/credits/decide/", {"credit": str(entered.credit), "action": "reject"})
    assert sql.run("SELECT state FROM orders_credit") == [("waiting",)], "to reject needs a reason"
    books.post("/returns/credits/decide/", {"credit": str(entered.credit), "action": "approve"})

    assert sql.run("SELECT state, decided_by FROM orders_credit") == [("unmatched", "books")]
    assert balance(2300) == -1000


def test_a_payout_of_stripe_is_taken_item_by_item() -> None:
    from entrepot.kernel import ids
    from tests.asking import a_program
    from tests.rules.test_stripe_report import ROWS, told
    from tests.shop import a_person

    program = a_program(a_person("bookkeeper", "controller"))
    body = {"transactions": told(ROWS)}
    taken = program.post("/api/v1/payouts/stripe", body, again=str(ids.uuid7())).json()
    assert (taken["state"], taken["open_lines"], taken["fresh"]) == ("open", 4, True)
    assert program.post("/api/v1/payouts/stripe", body, again=str(ids.uuid7())).json()["fresh"] is False
    broken = {"transactions": told(ROWS[1:])}
    refused = program.post("/api/v1/payouts/stripe", broken, again=str(ids.uuid7()))
    assert refused.status_code == 422
    assert "type payout" in str(refused.json())


def test_a_payout_of_a_marketplace_is_taken_with_what_it_holds_back() -> None:
    from entrepot.kernel import ids
    from tests.asking import a_browser, a_program
    from tests.shop import a_person

    person = a_person("bookkeeper", "controller")
    program = a_program(person)
    body = {
        "provider": "market", "external_id": "S-1", "currency": "GBP", "net_minor": 6_900,
        "lines": [
            {"kind": "charge", "reference": "ch_1", "amount_minor": 10_000, "fee_minor": 100},
            {"kind": "reserve_held", "amount_minor": 3_000},
        ],
    }  # fmt: skip
    taken = program.post("/api/v1/payouts", body, again=str(ids.uuid7())).json()
    assert (taken["state"], taken["open_lines"], taken["fresh"]) == ("open", 1, True)
    assert program.get("/api/v1/payouts/reserves").json() == [
        {"provider": "market", "currency": "GBP", "reserve_minor": 3_000}
    ]
    shown = a_browser("bookkeeper").get("/books/payouts/").content.decode()
    assert "Held back by providers" in shown
    assert "£30.00" in shown
    for wrong in ({"net_minor": 1}, {"lines": []}, {"lines": [{"kind": "gift", "amount_minor": 1}]}):
        refused = program.post(
            "/api/v1/payouts", body | wrong | {"external_id": "S-2"}, again=str(ids.uuid7())
        )
        assert refused.status_code == 422, wrong


def test_an_order_of_amazon_is_found_by_its_name_there_in_the_report_of_its_payout(house: Floor) -> None:
    """Two units at 9.99 leave in one parcel, one comes back: nobody asks Amazon, and its report settles both."""
    from entrepot.kernel import ids
    from entrepot.orders.commands.place import PaymentGiven
    from entrepot.returns.commands.refund import Refund, refund
    from entrepot.settlement import queries
    from tests.asking import a_browser, a_program
    from tests.back import ASKS, asked, back, policy, sold
    from tests.rules.test_payout_reports import amazon
    from tests.shop import a_person

    house.stock(0, 10)
    policy(approve_above_minor=None)
    paid = PaymentGiven("amazon", "026-1234567-1234567", 1_998, NOW)
    (order,) = sold(house, 1, (0, 2), payment=paid)
    one = asked(order, 1)
    back(one)
    (refunded,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert (refunded.state, balance(1100)) == ("paid", 999)
    assert sql.run("SELECT DISTINCT state, provider_reference FROM payments_attempt") == [
        ("done", "026-1234567-1234567")
    ]

    report = amazon(
        "-11.56",
        ("Order", "026-1234567-1234567", "S1", "ItemPrice", "Principal", "19.98"),
        ("Order", "026-1234567-1234567", "S1", "ItemFees", "Commission", "-3.00"),
        ("Refund", "026-1234567-1234567", "A1", "ItemPrice", "Principal", "-9.99"),
        ("Refund", "026-1234567-1234567", "A1", "ItemFees", "Commission", "1.45"),
        ("other-transaction", "", "", "other-transaction", "Current Reserve Amount", "-20.00"),
    )
    books = a_browser("books")
    page = upload(books, report, provider="", external_id="", currency="", net="").content.decode()
    assert "3 lines are matched" in page
    program = a_program(a_person("bookkeeper", "controller"))
    body = {"report": report}
    taken = program.post("/api/v1/payouts/reports", body, again=str(ids.uuid7())).json()
    assert (taken["state"], taken["open_lines"], taken["fresh"]) == ("matched", 0, True)
    assert program.post("/api/v1/payouts/reports", body, again=str(ids.uuid7())).json()["fresh"] is False
    assert (balance(1100), balance(1000), balance(1120), balance(5200)) == (0, -1_156, 2_000, 155)
    assert queries.discrepancies() == []
    for wrong in ("kind,amount\n", report.replace("19.98", "19.99")):
        refused = program.post("/api/v1/payouts/reports", {"report": wrong}, again=str(ids.uuid7()))
        assert refused.status_code == 422, wrong


def test_an_order_that_is_paid_in_part_is_offered_with_what_is_open_of_it(house: Floor):
    from tests.asking import a_browser
    from tests.back import sold
    from tests.http.test_packing import said

    house.stock(0, 10)
    (order,) = sold(house, 1, (0, 1))
    ((number,),) = sql.run("SELECT number FROM orders_order")
    page = a_browser("books")
    text = f"date,amount,description\n{NOW.date()},5.00,half of {number}\n{NOW.date()},-5.00,{number}\n"
    file = SimpleUploadedFile("statement", text.encode())
    page.post("/books/bank/take/", {"file": file, "account": "A", "external_id": "1"})
    shown = re.sub(r"<svg.*?</svg>", "", page.get("/books/bank/").content.decode(), flags=re.DOTALL)
    assert re.findall(r'name="known" value="([^"]+)">\s*It is (\S+) \(([^)]+)\)', shown) == [
        (str(order), number, "£9.99")
    ]
    line = next(one for one in bank_queries.lines(COMPANY, waiting=True) if one.amount_minor == 500)
    form = {"statement": line.statement, "line": line.number, "known": order}
    assert said(page.post("/books/bank/decide/", form)) == ["The line is decided."]
    assert [one.amount_minor for one in bank_queries.expected(COMPANY)] == [499]


def test_a_line_of_a_payout_is_looked_for_split_and_matched_on_its_page_and_by_programs(house: Floor):
    from entrepot.kernel import ids
    from entrepot.orders.commands.place import PaymentGiven
    from tests.asking import a_browser, a_program
    from tests.back import sold
    from tests.commands.test_settlement import answered
    from tests.http.test_packing import said
    from tests.shop import a_person

    house.stock(0, 10)
    sold(house, 1, (0, 1), payment=PaymentGiven("fake", "auth_1", 20_000, NOW))
    sold(house, 1, (0, 2), payment=PaymentGiven("fake", "auth_2", 20_000, NOW))
    ((one, first), (two, second)) = sql.run(
        "SELECT p.id, o.number FROM payments_payment AS p JOIN orders_order AS o ON o.id = p.order_id ORDER BY p.id"
    )
    answered(one, "ch_1")
    answered(two, "ch_2")
    report = TakePayout(COMPANY, "fake", "po_1", "GBP", 2_997, (PayoutLine("charge", "batch", 2_997),))
    (taken,) = take_payouts(SYSTEM, requests=[report])
    where, books = f"/books/payouts/{taken.payout}/1/", a_browser("books")
    assert "Nothing fits" in books.get(where).content.decode()
    assert first in books.get(f"{where}?q={first}").content.decode()
    assert second in books.get(f"{where}?q=19.98").content.decode()
    assert "It is this" not in a_browser("auditor").get(f"{where}?q={first}").content.decode()
    assert books.get(f"/books/payouts/{taken.payout}/9/").status_code == 404

    form = {"payout": taken.payout, "line": 1}
    told = said(books.post("/books/payouts/split/", form | {"amounts": "9.99\nten"}))
    assert told == ["An amount in GBP is expected on each line, found ten."]
    assert said(books.post("/books/payouts/split/", form | {"amounts": "9.99\n19.98"})) == [
        "The line is split; its parts wait."
    ]
    assert "It is ch_1" in html.unescape(
        re.sub(r"<svg.*?</svg>", "", books.get("/books/payouts/").content.decode())
    )
    attempts = dict(sql.run("SELECT provider_reference, id FROM payments_attempt"))
    assert said(books.post("/books/payouts/match/", form | {"known": attempts["ch_1"]})) == [
        "The line is matched."
    ]

    program = a_program(a_person("bookkeeper", "controller"))
    fits = program.get(f"/api/v1/payouts/{taken.payout}/lines/2/fits").json()
    assert [(fit["reference"], fit["order_number"]) for fit in fits] == [("ch_2", second)]
    assert program.get(f"/api/v1/payouts/{taken.payout}/lines/7/fits").status_code == 404
    body = {"payout": str(taken.payout), "line": 2}
    split = program.post(
        "/api/v1/payouts/lines/split", body | {"amounts_minor": [1_998]}, again=str(ids.uuid7())
    )
    assert split.json() == {"payout": str(taken.payout), "lines": [2]}
    done = program.post(
        "/api/v1/payouts/lines/explain", body | {"known": fits[0]["id"]}, again=str(ids.uuid7())
    )
    assert done.json() == {"payout": str(taken.payout), "state": "matched"}
    assert balance(1100) == 0


def test_what_a_line_of_the_bank_is_is_looked_for_by_name_and_amount(house: Floor):
    from tests.asking import a_browser, a_program
    from tests.back import sold
    from tests.http.test_packing import said
    from tests.shop import a_person

    house.stock(0, 10)
    (order,) = sold(house, 1, (0, 1))
    ((number,),) = sql.run("SELECT number FROM orders_order")
    report = TakePayout(COMPANY, "fake", "Acme-77", "GBP", -500, (PayoutLine("fee", "", 0, 500),))
    (payout,) = take_payouts(SYSTEM, requests=[report])
    books, text = a_browser("books"), f"date,amount,description\n{NOW.date()},9.99,thanks\n"
    file = SimpleUploadedFile("statement", text.encode())
    books.post("/books/bank/take/", {"file": file, "account": "A", "external_id": "1"})
    (line,) = bank_queries.lines(COMPANY, waiting=True)
    where = f"/books/bank/{line.statement}/1/"
    assert number in books.get(where).content.decode(), "over its amount"
    shown = books.get(f"{where}?q=acme").content.decode()
    assert payout.number in shown and "split the line first" in shown and number not in shown
    assert number in books.get(f"{where}?q=9.99").content.decode()
    assert payout.number in books.get(f"{where}?q=-5.00").content.decode()
    assert "Nothing fits" in books.get(f"{where}?q=nobody").content.decode()
    assert books.get(f"/books/bank/{line.statement}/2/").status_code == 404

    program = a_program(a_person("bookkeeper", "controller"))
    found = program.get(f"/api/v1/bank-lines/{line.statement}/1/fits?said={number}").json()
    assert [(one["kind"], one["id"], one["amount_minor"]) for one in found] == [("order", str(order), 999)]
    assert program.get(f"/api/v1/bank-lines/{line.statement}/1/fits").json() == found
    assert program.get(f"/api/v1/bank-lines/{line.statement}/2/fits").status_code == 404
    form = {"statement": line.statement, "line": 1, "known": order, "amount_minor": 999}
    assert said(books.post("/books/bank/decide/", form)) == ["The line is decided."]
