"""The chart, the posting rules as tables, and the moving average. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from entrepot.kernel.money import round_half_away
from entrepot.ledger.exchange import MEASURED, MONETARY, REVALUED

Accounts = Mapping[tuple[int, str, str, str], tuple[int, int]]
"""Account debited and credited by company, event, kind and reason; without a reason: for any."""

CHART: tuple[tuple[int, str, str, bool], ...] = (
    (1000, "Bank", "asset", False),
    (1010, "Money between own accounts", "asset", True),
    (1100, "Payment provider clearing", "asset", True),
    (1120, "Reserves of payment providers", "asset", False),
    (1150, "Trade receivables", "asset", False),
    (1160, "Chargebacks receivable", "asset", True),
    (1170, "Carrier charges in question", "asset", True),
    (1175, "Supplier invoices in question", "asset", True),
    (1180, "Carrier claims receivable", "asset", True),
    (1190, "Supplier claims receivable", "asset", True),
    (1195, "Vendor return credits receivable", "asset", True),
    (1196, "Liquidation proceeds receivable", "asset", True),
    (1200, "Inventory", "asset", False),
    (1210, "Inventory in transit", "asset", False),
    (1220, "Right-of-return asset", "asset", False),
    (1230, "Goods in refurbishment", "asset", True),
    (1240, "Input tax", "asset", False),
    (1260, "Prepaid expenses", "asset", False),
    (2000, "Accounts payable", "liability", False),
    (2050, "Goods received not invoiced", "liability", True),
    (2100, "Contract liability", "liability", True),
    (2150, "Carrier accrual", "liability", True),
    (2160, "Refurbishment accrual", "liability", True),
    (2200, "Output tax", "liability", False),
    (2210, "Taxes to be paid", "liability", False),
    (2250, "Accrued expenses", "liability", False),
    (2260, "Warranty provision", "liability", False),
    (2300, "Refunds payable", "liability", True),
    (2310, "Refund liability", "liability", False),
    (2400, "Gift vouchers", "liability", False),
    (2410, "Store credit", "liability", False),
    (3000, "Opening balances", "equity", False),
    (3100, "Equity", "equity", False),
    (4000, "Sales of goods", "income", False),
    (4010, "Shipping income", "income", False),
    (4020, "Other income", "income", False),
    (4030, "Return fees", "income", False),
    (4040, "Repairs for customers", "income", False),
    (4090, "Discounts and manual adjustments", "income", False),
    (4100, "Sales returns and credits", "income", False),
    (4110, "Expected returns", "income", False),
    (4120, "Store credit bonuses", "income", False),
    (5000, "Cost of goods sold", "expense", False),
    (5010, "Cost of expected returns", "expense", False),
    (5100, "Inventory shrinkage", "expense", False),
    (5110, "Inventory found", "income", False),
    (5200, "Marketplace fees", "expense", False),
    (5210, "Bank charges", "expense", False),
    (5220, "Chargeback fees", "expense", False),
    (5300, "Bad debt", "expense", False),
    (5310, "Chargeback losses", "expense", False),
    (5320, "Losses on returned goods", "expense", False),
    (5330, "Write-downs of stock", "expense", False),
    (5340, "Refurbishment expensed", "expense", False),
    (5350, "Gains and losses of liquidation", "expense", False),
    (5360, "Warranty repairs", "expense", False),
    (5365, "Cost of repairs for customers", "expense", False),
    (5400, "Samples", "expense", False),
    (5410, "Donations", "expense", False),
    (5420, "Packaging", "expense", False),
    (5500, "Carrier cost", "expense", False),
    (5510, "Freight variance", "expense", False),
    (5520, "Carrier claims recovered", "income", False),
    (5550, "Other expenses", "expense", False),
    (5600, "Purchase price variance", "expense", False),
    (5620, "Supplier claims recovered", "income", False),
    (5700, "Exchange differences, realized", "expense", False),
    (5710, "Exchange differences, unrealized", "expense", False),
)
"""Code, name, type, clearing: the chart that a new company's books open with."""

REVENUE = (4000, 4010, 4090, 4100)
"""Accounts that key figures take for what was sold."""

_TRADE = {
    "goods": 4000, "shipping": 4010, "manual": 4090, "discount": 4090, "tax": 2200, "sample": 5400,
    "fee.marketplace": 5200, "fee.bank": 5210, "bad_debt": 5300, "donation": 5410, "packaging": 5420, "voucher": 2400,
}  # fmt: skip
"""Where the amount of a kind of order line belongs. A fee charged to a customer reduces what the fees cost."""

