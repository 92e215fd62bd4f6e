"""settlement.take_statements, settlement.decide_bank_lines, settlement.split_bank_lines"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.access.queries import duties_of
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.ledger.clearing import Part
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.decide_entries import DecideEntry, decide_entries
from entrepot.ledger.commands.enter_entries import EnterEntry, enter_entries
from entrepot.ledger.commands.match_lines import LinesMatched, MatchLines, match_lines
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.manual import EntryLine
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.capture import Capture, capture
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.settle_exchanges import SettleExchange, settle_exchanges
from entrepot.settlement import bank_queries, errors, queries
from entrepot.settlement.bank import BankLine, Statement
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands import take_statements as take_statements_module
from entrepot.settlement.commands.clear_accounts import ClearAccounts, clear_accounts
from entrepot.settlement.commands.decide_bank_lines import (
    BankLineDecided,
    DecideBankLine,
    decide_bank_lines,
)
from entrepot.settlement.commands.split_bank_lines import BankLineSplit, SplitBankLine, split_bank_lines
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.commands.take_statements import StatementTaken, TakeStatement, take_statements
from entrepot.settlement.commands.write_off import WriteOff, write_off
from entrepot.settlement.rules import PayoutLine
from entrepot.work import queries as work
from tests.back import ASKS, asked, back, policy, sold
from tests.commands.test_settlement_carriers import an_invoice, numbers
from tests.commands.test_settlement_carriers import take as take_invoices
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, someone
from tests.plans import count_anew, rows_read
from tests.seconds import the_database_refuses
from tests.sizes import SIZES
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db
OTHER = someone("controller two")
DAY = NOW.date()
ON_ACCOUNT = PaymentGiven("account", "PO 4711", 50_000, NOW)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    for sku in (0, 1):
        house.stock(sku, 100)
    return house


def a_payout(external_id: str, fee: int) -> UUID:
    """A payout that only takes a fee: what else is in it does not matter to the bank."""
    line = PayoutLine("fee", "", 0, fee)
    (taken,) = take_payouts(
        SYSTEM, requests=[TakePayout(COMPANY, "fake", external_id, "GBP", -fee, (line,), NOW)]
    )
    return taken.payout


def a_statement(
    name: str, *lines: BankLine, opening: int | None = None, closing: int | None = None
) -> TakeStatement:
    return TakeStatement(COMPANY, Statement("GB33", name, "GBP", opening, closing, lines))


def take(*statements: TakeStatement) -> list:
    return take_statements(SYSTEM, requests=statements)


def decide(*requests: DecideBankLine, cause=SYSTEM) -> list:
    return decide_bank_lines(cause, requests=requests)


def test_a_customer_pays_an_order_on_account(house: Floor):
    """1998 was captured on account: a transfer that names the order clears it, and one that does not waits."""
    first, second = sold(house, 2, (0, 2))
    named = dict(sql.run("SELECT id, number FROM orders_order"))
    lines = (BankLine(DAY, 1_998, "", f"Thanks for {named[first].lower()}"), BankLine(DAY, 1_998, "", "as agreed"),
             BankLine(DAY, 1_000, "", f"half of {named[second]}"))  # fmt: skip
    (taken,) = take(a_statement("S1", *lines))
    assert (taken.state, taken.waiting, balance(1000), balance(1100)) == ("open", 2, 1_998, 1_998)
    told = [(one.state, one.known_kind, one.why) for one in bank_queries.lines(COMPANY)]
    assert told[0] == ("matched", "order", f"names {named[first]}")
    assert told[1][0] == "unmatched" and told[2] == ("differs", "", f"{named[second]} is over another amount")
    assert [one.id for one in bank_queries.expected(COMPANY)] == [second]
    waiting = bank_queries.lines(COMPANY, waiting=True)
    fit = [[one.id for one in each] for each in bank_queries.fits(COMPANY, waiting, limit=6)]
    assert fit == [[second], [second]], "by the amount, and by the name"

    (decided,) = decide(DecideBankLine(taken.statement, 2, second))
    assert decided.state == "matched"
    (other,) = decide(DecideBankLine(taken.statement, 3, second))
    assert isinstance(other, NotFound), "nothing is open of it"
    assert (balance(1000), balance(1100), queries.open_entries(COMPANY, "GBP")) == (3_996, 0, [])
    clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)])
    assert sql.run("SELECT DISTINCT why FROM ledger_match WHERE account = 1100") == [
        ("one order on account",)
    ]
    assert sql.run(
        "SELECT count(*)::int FROM ledger_clearingitem WHERE account = 1100 AND open_minor <> 0"
    ) == [(0,)]
    assert not [*queries.discrepancies(), *bank_queries.discrepancies(), *payments.discrepancies()]

    one = asked(first, 1)
    back(one)
    refund(ASKS, requests=[Refund(one.return_id)])
    entries = queries.open_entries(COMPANY, "GBP")
    assert (sum(each.amount_minor for each in entries), balance(1100)) == (-999, -999)
    assert not [*queries.discrepancies(), *payments.discrepancies()]
    assert [(one.id, one.amount_minor) for one in bank_queries.expected(COMPANY)] == [(first, -999)]
    (back_,) = take(a_statement("S2", BankLine(DAY, -999, "", f"refund of {named[first]}")))
    assert (back_.state, balance(1100), balance(1000)) == ("matched", 0, 2_997)
    all_is_explained()


def test_what_was_booked_first_is_expected_first_also_where_most_of_it_is_paid(house: Floor):
    """Paid today, and cleared at night: what is open is found behind what is not."""
    orders = sold(house, 3, (0, 1))
    named = dict(sql.run("SELECT id, number FROM orders_order"))
    take(a_statement("S1", *(BankLine(DAY, 999, "", f"for {named[one]}") for one in orders[:2])))
    assert [one.id for one in bank_queries.expected(COMPANY, limit=1)] == orders[2:]
    assert [one.id for one in bank_queries.expected(COMPANY, limit=2)] == orders[2:]


def test_beyond_what_is_summed_an_order_fits_by_the_amount_of_its_line(house: Floor, monkeypatch):
    """Of hundreds of thousands that are open a bounded number is summed; one behind them is found as well."""
    monkeypatch.setattr(bank_queries, "SUMMED_MAX", 1)
    _, two, behind = sold(house, 1, (0, 1)) + sold(house, 1, (0, 2)) + sold(house, 1, (0, 3))
    (parcels,) = placed(house, 1, (0, 2), payment=ON_ACCOUNT)
    for _ in range(2):
        capture(SYSTEM, requests=[Capture(parcels, 999)])
    take(a_statement("S1", *(BankLine(DAY, minor, "", "as agreed") for minor in (2_997, 1_998))))

    def fit() -> list[set[UUID]]:
        waiting = bank_queries.lines(COMPANY, waiting=True)
        return [{one.id for one in each} for each in bank_queries.fits(COMPANY, waiting, limit=6)]

    assert fit() == [{behind}, {two}], "what parcels make together is summed of the first orders alone"
    monkeypatch.setattr(bank_queries, "ALIKE_MAX", 0)
    assert fit() == [set(), set()]
    monkeypatch.setattr(bank_queries, "SUMMED_MAX", 5)
    assert fit() == [{behind}, {two, parcels}]


def test_an_order_on_account_fits_by_its_amount_behind_what_cards_paid_of_the_same(house: Floor, monkeypatch):
    monkeypatch.setattr(bank_queries, "ALIKE_MAX", 2)
    monkeypatch.setattr(bank_queries, "SUMMED_MAX", 0)
    by_card = sold(house, 3, (0, 1))
    (on_account,) = sold(house, 1, (0, 1))
    take(a_statement("S1", BankLine(DAY, 999, "", "as agreed")))
    waiting = bank_queries.lines(COMPANY, waiting=True)

    def fit() -> list[UUID]:
        return [one.id for each in bank_queries.fits(COMPANY, waiting, limit=6) for one in each]

    assert sql.run(
        "SELECT count(*)::int FROM ledger_clearingitem WHERE account = 1100 AND open_minor = 999"
    ) == [(4,)]
    paid_by_card = (
        "UPDATE payments_payment SET provider = 'fake' WHERE order_id = ANY(%(orders)s::uuid[]) RETURNING 1"
    )
    with transaction.atomic():
        assert len(sql.run(paid_by_card, {"orders": by_card})) == 3
        assert fit() == [on_account]
        monkeypatch.setattr(bank_queries, "WALKED_MAX", 3)
        assert fit() == [], "so many are looked through"
        transaction.set_rollback(True)


def all_is_explained() -> None:
    """Nothing is open of orders on account, and every line of 1100 is cleared."""
    assert (balance(1100), bank_queries.expected(COMPANY), queries.open_entries(COMPANY, "GBP")) == (
        0,
        [],
        [],
    )
    assert queries.open_clearing(COMPANY) == []
    clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)])
    uncleared = "SELECT count(*)::int FROM ledger_clearingitem WHERE account = 1100 AND open_minor <> 0"
    assert sql.run(uncleared) == [(0,)]
    assert not [*queries.discrepancies(), *payments.discrepancies()]


def test_an_order_on_account_is_paid_parcel_by_parcel_and_ahead_of_one(house: Floor):
    """Two parcels at 999, each paid by itself; and one order paid whole when the first of three has left."""
    parts, ahead = placed(house, 2, (0, 3), payment=ON_ACCOUNT)
    named = dict(sql.run("SELECT id, number FROM orders_order"))
    capture(SYSTEM, requests=[Capture(parts, 999), Capture(ahead, 999)])
    lines = [BankLine(DAY, 999, "", named[parts]), BankLine(DAY, 2_997, "", f"all of {named[ahead]}")]
    (taken,) = take(a_statement("S1", *lines))
    assert (taken.waiting, bank_queries.lines(COMPANY, waiting=True)[0].state) == (1, "differs")
    (paid,) = decide(DecideBankLine(taken.statement, 2, ahead))
    assert paid.state == "matched"
    assert [(one.id, one.amount_minor) for one in bank_queries.expected(COMPANY)] == [(ahead, -1_998)]
    assert (balance(1100), queries.discrepancies()) == (-1_998, [])

    capture(SYSTEM, requests=[Capture(parts, 1_998), Capture(ahead, 1_998)])
    halves = [BankLine(DAY, 999, "", "one of two"), BankLine(DAY, 999, "", "two of two")]
    (taken,) = take(a_statement("S2", *halves, BankLine(DAY, -999, "", "wrong way")))
    back_, *told = decide(*(DecideBankLine(taken.statement, line, parts) for line in (3, 1, 2)))
    assert isinstance(back_, Invalid), "the customer owes us"
    assert [one.state for one in told] == ["matched", "matched"]
    decide(DecideBankLine(taken.statement, 3, purpose="charges", reason="fee"))
    all_is_explained()


def test_what_an_exchange_passed_on_is_open_of_the_order_that_it_was_captured_for(house: Floor):
    """Two exchanged units of two customers come back: of what was paid 999 goes back, and what was not is even."""
    policy(approve_above_minor=None)
    price = Decimal("9.99")
    register_skus(SYSTEM, requests=[
        RegisterSku(COMPANY, code, code, list_price=price, weight_g=200) for code in house.codes
    ])  # fmt: skip
    paid, unpaid = sold(house, 2, (0, 1))
    named = dict(sql.run("SELECT id, number FROM orders_order"))
    take(a_statement("S1", BankLine(DAY, 999, "", named[paid])))
    new = []
    for order in (paid, unpaid):
        one = asked(order, 1, asked="exchange")
        (swap,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[1])])
        back(one)
        settle_exchanges(SYSTEM, requests=[SettleExchange(swap.refund)])
        shipped(swap.order)
        new.append(swap.order)
    assert [(one.id, one.amount_minor) for one in bank_queries.expected(COMPANY)] == [(unpaid, 999)]
    assert (balance(1100), queries.discrepancies()) == (999, [])

    for order in new:
        one = asked(order, 1)
        back(one)
        refund(ASKS, requests=[Refund(one.return_id)])
    (owed,) = bank_queries.expected(COMPANY)
    assert (owed.id, owed.amount_minor, balance(1100)) == (paid, -999, -999)
    assert queries.discrepancies() == []
    (number,) = sql.run("SELECT number FROM orders_order WHERE id = %(id)s", {"id": new[0]})[0]
    (taken,) = take(a_statement("S2", BankLine(DAY, -999, "", f"refund of {number}")))
    assert taken.state == "matched"
    all_is_explained()


@pytest.mark.parametrize("kind", ["carrier", "supplier"])
def test_debts_of_an_amount_are_found_by_an_index(db: None, kind: str):
    """The trigger looks for them with every line that is booked as a debt paid."""
    sql.run("SET LOCAL enable_seqscan = off")
    sought = f"SELECT id FROM settlement_{kind}invoice WHERE company_id = 1 AND total_minor = 300"
    assert f"settlement_{kind}_of_amount" in str(sql.run(f"EXPLAIN {sought}"))


def test_orders_that_lines_name_are_looked_up_alone(house: Floor):
    """However many orders on account there are."""
    (order,) = placed(house, 1, (0, 5), payment=ON_ACCOUNT)
    params = {"companies": [COMPANY], "words": ["PO 4711"], "amounts": [5]}
    with transaction.atomic():
        sql.run(_MANY_ON_ACCOUNT, {"ids": [ids.uuid7() for _ in range(2_000)], "order": order})
        count_anew("orders_order", "payments_payment")
        for way in ("seqscan", "hashjoin", "mergejoin"):  # which of few rows are as quick
            sql.run(f"SET LOCAL enable_{way} = off")
        read = rows_read(take_statements_module._EXPECTED, params)
        transaction.set_rollback(True)  # no command wrote these
    assert read < 100


_MANY_ON_ACCOUNT = """
WITH asked AS (SELECT id, row_number() OVER () AS n FROM unnest(%(ids)s::uuid[]) AS d(id)),
ordered AS (
    INSERT INTO orders_order
    SELECT (jsonb_populate_record(o, jsonb_build_object('id', a.id, 'number', 'N' || n, 'external_id', 'E' || n))).*
    FROM orders_order AS o CROSS JOIN asked AS a WHERE o.id = %(order)s)
