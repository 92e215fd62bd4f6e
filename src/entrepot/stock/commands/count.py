"""The records of bins become what was counted there. Movement since the count stays as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.money import round_half_away
from entrepot.stock import errors, queries, rules
from entrepot.stock.commands.allocate import Loss, lock_what_losses_touch
from entrepot.stock.commands.move import (
    ADJUSTMENT,
    At,
    Displaced,
    Move,
    lock_buckets,
    lock_serials,
    move_units,
)


@dataclass(frozen=True, slots=True)
class PostCount:
    """Units that stood in a bin at a moment. `after_move` is the last move when the count began; `document` the count.

    Of `sellable` goods those that are being looked for there are part: nobody can tell them apart.
    """

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    counted: int
    counted_at: datetime
    after_move: int
    document: UUID
    reason: str
    status: str = "sellable"
    lot: str = ""
    serial: str = ""
    expires_on: date | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CountPosted:
    """What was expected at that moment, the units by which the records change, below zero where they lose, and what is
    found again of what was looked for. `left` units are missing too, but picks have a claim on them."""

    expected: int
    posted: int
    found_again: int
    left: int
    value_minor: int
    displaced: tuple[Displaced, ...] = ()


class Balance(NamedTuple):
    """What the records say of goods at the moment of a count, and now. `corrected` since by an adjustment, which may
    be the same difference; `elsewhere` is the bin of a serial that stands in another place."""

    stands: rules.Stands
    corrected: bool
    elsewhere: str

    @property
    def expected(self) -> int:
        return self.stands.then + self.stands.lost_then


Wanted = tuple[At, datetime, int]
"""Goods, the moment of their count, and the last move when it began."""


def balances(wanted: Sequence[Wanted]) -> list[Balance]:
    """The records of goods at the moments of their counts. 1 statement; no locks."""
    rows = [(n, *key, at, after) for n, (key, at, after) in enumerate(wanted)]
    found = sql.run(_BALANCES, sql.columns(("places", *At._fields, "times", "after"), rows)) if rows else []
    return [Balance(rules.Stands(*row[:5]), *row[5:]) for row in found]


def lock_balances(
    companies: Sequence[int], wanted: Sequence[Wanted], counted: Sequence[int]
) -> list[Balance]:
    """As `balances`, with all locked that a correction touches: positions in key order, the promises that may break,
    buckets in id order, the SKUs of which serials were counted. `companies`: of each, whose goods they are.
    4 statements; 1 more where promises may be displaced, 1 where serials were counted."""
    seen = balances(wanted)
    losses = [
        Loss(company, key.sku, key.node, one.expected - units)
        for company, (key, *_), one, units in zip(companies, wanted, seen, counted, strict=True)
        if key.status == "sellable"
    ]
    lock_what_losses_touch(losses)
    lock_buckets(at for key, *_ in wanted for at in (key, _looked_for(key)))
    lock_serials(
        key.sku for (key, *_), units in zip(wanted, counted, strict=True) if key.serial and units > 0
    )
    return balances(wanted)


@command("stock.count")
def count(cause: Cause, /, *, requests: Sequence[PostCount]) -> list[CountPosted | Refused]:
    """Stock as it was counted, but for what moved since. What is missing is first taken from what is being looked for
    in the bin, and what of that is there is sellable again. Earlier counts that were posted meanwhile are part of what
    is expected. Promises that can no longer be kept come back `displaced`.

    Locks: positions in key order, the promises that may break, buckets in id order, the SKUs of which serials were
    counted, then as `move_units`.
    Refuses: NotPlaceable; CorrectedSince; SerialElsewhere. Again: by key; without one nothing is missing any more.
    About 14 statements; 1 more where serials were counted.
    """
    wanted = [(_at(r), r.counted_at, r.after_move) for r in requests]
    seen = lock_balances([r.company for r in requests], wanted, [r.counted for r in requests])
    costs = queries.unit_costs({(r.company, r.sku, r.node) for r in requests})

    answers: list[CountPosted | Refused] = []
    moves: list[Move] = []
    taken: set[At] = set()
    stands: dict[tuple[UUID, str], str] = {}
    for r, (key, *_), one in zip(requests, wanted, seen, strict=True):
        one = one._replace(elsewhere=one.elsewhere or stands.get((r.sku, r.serial), ""))
        refusal = _refusal(r, one, taken)
        if refusal:
            answers.append(refusal)
            continue
        taken.add(key)
        if r.serial and r.counted:
            stands[r.sku, r.serial] = str(r.bin)
        correction = rules.correct(r.counted, one.stands)
        cost = round_half_away(costs[r.company, r.sku, r.node] * abs(correction.units))
        moves += _moves(cause, r, key, correction, cost)
        answers.append(
            CountPosted(one.expected, correction.units, correction.found_again, correction.left, cost)
        )
        if correction.units or correction.found_again:
            payload = {"units": correction.units, "sku": r.sku, "bin": r.bin}
            announce(cause, [Event("count", r.document, r.company, payload=payload, reason=r.reason)])
    displaced = move_units(cause, moves).displaced
    return _hand_over(requests, answers, displaced)


def _at(r: PostCount) -> At:
    return At(r.sku, r.node, r.bin, r.company, r.status, r.lot, r.serial)


def _looked_for(key: At) -> At:
    return key._replace(status="researching")


def _refusal(r: PostCount, seen: Balance, taken: set[At]) -> Refused | None:
    if r.counted < 0 or not r.reason or (r.serial and r.counted > 1) or _at(r) in taken:
        expected = "units, once for each of the goods, at most one of a serial, and a reason"
        return errors.NotPlaceable(
            field="count", expected=expected, found=Said("{0} for '{1}'", r.counted, r.reason)
        )
    if seen.corrected and r.counted != seen.expected:
        return errors.CorrectedSince(sku=str(r.sku), where=str(r.bin))
    if seen.elsewhere and r.counted > seen.expected:
        return errors.SerialElsewhere(serial=r.serial, sku=str(r.sku), where=seen.elsewhere)
    return None


def _moves(cause: Cause, r: PostCount, key: At, correction: rules.Correction, cost: int) -> list[Move]:
    lost = _looked_for(key)

    def move(
        units: int, source: At | str, target: At | str, event: str, cost_minor: int | None = None
    ) -> Move:
        return Move(
            r.company, r.sku, units, source, target, r.reason, "count", r.document, cause.at, event,
            cost_minor=cost_minor, expires_on=r.expires_on,
        )  # fmt: skip

    all_of_them = (
        move(correction.found, ADJUSTMENT, key, "stock.found", cost),
        move(correction.found_again, lost, key, ""),
        move(correction.gone_lost, lost, ADJUSTMENT, "stock.write_off"),
        move(correction.gone, key, ADJUSTMENT, "stock.write_off"),
    )
    return [one for one in all_of_them if one.quantity]


def _hand_over(
    requests: Sequence[PostCount], answers: Sequence[CountPosted | Refused], displaced: Sequence[Displaced]
) -> list[CountPosted | Refused]:
    """Each displaced promise with the first answer that took units from its position."""
    by_position: Mapping[tuple[UUID, UUID], list[Displaced]] = defaultdict(list)
    for one in displaced:
        by_position[one.sku, one.node].append(one)
    told: list[CountPosted | Refused] = []
    for r, answer in zip(requests, answers, strict=True):
        mine = by_position[r.sku, r.node]
        if isinstance(answer, CountPosted) and answer.posted < 0 and mine:
            answer = replace(answer, displaced=tuple(mine))
            mine.clear()
        told.append(answer)
    return told


# What moved after the moment is taken off what is there now. Moves that were recorded before the count began are from
# before it. A count that was posted since is a correction of the same records, and no movement.
_BALANCES = """
SELECT COALESCE(good.quantity, 0) - COALESCE(good.since, 0), COALESCE(lost.quantity, 0) - COALESCE(lost.since, 0),
       COALESCE(good.quantity, 0), COALESCE(lost.quantity, 0), COALESCE(good.committed, 0),
       COALESCE(good.corrected, FALSE), COALESCE(other.code, '')
