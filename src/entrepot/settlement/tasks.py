"""Background work of settlement: invoices and credit notes of what was posted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents


def serve_invoice(cause: Cause, sources: Sequence[UUID]) -> None:
    """The documents of sources; those of one that has them already stay as they are."""
    issue_documents(cause, requests=[IssueDocument(one) for one in sources])


QUEUES = {"invoice": serve_invoice}
