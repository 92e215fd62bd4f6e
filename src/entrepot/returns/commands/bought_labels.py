"""Labels of returns that are bought of an adapter, and given back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns.commands import labels_gone
from entrepot.returns.commands.announce import expect, tracking_of
from entrepot.shipping.commands.buy import OUTCOMES
from entrepot.shipping.live import Bought
from entrepot.shipping.states import PURCHASE
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

NOT_BOUGHT, NOT_GIVEN_BACK, WITHOUT = (
    "return label not bought",
    "return label not given back",
    "return without label",
)
"""Types of work items."""


@dataclass(frozen=True, slots=True)
class RecordLabelPurchase:
    """What became of a return's label that was asked for or is given back: `offer` (what it will be bought by), `buy`,
    `fail`, `doubt` (nobody knows), `void`, or `keep` (it can't be). One that was bought with a `problem` can't be used:
    it is given back."""

    label: UUID
    outcome: str
    bought: Bought | None = None
    problem: str = ""
    offer: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelPurchaseRecorded:
    label: UUID
    state: str


class _Label(NamedTuple):
    """A locked label; `state` is its own, `bought` what became of asking for it."""

    id: UUID
    company: int
    return_id: UUID
    number: str
    state: str
    bought: str
    source: str
    reference: str
    carrier: str
    tracking: str
    cost: int
    currency: str
    returns: list[UUID]


class _Change(NamedTuple):
    """What is written of a label; `told` is what was bought, where it can be used."""

    one: _Label
    request: RecordLabelPurchase
    told: Bought | None
    problem: str

    @property
    def cost(self) -> int:
        """What is owed for it from now on: nothing for one that was not sold, or can't be used."""
        if self.told:
            return self.told.amount_minor
        return 0 if self.one.state == "made" and self.one.bought == "failed" else self.one.cost


@command("returns.record_label_purchases")
def record_label_purchases(
    cause: Cause, /, *, requests: Sequence[RecordLabelPurchase]
) -> list[LabelPurchaseRecorded | Refused]:
    """What adapters answered: a bought label bears the carrier's number, under which its parcel is expected, and costs
    what the carrier asks. What was not sold, can't be used, or is not taken back is a work item; what was bought and is
    not used any more is given back at once.

    Locks: the labels in id order; the balances. Refuses: NotFound; WrongState; Invalid (an unknown outcome; bought
    without its label). Again: by key. 15 statements.
    """
    found = {row[0]: _Label(*row) for row in sql.run(_LOCK, {"labels": [one.label for one in requests]})}
    numbers = [tracking_of(one.bought.tracking) for one in requests if one.bought]
    rows = sql.run(TAKEN, {"numbers": numbers}) if numbers else []
    taken: set[tuple[int, str]] = {(company, number) for company, number in rows}
    answers: list[LabelPurchaseRecorded | Refused] = []
    changes: dict[UUID, _Change] = {}
    for request in requests:
        change = _decide(request, found.get(request.label), taken)
        if isinstance(change, Refused):
            answers.append(change)
            continue
        found[request.label] = change.one
        changes[request.label] = change
        if change.told:
            taken.add((change.one.company, change.one.tracking))
        answers.append(LabelPurchaseRecorded(request.label, change.one.bought))
    if changes:
        _write(cause, list(changes.values()))
    return answers


def _decide(
    request: RecordLabelPurchase, one: _Label | None, taken: set[tuple[int, str]]
) -> _Change | Refused:
    if one is None or not one.bought:
        return NotFound(what="purchase of label", which=str(request.label))
    if request.outcome not in OUTCOMES or (request.outcome == "buy") != (request.bought is not None):
        return Invalid(field="outcome", expected=", ".join(OUTCOMES), found=request.outcome)
    if one.bought == "failed" and one.reference and request.outcome in ("void", "keep"):
        return _Change(one, request, None, request.problem)  # one that could not be used was given back
    is_in_doubt = request.outcome == "doubt"
    state = PURCHASE.step(one.bought, request.outcome)
    if isinstance(state, Refused):
        return state
    told = request.bought
    if told is None:
        of_use = one.state != "voided" or request.outcome == "keep" or is_in_doubt
        kept = "" if state == "failed" else request.offer or one.reference
        problem = _may_be_bought(one, request) if is_in_doubt else request.problem
        return _Change(one._replace(bought=state, reference=kept), request, None, problem if of_use else "")
    one = one._replace(bought=state, reference=told.reference)
    problem = request.problem or _unfit(one, told, taken)
    if one.state == "voided":
        return _Change(one._replace(bought="void asked"), request, None, "")
    if problem:
        return _Change(one._replace(bought="failed"), request, None, problem)
    return _Change(one._replace(tracking=tracking_of(told.tracking)), request, told, "")


def _may_be_bought(one: _Label, request: RecordLabelPurchase) -> str:
    return Said(
        "it may have been bought of {0}: {1}. Look in the account there before it is asked for again.",
        one.source,
        request.problem,
    )


def _unfit(one: _Label, told: Bought, taken: set[tuple[int, str]]) -> str:
    """Why a label that was bought can't be used; '' where it can."""
    number = tracking_of(told.tracking)
    if not number:
        return "it was sold without a number"
    if (one.company, number) in taken:
        return f"its number {number} is that of another label in force"
    if told.currency != one.currency:
        return f"it was sold in {told.currency}, expected {one.currency}"
    return ""


def _write(cause: Cause, changes: Sequence[_Change]) -> None:
    rows = [
        (
            one.one.id, one.one.bought, one.one.reference, one.one.tracking, one.cost,
            one.told.label_url if one.told else "", one.problem[:300],
        )
        for one in changes
    ]  # fmt: skip
    names = ("labels", "states", "references", "numbers", "costs", "urls", "problems")
    sql.run(_RECORD, sql.columns(names, rows))
    whole(post(cause, requests=[
        Posting(one.company, labels_gone.ACCRUED, labels_gone.KIND, one.id, one.currency,
                (("carriage", change.cost - one.cost),), cause.at)
        for change in changes
        if change.cost != (one := change.one).cost
    ]))  # fmt: skip
    bought = [(one, told) for one, _, told, _ in changes if told]
    if bought:
        expect(cause, [
            (one.company, which, one.tracking, one.carrier) for one, _ in bought for which in one.returns
        ])  # fmt: skip
        resolve_subjects(cause, requests=[
            ResolveSubject(
                one.company, kind, which, "went on", "the label is bought",
                # Another label of which nobody knows whether it was bought is work still.
                dedupes=(str(which), str(one.id)),
            )
            for one, _ in bought for which in one.returns for kind in (NOT_BOUGHT, WITHOUT)
        ])  # fmt: skip
    give_back(cause, [
        (one.id, one.company, one.source, one.reference) for one, request, told, _ in changes
        if request.bought and not told
    ])  # fmt: skip
    announce(cause, [
        Event(labels_gone.KIND, one.id, one.company, "", one.bought, None,
              {"return": one.return_id, "carrier": one.carrier, "tracking": one.tracking}, problem)
        for one, request, _, problem in changes
        if request.outcome != "offer"
    ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            one.company, NOT_GIVEN_BACK if request.outcome == "keep" else NOT_BOUGHT, "return", one.return_id,
            Said(
                "Label {0} of return {1} with {2}: {3}",
                one.tracking, one.number, one.carrier, problem,
            ), "customer service",
            {"label": str(one.id), "source": one.source},
            dedupe=str(one.id) if request.outcome == "doubt" else None,
        )
        for one, request, _, problem in changes
        if problem
    ])  # fmt: skip


