"""What a person found out about labels in doubt: whether they were bought. Inside a command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
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

NOT_ANSWERED = "label not answered"
"""Type of the work item about a shipment of which a label was asked for and is waited for."""


class Doubted(NamedTuple):
    """A label, and its `state` with the adapter."""

    label: UUID
    company: int
    shipment: UUID
    state: str


def end_not_there(cause: Cause, doubted: Sequence[Doubted]) -> None:
    """Somebody has looked in the account, and these labels were not bought. 3 statements, none for none;
    2 more where some were never answered for."""
    if not doubted:
        return
    why = Said("it was not bought")
    sql.run(_NOT_THERE, {"labels": [one.label for one in doubted]})
    _ended(cause, doubted, why)
    if waited := {(one.company, one.shipment) for one in doubted if one.state == "asked"}:
        resolve_subjects(cause, requests=[
            ResolveSubject(company, NOT_ANSWERED, shipment, "went on", why) for company, shipment in sorted(waited)
        ])  # fmt: skip


def end_in_place(cause: Cause, packages: Sequence[UUID]) -> None:
    """Packages get labels by the carrier's own numbers: so a person knows what became of those in doubt of the same
    carrier that they had before. Another carrier's number tells nothing of them. Locks their purchases.
    1 statement, 2 more where some were in doubt; none for no package."""
    found = sql.run(_IN_PLACE, {"packages": list(packages)}) if packages else []
    if found:
        _ended(
            cause,
            [Doubted(row[0], row[1], row[2], "in doubt") for row in found],
            Said("its package bears the carrier's number"),
        )


def _ended(cause: Cause, doubted: Sequence[Doubted], why: Said) -> None:
    over: dict[tuple[int, UUID], list[str]] = defaultdict(list)
    for one in doubted:
        over[one.company, one.shipment].append(str(one.label))
    announce(cause, [
        Event("label", one.label, one.company, one.state, "failed", cause.at, {"shipment": one.shipment}, why)
        for one in doubted
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(company, NOT_BOUGHT, shipment, "went on", why, dedupes=dedupes)
        for (company, shipment), dedupes in over.items()
    ])  # fmt: skip


_NOT_THERE = """
UPDATE shipping_purchase SET state = 'failed', reference = '', problem = ''
WHERE label_id = ANY(%(labels)s::uuid[]) AND state IN ('in doubt', 'asked')
"""

_IN_PLACE = """
UPDATE shipping_purchase AS p SET state = 'failed', reference = '', problem = '' FROM shipping_label AS l
JOIN shipping_label AS n ON n.package_id = l.package_id AND n.state <> 'voided' AND n.carrier = l.carrier
WHERE l.id = p.label_id AND l.package_id = ANY(%(packages)s::uuid[]) AND l.state = 'voided' AND p.state = 'in doubt'
RETURNING p.label_id, p.company_id::int, p.shipment_id
"""
