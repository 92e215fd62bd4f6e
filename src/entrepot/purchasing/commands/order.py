"""Order goods from suppliers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger import queries as ledger
from entrepot.purchasing import approval, errors, rules
from entrepot.purchasing.approval import Approval
from entrepot.purchasing.rules import OrderedLine
from entrepot.stock.commands.expect import Expect, expect
from entrepot.work.commands.open_items import OpenItem, open_items

__all__ = ["GoodsOrdered", "OrderGoods", "OrderedLine", "order"]

ITEM = "purchase order to approve"


@dataclass(frozen=True, slots=True)
class OrderGoods:
    """Goods from a supplier for a node; each line is (SKU, quantity, unit cost). Without `wanted_on` they are wanted
    when the supplier usually has them here.

    `external_ref` is the order's name in another system, once in a company; '' where there is none.
    """

    company: int
    supplier: UUID
    node: UUID
    external_ref: str
    lines: tuple[OrderedLine | tuple[Any, ...], ...]
    occurred_at: datetime | None = None
    key: str | None = None
    wanted_on: date | None = None


@dataclass(frozen=True, slots=True)
class GoodsOrdered:
    """The order; `waiting` where another person has to approve it."""

    order: UUID
    number: str
    state: str = "open"


class Skus(NamedTuple):
    """The codes of SKUs by their companies, and of those of them that are kits."""

    codes: dict[int, dict[UUID, str]]
    kits: dict[UUID, str]


class Known(NamedTuple):
    """What the requests of a batch name, as far as it exists in their companies."""

    suppliers: dict[tuple[int, UUID], tuple[str, str, int]]  # currencies of supplier and company, lead days
    nodes: set[tuple[int, UUID]]
    skus: Skus


@command("purchasing.order")
def order(cause: Cause, /, *, requests: Sequence[OrderGoods]) -> list[GoodsOrdered | Refused]:
    """A purchase order for each request, open. Whoever orders can't receive it: the actor takes that duty. One that is
    worth more than the policy `purchasing.approval` lets one person order waits for another's approval, and nothing of
    it is expected until then.

    Refuses: NotFound (supplier, node, SKU); Invalid (lines); purchasing.duplicate.
    Again: by key, and by `external_ref` where there is one. 10 statements; 1 more where a reference is taken, 1 where
    there is a limit and another currency, 2 where some waits.
    """
    asked = [[rules.OrderedLine(*line) for line in one.lines] for one in requests]
    known = _load(requests, asked)

    limits = policies.of_companies((one.company for one in requests), Approval, cause.at)
    rates = _rates(cause, requests, known, limits)
    answers: list[GoodsOrdered | Refused] = []
    rows: list[tuple[Any, ...]] = []
    numbers = iter(ids.numbers("PO", len(requests)))
    for one, lines in zip(requests, asked, strict=True):
        if refusal := _refusal(one, lines, known):
            answers.append(refusal)
            continue
        currency, home, _ = known.suppliers[one.company, one.supplier]
        policy = limits[one.company][1]
        rate = rates.get((one.company, currency, _day(cause, one)))
        worth = approval.worth([(line.quantity, line.unit_cost) for line in lines], currency, home, rate)
        state = "waiting" if policy.waits(worth) else "open"
        row = (
            ids.uuid7(), next(numbers), one.company, one.supplier, one.node, one.external_ref, currency,
            cause.actor.name, one.occurred_at or cause.at, state, worth, policy.limit,
        )  # fmt: skip
        rows.append(row)
        answers.append(GoodsOrdered(row[0], row[1], state))

    made = {row[0] for row in sql.run(_INSERT, sql.columns(_INSERTED, rows))} if rows else set()
    answers = _without_duplicates(requests, answers, made)
    _write_lines(cause, requests, asked, answers, known)
    rows = [row for row in rows if row[0] in made]
    _take_duties(cause, rows)
    announce(
        cause,
        (
            Event(
                "purchase_order", row[0], row[2], "", row[9], row[8], {"number": row[1], "supplier": row[3]}
            )
            for row in rows
        ),
    )
    _ask(cause, [row for row in rows if row[9] == "waiting"], known)
    return answers


def _take_duties(cause: Cause, rows: Sequence[tuple[Any, ...]]) -> None:
    who = cause.actor.name
    duties = [Duty(row[0], "order×receive×accept", "order", who, row[1]) for row in rows]
    duties += [Duty(row[0], approval.PAIR, "order", who, row[1]) for row in rows if row[9] == "waiting"]
    whole(take_duty(cause, requests=duties))


def _ask(cause: Cause, waiting: Sequence[tuple[Any, ...]], known: Known) -> None:
    """Work for who approves."""
    if waiting:
        open_items(cause, requests=[
            OpenItem(
                company, ITEM, "purchase_order", which,
                Said("{0} asks to order {1} of a supplier ({2}): one person orders up to {3} alone.", who,
                     "?" if worth is None else money.told(worth, known.suppliers[company, supplier][1]), number,
                     money.told(limit, known.suppliers[company, supplier][1])),
                "controller", occurred_at=cause.at,
            )
            for which, number, company, supplier, _, _, _, who, _, _, worth, limit in waiting
        ])  # fmt: skip


def _day(cause: Cause, one: OrderGoods) -> date:
    return (one.occurred_at or cause.at).astimezone(UTC).date()


def _rates(
    cause: Cause, requests: Sequence[OrderGoods], known: Known, limits: Mapping[int, tuple[int, Approval]]
) -> dict[tuple[int, str, date], Decimal]:
    """What the currencies of suppliers are worth on the day of each order, where a limit asks for it."""
    return ledger.rates_at({
        (one.company, supplier[0], _day(cause, one))
        for one in requests
        if limits[one.company][1].alone_up_to_minor is not None
        if (supplier := known.suppliers.get((one.company, one.supplier))) and supplier[0] != supplier[1]
    })  # fmt: skip


def _load(requests: Sequence[OrderGoods], asked: Sequence[Sequence[OrderedLine]]) -> Known:
    companies = sorted({one.company for one in requests})
    suppliers = {"companies": companies, "ids": list({one.supplier for one in requests})}
    nodes = {"companies": companies, "ids": list({one.node for one in requests})}
    skus = skus_of(companies, {line.sku for lines in asked for line in lines})
    return Known(
        {
            (company, one): (currency, books, lead_days)
            for company, one, currency, books, lead_days in sql.run(_SUPPLIERS, suppliers)
        },
        {(company, one) for company, one in sql.run(_NODES, nodes)},
        skus,
    )


def skus_of(companies: Collection[int], wanted: Collection[UUID]) -> Skus:
    """SKUs, as far as the companies have them. 1 statement."""
    found = Skus({company: {} for company in companies}, {})
    for company, sku, code, is_kit in sql.run(_SKUS, {"companies": list(companies), "ids": list(wanted)}):
        found.codes[company][sku] = code
        if is_kit:
            found.kits[sku] = code
    return found


def kit_among(lines: Sequence[OrderedLine], kits: Mapping[UUID, str]) -> Refused | None:
    """Why lines can't be ordered: a supplier sends no kits."""
    kit = next((kits[line.sku] for line in lines if line.sku in kits), None)
    if kit is None:
        return None
    return Invalid(field="sku", expected="what a supplier sends: the components of the kit", found=kit)


