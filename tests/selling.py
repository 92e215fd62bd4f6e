"""Builders for tests that sell: a company, a channel, a few SKUs, and orders with defaults."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands.register import RegisterChannel, register_channels
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, place
from entrepot.parties.commands.register import RegisterCompany, register_companies

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("worker", everything=True), NOW)
COMPANY = 1


def a_seller(*codes: str, channels: tuple[str, ...] = ("shop",)) -> None:
    """A company with open books, storefronts, and the SKUs MUG, PEN, TIN or those named."""
    register_companies(CAUSE, requests=[RegisterCompany(COMPANY, "house", "The House", "GBP", "GB")])
    open_books(CAUSE, requests=[OpenBooks(COMPANY)])
    register_channels(CAUSE, requests=[RegisterChannel(COMPANY, code, code, "GBP") for code in channels])
    skus = [RegisterSku(COMPANY, code, code.title(), weight_g=200) for code in codes or ("MUG", "PEN", "TIN")]
    register_skus(CAUSE, requests=skus)


def a_line(sku: str = "MUG", quantity: int = 1, price: str = "10.00", **changes: Any) -> OrderLine:
    return OrderLine(sku, quantity, Decimal(price), **changes)


def an_order(external_id: str = "E1", *lines: OrderLine, **changes: Any) -> PlaceOrder:
    one = PlaceOrder(COMPANY, "shop", external_id, lines or (a_line(),), "GBP", country="GB")
    return replace(one, **changes)


def placed(*requests: PlaceOrder) -> list[Placed]:
    """Orders placed, none refused."""
    answers = place(CAUSE, requests=requests or [an_order()])
    assert all(isinstance(one, Placed) for one in answers), answers
    return answers


def rows(table: str) -> int:
    return sql.run(f"SELECT count(*) FROM {table}")[0][0]
