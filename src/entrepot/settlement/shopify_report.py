"""What Shopify Payments paid out, from its balance transactions: lines that a payout is matched by. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from entrepot.kernel import money
from entrepot.settlement.amounts import MINOR_MAX, minor_of
from entrepot.settlement.rules import SIGNS, PayoutLine
from entrepot.settlement.stripe_report import Report, UnreadableError, whole

KINDS = {"charge": "charge", "refund": "refund", "refund_failure": "refund_reversal"}
"""Transactions that we know a document of, by the order's id. A dispute is known by its own."""
RESERVES = ("reserve", "reserved_funds")


def read(rows: Sequence[Mapping[str, Any]]) -> Report:
    """The payout of `transactions`, as the shop's `shopify_payments/balance/transactions.json?payout_id=…` gives them:
    its own transaction, and those it is made of."""
    payouts = [row for row in rows if row.get("type") == "payout"]
    if len(payouts) != 1:
        raise UnreadableError(f"one transaction of type payout is expected, found {len(payouts)}")
    own = payouts[0]
    currencies = {_word(row, "currency").upper() for row in rows}
    if len(currencies) != 1 or not currencies <= money.CURRENCIES:
        raise UnreadableError(f"one currency is expected, found {', '.join(sorted(currencies))}")
    currency = currencies.pop()
    lines = tuple(_line(row, currency) for row in rows if row is not own)
    net = -_minor(own, "amount", currency)
    return whole(Report(_word(own, "payout_id"), currency, net, _moment(own), lines))


def _line(row: Mapping[str, Any], currency: str) -> PayoutLine:
    amount, fee = _minor(row, "amount", currency), _minor(row, "fee", currency)
    kind = KINDS.get(str(row.get("type")), "")
    if kind and row.get("source_order_id") and amount * SIGNS[kind] >= 0:
        return PayoutLine(kind, _word(row, "source_order_id"), abs(amount), fee)
    if row.get("type") == "dispute":
        return PayoutLine(
            "chargeback" if amount <= 0 else "chargeback_reversal", _word(row, "source_id"), abs(amount), fee
        )
    if row.get("type") in RESERVES:
        return PayoutLine(
            "reserve_held" if amount < 0 else "reserve_released", _word(row, "id"), abs(amount), fee
        )
    # Nothing of ours has the transaction's own name: it waits for a person.
    return PayoutLine("charge" if amount >= 0 else "refund", _word(row, "id"), abs(amount), fee)


def _word(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    if isinstance(found, bool) or not isinstance(found, (str, int)) or not 0 < len(str(found)) <= 200:
        raise UnreadableError(f"a transaction without {name}")
    return str(found).replace("\x00", "")


def _minor(row: Mapping[str, Any], name: str, currency: str) -> int:
    minor = minor_of(str(row.get(name)), currency, -MINOR_MAX)
    if minor is None:
        raise UnreadableError(f"{_word(row, 'id')}: {name} in {currency} is expected, found {row.get(name)}")
    return minor


def _moment(row: Mapping[str, Any]) -> datetime:
    text = _word(row, "processed_at")
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableError(f"the payout was processed at a moment, found {text}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