def _refusal(one: OrderGoods, lines: Sequence[OrderedLine], known: Known) -> Refused | None:
    if (one.company, one.supplier) not in known.suppliers:
        return NotFound(what="supplier", which=str(one.supplier))
    if (one.company, one.node) not in known.nodes:
        return NotFound(what="node", which=str(one.node))
    return kit_among(lines, known.skus.kits) or rules.misfit(lines, known.skus.codes[one.company])


def _without_duplicates(
    requests: Sequence[OrderGoods], answers: Sequence[GoodsOrdered | Refused], made: set[UUID]
) -> list[GoodsOrdered | Refused]:
    """The answers, refused where another order holds the reference."""
    taken = [
        (one.company, one.external_ref)
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, GoodsOrdered) and answer.order not in made
    ]
    if not taken:
        return list(answers)
    found = {
        (company, ref): number
        for company, ref, number in sql.run(_TAKEN, sql.columns(("companies", "refs"), taken))
    }
    return [
        errors.Duplicate(external_ref=one.external_ref, number=found[one.company, one.external_ref])
        if isinstance(answer, GoodsOrdered) and answer.order not in made
        else answer
        for one, answer in zip(requests, answers, strict=True)
    ]


def _write_lines(
    cause: Cause,
    requests: Sequence[OrderGoods],
    asked: Sequence[Sequence[OrderedLine]],
    answers: Sequence[GoodsOrdered | Refused],
    known: Known,
) -> None:
    """The lines, and what stock may expect of them."""
    rows = [
        (
            ids.uuid7(),
            answer.order,
            one.company,
            number,
            line.sku,
            line.quantity,
            0,
            line.unit_cost,
            _due(cause, one, known),
        )
        for one, lines, answer in zip(requests, asked, answers, strict=True)
        if isinstance(answer, GoodsOrdered)
        for number, line in enumerate(lines, 1)
    ]
    sql.write("purchasing_orderline", LINE, rows)
    comes = {
        answer.order: (one.node, _due(cause, one, known))
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, GoodsOrdered) and answer.state == "open"
    }
    expect(
        cause,
        requests=[
            Expect(company, line, sku, comes[order][0], "purchase_order", order, quantity, comes[order][1])
            for line, order, company, _, sku, quantity, _, _, _ in rows
            if order in comes
        ],
    )