CREDITED = _TRADE | {"goods": 4100}

RETURNED = {
    "goods": 4100, "shipping": 4010, "tax": 2200, "fee": 4030, "fee_tax": 2200, "clawback": 4090, "clawback_tax": 2200,
    "adjustment": 4100, "exchanged": 4000,
}  # fmt: skip
"""Where the parts of a refund belong. A fee, and what a promotion is lost for, come with a negative amount: the
customer gets less. Goods that are exchanged for equal ones leave the sales by as much as their replacement brings: an
even exchange is no return."""

HELD = {"goods": 4100, "shipping": 4010, "tax": 2200}
"""Where what is taken for goods that did not come back belongs: it undoes their refund."""

LOTS = {"goods": 5350, "tax": 2200}
"""Where the price of a lot belongs. What its units were worth stands against it: 5350 holds the gain or loss."""

REPAIRED = {"warranty": 5360, "goodwill": 5360, "provision": 2260, "customer": 5365}
"""Where the cost of a repair belongs: who bears it, or the provision that was made for it."""

WRITTEN_OFF = {2050: 5600, 2100: 4020, 2150: 5510, 2160: 5340, 2300: 4020}
"""Where what is left of a clearing account goes when somebody gives it up. The others are settled where their documents
are: a line of a payout is explained, a charge accepted, a claim credited."""

