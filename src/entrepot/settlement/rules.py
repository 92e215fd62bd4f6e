"""What a line of a payout belongs to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused
from entrepot.settlement import errors

SIGNS = {"charge": 1, "refund": -1, "chargeback": -1, "chargeback_reversal": 1, "fee": 0}
"""Kinds of lines, and which way their money goes: 1 to us."""


class PayoutLine(NamedTuple):
    """A line as the provider reports it: amounts in minor units, positive; `reference` is the provider's own."""

    kind: str
    reference: str
    amount_minor: int
    fee_minor: int = 0


class Known(NamedTuple):
    """What we know under a provider's reference and kind: an attempt or dispute, and its amount."""

    id: UUID
    amount_minor: int


class Matched(NamedTuple):
    """A line with what it belongs to. `difference` is what it should have brought to us more than it did."""

    line: PayoutLine
    state: str
    known: UUID | None
    difference: int
    why: str


def misfit(external_id: str, lines: Sequence[PayoutLine], net_minor: int) -> Refused | None:
    """Why a report can't be one."""
    if not lines:
        return errors.NotALine(external_id=external_id, field="lines", expected="at least one", found="none")
    for line in lines:
        if line.kind not in SIGNS:
            expected = f"one of {', '.join(SIGNS)}"
            return errors.NotALine(external_id=external_id, field="kind", expected=expected, found=line.kind)
        if line.amount_minor < 0 or (line.amount_minor > 0 and not SIGNS[line.kind]):
            expected = "0 for a fee, else not below 0"
            found = str(line.amount_minor)
            return errors.NotALine(external_id=external_id, field="amount", expected=expected, found=found)
    net = gross(lines) - sum(line.fee_minor for line in lines)
    if net != net_minor:
        return errors.DoesNotAddUp(external_id=external_id, expected=net_minor, found=net)
    return None


def gross(lines: Sequence[PayoutLine]) -> int:
    """What lines bring before fees."""
    return sum(SIGNS[line.kind] * line.amount_minor for line in lines)


def match(
    lines: Sequence[PayoutLine], known: Mapping[tuple[str, str], Known], paid_out: set[tuple[UUID, str]]
) -> list[Matched]:
    """Each line with the attempt or dispute of its reference, which is paid out once; fees belong to none.

    `paid_out` are the (id, kind) that earlier payouts have settled; it grows.
    """
    found = []
    for line in lines:
        sign = SIGNS[line.kind]
        if not sign:
            found.append(Matched(line, "matched", None, 0, ""))
            continue
        one = known.get((line.kind, line.reference))
        if one is None:
            why = f"no {line.kind.replace('_', ' ')} is known under {line.reference or 'no reference'}"
            found.append(Matched(line, "unmatched", None, -sign * line.amount_minor, why))
        elif (one.id, line.kind) in paid_out:
            why = f"{line.reference} was paid out before"
            found.append(Matched(line, "unmatched", None, -sign * line.amount_minor, why))
        else:
            paid_out.add((one.id, line.kind))
            difference = sign * (one.amount_minor - line.amount_minor)
            state = "differs" if difference else "matched"
            why = f"we know {one.amount_minor}, the payout says {line.amount_minor}" if difference else ""
            found.append(Matched(line, state, one.id, difference, why))
    return found
