"""How the books are written as Beancount text, and what explains a conflict about stock. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.money import exponent

ROOTS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
}


class Line(NamedTuple):
    """A journal line with what is needed to name its account."""

    entry: UUID
    company: str
    account: int
    amount_minor: int
    currency: str
    functional_minor: int
    functional: str
    kind: str
    event: str
    document_kind: str
    document: UUID
    on_date: date


def account_name(company: str, code: int, name: str, type_name: str) -> str:
    """Such as Assets:HOUSE:1200-Inventory; the code keeps it unique whatever the name."""
    return f"{ROOTS[type_name]}:{_component(company).upper()}:{code}-{_component(name)}".rstrip("-")


def numbered(external: str) -> str:
    """What stands under the opening of an account: its number in the chart of whoever the books are handed to."""
    return f'  external: "{_text(external)}"\n' if external else ""


def transaction(lines: Sequence[Line], accounts: dict[tuple[str, int], str]) -> str:
    """One journal entry: its first line says when and why, each posting its source kind."""
    first = lines[0]
    head = [
        f'{first.on_date} * "{_text(first.event)}"',
        f'  entry: "{first.entry}"',
        f'  event: "{_text(first.event)}"',
        f'  document: "{first.document}"',
        f'  document-kind: "{_text(first.document_kind)}"',
    ]
    return "\n".join([*head, *(_posting(line, accounts[line.company, line.account]) for line in lines), ""])


def amount(minor: int, currency: str) -> str:
    """Minor units as a decimal number of exactly the currency's digits, with the currency."""
    digits = exponent(currency)
    whole, part = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}.{part:0{digits}d} {currency}" if digits else f"{sign}{whole} {currency}"


def _posting(line: Line, account: str) -> str:
    return f'  {account}  {_value(line)}\n    kind: "{_text(line.kind)}"'


def _value(line: Line) -> str:
    """In the books' currency as it is; in another, with its whole price, so that the books' currency must balance."""
    if line.currency == line.functional:
        return amount(line.amount_minor, line.currency)
    if line.amount_minor * line.functional_minor <= 0:  # a difference of rates has no amount of its own
        return amount(line.functional_minor, line.functional)
    price = amount(abs(line.functional_minor), line.functional)
    return f"{amount(line.amount_minor, line.currency)} @@ {price}"


def _component(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "X"


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


# ---- conflicts about stock


def became(lost: Sequence[int], waiting: int, cancelled: int) -> list[tuple[int, int, int]]:
    """What became of units that a line lost in several displacements, the newest first: waiting, cancelled, served.

    The line tells how many of its units wait and are cancelled now, not which: those that wait are taken to be the
    newest loss, those that are cancelled the next, and whatever is left has been served again.
    """
    parts = []
    for units in lost:
        still = min(units, waiting)
        gone = min(units - still, cancelled)
        waiting, cancelled = waiting - still, cancelled - gone
        parts.append((still, gone, units - still - gone))
    return parts


REASONS = ("held", "node", "rule", "ring-fence", "came before", "takes all or none", "not explained")
"""Why an order waits while a less urgent one has a promise of the same SKU: the first that holds."""


@dataclass(frozen=True, slots=True)
class Served:
    """A promise to a less urgent order, as the order that waits sees it."""

    is_reachable: bool
    """Its node serves the channel of the one that waits, and has not rejected it."""
    is_fenced_for_other: bool
    """It took units that are fenced for another channel."""
    is_earlier: bool
    """It was made before the one that waits was placed."""
    is_ruled_out: bool = False
    """A rule of its profile kept the node from the one that waits, when that was decided last."""


def why_passed_over(served: Served, *, is_held: bool, takes_whole: bool) -> str:
    """Why an order waits beside a promise to a less urgent one; `takes_whole`: its policy takes no part of a line,
    or it waits for the rest of a kit."""
    because = (
        is_held,
        not served.is_reachable,
        served.is_ruled_out,
        served.is_fenced_for_other,
        served.is_earlier,
        takes_whole,
        True,
    )
    return next(reason for reason, holds in zip(REASONS, because, strict=True) if holds)
