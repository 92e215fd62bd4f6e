"""Tell carriers, by the adapters that sold their labels, what they collect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.shipping import errors
from entrepot.shipping.easypost.parse import SOURCE as EASYPOST
from entrepot.shipping.karrio.parse import SOURCE as KARRIO
from entrepot.shipping.live import Form
from entrepot.shipping.states import FORM, FORM_THROUGH
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

TOLD = (EASYPOST, KARRIO)
"""The adapters that are told of manifests."""
OUTCOMES = ("begin", "make", "fail", "leave")
WITHOUT_FORM = ("fail", "leave")
NOT_TOLD = "manifest not told"
"""Type of the work item about a manifest that a carrier does not know."""


@dataclass(frozen=True, slots=True)
class TellManifest:
    """A manifest of which an adapter did not make its form."""

    manifest: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ManifestTold:
    """The adapters that a message was left for."""

    manifest: UUID
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordForm:
    """What an adapter made of a manifest: `begin` (it is being made), `make`, or `fail` with the `problem`; `leave`
    where it tells its carrier of none."""

    manifest: UUID
    source: str
    outcome: str
    form: Form | None = None
    problem: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FormRecorded:
    manifest: UUID
    source: str
    state: str


class _Form(NamedTuple):
    manifest: UUID
    source: str
    company: int
    number: str
    state: str
    is_underway: bool


def tell(cause: Cause, manifests: Sequence[UUID]) -> None:
    """A message to each adapter of which labels of the manifests were bought that stand on no form yet. 1 statement, 2
    where some were."""
    _send(cause, sql.run(_ASK, {"ids": list(manifests), "told": list(TOLD)}))


def _send(cause: Cause, forms: Sequence[tuple[Any, ...]]) -> None:
    """`forms`: the manifest, the adapter and the company of each. karrio makes a form with each request."""
    delivery.send(cause, [
        delivery.Message(
            f"carriers:{source}", "carrier.manifest", manifest, company, {"manifest": manifest}, once=source == KARRIO
        )
        for manifest, source, company in forms
    ])  # fmt: skip


@command("shipping.tell_manifests")
def tell_manifests(cause: Cause, /, *, requests: Sequence[TellManifest]) -> list[ManifestTold | Refused]:
    """A message once more to each adapter that did not make its form of the manifests, and that no message is on its
    way to.

    Locks: the forms in key order. Refuses: NotFound; shipping.nothing_to_tell. Again: by key; without one they are
    asked for already. 3 statements, 2 more where some are asked for.
    """
    params = {"ids": [one.manifest for one in requests]}
    numbers = dict(
        sql.run("SELECT id, number FROM shipping_manifest WHERE id = ANY(%(ids)s::uuid[])", params)
    )
    missing: dict[UUID, list[_Form]] = {}
    for one in _locked([one.manifest for one in requests]):
        if one.state not in FORM_THROUGH and not one.is_underway:
            missing.setdefault(one.manifest, []).append(one)
    answers: list[ManifestTold | Refused] = []
    asked: list[_Form] = []
    for request in requests:
        forms = missing.pop(request.manifest, [])
        if request.manifest not in numbers:
            answers.append(NotFound(what="manifest", which=str(request.manifest)))
        elif not forms:
            answers.append(errors.NothingToTell(manifest=numbers[request.manifest]))
        else:
            asked += forms
            answers.append(ManifestTold(request.manifest, tuple(one.source for one in forms)))
    if asked:
        _write(cause, [(one, RecordForm(one.manifest, one.source, "ask_again")) for one in asked])
        _send(cause, [(one.manifest, one.source, one.company) for one in asked])
    return answers


@command("shipping.record_forms")
def record_forms(cause: Cause, /, *, requests: Sequence[RecordForm]) -> list[FormRecorded | Refused]:
    """What adapters answered: the form of a manifest, that it is being made, or why it is not. That is a work item
    until all forms of the manifest are made.

    Locks: the forms in key order. Refuses: NotFound; WrongState; Invalid (an unknown outcome; a form where there is
    none, or none where there is). Again: by key. 3 statements, 4 more where one failed, 3 more where one was made.
    """
    found = {(one.manifest, one.source): one for one in _locked([one.manifest for one in requests])}
    answers: list[FormRecorded | Refused] = []
    changed: dict[tuple[UUID, str], tuple[_Form, RecordForm]] = {}
    for request in requests:
        one = found.get((request.manifest, request.source))
        if one is None:
            answers.append(NotFound(what="form of manifest", which=str(request.manifest)))
            continue
        if request.outcome not in OUTCOMES or (request.outcome in WITHOUT_FORM) == (request.form is not None):
            answers.append(Invalid(field="outcome", expected=", ".join(OUTCOMES), found=request.outcome))
            continue
        state = FORM.step(one.state, request.outcome)
        if isinstance(state, Refused):
            answers.append(state)
            continue
        changed[one.manifest, one.source] = (one, request)
        found[one.manifest, one.source] = one._replace(state=state)
        answers.append(FormRecorded(one.manifest, one.source, state))
    if changed:
        _write(cause, list(changed.values()))
        _work(cause, list(changed.values()))
    return answers


def _locked(manifests: Sequence[UUID]) -> list[_Form]:
    return [_Form(*row) for row in sql.run(_LOCK, {"ids": list(manifests)})]


def _write(cause: Cause, changed: Sequence[tuple[_Form, RecordForm]]) -> None:
    rows, events = [], []
    for one, request in changed:
        state = FORM.step(one.state, request.outcome)
        form = request.form or Form("", "")
        rows.append((one.manifest, one.source, state, form.reference, form.url, request.problem[:300]))
        events.append(
            Event("manifest", one.manifest, one.company, one.state, str(state), cause.at, {"source": one.source},
                  request.problem[:300])
        )  # fmt: skip
    sql.run(_RECORD, sql.columns(("manifests", "sources", "states", "references", "urls", "problems"), rows))
    announce(cause, events)


def _work(cause: Cause, changed: Sequence[tuple[_Form, RecordForm]]) -> None:
    open_items(cause, requests=[
        OpenItem(
            one.company, NOT_TOLD, "manifest", one.manifest,
            Said("{0} was not told of {1}: {2}", one.source, one.number, request.problem), "warehouse supervisor",
            {"source": one.source},
        )
        for one, request in changed
        if request.outcome == "fail"
    ])  # fmt: skip
    made = {one.manifest for one, request in changed if request.outcome in ("make", "leave")}
    over = sql.run(_ALL_THROUGH, {"ids": sorted(made), "through": list(FORM_THROUGH)}) if made else []
    if over:
        resolve_subjects(cause, requests=[
            ResolveSubject(company, NOT_TOLD, manifest, "went on", "all of its carriers are told")
            for manifest, company in over
        ])  # fmt: skip


_ASK = """
INSERT INTO shipping_manifestform (manifest_id, source, company_id, state)
SELECT DISTINCT l.manifest_id, p.source, p.company_id, 'asked'
FROM shipping_label AS l JOIN shipping_purchase AS p ON p.label_id = l.id
WHERE l.manifest_id = ANY(%(ids)s::uuid[]) AND p.state = 'bought' AND NOT p.on_form
  AND p.source = ANY(%(told)s::text[])
