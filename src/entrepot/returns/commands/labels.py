"""Labels that customers send returns back with: made by the terms of the return, and voided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage import queries as carriage
from entrepot.carriage import tracking
from entrepot.carriage.rules import Offer, all_said
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.currency_queries import worth_of
from entrepot.returns import errors, labeling, states
from entrepot.returns.commands import labels_gone
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels, tracking_of
from entrepot.returns.commands.bought_labels import TAKEN, WITHOUT, ask, end_doubt
from entrepot.returns.commands.lock import Return, lock_returns
from entrepot.returns.label_asking import GOODS
from entrepot.shipping.errors import TrackingMisread
from entrepot.shipping.states import PURCHASE
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class MakeLabel:
    """A label for all that is to come of a return, and of those `together` with it in one parcel. With a `service`, by
    that one and no other; with the `tracking` number that its carrier gave it, where somebody bought it there; else the
    number is the return's. `not_bought`: somebody has looked there, and those of which nobody knew were not bought. So
    has whoever gives a number."""

    return_id: UUID
    service: str = ""
    tracking: str = ""
    together: tuple[UUID, ...] = ()
    not_bought: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelMade:
    """The label in force of a return; `fresh`: it was made now. `bought`: what became of asking its carrier for it,
    such as `asked`; empty where it is our own. `returns` are all that come in its parcel."""

    label: UUID
    return_id: UUID
    carrier: str
    service: str
    tracking: str
    cost_minor: int
    currency: str
    fresh: bool
    bought: str = ""
    returns: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class VoidLabel:
    """The label in force of a return, and of all that come with it, is not used: lost, or of another carrier."""

    return_id: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelVoided:
    return_id: UUID
    label: UUID


class _Way(NamedTuple):
    """A return's way back, as far as a label depends on it; `before`: labels that it was asked for; `in_doubt`: of one
    of them, also one that was voided, nobody knows whether it was bought."""

    return_id: UUID
    origin: str
    destination: str
    postal_code: str
    with_label: bool
    before: int
    in_doubt: bool
    place: str
    origin_postal_code: str


class _Draft(NamedTuple):
    """A label that will be written, for `of` and all that comes with it; `source` is the adapter that it is asked of:
    '' where it is our own."""

    id: UUID
    of: Return
    all: tuple[Return, ...]
    offer: Offer
    weight_g: int
    tracking: str
    source: str

    @property
    def bought(self) -> str:
        return PURCHASE.initial if self.source else ""

    @property
    def answer(self) -> LabelMade:
        service = self.offer.service
        return LabelMade(
            self.id, self.of.id, service.carrier, service.code, self.tracking, self.offer.price_minor,
            service.currency, fresh=True, bought=self.bought, returns=_ids(self.all),
        )  # fmt: skip


def _ids(returns: Iterable[Return]) -> tuple[UUID, ...]:
    return tuple(sorted(one.id for one in returns))


@command("returns.make_labels")
def make_labels(cause: Cause, /, *, requests: Sequence[MakeLabel]) -> list[LabelMade | Refused]:
    """A label for each return whose terms promise one: by the cheapest service of the carriers' tables that takes it
    back, its carriage accrued, and its parcel expected. Returns in one parcel have one label, where the terms of any of
    them promise it; those that they had are void. Of a service that an adapter quotes it is asked for there. Where
    nobody takes a return back, that is a work item.

    Locks: the orders in id order, then those of what comes with their labels; the balances. Refuses: NotFound;
    WrongState (nothing is to come, or a carrier has a parcel of it); returns.no_label; returns.not_in_one_parcel;
    returns.label_in_doubt; returns.not_carried_back; shipping.tracking_misread; Invalid (a number that another label
    bears; a return in two parcels). Again: the label that is in force, whatever is asked; one that its carrier did not
    sell is made anew. 28 statements, 1 more where some are bought, 8 where some are made anew, 4 where some had one
    together, 3 where some were in doubt, 1 where services ask in several currencies.
    """
    found = _locked([key for one in requests for key in (one.return_id, *one.together)])
    facts = _Facts(found, requests, cause.at)
    answers: list[LabelMade | Refused] = []
    drafts: list[_Draft] = []
    nobody: list[tuple[Return, errors.NotCarriedBack]] = []
    for request in requests:
        one = found.get(request.return_id)
        if one is None:
            answers.append(NotFound(what="return", which=str(request.return_id)))
        elif (stands := facts.in_force.get(one.id)) and {*request.together} <= {*stands.returns}:
            answers.append(stands)
        else:
            draft = _decide(cause, request, one, facts)
            if isinstance(draft, Refused):
                answers.append(draft)
                nobody += [(one, draft)] if isinstance(draft, errors.NotCarriedBack) else []
                continue
            drafts.append(draft)
            facts.take(draft, request)
            answers.append(draft.answer)
    _tell(cause, nobody)
    if drafts:
        again = {key: why for one in drafts for key, why in facts.instead(one)}
        if again:
            labels_gone.void(cause, again)
        end_doubt(cause, facts.looked_at)
        _write(cause, drafts)
    return answers


def _locked(returns: Sequence[UUID]) -> dict[UUID, Return]:
    """Returns under lock, with all that come with their labels: of a locked return nobody else changes the label. 5
    statements, 4 more where there are such."""
    found = lock_returns(returns)
    others = [key for (key,) in sql.run(_MATES, {"returns": list(found)}) if key not in found]
    return found | lock_returns(others) if others else found


def _tell(cause: Cause, nobody: Sequence[tuple[Return, errors.NotCarriedBack]]) -> None:
    """A promise that can't be kept waits for a person."""
    open_items(cause, requests=[
        OpenItem(
            one.company, WITHOUT, "return", one.id, refused.message, "customer service", {"return": one.number},
            due_in_hours=24,
        )
        for one, refused in nobody
    ])  # fmt: skip


