"""Legal holds: what a court or an authority may still ask for is not erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class HoldData:
    """Nothing of a customer, by their code, or of an order's buyer is erased."""

    company: int
    reason: str
    customer: str = ""
    order: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseData:
    hold: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DataHeld:
    hold: UUID


@dataclass(frozen=True, slots=True)
class DataReleased:
    hold: UUID


@command("settlement.hold_data")
def hold_data(cause: Cause, /, *, requests: Sequence[HoldData]) -> list[DataHeld | Refused]:
    """Legal holds, in force from now on: erasure by request and by retention leaves alone what they name.

    Locks: the rows it adds. Refuses: NotFound; Invalid (no reason; both or neither named). Again: by key. 2 statements.
    """
    rows = [(place, one.company, one.customer, one.order) for place, one in enumerate(requests)]
    found = {
        place: (customer, order)
        for place, customer, order in sql.run(
            _NAMED, sql.columns(("places", "companies", "codes", "orders"), rows)
        )
    }
    answers: list[DataHeld | Refused] = []
    kept, events = [], []
    for place, one in enumerate(requests):
        refused = _misfit(one, found.get(place))
        if refused:
            answers.append(refused)
            continue
        key = ids.uuid7()
        kept.append((key, one.company, *found[place], one.reason.strip(), cause.actor.name, cause.at))
        events.append(
            Event("legal_hold", key, one.company, "", "in force", cause.at, reason=one.reason.strip())
        )
        answers.append(DataHeld(key))
    sql.write("settlement_legalhold", _COLUMNS, kept)
    announce(cause, events)
    return answers


def _misfit(one: HoldData, found: tuple[UUID | None, UUID | None] | None) -> Refused | None:
    if not one.reason.strip():
        return Invalid(field="reason", expected="the case, and who asks for it", found="nothing")
    if bool(one.customer) == bool(one.order):
        return Invalid(
            field="customer", expected="the code of a customer, or an order", found="both or neither"
        )
    if found is None:
        return NotFound(what="customer" if one.customer else "order", which=one.customer or str(one.order))
    return None


@command("settlement.release_data")
def release_data(cause: Cause, /, *, requests: Sequence[ReleaseData]) -> list[DataReleased | Refused]:
    """Legal holds are over; nothing is erased by that.

    Locks: the holds in id order. Refuses: NotFound; Invalid (no reason); WrongState (released). Again: by key.
    2 statements.
    """
    wanted = {"ids": sorted({one.hold for one in requests})}
    stands: dict[UUID, tuple[int, bool]] = {
        which: (company, over) for which, company, over in sql.run(_LOCK, wanted)
    }
    answers: list[DataReleased | Refused] = []
    going: dict[UUID, Event] = {}
    for one in requests:
        company, over = stands.get(one.hold, (0, False))
        if not company:
            answers.append(NotFound(what="legal hold", which=str(one.hold)))
        elif not one.reason.strip():
            answers.append(Invalid(field="reason", expected="why it is over", found="nothing"))
        elif over or one.hold in going:
            answers.append(
                WrongState(subject="the legal hold", found="released", event="release", expected="in force")
            )
        else:
            going[one.hold] = Event(
                "legal_hold", one.hold, company, "in force", "released", cause.at, reason=one.reason.strip()
            )
            answers.append(DataReleased(one.hold))
    sql.run(_RELEASE, {"ids": sorted(going), "by": cause.actor.name, "at": cause.at})
    announce(cause, going.values())
    return answers


_COLUMNS = ("id", "company_id", "customer_id", "order_id", "reason", "placed_by", "placed_at")

_NAMED = """
SELECT d.place, k.id, o.id
FROM unnest(%(places)s::int[], %(companies)s::smallint[], %(codes)s::text[], %(orders)s::uuid[])
     AS d(place, company, code, order_id)
LEFT JOIN parties_customer AS k ON k.company_id = d.company AND k.code = d.code AND d.code <> ''
LEFT JOIN orders_order AS o ON o.company_id = d.company AND o.id = d.order_id
WHERE k.id IS NOT NULL OR o.id IS NOT NULL
"""

_LOCK = """
SELECT id, company_id::int, released_at IS NOT NULL FROM settlement_legalhold
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_RELEASE = """
UPDATE settlement_legalhold SET released_by = %(by)s::text, released_at = %(at)s::timestamptz
WHERE id = ANY(%(ids)s::uuid[])
"""
