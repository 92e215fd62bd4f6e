"""Units that stand in second grade become the SKU that they are sold as, at no more than they will bring."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns import regrading
from entrepot.stock.commands.move import ADJUSTMENT, At, Move, move_units

DOCUMENT = "second grade"


class Into(NamedTuple):
    """What a SKU is sold as in a grade, its list price and that of the SKU itself."""

    sku: UUID
    price: Decimal | None
    price_before: Decimal | None


class Regrade(NamedTuple):
    """Units of a disposition that stand in second grade, and where they are sold from."""

    disposition: UUID
    return_id: UUID
    company: int
    currency: str
    grade: str
    quantity: int
    source: At
    target: At
    into: Into
    at: datetime
    reason: str = ""  # why their customer sent them


def named_for(skus: Collection[UUID]) -> dict[tuple[UUID, str], Into]:
    """What SKUs are sold as, by (SKU, grade). 1 statement."""
    return {(row[0], row[1]): Into(*row[2:]) for row in sql.run(_NAMED, {"skus": list(skus)})}


def regrade(cause: Cause, wanted: Sequence[Regrade]) -> list[int]:
    """The value of each as what it is sold as. The caller has locked the positions of both SKUs and the buckets, has
    seen that the units are there, and counts them as gathered. 23 statements at most, none for none."""
    if not wanted:
        return []
    rules = policies.of_companies({one.company for one in wanted}, regrading.SecondGrade, cause.at)
    made = [ids.uuid7() for _ in wanted]
    ends = _expiries([one.source for one in wanted])
    costs = move_units(cause, [_out(one, key) for one, key in zip(wanted, made, strict=True)]).values
    found = [_worth(one, rules[one.company][1]) for one in wanted]
    values = [regrading.value(cost, each) for cost, each in zip(costs, found, strict=True)]
    move_units(cause, [
        _in(one, key, value, ends.get(one.source)) for one, key, value in zip(wanted, made, values, strict=True)
    ])  # fmt: skip
    postings = [
        Posting(
            one.company, "second_grade.written_down", DOCUMENT, key, one.currency, [("write_down", cost - value)],
            one.at, reason=one.reason,
        )
        for one, key, cost, value in zip(wanted, made, costs, values, strict=True) if cost > value
    ]  # fmt: skip
    if postings:
        whole(post(cause, requests=postings))
    who = cause.actor.name
    sql.write("returns_regrading", _REGRADING, [
        (
            key, one.company, one.disposition, one.source.sku, one.into.sku, one.grade, one.source.node,
            one.target.bin, one.quantity, cost, value, each.why, who, one.at,
        )
        for one, key, cost, value, each in zip(wanted, made, costs, values, found, strict=True)
    ])  # fmt: skip
    announce(cause, [
        Event("return", one.return_id, one.company, "", "", one.at, {
            "second_grade": one.into.sku, "units": one.quantity, "cost_minor": cost, "value_minor": value,
        })
        for one, cost, value in zip(wanted, costs, values, strict=True)
    ])  # fmt: skip
    return values


def _worth(one: Regrade, policy: regrading.SecondGrade) -> regrading.Worth:
    def listed(price: Decimal | None) -> int | None:
        return None if price is None else money.extend(one.quantity, price, one.currency)

    return regrading.worth(
        policy, one.grade, one.quantity, listed(one.into.price), listed(one.into.price_before)
    )


def _expiries(sources: Collection[At]) -> dict[At, date]:
    """When units expire that stand in buckets: another SKU of their lot does on the same day. 1 statement."""
    return {At(*row[1:]): row[0] for row in sql.run(_EXPIRIES, sql.columns(At._fields, sorted(set(sources))))}


def _out(one: Regrade, document: UUID) -> Move:
    return Move(
        one.company, one.source.sku, one.quantity, one.source, ADJUSTMENT, DOCUMENT, DOCUMENT, document, one.at,
        "stock.graded_down",
    )  # fmt: skip


def _in(one: Regrade, document: UUID, value: int, expires_on: date | None) -> Move:
    return Move(
        one.company, one.into.sku, one.quantity, ADJUSTMENT, one.target, DOCUMENT, DOCUMENT, document, one.at,
        "stock.second_grade", None, value, expires_on=expires_on,
    )  # fmt: skip


_REGRADING = (
    "id", "company_id", "disposition_id", "sku_id", "into_id", "grade", "node_id", "bin_id", "quantity", "cost_minor",
    "value_minor", "why", "decided_by", "decided_at",
)  # fmt: skip

_EXPIRIES = """
SELECT b.expires_on, b.sku_id, b.node_id, b.bin_id, b.owner_id::int, b.status, b.lot, b.serial
FROM unnest(%(sku)s::uuid[], %(node)s::uuid[], %(bin)s::uuid[], %(owner)s::smallint[], %(status)s::text[],
            %(lot)s::text[], %(serial)s::text[]) AS k(sku, node, bin, owner, status, lot, serial)
JOIN stock_bucket AS b ON b.sku_id = k.sku AND b.node_id = k.node AND b.bin_id = k.bin AND b.lot = k.lot
 AND b.serial = k.serial AND b.status = k.status AND b.owner_id = k.owner
WHERE b.expires_on IS NOT NULL
"""

_NAMED = """
SELECT g.sku_id, g.grade, g.into_id, i.list_price, s.list_price
FROM returns_secondgrade AS g JOIN catalog_sku AS i ON i.id = g.into_id JOIN catalog_sku AS s ON s.id = g.sku_id
WHERE g.sku_id = ANY(%(skus)s::uuid[])
"""