INSERT INTO payments_payment
SELECT (jsonb_populate_record(p, jsonb_build_object('id', a.id, 'order_id', a.id, 'reference', 'PO ' || n))).*
FROM payments_payment AS p CROSS JOIN asked AS a WHERE p.order_id = %(order)s
"""


def test_no_more_than_so_many_open_captures_by_card_are_passed_by(house: Floor):
    """An order on account behind 2,000 that were paid by card, with 300 lines looked at."""
    (card,) = placed(house, 1, (0, 1), payment=PaymentGiven("paypal", "PP 1", 50_000, NOW))
    shipped(card)
    (order,) = placed(house, 1, (0, 5), payment=ON_ACCOUNT)
    shipped(order)
    bounded = bank_queries._BOOKED_FIRST.replace(str(bank_queries.OPEN_MAX), "300")
    params = {"company": COMPANY, "most": 20}
    assert [one for (one,) in sql.run(bounded, params)] == [order]
    with transaction.atomic():
        sql.run(_MANY_BY_CARD, {"order": card, "many": 2_000})
        count_anew("ledger_clearingitem", "ledger_line", "payments_payment")
        for way in ("seqscan", "bitmapscan", "sort"):  # which of few rows are as quick
            sql.run(f"SET LOCAL enable_{way} = off")
        read = rows_read(bounded, params, of="ledger_clearingitem")
        everything = rows_read(bounded.replace("LIMIT 300", ""), params, of="ledger_clearingitem")
        found = sql.run(bounded, params)
        transaction.set_rollback(True)  # no command wrote these
    assert found == []
    assert read <= 300 < 2_000 <= everything


_MANY_BY_CARD = """
INSERT INTO ledger_clearingitem
SELECT (jsonb_populate_record(i, jsonb_build_object('line_id', -n))).*
FROM ledger_clearingitem AS i JOIN ledger_line AS l ON l.id = i.line_id
JOIN payments_payment AS p ON p.id = l.document_id CROSS JOIN generate_series(1, %(many)s::int) AS n
WHERE p.order_id = %(order)s::uuid AND i.account = 1100
"""


def test_the_same_lines_under_another_name_are_refused_for_some_time(house: Floor):
    lines = (BankLine(DAY, -500, "A-1", "rent"), BankLine(DAY, 700, "", "sold a van"))
    (first,) = take(a_statement("2026-11", *lines))
    (again,) = take(a_statement("November", *lines))
    assert again == errors.StatementUnderAnotherName(
        external_id="November", number=first.number, found="2026-11"
    )
    other, less, more = take(
        a_statement("b", *lines[::-1]),
        a_statement("c", lines[0]),
        a_statement("d", *lines, BankLine(DAY, 1, "", "")),
    )
    assert all(isinstance(one, StatementTaken) and one.fresh for one in (other, less, more))
    later = replace(SYSTEM, at=NOW + timedelta(days=101))
    (taken,) = take_statements(later, requests=[a_statement("2027-03", *lines)])
    assert taken.fresh


def test_what_is_known_is_matched_and_what_we_pay_is_booked(house: Floor):
    payout = a_payout("po_1", 250)
    (number,) = numbers(house)
    (invoice,) = take_invoices(an_invoice("F-1", Billed(number, 300)))
    assert {one.kind for one in bank_queries.expected(COMPANY)} == {"payout", "carrier_invoice"}
    assert (balance(1000), balance(2000)) == (-250, -300)

    (taken,) = take(
        a_statement(
            "S1", BankLine(DAY, -300, "B1", "F-1"), BankLine(DAY, -250, "B2", "PO_1 fees"),
            BankLine(DAY, -7, "B3", "account fee"), opening=1_000, closing=443,
        )
    )  # fmt: skip

    assert isinstance(taken, StatementTaken)
    assert (taken.state, taken.lines, taken.waiting, taken.fresh) == ("open", 3, 1, True)
    found = bank_queries.lines(COMPANY, taken.statement)
    assert [(one.state, one.known) for one in found] == [
        ("matched", invoice.invoice), ("matched", payout), ("unmatched", None),
    ]  # fmt: skip
    assert (balance(1000), balance(2000)) == (-550, 0)
    assert bank_queries.expected(COMPANY) == []
    (item,) = work.of_subject(taken.statement)
    assert (item.role, item.type) == ("controller", "bank statement to match")

    (booked,) = decide(DecideBankLine(taken.statement, 3, purpose="charges", reason="November"))
    assert booked == BankLineDecided(taken.statement, 3, "booked", "matched")
    assert (balance(1000), bank_queries.lines(COMPANY, waiting=True)) == (-557, [])
    assert work.of_subject(taken.statement)[0].state == "done"


def test_a_statement_is_taken_once_whole_and_not_otherwise(house: Floor):
    line = BankLine(DAY, 5)
    first, again, other, wrong, empty, nothing = take(
        a_statement("S1", line), a_statement("S1", line), a_statement("S1", line, line),
        a_statement("S2", line, opening=0, closing=6), a_statement("S3"), a_statement("S4", BankLine(DAY, 0)),
    )  # fmt: skip
    assert (first.fresh, again.fresh, first.statement) == (True, False, again.statement)
    assert isinstance(other, errors.StatementTakenOtherwise)
    assert isinstance(wrong, errors.StatementDoesNotAddUp)
    assert [type(one) for one in (empty, nothing)] == [Invalid, Invalid]
    assert [row.external_id for row in bank_queries.statements(COMPANY)] == ["S1"]


def test_a_person_says_what_a_line_is(house: Floor):
    one, two = a_payout("po_1", 250), a_payout("po_2", 250)
    (taken,) = take(a_statement("S1", BankLine(DAY, -250), BankLine(DAY, -250), BankLine(DAY, -9)))
    which = taken.statement
    assert taken.waiting == 3

    told = decide(
        DecideBankLine(which, 1, known=one), DecideBankLine(which, 1, known=two), DecideBankLine(which, 3, known=two),
        DecideBankLine(which, 2, known=one), DecideBankLine(which, 3, purpose="gift", reason="?"),
        DecideBankLine(which, 3, purpose="charges"), DecideBankLine(which, 9, purpose="charges", reason="?"),
        DecideBankLine(ids.uuid7(), 1, known=two),
    )  # fmt: skip

    assert told[0] == BankLineDecided(which, 1, "matched", "open")
    kinds = [WrongState, Invalid, NotFound, Invalid, Invalid, NotFound, NotFound]
    assert [type(answer) for answer in told[1:]] == kinds
    assert balance(1000) == -500
    decide(DecideBankLine(which, 2, known=two), DecideBankLine(which, 3, purpose="charges", reason="fee"))
    assert (balance(1000), bank_queries.statements(COMPANY)[0].state) == (-509, "matched")


def test_taxes_and_money_between_own_accounts_are_booked_and_the_other_side_clears(house: Floor):
    lines = (
        BankLine(DAY, -900, "", "the taxes"),
        BankLine(DAY, -5_000, "", "out"),
        BankLine(DAY, 5_000, "", "in"),
    )
    (taken,) = take(a_statement("S1", *lines))
    taxes = DecideBankLine(taken.statement, 1, purpose="taxes", reason="VAT of October")
    own = [
        DecideBankLine(taken.statement, line, purpose="own_account", reason="to savings") for line in (2, 3)
    ]
    assert [one.state for one in decide(taxes, own[0])] == ["booked"] * 2
    assert (balance(2210), balance(1010), balance(1000)) == (900, 5_000, -5_900)
    decide(own[1])
    assert (balance(2210), balance(1010), balance(1000)) == (900, 0, -900)
    found = dict(sql.run("SELECT amount_minor, line_id FROM ledger_clearingitem WHERE account = 1010"))
    wanted = MatchLines(COMPANY, tuple(Part(one) for one in found.values()), "the transfer to savings")
    (part,) = write_off(SYSTEM, requests=[WriteOff(COMPANY, (Part(found[5_000]),), "other", "lost")])
    assert isinstance(part, errors.SettledElsewhere)
    assert "match it with the other side" in str(part)
    assert isinstance(match_lines(SYSTEM, requests=[wanted])[0], LinesMatched)


def test_a_transfer_between_currencies_is_booked_so_that_it_clears(house: Floor):
    """100.00 USD leave at 0.80 and 79.00 GBP come: 1010 holds nothing in dollars, and the pound that was lost is a
    difference of rates."""
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "USD", DAY, Decimal("0.8"))])
    abroad = TakeStatement(
        COMPANY, Statement("US11", "U1", "USD", None, None, (BankLine(DAY, -10_000, "", "to GB"),))
    )
    (left, came) = take(abroad, a_statement("S1", BankLine(DAY, 7_900, "", "from US")))
    for purpose, account in (("own_account", 1010), ("taxes", 2210)):
        (refused,) = decide(DecideBankLine(left.statement, 1, purpose=purpose, reason="to GB"))
        assert refused == errors.OnlyInOwnCurrency(account=account, expected="GBP", found="USD", instead=4020)
    (done,) = decide(DecideBankLine(left.statement, 1, purpose="other", reason="to GB"))
    assert (done.state, balance(4020)) == ("booked", 8_000)
    decide(DecideBankLine(came.statement, 1, purpose="own_account", reason="from US"))
    lines = (EntryLine(1010, 7_900), EntryLine(5700, 100), EntryLine(4020, -8_000))
    (entered,) = enter_entries(SYSTEM, requests=[EnterEntry(COMPANY, "correction", DAY, lines, "a transfer")])
    decide_entries(OTHER, requests=[DecideEntry(entered.entry, True)])
    assert (balance(4020), balance(1010), balance(5700)) == (0, 0, 100)
    parts = tuple(
        Part(one) for (one,) in sql.run("SELECT line_id FROM ledger_clearingitem WHERE account = 1010")
    )
    (matched,) = match_lines(SYSTEM, requests=[MatchLines(COMPANY, parts, "the transfer")])
    assert isinstance(matched, LinesMatched)


def test_whoever_took_it_does_not_book_much_of_it(house: Floor):
    (taken,) = take(a_statement("S1", BankLine(DAY, 50_000, "", "a transfer"), BankLine(DAY, 10_000)))
    wanted = DecideBankLine(taken.statement, 1, purpose="receivable", reason="Jones pays", key="k")
    small = DecideBankLine(taken.statement, 2, purpose="other", reason="interest")
    own, alone = decide(wanted, small)
    assert isinstance(own, DutiesApart)
    assert alone.state == "booked"
    (silent,) = decide(replace(wanted, reason="", key=None), cause=OTHER)
    assert isinstance(silent, Invalid)
    assert [one.side for one in duties_of(taken.statement)] == ["enter"], "who is refused has done nothing"
    the_database_refuses(
        "settlement_bankstatementline", "state = 'booked', purpose = 'receivable'",
        f"statement_id = '{taken.statement}' AND number = 1", SYSTEM.actor.name,
    )  # fmt: skip
    (done,) = decide(wanted, cause=OTHER)
    assert done.statement_state == "matched"
    assert decide(wanted, cause=OTHER) == [done]
    assert (balance(1150), balance(4020), balance(1000)) == (-50_000, -10_000, 60_000)


def split(which: UUID, line: int, *amounts: int, key: str | None = None) -> object:
    return split_bank_lines(SYSTEM, requests=[SplitBankLine(which, line, amounts, key)])[0]


def waiting(which: UUID) -> list[tuple[int, int]]:
    return [(one.number, one.amount_minor) for one in bank_queries.lines(COMPANY, which, waiting=True)]


def test_a_line_that_is_several_things_is_split_and_each_part_decided(house: Floor):
    """A transfer that two payouts' fees and a charge make; a part that was split wrong is split anew."""
    one, two = a_payout("po_1", 250), a_payout("po_2", 400)
    lines = (BankLine(DAY, -655, "B1", "thanks"), BankLine(DAY, -9, "B2", "fee"))
    (taken,) = take(a_statement("S1", *lines, opening=0, closing=-664))
    which = taken.statement
    assert split(which, 1, -200, -450, -5, key="k") == BankLineSplit(which, (1, 3, 4))
    assert split(which, 1, -200, -450, -5, key="k") == BankLineSplit(which, (1, 3, 4)), (
        "the answer of the key"
    )
    assert split(which, 3, -250, -405) == BankLineSplit(which, (1, 3)), "by any of its parts"
    assert split(which, 1, -655) == BankLineSplit(which, (1,))
    assert split(which, 1, -250, -400, -5) == BankLineSplit(which, (1, 5, 6)), "numbers are not given again"
    assert waiting(which) == [(1, -250), (2, -9), (5, -400), (6, -5)]
    assert {one.whole_minor for one in bank_queries.lines(COMPANY, which)} == {-655, None}

    decide(DecideBankLine(which, 1, known=one))
    assert split(which, 6, -395, -10) == BankLineSplit(which, (5, 6)), "what is decided stays"
    seen = DecideBankLine(which, 5, known=two, amount_minor=-395)
    split(which, 6, -400, -3, -2)
    (refused,) = decide(seen)
    assert isinstance(refused, Invalid) and refused.facts["field"] == "amount_minor"
    charge = DecideBankLine(which, 6, purpose="charges", reason="fee")
    assert [one.state for one in decide(replace(seen, amount_minor=-400), charge)] == ["matched", "booked"]
    assert waiting(which) == [(2, -9), (7, -2)]
    assert balance(1000) == -653
    again, otherwise = take(a_statement("S1", *lines, opening=0, closing=-664), a_statement("S2", *lines))
    assert (again.fresh, again.lines) == (False, 2), "the file that is taken again is the one that was taken"
    assert isinstance(otherwise, errors.StatementUnderAnotherName)


