"""Commands of the money ledger: what is posted, refused, repeated, counted; and what the database refuses itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, KeyRepeated, NotPermitted, Refused, RequestReused
from entrepot.ledger import errors, queries
from entrepot.ledger.commands.close_month import CloseMonth, MonthClosed, close_month
from entrepot.ledger.commands.open_books import BooksOpened, OpenBooks, open_books
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.rules import CHART, RULES
from entrepot.parties.commands.register import RegisterCompany, register_companies
from tests.floor import COMPANY, NOW, SYSTEM, balance
from tests.sizes import SIZES

pytestmark = [pytest.mark.django_db, pytest.mark.alone("kernel", "ledger")]

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
IN_OCTOBER = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
CAPTURED = (("settlement", 1000),)
SALE = (("sale.goods", 1000), ("sale.shipping", 495))


@pytest.fixture(autouse=True)
def books(db: None) -> None:
    companies = (
        RegisterCompany(COMPANY, "test", "Test Ltd", "GBP", "GB"),
        RegisterCompany(2, "new", "New Ltd", "GBP", "GB"),
    )
    register_companies(SYSTEM, requests=companies)
    open_books(SYSTEM, requests=[OpenBooks(COMPANY)])


def a_posting(event: str = "sale", amounts: Any = SALE, **changes: Any) -> Posting:
    whole = Posting(COMPANY, event, "shipment", ids.uuid7(), "GBP", amounts, NOW)
    return whole._replace(**changes)


def posted(*postings: Posting) -> list[Any]:
    """The entries, none refused."""
    answers = post(SYSTEM, requests=postings)
    assert all(isinstance(answer, Posted) for answer in answers), answers
    return [answer.entry for answer in answers]  # type: ignore[union-attr]


def lines(entry: UUID) -> list[tuple[int, str, int, int]]:
    """Account, kind, amount, and amount in the company's currency, of an entry's lines in order."""
    return sql.run(
        "SELECT account, kind, amount_minor, functional_minor FROM ledger_line"
        " WHERE entry_id = %(entry)s::uuid ORDER BY number",
        {"entry": entry},
    )


def a_rate(currency: str, rate: str, on_date: date = NOVEMBER) -> None:
    sql.run(
        "INSERT INTO ledger_rate (company_id, currency, on_date, rate) VALUES (1, %(currency)s, %(on)s, %(rate)s)",
        {"currency": currency, "on": on_date, "rate": Decimal(rate)},
    )


def everything() -> list[Any]:
    """What a refused request must leave as it was."""
    tables = ("ledger_line", "ledger_balance", "ledger_period", "kernel_event", "kernel_request")
    return [sql.run(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1") for table in tables]


# ---- post


def test_a_posting_becomes_one_entry_by_the_rules() -> None:
    (entry,) = posted(a_posting())

    assert lines(entry) == [
        (2100, "settlement", 1495, 1495),
        (4000, "sale.goods", -1000, -1000),
        (4010, "sale.shipping", -495, -495),
    ]
    assert (balance(2100), balance(4000), balance(4010)) == (1495, -1000, -495)
    assert queries.sums_by_kind(company=COMPANY) == {"sale.goods": 1000, "sale.shipping": 495}


def test_a_line_says_when_it_happened_and_when_it_was_recorded() -> None:
    late = datetime(2026, 11, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))  # still October in UTC
    posted(a_posting(occurred_at=late))

    assert sql.run("SELECT DISTINCT month, occurred_at, recorded_at FROM ledger_line") == [
        (OCTOBER, late, NOW)
    ]
    assert queries.months(company=COMPANY) == [OCTOBER]


def test_amounts_of_the_same_account_and_kind_are_summed_and_zeros_left_out() -> None:
    (entry,) = posted(a_posting(amounts=(("sale.goods", 700), ("sale.goods", 300), ("sale.shipping", 0))))

    assert [line[:3] for line in lines(entry)] == [(2100, "settlement", 1000), (4000, "sale.goods", -1000)]


@pytest.mark.parametrize("amounts", [(), (("sale.goods", 0),), (("sale.goods", 5), ("sale.goods", -5))])
def test_what_sums_to_nothing_writes_no_entry(amounts: Any) -> None:
    assert post(SYSTEM, requests=[a_posting(amounts=amounts)]) == [Posted(None)]
    assert sql.run("SELECT count(*)::int FROM ledger_line") == [(0,)]


def test_a_negative_amount_swaps_the_sides() -> None:
    there, back = posted(a_posting(), a_posting(amounts=tuple((kind, -amount) for kind, amount in SALE)))

    assert lines(back) == [(account, kind, -amount, -home) for account, kind, amount, home in lines(there)]
    turned_over = {(1495, 1495, 0), (1000, 1000, 0), (495, 495, 0)}
    trial = queries.trial_balance(company=COMPANY)
    assert {(one.debit_minor, one.credit_minor, one.balance_minor) for one in trial} == turned_over


def test_every_rule_of_the_books_posts_there_and_back() -> None:
    there = posted(*(a_posting(event, ((kind, 250),)) for event, kind, _, _ in RULES))
    back = posted(*(a_posting(event, ((kind, -250),)) for event, kind, _, _ in RULES))

    for (_, _, debit, credit), one, other in zip(RULES, there, back, strict=True):
        assert [line[::2] for line in lines(one)] == [(debit, 250), (credit, -250)]
        assert [line[::2] for line in lines(other)] == [(debit, -250), (credit, 250)]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"event": "earthquake"}, errors.NoRule(company=1, event="earthquake", kind="sale.goods")),
        (
            {"amounts": (("sale.goods", 1), ("sale.air", 1))},
            errors.NoRule(company=1, event="sale", kind="sale.air"),
        ),
        ({"company": 2}, errors.NoRule(company=2, event="sale", kind="sale.goods")),
        ({"currency": "EUR"}, errors.NoRate(company=1, currency="EUR", on_date="2026-11-23")),
        ({"occurred_at": IN_OCTOBER}, errors.MonthClosed(company=1, month="2026-10")),
    ],
)
def test_what_can_not_be_posted_is_refused_and_its_neighbors_are_not(changes: Any, refusal: Refused) -> None:
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    before = everything()
    bad = a_posting(**changes)

    (answer,) = post(SYSTEM, requests=[bad._replace(key="k")])
    assert answer == refusal
    assert type(answer) is type(refusal)
    assert "?" not in refusal.message
    assert everything() == before

    first, answer, last = post(SYSTEM, requests=[a_posting(), bad, a_posting()])
    assert answer == refusal
    assert isinstance(first, Posted)
    assert isinstance(last, Posted)
    assert balance(4000) == -2000


def test_a_refused_key_may_be_used_again() -> None:
    posting = a_posting(currency="EUR", key="k")
    assert isinstance(post(SYSTEM, requests=[posting])[0], errors.NoRate)
    a_rate("EUR", "0.85")

    assert posted(posting)[0]


def test_only_who_may_post_posts() -> None:
    clerk = Cause(replace(SYSTEM.actor, everything=False), NOW)

    assert isinstance(post(clerk, requests=[a_posting()])[0], NotPermitted)
    assert isinstance(close_month(clerk, requests=[CloseMonth(COMPANY, OCTOBER)])[0], NotPermitted)


def test_the_same_key_gets_the_first_answer_and_other_content_is_refused() -> None:
    posting = a_posting(key="k")
    first = post(SYSTEM, requests=[posting])
    before = everything()

    assert post(SYSTEM, requests=[posting]) == first
    for other in (
        posting._replace(amounts=(("sale.goods", 1001), ("sale.shipping", 495))),
        posting._replace(currency="EUR"),
        posting._replace(occurred_at=IN_OCTOBER),
    ):
        assert post(SYSTEM, requests=[other]) == [RequestReused(key="k", command="ledger.post")]
    assert everything() == before


def test_a_batch_does_only_what_its_keys_have_not_done() -> None:
    one, two = a_posting(key="one"), a_posting(key="two")
    (first,) = post(SYSTEM, requests=[one])

    again, fresh, twice = post(SYSTEM, requests=[one, two, two])

    assert again == first
    assert isinstance(fresh, Posted)
    assert twice == KeyRepeated(key="two")
    assert balance(4000) == -2000


# ---- foreign currency


def test_a_foreign_entry_balances_in_both_currencies() -> None:
    """Rounded one by one, 67.33 and twice 33.66 pence would be off by one: the largest line takes it."""
    a_rate("EUR", "0.3333")
    (entry,) = posted(a_posting(currency="EUR", amounts=(("sale.goods", 101), ("sale.shipping", 101))))

    found = lines(entry)
    assert [line[2] for line in found] == [202, -101, -101]
    assert [line[3] for line in found] == [68, -34, -34]
    assert (sum(line[2] for line in found), sum(line[3] for line in found)) == (0, 0)
    assert sql.run("SELECT DISTINCT currency FROM ledger_line") == [("EUR",)]
    assert balance(4000) == -34


def test_the_rate_is_the_latest_not_after_the_day() -> None:
    a_rate("EUR", "0.80", date(2026, 11, 1))
    a_rate("EUR", "0.90", date(2026, 11, 23))
    a_rate("EUR", "0.99", date(2026, 11, 24))
    before = a_posting("payment.captured", CAPTURED, currency="EUR", occurred_at=NOW - timedelta(days=1))

    first, second = posted(before, before._replace(occurred_at=NOW))

    assert [line[3] for line in lines(first)] == [800, -800]
    assert [line[3] for line in lines(second)] == [900, -900]
    (refused,) = post(SYSTEM, requests=[before._replace(occurred_at=IN_OCTOBER)])
    assert refused == errors.NoRate(company=1, currency="EUR", on_date="2026-10-31")


@pytest.mark.parametrize(
    ("currency", "rate", "amount", "pence"),
    [("JPY", "0.0052", 1000, 520), ("KWD", "2.5", 1000, 250), ("EUR", "0.85", -1000, -850)],
)
def test_minor_units_of_two_currencies_may_differ(currency: str, rate: str, amount: int, pence: int) -> None:
    """A thousand yen are 5.20 pounds, and a dinar of a thousand fils is 2.50."""
    a_rate(currency, rate)
    posted(a_posting("payment.captured", (("settlement", amount),), currency=currency))

    assert (balance(1100), balance(2100)) == (pence, -pence)


def test_home_and_foreign_amounts_of_an_account_stand_apart() -> None:
    a_rate("EUR", "0.5")
    posted(
        *(a_posting("payment.captured", CAPTURED, currency=currency) for currency in ("GBP", "EUR", "GBP"))
    )

    rows = "SELECT currency, sum(debit_minor)::int, sum(functional_minor)::int FROM ledger_balance"
    assert sql.run(f"{rows} WHERE account = 1100 GROUP BY 1 ORDER BY 1") == [
        ("EUR", 1000, 500),
        ("GBP", 2000, 2000),
    ]


def test_the_trial_balance_is_in_the_own_currency() -> None:
    """€10.00 are £5.00 when they are captured and £6.00 when they are refunded: each side of it in pounds."""
    a_rate("EUR", "0.5", date(2026, 11, 1))
    a_rate("EUR", "0.6", date(2026, 11, 23))
    at_first = NOW - timedelta(days=1)
    posted(
        a_posting("payment.captured", CAPTURED, currency="EUR", occurred_at=at_first),
        a_posting("payment.refunded", CAPTURED, currency="EUR"),
        a_posting("payment.captured", CAPTURED),
        a_posting("currency.revalued", (("realized.1100", 100),), currency="EUR", in_home=True),
    )

    trial = {one.account: one for one in queries.trial_balance(company=COMPANY)}
    assert (trial[1100].debit_minor, trial[1100].credit_minor, trial[1100].balance_minor) == (1600, 600, 1000)
    assert (trial[5700].debit_minor, trial[5700].credit_minor) == (0, 100)
    assert sum(one.debit_minor for one in trial.values()) == sum(one.credit_minor for one in trial.values())
    assert queries.discrepancies() == []


def test_what_is_taken_back_is_worth_what_it_was_sold_at() -> None:
    """€10.00 were £5.00 when they were sold, and are £6.00: a pound is lost by the rate, and not by the sale."""
    a_rate("EUR", "0.6")
    back = a_posting("return", (("return.goods", 800), ("return.tax", 200)), currency="EUR")
    (entry,) = posted(back._replace(as_sold=Decimal("0.5")))

    assert sorted(lines(entry)) == [
        (2200, "return.tax", 200, 100),
        (2300, "settlement", -1000, -600),
        (4100, "return.goods", 800, 400),
        (5700, "difference", 0, 100),
    ]
    same, home = posted(
        back._replace(as_sold=Decimal("0.6001")), back._replace(currency="GBP", as_sold=Decimal("0.5"))
    )
    assert sorted(line[3] for line in lines(same)) == [-600, 120, 480]
    assert sorted(line[3] for line in lines(home)) == [-1000, 200, 800]
    sql.run("DELETE FROM ledger_rule WHERE kind = 'difference' RETURNING 1")
    (without,) = posted(back._replace(as_sold=Decimal("0.5")))
    assert sorted(line[3] for line in lines(without)) == [-600, 120, 480]


# ---- months


def test_a_closed_month_takes_nothing_and_its_neighbors_do() -> None:
    early = a_posting(occurred_at=IN_OCTOBER)
    posted(early)

    assert close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)]) == [MonthClosed(COMPANY, OCTOBER)]

    assert post(SYSTEM, requests=[early]) == [errors.MonthClosed(company=1, month="2026-10")]
    assert posted(early._replace(occurred_at=IN_OCTOBER + timedelta(minutes=1)))[0]
    assert posted(early._replace(occurred_at=datetime(2026, 9, 30, tzinfo=UTC)))[0]


def test_what_is_heard_of_late_is_posted_now_where_its_month_is_closed() -> None:
    late = a_posting(occurred_at=IN_OCTOBER)._replace(or_now=True)
    posted(late)
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    posted(late)

    times = sql.run("SELECT DISTINCT month, occurred_at FROM ledger_line ORDER BY 1")
    assert times == [(OCTOBER, IN_OCTOBER), (NOVEMBER, NOW)]


def test_a_company_closes_its_own_month_only() -> None:
    open_books(SYSTEM, requests=[OpenBooks(2)])
    close_month(SYSTEM, requests=[CloseMonth(2, OCTOBER)])

    assert posted(a_posting(occurred_at=IN_OCTOBER))[0]


@pytest.mark.parametrize("month", [NOVEMBER, date(2026, 12, 1), date(2026, 10, 2)])
def test_only_whole_months_that_have_ended_are_closed(month: date) -> None:
    before = everything()

    (answer,) = close_month(SYSTEM, requests=[CloseMonth(COMPANY, month)])
    assert isinstance(answer, Invalid)
    assert everything() == before

    refused, done = close_month(SYSTEM, requests=[CloseMonth(COMPANY, month), CloseMonth(COMPANY, OCTOBER)])
    assert refused == answer
    assert done == MonthClosed(COMPANY, OCTOBER)


def test_a_month_has_ended_when_it_has_in_utc() -> None:
    """Months are those of UTC, as for postings: where the sun rises first, it is still November there."""
    auckland = timezone(timedelta(hours=13))
    early = replace(SYSTEM, at=datetime(2026, 12, 1, 1, tzinfo=auckland))

    assert isinstance(close_month(early, requests=[CloseMonth(COMPANY, NOVEMBER)])[0], Invalid)


def test_closing_again_changes_nothing() -> None:
    request = CloseMonth(COMPANY, OCTOBER)
    first = close_month(SYSTEM, requests=[request])
    before = everything()
    later = replace(SYSTEM, at=NOW + timedelta(days=1))

    assert close_month(later, requests=[request]) == first
    assert close_month(later, requests=[request, request]) == first * 2
    assert everything() == before


def test_a_month_named_twice_is_closed_once() -> None:
    request = CloseMonth(COMPANY, OCTOBER)

    assert close_month(SYSTEM, requests=[request, request]) == [MonthClosed(COMPANY, OCTOBER)] * 2
    events = "SELECT state_before, state_after, reason FROM kernel_event WHERE command = 'ledger.close_month'"
    assert sql.run(events) == [("open", "closed", "2026-10")]


def test_the_key_of_a_closing_gets_its_answer() -> None:
    request = CloseMonth(COMPANY, OCTOBER, key="k")
    first = close_month(SYSTEM, requests=[request])

    assert close_month(SYSTEM, requests=[request]) == first
    (reused,) = close_month(SYSTEM, requests=[replace(request, month=date(2026, 9, 1))])
    assert reused == RequestReused(key="k", command="ledger.close_month")


def test_what_was_recorded_while_the_closing_waited_is_not_amiss() -> None:
    """Who closes asked at nine and got its turn after a posting of one second past nine."""
    post(replace(SYSTEM, at=NOW + timedelta(seconds=1)), requests=[a_posting(occurred_at=IN_OCTOBER)])
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])

    assert queries.discrepancies() == []


def test_books_opened_again_keep_what_they_have() -> None:
    sql.run("UPDATE ledger_account SET name = 'Till' WHERE company_id = 1 AND code = 1000")

    answer = BooksOpened(COMPANY, len(CHART), len(RULES))
    assert open_books(SYSTEM, requests=[OpenBooks(COMPANY), OpenBooks(COMPANY)]) == [answer, answer]
    assert sql.run("SELECT name FROM ledger_account WHERE company_id = 1 AND code = 1000") == [("Till",)]
    assert sql.run("SELECT count(*)::int FROM ledger_rule") == [(len(RULES),)]


# ---- counts of statements


@pytest.mark.counts("ledger.close_month", "ledger.open_books", "ledger.post")
def test_statements_do_not_grow_with_the_batch(statements) -> None:
    a_rate("EUR", "0.85")
    counts: dict[str, list[int]] = {}

    def count(name: str, command: Any, requests: list[Any]) -> None:
        with statements() as ran:
            answers = command(SYSTEM, requests=requests)
        assert not any(isinstance(answer, Refused) for answer in answers)
        counts.setdefault(name, []).append(len([text for text in ran.texts if "SAVEPOINT" not in text]))

    month = OCTOBER
    for size in SIZES:
        many = range(size)
        count("post", post, [a_posting() for _ in many])
        count("post with keys", post, [a_posting(key=f"{size}/{i}") for i in many])
        count("post abroad", post, [a_posting(currency="EUR") for _ in many])
        count("open books", open_books, [OpenBooks(1 + i) for i in many])
        months = [month := (month - timedelta(days=1)).replace(day=1) for _ in many]
        count("close", close_month, [CloseMonth(COMPANY, one) for one in months])

    assert counts == {
        "post": [5] * 3,  # the last offers what a document must tell of
        "post with keys": [7] * 3,  # and the keys, and the answers
        "post abroad": [6] * 3,
        "open books": [2] * 3,
        "close": [3] * 3,  # and the events
    }


# ---- what the database refuses, whatever the application does

RAW = ("entry_id", "number", "amount_minor", "functional_minor", "currency", "company_id", "month")
REST = {
    "account": 1000, "kind": "cost", "event": "forged", "document_kind": "order", "document_id": ids.uuid7(),
    "occurred_at": NOW, "recorded_at": NOW,
}  # fmt: skip


def a_line(
    entry: UUID,
    number: int,
    amount: int,
    in_home: int | None = None,
    currency: str = "GBP",
    company: int = COMPANY,
    month: date = NOVEMBER,
) -> tuple[Any, ...]:
    home = amount if in_home is None else in_home
    rest = REST | {"occurred_at": IN_OCTOBER if month == OCTOBER else NOW}
    return entry, number, amount, home, currency, company, month, *rest.values()


def write(*rows: tuple[Any, ...]) -> None:
    """Lines in one statement, past all commands, as the application's role."""
    with transaction.atomic():
        sql.write("ledger_line", (*RAW, *REST), [a_line(*row) for row in rows])


