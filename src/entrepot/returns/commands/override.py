"""Somebody proposes another disposition than the rules did, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.returns import errors, repairing, rules
from entrepot.returns.commands.lock import Return, lock_inspected
from entrepot.returns.refusing import REFUSED, SEND_BACK


@dataclass(frozen=True, slots=True)
class OverrideDisposition:
    """The disposition of all units of an inspection that still wait for theirs, instead of the proposed one."""

    inspection: UUID
    instead: str
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DispositionOverridden:
    inspection: UUID
    proposed: str
    instead: str


class _Inspection(NamedTuple):
    company: int
    return_id: UUID
    left: int
    proposed: str
    line: UUID
    verdict: str
    asked: str


@command("returns.override_dispositions")
def override_dispositions(
    cause: Cause, /, *, requests: Sequence[OverrideDisposition]
) -> list[DispositionOverridden | Refused]:
    """Inspections that propose another disposition from now on; what was proposed before is kept, with who and why.

    Locks: the orders in id order. Refuses: NotFound; Invalid (disposition); WrongState (nothing waits);
    returns.reason_needed. Again: by key. 7 statements.
    """
    wanted = [one.inspection for one in requests]
    returns = lock_inspected(wanted)
    found = {row[0]: _Inspection(*row[1:]) for row in sql.run(_INSPECTIONS, {"inspections": wanted})}
    answers: list[DispositionOverridden | Refused] = []
    rows = []
    for request in requests:
        one = found.get(request.inspection)
        refused = _misfit(request, one) or (one and _his(request, one, returns[one.return_id]))
        if refused or one is None:
            answers.append(refused or NotFound(what="inspection", which=str(request.inspection)))
            continue
        answers.append(DispositionOverridden(request.inspection, one.proposed, request.instead))
        rows.append((request, one))
        found[request.inspection] = one._replace(proposed=request.instead)
    if rows:
        _write(cause, rows)
    return answers


def _misfit(request: OverrideDisposition, one: _Inspection | None) -> Refused | None:
    if one is None:
        return NotFound(what="inspection", which=str(request.inspection))
    if one.left < 1:
        return WrongState(
            subject="inspection", found="disposed", event="override", expected="units that wait for it"
        )
    if one.proposed == SEND_BACK:
        expected = "one that is not refused and sent back; accept the units first"
        return WrongState(subject="inspection", found="refused", event="override", expected=expected)
    known = (*rules.DISPOSITIONS, *((rules.REPAIR,) if one.asked == rules.REPAIR else ()))
    if request.instead not in known or request.instead == one.proposed:
        others = ", ".join(each for each in known if each != one.proposed)
        return Invalid(field="instead", expected=Said("one of {0}", others), found=request.instead)
    if not request.reason.strip():
        return errors.ReasonNeeded(
            step=Said("{0} instead", request.instead), why=Said("{0} was proposed", one.proposed)
        )
    return None


def _his(request: OverrideDisposition, one: _Inspection, of: Return) -> Refused | None:
    """Why the units can't be the house's to dispose of so."""
    left = of.lines[one.line].undecided
    return repairing.misfit_his(request.instead, of.asked, refused=one.verdict == REFUSED, left=left)


def _write(cause: Cause, rows: Sequence[tuple[OverrideDisposition, _Inspection]]) -> None:
    who = cause.actor.name
    sql.write("returns_override", _OVERRIDE, [
        (ids.uuid7(), r.inspection, one.company, one.proposed, r.instead, r.reason.strip(), who, cause.at)
        for r, one in rows
    ])  # fmt: skip
    last = {r.inspection: (r.inspection, r.instead, _told(r, one, who)) for r, one in rows}
    sql.run(_STORE, sql.columns(("ids", "instead", "why"), list(last.values())))
    announce(cause, [
        Event("return", one.return_id, one.company, "", "", None,
              {"inspection": r.inspection, "proposed": one.proposed, "instead": r.instead}, r.reason.strip())
        for r, one in rows
    ])  # fmt: skip


def _told(request: OverrideDisposition, one: _Inspection, who: str) -> str:
    instead, proposed = (name.replace("_", " ") for name in (request.instead, one.proposed))
    return Said("{0} instead of {1}, says {2}: {3}", instead, proposed, who, request.reason.strip())


_OVERRIDE = (
    "id", "inspection_id", "company_id", "proposed", "instead", "reason", "decided_by", "decided_at",
)  # fmt: skip

_INSPECTIONS = """
SELECT i.id, r.company_id::int, i.return_id, i.quantity - i.disposed, i.proposed,
       i.return_line_id, i.verdict, r.asked
FROM returns_inspection AS i JOIN returns_return AS r ON r.id = i.return_id WHERE i.id = ANY(%(inspections)s::uuid[])
"""

_STORE = """
UPDATE returns_inspection AS i SET proposed = d.instead, why = d.why
FROM unnest(%(ids)s::uuid[], %(instead)s::text[], %(why)s::text[]) AS d(id, instead, why) WHERE i.id = d.id
"""
