"""ledger.record_rate_files"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import NotFound, RequestReused
from entrepot.ledger import queries
from entrepot.ledger.commands.record_rate_files import RateFile, RateFileTaken, record_rate_files
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.errors import RateFileFaulty
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
DAY = NOW.date()
TEXT = f"date,currency,rate\n{DAY},USD,0.79\n{DAY},EUR,0.853\n"
FILE = RateFile(COMPANY, TEXT)


@pytest.fixture(autouse=True)
def books(db: None) -> None:
    a_floor(skus=0, channels=())


def take(*files: RateFile) -> list:
    return record_rate_files(SYSTEM, requests=files)


def stand() -> dict[tuple[str, date], Decimal]:
    return {(one.currency, one.on_date): one.rate for one in queries.rates(company=COMPANY)}


def test_rates_of_a_file_are_in_force_from_their_days_on():
    assert take(FILE) == [RateFileTaken(2, 0, 0, ())]
    assert stand() == {("USD", DAY): Decimal("0.79"), ("EUR", DAY): Decimal("0.853")}
    assert take(FILE) == [RateFileTaken(0, 2, 0, ())]
    assert sql.run("SELECT count(*) FROM kernel_event WHERE subject_kind = 'rate'") == [(2,)]


def test_a_dry_run_tells_the_same_and_records_nothing():
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "USD", DAY, Decimal("0.8"))])
    otherwise = (("USD", str(DAY), "0.800000000", "0.79"),)
    assert take(replace(FILE, dry_run=True)) == [RateFileTaken(1, 0, 1, otherwise)]
    assert len(stand()) == 1
    assert take(FILE, FILE) == [RateFileTaken(1, 0, 1, otherwise), RateFileTaken(0, 1, 1, otherwise)]
    assert stand() == {("USD", DAY): Decimal("0.8"), ("EUR", DAY): Decimal("0.853")}


def test_what_a_central_bank_tells_of_the_euro_is_converted():
    table = f"Date,USD,GBP\n{DAY},1.25,0.8\n"
    assert take(replace(FILE, text=table)) == [RateFileTaken(2, 0, 0, ())]
    assert stand() == {("USD", DAY): Decimal("0.64"), ("EUR", DAY): Decimal("0.8")}


def test_a_file_with_a_fault_does_nothing_and_the_next_one_does():
    faulty = replace(FILE, text=TEXT + "soon,SEK,1\n")
    refused, taken = take(faulty, FILE)
    assert isinstance(refused, RateFileFaulty)
    assert (refused.facts["row"], refused.facts["faults"]) == (4, 1)
    assert taken == RateFileTaken(2, 0, 0, ())
    assert take(replace(FILE, company=77)) == [NotFound(what="company", which="77")]


def test_a_key_gets_its_answer_again_and_none_for_other_content():
    (first,) = take(replace(FILE, key="k"))
    assert take(replace(FILE, key="k")) == [first]
    other = replace(FILE, text=f"date,currency,rate\n{DAY},USD,1\n", key="k")
    assert take(other) == [RequestReused(key="k", command="ledger.record_rate_files")]


@pytest.mark.counts("ledger.record_rate_files")
def test_statements_do_not_grow_with_the_batch(statements):
    first = DAY
    for size in SIZES:
        files = [
            RateFile(COMPANY, f"date,currency,rate\n{first + timedelta(days=i)},USD,0.5\n")
            for i in range(size)
        ]
        first += timedelta(days=size)
        with statements():
            answers = take(*files)
        assert answers == [RateFileTaken(1, 0, 0, ())] * size
