"""Why a clearing account is not at zero, and how far one person may write off what is left. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from entrepot.kernel.shapes import shape

CODES = (
    "invoice not in", "goods not in", "payment not in", "in dispute", "booked wrongly", "rounding", "other",
)  # fmt: skip
"""Why something of a clearing account stays open, or is given up."""
DUTY = "enter×approve"
"""Of a write-off: whoever asks for it does not approve it."""
AGES = (30, 60, 90)
"""Days by which what is open is told apart."""


@shape("settlement.clearing")
@dataclass(frozen=True, slots=True)
class ClearingPolicy:
    """What is open for `days` must be explained by then. One person may write off up to `alone_up_to_minor` in the
    company's currency; beyond that another one approves it. Nobody writes off more than `at_most_minor`."""

    days: int = 30
    alone_up_to_minor: int = 500
    at_most_minor: int = 1_000_000


MEANS: dict[int, tuple[str, str]] = {
    1010: (
        "left an account of our own, not come to another one yet",
        "came to an account of our own, not left another one yet",
    ),
    1100: (
        "captured, not paid out by the provider or paid by the customer on account yet",
        "refunded or disputed, not deducted by the provider or sent to the customer yet",
    ),
    1160: ("disputed by banks, not decided yet", "won at the bank beyond what was disputed"),
    1170: ("charged by carriers beyond what was expected", "credited beyond what was in question"),
    1175: ("billed by suppliers beyond what came", "credited beyond what was in question"),
    1180: ("agreed by carriers, not credited yet", "credited beyond what was agreed"),
    1190: ("agreed by suppliers, not credited yet", "credited beyond what was agreed"),
    1195: ("sent back to vendors, not credited yet", "credited beyond what was sent back"),
    1196: ("gone to buyers of lots, not paid yet", "paid beyond what went"),
    1230: ("taken for work that did not post whole", "made by work that did not post whole"),
    2050: ("billed by suppliers before or beyond what came", "came, not billed yet"),
    2100: ("sent before it was paid", "paid, not sent yet"),
    2150: ("billed by carriers beyond what was accrued", "sent, not billed by the carrier yet"),
    2160: ("billed for work beyond what was reported", "worked, not billed yet"),
    2300: ("paid back before it was credited", "credited, not paid back yet"),
}
"""What it means that something is open on the debit side of an account, and on the credit side."""


class Held(NamedTuple):
    """What is open of an account: how many lines and how much on each side, how many of them are older than they may
    be, and how many of those somebody explained."""

    account: int
    debits: int
    debit_minor: int
    credits: int
    credit_minor: int
    old: int
    explained: int


def state(held: Held) -> str:
    """`zero`, `explained` (all that is old), `young` (none is), or `unexplained`."""
    if not held.debits and not held.credits:
        return "zero"
    if not held.old:
        return "young"
    return "explained" if held.explained >= held.old else "unexplained"


def reasons(held: Held) -> list[tuple[str, int, int]]:
    """Why an account is not at zero: what each side means, over how many lines, and how much."""
    debit, credit = MEANS.get(held.account, ("open", "open"))
    sides = ((debit, held.debits, held.debit_minor), (credit, held.credits, held.credit_minor))
    return [one for one in sides if one[1]]


def needs_another(amount_minor: int, policy: ClearingPolicy) -> bool:
    """Whether an amount in the company's currency is not one person's to write off."""
    return abs(amount_minor) > policy.alone_up_to_minor
