"""Every event of a retailer's books, by the rules that post it, with the figures of IFRS 15, Example 22: 100 units sold
at 100 each, which cost 60, of which 97 are expected to be kept."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.ledger import rules

NAMES = {code: name for code, name, _, _ in rules.CHART}
ACCOUNTS = {(1, event, kind, ""): (debit, credit) for event, kind, debit, credit in rules.RULES}

Amounts = tuple[tuple[str, int], ...]


def entry(*events: tuple[str, Amounts]) -> dict[str, int]:
    """By account's name, what events post together, debit above zero."""
    sums: Counter[int] = Counter()
    for event, amounts in events:
        lines, missing = rules.lines_of(1, event, amounts, ACCOUNTS)
        assert missing is None, (event, missing)
        for (account, _), amount in lines.items():
            sums[account] += amount
    assert sum(sums.values()) == 0
    return {NAMES[account]: amount for account, amount in sums.items() if amount}


SHIPPED = (
    ("sale", (("sale.goods", 10_000), ("sale.tax", 2_000))),
    ("stock.issue.sale", (("cost", 6_000),)),
    ("return.expected", (("estimate.revenue", 300), ("estimate.cost", 180))),
)
CAME_BACK = (("stock.return", (("cost", 180),)), ("return.expected", (("estimate.cost", -180),)))
APPROVED = (
    ("return", (("return.goods", 300), ("return.tax", 60))),
    ("return.expected", (("estimate.revenue", -300),)),
)

EVENTS: dict[str, tuple[tuple[tuple[str, Amounts], ...], dict[str, int]]] = {
    "captured before shipment": (
        (("payment.captured", (("settlement", 12_000),)),),
        {"Payment provider clearing": 12_000, "Contract liability": -12_000},
    ),
    "goods receipt": (
        (("stock.receipt.purchase", (("cost", 6_000),)),),
        {"Inventory": 6_000, "Goods received not invoiced": -6_000},
    ),
    "vendor invoice": (
        (("supplier.invoiced", (("receipt", 6_000), ("variance", 25), ("tax", 1_205))),),
        {
            "Goods received not invoiced": 6_000, "Purchase price variance": 25, "Input tax": 1_205,
            "Accounts payable": -7_230,
        },
    ),
    "landed cost": (
        (("stock.cost_added", (("stock", 40), ("gone", 60))),),
        {"Inventory": 40, "Cost of goods sold": 60, "Accounts payable": -100},
    ),
    "shipment": (
        SHIPPED,
        {
            "Contract liability": 12_000, "Sales of goods": -10_000, "Expected returns": 300, "Refund liability": -300,
            "Output tax": -2_000, "Cost of goods sold": 6_000, "Cost of expected returns": -180,
            "Right-of-return asset": 180, "Inventory": -6_000,
        },
    ),
    "return received": (
        CAME_BACK,
        {"Inventory": 180, "Cost of goods sold": -180, "Cost of expected returns": 180, "Right-of-return asset": -180},
    ),
    "graded to a second grade": (
        (("stock.written_down", (("write_down", 20),)),),
        {"Write-downs of stock": 20, "Inventory": -20},
    ),
    "scrapped": (
        (("stock.disposed", (("cost", 60),)),),
        {"Losses on returned goods": 60, "Inventory": -60},
    ),
    "donated": ((("stock.donated", (("cost", 60),)),), {"Donations": 60, "Inventory": -60}),
    "lost, and the carrier pays": (
        (("stock.write_off", (("cost", 60),)), ("claim.agreed", (("claim", 60),))),
        {"Inventory shrinkage": 60, "Inventory": -60, "Carrier claims receivable": 60, "Carrier claims recovered": -60},
    ),
    "refund approved, less a restocking fee": (
        (*APPROVED, ("return", (("return.fee", -10), ("return.fee_tax", -2)))),
        {
            "Sales returns and credits": 300, "Expected returns": -300, "Refund liability": 300, "Output tax": 58,
            "Return fees": -10, "Refunds payable": -348,
        },
    ),
    "refund settled": (
        (("payment.refunded", (("settlement", 348),)),),
        {"Refunds payable": 348, "Payment provider clearing": -348},
    ),
    "refund of what the customer keeps": (
        (*APPROVED, ("return.expected", (("estimate.cost", -180),))),
        {
            "Sales returns and credits": 300, "Expected returns": -300, "Refund liability": 300, "Output tax": 60,
            "Refunds payable": -360, "Cost of expected returns": 180, "Right-of-return asset": -180,
        },
    ),
    "store credit with a bonus": (
        (("store_credit.issued", (("settlement", 360), ("bonus", 36))),),
        {"Refunds payable": 360, "Store credit bonuses": 36, "Store credit": -396},
    ),
    "exchange for the same": (
        (
            ("return", (("return.exchanged", 100), ("return.tax", 20))),
            ("payment.passed_on", (("settlement", 120),)),
            ("sale", (("sale.goods", 100), ("sale.tax", 20))),
            ("stock.return", (("cost", 60),)), ("stock.issue.sale", (("cost", 60),)),
        ),
        {},
    ),
    "return window ends": (
        (("return.expected", (("estimate.revenue", -300), ("estimate.cost", -180))),),
        {
            "Refund liability": 300, "Expected returns": -300, "Cost of expected returns": 180,
            "Right-of-return asset": -180,
        },
    ),
    "chargeback": (
        (("payment.disputed", (("settlement", 120), ("fee", 15))),),
        {"Chargebacks receivable": 120, "Chargeback fees": 15, "Payment provider clearing": -135},
    ),
    "chargeback lost": (
        (("payment.dispute_lost", (("settlement", 120),)),),
        {"Chargeback losses": 120, "Chargebacks receivable": -120},
    ),
    "payout": (
        (("payment.paid_out", (("settlement", 11_700), ("fee", 300))),),
        {"Bank": 11_700, "Bank charges": 300, "Payment provider clearing": -12_000},
    ),
    "payout of a marketplace": (
        (("payment.paid_out", (("settlement", 10_200), ("marketplace_fee", 1_800))),),
        {"Bank": 10_200, "Marketplace fees": 1_800, "Payment provider clearing": -12_000},
    ),
    "counted too few": ((("stock.write_off", (("cost", 60),)),), {"Inventory shrinkage": 60, "Inventory": -60}),
    "counted too many": ((("stock.found", (("cost", 60),)),), {"Inventory": 60, "Inventory found": -60}),
}  # fmt: skip
"""By what happens: the events that post it, and the entry by name of account. What is authorized posts nothing."""