def refused(constraint: str, *rows: tuple[Any, ...]) -> None:
    before = everything()
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        write(*rows)
    assert caught.value.diag.constraint_name == constraint
    assert everything() == before


A, B = ids.uuid7(), ids.uuid7()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(A, 1, 5)], id="the first half of an entry"),
        pytest.param([(A, 1, 5), (A, 2, -4)], id="amounts that are off"),
        pytest.param([(A, 1, 5, 3), (A, 2, -5, -4)], id="off in the company's currency only"),
        pytest.param([(A, 1, 5, 3), (A, 2, -4, -3)], id="off in its own currency only"),
        pytest.param([(A, 1, 5), (B, 1, -5)], id="two entries that balance only together"),
        pytest.param([(A, 2, 5), (A, 3, -5)], id="without its first line"),
        pytest.param([(A, 1, 5), (A, 2, -5, -5, "EUR")], id="in two currencies"),
        pytest.param([(A, 1, 5), (A, 2, -5, -5, "GBP", 2)], id="of two companies"),
        pytest.param([(A, 1, 5), (A, 2, -5), (B, 1, 7)], id="a whole entry beside a broken one"),
    ],
)
def test_the_database_refuses_an_entry_that_is_not_whole_and_balanced(rows: list[Any]) -> None:
    refused("ledger_line_entry_balances", *rows)


