"""Money in races: no penny lost between threads, and none slips into a month that is being closed."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused, RequestInFlight
from entrepot.ledger import errors, queries
from entrepot.ledger.commands.close_month import CloseMonth, MonthClosed, close_month
from entrepot.ledger.commands.correct_rates import CorrectRate, correct_rates
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.commands.record_rate_files import RateFile, record_rate_files
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, revalue
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.together import at_once, until_someone_waits

pytestmark = [pytest.mark.usefixtures("books"), pytest.mark.alone("kernel", "ledger")]

THREADS = 16
BEGAN = time.monotonic()
OCTOBER = date(2026, 10, 1)
IN_OCTOBER = datetime(2026, 10, 31, 12, tzinfo=UTC)
REFUSED = errors.MonthClosed(company=COMPANY, month="2026-10")


@pytest.fixture
def books(committed_db: None) -> None:
    a_floor(skus=0, channels=())


def a_posting(amount: int = 100, occurred_at: datetime = NOW, key: str | None = None) -> Posting:
    amounts = (("sale.goods", amount), ("sale.shipping", 5), ("sale.tax", 20))
    return Posting(COMPANY, "sale", "shipment", ids.uuid7(), "GBP", amounts, occurred_at, key)


def now() -> Cause:
    """A cause with the clock of the moment, as an edge makes it."""
    return replace(SYSTEM, at=NOW + timedelta(seconds=time.monotonic() - BEGAN))


def october() -> int:
    """Entries that stand in October."""
    return sql.run("SELECT count(DISTINCT entry_id)::int FROM ledger_line WHERE month = '2026-10-01'")[0][0]


# ---- the same accounts


def _naive(rounds: int) -> None:
    """How balances lose pennies: read, add, write."""
    for _ in range(rounds):
        ((found,),) = sql.run("SELECT minor FROM naive_balance")
        sql.run("UPDATE naive_balance SET minor = %(minor)s::bigint", {"minor": found + 100})


def test_sixteen_threads_on_the_same_accounts_balance_exactly(owner) -> None:
    """Beside them the same where nobody takes care."""
    owner.execute("CREATE TABLE naive_balance AS SELECT 0::bigint AS minor")
    owner.execute("GRANT ALL ON naive_balance TO PUBLIC")
    rounds, each = 20, 5

    def work() -> list[Posted | Refused]:
        return [
            answer
            for _ in range(rounds)
            for answer in post(now(), requests=[a_posting(1 + i) for i in range(each)])
        ]

    at_once([lambda: _naive(rounds)] * THREADS)
    answers = at_once([work] * THREADS)

    naive = sql.run("SELECT minor FROM naive_balance")[0][0]
    assert naive < THREADS * rounds * 100, "the race must bite, or the figures below prove nothing"
    entries = [answer.entry for one in answers for answer in one]  # type: ignore[attr-defined]
    assert len(set(entries)) == THREADS * rounds * each
    times = THREADS * rounds
    assert (balance(4000), balance(4010), balance(2200)) == (-15 * times, -25 * times, -100 * times)
    assert balance(2100) == 140 * times
    assert sql.run("SELECT sum(amount_minor)::int, count(*)::int FROM ledger_line") == [(0, 4 * 5 * times)]


def test_debits_and_credits_at_once_leave_nothing(books: None) -> None:
    """Half the threads take back what the others post, in batches that touch the accounts in contrary order."""
    there, back = (("sale.goods", 7), ("sale.tax", 3)), (("sale.tax", -3), ("sale.goods", -7))
    batches = [[a_posting()._replace(amounts=one) for _ in range(10)] for one in (there, back)]

    def work(batch: list[Posting]) -> None:
        for _ in range(20):
            assert all(isinstance(answer, Posted) for answer in post(now(), requests=batch))

    at_once([lambda batch=batch: work(batch) for batch in batches * (THREADS // 2)])

    turned_over = (
        "SELECT account, sum(debit_minor)::int, sum(credit_minor)::int FROM ledger_balance GROUP BY 1"
    )
    total = THREADS // 2 * 20 * 10
    assert sorted(sql.run(turned_over)) == [
        (2100, 10 * total, 10 * total),
        (2200, 3 * total, 3 * total),
        (4000, 7 * total, 7 * total),
    ]


def test_the_same_key_from_sixteen_threads_is_posted_once() -> None:
    for i in range(20):
        posting = a_posting(key=f"k{i}")
        answers = at_once([lambda posting=posting: post(now(), requests=[posting])[0]] * THREADS)

        entries = {answer.entry for answer in answers if isinstance(answer, Posted)}
        assert len(entries) == 1
        assert all(isinstance(answer, Posted | RequestInFlight) for answer in answers), answers
        assert post(now(), requests=[posting]) == [Posted(*entries)]
    assert balance(4000) == -20 * 100


# ---- closing a month


def test_a_month_closed_against_postings_into_it_takes_each_before_or_not_at_all() -> None:
    enough = threading.Semaphore(0)

    def work() -> list[Posted | Refused]:
        answers: list[Posted | Refused] = []
        for _ in range(2000):
            answers += post(now(), requests=[a_posting(occurred_at=IN_OCTOBER), a_posting()])
            enough.release()
            if isinstance(answers[-2], Refused):
                break
        return answers

    def close() -> int:
        for _ in range(100):
            enough.acquire()
        assert close_month(now(), requests=[CloseMonth(COMPANY, OCTOBER)]) == [MonthClosed(COMPANY, OCTOBER)]
        return october()

    *threads, at_closing = at_once([*[work] * (THREADS - 1), close])

    for answers in threads:
        into_october, into_november = answers[::2], answers[1::2]  # type: ignore[index]
        assert all(isinstance(answer, Posted) for answer in [*into_october[:-1], *into_november])
        assert into_october[-1] == REFUSED, "each went on until it was refused"
    went_in = sum(len(answers[::2]) - 1 for answers in threads)  # type: ignore[index]
    assert went_in == at_closing == october() > 0


def test_who_closes_waits_for_a_posting_that_is_being_written() -> None:
    asked = now()
    with transaction.atomic():
        post(now(), requests=[a_posting(occurred_at=IN_OCTOBER)])
        closing = _in_a_thread(lambda: close_month(asked, requests=[CloseMonth(COMPANY, OCTOBER)]))
        until_someone_waits("advisory")
        assert closing.answers == []
    closing.join()

    assert closing.answers == [MonthClosed(COMPANY, OCTOBER)]
    assert october() == 1


def test_a_posting_that_waits_for_the_closing_is_refused_in_words() -> None:
    with transaction.atomic():
        close_month(now(), requests=[CloseMonth(COMPANY, OCTOBER)])
        posting = _in_a_thread(lambda: post(now(), requests=[a_posting(occurred_at=IN_OCTOBER), a_posting()]))
        until_someone_waits("advisory")
        assert posting.answers == []
    posting.join()

    refused, done = posting.answers
    assert refused == REFUSED
    assert isinstance(done, Posted)
    assert october() == 0


def test_a_closing_that_is_undone_lets_the_posting_in() -> None:
    with transaction.atomic():
        close_month(now(), requests=[CloseMonth(COMPANY, OCTOBER)])
        posting = _in_a_thread(lambda: post(now(), requests=[a_posting(occurred_at=IN_OCTOBER)]))
        until_someone_waits("advisory")
        transaction.set_rollback(True)
    posting.join()

    assert [type(answer) for answer in posting.answers] == [Posted]
    assert october() == 1


class _in_a_thread(threading.Thread):  # noqa: N801  reads as a function
    def __init__(self, job) -> None:
        super().__init__(daemon=True)
        self.job, self.answers = job, []
        self.start()

    def run(self) -> None:
        try:
            self.answers = self.job()
        except Exception as error:  # noqa: BLE001  the test shows it
            self.answers = [error]
        finally:
            connection.close()


def test_balances_in_another_currency_are_measured_once():
    record_rates(SYSTEM, requests=[
        RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.80")),
        RecordRate(COMPANY, "EUR", NOW.date() + timedelta(days=1), Decimal("0.90")),
    ])  # fmt: skip
    euros = Posting(COMPANY, "payment.captured", "payment", ids.uuid7(), "EUR", (("settlement", 1_000),), NOW)
    assert isinstance(post(SYSTEM, requests=[euros])[0], Posted)
    later = replace(SYSTEM, at=NOW + timedelta(days=2))
    wanted = Revalue(COMPANY, NOW.date() + timedelta(days=1))
    answers = at_once([lambda: revalue(later, requests=[wanted])[0]] * 4)
    assert sorted(one.unrealized_minor for one in answers) == [0, 0, 0, 100]
    assert (balance(1100), balance(5710)) == (900, -100)


def test_a_rate_that_two_correct_at_once_knows_what_stood_before_each():
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", OCTOBER, Decimal(1))])
    rates = [Decimal(i) for i in range(2, 8)]
    at_once([
        lambda rate=rate: correct_rates(now(), requests=[CorrectRate(COMPANY, "EUR", OCTOBER, rate, "wrong")])
        for rate in rates
    ])  # fmt: skip
    kept = queries.rate_corrections(company=COMPANY)
    by_rate = {one.rate: one for one in kept}
    (last,) = [one.rate for one in queries.rates(company=COMPANY)]
    chain = []
    while last in by_rate:
        chain.append(last)
        last = by_rate[last].was
    assert (sorted(chain), last) == (rates, Decimal(1))


def test_what_several_files_say_of_a_rate_at_once_is_recorded_of_one_and_told_of_the_others():
    files = [RateFile(COMPANY, f"date,currency,rate\n{OCTOBER},EUR,0.{i}\n") for i in (8, 8, 9, 9)]
    answers = at_once([lambda one=one: record_rate_files(now(), requests=[one])[0] for one in files])
    assert sorted((one.recorded, one.known, one.differ) for one in answers) == [
        (0, 0, 1),
        (0, 0, 1),
        (0, 1, 0),
        (1, 0, 0),
    ]
    assert len(queries.rates(company=COMPANY)) == 1
