"""Decide on proposed transfers, and send what was accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.sourcing import errors
from entrepot.sourcing import rebalancing as rules
from entrepot.sourcing.states import TRANSFER_PROPOSAL
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.fulfill import lock_pickable
from entrepot.stock.commands.transfer import ShipTransfer, TransferShipped, TransferUnits, ship_transfer
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

TO_SEND = "transfer to send"


@dataclass(frozen=True, slots=True)
class AcceptTransfer:
    """A proposal that is to be carried out."""

    proposal: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RejectTransfer:
    """A proposal that is not to be carried out, accepted before or not."""

    proposal: UUID
    reason: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TransferDecided:
    proposal: UUID
    number: str
    state: str


@dataclass(frozen=True, slots=True)
class SendTransfer:
    """An accepted proposal whose units leave the node now: all that are free, or `quantity` of them, and then the rest
    stays to be sent."""

    proposal: UUID
    occurred_at: datetime | None = None
    key: str | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class TransferSent:
    """The transfer that carries it, how many of its units left, and the proposal of those that stay to be sent;
    `missing` ones were not free, and are proposed anew where they are still needed."""

    proposal: UUID
    transfer: UUID
    number: str
    sent: int
    left: int = 0
    rest: UUID | None = None
    missing: int = 0


class _Proposal(NamedTuple):
    id: UUID
    number: str
    company: int
    sku: UUID
    source: UUID
    target: UUID
    quantity: int
    state: str
    sku_code: str
    source_code: str
    target_code: str


@command("sourcing.accept_transfers")
def accept_transfers(
    cause: Cause, /, *, requests: Sequence[AcceptTransfer]
) -> list[TransferDecided | Refused]:
    """The proposals, accepted; the node that sends gets a work item for each.

    Locks: the proposals in id order. Refuses: NotFound (or another run took its place); WrongState. Again: by key.
    3 statements.
    """
    answers, stepped = _decide(cause, requests, "accept")
    if stepped:
        open_items(
            cause,
            requests=[
                to_send(
                    one.company,
                    one.id,
                    one.number,
                    one.sku_code,
                    one.quantity,
                    one.source_code,
                    one.target_code,
                )
                for one in stepped
            ],
        )
    return answers


@command("sourcing.reject_transfers")
def reject_transfers(
    cause: Cause, /, *, requests: Sequence[RejectTransfer]
) -> list[TransferDecided | Refused]:
    """The proposals, rejected with a reason; for the policy's days they are not made again.

    Locks: the proposals in id order, then their work items. Refuses: NotFound; WrongState; Invalid (no reason).
    Again: by key. 4 statements.
    """
    answers, stepped = _decide(cause, requests, "reject")
    _end_items(cause, [one for one in stepped if one.state == "accepted"], "policy")
    return answers


@command("sourcing.send_transfers")
def send_transfers(cause: Cause, /, *, requests: Sequence[SendTransfer]) -> list[TransferSent | Refused]:
    """One transfer for what goes between two nodes: of each proposal as many units as are free to be sent, or as many
    as are asked for. Where a part is asked for, the rest is a proposal of its own, accepted and work for the same node.

    Locks: the proposals in id order, the positions of their SKUs in key order, their buckets in id order, then as
    `stock.ship_transfer`. Refuses: NotFound; WrongState (not accepted); Invalid (quantity); sourcing.nothing_to_send;
    sourcing.too_few_to_send. Again: by key. 7 statements, 1 more where there are fences and 3 where a rest stays,
    beside those of `stock.ship_transfer`.
    """
    found = _lock([one.proposal for one in requests])
    skus = {(one.company, one.sku) for one in found.values()}
    positions = lock_positions(skus)
    free = {key: max(0, position.free - position.fenced) for key, position in positions.items()}
    shelves: dict[tuple[UUID, UUID], list[rules.Shelf]] = defaultdict(list)
    for shelf in lock_pickable({(one.sku, one.source) for one in found.values()}):
        if not shelf.serial:
            shelves[shelf.sku, shelf.node].append(
                rules.Shelf(shelf.bin, shelf.lot, shelf.expires_on, shelf.free)
            )
    refusals: dict[int, Refused] = {}
    chosen: dict[UUID, list[TransferUnits]] = {}
    rests: dict[UUID, UUID] = {}
    for i, request in enumerate(requests):
        after = _after(found, request.proposal, "send")
        if isinstance(after, Refused):
            refusals[i] = after
            continue
        one = found[request.proposal]
        place = (one.sku, one.source)
        taken = rules.take_off(shelves[place], min(request.quantity or one.quantity, free.get(place, 0)))
        if refusal := _misfit(request, one, sum(units for _, units in taken)):
            refusals[i] = refusal
            continue
        if request.quantity and request.quantity < one.quantity:
            rests[one.id] = ids.uuid7()
        found[one.id] = one._replace(state=after)
        free[place] -= sum(units for _, units in taken)
        gone = {(shelf.bin, shelf.lot): units for shelf, units in taken}
        shelves[place] = [
            shelf._replace(free=shelf.free - gone.get((shelf.bin, shelf.lot), 0)) for shelf in shelves[place]
        ]
        chosen[one.id] = [TransferUnits(one.sku, shelf.bin, units, shelf.lot) for shelf, units in taken]
    times = {request.proposal: request.occurred_at or cause.at for request in requests}
    sent = _ship(cause, [found[key] for key in chosen], chosen, times)
    _keep_rests(cause, [found[key] for key in rests], sent, rests)
    return [refusals[i] if i in refusals else sent[one.proposal] for i, one in enumerate(requests)]


def _misfit(request: SendTransfer, one: _Proposal, free: int) -> Refused | None:
    """Why units of an accepted proposal don't leave; `free` of those asked for can be taken from their bins."""
    if request.quantity is not None and not 0 < request.quantity <= one.quantity:
        expected = Said("1 to {0}", one.quantity)
        return Invalid(field=Said("quantity of {0}", one.number), expected=expected, found=request.quantity)
    if not free:
        return errors.NothingToSend(number=one.number, sku=one.sku_code, node=one.source_code)
    if request.quantity and free < request.quantity:
        return errors.TooFewToSend(
            number=one.number, sku=one.sku_code, node=one.source_code, free=free, wanted=request.quantity
        )
    return None