@pytest.mark.parametrize("what", EVENTS)
def test_what_happens_posts_to_the_accounts_that_it_should(what: str):
    events, expected = EVENTS[what]
    assert entry(*events) == expected


@pytest.mark.parametrize("returned", [0, 1, 3, 5])
def test_example_22_ends_at_the_units_that_were_kept(returned: int):
    """However many of the 100 come back, when their time is over nothing is owed or expected any more, and revenue and
    cost are those of the units that were kept: beyond the estimate at once, below it when the time ends."""
    back, expected = returned * 100, min(returned, 3)
    told = entry(
        *SHIPPED,
        ("stock.return", (("cost", returned * 60),)),
        ("return", (("return.goods", back), ("return.tax", returned * 20))),
        ("return.expected", (("estimate.revenue", -expected * 100), ("estimate.cost", -expected * 60))),
        (
            "return.expected",
            (("estimate.revenue", -(3 - expected) * 100), ("estimate.cost", -(3 - expected) * 60)),
        ),
    )
    kept = 100 - returned
    revenue = ("Sales of goods", "Sales returns and credits", "Expected returns")
    cost = ("Cost of goods sold", "Cost of expected returns")
    assert sum(told.get(name, 0) for name in revenue) == -kept * 100
    assert sum(told.get(name, 0) for name in cost) == kept * 60
    assert told["Inventory"] == -kept * 60
    assert told["Output tax"] == -kept * 20
    assert "Refund liability" not in told
    assert "Right-of-return asset" not in told


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_providers_clearing_reaches_zero_with_its_payout(captured: int, refunded: int, fee: int):
    told = entry(
        ("payment.captured", (("settlement", captured),)), ("payment.refunded", (("settlement", refunded),)),
        ("payment.paid_out", (("settlement", captured - refunded - fee), ("fee", fee))),
    )  # fmt: skip
    assert told.get("Payment provider clearing", 0) == 0
    assert told.get("Bank", 0) == captured - refunded - fee