def _due(cause: Cause, one: OrderGoods, known: Known) -> date:
    """The day asked for, or when the supplier usually has it here."""
    return (
        one.wanted_on
        or (
            (one.occurred_at or cause.at) + timedelta(days=known.suppliers[one.company, one.supplier][2])
        ).date()
    )


LINE = ("id", "order_id", "company_id", "number", "sku_id", "quantity", "received", "unit_cost", "wanted_on")

_INSERTED = (
    "ids",
    "numbers",
    "companies",
    "suppliers",
    "nodes",
    "refs",
    "currencies",
    "people",
    "times",
    "states",
    "worths",
    "limits",
)

# DO NOTHING waits for whoever is ordering under the same reference, and leaves the batch whole.
_INSERT = """
INSERT INTO purchasing_order (id, number, company_id, supplier_id, node_id, external_ref, currency, ordered_by,
                              ordered_at, state, home_minor, alone_minor)
SELECT *
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[], %(companies)s::smallint[], %(suppliers)s::uuid[], %(nodes)s::uuid[],
            %(refs)s::text[], %(currencies)s::text[], %(people)s::text[], %(times)s::timestamptz[],
            %(states)s::text[], %(worths)s::bigint[], %(limits)s::bigint[])
ON CONFLICT (company_id, external_ref) WHERE external_ref <> '' DO NOTHING
RETURNING id
"""

_TAKEN = """
SELECT company_id::int, external_ref, number FROM purchasing_order
WHERE (company_id, external_ref) IN (SELECT * FROM unnest(%(companies)s::smallint[], %(refs)s::text[]))
"""

_SUPPLIERS = """
SELECT supplier.company_id::int, supplier.id, supplier.currency, company.currency, supplier.lead_days
FROM parties_supplier AS supplier JOIN parties_company AS company ON company.id = supplier.company_id
WHERE supplier.company_id = ANY(%(companies)s::smallint[]) AND supplier.id = ANY(%(ids)s::uuid[])
"""

_NODES = """
SELECT company_id::int, id FROM network_node
WHERE company_id = ANY(%(companies)s::smallint[]) AND id = ANY(%(ids)s::uuid[])
"""

_SKUS = """
SELECT company_id::int, id, code, EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = catalog_sku.id)
FROM catalog_sku
WHERE company_id = ANY(%(companies)s::smallint[]) AND id = ANY(%(ids)s::uuid[])
"""
