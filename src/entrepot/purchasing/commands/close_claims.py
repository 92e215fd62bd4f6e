"""What suppliers answer to claims, in the books as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.purchasing.receiving import MadeGood, made_good
from entrepot.purchasing.states import CLAIM
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ANSWERS = ("agree", "credit", "replace", "refuse")


@dataclass(frozen=True, slots=True)
class CloseClaim:
    """What the supplier did, and how it is known: `agree` (a credit note is to come), `credit` (it came), `replace` or
    `refuse`. Without `amount_minor` he makes all of it good."""

    claim: UUID
    answer: str
    note: str
    occurred_at: datetime | None = None
    key: str | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimClosed:
    claim: UUID
    state: str


class _Claim(NamedTuple):
    id: UUID
    company: int
    currency: str
    value: int
    state: str
    agreed: int
    credited: int


@command("purchasing.close_claims")
def close_claims(cause: Cause, /, *, requests: Sequence[CloseClaim]) -> list[ClaimClosed | Refused]:
    """The claims with their answers. What a supplier agrees to is receivable; his credit note takes it off what he is
    owed; a refusal, or goods sent again (ordered at no cost), takes back what he agreed to.

    Locks: the claims in id order; the balances. Refuses: NotFound; WrongState (closed before); Invalid (answer, no
    note, an amount that can't be); what the ledger refuses, for all. Again: by key.
    4 statements and those of `ledger.post`.
    """
    claims = {row[0]: _Claim(*row) for row in sql.run(_LOCK, {"ids": [one.claim for one in requests]})}
    answers: list[ClaimClosed | Refused] = []
    answered: dict[UUID, CloseClaim] = {}
    postings: list[Posting] = []
    for one in requests:
        found = claims.get(one.claim)
        state = _state(one, found)
        if isinstance(state, Refused):
            answers.append(state)
            continue
        assert found is not None
        at = one.occurred_at or cause.at
        moved = made_good(one.answer, one.amount_minor, found.value, found.agreed)
        postings += _postings(found, moved, at)
        announce(cause, [
            Event("supplier_claim", found.id, found.company, found.state, state, at, reason=one.note)
        ])  # fmt: skip
        claims[one.claim] = found._replace(state=state, agreed=moved.agreed, credited=moved.credited)
        answered[one.claim] = one
        answers.append(ClaimClosed(one.claim, state))
    if answered:
        _write(cause, [(claims[claim], one) for claim, one in answered.items()], postings)
    return answers


def _write(cause: Cause, answered: Sequence[tuple[_Claim, CloseClaim]], postings: Sequence[Posting]) -> None:
    rows = [
        (claim.id, claim.state, one.note, cause.actor.name, one.occurred_at or cause.at, claim.agreed, claim.credited)
        for claim, one in answered
    ]  # fmt: skip
    names = ("ids", "states", "notes", "people", "times", "agreed", "credits")
    sql.run(_CLOSE, sql.columns(names, rows))
    if postings:
        whole(post(cause, requests=postings))
    resolve_subjects(
        cause,
        requests=[
            ResolveSubject(claim.company, "supplier claim", claim.id, note=one.note)
            for claim, one in answered
            if claim.state != "agreed"
        ],
    )


def _postings(claim: _Claim, moved: MadeGood, at: datetime) -> list[Posting]:
    amounts = (("supplier_claim.agreed", moved.recognized), ("supplier_claim.credited", moved.received))
    return [
        Posting(claim.company, event, "supplier_claim", claim.id, claim.currency, (("claim", amount),), at)
        for event, amount in amounts
        if amount
    ]


def _state(one: CloseClaim, found: _Claim | None) -> str | Refused:
    if found is None:
        return NotFound(what="claim to a supplier", which=str(one.claim))
    if one.answer not in ANSWERS:
        return Invalid(field="answer", expected=one_of(ANSWERS), found=one.answer)
    if not one.note:
        return Invalid(field="note", expected="how the supplier's answer is known", found="nothing")
    if one.amount_minor is not None and not 0 < one.amount_minor <= found.value:
        return Invalid(
            field="amount_minor", expected=Said("from 1 to {0}", found.value), found=one.amount_minor
        )
    return CLAIM.step(found.state, one.answer)


_LOCK = """
SELECT c.id, c.company_id::int, bought.currency::text, c.value_minor, c.state, c.agreed_minor, c.credited_minor
FROM purchasing_claim AS c JOIN purchasing_order AS bought ON bought.id = c.order_id
WHERE c.id = ANY(%(ids)s::uuid[]) ORDER BY c.id FOR UPDATE OF c
"""

_CLOSE = """
UPDATE purchasing_claim AS c SET state = d.state, outcome = d.note, closed_by = d.person, closed_at = d.at,
       agreed_minor = d.agreed, credited_minor = d.credited
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(notes)s::text[], %(people)s::text[], %(times)s::timestamptz[],
            %(agreed)s::bigint[], %(credits)s::bigint[]) AS d(id, state, note, person, at, agreed, credited)
WHERE c.id = d.id
"""