RETURNING manifest_id, source, company_id::int
"""

_LOCK = """
SELECT f.manifest_id, f.source, f.company_id::int, m.number, f.state,
       EXISTS (SELECT FROM kernel_delivery AS d WHERE d.subject_id = f.manifest_id
               AND d.destination = 'carriers:' || f.source AND d.state = 'waiting')
FROM shipping_manifestform AS f JOIN shipping_manifest AS m ON m.id = f.manifest_id
WHERE f.manifest_id = ANY(%(ids)s::uuid[]) ORDER BY f.manifest_id, f.source FOR UPDATE OF f
"""

_RECORD = """
UPDATE shipping_manifestform AS f
SET state = d.state, reference = d.reference, url = d.url, problem = d.problem
FROM unnest(%(manifests)s::uuid[], %(sources)s::text[], %(states)s::text[], %(references)s::text[], %(urls)s::text[],
            %(problems)s::text[]) AS d(manifest, source, state, reference, url, problem)
WHERE (f.manifest_id, f.source) = (d.manifest, d.source)
"""

_ALL_THROUGH = """
SELECT manifest_id, company_id::int FROM shipping_manifestform WHERE manifest_id = ANY(%(ids)s::uuid[])
GROUP BY 1, 2 HAVING bool_and(state = ANY(%(through)s::text[])) ORDER BY 1
"""
