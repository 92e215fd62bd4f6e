"""Stock is corrected to what is really there: losses, finds, damage; large ones wait for another person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access import rules as rights
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.catalog import queries as catalog
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.stock import errors, queries, rules
from entrepot.stock.commands.allocate import Loss, lock_what_losses_touch
from entrepot.stock.commands.move import ADJUSTMENT, At, Displaced, Move, lock_buckets, move_units

KEPT = "register×correct"
MOST_MINOR, MOST_UNITS = 2**63 - 1, 2**31 - 1
"""The limits that rows bear where the policy has none."""


@shape("stock.adjustments")
@dataclass(frozen=True, slots=True)
class AdjustmentPolicy:
    """When a correction of stock waits for the approval of another person, and how its reasons are called."""

    approve_above_minor: int | None = 50_000
    """One of a greater value, in minor units of the company's currency, waits; empty: none does for its value."""
    approve_above_units: int | None = None
    """One of more units waits, whatever they are worth; empty: none does for its units."""
    reasons: tuple[str, ...] = (
        "lost", "found", "stolen", "broken", "spoilt", "recorded wrongly", "used by the house", "kit put together",
    )  # fmt: skip
    """What a person may say who corrects stock."""


@dataclass(frozen=True, slots=True)
class Adjust:
    """Units found (delta > 0) or gone (delta < 0) in a bin, with the reason.

    `up_to`: when fewer than asked are there and free, take those, and say how many are missing. `coded`: the reason has
    to be one of the policy's; what is imported brings the words of its source.
    """

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    delta: int
    reason: str
    status: str = "sellable"
    lot: str = ""
    serial: str = ""
    note: str = ""
    up_to: bool = False
    occurred_at: datetime | None = None
    key: str | None = None
    coded: bool = False


class Asked(NamedTuple):
    """An adjustment as it was asked for; its value in minor units."""

    number: str
    company: int
    sku: UUID
    node: UUID
    bin: UUID
    status: str
    lot: str
    serial: str
    delta: int
    reason: str
    state: str
    value: int

    @property
    def at(self) -> At:
        return At(self.sku, self.node, self.bin, self.company, self.status, self.lot, self.serial)


Correction: TypeAlias = Adjust | Asked
Judge: TypeAlias = Callable[[Sequence[Correction]], Callable[[Correction], Refused | None]]
"""Reads what is known of corrections, when all that they touch is locked; and says of one after the other why it can't
be, with those in mind that it let pass before. Units that it lets be found are found: nothing refuses them after it."""


