"""The same orders of a history from several importers at once are taken in once."""

from __future__ import annotations

from entrepot.channels.commands.import_sales import ImportSale, SaleImported, import_sales
from entrepot.orders.commands.place import PaymentGiven
from tests.selling import CAUSE, NOW, a_line, a_seller, an_order, rows
from tests.together import all_at_once

IMPORTERS = 4


def requests() -> list[ImportSale]:
    paid = PaymentGiven("account", "paid", 10_00, NOW)
    return [
        ImportSale(
            an_order(f"E{i}", a_line("MUG", 1, "10.00"), payment=paid), "{}", cancelled="it was called off"
        )
        for i in range(20)
    ]


def test_orders_are_imported_once(committed_db: None) -> None:
    a_seller()
    answers = all_at_once(import_sales, CAUSE, *[requests()] * IMPORTERS)

    assert sum(isinstance(one, SaleImported) and one.fresh for one in answers) == 20
    assert (rows("orders_order"), rows("kernel_inbox")) == (20, 20)