class _Facts:
    """What a batch is decided by: ways, goods, services, and labels that are in force, by return, without those that
    their carriers did not sell, or perhaps not (`unsold`). Parcels of labels in `scanned` are on their way, and those
    in `drafted` are made now; for returns in `looked_at` a person knows what became of those in doubt. 9 statements; 1
    more where services ask in several currencies."""

    def __init__(self, found: dict[UUID, Return], requests: Sequence[MakeLabel], at: datetime) -> None:
        params = {"returns": list(found)}
        self.found = found
        self.ways = {row[0]: _Way(*row) for row in sql.run(_WAYS, params)}
        self.goods: dict[UUID, list[labeling.Goods]] = defaultdict(list)
        for owner, *one in sql.run(GOODS, params):
            self.goods[owner].append(labeling.Goods(*one))
        self.services = carriage.services(companies={one.company for one in found.values()})
        self._worth = self._rates(at)
        stands = [
            (LabelMade(*[*made, tuple(returns)]), bool(seen))
            for *made, returns, seen in sql.run(_IN_FORCE, params)
        ]
        self.unsold = {one.return_id: one for one, seen in stands if one.bought in _NOT_SOLD and not seen}
        self.in_force = {one.return_id: one for one, _ in stands if one.return_id not in self.unsold}
        self.had = dict(self.in_force)
        self.scanned = {one.label for one, seen in stands if seen}
        self.drafted: set[UUID] = set()
        self.looked_at: set[UUID] = set()
        given = [tracking_of(one.tracking) for one in requests if one.tracking]
        rows = sql.run(TAKEN, {"numbers": given}) if given else []
        self.taken: set[tuple[int, str]] = {(company, number) for company, number in rows}

    def _rates(self, at: datetime) -> dict[int, dict[str, Decimal]]:
        """By company, what a minor unit of each currency is worth in its own where its services ask in several."""
        asked = {company: {each.currency for each in some} for company, some in self.services.items()}
        several = {(company, code) for company, codes in asked.items() if len(codes) > 1 for code in codes}
        return {company: known for company, (_, known) in worth_of(several, at).items()} if several else {}

    def worth(self, company: int) -> dict[str, Decimal]:
        return self._worth.get(company, {})

    def all_of(self, request: MakeLabel) -> list[Return] | Refused:
        """What will be in one parcel: what is asked for, and what else comes with its labels."""
        named = dict.fromkeys((request.return_id, *request.together))
        unknown = next((key for key in named if key not in self.found), None)
        if unknown:
            return NotFound(what="return", which=str(unknown))
        labels = (self.unsold.get(key) or self.in_force.get(key) for key in named)
        more = (self.found[key] for label in labels if label for key in label.returns if key not in named)
        return [*(self.found[key] for key in named), *(one for one in more if one.units.to_come)]

    def mate(self, one: Return) -> labeling.Mate:
        way = self.ways[one.id]
        return labeling.Mate(one.node, one.customer, way.origin, way.place)

    def take(self, draft: _Draft, request: MakeLabel) -> None:
        self.drafted.add(draft.id)
        if request.not_bought or request.tracking:
            self.looked_at |= {one.id for one in draft.all if self.ways[one.id].in_doubt}
        for one in draft.all:
            self.in_force[one.id] = replace(draft.answer, return_id=one.id, fresh=False)
        self.taken.add((draft.of.company, draft.tracking))

    def instead(self, draft: _Draft) -> Iterator[tuple[UUID, str]]:
        """The returns whose labels a new one is instead of, and why; also such of which nothing is to come."""
        for one in draft.all:
            if old := self.unsold.get(one.id):
                yield from ((key, _NOT_SOLD[old.bought]) for key in old.returns)
            elif old := self.had.get(one.id):
                yield from ((key, f"one label for the parcel of {draft.of.number}") for key in old.returns)


