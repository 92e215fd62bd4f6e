"""Take lists and report them as picked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, Refused, Said
from entrepot.kernel.events import Event
from entrepot.warehouse import errors, passing
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, moved_stops, pick


@dataclass(frozen=True, slots=True)
class TakeList:
    """A list that a picker walks now; without `picker`, the actor. '' gives it back."""

    pick_list: UUID
    picker: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ListTaken:
    pick_list: UUID
    number: str
    picker: str


@dataclass(frozen=True, slots=True)
class PickList:
    """All open stops of a list are done in full, but for `shorts`: (task, units found). `stops` are the tasks that
    whoever reports it saw on it: where one went to another list meanwhile, nothing is booked."""

    pick_list: UUID
    shorts: tuple[tuple[UUID, int], ...] = ()
    picker: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    stops: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ListPicked:
    """Units picked and missing, the fulfillments that are complete, and the tasks that stand on another list now."""

    pick_list: UUID
    number: str
    picked: int
    short: int
    complete: tuple[UUID, ...]
    again: tuple[UUID, ...]


class _List(NamedTuple):
    id: UUID
    number: str
    company: int
    picker: str
    leg: int


class _Open(NamedTuple):
    """An open stop."""

    list: UUID
    task: UUID
    fulfillment: UUID
    quantity: int


@command("warehouse.take_lists")
def take_lists(cause: Cause, /, *, requests: Sequence[TakeList]) -> list[ListTaken | Refused]:
    """The lists, each with its picker, so that nobody else walks them. Whoever may release waves gives them to others,
    begun or not: what is done stays done, and scans of who had one are refused.

    Locks: the lists in id order. Refuses: NotFound; warehouse.list_taken; warehouse.list_done;
    warehouse.tote_elsewhere; NotPermitted and Invalid (another picker). Again: it stays with its picker. 3 statements,
    1 more where another is named and 1 where totes pass from zone to zone.
    """
    wrong = wrong_pickers(cause, {one.picker for one in requests if one.picker})
    found = _lock([one.pick_list for one in requests])
    left = {stop.list for stop in _open(list(found))}
    before = _before(found)
    may_give = cause.actor.may("warehouse.release_wave")
    taken: dict[UUID, str] = {}
    answers: list[ListTaken | Refused] = []
    for request in requests:
        one = found.get(request.pick_list)
        picker = cause.actor.name if request.picker is None else request.picker
        if one is None:
            answers.append(NotFound(what="list", which=request.pick_list))
        elif one.id not in left:
            answers.append(errors.ListDone(list=one.number))
        elif (with_ := taken.get(one.id, one.picker)) not in ("", cause.actor.name, picker) and not may_give:
            answers.append(errors.ListTaken(list=one.number, picker=with_))
        elif picker in wrong:
            answers.append(wrong[picker])
        elif picker and (elsewhere := passing.hindered(one.number, before.get(one.id, ()))):
            answers.append(elsewhere)
        else:
            taken[one.id] = picker
            answers.append(ListTaken(one.id, one.number, picker))
    changed = [(key, picker) for key, picker in taken.items() if picker != found[key].picker]
    if changed:
        sql.change(_GIVE, sql.columns(("ids", "pickers"), changed))
        announce(
            cause,
            [
                Event("pick_list", key, found[key].company, after="taken" if name else "free", reason=name)
                for key, name in changed
            ],
        )
    return answers


@command("warehouse.pick_lists")
def pick_lists(cause: Cause, /, *, requests: Sequence[PickList]) -> list[ListPicked | Refused]:
    """The stops of lists, picked. A fulfillment with stops on other lists too waits for them; what was missing and
    stands in another bin goes on a new list of the same wave.

    Locks: the lists in id order, then as `warehouse.pick`. Refuses: NotFound; warehouse.list_done;
    warehouse.list_taken (it is with somebody else); warehouse.tote_elsewhere (not even with these lists is it this
    one's turn); warehouse.stop_moved; warehouse.task_unknown;
    warehouse.picked_out_of_range; warehouse.no_staging. Again: by key; without one nothing is open any more.
    3 statements, 1 more where stops are named and 1 where totes pass, and those of `warehouse.pick`.
    """
    found = _lock([one.pick_list for one in requests])
    stops: dict[UUID, list[_Open]] = defaultdict(list)
    for stop in _open(list(found)):
        stops[stop.list].append(stop)

    moved = moved_stops(
        {place: (one.pick_list, one.stops) for place, one in enumerate(requests) if one.stops}
    )
    before = _before(found)
    answers: dict[int, Refused] = {}
    going: dict[UUID, PickList] = {}
    for place, request in _in_turn(requests, found):
        one = found.get(request.pick_list)
        refusal = moved.get(place) or _refusal(cause, request, one, stops.get(request.pick_list, ()), going)
        if refusal is None and one is not None:
            refusal = passing.hindered(one.number, before.get(one.id, ()), going)
        if refusal is None:
            going[request.pick_list] = request
        else:
            answers[place] = refusal
    outcomes = _pick(cause, going, found, stops)
    return [answers.get(place) or outcomes[one.pick_list] for place, one in enumerate(requests)]


def wrong_pickers(cause: Cause, pickers: Collection[str]) -> dict[str, Refused]:
    """Whom the actor may give no list: others, where they may release no wave, and who may pick none. 1 statement,
    none where nobody else is named."""
    others = {one for one in pickers if one != cause.actor.name}
    if others and not cause.actor.may("warehouse.release_wave"):
        refused = NotPermitted(actor=cause.actor.name, command="warehouse.release_wave")
        return dict.fromkeys(others, refused)
    able = access.able("warehouse.pick_lists") if others else ()
    expected = Said("the name of somebody who may pick lists")
    return {one: Invalid(field="picker", expected=expected, found=one) for one in others.difference(able)}


def _refusal(
    cause: Cause, request: PickList, one: _List | None, stops: Sequence[_Open], going: Mapping[UUID, PickList]
) -> Refused | None:
    if one is None:
        return NotFound(what="list", which=request.pick_list)
    if not stops or request.pick_list in going:
        return errors.ListDone(list=one.number)
    if one.picker not in ("", cause.actor.name, request.picker) and not cause.actor.may(
        "warehouse.release_wave"
    ):
        return errors.ListTaken(list=one.number, picker=one.picker)
    wanted = {stop.task: stop.quantity for stop in stops}
    for task, units in request.shorts:
        if task not in wanted:
            return errors.TaskUnknown(fulfillment=one.number, task=str(task))
        if not 0 <= units < wanted[task]:
            return errors.PickedOutOfRange(task=str(task), wanted=wanted[task], found=units)
    return None


def _pick(
    cause: Cause, going: Mapping[UUID, PickList], found: Mapping[UUID, _List], stops: Mapping[UUID, Sequence[_Open]]
) -> dict[UUID, ListPicked | Refused]:  # fmt: skip
    """Pick by fulfillment: one may have stops on several of the lists."""
    tasks: dict[UUID, list[UUID]] = defaultdict(list)
    shorts: dict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
    first: dict[UUID, PickList] = {}
    for key, request in going.items():
        missed = dict(request.shorts)
        for stop in stops[key]:
            first.setdefault(stop.fulfillment, request)
            tasks[stop.fulfillment].append(stop.task)
            if stop.task in missed:
                shorts[stop.fulfillment].append((stop.task, missed[stop.task]))
    wanted = [
        PickFulfillment(one, tuple(shorts[one]), request.picker, request.occurred_at, tasks=tuple(tasks[one]))
        for one, request in first.items()
    ]
    picked = dict(zip(first, pick(cause, requests=wanted), strict=True)) if wanted else {}
    outcomes = {key: _outcome(found[key], request, stops[key], picked) for key, request in going.items()}
    done = [key for key, outcome in outcomes.items() if isinstance(outcome, ListPicked)]
    announce(cause, [Event("pick_list", key, found[key].company, after="picked") for key in done])
    return outcomes


def _outcome(
    one: _List,
    request: PickList,
    stops: Sequence[_Open],
    picked: Mapping[UUID, FulfillmentPicked | Refused],
) -> ListPicked | Refused:
    answers = {stop.fulfillment: picked[stop.fulfillment] for stop in stops}
    refusal = next((answer for answer in answers.values() if isinstance(answer, Refused)), None)
    if refusal and all(isinstance(answer, Refused) for answer in answers.values()):
        return refusal
    missed = dict(request.shorts)
    done = [stop for stop in stops if not isinstance(answers[stop.fulfillment], Refused)]
    short = sum(stop.quantity - missed[stop.task] for stop in done if stop.task in missed)
    went = [answer for answer in answers.values() if isinstance(answer, FulfillmentPicked)]
    return ListPicked(
        one.id, one.number, sum(stop.quantity for stop in done) - short, short,
        tuple(answer.fulfillment for answer in went if answer.state == "picked"),
        tuple(task for answer in went for task in answer.tasks),
    )  # fmt: skip


def _before(found: Mapping[UUID, _List]) -> dict[UUID, list[passing.Before]]:
    """Of the lists whose tote passes, those that have to be done before them."""
    return passing.waits_for([one.id for one in found.values() if one.leg])


def _in_turn(requests: Sequence[PickList], found: Mapping[UUID, _List]) -> list[tuple[int, PickList]]:
    """The requests with their places, as totes pass: a list is judged when those before it are."""
    legs = {one.id: (one.leg, one.id) for one in found.values() if one.leg}
    return sorted(enumerate(requests), key=lambda one: legs.get(one[1].pick_list, (0, _NONE)))


def _lock(lists: Sequence[UUID]) -> dict[UUID, _List]:
    return {row[0]: _List(*row) for row in sql.run(_LOCK, {"ids": list(lists)})}


def _open(lists: Sequence[UUID]) -> list[_Open]:
    return [_Open(*row) for row in sql.run(_OPEN, {"ids": lists})]


_NONE = UUID(int=0)

_LOCK = """
SELECT id, number, company_id::int, picker, leg FROM warehouse_picklist WHERE id = ANY(%(ids)s::uuid[])
ORDER BY id FOR UPDATE
"""

_OPEN = """
SELECT s.list_id, t.id, t.fulfillment_id, t.quantity
FROM warehouse_liststop AS s JOIN warehouse_picktask AS t ON t.id = s.task_id AND t.state = 'open'
WHERE s.list_id = ANY(%(ids)s::uuid[]) ORDER BY s.list_id, s.place
"""

_GIVE = """
UPDATE warehouse_picklist AS l SET picker = d.picker
FROM unnest(%(ids)s::uuid[], %(pickers)s::text[]) AS d(id, picker) WHERE l.id = d.id
"""
