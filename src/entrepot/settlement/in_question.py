"""What a person decides about what an invoice of ours to pay bills beyond what was expected. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Invalid, Refused
from entrepot.kernel.states import Machine

DECISIONS = ("accept", "dispute", "credit")


class Decision(NamedTuple):
    """The state after a decision, and what of the difference is credited."""

    state: str
    credited: int


def decide(
    machine: Machine, state: str, difference: int, *, decision: str, reason: str, credited_minor: int | None
) -> Decision | Refused:
    """Accepted as a cost or disputed, each with a reason; or credited: all of the difference unless less is said."""
    if decision not in DECISIONS:
        return Invalid(field="decision", expected=f"one of {', '.join(DECISIONS)}", found=decision)
    after = machine.step(state, decision)
    if isinstance(after, Refused):
        return after
    if decision != "credit":
        if not reason.strip():
            return Invalid(
                field="reason", expected="why it is right, or what is wrong with it", found="nothing"
            )
        return Decision(after, 0)
    credited = difference if credited_minor is None else credited_minor
    if not 0 < credited <= difference:
        return Invalid(field="credited_minor", expected=f"from 1 to {difference}", found=credited)
    return Decision(after, credited)


def of_invoices(states: Mapping[tuple[UUID, int], str]) -> dict[UUID, str]:
    """The state of each invoice by those of its lines."""
    found: dict[UUID, set[str]] = {}
    for (invoice, _), state in states.items():
        found.setdefault(invoice, set()).add(state)
    return {
        invoice: "open"
        if some & {"differs", "unmatched"}
        else "disputed"
        if "disputed" in some
        else "settled"
        for invoice, some in found.items()
    }
