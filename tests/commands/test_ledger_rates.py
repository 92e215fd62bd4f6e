"""ledger.record_rates"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.commands.record_rates import RateRecorded, RecordRate, record_rates
from entrepot.ledger.errors import NoRate
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)


@pytest.fixture(autouse=True)
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def sold(amount: int) -> Posted | NoRate:
    posting = Posting(
        COMPANY, "payment.captured", "payment", ids.uuid7(), "EUR", [("settlement", amount)], NOW
    )
    return post(SYSTEM, requests=[posting])[0]  # type: ignore[return-value]


@pytest.mark.alone("ledger")
def test_a_rate_lets_a_foreign_amount_be_posted():
    assert isinstance(sold(1000), NoRate)

    (answer,) = record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", DAY, Decimal("0.85"))])

    assert answer == RateRecorded("EUR", DAY, fresh=True, rate=Decimal("0.85"))
    assert isinstance(sold(1000), Posted)
    assert balance(1100) == 850


def test_the_first_rate_of_a_day_stands():
    first, same, other = record_rates(
        SYSTEM,
        requests=[
            RecordRate(COMPANY, "EUR", DAY, Decimal("0.85")),
            RecordRate(COMPANY, "EUR", DAY, Decimal("0.99")),
            RecordRate(COMPANY, "USD", DAY, Decimal("0.75")),
        ],
    )
    (again,) = record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", DAY, Decimal("0.99"))])

    assert (first.fresh, same.fresh, other.fresh, again.fresh) == (True, False, True, False)
    assert (same.rate, again.rate) == (Decimal("0.85"), Decimal("0.85")), "what is in force"
    assert sql.run("SELECT currency, rate FROM ledger_rate ORDER BY 1") == [
        ("EUR", Decimal("0.85")),
        ("USD", Decimal("0.75")),
    ]


@pytest.mark.parametrize(
    ("currency", "rate"),
    [
        ("eur", "1"), ("EURO", "1"), ("EUR", "0"), ("EUR", "-1"), ("EUR", "NaN"), ("EUR", "0.0000000001"),
        ("EUR", "0.8500000001"), ("EUR", "1e9"), ("EUR", "1e-400"),
    ],
)  # fmt: skip
def test_what_can_not_be_a_rate_is_refused(currency: str, rate: str):
    (answer,) = record_rates(SYSTEM, requests=[RecordRate(COMPANY, currency, DAY, Decimal(rate))])
    assert isinstance(answer, Invalid)


@pytest.mark.parametrize("rate", ["0.000000001", "999999999.999999999", "0.85000000000"])
def test_what_a_rate_says_is_what_is_kept(rate: str):
    (answer,) = record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", DAY, Decimal(rate))])
    assert isinstance(answer, RateRecorded)
    assert answer.fresh
    assert sql.run("SELECT rate FROM ledger_rate") == [(Decimal(rate),)]


@pytest.mark.counts("ledger.record_rates")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    days = [date.fromordinal(DAY.toordinal() + i) for i in range(count)]
    with statements() as ran:
        record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", day, Decimal(1)) for day in days])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 2, ran.texts
