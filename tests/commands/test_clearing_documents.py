"""What the rules find on clearing accounts, by the documents of a whole house."""

from __future__ import annotations

from decimal import Decimal

import pytest

from entrepot.ledger import clearing_queries as ledger
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.orders.commands.credit import CreditItem, CreditWithoutSale, credit
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.payments.commands.refund import Refund, refund
from entrepot.returns.commands.finish_work import FinishWork, finish_work
from entrepot.returns.onward import Outcome
from entrepot.settlement import clearing_queries as queries
from entrepot.settlement.carriers import Billed
from entrepot.settlement.clearing_queries import Wanted
from entrepot.settlement.commands.clear_accounts import AccountsCleared, ClearAccounts, clear_accounts
from entrepot.settlement.commands.take_supplier_invoices import TakeSupplierInvoice, take_supplier_invoices
from entrepot.settlement.rules import PayoutLine
from entrepot.settlement.supplier_invoices import Invoiced
from tests.back import INSPECTS
from tests.commands import test_settlement_carriers as carriers
from tests.commands import test_settlement_suppliers as suppliers
from tests.commands.test_returns_work_orders import begun, pays
from tests.commands.test_settlement import a_payout, charged, taken
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance, someone
from tests.retailer import a_retailer
from tests.selling import a_seller, an_order, placed
from tests.walk import a_house

pytestmark = pytest.mark.django_db
SECOND = someone("controller two")


def clear() -> AccountsCleared:
    (answer,) = clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)])
    assert isinstance(answer, AccountsCleared)
    return answer


def left(account: int) -> list[int]:
    return [one.open_minor for one in queries.items(COMPANY, Wanted(account), NOW)]


def why(account: int) -> list[str]:
    return [one.why for one in ledger.matches(COMPANY, account)]


def test_a_payout_clears_the_charges_and_refunds_that_it_brings():
    """Charges of 100, 7 and 50; the payout brings the first two less a refund and fees, and one penny too little."""
    a_floor(skus=0, channels=())
    charged(10_000, "ch_1", given_back=2_500)
    charged(700, "ch_2")
    charged(5_000, "ch_3")
    taken(a_payout(
        "po_1", PayoutLine("charge", "ch_1", 10_000, 320), PayoutLine("charge", "ch_2", 699, 40),
        PayoutLine("refund", "re_ch_1", 2_500, 0),
    ))  # fmt: skip
    clear()
    assert why(1100) == ["one payout"]
    assert sorted(left(1100)) == [1, 5_000]  # the penny, and the charge that no payout has brought
    assert sum(left(1100)) == balance(1100)
    assert clear().matches == 0
    assert {one.counterparty for one in queries.items(COMPANY, Wanted(1100), NOW)} == {"fake"}
    assert len(queries.items(COMPANY, Wanted(1100, counterparty="fak"), NOW, limit=1)) == 1


def test_a_payout_clears_a_chargeback_with_its_fee_and_what_comes_back_of_both():
    """What a bank takes of 4.00 with a fee of 15.00, and gives back of both, comes with two payouts."""
    a_floor(skus=0, channels=())
    payment = charged(10_000, "ch_1")
    (dispute,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "ch_1", 400, fee_minor=1_500)])
    taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 10_000), PayoutLine("chargeback", "ch_1", 400, 1_500))
    )
    clear()
    assert (left(1100), balance(1100)) == ([], 0)
    close_disputes(SYSTEM, requests=[CloseDispute(dispute.dispute, won=True, fee_returned_minor=1_500)])  # type: ignore[union-attr]
    taken(a_payout("po_2", PayoutLine("chargeback_reversal", "ch_1", 400, -1_500)))
    clear()
    assert (left(1100), balance(1100), left(1160), why(1160)) == ([], 0, [], ["one dispute"])


def test_two_disputes_of_a_payment_are_cleared_apart():
    """Of 4.00 and 7.00 the later is lost: the earlier stays open, and not the first 7.00 that there are."""
    a_floor(skus=0, channels=())
    payment = charged(10_000, "ch_1")
    _, later = open_disputes(
        SYSTEM, requests=[OpenDispute(payment, name, amount) for name, amount in (("a", 400), ("b", 700))]
    )
    close_disputes(SYSTEM, requests=[CloseDispute(later.dispute, won=False)])  # type: ignore[union-attr]
    clear()
    assert left(1160) == [400]


