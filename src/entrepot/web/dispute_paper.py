"""Evidence against a dispute as a paper, and on its way to the provider."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
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
from entrepot.settlement.evidence_queries import Known
from entrepot.web import papers

LABELS = {
    "customer_name": "Customer",
    "customer_email_address": "E-mail",
    "billing_address": "Billed at",
    "shipping_address": "Sent to",
    "product_description": "What was ordered",
    "shipping_carrier": "Carrier",
    "shipping_tracking_number": "Tracking",
    "shipping_date": "Sent on",
    "refund_policy_disclosure": "Terms of refunds, as the customer saw them",
    "refund_refusal_explanation": "Returns",
    "uncategorized_text": "What we can prove",
}
"""In the order of the paper; fields without a label are left to the provider's own form."""


class Evidence(NamedTuple):
    company: str
    external_id: str
    reason: str
    amount_minor: int
    currency: str
    at: datetime
    fields: Mapping[str, str]


def pdf(told: Evidence) -> bytes:
    """As PDF on A4; the same evidence always makes the same file, so that sending it again sends nothing new."""
    paper = papers.Paper()
    paper.set_creation_date(told.at)
    paper.say(told.company, 14, 8)
    paper.say(f"Evidence in dispute {told.external_id}", 12, 7)
    amount = f"{money.text(told.amount_minor, told.currency)} {told.currency}"
    paper.say(f"{amount} disputed as: {told.reason or 'no reason given'}. Written {told.at:%d %b %Y}.", 9)
    for name, label in LABELS.items():
        if text := told.fields.get(name):
            paper.ln(4)
            paper.say(label, 8, 4)
            paper.say(text)
    return bytes(paper.output())


def of(known: Known, fields: Mapping[str, str], at: datetime) -> Evidence:
    """The evidence of a dispute with its customer, for those who may see him. 2 statements."""
    name = next((one.name for one in parties.companies() if one.id == known.company), "")
    facts = known.facts
    whole = evidence_queries.people(known) | dict(fields)
    return Evidence(name, facts.external_id, facts.reason, facts.amount_minor, facts.currency, at, whole)


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
