"""A quote as a paper: what stands on it, and in which language."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from entrepot.orders.commands.place import OrderLine, PlaceOrder
from entrepot.orders.queries import DraftRow
from entrepot.parties.queries import Address, Company
from entrepot.settlement.invoicing import Seller
from entrepot.tax.rules import Expected
from entrepot.web import papers, quote_paper

SAVED = datetime(2026, 11, 29, 9, tzinfo=UTC)
UNTIL = datetime(2027, 1, 15, 22, 59, 59, tzinfo=UTC)
"""The end of a day in Berlin."""
DRAFT = DraftRow(
    UUID(int=1), 1, "QT-100001", "shop", "C-1", "EUR", 45_45, UNTIL, "draft", None, "serv", SAVED, "{}", UUID(int=2)
)  # fmt: skip
ORDER = PlaceOrder(
    1, "shop", "QT-100001", (OrderLine("MUG", 3, Decimal("12.50"), discount_minor=2_00),), "EUR", customer="C-1",
    country="US", shipping_minor=7_00, tax_minor=2_95, region="CA",
)  # fmt: skip
BUYER = Address(
    UUID(int=2),
    "Greta Ohm",
    "1 Main St",
    "",
    "Fresno",
    "CA",
    "93650",
    "US",
    "",
    "",
    "12-3456789",
    "EIN",
    None,
)
SELLER = Seller(tax_number="GB123456789", line1="Unit 4", city="Leeds", quote_terms="Delivery within a week.")
QUOTE = quote_paper.Quote(
    DRAFT, ORDER, Company(1, "house", "Hearth & Home Ltd", "EUR", "GB"), SELLER, BUYER, {},
    Expected(2_95, "7.25 % in US-CA"), ZoneInfo("Europe/Berlin"),
)  # fmt: skip


@pytest.fixture
def written(monkeypatch) -> list[str]:
    """What is put on papers, as texts in their order."""
    texts: list[str] = []
    normalize = papers.Paper.normalize_text

    def keep(self, text: str) -> str:
        texts.append(text)
        return normalize(self, text)

    monkeypatch.setattr(papers.Paper, "normalize_text", keep)
    return texts


def test_it_says_who_sells_who_asked_what_it_costs_and_until_when(written):
    assert quote_paper.pdf(QUOTE).startswith(b"%PDF")
    told = "\n".join(written)
    for text in (
        "Hearth & Home Ltd", "Quote", "QT-100001", "Greta Ohm", "1 Main St", "United States", "VAT 12-3456789", "MUG",
        "12.50", "-2.00", "35.50", "7.00", "2.95", "45.45", "Jan 15, 2027", "Tax: 7.25 % in US-CA.",
        "These prices hold until Jan 15, 2027. Goods are not set aside before you order.", "Delivery within a week.",
    ):  # fmt: skip
        assert text in told, text


def test_whoever_may_not_see_buyers_gets_none_and_a_tax_of_ones_own_is_not_explained(written):
    quote_paper.pdf(QUOTE._replace(buyer=None, due=Expected(9, "7.25 % in US-CA")))
    told = "\n".join(written)
    assert "Greta" not in told and "12-3456789" not in told and "7.25" not in told
    assert "United States" in told


def test_where_no_rate_is_in_force_nothing_is_said_of_it(written):
    due = Expected(0, "no rate is in force in US", is_known=False)
    quote_paper.pdf(QUOTE._replace(order=replace(ORDER, tax_minor=0), due=due))
    assert "no rate is in force" not in "\n".join(written)


def test_a_draft_without_a_last_day_is_no_offer(written):
    quote_paper.pdf(QUOTE._replace(draft=replace(DRAFT, valid_until=None)))
    told = "\n".join(written)
    assert "This is no offer yet" in told and "hold until" not in told


def test_a_quote_that_ends_within_a_day_says_when(written):
    quote_paper.pdf(QUOTE._replace(draft=replace(DRAFT, valid_until=UNTIL.replace(hour=11, minute=0))))
    assert "Jan 15, 2027, 12:00 CET" in written


def test_it_is_in_the_language_of_where_it_goes(written):
    quote_paper.pdf(QUOTE._replace(order=replace(ORDER, country="DE", region="")))
    assert "Kunde" in written and "12,50" in "\n".join(written)
