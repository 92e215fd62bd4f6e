"""What a person decides about what an invoice of ours to pay bills beyond what was expected. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.kernel.states import Machine

DECISIONS = ("accept", "dispute", "credit")


class Decision(NamedTuple):
    """The state after a decision, and what of the difference is credited."""

    state: str
    credited: int


def decide(
    machine: Machine,
    state: str,
    difference: int,
    currency: str,
    *,
    decision: str,
    reason: str,
    credited_minor: int | None,
) -> Decision | Refused:
    """Accepted as a cost or disputed, each with a reason; or credited: all of the difference unless less is said."""
    if decision not in DECISIONS:
        return Invalid(field="decision", expected=one_of(DECISIONS), found=decision)
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
        expected = Said("above 0, at most {0}", money.told(difference, currency))
        return Invalid(field="credited_minor", expected=expected, found=money.told(credited, currency))
    return Decision(after, credited)


def cost_of(decision: str, credited_minor: int | None, difference: int) -> int:
    """What of a difference becomes a cost by a decision: all that is accepted, and the rest of what is credited in
    part. To that somebody else agrees who did not enter the invoice, above a limit."""
    if decision == "accept":
        return difference
    in_part = decision == "credit" and credited_minor is not None and 0 < credited_minor <= difference
    return difference - (credited_minor or 0) if in_part else 0


Which = tuple[UUID, int]
"""A line by its invoice and place."""


class Asked(Protocol):
    """What is asked about a line."""

    @property
    def invoice(self) -> UUID: ...
    @property
    def line(self) -> int: ...
    @property
    def decision(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def credited_minor(self) -> int | None: ...


class Billed(Protocol):
    """A line as it stands; `difference` is what it bills beyond what was expected."""

    @property
    def state(self) -> str: ...
    @property
    def difference(self) -> int: ...
    @property
    def currency(self) -> str: ...


A = TypeVar("A", bound=Asked)
B = TypeVar("B", bound=Billed)


@dataclass(frozen=True, slots=True)
class Decided(Generic[B, A]):
    """A line with what was asked about it, and what it comes to."""

    line: B
    request: A
    state: str
    credited: int


def decide_all(
    machine: Machine, requests: Sequence[A], lines: Mapping[Which, B], apart: Mapping[Which, Refused],
    missing: Callable[[A], Refused],
) -> tuple[list[Decided[B, A] | Refused], dict[Which, str]]:  # fmt: skip
    """Each request in turn, seeing what those before it decided; and the states of all lines afterwards. `apart` are
    lines that another person has to accept."""
    answers: list[Decided[B, A] | Refused] = []
    states = {which: one.state for which, one in lines.items()}
    for request in requests:
        which = (request.invoice, request.line)
        line = lines.get(which)
        if line is None:
            answers.append(missing(request))
            continue
        found = apart.get(which) or decide(
            machine, states[which], line.difference, line.currency,
            decision=request.decision, reason=request.reason, credited_minor=request.credited_minor,
        )  # fmt: skip
        if isinstance(found, Refused):
            answers.append(found)
            continue
        answers.append(Decided(line, request, *found))
        states[which] = found.state
    return answers, states


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
