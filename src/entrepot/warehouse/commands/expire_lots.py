"""Lots whose day has come are taken out of sellable stock, and those that will expire soon are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.stock.commands.change_status import ChangeStatus, StatusChanged, change_status
from entrepot.stock.expiry import Expiry
from entrepot.warehouse.commands.missing import reopen
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class ExpireLots:
    """The lots of a company whose day has come, each by the time of its node."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LotsExpired:
    """Units that are not sellable any more; `claimed` ones stay with the picks that have them. Lots that will expire
    and that somebody is told of, once each."""

    company: int
    units: int
    claimed: int
    warned: int


class _Lot(NamedTuple):
    """Units of a lot in a bin; `over` where they may not be sold any more."""

    company: int
    sku: UUID
    sku_code: str
    node: UUID
    node_code: str
    bin: UUID
    lot: str
    serial: str
    expires_on: date
    quantity: int
    committed: int
    over: bool


@command("warehouse.expire_lots")
def expire_lots(cause: Cause, /, *, requests: Sequence[ExpireLots]) -> list[LotsExpired | Refused]:
    """What has expired is not sellable any more; promises that break are sourced again, with a work item for each
    order. A work item for each lot that will expire soon, and for what picks still have of one that has.

    Locks: as `stock.change_status`, then the orders displaced. Refuses: NotFound (company). Again: nothing is left to
    take out, and each lot has its item. 4 statements; those of `stock.change_status` where something has expired, 5
    where promises were displaced, 1 for work items.
    """
    companies = {
        company for (company,) in sql.run(_COMPANIES, {"companies": [one.company for one in requests]})
    }
    rules = {
        company: rule for company, (_, rule) in policies.of_companies(companies, Expiry, cause.at).items()
    }
    rows = [(company, rule.days_left, rule.warn_days) for company, rule in rules.items()]
    lots = [
        _Lot(*row)
        for row in sql.run(_LOTS, {**sql.columns(("companies", "left", "warn"), rows), "at": cause.at})
    ]

    over = [lot for lot in lots if lot.over and lot.quantity > lot.committed]
    moved = _take_out(cause, over, rules) if over else []
    claimed = [lot for lot in lots if lot.over and lot.committed]
    soon = {(lot.company, lot.sku, lot.node, lot.lot): lot for lot in lots if not lot.over}
    open_items(cause, requests=[*map(_still_picked, _by_lot(claimed)), *map(_expires_soon, soon.values())])

    units: dict[int, int] = defaultdict(int)
    for lot in moved:
        units[lot.company] += lot.quantity - lot.committed
    left: dict[int, int] = defaultdict(int)
    for lot in claimed:
        left[lot.company] += lot.committed
    return [
        LotsExpired(
            one.company, units.pop(one.company, 0), left.pop(one.company, 0),
            sum(lot.company == one.company for lot in soon.values()),
        )
        if one.company in companies
        else NotFound(what="company", which=one.company)
        for one in requests
    ]  # fmt: skip


def _take_out(cause: Cause, over: Sequence[_Lot], rules: dict[int, Expiry]) -> list[_Lot]:
    """Change the status of what no pick has a claim on; what left meanwhile is gone anyway."""
    requests = [
        ChangeStatus(
            lot.company, lot.sku, lot.node, lot.bin, lot.quantity - lot.committed, "sellable",
            rules[lot.company].becomes, "expired", lot=lot.lot, serial=lot.serial,
        )
        for lot in over
    ]  # fmt: skip
    answers = change_status(cause, requests=requests)
    reopen(cause, [lost for one in answers if isinstance(one, StatusChanged) for lost in one.displaced])
    return [lot for lot, one in zip(over, answers, strict=True) if isinstance(one, StatusChanged)]


def _by_lot(lots: Sequence[_Lot]) -> list[_Lot]:
    """Each lot of a node once, with all of its units."""
    found: dict[tuple[int, UUID, UUID, str], _Lot] = {}
    for lot in lots:
        name = (lot.company, lot.sku, lot.node, lot.lot)
        before = found.get(name)
        found[name] = lot._replace(committed=lot.committed + before.committed) if before else lot
    return list(found.values())


def _still_picked(lot: _Lot) -> OpenItem:
    reason = Said(
        "{0} units of {1}, lot {2}, expired on {3} and are being picked at {4}",
        lot.committed,
        lot.sku_code,
        lot.lot,
        lot.expires_on,
        lot.node_code,
    )
    return _item("expired and picked", lot, reason, hours=2, priority=80)


def _expires_soon(lot: _Lot) -> OpenItem:
    reason = Said(
        "Lot {0} of {1} at {2} expires on {3}", lot.lot, lot.sku_code, lot.node_code, lot.expires_on
    )
    return _item("lot expires", lot, reason, hours=72, priority=40)


def _item(kind: str, lot: _Lot, reason: str, *, hours: int, priority: int) -> OpenItem:
    facts = {"lot": lot.lot, "expires_on": lot.expires_on, "node": lot.node_code, "units": lot.quantity}
    return OpenItem(
        lot.company, kind, "sku", lot.sku, reason, "inventory manager", facts, priority, hours,
        f"{lot.sku}/{lot.node}/{lot.lot}",
    )  # fmt: skip


_COMPANIES = "SELECT id::int FROM parties_company WHERE id = ANY(%(companies)s::smallint[]) ORDER BY id"

# A day ends when it ends at the node.
_LOTS = """
SELECT b.company_id::int, b.sku_id, s.code, b.node_id, n.code, b.bin_id, b.lot, b.serial, b.expires_on, b.quantity,
       b.committed, b.expires_on < (%(at)s::timestamptz AT TIME ZONE n.time_zone)::date + k.left_days
FROM unnest(%(companies)s::smallint[], %(left)s::int[], %(warn)s::int[]) AS k(company, left_days, warn_days)
JOIN stock_bucket AS b ON b.company_id = k.company AND b.status = 'sellable'
 AND b.expires_on < (%(at)s::timestamptz)::date + 2 + k.left_days + k.warn_days
JOIN network_node AS n ON n.id = b.node_id JOIN catalog_sku AS s ON s.id = b.sku_id
WHERE b.quantity > 0 AND b.expires_on IS NOT NULL
  AND b.expires_on < (%(at)s::timestamptz AT TIME ZONE n.time_zone)::date + k.left_days + k.warn_days
ORDER BY b.expires_on, b.id
"""