RULES: tuple[tuple[str, str, int, int], ...] = (
    ("payment.captured", "settlement", 1100, 2100),
    ("payment.refunded", "settlement", 2300, 1100),
    ("payment.refund_bounced", "settlement", 1100, 2300),
    ("payment.disputed", "settlement", 1160, 1100),
    ("payment.disputed", "fee", 5220, 1100),
    ("payment.dispute_won", "settlement", 1100, 1160),
    ("payment.dispute_won", "fee", 1100, 5220),
    ("payment.dispute_lost", "settlement", 5310, 1160),
    ("payment.paid_out", "settlement", 1000, 1100),
    ("payment.paid_out", "fee", 5210, 1100),
    ("payment.paid_out", "held_back", 1120, 1100),
    ("payment.paid_out", "marketplace_fee", 5200, 1100),
    ("payment.explained", "difference", 5210, 1100),
    ("payment.explained", "fee", 5210, 1100),
    ("payment.explained", "marketplace_difference", 5200, 1100),
    ("payment.explained", "marketplace_fee", 5200, 1100),
    ("prepayment.returned", "settlement", 2100, 2300),
    ("payment.passed_on", "settlement", 2300, 2100),
    ("store_credit.issued", "settlement", 2300, 2410),
    ("store_credit.issued", "bonus", 4120, 2410),
    ("store_credit.used", "settlement", 2410, 2100),
    ("store_credit.returned", "settlement", 2300, 2410),
    ("store_credit.expired", "value", 2410, 4020),
    ("store_credit.expired", "bonus", 2410, 4120),
    *(("sale", f"sale.{kind}", 2100, account) for kind, account in _TRADE.items()),
    *(("credit", f"credit.{kind}", account, 2300) for kind, account in CREDITED.items()),
    *(("return", f"return.{kind}", account, 2300) for kind, account in RETURNED.items()),
    ("return", "difference", 5700, 2300),
    *(("card_hold.taken", f"hold.{kind}", 2100, account) for kind, account in HELD.items()),
    ("card_hold.taken", "difference", 5700, 2100),
    *(("card_hold.returned", f"hold.{kind}", account, 2300) for kind, account in HELD.items()),
    ("card_hold.returned", "difference", 5700, 2300),
    ("return.expected", "estimate.revenue", 4110, 2310),
    ("return.expected", "estimate.cost", 1220, 5010),
    ("bad_debt", "bad_debt", 1150, 5300),
    ("stock.receipt.purchase", "cost", 1200, 2050),
    ("stock.issue.sale", "cost", 5000, 1200),
    ("stock.drop_ship", "cost", 5000, 2050),
    ("stock.return", "cost", 1200, 5000),
    ("stock.sent_back", "cost", 5000, 1200),
    ("stock.donated", "cost", 5410, 1200),
    ("stock.disposed", "cost", 5320, 1200),
    ("stock.write_off", "cost", 5100, 1200),
    ("stock.found", "cost", 1200, 5110),
    ("stock.transfer_out", "cost", 1210, 1200),
    ("stock.transfer_in", "cost", 1200, 1210),
    ("stock.transfer_lost", "cost", 5100, 1210),
    ("stock.cost_added", "stock", 1200, 2000),
    ("stock.cost_added", "transit", 1210, 2000),
    ("stock.cost_added", "gone", 5000, 2000),
    ("stock.written_down", "write_down", 5330, 1200),
    ("stock.written_up", "reversal", 1200, 5330),
    *((REVALUED, f"realized.{account}", account, 5700) for account in sorted(MEASURED)),
    *((REVALUED, f"unrealized.{account}", account, 5710) for account in sorted(MONETARY)),
    ("shipping.accrued", "carriage", 5500, 2150),
    ("carrier.invoiced", "accrual", 2150, 2000),
    ("carrier.invoiced", "variance", 5510, 2000),
    ("carrier.invoiced", "question", 1170, 2000),
    ("carrier.accepted", "question", 5510, 1170),
    ("carrier.credited", "question", 2000, 1170),
    ("supplier.invoiced", "receipt", 2050, 2000),
    ("supplier.invoiced", "work", 2160, 2000),
    ("supplier.invoiced", "variance", 5600, 2000),
    ("supplier.invoiced", "question", 1175, 2000),
    ("supplier.invoiced", "tax", 1240, 2000),
    ("supplier.arrived", "receipt", 2050, 1175),
    ("supplier.arrived", "variance", 5600, 1175),
    ("supplier.accepted", "question", 5600, 1175),
    ("supplier.credited", "question", 2000, 1175),
    ("bank.booked", "payable", 1000, 2000),
    ("bank.booked", "charges", 1000, 5210),
    ("bank.booked", "receivable", 1000, 1150),
    ("bank.booked", "collected", 1000, 1100),
    ("bank.booked", "taxes", 1000, 2210),
    ("bank.booked", "own_account", 1000, 1010),
    ("bank.booked", "other", 1000, 4020),
    ("claim.agreed", "claim", 1180, 5520),
    ("claim.credited", "claim", 2000, 1180),
    ("supplier_claim.agreed", "claim", 1190, 5620),
    ("supplier_claim.credited", "claim", 2000, 1190),
    ("stock.returned_to_vendor", "cost", 1195, 1200),
    ("vendor_return.shipped", "difference", 1195, 5320),
    ("vendor_return.credited", "credit", 2000, 1195),
    ("vendor_return.credited", "difference", 1195, 5320),
    ("stock.liquidated", "cost", 1196, 1200),
    *(("liquidation.sold", f"lot.{kind}", 1196, account) for kind, account in LOTS.items()),
    ("liquidation.sold", "cost", 5350, 1196),
    *(("liquidation.reduced", f"lot.{kind}", account, 1196) for kind, account in LOTS.items()),
    ("liquidation.paid", "credit", 1150, 1196),
    ("liquidation.paid", "difference", 1196, 5350),
    ("stock.work_taken", "cost", 1230, 1200),
    ("stock.work_returned", "cost", 1200, 1230),
    ("stock.work_used", "cost", 5340, 1200),
    ("stock.graded_down", "cost", 1230, 1200),
    ("stock.second_grade", "cost", 1200, 1230),
    ("second_grade.written_down", "write_down", 5330, 1230),
    ("refurbishment.worked", "capitalized", 1230, 2160),
    ("refurbishment.worked", "expensed", 5340, 2160),
    ("refurbishment.worked", "own", 1230, 5340),
    *(("repair.worked", payer, account, 2160) for payer, account in REPAIRED.items()),
    *((f"stock.repair_{payer}", "cost", account, 1200) for payer, account in REPAIRED.items()),
    ("repair.charged", "repair.price", 1150, 4040),
    ("repair.charged", "repair.tax", 1150, 2200),
    *(
        ("clearing.written_off", f"remainder.{account}", other, account)
        for account, other in WRITTEN_OFF.items()
    ),
)
"""Event, source kind, account debited, account credited. A negative amount swaps the sides."""

TOLD_BY_A_DOCUMENT = {
    "sale": "sale.", "credit": "credit.", "return": "return.",
    "card_hold.taken": "hold.", "card_hold.returned": "hold.",
    "liquidation.sold": "lot.", "liquidation.reduced": "lot.",
}  # fmt: skip
"""Events of which an invoice or a credit note tells, and how the kinds of what they are about begin."""

TAKEN_BACK_BY_AMOUNT = (
    REVALUED, "return.expected", "card_hold.taken", "card_hold.returned", "payment.disputed", "payment.dispute_won",
)  # fmt: skip
"""Events of which one entry takes back, by the rules of its own day, what another one posted: nobody says by which
rules that was."""