def _keep_rests(
    cause: Cause, proposals: Sequence[_Proposal], sent: dict[UUID, TransferSent], rests: Mapping[UUID, UUID]
) -> None:
    """What did not leave of proposals that were sent in part is accepted as before, under numbers of its own."""
    if not proposals:
        return
    numbers = ids.numbers("RB", len(proposals))
    rows = []
    for one, number in zip(proposals, numbers, strict=True):
        left = one.quantity - sent[one.id].sent
        sent[one.id] = replace(sent[one.id], left=left, rest=rests[one.id], missing=0)
        rows.append((one.id, rests[one.id], number, left))
    sql.run(_KEEP, sql.columns(("of", "ids", "numbers", "units"), rows))
    open_items(
        cause,
        requests=[
            to_send(one.company, rest, number, one.sku_code, left, one.source_code, one.target_code)
            for one, (_, rest, number, left) in zip(proposals, rows, strict=True)
        ],
    )
    announce(
        cause,
        [
            Event(
                "transfer_proposal", rest, one.company, "", "accepted", payload={"rest_of": one.id, "units": left},
                reason=Said("the rest of {0}", one.number),
            )
            for one, (_, rest, _, left) in zip(proposals, rows, strict=True)
        ],
    )  # fmt: skip


def _ship(
    cause: Cause,
    proposals: Sequence[_Proposal],
    chosen: dict[UUID, list[TransferUnits]],
    times: dict[UUID, datetime],
) -> dict[UUID, TransferSent]:
    if not proposals:
        return {}
    loads: dict[tuple[int, UUID, UUID, datetime], list[_Proposal]] = defaultdict(list)
    for one in proposals:
        loads[one.company, one.source, one.target, times[one.id]].append(one)
    steering = policies.of_companies((one.company for one in proposals), rules.Rebalancing, cause.at)
    shipped = whole(
        ship_transfer(
            cause,
            requests=[
                ShipTransfer(
                    company, source, target, tuple(line for one in load for line in chosen[one.id]),
                    at + timedelta(days=steering[company][1].transit_days), at,
                )
                for (company, source, target, at), load in loads.items()
            ],
        )
    )  # fmt: skip
    sent: dict[UUID, TransferSent] = {}
    for load, transfer in zip(loads.values(), shipped, strict=True):
        assert isinstance(transfer, TransferShipped), "whole"
        for one in load:
            units = sum(line.quantity for line in chosen[one.id])
            missing = one.quantity - units
            sent[one.id] = TransferSent(one.id, transfer.transfer, transfer.number, units, missing=missing)
    rows = [(one.proposal, one.transfer, one.sent) for one in sent.values()]
    sql.run(_SEND, sql.columns(("ids", "transfers", "units"), rows))
    announce(
        cause,
        [
            Event(
                "transfer_proposal", one.id, one.company, "accepted", "sent", times[one.id],
                {"transfer": sent[one.id].transfer, "units": sent[one.id].sent},
            )
            for one in proposals
        ],
    )  # fmt: skip
    _end_items(cause, proposals, "no fault")
    return sent


