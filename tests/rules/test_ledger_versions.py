"""Versions of posting rules: which is in force on a day, and what none may say."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.ledger import rules, versions
from entrepot.ledger.chart import Account
from entrepot.ledger.versions import Active, Change, InForce, compare, misfit, misfit_change, misfit_day

CHART = {code: Account(name, kind, code) for code, name, kind, _ in rules.CHART}
FIRST = {(1, event, kind, ""): (debit, credit) for event, kind, debit, credit in rules.RULES}
FEE = Change("payment.paid_out", "fee", 5200, 1100)
DAY = date(2026, 11, 1)
RESULTS = sorted(code for code in CHART if versions.is_free(code, CHART))


def test_a_version_is_in_force_from_its_day_on_and_keeps_what_those_before_it_changed():
    scrap = Change("stock.write_off", "cost", 5550, 1200)
    books = InForce(1, FIRST, [Active(3, date(2026, 12, 1), [scrap]), Active(2, DAY, [FEE])])
    assert books.on(DAY - timedelta(days=1)) == (1, FIRST)
    number, known = books.on(DAY)
    assert (number, known[1, "payment.paid_out", "fee", ""]) == (2, (5200, 1100))
    assert known[1, "stock.write_off", "cost", ""] == (5100, 1200)
    number, known = books.on(date(2027, 1, 1))
    assert (number, known[1, "payment.paid_out", "fee", ""]) == (3, (5200, 1100))
    assert known[1, "stock.write_off", "cost", ""] == (5550, 1200)


def test_of_two_versions_of_a_day_the_later_one_is_in_force():
    again = FEE._replace(debit=5550)
    books = InForce(1, FIRST, [Active(2, DAY, [FEE]), Active(3, DAY, [again])])
    assert books.on(DAY)[1][1, "payment.paid_out", "fee", ""] == (5550, 1100)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (FEE._replace(event="payment.sent"), "event"),
        (FEE._replace(kind="tip"), "event"),
        (FEE._replace(debit=5999), "debit"),
        (FEE._replace(credit=5999), "credit"),
        (FEE._replace(debit=1100), "credit"),  # both sides
        (FEE._replace(debit=5210), "changes"),  # as it is
        (FEE._replace(credit=2000), "credit"),  # the provider's clearing account must reach zero
        (FEE._replace(debit=1260), "debit"),  # an asset
        (Change("shipping.accrued", "carriage", 5510, 2150), "debit"),  # compared with what labels cost
        (Change("sale", "sale.shipping", 2100, 4020), "credit"),  # key figures take it for revenue
        (Change("stock.found", "cost", 1200, 5100), "credit"),  # income is not taken for less expense
        (FEE._replace(debit=5110), "debit"),  # nor expense for less income
        (
            Change("return.expected", "estimate.cost", 1220, 5100),
            "credit",
        ),  # taken back when the return is over
        (Change("return.expected", "estimate.revenue", 4020, 2310), "debit"),
        (
            Change("currency.revalued", "unrealized.2000", 2000, 5550),
            "credit",
        ),  # taken back by the next measurement
        (Change("card_hold.taken", "difference", 5550, 2100), "debit"),  # undone when the goods come back
    ],
)
def test_a_change_that_does_not_fit_says_what_would(change: Change, field: str):
    found = misfit_change(change, FIRST_OF.get(change.rule), CHART)
    assert isinstance(found, Invalid)
    assert found.facts["field"] == field


FIRST_OF = {(event, kind, reason): sides for (_, event, kind, reason), sides in FIRST.items()}


def test_a_version_has_changes_a_reason_and_each_rule_once():
    assert misfit([FEE], "as the auditor asks") is None
    for changes, reason in (
        ([FEE], " "),
        ([], "x"),
        ([FEE, FEE._replace(debit=5550)], "x"),
        ([FEE] * 201, "x"),
    ):
        assert isinstance(misfit(changes, reason), Invalid)


def test_a_day_is_not_before_the_last_version_nor_far_ahead():
    assert misfit_day(DAY, DAY, None) is None
    assert misfit_day(DAY, DAY, DAY) is None
    assert isinstance(misfit_day(DAY - timedelta(days=1), DAY, DAY), Invalid)
    assert misfit_day(DAY + timedelta(days=366), DAY, None) is None
    assert isinstance(misfit_day(DAY + timedelta(days=367), DAY, None), Invalid)


@given(st.sampled_from(sorted(FIRST_OF)), st.sampled_from(sorted(CHART)), st.sampled_from(sorted(CHART)))
def test_what_fits_never_moves_the_balance_sheet(rule: tuple[str, str, str], debit: int, credit: int):
    was = FIRST_OF[rule]
    if misfit_change(Change(*rule[:2], debit, credit), was, CHART) is None:
        for before, after in zip(was, (debit, credit), strict=True):
            assert before == after or (
                {before, after} <= set(RESULTS) and CHART[before].type == CHART[after].type
            )


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from(RESULTS)), max_size=8), st.integers(-5, 70))
def test_the_version_of_a_day_is_the_last_one_that_began(begun: list[tuple[int, int]], day: int):
    days = sorted(offset for offset, _ in begun)
    known = [
        Active(number, DAY + timedelta(days=offset), [FEE._replace(debit=account)])
        for number, (offset, (_, account)) in enumerate(zip(days, begun, strict=True), 2)
    ]
    number, accounts = InForce(1, FIRST, known).on(DAY + timedelta(days=day))
    last = max((one for one in known if one.since <= DAY + timedelta(days=day)), default=None)
    assert number == (last.number if last else versions.FIRST)
    assert accounts[1, *FEE.rule] == ((last.changes[0].debit, 1100) if last else (5210, 1100))


def test_what_differs_is_told_by_rule():
    after = FIRST_OF | {("payment.paid_out", "fee", ""): (5200, 1100)}
    assert compare(FIRST_OF, after) == [(*FEE.rule, (5210, 1100), (5200, 1100))]
    assert compare(after, after) == []
