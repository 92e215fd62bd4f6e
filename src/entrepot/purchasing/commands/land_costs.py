"""Spread bills of freight, duty, insurance and handling over the goods that they brought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.add_costs import Added, AddedCost, add_costs
from entrepot.purchasing import errors, landing
from entrepot.purchasing.landing import Arrived


@dataclass(frozen=True, slots=True)
class LandCost:
    """A bill in the company's currency for the goods of some receipts, under the payee's own number for it; a credit
    note below zero. Spread by `value`, `weight`, `quantity` or `volume`."""

    company: int
    kind: str
    payee: str
    external_id: str
    amount_minor: int
    basis: str
    receipts: tuple[UUID, ...]
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CostLanded:
    """What of the bill is borne by stock, there or on its way, and by the cost of sales for units that are gone. Not
    `fresh` where it was taken before."""

    cost: UUID
    number: str
    lines: int
    stock_minor: int
    gone_minor: int
    fresh: bool


class _Draft(NamedTuple):
    id: UUID
    number: str
    request: LandCost
    lines: list[Arrived]
    parts: list[int]
    at: datetime


class _Taken(NamedTuple):
    id: UUID
    number: str
    amount: int
    lines: int
    stock: int
    gone: int


@command("purchasing.land_costs")
def land_costs(cause: Cause, /, *, requests: Sequence[LandCost]) -> list[CostLanded | Refused]:
    """Each bill on its receipt lines, to the minor unit by largest remainder: what is still there is worth more, what
    is gone cost more to sell; the payee is owed it.

    Under the moving average units of a receipt are still there as far as its node has so many; by layers it is known.
    Locks: bills of the company, one at a time; then as `ledger.add_costs`.
    Refuses: NotFound (receipt); Invalid (kind, basis, amount, no payee or number, a SKU without the measure);
    purchasing.landed_otherwise; what the ledger refuses, for all. Again: by key, and by the payee's number.
    14 statements; 2 more with layers.
    """
    names = [(one.company, one.payee.strip(), one.external_id.strip()) for one in requests]
    sql.run(_LOCK, {"companies": sorted({one.company for one in requests})})
    known = {row[:3]: _Taken(*row[3:]) for row in sql.run(_TAKEN, sql.columns(_NAME, names))}
    lines, currencies = _load(requests)
    numbers = iter(ids.numbers("LC", len(requests)))

    answers: list[CostLanded | Refused | _Draft] = []
    begun: dict[tuple[int, str, str], _Draft] = {}
    for one, name in zip(requests, names, strict=True):
        found = known.get(name) or (_as_taken(begun[name]) if name in begun else None)
        if found and found.amount != one.amount_minor:
            answers.append(_otherwise(one, found, currencies[one.company]))
        elif name in begun:
            answers.append(begun[name])
        elif found:
            answers.append(
                CostLanded(found.id, found.number, found.lines, found.stock, found.gone, fresh=False)
            )
        else:
            draft = _decide(cause, one, lines, next(numbers))
            answers.append(draft)
            if isinstance(draft, _Draft):
                begun[name] = draft
    added = _write(cause, list(begun.values()), currencies) if begun else {}
    return [
        _landed(one, added[one.id], fresh=one.request is asked) if isinstance(one, _Draft) else one
        for asked, one in zip(requests, answers, strict=True)
    ]


def _load(requests: Sequence[LandCost]) -> tuple[dict[tuple[int, UUID], list[Arrived]], dict[int, str]]:
    """Lines by company and receipt, and the currencies of companies. 2 statements."""
    lines: dict[tuple[int, UUID], list[Arrived]] = defaultdict(list)
    for company, *row in sql.run(
        _LINES, {"receipts": list({which for one in requests for which in one.receipts})}
    ):
        lines[company, row[1]].append(Arrived(*row))
    return lines, dict(sql.run("SELECT id::int, currency::text FROM parties_company"))  # type: ignore[arg-type]


def _decide(
    cause: Cause, one: LandCost, lines: dict[tuple[int, UUID], list[Arrived]], number: str
) -> _Draft | Refused:
    refused = landing.misfit(one.kind, one.basis, one.amount_minor, one.payee, one.external_id)
    if refused:
        return refused
    missing = [str(which) for which in one.receipts if (one.company, which) not in lines]
    if missing or not one.receipts:
        return NotFound(what="receipt", which=", ".join(missing) or "none was named")
    arrived = [line for which in dict.fromkeys(one.receipts) for line in lines[one.company, which]]
    parts = landing.spread(one.amount_minor, one.basis, arrived)
    if isinstance(parts, Refused):
        return parts
    return _Draft(ids.uuid7(), number, one, arrived, parts, one.occurred_at or cause.at)


def _as_taken(draft: _Draft) -> _Taken:
    return _Taken(draft.id, draft.number, draft.request.amount_minor, len(draft.lines), 0, 0)


def _otherwise(one: LandCost, found: _Taken, currency: str) -> Refused:
    return errors.LandedOtherwise(
        external_id=one.external_id, payee=one.payee, number=found.number,
        expected=money.told(found.amount, currency), found=money.told(one.amount_minor, currency),
    )  # fmt: skip


def _landed(one: _Draft, added: Sequence[Added], *, fresh: bool) -> CostLanded:
    stock = sum(each.stock + each.transit for each in added)
    return CostLanded(one.id, one.number, len(one.lines), stock, one.request.amount_minor - stock, fresh)


def _write(cause: Cause, drafts: Sequence[_Draft], currencies: dict[int, str]) -> dict[UUID, list[Added]]:
    """The last lines of a receipt are asked first: under the average the latest goods are there before others."""
    asked = [
        (draft, line, part)
        for draft in drafts
        for line, part in reversed(list(zip(draft.lines, draft.parts, strict=True)))
    ]
    told = add_costs(cause, [
        AddedCost(
            draft.request.company, line.sku, line.node, line.receipt, line.quantity, part, "landed_cost", draft.id,
            currencies[draft.request.company], draft.at,
        )
        for draft, line, part in asked
    ])  # fmt: skip
    sql.write("purchasing_landedcost", _COST, [
        (
            one.id, one.number, one.request.company, one.request.kind, one.request.payee.strip(),
            one.request.external_id.strip(), one.request.basis, one.request.amount_minor, cause.actor.name, one.at,
        )
        for one in drafts
    ])  # fmt: skip
    sql.write("purchasing_landedpart", _PART, [
        (
            draft.id, line.line, line.receipt, line.sku, line.quantity, part, added.on_hand,
            added.stock + added.transit, added.gone,
        )
        for (draft, line, part), added in zip(asked, told, strict=True)
    ])  # fmt: skip
    announce(cause, [
        Event("landed_cost", one.id, one.request.company, "", "landed", one.at,
              {"number": one.number, "amount_minor": one.request.amount_minor, "receipts": list(one.request.receipts)})
        for one in drafts
    ])  # fmt: skip
    answers: dict[UUID, list[Added]] = defaultdict(list)
    for (draft, _, _), added in zip(asked, told, strict=True):
        answers[draft.id].append(added)
    return answers


_NAME = ("companies", "payees", "externals")

_COST = (
    "id", "number", "company_id", "kind", "payee", "external_id", "basis", "amount_minor", "landed_by", "landed_at",
)  # fmt: skip

_PART = (
    "cost_id", "line_id", "receipt_id", "sku_id", "quantity", "amount_minor", "on_hand", "stock_minor", "gone_minor",
)  # fmt: skip

# One at a time says which bills are new.
_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('purchasing.land_costs', company))
FROM (SELECT company FROM unnest(%(companies)s::int[]) AS k(company) ORDER BY 1) AS sorted
"""

_TAKEN = """
SELECT c.company_id::int, c.payee, c.external_id, c.id, c.number, c.amount_minor, count(*)::int,
       sum(p.stock_minor)::bigint, sum(p.gone_minor)::bigint
FROM (SELECT DISTINCT * FROM unnest(%(companies)s::smallint[], %(payees)s::text[], %(externals)s::text[]))
     AS k(company, payee, external)
JOIN purchasing_landedcost AS c ON c.company_id = k.company AND c.payee = k.payee AND c.external_id = k.external
JOIN purchasing_landedpart AS p ON p.cost_id = c.id
GROUP BY c.id
"""

_LINES = """
SELECT line.company_id::int, line.id, line.receipt_id, receipt.node_id, line.sku_id, sku.code, line.quantity,
       COALESCE(line.home_minor, line.value_minor), line.quantity * sku.weight_g::bigint,
       line.quantity * sku.length_mm::bigint * sku.width_mm * sku.height_mm
FROM purchasing_receiptline AS line JOIN purchasing_receipt AS receipt ON receipt.id = line.receipt_id
JOIN catalog_sku AS sku ON sku.id = line.sku_id
WHERE line.receipt_id = ANY(%(receipts)s::uuid[]) ORDER BY line.receipt_id, line.id
"""