def test_the_database_refuses_lines_added_to_an_entry_that_stands() -> None:
    (entry,) = posted(a_posting())

    refused("ledger_line_entry_balances", (entry, 4, 5), (entry, 5, -5))
    refused("ledger_line_once_in_its_entry", (entry, 1, 5), (entry, 5, -5))


def test_the_database_refuses_a_line_in_a_closed_month() -> None:
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    october = ("GBP", COMPANY, OCTOBER)

    refused("ledger_line_month_open", (A, 1, 5, 5, *october), (A, 2, -5, -5, *october))
    refused("ledger_line_month_open", (A, 1, 5), (A, 2, -5), (B, 1, 5, 5, *october), (B, 2, -5, -5, *october))


def test_the_database_refuses_a_day_of_a_closed_month_in_an_open_one() -> None:
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    before = everything()
    late = [(*a_line(A, number, amount)[:-2], IN_OCTOBER, NOW) for number, amount in ((1, 5), (2, -5))]

    with pytest.raises(psycopg.errors.IntegrityError) as caught, transaction.atomic():
        sql.write("ledger_line", (*RAW, *REST), late)

    assert caught.value.diag.constraint_name == "ledger_line_in_its_month"
    assert everything() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_balance SET debit_minor = debit_minor + 5 WHERE month = '2026-10-01'",
        "UPDATE ledger_balance SET month = '2026-09-01' WHERE month = '2026-10-01'",
        "UPDATE ledger_balance SET month = '2026-10-01', slot = 9 WHERE month = '2026-11-01'",
        "INSERT INTO ledger_balance VALUES (1, 1100, '2026-10-01', 'GBP', 9, 5, 5, 0, 5)",
        "DELETE FROM ledger_balance WHERE month = '2026-10-01'",
    ],
)
def test_the_database_refuses_other_balances_of_a_closed_month(statement: str) -> None:
    posted(a_posting(occurred_at=IN_OCTOBER), a_posting())
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    before = everything()

    with pytest.raises(psycopg.errors.IntegrityError) as caught, transaction.atomic():
        sql.run(statement)

    assert caught.value.diag.constraint_name == "ledger_balance_month_open"
    assert everything() == before
    posted(a_posting())


CHANGES = (
    "UPDATE ledger_line SET amount_minor = 0",
    "UPDATE ledger_line SET kind = kind WHERE false",
    "DELETE FROM ledger_line",
    "TRUNCATE ledger_line",
)


@pytest.mark.parametrize("statement", CHANGES)
def test_the_application_has_no_right_to_change_a_line(statement: str) -> None:
    posted(a_posting())

    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction.atomic():
        sql.run(statement)
    assert balance(4000) == -1000
