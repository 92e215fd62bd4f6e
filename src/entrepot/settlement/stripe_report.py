"""What Stripe paid out, from the list of its balance transactions: lines that a payout is matched by. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from entrepot.kernel.money import told
from entrepot.payments.providers.stripe.amounts import from_stripe
from entrepot.settlement.rules import SIGNS, PayoutLine, gross

KINDS = {
    "charge": "charge", "payment": "charge", "refund": "refund", "payment_refund": "refund",
    "refund_failure": "refund_reversal",
    "dispute": "chargeback", "dispute_reversal": "chargeback_reversal",
}  # fmt: skip
"""Categories of balance transactions that we know a document of. Others are lines of their own: what costs is a fee,
what is neither is looked at by a person."""
RESERVES = (
    "reserve_transaction", "reserved_funds", "risk_reserved_funds", "reserve_hold", "reserve_release",
    "payment_network_reserve_hold", "payment_network_reserve_release", "payout_minimum_balance_hold",
    "payout_minimum_balance_release",
)  # fmt: skip
"""Categories of what Stripe holds back of a payout, and brings with a later one."""
FEES = ("fee", "stripe_fee", "network_cost", "tax")


class UnreadableError(ValueError):
    """What came is no list of balance transactions of one payout."""


class Report(NamedTuple):
    """A payout as it stands in the list: its name, what came to the bank, and its lines."""

    external_id: str
    currency: str
    net_minor: int
    arrived_at: datetime
    lines: tuple[PayoutLine, ...]


def read(text: str) -> Report:
    """The payout of a list, as Stripe gives it for `payout=po_…`: its own transaction, and those it is made of."""
    return of_body(body_of(text))


def of_body(body: Any) -> Report:
    """As `read`, of the list."""
    rows = _rows(body)
    payouts = [row for row in rows if _word(row, "type") == "payout"]
    if len(payouts) != 1:
        raise UnreadableError(f"one transaction of type payout is expected, found {len(payouts)}")
    own = payouts[0]
    currencies = {_word(row, "currency") for row in rows}
    if len(currencies) != 1:
        raise UnreadableError(f"one currency is expected, found {', '.join(sorted(currencies))}")
    currency = currencies.pop().upper()
    lines = tuple(_line(row, currency) for row in rows if row is not own)
    net = -_minor(own, "amount", currency)
    at = datetime.fromtimestamp(_whole(own, "available_on"), UTC)
    return whole(Report(_word(own, "source"), currency, net, at, lines))


def whole(report: Report) -> Report:
    """The report, whose lines make what was paid out."""
    found = gross(report.lines) - sum(line.fee_minor for line in report.lines)
    if found != report.net_minor:
        paid, made = (told(minor, report.currency) for minor in (report.net_minor, found))
        raise UnreadableError(f"{paid} were paid out, the transactions make {made}: is the list whole?")
    return report


def _line(row: dict[str, Any], currency: str) -> PayoutLine:
    amount, fee = _minor(row, "amount", currency), _minor(row, "fee", currency)
    if amount - fee != _minor(row, "net", currency):
        raise UnreadableError(f"{_word(row, 'id')}: amount less fee is not net")
    category = str(row.get("reporting_category") or row.get("type") or "")
    if category in FEES or _word(row, "type") in FEES:
        return PayoutLine("fee", _word(row, "id"), 0, fee - amount)
    if category in RESERVES or _word(row, "type") in RESERVES:
        kind = "reserve_released" if amount >= 0 else "reserve_held"
        return PayoutLine(kind, _word(row, "id"), abs(amount), fee)
    kind = KINDS.get(category, "")
    if SIGNS.get(kind) == 1 and amount >= 0:
        return PayoutLine(kind, _word(row, "source"), amount, fee)
    if SIGNS.get(kind) == -1 and amount <= 0:
        return PayoutLine(kind, _word(row, "source"), -amount, fee)
    # Nothing of ours has the transaction's own name: it waits for a person.
    return PayoutLine("charge" if amount >= 0 else "refund", _word(row, "id"), abs(amount), fee)


def body_of(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:  # the latter of what is nested too deep
        raise UnreadableError("no JSON") from error


def rows_of(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise UnreadableError("no list of balance transactions")
    return found


def _rows(body: Any) -> list[dict[str, Any]]:
    rows = rows_of(body.get("data") if isinstance(body, dict) else body)
    if isinstance(body, dict) and body.get("has_more") is True:
        raise UnreadableError("the list goes on: put its pages together")
    return rows


def _word(row: dict[str, Any], name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str) or not found or len(found) > 200 or "\x00" in found:
        raise UnreadableError(f"a transaction without {name}")
    return found


def _minor(row: dict[str, Any], name: str, currency: str) -> int:
    amount = _whole(row, name)
    minor = from_stripe(amount, currency)
    if minor is None:
        raise UnreadableError(f"{_word(row, 'id')}: {amount} is no amount of {currency}, as Stripe counts it")
    return minor


def _whole(row: dict[str, Any], name: str) -> int:
    found = row.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) >= 2**40:
        raise UnreadableError(f"a transaction without {name}")
    return found