def test_payments_that_a_bank_booked_at_once_are_one_payout_or_parts_of_a_line(house: Floor):
    """One that is known is matched as a whole; one that comes to be known later is put together."""
    parts = (BankLine(DAY, -600, "T1", "first"), BankLine(DAY, -400, "T2", "second"))
    batch = BankLine(DAY, -1_000, "N9", "first second", parts)
    early, late = (
        a_statement("S1", batch, opening=0, closing=-1_000),
        a_statement("S2", batch._replace(reference="N8")),
    )
    (taken,) = take(early)
    which = taken.statement
    assert (taken.lines, taken.waiting, waiting(which)) == (1, 2, [(1, -600), (2, -400)])
    assert {one.whole_minor for one in bank_queries.lines(COMPANY, which)} == {-1_000}
    payout = a_payout("po_1", 1_000)
    assert split(which, 2, -1_000) == BankLineSplit(which, (1,))
    (fits,) = bank_queries.fits(COMPANY, bank_queries.lines(COMPANY, which, waiting=True), limit=6)
    assert [one.id for one in fits] == [payout]
    decide(DecideBankLine(which, 1, known=payout))
    assert take(early)[0].fresh is False
    (otherwise,) = take(late)
    assert isinstance(otherwise, errors.StatementUnderAnotherName)

    second = a_payout("po_2", 1_000)
    later = replace(
        late, statement=late.statement._replace(lines=(batch._replace(booked_on=DAY + timedelta(days=1)),))
    )
    (known,) = take(later)
    (line,) = bank_queries.lines(COMPANY, known.statement)
    assert (known.waiting, line.known, line.amount_minor) == (0, second, -1_000)
    again, other = take(later, replace(later, statement=later.statement._replace(external_id="S3")))
    assert (again.fresh, again.lines) == (False, 1) and isinstance(other, errors.StatementUnderAnotherName)
    assert not [*queries.discrepancies(), *bank_queries.discrepancies()]


