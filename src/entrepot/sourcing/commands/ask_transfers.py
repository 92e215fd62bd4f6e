"""Transfers that a person asks for: work for the node that sends, until they have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.sourcing import rebalancing as rules
from entrepot.sourcing.commands.write_proposals import Row, write
from entrepot.sourcing.errors import AskedAlready
from entrepot.stock import queries as stock
from entrepot.stock.commands.allocate import lock_positions

UNITS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class AskTransfer:
    """Units of a SKU that shall go from one node to another, and why."""

    company: int
    sku: UUID
    source: UUID
    target: UUID
    quantity: int
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The accepted proposal that it is, and what people call it."""

    proposal: UUID
    number: str


class _Facts(NamedTuple):
    """What is known of SKUs and nodes, by (company, id); which SKUs are kits; and what waits to be sent, by SKU and
    both nodes, with its number."""

    skus: dict[tuple[int, UUID], str]
    kits: set[UUID]
    waiting: dict[tuple[UUID, UUID, UUID], str | None]
    places: dict[tuple[int, UUID], rules.Place]
    values: dict[tuple[int, UUID, UUID], Decimal]
    policy: dict[int, rules.Rebalancing]


@command("sourcing.ask_transfers")
def ask_transfers(cause: Cause, /, *, requests: Sequence[AskTransfer]) -> list[TransferAsked | Refused]:
    """Proposals that are accepted as they are made, with a work item for the node that sends; it is closed when the
    units have left, or the proposal is rejected. Whether they are free shows when they are sent.

    Locks: the positions of the SKUs in key order, so that nobody asks for the same meanwhile.
    Refuses: NotFound (the SKU, a node); Invalid (a kit; both nodes the same; units; no reason; a SKU twice between two
    nodes); AskedAlready. Again: by key. 9 statements.
    """
    facts = _load(cause, requests)
    refusals = [_misfit(one, facts) or _claimed(one, facts) for one in requests]
    wanted = [one for one, refused in zip(requests, refusals, strict=True) if refused is None]
    numbers = ids.numbers("RB", len(wanted))
    rows = [_row(cause, one, number, facts) for one, number in zip(wanted, numbers, strict=True)]

    write(cause, rows, _codes(facts))
    asked = iter(rows)
    return [refused or _asked(next(asked)) for refused in refusals]


def _load(cause: Cause, requests: Sequence[AskTransfer]) -> _Facts:
    lock_positions({(one.company, one.sku) for one in requests})
    companies = sorted({one.company for one in requests})
    skus = sql.run(_SKUS, {"companies": companies, "ids": [one.sku for one in requests]})
    nodes = [node for one in requests for node in (one.source, one.target)]
    places = sql.run(_NODES, {"companies": companies, "ids": nodes})
    waiting = sql.run(_WAITING, {"companies": companies, "skus": [one.sku for one in requests]})
    in_force = policies.of_companies(companies, rules.Rebalancing, cause.at)
    return _Facts(
        {(company, sku): code for company, sku, code, _ in skus},
        {sku for _, sku, _, is_kit in skus if is_kit},
        {(sku, source, target): number for sku, source, target, number in waiting},
        {(row[0], row[1]): rules.Place(*row[1:]) for row in places},
        stock.unit_costs({(one.company, one.sku, one.source) for one in requests}),
        {company: body for company, (_, body) in in_force.items()},
    )


def _misfit(one: AskTransfer, facts: _Facts) -> Refused | None:
    """Why a transfer can't be asked for."""
    if (one.company, one.sku) not in facts.skus:
        return NotFound(what="SKU", which=str(one.sku))
    if one.sku in facts.kits:
        return Invalid(
            field="sku",
            expected="a SKU that lies in stock; of a kit, each of its components",
            found=Said("the kit {0}", facts.skus[one.company, one.sku]),
        )
    for node in (one.source, one.target):
        if (one.company, node) not in facts.places:
            return NotFound(what="node", which=str(node))
    if one.source == one.target:
        return Invalid(field="target", expected="another node than the one that sends", found="the same")
    if not 0 < one.quantity <= UNITS_MAX:
        return Invalid(field="quantity", expected=f"1 to {UNITS_MAX}", found=one.quantity)
    if not one.reason.strip():
        return Invalid(field="reason", expected="why they shall go there", found="nothing")
    return None


def _claimed(one: AskTransfer, facts: _Facts) -> Refused | None:
    """Why it is not asked for again; from then on nobody else of the batch asks for it."""
    way, code = (one.sku, one.source, one.target), facts.skus[one.company, one.sku]
    if way not in facts.waiting:
        facts.waiting[way] = None
        return None
    number = facts.waiting[way]
    if number is None:
        expected = "each SKU once between two nodes, with all its units"
        return Invalid(field="sku", expected=expected, found=Said("{0} twice", code))
    source, target = (facts.places[one.company, node].code for node in (one.source, one.target))
    return AskedAlready(number=number, sku=code, source=source, target=target)


def _row(cause: Cause, one: AskTransfer, number: str, facts: _Facts) -> Row:
    policy = facts.policy[one.company]
    source, target = (facts.places[one.company, node] for node in (one.source, one.target))
    km = rules.kilometers(source, target, policy)
    each = rules.unit_cost(km, policy)
    value = money.round_half_away(
        facts.values.get((one.company, one.sku, one.source), Decimal(0)) * one.quantity
    )
    return Row(
        ids.uuid7(), number, one.company, one.sku, one.source, one.target, one.quantity, each * one.quantity, value,
        wire.dump({"asked": True, "km": km, "unit_cost": each}), "accepted", cause.at, cause.actor.name, cause.at,
        one.reason,
    )  # fmt: skip


def _codes(facts: _Facts) -> dict[UUID, str]:
    """Of SKUs and of nodes."""
    nodes = {node: place.code for (_, node), place in facts.places.items()}
    return {sku: code for (_, sku), code in facts.skus.items()} | nodes


def _asked(row: Row) -> TransferAsked:
    return TransferAsked(row.id, row.number)


_SKUS = """
SELECT company_id::int, id, code, EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = s.id)
FROM catalog_sku AS s
WHERE company_id = ANY(%(companies)s::smallint[]) AND id = ANY(%(ids)s::uuid[])
"""

_WAITING = """
SELECT sku_id, from_node_id, to_node_id, max(number) FROM sourcing_transferproposal
WHERE company_id = ANY(%(companies)s::smallint[]) AND state = 'accepted' AND sku_id = ANY(%(skus)s::uuid[])
GROUP BY 1, 2, 3
"""

_NODES = """
SELECT company_id::int, id, code, latitude, longitude FROM network_node
WHERE company_id = ANY(%(companies)s::smallint[]) AND id = ANY(%(ids)s::uuid[]) AND active
"""