# ---- decide


def _decide(cause: Cause, request: MakeLabel, one: Return, facts: _Facts) -> _Draft | Refused:
    together = facts.all_of(request)
    if isinstance(together, Refused):
        return together
    refused = _misfit(request, one, together, facts)
    if refused:
        return refused
    way, goods = facts.ways[one.id], [each for mate in together for each in facts.goods[mate.id]]
    found = labeling.cheapest(
        facts.services[one.company], goods,
        labeling.Way(way.origin, way.destination, way.postal_code, way.origin_postal_code),
        facts.worth(one.company), request.service,
    )  # fmt: skip
    if not isinstance(found, Offer):
        why = all_said(found) if found else "there is no such service"
        return errors.NotCarriedBack(
            number=one.number, origin=way.origin, destination=way.destination, why=why
        )
    number = _number(request, one, found, facts)
    if isinstance(number, Refused):
        return number
    weight_g = labeling.parcel(goods, labeling.Way("", "", "")).weight_g
    source = "" if request.tracking else found.service.live.partition(":")[0]
    return _Draft(ids.uuid7(), one, tuple(together), found, weight_g, number, source)


def _misfit(request: MakeLabel, one: Return, together: Sequence[Return], facts: _Facts) -> Refused | None:
    """Why a return, with those in its parcel, gets no label, whoever would carry it."""
    expected = "one whose goods are to come"
    for each in together:
        if each.state in (*states.FINAL, "requested") or each.asked == "keep" or not each.units.to_come:
            return WrongState(subject="return", found=each.state, event="make a label", expected=expected)
    for other in together[1:]:
        why = labeling.apart(facts.mate(one), facts.mate(other))
        if why:
            return errors.NotInOneParcel(number=one.number, other=other.number, why=why)
    if refused := _on_its_way(together, facts):
        return refused
    doubted = next((each for each in together if facts.ways[each.id].in_doubt), None)
    if doubted and not (request.not_bought or request.tracking):
        return errors.LabelInDoubt(number=doubted.number)
    if not any(facts.ways[each.id].with_label for each in together):
        return errors.NoLabel(number=one.number)
    if (one.company, tracking_of(request.tracking)) in facts.taken:
        return Invalid(
            field="tracking", expected="a number that no other label bears", found=request.tracking
        )
    return None


def _on_its_way(together: Sequence[Return], facts: _Facts) -> Refused | None:
    """Why labels that returns have can't be replaced by one for all."""
    labels = [facts.in_force[each.id] for each in together if each.id in facts.in_force]
    if any(label.label in facts.drafted for label in labels):
        return Invalid(field="together", expected="each return in one parcel", found=together[0].number)
    if any(label.label in facts.scanned for label in labels):
        expected = "one that no carrier has seen"
        return WrongState(subject="label", found="scanned", event="make one for all", expected=expected)
    return None


def _number(request: MakeLabel, one: Return, found: Offer, facts: _Facts) -> str | Refused:
    if not request.tracking:
        return labeling.number(one.number, facts.ways[one.id].before)
    carrier = found.service.carrier
    verdict = tracking.judge(request.tracking, carrier)
    if verdict.problem and verdict.certain:
        return TrackingMisread(
            tracking=verdict.number, fulfillment=one.number, carrier=carrier, problem=verdict.problem
        )
    return tracking_of(request.tracking)


# ---- write


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    sql.write("returns_label", _LABEL, [
        (
            one.id, one.of.company, one.of.id, one.offer.service.carrier, one.offer.service.id,
            one.offer.service.code, one.offer.zone, one.tracking, one.weight_g, one.offer.price_minor,
            one.offer.service.currency, "made", cause.actor.name, cause.at, one.source, one.bought,
        )
        for one in drafts
    ])  # fmt: skip
    owned = [(one.id, each.id, True) for one in drafts for each in one.all]
    sql.write("returns_labelreturn", ("label_id", "return_id", "lives"), owned)
    ask(cause, [(one.id, one.of.company, one.source) for one in drafts if one.source])
    resolve_subjects(cause, requests=[
        ResolveSubject(one.of.company, WITHOUT, each.id, "went on", "there is a label")
        for one in drafts for each in one.all
    ])  # fmt: skip
    parcels = [
        AnnounceParcel(each.id, one.tracking, one.offer.service.carrier) for one in drafts for each in one.all
    ]
    whole(announce_parcels(cause, requests=parcels))
    whole(post(cause, requests=[
        Posting(
            one.of.company, labels_gone.ACCRUED, labels_gone.KIND, one.id, one.offer.service.currency,
            (("carriage", one.offer.price_minor),), cause.at,
        )
        for one in drafts
    ]))  # fmt: skip
    announce(cause, [
        Event(labels_gone.KIND, one.id, one.of.company, "", "made", None,
              {"return": one.of.id, "carrier": one.offer.service.carrier, "tracking": one.tracking})
        for one in drafts
    ])  # fmt: skip


