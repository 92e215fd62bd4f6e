"""The books, read by another program."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from io import StringIO

import pytest
from beancount import loader
from beancount.core.data import Transaction

from entrepot.insight import beancount, summary, verify
from entrepot.kernel import sql
from entrepot.kernel.ids import uuid7
from entrepot.ledger.commands.post import Posting, post
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.work.commands.open_items import OpenItem, open_items
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer

# Sales and payments are posted here without the rooms that would explain them.
pytestmark = [pytest.mark.django_db, pytest.mark.alone("kernel", "work", "ledger", "stock", "purchasing")]


def a_week_of_business(house: Retailer) -> None:
    """Goods received, two sales of which one has a discount, and a payment."""
    lines = tuple((sku, 10, Decimal("1.2345")) for sku in house.skus)
    (ordered,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines)])
    receive(CLERK, requests=[ReceiveOrder(ordered.order)])
    sale = [("sale.goods", 1999), ("sale.shipping", 500), ("sale.discount", -250), ("sale.tax", 417)]
    post(
        CLERK,
        requests=[
            Posting(house.company, "sale", "shipment", uuid7(), "GBP", sale, NOW),
            Posting(house.company, "sale", "shipment", uuid7(), "GBP", [("sale.goods", 5)], NOW),
            Posting(
                house.company, "payment.captured", "payment", uuid7(), "GBP", [("settlement", 2671)], NOW
            ),
        ],
    )


def exported() -> tuple[list[Transaction], dict[str, Decimal]]:
    """What Beancount reads in the export: the transactions, and the balance of each account."""
    out = StringIO()
    assert beancount.export(out) == sql.run("SELECT count(DISTINCT entry_id) FROM ledger_line")[0][0]
    entries, errors, _ = loader.load_string(out.getvalue())
    assert [error.message for error in errors] == []
    transactions = [one for one in entries if isinstance(one, Transaction)]
    balances: dict[str, Decimal] = defaultdict(Decimal)
    for one in transactions:
        for posting in one.postings:
            balances[posting.account] += posting.units.number
    return transactions, balances


def test_beancount_accepts_the_books_and_finds_the_same_trial_balance():
    house = a_retailer(skus=3)
    a_week_of_business(house)

    transactions, balances = exported()

    ours = {
        line.account: line.balance_minor
        for line in summary.trial_balance(house.company)
        if line.balance_minor
    }
    theirs = {
        int(name.split(":")[2].split("-")[0]): int(balance * 100)
        for name, balance in balances.items()
        if balance
    }
    assert theirs == ours
    assert sum(ours.values()) == 0
    documents = {str(row[0]) for row in sql.run("SELECT DISTINCT document_id FROM ledger_line")}
    assert {one.meta["document"] for one in transactions} == documents
    assert {one.narration for one in transactions} == {"stock.receipt.purchase", "sale", "payment.captured"}


def test_an_empty_house_exports_an_empty_journal():
    a_retailer(skus=1)
    assert exported() == ([], {})


def test_the_figures_of_a_day():
    house = a_retailer(skus=3)
    a_week_of_business(house)
    subject = uuid7()
    open_items(
        CLERK, requests=[OpenItem(house.company, "short pick", "task", subject, "bin empty", "picker")]
    )

    (sellable,) = summary.stock_by_status(house.company)
    assert (sellable.status, sellable.units, sellable.skus) == ("sellable", 30, 3)
    assert [(one.type, one.open, one.done) for one in summary.work_by_type(house.company, NOW)] == [
        ("short pick", 1, 0)
    ]
    assert summary.orders_by_status(house.company) == []


def test_verify_finds_what_is_off_and_says_so():
    house = a_retailer(skus=1)
    a_week_of_business(house)
    sql.run("UPDATE purchasing_orderline SET received = received - 1")

    said = StringIO()
    assert not verify.run(said)

    text = said.getvalue()
    assert "OFF  purchasing" in text
    assert "counts 9 received, its receipts say 10" in text
    assert "NOT IN ORDER" in text.splitlines()[-1]
    sql.run("UPDATE purchasing_orderline SET received = received + 1")