def test_parts_of_a_line_over_another_amount_say_what_it_names(house: Floor):
    a_payout("po_1", 250)
    (taken,) = take(a_statement("S1", BankLine(DAY, -300, "", "po_1")))
    (before,) = bank_queries.lines(COMPANY, taken.statement)
    assert before.state == "differs"
    for parts in ((-250, -50), (-250, -25, -25)):
        split(taken.statement, 1, *parts)
        told = f"{before.why}; of a line over -3.00 GBP"
        assert {one.why for one in bank_queries.lines(COMPANY, taken.statement)} == {told}


def test_what_is_no_part_of_a_line_is_refused(house: Floor):
    (taken,) = take(a_statement("S1", BankLine(DAY, 500), BankLine(DAY, 10)))
    which = taken.statement
    decide(DecideBankLine(which, 2, purpose="other", reason="interest"))
    told = [
        split(which, 1), split(which, 1, 400, 99), split(which, 1, 500, 0), split(which, 1, *[5] * 101),
        split(which, 2, 5, 5), split(which, 9, 5), split(ids.uuid7(), 1, 5),
    ]  # fmt: skip
    assert [type(one) for one in told] == [Invalid, Invalid, Invalid, Invalid, WrongState, NotFound, NotFound]
    assert waiting(which) == [(1, 500)]
    wanted = [SplitBankLine(which, 1, (200, 300)), SplitBankLine(which, 1, (100, 400))]
    first, second = split_bank_lines(SYSTEM, requests=wanted)
    assert isinstance(first, BankLineSplit) and isinstance(second, Invalid)
    with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
        sql.run("UPDATE settlement_bankstatementline SET whole_minor = NULL WHERE part_of IS NOT NULL")
    sql.run("UPDATE settlement_bankstatementline SET amount_minor = 201 WHERE number = 1")
    assert any("its parts make" in told for told in bank_queries.discrepancies())
    sql.run("UPDATE settlement_bankstatementline SET amount_minor = 200 WHERE number = 1")


