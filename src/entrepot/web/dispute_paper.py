"""Evidence against a dispute as a paper, and on its way to the provider."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from entrepot.kernel import money
from entrepot.kernel.cause import Cause
from entrepot.kernel.delivery import Claimed
from entrepot.parties import queries as parties
from entrepot.payments import dispute_queries
from entrepot.payments.commands.answer_disputes import Asked, SettleAnswer, settle_answers
from entrepot.payments.providers import Client, Told
from entrepot.settlement import evidence_queries
from entrepot.settlement.evidence import Facts
from entrepot.settlement.evidence_queries import Known
from entrepot.web import papers

FACTS = {
    "shipping_carrier": "Carrier",
    "shipping_tracking_number": "Tracking",
    "shipping_date": "Sent on",
}
"""What stands among the facts at the head, by field."""
SECTIONS = {
    "uncategorized_text": "What we can prove",
    "product_description": "What was ordered",
    "shipping_address": "Sent to",
    "refund_refusal_explanation": "Returns",
    "refund_policy_disclosure": "Terms of refunds, as the customer saw them",
}
"""In the order of the paper; fields that stand nowhere are left to the provider's own form."""


class Evidence(NamedTuple):
    company: str
    facts: Facts
    at: datetime
    fields: Mapping[str, str]


def pdf(told: Evidence) -> bytes:
    """As PDF on A4, in English, which banks of every country read; the same evidence always makes the same file, so
    that sending it again sends nothing new: of the facts it tells only what can't change any more."""
    with papers.for_country(""):
        return _pdf(told)


def _pdf(told: Evidence) -> bytes:
    facts, fields = told.facts, told.fields
    paper = papers.Paper(about=(told.company, facts.external_id))
    paper.set_creation_date(told.at)
    paper.head(told.company, "Evidence in a dispute", facts.external_id)
    as_what = facts.reason.replace("_", " ") or "no reason given"
    amount = f"{money.text(facts.amount_minor, facts.currency)} {facts.currency}"
    stated = [
        ("Dispute", facts.external_id), ("Disputed", amount), ("As", as_what),
        ("Order", facts.order), ("Placed", _day(facts.placed_at)),
        *((word, fields.get(name, "")) for name, word in FACTS.items()), ("Written", _day(told.at)),
    ]  # fmt: skip
    customer = [fields.get("customer_name", ""), *fields.get("billing_address", "").split(", ")]
    whom = [one for one in (*customer, fields.get("customer_email_address", "")) if one]
    paper.beside(whom or ["Not known any more"], [one for one in stated if one[1]], "Customer, as billed")
    for name, heading in SECTIONS.items():
        if text := fields.get(name):
            paper.say(heading, 12, 7, bold=True)
            paper.say(text)
            paper.ln(4)
    return bytes(paper.output())


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y}"


def of(known: Known, fields: Mapping[str, str], at: datetime) -> Evidence:
    """The evidence of a dispute with its customer, for those who may see him. 2 statements."""
    name = next((one.name for one in parties.companies() if one.id == known.company), "")
    whole = evidence_queries.people(known) | dict(fields)
    return Evidence(name, known.facts, at, whole)


def send(cause: Cause, message: Claimed, client: Client) -> None:
    """Send one answer: evidence with its paper and its customer, or that the dispute is accepted."""
    asked = msgspec.json.decode(message.body, type=Asked)
    row = dispute_queries.answer(asked.answer)
    fields: Mapping[str, str] = {}
    paper = b""
    if row is not None and row.kind == "submit":
        known = evidence_queries.known([row.dispute], row.made_at).get(row.dispute)
        told = of(known, row.fields, row.made_at) if known else None
        fields, paper = (told.fields, pdf(told)) if told else (row.fields, b"")
    outcome = client.answer(Told(asked.answer, asked.kind, asked.external_id, fields, paper))
    settle_answers(cause, requests=[SettleAnswer(asked.answer, outcome.ok, outcome.error)])
