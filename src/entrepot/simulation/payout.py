"""The evening of the payment provider: it pays out what it took, and a bank or two want something back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from entrepot.kernel import sql
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.providers import fake
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine, gross
from entrepot.simulation.retailer import COMPANY, CURRENCY

if TYPE_CHECKING:
    from entrepot.simulation.day import Day

SHORT_MINOR = 150
"""What the provider keeps of one charge without saying why."""


def pay_out(day: Day, at: datetime) -> None:
    """The provider settles what it was asked; of one charge it pays less, so that somebody has to ask it why."""
    ours = {row[0] for row in sql.run("SELECT id FROM payments_attempt WHERE state = 'done'")}
    told = fake.payout(
        [(asked, outcome) for asked, outcome in fake.client.settled() if asked.attempt in ours]
    )
    lines = [PayoutLine(*line) for line in told]
    odd = next(
        (i for i, line in enumerate(lines) if line.kind == "charge" and line.amount_minor > SHORT_MINOR), None
    )
    if odd is None:
        return
    lines[odd] = lines[odd]._replace(amount_minor=lines[odd].amount_minor - SHORT_MINOR)
    net = gross(lines) - sum(line.fee_minor for line in lines)
    report = TakePayout(COMPANY, "fake", f"payout-{at:%Y-%m-%d}", CURRENCY, net, tuple(lines), at)
    take_payouts(day.cause("provider", at, "the payout of the day"), requests=[report])


def dispute(day: Day, at: datetime) -> None:
    """Two customers have gone to their banks."""
    paid = sql.run(_PAID)
    chosen = day.chance.sample(paid, min(2, len(paid)))
    requests = [
        OpenDispute(payment, f"dp-{at:%y%m%d}-{n}", left, reason, occurred_at=at)
        for n, ((payment, left), reason) in enumerate(zip(chosen, ("product not received", "fraudulent"), strict=False))
    ]  # fmt: skip
    open_disputes(day.cause("provider", at, "the bank of a customer"), requests=requests)


_PAID = """
SELECT id, captured_minor - refunded_minor - refunding_minor FROM payments_payment
WHERE provider = 'fake' AND captured_minor > refunded_minor + refunding_minor ORDER BY id
"""
