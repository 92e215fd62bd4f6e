"""What Amazon paid out, from its settlement report (flat file V2): lines that a payout is matched by. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

from entrepot.kernel import money
from entrepot.settlement.amounts import MINOR_MAX, minor_of
from entrepot.settlement.rules import PayoutLine
from entrepot.settlement.stripe_report import Report, UnreadableError, whole

COLUMNS = (
    "settlement-id", "deposit-date", "total-amount", "currency", "transaction-type", "order-id", "adjustment-id",
    "shipment-id", "amount-type", "amount-description", "amount",
)  # fmt: skip
KINDS = {
    "order": "charge", "refund": "refund", "chargeback refund": "chargeback", "a-to-z guarantee refund": "chargeback",
}  # fmt: skip
"""Transactions of an order that we know a document of."""
RESERVES = ("current reserve amount", "previous reserve amount balance")
"""What is held back until the next settlement, and what was until this one."""
COSTS = ("fee", "advertising", "subscription", "commission")
"""Words in the names of what Amazon charges for beside orders."""
ROWS_MAX = 200_000
DAYS = ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d", "%d.%m.%Y")

Row = Mapping[str, str]


def is_one(text: str) -> bool:
    """Whether a file is such a report, by its first line."""
    first = text.lstrip("\ufeff").partition("\n")[0]
    return "\t" in first and COLUMNS[0] in first.lower()


def read(text: str) -> Report:
    """The payout of a report. What an order brings is one line for each of its shipments, or refunds: its prices less
    promotions and withheld taxes, and its fees. What is told of no order is a line of its own."""
    rows = _rows(text)
    head = rows[0]
    currency = head["currency"].upper()
    if currency not in money.CURRENCIES:
        raise UnreadableError(f"the first row has no currency, found {currency or 'nothing'}")
    of_orders: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    lines = []
    for number, row in enumerate(rows[1:], 3):
        if row["settlement-id"] != head["settlement-id"]:
            raise UnreadableError(f"row {number} is of another settlement: one at a time")
        minor = _minor(row["amount"], currency, number)
        if row["order-id"]:
            which = (row["transaction-type"], row["order-id"], row["shipment-id"] or row["adjustment-id"])
            of_orders[which]["fee" in row["amount-type"].lower()] += minor
        elif minor:
            lines.append(_other(row, minor))
    lines = [_of_order(*which, *sums) for which, sums in of_orders.items() if any(sums)] + lines
    net = _minor(head["total-amount"], currency, 2)
    return whole(Report(head["settlement-id"], currency, net, _day(head["deposit-date"]), tuple(lines)))


def _rows(text: str) -> list[Row]:
    """Rows by the names of columns; the first says what was paid out."""
    first, *others = (
        line.split("\t") for line in re.split(r"\r\n|\n|\r", text.lstrip("\ufeff").replace("\x00", ""))
    )
    names = [name.strip().lower() for name in first]
    if missing := [name for name in COLUMNS if name not in names]:
        raise UnreadableError(
            f"no column {', '.join(missing)}: the settlement report as flat file V2 is expected"
        )
    if len(others) > ROWS_MAX:
        raise UnreadableError(f"more than {ROWS_MAX} rows")
    places = {name: names.index(name) for name in COLUMNS}
    rows: list[Row] = [
        {name: row[place].strip()[:200] if place < len(row) else "" for name, place in places.items()}
        for row in others
        if any(cell.strip() for cell in row)
    ]
    if not rows or not rows[0]["settlement-id"] or not rows[0]["total-amount"]:
        raise UnreadableError("the first row has no settlement or no total")
    return rows


def _of_order(transaction: str, order: str, _part: str, amount: int, fees: int) -> PayoutLine:
    kind = KINDS.get(transaction.lower(), "")
    if (kind == "charge" and amount < 0) or (kind in ("refund", "chargeback") and amount > 0) or not kind:
        # Nothing of ours has such a name: it waits for a person.
        return PayoutLine("charge" if amount >= 0 else "refund", f"{order} {transaction}", abs(amount), -fees)
    return PayoutLine(kind, order, abs(amount), -fees)


def _other(row: Row, minor: int) -> PayoutLine:
    said = row["amount-description"] or row["amount-type"] or row["transaction-type"]
    if said.lower() in RESERVES:
        return PayoutLine("reserve_held" if minor < 0 else "reserve_released", said, abs(minor))
    names = f"{row['transaction-type']} {row['amount-type']} {said}".lower()
    if any(word in names for word in COSTS):
        return PayoutLine("fee", said, 0, -minor)
    return PayoutLine("charge" if minor >= 0 else "refund", said, abs(minor))


def _minor(text: str, currency: str, number: int) -> int:
    """An amount as its marketplace writes it, with a point or a comma before the decimals."""
    minor = minor_of(text.replace(",", ".") or "0", currency, -MINOR_MAX)
    if minor is None:
        raise UnreadableError(f"row {number}: an amount in {currency} is expected, found {text}")
    return minor


def _day(text: str) -> datetime:
    for form in DAYS:
        try:
            return datetime.strptime(text.removesuffix(" UTC"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise UnreadableError(f"the first row has no day of deposit, found {text or 'nothing'}")
