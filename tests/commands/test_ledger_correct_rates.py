"""ledger.correct_rates"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, NotFound, RequestReused
from entrepot.ledger import queries
from entrepot.ledger.commands.correct_rates import CorrectRate, RateCorrected, correct_rates
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, Revalued, revalue
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
DAY = NOW.date()
WRONG, RIGHT = Decimal("8.5"), Decimal("0.85")
DECEMBER = Cause(SYSTEM.actor, NOW + timedelta(days=20))


@pytest.fixture(autouse=True)
def house(db: None) -> None:
    a_floor(skus=0, channels=())
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", DAY, WRONG)])


def correct(rate: Decimal = RIGHT, reason: str = "a digit too far", day: date = DAY, **facts: str) -> object:
    return correct_rates(SYSTEM, requests=[CorrectRate(COMPANY, "EUR", day, rate, reason, **facts)])[0]


def captured() -> None:
    posting = Posting(
        COMPANY, "payment.captured", "payment", ids.uuid7(), "EUR", [("settlement", 1_000)], NOW
    )
    assert isinstance(post(SYSTEM, requests=[posting])[0], Posted)


@pytest.mark.alone("ledger")
def test_a_rate_that_was_wrong_is_used_no_more_and_what_was_posted_stays():
    captured()
    assert balance(1100) == 8_500

    assert correct() == RateCorrected("EUR", DAY, WRONG, RIGHT)

    assert balance(1100) == 8_500
    captured()
    assert balance(1100) == 8_500 + 850
    assert revalue(DECEMBER, requests=[Revalue(COMPANY, DAY)]) == [Revalued(COMPANY, 0, 850 - 8_500, 2)]
    assert balance(1100) == 1_700
    (kept,) = queries.rate_corrections(company=COMPANY)
    assert (kept.was, kept.rate, kept.reason, kept.corrected_by) == (
        WRONG,
        RIGHT,
        "a digit too far",
        SYSTEM.actor.name,
    )
    told = sql.run(
        "SELECT state_before, state_after, reason FROM kernel_event WHERE state_after = 'corrected'"
    )
    assert told == [("recorded", "corrected", "a digit too far")]


def test_what_stands_is_not_corrected_again():
    correct()
    assert correct() == RateCorrected("EUR", DAY, RIGHT, RIGHT)
    twice = [CorrectRate(COMPANY, "EUR", DAY, Decimal(rate), "sure") for rate in ("0.86", "0.87")]
    assert correct_rates(SYSTEM, requests=twice) == [
        RateCorrected("EUR", DAY, RIGHT, Decimal("0.86")), RateCorrected("EUR", DAY, Decimal("0.86"), Decimal("0.87")),
    ]  # fmt: skip
    assert [(one.was, one.rate) for one in reversed(queries.rate_corrections(company=COMPANY))] == [
        (WRONG, RIGHT), (RIGHT, Decimal("0.86")), (Decimal("0.86"), Decimal("0.87")),
    ]  # fmt: skip


def test_refusals_leave_the_rate():
    assert isinstance(correct(reason=" "), Invalid)
    assert isinstance(correct(Decimal(0)), Invalid)
    assert isinstance(correct(Decimal("0.8000000001")), Invalid)
    assert isinstance(correct(Decimal(10**9)), Invalid)
    missing = DAY + timedelta(days=1)
    assert correct(day=missing) == NotFound(what="exchange rate", which=f"EUR {missing}")
    assert [one.rate for one in queries.rates(company=COMPANY)] == [WRONG]
    assert queries.rate_corrections(company=COMPANY) == []


def test_a_key_gets_its_answer_again_and_none_for_other_content():
    first = correct(key="k")
    assert correct(key="k") == first
    assert correct(Decimal(1), key="k") == RequestReused(key="k", command="ledger.correct_rates")


def test_rates_are_read_page_by_page():
    record_rates(SYSTEM, requests=[
        RecordRate(COMPANY, currency, DAY + timedelta(days=i), Decimal(1))
        for i in range(3) for currency in ("EUR", "USD")
    ])  # fmt: skip
    whole = queries.rates(company=COMPANY)
    pages, after = [], None
    while page := queries.rates(company=COMPANY, after=after, limit=2):
        pages += page
        after = (page[-1].on_date, page[-1].currency)
    assert pages == whole
    assert {one.currency for one in queries.rates(company=COMPANY, currency="USD")} == {"USD"}


@pytest.mark.counts("ledger.correct_rates")
def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for step, size in enumerate(SIZES):
        days = [DAY + timedelta(days=1 + i) for i in range(size)]
        record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", day, Decimal(1)) for day in days])
        with statements() as ran:
            correct_rates(SYSTEM, requests=[
                CorrectRate(COMPANY, "EUR", day, Decimal(2 + step), "again") for day in days
            ])  # fmt: skip
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts
