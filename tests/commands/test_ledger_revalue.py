"""ledger.revalue"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from itertools import permutations
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound, RequestReused
from entrepot.kernel.money import round_half_away
from entrepot.ledger import errors, exchange, queries
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, Revalued, revalue
from entrepot.parties.commands.register import RegisterCompany, register_companies
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES

debits_at_home = import_module("entrepot.ledger.migrations.0025_debits_at_home")
measured_as_of = import_module("entrepot.ledger.migrations.0032_measured_as_of")

pytestmark = [pytest.mark.django_db, pytest.mark.alone("ledger")]
DAY = NOW.date()
DECEMBER = Cause(SYSTEM.actor, NOW + timedelta(days=20))


@pytest.fixture(autouse=True)
def house(db: None) -> None:
    """A euro is worth 0.80, then 0.85, then 0.90 from day to day."""
    a_floor(skus=0, channels=())
    record_rates(SYSTEM, requests=[
        RecordRate(COMPANY, "EUR", DAY + timedelta(days=i), Decimal(rate))
        for i, rate in enumerate(("0.80", "0.85", "0.90"))
    ])  # fmt: skip


def posted(event: str, amount: int, days: int = 0, kind: str = "settlement") -> UUID | None:
    at: datetime = NOW + timedelta(days=days)
    posting = Posting(COMPANY, event, "payment", ids.uuid7(), "EUR", [(kind, amount)], at)
    (answer,) = post(SYSTEM, requests=[posting])
    assert isinstance(answer, Posted), answer
    return answer.entry


def measured(days: int = 0, cause: Cause = DECEMBER, **facts: str) -> Revalued | object:
    return revalue(cause, requests=[Revalue(COMPANY, DAY + timedelta(days=days), **facts)])[0]


def books() -> tuple[int, ...]:
    return tuple(balance(account) for account in (1100, 2300, 5700, 5710))


def test_what_is_open_is_worth_the_rate_of_the_day():
    """invariant_9"""
    posted("payment.captured", 10_000)
    assert balance(1100) == 8_000
    assert measured() == Revalued(COMPANY, 0, 0, 2)
    assert measured(1) == Revalued(COMPANY, 0, 500, 2)
    assert books() == (8_500, 0, 0, -500)
    assert balance(2100) == -8_000, "an advance is worth what it was when it was paid"
    assert measured(1) == Revalued(COMPANY, 0, 0, 2)
    kept = sql.run(
        "SELECT account::int, amount_minor, worth_minor FROM ledger_exposure ORDER BY account, upto_at DESC LIMIT 1"
    )
    assert kept == [(1100, 10_000, 8_500)]


def test_what_is_settled_at_another_rate_brings_a_difference():
    posted("payment.captured", 10_000)
    posted("payment.paid_out", 4_000, 1)  # carried at 3,200, paid out at 3,400
    assert measured(1) == Revalued(COMPANY, 200, 300, 3)
    assert books() == (5_100, 0, -200, -300)
    # What is left was measured at 0.85 and is paid out at 0.90; the bank holds 4,000 that were worth 0.85.
    posted("payment.paid_out", 6_000, 2)
    assert measured(2) == Revalued(COMPANY, 300, 200, 3)
    assert balance(1100) == 0
    assert balance(1000) == 9_000


def test_a_refund_owed_in_another_currency_costs_what_it_takes_to_pay():
    posted("prepayment.returned", 1_000)  # owed at 800
    posted("payment.refunded", 1_000, 2)  # paid at 900
    answer = measured(2)
    assert isinstance(answer, Revalued)
    assert balance(2300) == 0
    assert balance(5700) == 100, "a loss"


def test_an_advance_in_another_currency_leaves_nothing_behind():
    posted("payment.captured", 1_000)
    posted("sale", 1_000, 2, "sale.goods")
    measured(2)
    assert balance(2100) == 0


def test_what_is_recorded_late_is_measured_the_next_time():
    posted("payment.captured", 1_000, 1)
    assert measured(1) == Revalued(COMPANY, 0, 0, 2)
    posted("payment.captured", 1_000, 0)
    assert measured(1) == Revalued(COMPANY, 0, 50, 2)
    assert balance(1100) == 1_700


def test_measuring_again_and_again_finds_what_measuring_once_finds():
    """What was measured is not read again; what occurred since, was recorded late, or is of another currency, is."""
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "USD", DAY, Decimal("0.7"))])

    def in_dollars(amount: int, days: int) -> None:
        at = NOW + timedelta(days=days)
        post(SYSTEM, requests=[
            Posting(COMPANY, "payment.captured", "payment", ids.uuid7(), "USD", [("settlement", amount)], at)
        ])  # fmt: skip

    posted("payment.captured", 1_000)
    posted("payment.captured", 3_000, 2)  # recorded before the first measure, and occurs after it
    assert measured() == Revalued(COMPANY, 0, 0, 2)
    in_dollars(500, 0)
    posted("payment.paid_out", 400, 1)
    assert measured(1) == Revalued(COMPANY, 20, 30, 5)
    posted("payment.captured", 100, 0)  # late
    in_dollars(100, 2)
    assert measured(2) == Revalued(COMPANY, 0, 30 + 10 + 20, 5)
    kept = sql.run(
        "SELECT DISTINCT ON (account, currency) account::int, currency, amount_minor, worth_minor"
        " FROM ledger_exposure WHERE account IN (1000, 1100) ORDER BY account, currency, upto_at DESC"
    )
    assert kept == [(1000, "EUR", 400, 360), (1100, "EUR", 3_700, 3_330), (1100, "USD", 600, 420)]
    assert measured(2) == Revalued(COMPANY, 0, 0, 5)


def test_refusals_leave_everything_as_it_was():
    posted("payment.captured", 1_000)
    register_companies(SYSTEM, requests=[RegisterCompany(2, "other", "Other Ltd", "GBP", "GB")])
    assert revalue(DECEMBER, requests=[Revalue(99, DAY), Revalue(2, DAY)]) == [
        NotFound(what="company", which="99"), Revalued(2, 0, 0, 0),
    ]  # fmt: skip
    assert measured(-1) == Revalued(COMPANY, 0, 0, 0), "nothing had happened yet"
    assert measured(1) == Revalued(COMPANY, 0, 50, 2)
    close_month(
        Cause(SYSTEM.actor, NOW + timedelta(days=10)), requests=[CloseMonth(COMPANY, date(2026, 11, 1))]
    )
    closed = measured(2)
    assert isinstance(closed, errors.MonthClosed), closed
    assert balance(1100) == 850


def worth_as_of(days: int) -> dict[int, tuple[int, int]]:
    """By account, its amount in euros and what the books carry it at, at the end of a day."""
    rows = sql.run(
        "SELECT account::int, sum(amount_minor)::int, sum(functional_minor)::int FROM ledger_line"
        " WHERE currency = 'EUR' AND occurred_at < %(end)s GROUP BY 1 ORDER BY 1",
        {"end": datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=days + 1)},
    )
    return {account: (amount, worth) for account, amount, worth in rows}


def test_what_is_measured_back_is_posted_there_and_taken_back_where_it_was_measured_since():
    posted("payment.captured", 10_000)  # carried at 8,000
    assert measured(2) == Revalued(COMPANY, 0, 1_000, 2), "pressed too late: the day after the month's last"
    assert worth_as_of(1)[1100] == (10_000, 8_000)

    assert measured(1) == Revalued(COMPANY, 0, 500, 2)

    assert worth_as_of(1)[1100] == (10_000, 8_500)
    assert worth_as_of(2)[1100] == (10_000, 9_000)
    assert measured(1) == Revalued(COMPANY, 0, 0, 2)
    assert measured(2) == Revalued(COMPANY, 0, 0, 2)
    lines = sql.run(
        "SELECT occurred_at::date - %(day)s::date, functional_minor FROM ledger_line"
        " WHERE account = 1100 AND event = 'currency.revalued' ORDER BY id",
        {"day": DAY},
    )
    assert lines == [(2, 1_000), (1, 500), (2, -500)]
    taken = sql.run(
        "SELECT count(DISTINCT document_id) FROM ledger_line WHERE abs(functional_minor) = 500 AND account = 1100"
    )
    assert taken == [(1,)]
    told = sql.run("SELECT subject, count(*) FROM ledger_measurement GROUP BY 1")
    assert told == [("currencies", 4)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_in_whatever_order_days_are_measured_each_is_worth_its_rate(order: tuple[int, ...]):
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", DAY + timedelta(days=3), Decimal("0.7"))])
    posted("payment.captured", 10_000)
    posted("payment.paid_out", 4_000, 1)
    posted("prepayment.returned", 1_500, 1)
    posted("payment.refunded", 1_000, 2)
    posted("payment.captured", 333, 3)
    for day in order:
        measured(day)
    late = posted("payment.captured", 100, 1)
    assert late
    for day in (3, *order):
        assert isinstance(measured(day), Revalued)

    for day, rate in enumerate((Decimal("0.80"), Decimal("0.85"), Decimal("0.90"), Decimal("0.7"))):
        for account, (amount, worth) in worth_as_of(day).items():
            if account in exchange.MONETARY:
                assert worth == round_half_away(amount * rate), (day, account)
    assert queries.discrepancies() == []


def test_what_can_not_be_taken_back_in_a_closed_month_is_not_measured_before_it():
    december = date(2026, 12, 1)
    posted("payment.captured", 1_000)
    january = Cause(SYSTEM.actor, NOW + timedelta(days=50))
    days = (december - DAY).days
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", december, Decimal(1))])
    assert measured(days, january) == Revalued(COMPANY, 0, 200, 2)
    close_month(january, requests=[CloseMonth(COMPANY, december)])

    refused = measured(1, january)

    assert refused == errors.MonthClosed(company=COMPANY, month="2026-12")
    assert worth_as_of(days)[1100] == (1_000, 1_000)
    assert worth_as_of(1)[1100] == (1_000, 800)


def test_what_was_measured_before_the_last_time_is_told_of_by_its_lines():
    posted("payment.captured", 10_000)
    posted("payment.paid_out", 4_000, 1)
    measured(1)
    measured(2)
    posted("payment.captured", 300, 1)  # told late: the second saw none of it
    posted("payment.captured", 500, 3)
    measured(3)
    kept = "SELECT * FROM ledger_exposure ORDER BY account, currency, upto_at"
    before = sql.run(kept)
    assert len({upto for *_, upto, _ in before}) == 3
    sql.run("DELETE FROM ledger_exposure WHERE upto_at::date <= %(day)s", {"day": DAY + timedelta(days=2)})
    assert sql.run(kept) != before

    sql.run(measured_as_of.EARLIER)

    assert sql.run(kept) == before


def test_without_a_rate_nothing_is_measured():
    posted("payment.captured", 1_000)
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "USD", DAY + timedelta(days=1), Decimal("0.7"))])
    posting = Posting(COMPANY, "payment.captured", "payment", ids.uuid7(), "USD", [("settlement", 100)], NOW)
    (refused,) = post(SYSTEM, requests=[posting])
    assert isinstance(refused, errors.NoRate)


def test_a_key_gets_its_answer_again_and_none_for_other_content():
    posted("payment.captured", 1_000)
    first = measured(1, key="k")
    assert measured(1, key="k") == first
    assert measured(2, key="k") == RequestReused(key="k", command="ledger.revalue")


@pytest.mark.counts("ledger.revalue")
def test_statements_grow_neither_with_the_batch_nor_with_companies(statements):
    register_companies(SYSTEM, requests=[RegisterCompany(2, "other", "Other Ltd", "GBP", "GB")])
    counts = []
    posted("payment.captured", 1_000)
    for step, size in enumerate(SIZES, 1):
        requests = [Revalue(1 + i % 2, DAY + timedelta(days=step), f"{size}-{i}") for i in range(size)]
        rate = RecordRate(COMPANY, "EUR", DAY + timedelta(days=step), Decimal(f"0.7{step}"))
        record_rates(SYSTEM, requests=[rate])
        with statements() as ran:
            revalue(DECEMBER, requests=requests)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts


def test_debits_at_home_of_balances_from_before_are_those_of_their_lines():
    """Of every slot of an account together, with lines that only measure anew: no amount, only a worth."""
    posted("payment.captured", 10_000)
    posted("payment.paid_out", 4_000, 1)
    at_home = Posting(COMPANY, "payment.captured", "payment", ids.uuid7(), "GBP", [("settlement", 500)], NOW)
    assert isinstance(post(SYSTEM, requests=[at_home])[0], Posted)
    measured(1)
    sql.run(
        "INSERT INTO ledger_balance (company_id, account, month, currency, slot, debit_minor, credit_minor,"
        " functional_minor, functional_debit_minor)"
        " SELECT company_id, account, month, currency, slot + 8, 700, 700, 0, 0 FROM ledger_balance"
    )
    sql.run(
        "UPDATE ledger_balance SET debit_minor = debit_minor - 700, credit_minor = credit_minor - 700 WHERE slot < 8"
    )
    assert queries.discrepancies() == []
    assert sql.run(
        "SELECT count(*) > 0 FROM ledger_line WHERE amount_minor = 0 AND functional_minor > 0"
    ) == [(True,)]
    debits = (
        "SELECT account::int, currency, sum(functional_debit_minor)::bigint FROM ledger_balance"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    before = sql.run(debits)
    assert {currency for _, currency, debit in before if debit} == {"EUR", "GBP"}

    sql.run("UPDATE ledger_balance SET functional_debit_minor = 0")
    assert queries.discrepancies() != []
    for statement in (debits_at_home.AT_HOME, debits_at_home.ABROAD):
        sql.run(statement)

    assert sql.run(debits) == before
    assert queries.discrepancies() == []