FROM unnest(%(places)s::int[], %(sku)s::uuid[], %(node)s::uuid[], %(bin)s::uuid[], %(owner)s::smallint[],
            %(status)s::text[], %(lot)s::text[], %(serial)s::text[], %(times)s::timestamptz[], %(after)s::bigint[])
     AS k(place, sku, node, bin, owner, status, lot, serial, at, after)
LEFT JOIN LATERAL (
    SELECT b.quantity, b.committed, m.since, m.corrected FROM stock_bucket AS b
    LEFT JOIN LATERAL (
        SELECT sum(CASE WHEN m.to_bucket = b.id THEN m.quantity ELSE -m.quantity END)
                   FILTER (WHERE m.document_kind <> 'count')::int AS since,
               bool_or(m.document_kind = 'adjustment') AS corrected
        FROM stock_move AS m
        WHERE m.sku_id = k.sku AND m.id > k.after AND m.occurred_at > k.at AND b.id IN (m.from_bucket, m.to_bucket)
    ) AS m ON TRUE
    WHERE b.sku_id = k.sku AND b.node_id = k.node AND b.bin_id = k.bin AND b.owner_id = k.owner AND b.lot = k.lot
      AND b.serial = k.serial AND b.status = k.status) AS good ON TRUE
LEFT JOIN LATERAL (
    SELECT b.quantity, m.since FROM stock_bucket AS b
    LEFT JOIN LATERAL (
        SELECT sum(CASE WHEN m.to_bucket = b.id THEN m.quantity ELSE -m.quantity END)::int AS since
        FROM stock_move AS m
        WHERE m.sku_id = k.sku AND m.id > k.after AND m.occurred_at > k.at AND b.id IN (m.from_bucket, m.to_bucket)
          AND m.document_kind <> 'count'
    ) AS m ON TRUE
    WHERE k.status = 'sellable' AND b.sku_id = k.sku AND b.node_id = k.node AND b.bin_id = k.bin
      AND b.owner_id = k.owner AND b.lot = k.lot AND b.serial = k.serial AND b.status = 'researching') AS lost ON TRUE
LEFT JOIN LATERAL (
    SELECT COALESCE(bin.code, n.code) AS code FROM stock_bucket AS b JOIN network_node AS n ON n.id = b.node_id
    LEFT JOIN network_bin AS bin ON bin.id = b.bin_id
    WHERE k.serial <> '' AND b.sku_id = k.sku AND b.serial = k.serial AND b.quantity > 0
      AND b.bin_id IS DISTINCT FROM k.bin LIMIT 1) AS other ON TRUE
ORDER BY k.place
"""
