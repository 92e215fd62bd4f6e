"""An order in currencies without minor units, and with three digits of them, from its payment to the bank statement."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from entrepot.insight import verify
from entrepot.kernel import money, relay, sql
from entrepot.orders.commands.place import OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.payments import queries as payments
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.tasks import serve_refund
from entrepot.settlement import bank_files, invoice_queries, stripe_report, tasks, ubl
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.commands.take_statements import TakeStatement, take_statements
from entrepot.web import invoice_paper
from tests.asking import a_browser
from tests.back import ASKS, HOME, asked, back, no_consumers, policy
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.http.test_returns_pages import text_of
from tests.imitation import Imitation, an_imitation
from tests.rules.test_stripe_report import row, told
from tests.shop import everybody
from tests.stripe import answers
from tests.walk import a_house, shipped

pytestmark = pytest.mark.django_db

MONEYS = [("JPY", "1250", 1), ("XOF", "1250", 1), ("UGX", "1250", 100), ("KWD", "12.500", 1)]
"""A currency, the price of a unit, and by how much Stripe counts more."""


@pytest.fixture
def stripe(settings: Any) -> Iterator[Imitation]:
    with an_imitation(answers) as imitation:
        settings.STRIPE_KEY, settings.STRIPE_URL = "sk_test", imitation.url
        yield imitation


def a_house_in(currency: str) -> Floor:
    """A house whose own currency it is."""
    house = a_house()
    for table in ("parties_company", "network_channel", "carriage_rate"):
        sql.run(f"UPDATE {table} SET currency = %(currency)s", {"currency": currency})
    house.stock(0, 50)
    return house


def camt(currency: str, payout: str, amount: str) -> bytes:
    def said(value: str) -> str:
        return f'<Amt Ccy="{currency}">{value}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'

    def stands(code: str, value: str) -> str:
        return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{said(value)}</Bal>"

    return f"""<Document><BkToCstmrStmt><Stmt><Id>S1</Id><Acct><Id><IBAN>JP33</IBAN></Id></Acct>
      {stands("OPBD", "0")}{stands("CLBD", amount)}
      <Ntry>{said(amount)}<Sts>BOOK</Sts><BookgDt><Dt>{NOW:%Y-%m-%d}</Dt></BookgDt>
      <NtryRef>B1</NtryRef><NtryDtls><TxDtls><RmtInf><Ustrd>{payout}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
      </Stmt></BkToCstmrStmt></Document>""".encode()


@pytest.mark.parametrize(("currency", "price", "more"), MONEYS)
def test_an_order_is_paid_sent_invoiced_refunded_and_reconciled_in_its_own_units(
    db: None, stripe: Imitation, currency: str, price: str, more: int
) -> None:
    """Three units at 1250 (12.500), each a tenth off and with as much tax, and carriage of two tenths: all are paid,
    one comes back less a fee of 20 % of what it cost without tax."""
    house, unit = a_house_in(currency), money.extend(1, Decimal(price), currency)
    tenth = unit // 10
    policy(fee_percent=20, approve_above_minor=None)
    no_consumers()
    total = 3 * unit + 2 * tenth
    order = an_order(house, currency, price, total, discount=3 * tenth, tax=3 * tenth, shipping=2 * tenth)
    (shipment,) = shipped(order)
    relay.relay_once(DESTINATIONS)
    assert stripe.asked[-1][1]["amount_to_capture"] == str(total * more)
    assert (balance(1100), -balance(2200)) == (total, 3 * tenth)

    invoice = documents(shipment)[0]
    assert (invoice.total_minor, invoice.tax_minor, invoice.currency) == (total, 3 * tenth, currency)
    xml_says(invoice, currency, total)

    refunded = a_refund(order)
    assert refunded.total_minor == unit - (unit - tenth) // 5
    relay.relay_once(DESTINATIONS)
    assert stripe.asked[-1][1]["amount"] == str(refunded.total_minor * more)
    (payment,) = payments.of_order(order)
    assert (payment.captured_minor, payment.refunded_minor) == (total, refunded.total_minor)
    serve_refund(SYSTEM, [order])
    note = documents(refunded.refund)[0]
    xml_says(note, currency, refunded.total_minor)

    pays_out(currency, total, refunded.total_minor, more)
    assert balance(1100) == 0
    pages_say(order, currency, total, refunded)
    assert verify.discrepancies() == []


def test_shares_between_the_steps_of_stripe_end_at_what_was_paid(db: None, stripe: Imitation) -> None:
    """Three units for 10.000 KWD: each is 3.333 or 3.334, and Stripe knows no third digit. One comes back, then both
    others; what its payout says otherwise meanwhile is a rounding in the books, and nobody is asked."""
    house = a_house_in("KWD")
    policy(approve_above_minor=None)
    no_consumers()
    order = an_order(house, "KWD", "3.500", 10_000, discount=500)
    shipped(order)
    relay.relay_once(DESTINATIONS)
    assert stripe.asked[-1][1]["amount_to_capture"] == "10000"

    first = a_refund(order)
    assert first.total_minor in (3_333, 3_334)
    relay.relay_once(DESTINATIONS)
    assert stripe.asked[-1][1]["amount"] == "3330"
    pays_out("KWD", 10_000, 3_330, 1)
    ((line, reason),) = sql.run("SELECT state, reason FROM settlement_payoutline WHERE kind = 'refund'")
    assert (line, "steps of 0.010" in reason) == ("explained", True)
    assert (balance(1100), balance(5210)) == (0, 3_330 - first.total_minor)
    assert verify.discrepancies() == []

    second = asked(order, 2)
    back(second)
    (rest,) = refund(ASKS, requests=[Refund(second.return_id)])
    assert isinstance(rest, Refunded)
    assert rest.total_minor == 10_000 - first.total_minor
    relay.relay_once(DESTINATIONS)
    assert stripe.asked[-1][1]["amount"] == "6670", "what was captured, and no more"
    (payment,) = payments.of_order(order)
    assert (payment.refunded_minor, payment.state) == (10_000, "refunded")
    assert verify.discrepancies() == []


def an_order(house: Floor, currency: str, price: str, total: int, **amounts: int) -> UUID:
    facts = {f"{name}_minor": amount for name, amount in amounts.items()}
    request = PlaceOrder(
        COMPANY, "shop", "T-1", (OrderLine(house.codes[0], 3, Decimal(price)),), currency, country="GB",
        postal_code="SW1A 1AA", address=HOME, payment=PaymentGiven("stripe", "pi_1", total, NOW), **facts,
    )  # fmt: skip
    (one,) = place(SYSTEM, requests=[request])
    assert isinstance(one, Placed), one
    return one.order


def a_refund(order: UUID) -> Refunded:
    one = asked(order, 1)
    back(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert isinstance(answer, Refunded), answer
    return answer


def documents(source: UUID) -> list[invoice_queries.DocumentRow]:
    tasks.serve_invoice(SYSTEM, [source])
    return invoice_queries.documents(COMPANY, source=source)


def xml_says(document: invoice_queries.DocumentRow, currency: str, total: int) -> None:
    paper = invoice_queries.paper(document)
    assert invoice_paper.pdf(paper).startswith(b"%PDF-")
    root = ET.fromstring(ubl.render(paper))
    (said,) = [one for one in root.iter() if one.tag.endswith("}TaxInclusiveAmount")]
    # The norm takes two decimals at most: of three the last is none here.
    digits = min(2, money.exponent(currency))
    assert said.text == money.with_digits(total // 10 ** (money.exponent(currency) - digits), digits)
    assert said.get("currencyID") == currency
    assert {one.get("currencyID") for one in root.iter() if one.get("currencyID")} == {currency}


def pays_out(currency: str, captured: int, refunded: int, more: int) -> None:
    """Stripe's own list, and then the bank's line."""
    own = {"currency": currency.lower()}
    net = (captured - refunded) * more
    rows = [
        row("payout", "po_1", -net, **own), row("charge", "ch_pi_1", captured * more, **own),
        row("refund", "re_pi_1", -refunded * more, **own),
    ]  # fmt: skip
    found = stripe_report.read(told(rows))
    (taken,) = take_payouts(SYSTEM, requests=[TakePayout(
        COMPANY, "stripe", found.external_id, found.currency, found.net_minor, found.lines, NOW,
    )])  # fmt: skip
    assert taken.state == "matched", taken
    (statement,) = bank_files.camt(camt(currency, "po_1", money.text(captured - refunded, currency)))
    assert [line.amount_minor for line in statement.lines] == [captured - refunded]
    (said,) = take_statements(SYSTEM, requests=[TakeStatement(COMPANY, statement)])
    assert said.state == "matched", said


def pages_say(order: UUID, currency: str, total: int, refunded: Refunded) -> None:
    everybody()
    books = a_browser("books")
    digits = money.exponent(currency)
    ((which,),) = sql.run("SELECT return_id FROM returns_refund")
    for address, minor in (
        (f"/orders/{order}/", total),
        (f"/returns/{which}/", refunded.total_minor),
        ("/books/payouts/", total - refunded.total_minor),
    ):
        page = text_of(books.get(address))
        assert f"{Decimal(minor).scaleb(-digits):,.{digits}f}" in page, (address, page)
        if not digits:
            assert f"{Decimal(minor) / 100:,.2f}" not in page, address