def test_one_person_books_no_more_of_a_line_in_parts_than_at_once(house: Floor):
    (taken,) = take(a_statement("S1", BankLine(DAY, 50_000, "", "a transfer")))
    which = taken.statement
    split(which, 1, *[5_000] * 10)
    first, second, third, *rest = (
        DecideBankLine(which, line, purpose="receivable", reason="Jones pays") for line in range(1, 11)
    )
    assert [getattr(one, "state", "") for one in decide(first, second, third)] == ["booked", "booked", ""]
    assert isinstance(decide(rest[0])[0], DutiesApart)
    with pytest.raises(psycopg.IntegrityError), transaction.atomic():
        sql.run(
            "UPDATE settlement_bankstatementline SET state = 'booked', purpose = 'other', alone_minor = 10000,"
            " decided_by = %(who)s WHERE number = 3 RETURNING 1",
            {"who": SYSTEM.actor.name},
        )
    assert {one.state for one in decide(third, *rest, cause=OTHER)} == {"booked"}
    # What was decided is not judged by what others did since.
    sql.run("UPDATE settlement_bankstatementline SET text = 'masked'")


def test_a_line_is_posted_on_its_day_and_today_where_that_month_is_closed(house: Floor):
    last = date(2026, 10, 31)
    (taken,) = take(a_statement("S1", BankLine(last, -900), BankLine(last, -250)))
    decide(DecideBankLine(taken.statement, 1, purpose="charges", reason="October"))
    months = "SELECT month, functional_minor FROM ledger_line WHERE account = 1000 ORDER BY id"
    assert sql.run(months) == [(date(2026, 10, 1), -900)]
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, date(2026, 10, 1))])
    decide(DecideBankLine(taken.statement, 2, purpose="charges", reason="late"))
    assert sql.run(months)[1:] == [(date(2026, 11, 1), -250)]