@command("returns.void_labels")
def void_labels(cause: Cause, /, *, requests: Sequence[VoidLabel]) -> list[LabelVoided | Refused]:
    """The labels in force of returns, void, and their carriage out of the books. Whoever has one prints the next.

    Locks: the orders in id order, then those of what comes with their labels; the balances. Refuses: NotFound; Invalid
    (no reason); WrongState (a carrier has the parcel). Again: by key. 12 statements, 4 more where some come together.
    """
    found = _locked([one.return_id for one in requests])
    rows = sql.run(_IN_FORCE, {"returns": list(found)})
    stands = {row[1]: _Stands(tuple(row[-2]), bool(row[-1])) for row in rows}
    answers: list[LabelVoided | Refused | None] = []
    wanted: dict[UUID, str] = {}
    for request in requests:
        refused = _keeps(request, stands, wanted)
        answers.append(refused)
        if refused is None:
            wanted |= dict.fromkeys(stands[request.return_id].returns, request.reason.strip())
    voided = labels_gone.void(cause, wanted) if wanted else {}
    return [
        answer or LabelVoided(one.return_id, voided[one.return_id])
        for one, answer in zip(requests, answers, strict=True)
    ]


class _Stands(NamedTuple):
    """The returns of a label in force, and whether a carrier has its parcel."""

    returns: tuple[UUID, ...]
    scanned: bool


def _keeps(request: VoidLabel, stands: Mapping[UUID, _Stands], wanted: Container[UUID]) -> Refused | None:
    """Why a label is not voided."""
    which = request.return_id
    if which not in stands or which in wanted:
        return NotFound(what="label in force of return", which=str(which))
    if not request.reason.strip():
        return Invalid(field="reason", expected="why it is not used", found="nothing")
    if stands[which].scanned:
        return WrongState(
            subject="label", found="scanned", event="void", expected="one that no carrier has seen"
        )
    return None


_NOT_SOLD = {"failed": "its carrier did not sell it", "in doubt": "its carrier perhaps did not sell it"}
"""Why a label is made anew, by what became of asking for it."""

_LABEL = (
    "id", "company_id", "return_id", "carrier", "service_id", "service", "zone", "tracking", "weight_g", "cost_minor",
    "currency", "state", "made_by", "made_at", "source", "bought",
)  # fmt: skip

_WAYS = """
SELECT r.id, o.country, n.country, n.postal_code,
       EXISTS (SELECT FROM returns_terms AS t WHERE t.return_id = r.id AND t.label),
       (SELECT count(*)::int FROM returns_label AS l WHERE l.return_id = r.id),
       EXISTS (SELECT FROM returns_labelreturn AS m JOIN returns_label AS l ON l.id = m.label_id
               WHERE m.return_id = r.id AND l.bought = 'in doubt'), COALESCE(a.place, ''), o.postal_code
FROM returns_return AS r
JOIN orders_order AS o ON o.id = r.order_id
LEFT JOIN parties_address AS a ON a.id = o.address_id
JOIN network_node AS n ON n.id = r.node_id
WHERE r.id = ANY(%(returns)s::uuid[])
"""

_IN_FORCE = """
SELECT l.id, m.return_id, l.carrier, l.service, l.tracking, l.cost_minor, l.currency::text, FALSE, l.bought,
       ARRAY(SELECT o.return_id FROM returns_labelreturn AS o WHERE o.label_id = l.id AND o.lives ORDER BY 1),
       EXISTS (SELECT FROM returns_parcel AS p
               WHERE p.return_id = m.return_id AND p.tracking = l.tracking AND p.scanned_at IS NOT NULL)
FROM returns_labelreturn AS m JOIN returns_label AS l ON l.id = m.label_id
WHERE m.return_id = ANY(%(returns)s::uuid[]) AND m.lives
"""

_MATES = """
SELECT DISTINCT o.return_id
FROM returns_labelreturn AS m JOIN returns_labelreturn AS o ON o.label_id = m.label_id AND o.lives
WHERE m.return_id = ANY(%(returns)s::uuid[]) AND m.lives
"""
