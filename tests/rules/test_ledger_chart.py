"""The chart of accounts as a house keeps it: what fits, what it is then, and what may stand for what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.ledger import chart, rules, versions
from entrepot.ledger.chart import Account, Wanted, kept, misfit
from entrepot.ledger.versions import Change, misfit_change

STANDARD = {code: Account(name, kind, code) for code, name, kind, _ in rules.CHART}
B2B = Account("Sales of goods to companies", "income", 4000)
LOAN = Account("Loan", "liability", None)
RENT = Account("Rent", "expense", None)
CHART = STANDARD | {
    40_001: B2B,
    22_900: LOAN,
    55_510: RENT,
    55_520: RENT._replace(name="Old rent", closed=True),
}
FIRST = {(event, kind): (debit, credit) for event, kind, debit, credit in rules.RULES}
SALE = Change("sale", "sale.goods", 2100, 40_001)


@pytest.mark.parametrize(
    ("number", "wanted", "field"),
    [
        (4001, Wanted("Sales", "income"), "number"),  # of the standard chart
        (10**9, Wanted("Sales", "income"), "number"),
        (-5, Wanted("Sales", "income"), "number"),
        (50_000, Wanted(None, "income"), "name"),
        (50_000, Wanted(" ", "income"), "name"),
        (50_000, Wanted("S" * 101, "income"), "name"),
        (50_000, Wanted("Sales\nand more", "income"), "name"),
        (50_000, Wanted("Sales", "revenue"), "type"),
        (50_000, Wanted("Sales"), "type"),
        (50_000, Wanted("Sales", "expense", 4000), "type"),  # another type than the one that it counts as
        (50_000, Wanted("Sales", "income", 40_001), "role"),  # no standard account
        (50_000, Wanted("Bank in Paris", "asset", 1000), "role"),  # of the balance sheet
        (50_000, Wanted("Sales", "income", external="9" * 31), "external"),
        (40_001, Wanted(type="expense"), "type"),  # what was posted was counted by it
        (40_001, Wanted(role=4010), "role"),
        (22_900, Wanted(role=4010), "role"),
    ],
)
def test_an_account_that_does_not_fit_says_what_would(number: int, wanted: Wanted, field: str):
    found = misfit(number, wanted, CHART)
    assert isinstance(found, Invalid)
    assert found.facts["field"] == field


def test_an_account_is_added_named_and_closed():
    assert misfit(50_000, Wanted(" Sales ", "income", 4000, "8400"), CHART) is None
    made = kept(Wanted(" Sales ", "income", 4000, " 8400 "), None)
    assert (made, chart.change(None, made)) == (Account("Sales", "income", 4000, "8400"), "added")
    for wanted, now, change in (
        (Wanted("Sales abroad"), made._replace(name="Sales abroad"), "changed"),
        (Wanted(external=""), made._replace(external=""), "changed"),
        (Wanted(closed=True), made._replace(closed=True), "closed"),
        (Wanted(type="income", role=4000, closed=False), made, ""),
    ):
        assert (kept(wanted, made), chart.change(made, kept(wanted, made))) == (now, change)
    assert chart.change(made._replace(closed=True), made) == "opened"
    assert misfit(1200, Wanted("Goods", external="3980"), CHART) is None, "standard ones are named as well"


def test_a_rule_names_an_account_that_counts_as_the_same_or_a_free_one_of_the_type():
    assert misfit_change(SALE, FIRST[SALE[:2]], CHART) is None
    scrap = Change("stock.write_off", "cost", 55_510, 1200)
    assert misfit_change(scrap, FIRST[scrap[:2]], CHART) is None
    for change in (
        SALE._replace(credit=55_510),  # expense is not income
        SALE._replace(credit=22_900),  # nor is a loan
        Change("credit", "credit.shipping", 40_001, 2300),  # it counts as sales of goods, not as shipping
        scrap._replace(debit=55_520),  # closed
        scrap._replace(debit=40_001),
        scrap._replace(debit=22_900, credit=1200),
    ):
        assert isinstance(misfit_change(change, FIRST[change[:2]], CHART), Invalid), change
    assert versions.instead_of("sale", 4000, CHART) == [40_001]
    assert 55_510 in versions.instead_of("stock.write_off", 5100, CHART)
    assert 55_520 not in versions.instead_of("stock.write_off", 5100, CHART)


def test_what_an_event_takes_back_by_amount_stays_on_its_account():
    assert "return.expected" in rules.TAKEN_BACK_BY_AMOUNT
    own = CHART | {41_101: Account("Expected returns abroad", "income", 4110)}
    change = Change("return.expected", "estimate.revenue", 41_101, 2310)
    assert isinstance(misfit_change(change, FIRST[change[:2]], own), Invalid)
    assert versions.instead_of("return.expected", 4110, own) == []


OWN = st.builds(
    Account, st.just("Own"), st.sampled_from(chart.TYPES), st.none() | st.sampled_from(sorted(STANDARD)), st.just(""),
    st.booleans(),
)  # fmt: skip


@given(st.sampled_from(sorted(FIRST)), OWN, st.booleans())
def test_no_rule_takes_an_amount_out_of_its_type_or_role(rule: tuple[str, str], own: Account, debit: bool):
    wanted = Wanted(own.name, own.type, own.role, closed=own.closed)
    if misfit(70_000, wanted, STANDARD):
        return
    known = STANDARD | {70_000: kept(wanted, None)}
    was = FIRST[rule]
    now = (70_000, was[1]) if debit else (was[0], 70_000)
    if misfit_change(Change(*rule, *now), was, known) is None:
        before = known[was[0] if debit else was[1]]
        assert before.type == own.type
        assert before.type in chart.RESULTS
        assert not own.closed
        if before.role in versions.READ_BY_NAME | versions.TAKEN_BACK:
            assert own.role == before.role