def test_a_payout_of_the_amount_is_found_near_its_day_only(house: Floor):
    payout = a_payout("po_1", 250)
    late, near = take(
        a_statement("S1", BankLine(DAY + timedelta(days=30), -250)), a_statement("S2", BankLine(DAY, -250))
    )
    assert (late.waiting, near.waiting) == (1, 0)
    assert bank_queries.lines(COMPANY, near.statement)[0].known == payout


def test_a_payout_that_a_later_statement_of_a_file_names_is_not_guessed_before(house: Floor):
    payout = a_payout("po_1", 250)
    guess, named = take(
        a_statement("S1", BankLine(DAY, -250)), a_statement("S2", BankLine(DAY, -250, "", "po_1"))
    )
    assert (guess.waiting, named.waiting) == (1, 0)
    assert bank_queries.lines(COMPANY, named.statement)[0].known == payout


@pytest.mark.counts(
    "settlement.take_statements", "settlement.decide_bank_lines", "settlement.split_bank_lines"
)
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    taking, splitting, deciding = [], [], []
    for size in SIZES:
        with statements() as ran:
            taken = take(*(a_statement(f"{size}/{i}", BankLine(DAY, 50_000)) for i in range(size)))
        taking.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        with statements() as ran:
            split_bank_lines(
                SYSTEM, requests=[SplitBankLine(one.statement, 1, (20_000, 30_000)) for one in taken]
            )
        splitting.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        with statements() as ran:
            told = decide(
                *(DecideBankLine(one.statement, 1, purpose="other", reason="?") for one in taken), cause=OTHER
            )
        deciding.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        assert {one.state for one in told} == {"booked"}
    assert len(set(taking)) == len(set(splitting)) == len(set(deciding)) == 1
