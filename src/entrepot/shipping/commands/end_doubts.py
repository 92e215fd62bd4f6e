"""What a person found out about labels in doubt: whether they were bought. Inside a command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.errors import Said
from entrepot.kernel.events import Event
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

NOT_BOUGHT = "label not bought"
"""Type of the work item about a shipment of which a label was not sold, or may not have been. The latter is named by
the label: only what becomes of that, or a person, ends it."""

Doubted = tuple[UUID, int, UUID]
"""A label, its company and its shipment."""


def end_not_there(cause: Cause, doubted: Sequence[Doubted]) -> None:
    """Somebody has looked in the account, and these labels were not bought. 3 statements, none for none."""
    if doubted:
        sql.run(_NOT_THERE, {"labels": [label for label, *_ in doubted]})
        _ended(cause, doubted, Said("it was not bought"))


def end_in_place(cause: Cause, packages: Sequence[UUID]) -> None:
    """Packages get labels by the carrier's own numbers: so a person knows what became of those in doubt that they had
    before. 1 statement, 2 more where some were in doubt; none for no package."""
    found = sql.run(_IN_PLACE, {"packages": list(packages)}) if packages else []
    if found:
        _ended(
            cause, [(row[0], row[1], row[2]) for row in found], Said("its package bears the carrier's number")
        )


def _ended(cause: Cause, doubted: Sequence[Doubted], why: Said) -> None:
    over: dict[tuple[int, UUID], list[str]] = defaultdict(list)
    for label, company, shipment in doubted:
        over[company, shipment].append(str(label))
    announce(cause, [
        Event("label", label, company, "in doubt", "failed", cause.at, {"shipment": shipment}, why)
        for label, company, shipment in doubted
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(company, NOT_BOUGHT, shipment, "went on", why, dedupes=dedupes)
        for (company, shipment), dedupes in over.items()
    ])  # fmt: skip


_NOT_THERE = """
UPDATE shipping_purchase SET state = 'failed', reference = '', problem = ''
WHERE label_id = ANY(%(labels)s::uuid[]) AND state = 'in doubt'
"""

_IN_PLACE = """
UPDATE shipping_purchase AS p SET state = 'failed', reference = '', problem = '' FROM shipping_label AS l
WHERE l.id = p.label_id AND l.package_id = ANY(%(packages)s::uuid[]) AND l.state = 'voided' AND p.state = 'in doubt'
RETURNING p.label_id, p.company_id::int, p.shipment_id
"""