REASONED = (
    "stock.write_off", "stock.found", "stock.disposed", "stock.donated", "stock.written_down", "stock.written_up",
    "second_grade.written_down",
)  # fmt: skip
"""Events that have a reason, which a rule may go by: why stock is corrected or written down, and for goods that came
back why their customer sent them."""
REASON_MAX = 100

TRADE_PREFIXES = ("sale.", "credit.", "return.", "hold.", "lot.", "bad_debt")
DIFFERENCE = "difference"
"""The kind under which an event's rule says where a difference of rates goes: between that of its day and the one at
which was sold what it takes back."""
SETTLEMENT_ACCOUNTS = frozenset({1100, 1150, 1196, 2100, 2300})
"""The side of a trade posting that settles it; the other side bears the source kind, so that sums count it once."""


def two_lines(
    kind: str, debit: int, credit: int, amount: int
) -> tuple[tuple[int, str, int], tuple[int, str, int]]:
    """An amount as (account, kind, amount) on both sides, debit positive."""
    if not kind.startswith(TRADE_PREFIXES):
        return (debit, kind, amount), (credit, kind, -amount)
    debit_kind, credit_kind = ("settlement", kind) if debit in SETTLEMENT_ACCOUNTS else (kind, "settlement")
    return (debit, debit_kind, amount), (credit, credit_kind, -amount)


def reason_of(event: str, said: str) -> str:
    """The reason by which an event is posted; none where its rules go by none, or a text is too long to be one."""
    reason = said.strip()
    return reason if event in REASONED and len(reason) <= REASON_MAX else ""


def rule_of(company: int, event: str, kind: str, reason: str, accounts: Accounts) -> tuple[int, int] | None:
    """The rule for just this reason, or else the one for any."""
    exact = accounts.get((company, event, kind, reason)) if reason else None
    return exact or accounts.get((company, event, kind, ""))


def lines_of(
    company: int, event: str, amounts: Sequence[tuple[str, int]], accounts: Accounts, reason: str = ""
) -> tuple[dict[tuple[int, str], int], str | None]:
    """Both sides of each amount, summed by account and kind; and the first kind that no rule covers."""
    lines: dict[tuple[int, str], int] = defaultdict(int)
    for kind, amount in amounts:
        rule = rule_of(company, event, kind, reason, accounts)
        if rule is None:
            return lines, kind
        for account, line_kind, signed in two_lines(kind, *rule, amount):
            lines[account, line_kind] += signed
    return lines, None


def value_run(quantity: int, value: int, moves: Iterable[tuple[int, int]]) -> tuple[list[int], int, int]:
    """Value a run of moves (quantity in or −out, cost of what comes in) by moving average.

    Returns the value of each move, and the quantity and value after. Issues between two receipts share the value V of
    the Q units that stand there: the i-th takes round(V·cum(i)/Q) − round(V·cum(i−1)/Q), halves up. So what they take
    together depends only on how many they are together, and the last unit takes what is left.
    """
    values = []
    base, worth, issued, taken = quantity, value, 0, 0
    for units, cost in moves:
        if units >= 0:
            base, worth, issued, taken = base - issued + units, worth - taken + cost, 0, 0
            values.append(cost)
            continue
        issued -= units
        assert issued <= base, f"{issued} units issued where {base} are valued"
        before, taken = taken, (2 * worth * issued + base) // (2 * base)
        values.append(taken - before)
    return values, base - issued, worth - taken


def spread_functional(amounts: Sequence[int], rounded: Sequence[int]) -> list[int]:
    """Functional amounts made to sum to zero: the rounding remainder goes to the largest line."""
    rest = sum(rounded)
    if not rest:
        return list(rounded)
    largest = max(range(len(amounts)), key=lambda i: (abs(amounts[i]), -i))
    return [amount - rest if i == largest else amount for i, amount in enumerate(rounded)]


def as_sold(
    kinds: Sequence[str], amounts: Sequence[int], today: Sequence[int], rate: Decimal
) -> tuple[list[int], int]:
    """Functional amounts of an entry that takes back what was sold at another rate: trade at that rate, what settles it
    at today's; and the difference, a loss above zero. Within rounding it is the same rate, and there is none.
    """
    worth = [
        at_home if kind == "settlement" else round_half_away(amount * rate)
        for kind, amount, at_home in zip(kinds, amounts, today, strict=True)
    ]
    difference = -sum(worth)
    return (worth, difference) if abs(difference) > len(worth) else (list(today), 0)
