"""Background work of settlement: invoices and credit notes of what was posted, goods that came after they were billed,
what belongs together on clearing accounts, and the retention rules."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel.cause import Actor, Cause
from entrepot.parties import queries as parties
from entrepot.returns.commands.labels_gone import VOIDED
from entrepot.settlement import carrier_queries, supplier_queries
from entrepot.settlement.clearing_groups import GROUPS_MAX
from entrepot.settlement.commands.apply_retention import ApplyRetention, apply_retention
from entrepot.settlement.commands.clear_accounts import AccountsCleared, ClearAccounts, clear_accounts
from entrepot.settlement.commands.decide_supplier_lines import MatchArrivals, match_arrivals
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from entrepot.settlement.commands.question_voided import QuestionVoided, question_voided
from entrepot.shipping.commands.relabel import CHEAPER

RUNS_MAX = 100
"""Runs of one hour over a company's clearing accounts; what they leave is the next hour's."""


def serve_invoice(cause: Cause, sources: Sequence[UUID]) -> None:
    """The documents of sources; those of one that has them already stay as they are."""
    issue_documents(cause, requests=[IssueDocument(one) for one in sources])


def serve_voided(cause: Cause, documents: Sequence[UUID]) -> None:
    """Labels of returns that were voided, and shipments that were labeled anew: what their carriers billed for them."""
    question_voided(cause, requests=[QuestionVoided(one) for one in documents])


@app.periodic(cron="25 * * * *")
@app.task(name="settlement.match_arrivals", queueing_lock="settlement.match_arrivals")
def match_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: goods that came after they were billed."""
    cause = Cause(
        Actor("system:settlement", everything=True), timezone.now(), "goods that came after their invoice"
    )
    match_arrivals(cause, requests=[MatchArrivals(one) for one in supplier_queries.waiting_for_goods()])


@app.periodic(cron="35 * * * *")
@app.task(name="settlement.clear_accounts", queueing_lock="settlement.clear_accounts")
def clear_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: what carriers billed just as its label was voided, and what belongs together on clearing accounts,
    until the rules find no more."""
    cause = Cause(Actor("system:settlement", everything=True), timezone.now(), "what belongs together")
    question_voided(cause, requests=[QuestionVoided(one) for one in carrier_queries.voided_and_billed()])
    for one in parties.companies():
        for _ in range(RUNS_MAX):
            (answer,) = clear_accounts(cause, requests=[ClearAccounts(one.id)])
            if not isinstance(answer, AccountsCleared) or answer.matches < GROUPS_MAX:
                break


@app.periodic(cron="47 2 * * *")
@app.task(name="settlement.apply_retention", queueing_lock="settlement.apply_retention")
def let_go(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: what has been kept for as long as the rules say."""
    cause = Cause(
        Actor("system:settlement", everything=True), timezone.now(), "kept for as long as the rules say"
    )
    apply_retention(cause, requests=[ApplyRetention(one.id) for one in parties.companies()])


QUEUES = {"invoice": serve_invoice, VOIDED: serve_voided, CHEAPER: serve_voided}