def to_send(
    company: int, proposal: UUID, number: str, sku: str, units: int, source: str, target: str
) -> OpenItem:
    """The work item of the node that sends."""
    reason = Said("Send {0} of {1} from {2} to {3}", units, sku, source, target)
    facts = {"units": units, "sku": sku, "from": source, "to": target, "number": number}
    return OpenItem(
        company,
        TO_SEND,
        "transfer_proposal",
        proposal,
        reason,
        "warehouse supervisor",
        facts,
        due_in_hours=24,
    )


def _decide(
    cause: Cause, requests: Sequence[AcceptTransfer | RejectTransfer], step: str
) -> tuple[list[TransferDecided | Refused], list[_Proposal]]:
    """Answers, and the proposals that took the step, as they were before it."""
    found = _lock([one.proposal for one in requests])
    answers: list[TransferDecided | Refused] = []
    rows, events, stepped = [], [], []
    for request in requests:
        after = _after(found, request.proposal, step)
        reason = request.reason if isinstance(request, RejectTransfer) else ""
        if isinstance(after, Refused):
            answers.append(after)
        elif step == "reject" and not reason:
            answers.append(Invalid(field="reason", expected="why it is not carried out", found="nothing"))
        else:
            one, at = found[request.proposal], request.occurred_at or cause.at
            found[one.id] = one._replace(state=after)
            stepped.append(one)
            rows.append((one.id, after, cause.actor.name, at, reason))
            events.append(Event("transfer_proposal", one.id, one.company, one.state, after, at, None, reason))
            answers.append(TransferDecided(one.id, one.number, after))
    if rows:
        sql.run(_STEP, sql.columns(("ids", "states", "people", "times", "reasons"), rows))
    announce(cause, events)
    return answers, stepped


def _after(found: Mapping[UUID, _Proposal], proposal: UUID, step: str) -> str | Refused:
    """The state that the step leads to."""
    if proposal not in found:
        return NotFound(what="transfer proposal", which=str(proposal))
    return TRANSFER_PROPOSAL.step(found[proposal].state, step)


def _lock(proposals: Sequence[UUID]) -> dict[UUID, _Proposal]:
    return {row[0]: _Proposal(*row) for row in sql.run(_LOCK, {"ids": list(proposals)})}


def _end_items(cause: Cause, proposals: Sequence[_Proposal], root_cause: str) -> None:
    if proposals:
        resolve_subjects(
            cause,
            requests=[ResolveSubject(one.company, TO_SEND, one.id, root_cause) for one in proposals],
        )


_LOCK = """
SELECT p.id, p.number, p.company_id::int, p.sku_id, p.from_node_id, p.to_node_id, p.quantity, p.state, s.code, a.code,
       b.code
FROM sourcing_transferproposal AS p JOIN catalog_sku AS s ON s.id = p.sku_id
JOIN network_node AS a ON a.id = p.from_node_id JOIN network_node AS b ON b.id = p.to_node_id
WHERE p.id = ANY(%(ids)s::uuid[]) ORDER BY p.id FOR UPDATE OF p
"""

_STEP = """
UPDATE sourcing_transferproposal AS p SET state = d.state, decided_by = d.person, decided_at = d.at, reason = d.reason
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(people)s::text[], %(times)s::timestamptz[], %(reasons)s::text[])
     AS d(id, state, person, at, reason)
WHERE p.id = d.id
"""

# Costs and worth of the rest are in proportion; who accepted the whole accepted the rest.
_KEEP = """
INSERT INTO sourcing_transferproposal (id, number, company_id, sku_id, from_node_id, to_node_id, quantity, cost_minor,
                                       value_minor, terms, state, proposed_at, decided_by, decided_at, reason)
SELECT d.id, d.number, p.company_id, p.sku_id, p.from_node_id, p.to_node_id, d.units,
       round(p.cost_minor::numeric * d.units / p.quantity), round(p.value_minor::numeric * d.units / p.quantity),
       p.terms, 'accepted', p.proposed_at, p.decided_by, p.decided_at, p.reason
FROM unnest(%(of)s::uuid[], %(ids)s::uuid[], %(numbers)s::text[], %(units)s::int[]) AS d(of, id, number, units)
JOIN sourcing_transferproposal AS p ON p.id = d.of
"""

_SEND = """
UPDATE sourcing_transferproposal AS p SET state = 'sent', transfer_id = d.transfer, sent = d.units
FROM unnest(%(ids)s::uuid[], %(transfers)s::uuid[], %(units)s::int[]) AS d(id, transfer, units) WHERE p.id = d.id
"""