def test_a_credit_without_a_known_sale_is_cleared_by_what_its_customer_was_paid_back():
    """C9 was paid back 9.00 of an order, and C8 2.00 of another, before C9 was credited 10.00 without a sale."""
    a_seller()
    for number, (customer, amount) in enumerate((("C9", 900), ("C8", 200))):
        (order,) = placed(an_order(f"E{number}", customer=customer))
        authorize(SYSTEM, requests=[Authorize(COMPANY, order.order, "account", "ref", "GBP", amount, NOW)])
        capture(SYSTEM, requests=[Capture(order.order, amount)])
        refund(SYSTEM, requests=[Refund(order.order, amount)])
    item = CreditItem("goods", "MUG", 1, Decimal("10.00"))
    (entered,) = credit(
        SYSTEM, requests=[CreditWithoutSale(COMPANY, "shop", "C1", (item,), "GBP", customer="C9")]
    )
    approve_credits(SECOND, requests=[ApproveCredit(entered.credit)])  # type: ignore[union-attr]
    assert sorted(left(2300)) == [-1_000, 200, 900]
    clear()
    assert (sorted(left(2300)), why(2300)) == ([-100, 200], ["one customer"])


def test_an_invoice_of_a_carrier_clears_just_the_accruals_that_it_bills():
    house = a_house()
    house.stock(0, 10)
    one, two, _ = carriers.numbers(house, 3)
    carriers.take(carriers.an_invoice("F-1", Billed(one, 300), Billed(two, 306)))
    clear()
    assert (why(2150), left(2150)) == (["one invoice of a carrier"], [-300])
    carriers.take(carriers.an_invoice("F-2", Billed(two, 300)))  # charged before: it releases nothing
    assert clear().matches == 0
    assert queries.by_counterparty(COMPANY, 2150)[0].counterparty == "Post"


def test_an_order_is_cleared_when_it_is_paid_and_sent():
    house = a_house()
    house.stock(0, 10)
    carriers.numbers(house)
    assert left(2100) == [999]  # sent, and not paid for
    assert queries.items(COMPANY, Wanted(2100), NOW)[0].counterparty.startswith("SO-")


def test_what_came_is_cleared_by_what_bills_it():
    house = a_retailer(skus=3)
    number, other = suppliers.bought(house, (10, "4.00")), suppliers.bought(house, (5, "2.00"))
    suppliers.came(house, number, 10)
    suppliers.came(house, other, 5)
    suppliers.take(suppliers.bill("F-1", Invoiced(number, 1, 6, 2_400), Invoiced(other, 1, 5, 1_000)))
    clear()
    assert (set(why(2050)), left(2050)) == ({"one order to a supplier"}, [-1_600])
    suppliers.take(suppliers.bill("F-2", Invoiced(number, 1, 4, 1_600)))
    assert clear().matches == 1
    assert left(2050) == []


def test_work_on_returned_goods_is_billed_by_its_work_order():
    """Two units at 40 of parts and 2 minutes at 20.00 an hour: 107; the workshop bills 105, and once more."""
    house = a_house()
    house.stock(0, 2_000)
    pays(labor_minor_per_hour=2_000)
    answer = begun(house, 2)
    finish_work(
        INSPECTS,
        requests=[FinishWork(answer.work_order, (Outcome(2, "A"),), parts_minor=40, labor_minutes=2)],
    )
    register_suppliers(SYSTEM, requests=[RegisterSupplier(COMPANY, "SHOP", "Workshop", "GBP")])
    assert (left(2160), balance(2160)) == ([-107], -107)
    first, again = take_supplier_invoices(SYSTEM, requests=[
        TakeSupplierInvoice(COMPANY, "SHOP", name, "GBP", 105, (Invoiced(answer.number, 1, 2, 105),))
        for name in ("W-1", "W-2")
    ])  # fmt: skip
    assert (first.state, again.state) == ("settled", "open")  # type: ignore[union-attr]
    assert (balance(2160), balance(5600), balance(1175), balance(2000)) == (0, -2, 105, -210)
    assert clear().matches >= 1
    assert (left(2160), why(2160)) == ([], ["one work order"])
