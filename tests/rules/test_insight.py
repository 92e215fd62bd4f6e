"""How the books are written as Beancount text, read back by Beancount itself; what explains a conflict about stock."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from beancount import loader
from beancount.core.data import Open, Transaction
from hypothesis import given
from hypothesis import strategies as st

from entrepot.insight import rules
from entrepot.insight.rules import Line
from entrepot.kernel.ids import uuid7

ACCOUNTS = {
    ("HOUSE", 1000): rules.account_name("HOUSE", 1000, "Bank", "asset"),
    ("HOUSE", 4000): rules.account_name("HOUSE", 4000, "Sales of goods", "income"),
    ("HOUSE", 5300): rules.account_name("HOUSE", 5300, "Bad debt", "expense"),
}
OPENS = "".join(f"2010-12-01 open {name}\n" for name in ACCOUNTS.values())


def entry(*amounts: tuple[int, int, str, int], event: str = "sale", functional: str = "GBP") -> list[Line]:
    """Lines of one entry from (account, minor units, currency, functional minor units)."""
    number, document = uuid7(), uuid7()
    return [
        Line(
            number, "HOUSE", account, minor, currency, books, functional, "sale.goods", event, "order", document,
            date(2010, 12, 1),
        )
        for account, minor, currency, books in amounts
    ]  # fmt: skip


def read(text: str) -> list[Transaction]:
    entries, errors, _ = loader.load_string(text)
    assert [error.message for error in errors] == []
    return [one for one in entries if isinstance(one, Transaction)]


def test_account_names_are_what_beancount_takes():
    assert rules.account_name("uk gifts", 2100, "Contract liability (customer deposits)", "liability") == (
        "Liabilities:UK-GIFTS:2100-Contract-liability-customer-deposits"
    )
    assert rules.account_name("1", 5100, "Écarts", "expense") == "Expenses:1:5100-carts"
    entries, errors, _ = loader.load_string(
        "".join(f"2020-01-01 open {name}\n" for name in ACCOUNTS.values())
    )
    assert errors == []
    assert sum(isinstance(one, Open) for one in entries) == 3


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(629376400, "GBP", "6293764.00 GBP"), (-5, "GBP", "-0.05 GBP"), (0, "EUR", "0.00 EUR"), (-7, "JPY", "-7 JPY"),
     (1234, "KWD", "1.234 KWD")],
)  # fmt: skip
def test_amounts_have_exactly_the_digits_of_their_currency(minor, currency, text):
    assert rules.amount(minor, currency) == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["GBP", "JPY", "BHD"]))
def test_amounts_read_back_as_they_were(minor, currency):
    number, _ = rules.amount(minor, currency).split()
    assert Decimal(number) * {"GBP": 100, "JPY": 1, "BHD": 1000}[currency] == minor


def test_an_entry_is_one_transaction_with_its_event_document_and_kinds():
    lines = entry((1000, 1250, "GBP", 1250), (4000, -1250, "GBP", -1250), event='the "sale"')
    (one,) = read(OPENS + rules.transaction(lines, ACCOUNTS))
    assert (one.narration, one.meta["document"], one.meta["document-kind"], one.meta["event"]) == (
        'the "sale"', str(lines[0].document), "order", 'the "sale"',
    )  # fmt: skip
    assert [(posting.account, posting.units.number, posting.meta["kind"]) for posting in one.postings] == [
        ("Assets:HOUSE:1000-Bank", Decimal("12.50"), "sale.goods"),
        ("Income:HOUSE:4000-Sales-of-goods", Decimal("-12.50"), "sale.goods"),
    ]


def test_a_penny_out_of_balance_is_found():
    text = OPENS + rules.transaction(entry((1000, 1250, "GBP", 1250), (4000, -1249, "GBP", -1249)), ACCOUNTS)
    _, errors, _ = loader.load_string(text)
    assert "does not balance" in errors[0].message


def test_foreign_amounts_balance_in_the_currency_of_the_books():
    lines = entry((1000, 1000, "EUR", 851), (4000, -1000, "EUR", -850), (5300, 0, "EUR", -1))
    (one,) = read(OPENS + rules.transaction(lines, ACCOUNTS))
    assert [str(posting.units) for posting in one.postings] == ["10.00 EUR", "-10.00 EUR", "-0.01 GBP"]


# ---- conflicts about stock


def test_what_waits_is_the_newest_loss_and_the_rest_was_served() -> None:
    assert rules.became([3, 4], waiting=4, cancelled=1) == [(3, 0, 0), (1, 1, 2)]
    assert rules.became([3], waiting=9, cancelled=9) == [(3, 0, 0)]


@given(st.lists(st.integers(1, 20), max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_every_lost_unit_becomes_one_thing(lost: list[int], waiting: int, cancelled: int) -> None:
    parts = rules.became(lost, waiting, cancelled)

    assert [sum(part) for part in parts] == lost
    assert min((units for part in parts for units in part), default=0) >= 0
    assert sum(part[0] for part in parts) == min(waiting, sum(lost))
    assert sum(part[1] for part in parts) == min(cancelled, max(0, sum(lost) - waiting))


@pytest.mark.parametrize(
    ("reachable", "fenced", "earlier", "held", "whole", "why"),
    [
        (True, False, False, False, False, "not explained"),
        (True, False, False, False, True, "takes all or none"),
        (True, False, True, False, True, "came before"),
        (True, True, True, False, True, "ring-fence"),
        (False, True, True, False, True, "node"),
        (False, True, True, True, True, "held"),
    ],
)
def test_the_first_reason_that_holds_explains(reachable, fenced, earlier, held, whole, why) -> None:
    served = rules.Served(reachable, fenced, earlier)

    assert rules.why_passed_over(served, is_held=held, takes_whole=whole) == why


def test_a_rule_explains_before_what_is_of_the_goods() -> None:
    served = rules.Served(is_reachable=True, is_fenced_for_other=True, is_earlier=True, is_ruled_out=True)

    assert rules.why_passed_over(served, is_held=False, takes_whole=True) == "rule"
