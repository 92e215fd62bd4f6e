"""What the entry of an invoice that we are to pay is, whoever bills: the same answer again, its posting, who entered
it, work for what is in question, and how much of that one person decides alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import money, policies
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.work.commands.open_items import OpenItem, open_items

DUTY = "enter×approve"

T = TypeVar("T")


class Judged(Protocol):
    """A line as it was judged; `difference` is what it bills beyond what was expected, in minor units."""

    @property
    def state(self) -> str: ...
    @property
    def difference(self) -> int: ...


J = TypeVar("J", bound=Judged)


def in_question(lines: Sequence[J]) -> list[J]:
    """The lines that wait for a person."""
    return [one for one in lines if one.state != "matched"]


class Limited(Protocol):
    """A policy that says up to how much one person decides alone."""

    @property
    def alone_up_to_minor(self) -> int: ...


def alone_up_to(cause: Cause, companies: Iterable[int], shape: type[Limited]) -> dict[int, int]:
    """What the policy of a shape says one person decides alone, by company. 1 statement."""
    found = policies.of_companies(companies, shape, cause.at)
    return {company: policy.alone_up_to_minor for company, (_, policy) in found.items()}


class Known(NamedTuple):
    """An invoice that we have, from before or from this batch, and what it says. Amounts in minor units."""

    invoice: UUID
    number: str
    state: str
    currency: str
    total: int
    lines: int
    in_question: int
    question: int

    def answer(self, taken: Callable[[UUID, str, str, int, int, int, bool], T], *, fresh: bool) -> T:
        return taken(
            self.invoice, self.number, self.state, self.lines, self.in_question, self.question, fresh
        )

    def misfit(self, otherwise: type[Refused], external_id: str, currency: str, total: int) -> Refused | None:
        """Why an invoice that comes again under its name is not the one that we have."""
        if (self.currency, self.total) == (currency, total):
            return None
        return otherwise(
            external_id=external_id, number=self.number, expected=money.told(self.total, self.currency),
            found=money.told(total, currency),
        )  # fmt: skip


def known_of(invoice: UUID, number: str, currency: str, total: int, lines: Sequence[Judged]) -> Known:
    """A fresh invoice, as it is known from now on."""
    wrong = in_question(lines)
    state = "open" if wrong else "settled"
    question = sum(one.difference for one in wrong)
    return Known(invoice, number, state, currency, total, len(lines), len(wrong), question)


class Entry(NamedTuple):
    """A fresh invoice with its amounts by source kind, and the work item where something of it is in question."""

    company: int
    known: Known
    amounts: tuple[tuple[str, int], ...]
    item: OpenItem | None
    at: datetime


def enter(cause: Cause, kind: str, event: str, entries: Sequence[Entry]) -> None:
    """Post fresh invoices, note who entered them, tell of them, and open work for what is in question."""
    whole(post(cause, requests=[
        Posting(one.company, event, kind, one.known.invoice, one.known.currency, one.amounts, one.at,
                or_now=True)
        for one in entries
    ]))  # fmt: skip
    whole(take_duty(cause, requests=[
        Duty(one.known.invoice, DUTY, "enter", cause.actor.name, one.known.number) for one in entries
    ]))  # fmt: skip
    announce(cause, [
        Event(kind, known.invoice, company, "", known.state, at,
              {"number": known.number, "total_minor": known.total, "in_question": known.in_question})
        for company, known, _, _, at in entries
    ])  # fmt: skip
    items = [one.item for one in entries if one.item]
    if items:
        open_items(cause, requests=items)
