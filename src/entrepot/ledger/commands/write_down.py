"""Value stock at what it can still be sold for where that is less than its cost, and up to its cost again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger import layers
from entrepot.ledger.commands.as_of import end_of, hold_closed, misfit_day
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.commands.value import Key, load_layers, store_layers, store_values
from entrepot.ledger.layers import Layer

UNIT_MAX = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class WriteDown:
    """What a unit of a SKU at a node brings when it is sold, less what selling it costs: in minor units.

    `on`: the day to whose end it is posted, in a month that is open; the moment of recording without. What stands
    there now is valued, so a day in the past is for goods of which none came since.
    """

    company: int
    sku: UUID
    node: UUID
    unit_minor: Decimal
    reason: str
    on: date | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenDown:
    """What stands there now, and by how much it is below cost; `change_minor` above zero is a reversal, zero where it
    was worth that before."""

    change_minor: int
    value_minor: int
    written_minor: int


@dataclass(slots=True)
class _Stock:
    quantity: int
    value: int
    written: int
    layers: list[Layer]


@dataclass(slots=True)
class _Draft:
    id: UUID
    of: WriteDown
    quantity: int
    before: int
    after: int
    written: int

    @property
    def change(self) -> int:
        return self.after - self.before

    @property
    def event(self) -> str:
        return "stock.written_down" if self.change < 0 else "stock.written_up"

    @property
    def kind(self) -> str:
        return "write_down" if self.change < 0 else "reversal"


@command("ledger.write_down")
def write_down(cause: Cause, /, *, requests: Sequence[WriteDown]) -> list[WrittenDown | Refused]:
    """Stock at the lower of cost and what it brings: written down, or written up again, never above its cost. What was
    posted before stays; what leaves from now on leaves at the new value. By layers each one is looked at by itself.

    Locks: where days are said, the closing of months; valuation of the SKUs in key order. Refuses: NotFound (nothing
    stands there); Invalid (unit, reason, day); ledger.month_closed. Again: changes nothing. 8 statements; 1 more with
    layers, 1 where some change, 2 where days are said.
    """
    closed = hold_closed(one.company for one in requests if one.on is not None)
    stock = _load([(one.company, one.sku, one.node, "stock") for one in requests])
    answers: list[WrittenDown | Refused] = []
    drafts: list[_Draft] = []
    for one in requests:
        found = stock.get((one.company, one.sku, one.node, "stock"))
        refused = _misfit(one, found) or (
            misfit_day(one.company, one.on, cause.at, closed) if one.on else None
        )
        if refused:
            answers.append(refused)
            continue
        assert found is not None
        before = found.value
        _bring(found, one.unit_minor)
        answers.append(WrittenDown(found.value - before, found.value, found.written))
        if found.value != before:
            drafts.append(_Draft(ids.uuid7(), one, found.quantity, before, found.value, found.written))
    if drafts:
        _write(cause, drafts, stock)
    return answers


def _load(keys: Sequence[Key]) -> dict[Key, _Stock]:
    rows = sql.run(_LOCK, sql.columns(("companies", "skus", "nodes", "pools"), dict.fromkeys(keys)))
    found = {row[:4]: _Stock(row[4], row[5], row[6], []) for row in rows}
    in_layers = [row[:4] for row in rows if row[7] == "fifo"]
    for key, standing in (load_layers(in_layers) if in_layers else {}).items():
        found[key].layers = standing
    return found


def _misfit(one: WriteDown, found: _Stock | None) -> Refused | None:
    if found is None:
        return NotFound(what="stock of the SKU at the node", which=str(one.sku))
    if not one.unit_minor.is_finite() or not 0 <= one.unit_minor <= UNIT_MAX:
        return Invalid(field="unit_minor", expected=Said("0 to {0}", UNIT_MAX), found=str(one.unit_minor))
    if not one.reason.strip():
        return Invalid(field="reason", expected="why a unit brings so much", found="nothing")
    return None


def _occurred(one: WriteDown, now: datetime) -> datetime:
    return now if one.on is None else end_of(one.on, now)


def _bring(found: _Stock, unit: Decimal) -> None:
    if not found.layers:
        found.value, found.written = layers.at_most(found.quantity, found.value, found.written, unit)
        return
    for layer in found.layers:
        layer.value, layer.written = layers.at_most(layer.quantity, layer.value, layer.written, unit)
    found.value = sum(layer.value for layer in found.layers)
    found.written = sum(layer.written for layer in found.layers)


def _write(cause: Cause, drafts: Sequence[_Draft], stock: dict[Key, _Stock]) -> None:
    touched = {(one.of.company, one.of.sku, one.of.node, "stock") for one in drafts}
    rows = [(*key, stock[key].quantity, stock[key].value, stock[key].written) for key in sorted(touched)]
    store_values(rows)
    store_layers([layer for key in touched for layer in stock[key].layers])
    sql.write("ledger_writedown", _WRITE_DOWN, [
        (one.id, one.of.company, one.of.sku, one.of.node, one.quantity, one.of.unit_minor, one.before,
         one.after, one.written, one.of.reason.strip(), cause.actor.name, cause.at)
        for one in drafts
    ])  # fmt: skip
    currencies = dict(sql.run("SELECT id::int, currency::text FROM parties_company"))
    whole(post(cause, requests=[
        Posting(one.of.company, one.event, "writedown", one.id, currencies[one.of.company],
                ((one.kind, abs(one.change)),), _occurred(one.of, cause.at), reason=one.of.reason)
        for one in drafts
    ]))  # fmt: skip
    announce(cause, [
        Event("writedown", one.id, one.of.company, "", "written down" if one.change < 0 else "written up",
              _occurred(one.of, cause.at),
              {"sku": one.of.sku, "units": one.quantity, "value_minor": one.after,
               "change_minor": one.change}, one.of.reason.strip())
        for one in drafts
    ])  # fmt: skip


_WRITE_DOWN = (
    "id", "company_id", "sku_id", "node_id", "quantity", "unit_minor", "before_minor", "after_minor", "written_minor",
    "reason", "decided_by", "decided_at",
)  # fmt: skip

_LOCK = """
SELECT v.company_id::int, v.sku_id, v.node_id, v.pool, v.quantity, v.value_minor, v.written_minor,
       COALESCE((SELECT method FROM ledger_costing AS c WHERE c.company_id = v.company_id
                 ORDER BY c.id DESC LIMIT 1), 'average')
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[])
     AS k(company, sku, node, pool)
JOIN ledger_valuation AS v
  ON v.company_id = k.company AND v.sku_id = k.sku AND v.node_id = k.node AND v.pool = k.pool AND v.quantity > 0
ORDER BY v.company_id, v.sku_id, v.node_id, v.pool FOR UPDATE OF v
"""
