"""What people may enter into the journal by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid
from entrepot.ledger import manual
from entrepot.ledger.errors import MovedElsewhere
from entrepot.ledger.manual import EntryLine
from entrepot.ledger.rules import CHART

ACCOUNTS = frozenset(code for code, *_ in CHART)
GOOD = (EntryLine(5550, 700), EntryLine(2250, -700))
AMOUNTS = st.integers(-(10**9), 10**9).filter(bool)


def wrong(*lines: tuple[int, int], kind: str = "accrual", reason: str = "rent") -> object:
    return manual.misfit(kind, [EntryLine(*one) for one in lines], reason, ACCOUNTS)


def test_an_entry_says_what_it_is_why_and_two_lines_at_least():
    assert wrong(*GOOD) is None
    for refused in (
        wrong(*GOOD, kind="whim"), wrong(*GOOD, reason=" "), wrong(GOOD[0]), wrong(), wrong((5550, 0), (2250, 0)),
        wrong((9999, 5), (2250, -5)), wrong((5550, manual.AMOUNT_MAX + 1), (2250, -5)),
        wrong(*[(5550, 1)] * (manual.LINES_MAX + 1)),
    ):  # fmt: skip
        assert isinstance(refused, Invalid)


@pytest.mark.parametrize("account", sorted(manual.INSTEAD))
def test_what_other_records_hold_is_moved_by_them_alone(account):
    assert account in ACCOUNTS
    assert wrong((account, 5), (3000, -5)) == MovedElsewhere(account=account, how=manual.INSTEAD[account])
    opening = wrong((account, 5), (3000, -5), kind="opening")
    assert (opening is None) == (account == manual.BANK), "the bank's is opened by hand"


def test_another_currency_comes_with_its_rate_and_the_own_one_without():
    assert manual.misfit_currency("GBP", None, "GBP") is None
    for rate in ("0.8", "1E-9", "0.800000000000", "1000000"):
        assert manual.misfit_currency("USD", Decimal(rate), "GBP") is None, rate
    for currency, rate in (
        ("usd", None), ("XXX", Decimal(1)), ("USD", None), ("USD", Decimal(0)), ("USD", Decimal("NaN")),
        ("USD", Decimal(-1)), ("GBP", Decimal(1)), ("USD", manual.RATE_MAX + 1), ("GBP", Decimal(0)),
        ("USD", Decimal("1E-10")), ("USD", Decimal("0.8000000001")), ("USD", Decimal("1E-400")),
    ):  # fmt: skip
        assert isinstance(manual.misfit_currency(currency, rate, "GBP"), Invalid), (currency, rate)


@given(
    st.integers(1, manual.AMOUNT_MAX), st.decimals("1E-9", manual.RATE_MAX, places=9),
    st.sampled_from(["USD", "JPY", "KWD"]),
)  # fmt: skip
def test_what_is_accepted_can_be_posted_in_the_company_s_currency(amount, rate, currency):
    lines = (EntryLine(5550, amount), EntryLine(2250, -amount))
    worth = money.at_rate(amount, rate, currency, "GBP")
    assert (manual.too_much(lines, currency, rate, "GBP") is None) == (worth <= manual.AMOUNT_MAX)
    assert manual.too_much(lines, "GBP", None, "GBP") is None


@given(st.lists(st.tuples(st.sampled_from(sorted(ACCOUNTS)), AMOUNTS), min_size=1, max_size=9))
def test_lines_with_what_they_lack_balance_and_so_does_their_mirror(some):
    lines = [EntryLine(*one) for one in some]
    rest = sum(one.amount_minor for one in lines)
    assert (manual.off(lines, "GBP") is None) == (rest == 0)
    whole = [*lines, EntryLine(3000, -rest)]
    assert manual.off(whole, "GBP") is None
    back = manual.mirror(whole)
    assert manual.mirror(back) == tuple(whole)
    sums = {one.account: 0 for one in whole}
    for one in (*whole, *back):
        sums[one.account] += one.amount_minor
    assert not any(sums.values())
