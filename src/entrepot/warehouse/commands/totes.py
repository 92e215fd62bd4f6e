"""Totes and places of a wall: which order's units stand where until they are packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.warehouse import errors
from entrepot.warehouse.commands.pick import moved_stops

CODE_MAX = 40


@dataclass(frozen=True, slots=True)
class UseTote:
    """A tote holds units of a fulfillment from now on. An order may have several; a tote never holds two. `stop` of
    `pick_list` is the task that whoever takes it stands before: it has to be on that list still."""

    fulfillment: UUID
    tote: str
    key: str | None = None
    pick_list: UUID | None = None
    stop: UUID | None = None


@dataclass(frozen=True, slots=True)
class ToteUsed:
    fulfillment: UUID
    tote: str


@dataclass(frozen=True, slots=True)
class SortStop:
    """The picked units of a stop stand in the tote of their order from now on."""

    task: UUID
    tote: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StopSorted:
    task: UUID
    fulfillment: UUID
    tote: str


class _Of(NamedTuple):
    """A fulfillment that a tote is for."""

    id: UUID
    number: str
    company: int
    node: UUID


class _Picked(NamedTuple):
    """What was picked at a stop."""

    fulfillment: UUID
    company: int
    units: int


@command("warehouse.use_totes")
def use_totes(cause: Cause, /, *, requests: Sequence[UseTote]) -> list[ToteUsed | Refused]:
    """Totes that hold what they are said to hold; those of orders that are packed or gone are free for others.

    Locks: the lists named, in id order, so that no order is split off meanwhile; the totes, in the order of node and
    code. Refuses: NotFound; Invalid; warehouse.stop_moved; warehouse.tote_taken. Again: it holds the same.
    4 statements, 2 more where lists are named.
    """
    moved = _moved(requests)
    found = {
        row[0]: _Of(*row) for row in sql.run(_FULFILLMENTS, {"ids": [one.fulfillment for one in requests]})
    }
    refusals: list[Refused | None] = []
    wanted: list[tuple[_Of, str]] = []
    for nth, one in enumerate(requests):
        of = found.get(one.fulfillment)
        refused = _misfit(one, of) or moved.get(nth)
        refusals.append(refused)
        if refused is None and of:
            wanted.append((of, one.tote.upper()))
    holds = _lock(cause, wanted)

    binding: dict[tuple[UUID, str], _Of] = {}
    done: list[ToteUsed | Refused] = []
    for one, refused in zip(requests, refusals, strict=True):
        of = found.get(one.fulfillment)
        if refused or of is None:
            done.append(refused or NotFound(what="fulfillment", which=str(one.fulfillment)))
            continue
        place = (of.node, one.tote.upper())
        holder, number = (binding[place].id, binding[place].number) if place in binding else holds[place]
        if holder and holder != of.id:
            done.append(errors.ToteTaken(tote=place[1], other=number))
            continue
        if holder is None:
            binding[place] = of
        done.append(ToteUsed(of.id, place[1]))
    if binding:
        rows = [(node, code, of.id) for (node, code), of in binding.items()]
        sql.run(_BIND, {**sql.columns(("nodes", "codes", "ids"), rows), "at": cause.at})
        announce(
            cause,
            [
                Event("fulfillment", of.id, of.company, payload={"tote": code})
                for (_, code), of in binding.items()
            ],
        )
    return done


@command("warehouse.sort_stops")
def sort_stops(cause: Cause, /, *, requests: Sequence[SortStop]) -> list[StopSorted | Refused]:
    """Units of a cart that carries several orders stand with their order: what a batch or a zone left to be sorted.

    Locks: the stops in the order of their tasks, then as `warehouse.use_totes`.
    Refuses: NotFound (stop of a list); warehouse.not_picked_yet; as `warehouse.use_totes`.
    Again: they stand in the tote that was said last. 6 statements.
    """
    found = {row[0]: _Picked(*row[1:]) for row in sql.run(_STOPS, {"tasks": [one.task for one in requests]})}
    ready = [one for one in requests if one.task in found and found[one.task].units]
    used = use_totes(cause, requests=[UseTote(found[one.task].fulfillment, one.tote) for one in ready])
    by_place = dict(zip(map(id, ready), used, strict=True))

    answers: list[StopSorted | Refused] = []
    rows: dict[UUID, str] = {}
    for one in requests:
        answer = by_place.get(id(one))
        if one.task not in found:
            answers.append(NotFound(what="stop of a list", which=str(one.task)))
        elif answer is None:
            answers.append(errors.NotPickedYet(task=str(one.task)))
        elif isinstance(answer, Refused):
            answers.append(answer)
        else:
            rows[one.task] = answer.tote
            answers.append(StopSorted(one.task, answer.fulfillment, answer.tote))
    if rows:
        sql.run(_SORT, sql.columns(("tasks", "totes"), list(rows.items())))
        announce(
            cause,
            [
                Event("fulfillment", found[task].fulfillment, found[task].company, payload={"tote": tote, "task": task})
                for task, tote in rows.items()
            ],
        )  # fmt: skip
    return answers


def _moved(requests: Sequence[UseTote]) -> dict[int, Refused]:
    walked = {
        place: (one.pick_list, (one.stop,))
        for place, one in enumerate(requests)
        if one.pick_list and one.stop
    }
    if walked:
        sql.run(_LISTS, {"ids": sorted({key for key, _ in walked.values()})})
    return moved_stops(walked)


def _misfit(one: UseTote, of: _Of | None) -> Refused | None:
    if of is None:
        return NotFound(what="fulfillment that is being picked", which=str(one.fulfillment))
    if not one.tote or len(one.tote) > CODE_MAX or not one.tote.isprintable():
        return Invalid(field="tote", expected=Said("1 to {0} signs", CODE_MAX), found=one.tote)
    return None


def _lock(cause: Cause, wanted: Sequence[tuple[_Of, str]]) -> dict[tuple[UUID, str], tuple[UUID | None, str]]:
    """Totes by node and code, each with the fulfillment that it holds, where that still needs it."""
    places = {(of.node, code) for of, code in wanted}
    columns = sql.columns(("nodes", "codes"), list(places))
    sql.run(_MAKE, {**columns, "at": cause.at})
    return {(node, code): (held, number) for node, code, held, number in sql.run(_LOCK, columns)}


_FULFILLMENTS = """
SELECT id, number, company_id::int, node_id FROM warehouse_fulfillment
WHERE id = ANY(%(ids)s::uuid[]) AND state IN ('released', 'picking', 'picked')
"""

_LISTS = "SELECT FROM warehouse_picklist WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE"

_MAKE = """
INSERT INTO warehouse_tote (node_id, code, used_at)
SELECT node, code, %(at)s::timestamptz FROM unnest(%(nodes)s::uuid[], %(codes)s::text[]) AS d(node, code)
ORDER BY node, code ON CONFLICT DO NOTHING
"""

_LOCK = """
SELECT t.node_id, t.code, f.id, COALESCE(f.number, '')
FROM warehouse_tote AS t
JOIN unnest(%(nodes)s::uuid[], %(codes)s::text[]) AS d(node, code) ON d.node = t.node_id AND d.code = t.code
LEFT JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id AND f.state IN ('released', 'picking', 'picked')
ORDER BY t.node_id, t.code FOR UPDATE OF t
"""

_BIND = """
UPDATE warehouse_tote AS t SET fulfillment_id = d.id, used_at = %(at)s::timestamptz
FROM unnest(%(nodes)s::uuid[], %(codes)s::text[], %(ids)s::uuid[]) AS d(node, code, id)
WHERE t.node_id = d.node AND t.code = d.code
"""

_STOPS = """
SELECT s.task_id, t.fulfillment_id, t.company_id::int, t.picked
FROM warehouse_liststop AS s JOIN warehouse_picktask AS t ON t.id = s.task_id
WHERE s.task_id = ANY(%(tasks)s::uuid[]) ORDER BY s.task_id FOR UPDATE OF s
"""

_SORT = """
UPDATE warehouse_liststop AS s SET tote = d.tote
FROM unnest(%(tasks)s::uuid[], %(totes)s::text[]) AS d(task, tote) WHERE s.task_id = d.task
"""
