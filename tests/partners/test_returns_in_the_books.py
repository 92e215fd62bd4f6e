"""The C invoices of the real file in the books: what is expected of their sales, and what their returns cost."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from entrepot.channels.online_retail import importer
from entrepot.insight import margins, profit, verify
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.returns import cohort_queries
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.returns.rules import Policy
from tests.partners.test_online_retail import YEAR, real

ROWS = 6_001


@real
@pytest.mark.slow
def test_cohorts_and_profit_of_the_first_real_days_are_those_of_the_books(
    committed_db: None, tmp_path: Path
) -> None:
    with gzip.open(YEAR, "rt", encoding="utf-8", newline="") as lines:
        path = tmp_path / "slice.csv"
        path.write_text("".join(line for line, _ in zip(lines, range(ROWS), strict=False)))
    importer.run(path)
    ((company,),) = sql.run("SELECT id::int FROM parties_company")
    end = datetime(2010, 12, 31, 23, 59, tzinfo=UTC)
    cause = Cause(Actor("system:test", everything=True), datetime.now(UTC))
    body = Policy(window_days=60, expected_percent=Decimal(5))
    kept = policies.SetPolicy(company, "returns", body, datetime(2010, 11, 1, tzinfo=UTC))
    policies.set_policy(cause, requests=[kept])
    (answer,) = estimate(cause, requests=[Estimate(company, end)])
    (cohort,) = cohort_queries.measures(company)
    assert cohort.month == cohort.measured == date(2010, 12, 1)
    assert cohort.liability_minor == answer.liability_minor > 0  # type: ignore[union-attr]
    ((returned,),) = sql.run("SELECT sum(goods_minor)::bigint FROM returns_refund")
    assert cohort.returned_minor == returned > 0

    asked = profit.Asked(date(2010, 12, 1), date(2011, 1, 1))
    told = profit.profit(company, asked, "sku", end)
    (tied,) = profit.ties(company, asked, told)
    assert tied.difference_minor == 0
    (december,) = told.erosion()
    assert december.taken_minor == -margins.total(told.groups()).returns_minor > 0
    assert verify.discrepancies() == []