def ask(cause: Cause, labels: Sequence[tuple[UUID, int, str]]) -> None:
    """A message to the adapters for labels, by (label, company, source). 1 statement, none for none."""
    delivery.send(cause, [
        delivery.Message(
            f"{labels_gone.DESTINATION}:{source}", "return.buy", label, company, {"label": label}, once=True
        )
        for label, company, source in labels
    ])  # fmt: skip


def end_doubt(cause: Cause, returns: Collection[UUID]) -> None:
    """Labels in doubt of locked returns that a person has looked for: they were not bought, or another one bears their
    number. 3 statements, none for none."""
    ended = sql.run(_END_DOUBT, {"returns": list(returns)}) if returns else []
    labels: dict[tuple[int, UUID], list[str]] = defaultdict(list)
    for label, company, which in ended:
        labels[company, which].append(str(label))
    if labels:
        resolve_subjects(cause, requests=[
            ResolveSubject(company, NOT_BOUGHT, which, "went on", "somebody has looked for it", dedupes=dedupes)
            for (company, which), dedupes in labels.items()
        ])  # fmt: skip


give_back = labels_gone.give_back

_LOCK = """
SELECT l.id, l.company_id::int, l.return_id, r.number, l.state, l.bought, l.source, l.reference, l.carrier, l.tracking,
       l.cost_minor, l.currency::text,
       ARRAY(SELECT m.return_id FROM returns_labelreturn AS m WHERE m.label_id = l.id ORDER BY 1)
FROM returns_label AS l JOIN returns_return AS r ON r.id = l.return_id
WHERE l.id = ANY(%(labels)s::uuid[]) ORDER BY l.id FOR UPDATE OF l
"""

_END_DOUBT = """
UPDATE returns_label AS l SET bought = 'failed', reference = '' FROM returns_labelreturn AS m
WHERE m.return_id = ANY(%(returns)s::uuid[]) AND l.id = m.label_id AND l.bought = 'in doubt'
RETURNING l.id, l.company_id::int, l.return_id
"""

TAKEN = """
SELECT company_id::int, tracking FROM returns_label WHERE tracking = ANY(%(numbers)s::text[]) AND state = 'made'
"""

_RECORD = """
UPDATE returns_label AS l
SET bought = d.state, reference = d.reference, tracking = d.number, cost_minor = d.cost,
    label_url = COALESCE(NULLIF(d.url, ''), l.label_url),
    problem = COALESCE(NULLIF(d.problem, ''), CASE WHEN d.state IN ('failed', 'in doubt') THEN l.problem ELSE '' END)
FROM unnest(%(labels)s::uuid[], %(states)s::text[], %(references)s::text[], %(numbers)s::text[], %(costs)s::bigint[],
            %(urls)s::text[], %(problems)s::text[]) AS d(label, state, reference, number, cost, url, problem)
WHERE l.id = d.label
"""
