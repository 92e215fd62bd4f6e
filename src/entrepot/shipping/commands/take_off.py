"""Take labels off a closed manifest: the driver left their parcels here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.shipping.states import FORM_UNDERWAY, LABEL


@dataclass(frozen=True, slots=True)
class TakeOffManifest:
    """A label on a closed manifest whose parcel stands here still, and why."""

    label: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TakenOff:
    """`number`: of the manifest that it was on. `known_to`: the adapter whose form of that manifest bears the label; a
    label stands on one form only, so that of the next manifest leaves it out. '' where none does."""

    label: UUID
    number: str
    known_to: str = ""


@command("shipping.take_off")
def take_off(cause: Cause, /, *, requests: Sequence[TakeOffManifest]) -> list[TakenOff | Refused]:
    """Labels that wait for the next manifest again: they go on it, are void, or give way to another service's. The
    manifest lists what the carrier took. A label that stands on an adapter's form of it stays known to that carrier: it
    goes on the next manifest, and not on that one's form. Until the adapter has answered nobody knows whether it does.

    Locks: the labels in id order, the forms of their manifests in key order, the manifests in id order.
    Refuses: NotFound; Invalid (no reason); WrongState (on no manifest; its shipment arrived; the adapter it was bought
    of is about to tell its carrier). Again: by key. 4 statements, 1 more where some stay known to their carrier.
    """
    found = {row[0]: row[1:] for row in sql.run(_LOCK, {"labels": [one.label for one in requests]})}
    forms = sql.run(_LOCK_FORMS, {"labels": list(found)}) if found else []
    telling = {(manifest, source) for manifest, source, state in forms if state in FORM_UNDERWAY}
    made = {(manifest, source) for manifest, source, state in forms if state == "made"}
    answers: list[TakenOff | Refused] = []
    taken: dict[UUID, TakenOff] = {}
    for request in requests:
        if request.label not in found:
            answers.append(NotFound(what="label", which=str(request.label)))
            continue
        company, state, shipment, manifest, source, number, is_there = found[request.label]
        after = LABEL.step("printed" if request.label in taken else state, "take_off")
        if isinstance(after, Refused):
            answers.append(after)
        elif is_there:
            expected = "a shipment that is not delivered"
            answers.append(
                WrongState(subject="shipment", found="delivered", event="take off", expected=expected)
            )
        elif (manifest, source) in telling:
            expected = Said("told or not told: wait until {0} has answered, or tell it again", source)
            answers.append(
                WrongState(
                    subject="carrier of its manifest", found="being told", event="take off", expected=expected
                )
            )
        elif not request.reason.strip():
            answers.append(
                Invalid(field="reason", expected="why the carrier did not take it", found="nothing")
            )
        else:
            known_to = source if (manifest, source) in made else ""
            taken[request.label] = TakenOff(request.label, number, known_to)
            told = {"shipment": shipment, "manifest": manifest}
            announce(cause, [
                Event("label", request.label, company, state, after, cause.at, told, request.reason.strip())
            ])  # fmt: skip
            answers.append(taken[request.label])
    known = [one.label for one in taken.values() if one.known_to]
    if known:
        sql.change(_KNOWN, {"labels": known})
    if taken:
        sql.change(_COUNT, {"labels": list(taken)})
        sql.change(_TAKE_OFF, {"labels": list(taken)})
    return answers


_LOCK = """
SELECT l.id, l.company_id::int, l.state, l.shipment_id, l.manifest_id, COALESCE(p.source, ''), COALESCE(m.number, ''),
       h.state = 'delivered'
FROM shipping_label AS l
JOIN shipping_shipment AS h ON h.id = l.shipment_id
LEFT JOIN shipping_manifest AS m ON m.id = l.manifest_id
LEFT JOIN shipping_purchase AS p ON p.label_id = l.id AND p.state = 'bought'
WHERE l.id = ANY(%(labels)s::uuid[]) ORDER BY l.id FOR UPDATE OF l
"""

# Nobody asks for them again meanwhile. Whoever tells a carrier reads the labels before he calls, and holds nothing.
_LOCK_FORMS = """
SELECT manifest_id, source, state FROM shipping_manifestform
WHERE manifest_id IN (SELECT manifest_id FROM shipping_label WHERE id = ANY(%(labels)s::uuid[]))
ORDER BY manifest_id, source FOR SHARE
"""

# A form that is made stays so.
_KNOWN = """
UPDATE shipping_purchase SET on_form = TRUE WHERE label_id = ANY(%(labels)s::uuid[]) AND state = 'bought'
"""

_COUNT = """
UPDATE shipping_manifest AS m SET labels = m.labels - d.labels, weight_g = m.weight_g - d.weight_g
FROM (SELECT x.id, c.labels, c.weight_g
      FROM shipping_manifest AS x
      JOIN (SELECT manifest_id, count(*)::int AS labels, sum(weight_g)::bigint AS weight_g FROM shipping_label
            WHERE id = ANY(%(labels)s::uuid[]) GROUP BY 1) AS c ON c.manifest_id = x.id
      ORDER BY x.id FOR UPDATE OF x) AS d
WHERE m.id = d.id
"""

_TAKE_OFF = (
    "UPDATE shipping_label SET state = 'printed', manifest_id = NULL WHERE id = ANY(%(labels)s::uuid[])"
)
