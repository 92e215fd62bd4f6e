"""Contest disputes with what the house knows of their orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.payments.commands.answer_disputes import Answered, SubmitEvidence, submit_evidence
from entrepot.settlement import evidence, evidence_queries


@dataclass(frozen=True, slots=True)
class ContestDispute:
    """A dispute to be answered with evidence; `note` is what a person adds to it."""

    dispute: UUID
    note: str = ""
    key: str | None = None


@command("settlement.contest_disputes")
def contest_disputes(cause: Cause, /, *, requests: Sequence[ContestDispute]) -> list[Answered | Refused]:
    """Evidence composed from orders, shipments, refunds and returns, frozen as it is now, and sent to the providers.

    Who the customer is stands in the vault: it is added as it is sent, and kept nowhere else.
    Locks: as `payments.submit_evidence`. Refuses: NotFound; what submitting evidence refuses. Again: by key.
    29 statements at most.
    """
    known = evidence_queries.known([one.dispute for one in requests], cause.at)
    wanted = {
        at: SubmitEvidence(one.dispute, _fields(known[one.dispute].facts, one.note), one.note)
        for at, one in enumerate(requests)
        if one.dispute in known
    }
    given = submit_evidence(cause, requests=list(wanted.values())) if wanted else []
    answers = dict(zip(wanted, given, strict=True))
    return [
        answers.get(at, NotFound(what="dispute of an order", which=str(one.dispute)))
        for at, one in enumerate(requests)
    ]


def _fields(facts: evidence.Facts, note: str) -> tuple[tuple[str, str], ...]:
    fields = dict(evidence.compose(facts).fields)
    if note.strip():
        fields["uncategorized_text"] = f"{note.strip()}\n{fields.get('uncategorized_text', '')}".strip()
    return tuple(fields.items())