def _lets_all_pass(_said: Sequence[Correction], /) -> Callable[[Correction], Refused | None]:
    return lambda _one: None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What became of it: `posted` units now, or `state` waiting for approval; `missing` could not be taken."""

    adjustment: UUID | None
    number: str
    state: str
    posted: int
    missing: int
    value_minor: int
    displaced: tuple[Displaced, ...] = ()


@command("stock.adjust")
def adjust(
    cause: Cause, /, *, requests: Sequence[Adjust], judge: Judge = _lets_all_pass
) -> list[Adjusted | Refused]:
    """Correct stock. What is beyond a limit of the policy waits; nothing moves until it is approved.

    Promises that can no longer be kept come back as `displaced` of the first answer of their SKU and node.
    Locks: positions in key order, the promises that may break, buckets in id order, then as `move_units`.
    Refuses: NotPlaceable, NotThere, KitHasNoStock (units found of a kit), Invalid (a reason that is none of the
    policy's), what `judge` says. Again: by key. About 16 statements.
    """
    lock_what_losses_touch([Loss(r.company, r.sku, r.node, -r.delta) for r in requests])
    buckets = lock_buckets(At(r.sku, r.node, r.bin, r.company, r.status, r.lot, r.serial) for r in requests)
    in_force = policies.of_companies((r.company for r in requests), AdjustmentPolicy, cause.at)
    limits = {company: policy for company, (_, policy) in in_force.items()}
    costs = queries.unit_costs({(r.company, r.sku, r.node) for r in requests})
    kits = catalog.kits_among({r.sku for r in requests})
    left = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    misfit = judge(requests)

    answers: list[Adjusted | Refused] = []
    rows, moves, duties, happened = [], [], [], []
    numbers = iter(ids.numbers("ADJ", len(requests)))
    for r in requests:
        key = At(r.sku, r.node, r.bin, r.company, r.status, r.lot, r.serial)
        free = left.get(key, 0)
        delta = max(r.delta, -free) if r.up_to else r.delta
        refusal = _unsaid(r, kits, limits[r.company].reasons) or misfit(r) or _not_there(r, delta, free)
        if refusal or not delta:
            answers.append(refusal or Adjusted(None, "", "nothing there", 0, -r.delta, 0))
            continue
        cost = round_half_away(costs[r.company, r.sku, r.node] * abs(delta))
        limit = limits[r.company]
        waits = rules.needs_approval(cost, limit.approve_above_minor) or rules.needs_approval(
            delta, limit.approve_above_units
        )
        adjustment, number, at = ids.uuid7(), next(numbers), r.occurred_at or cause.at
        state = "waiting" if waits else "posted"
        left[key] = free if waits else free + delta
        rows.append((
            adjustment, number, r.company, r.sku, r.node, r.bin, r.status, r.lot, r.serial, delta, r.reason, r.note,
            state, cost, *_alone(limit), cause.actor.name, at,
        ))  # fmt: skip
        duties.append(Duty(adjustment, "adjust×approve", "adjust", cause.actor.name))
        happened.append(Event("adjustment", adjustment, r.company, "", state, at, {"units": delta}, r.reason))
        if not waits:
            moves.append(_move(r.company, key, delta, r.reason, adjustment, at, cost))
        answers.append(
            Adjusted(adjustment, number, state, 0 if waits else delta, abs(r.delta) - abs(delta), cost)
        )

    if duties:  # before the rows, which are refused without
        take_duty(cause, requests=duties)
    sql.write("stock_adjustment", _COLUMNS, rows)
    displaced = move_units(cause, moves).displaced
    announce(cause, happened)
    return _hand_over(requests, answers, displaced)


@dataclass(frozen=True, slots=True)
class DecideAdjustment:
    """Approve or reject an adjustment that waits."""

    adjustment: UUID
    approve: bool
    note: str = ""
    key: str | None = None


@command("stock.approve_adjustment")
def approve_adjustment(
    cause: Cause, /, *, requests: Sequence[DecideAdjustment], judge: Judge = _lets_all_pass
) -> list[Adjusted | Refused]:
    """Decide adjustments that wait; an approved one is posted now. Nobody decides what he asked for himself, nor
    approves a correction of an item that he keeps.

    Locks: the adjustments in id order, then as `adjust`.
    Refuses: NotFound, AlreadyDecided, NotThere (the units left meanwhile, or those approved before it take them),
    access.duties_apart, of what is approved what `judge` says. Again: by key. About 16 statements.
    """
    rows = sql.run(_LOCK_ADJUSTMENTS, {"ids": [r.adjustment for r in requests]})
    found = {row[0]: Asked(*row[1:]) for row in rows}
    lock_what_losses_touch([Loss(one.company, one.sku, one.node, -one.delta) for one in found.values()])
    buckets = lock_buckets(one.at for one in found.values())
    left = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    misfit = judge([found[r.adjustment] for r in requests if r.approve and r.adjustment in found])
    duties = _duties(cause, [r.adjustment for r in requests], found)
    told = zip(duties, access.apart(list(duties.values())), strict=True)
    apart = {which: refused for which, refused in told if refused}
    kept = access.first_by(cause.actor.name, KEPT, {one.sku for one in found.values()})
    answers: list[Adjusted | Refused] = []
    decided, moves = [], []
    for r in requests:
        one = found.get(r.adjustment)
        if one is None:
            answers.append(NotFound(what="adjustment", which=str(r.adjustment)))
            continue
        free = left.get(one.at, 0)
        if one.state != "waiting":
            answers.append(errors.AlreadyDecided(number=one.number, found=one.state))
        elif r.adjustment in apart:
            answers.append(apart[r.adjustment])
        elif r.approve and one.sku in kept:
            answers.append(rights.apart(Duty(one.sku, KEPT, "correct", cause.actor.name, one.number)))
        elif r.approve and free + one.delta < 0:
            answers.append(
                errors.NotThere(
                    wanted=-one.delta, sku=str(one.sku), where=Said("bin {0}", one.bin), found=free
                )
            )
        elif r.approve and (refusal := misfit(one)):
            answers.append(refusal)
        else:
            new = "posted" if r.approve else "rejected"
            decided.append((r.adjustment, new, cause.actor.name, cause.at))
            if r.approve:
                left[one.at] = free + one.delta
                moves.append(
                    _move(one.company, one.at, one.delta, one.reason, r.adjustment, cause.at, one.value)
                )
            announce(cause, [Event("adjustment", r.adjustment, one.company, one.state, new, reason=r.note)])
            posted = one.delta if r.approve else 0
            answers.append(Adjusted(r.adjustment, one.number, new, posted, 0, one.value))
            found[r.adjustment] = one._replace(state=new)
    if decided:
        whole(take_duty(cause, requests=[duties[which] for which, *_ in decided]))
        sql.run(_DECIDE, sql.columns(("ids", "states", "people", "times"), decided))
    displaced = move_units(cause, moves).displaced
    return _hand_over_first(answers, displaced)


def _duties(cause: Cause, wanted: Sequence[UUID], found: Mapping[UUID, Asked]) -> dict[UUID, Duty]:
    """Adjustments that wait: whoever decides one has not asked for it."""
    return {
        which: Duty(which, "adjust×approve", "approve", cause.actor.name, found[which].number)
        for which in wanted
        if which in found and found[which].state == "waiting"
    }


def _unsaid(request: Adjust, kits: Mapping[UUID, str], reasons: Sequence[str]) -> Refused | None:
    if request.delta > 0 and request.sku in kits:
        return errors.KitHasNoStock(sku=kits[request.sku])
    if request.delta == 0 or not request.reason:
        found = f"{request.delta} for '{request.reason}'"
        return errors.NotPlaceable(field="adjustment", expected="some units and a reason", found=found)
    if request.coded and request.reason not in reasons:
        return Invalid(field="reason", expected=one_of(reasons), found=request.reason)
    return None


def _not_there(request: Adjust, delta: int, free: int) -> Refused | None:
    if delta < -free:
        return errors.NotThere(
            wanted=-delta, sku=str(request.sku), where=Said("bin {0}", request.bin), found=free
        )
    return None


def _alone(limit: AdjustmentPolicy) -> tuple[int, int]:
    """Value and units that one person may correct alone, as its row bears them."""
    minor, units = limit.approve_above_minor, limit.approve_above_units
    return MOST_MINOR if minor is None else minor, MOST_UNITS if units is None else units


def _move(company: int, key: At, delta: int, reason: str, document: UUID, at: datetime, cost: int) -> Move:
    if delta > 0:
        return Move(
            company, key.sku, delta, ADJUSTMENT, key, reason, "adjustment", document, at, "stock.found", None, cost,
        )  # fmt: skip
    return Move(
        company, key.sku, -delta, key, ADJUSTMENT, reason, "adjustment", document, at, "stock.write_off"
    )


def _hand_over(
    requests: Sequence[Adjust], answers: list[Adjusted | Refused], displaced: Sequence[Displaced]
) -> list[Adjusted | Refused]:
    by_position: dict[tuple[UUID, UUID], list[Displaced]] = defaultdict(list)
    for one in displaced:
        by_position[one.sku, one.node].append(one)
    for i, (request, answer) in enumerate(zip(requests, answers, strict=True)):
        if isinstance(answer, Adjusted) and answer.posted < 0:
            answers[i] = replace(answer, displaced=tuple(by_position.pop((request.sku, request.node), [])))
    return answers


def _hand_over_first(
    answers: list[Adjusted | Refused], displaced: Sequence[Displaced]
) -> list[Adjusted | Refused]:
    for i, answer in enumerate(answers):
        if isinstance(answer, Adjusted) and answer.posted < 0 and displaced:
            answers[i] = replace(answer, displaced=tuple(displaced))
            break
    return answers


_COLUMNS = (
    "id", "number", "company_id", "sku_id", "node_id", "bin_id", "status", "lot", "serial", "delta", "reason", "note",
    "state", "value_minor", "alone_minor", "alone_units", "requested_by", "requested_at",
)  # fmt: skip

_LOCK_ADJUSTMENTS = """
SELECT id, number, company_id::int, sku_id, node_id, bin_id, status, lot, serial, delta, reason, state, value_minor
FROM stock_adjustment WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_DECIDE = """
UPDATE stock_adjustment AS a SET state = d.state, decided_by = d.person, decided_at = d.at
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(people)s::text[], %(times)s::timestamptz[])
     AS d(id, state, person, at)
WHERE a.id = d.id
"""
