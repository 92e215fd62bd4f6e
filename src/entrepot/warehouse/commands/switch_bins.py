"""Take bins out of use with what stands in them, and into use again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.network.commands import switch_bins as network
from entrepot.network.commands.switch_bins import BinNow, SwitchBin
from entrepot.stock.commands.allocate import Loss, lock_what_losses_touch
from entrepot.stock.commands.change_status import ChangeStatus, StatusChanged, change_status
from entrepot.stock.commands.move import At, Displaced, lock_buckets
from entrepot.warehouse.commands.missing import reopen

__all__ = ["BinSwitched", "SwitchBin", "switch_bins"]


@dataclass(frozen=True, slots=True)
class BinSwitched:
    """A bin as it is now. `units` are not sold any more, or are again; `picked` stay with the picks that have a claim
    on them. `promised` of them were promised to `orders`, which are sourced anew."""

    bin: UUID
    state: str
    units: int = 0
    picked: int = 0
    promised: int = 0
    orders: tuple[str, ...] = ()


class _Goods(NamedTuple):
    """Units of a bucket, and the state of their bin now."""

    company: int
    at: At
    units: int
    state: str

    @property
    def lost(self) -> int:
        """Those that are not sold any more."""
        return self.units if self.state == "blocked" and self.at.status == "sellable" else 0


BECOMES = {"blocked": ("sellable", "blocked"), "in use": ("blocked", "sellable")}
"""What the status of goods was, and is from then on, by the state of their bin."""


@command("warehouse.switch_bins")
def switch_bins(cause: Cause, /, *, requests: Sequence[SwitchBin]) -> list[BinSwitched | Refused]:
    """Bins that are passed by from now on, or are what they were before, with their goods: what stands in a blocked bin
    can't be picked, and so is not sold, until the bin is opened or the goods are moved elsewhere. Promises that can't
    be kept without it are sourced again, with a work item for each order; what is being picked goes on.

    Locks: the bins in id order, then as `stock.change_status`, then the orders displaced.
    Refuses: NotFound; WrongState. Again: it is so already (WrongState); by key. 3 statements; 27 where goods stand
    there and promises are displaced.
    """
    answers = network.switch_bins(cause, requests=requests)
    states = {one.bin: one.state for one in answers if isinstance(one, BinNow)}
    goods = _goods_in(states)
    units, picked, displaced = _change(cause, goods) if goods else (Counter(), Counter(), {})
    reopen(cause, [lost for some in displaced.values() for lost in some])
    numbers = _numbers({lost.order for some in displaced.values() for lost in some})
    return [
        BinSwitched(
            one.bin, one.state, units[one.bin], picked[one.bin],
            sum(lost.quantity for lost in displaced.get(one.bin, ())),
            tuple(sorted({numbers[lost.order] for lost in displaced.get(one.bin, ())})),
        )
        if isinstance(one, BinNow)
        else one
        for one in answers
    ]  # fmt: skip


def _goods_in(states: Mapping[UUID, str]) -> list[_Goods]:
    """What stands in bins, given with their states. Nothing of it is locked. 1 statement; none for none."""
    rows = sql.run(_GOODS, {"ids": list(states)}) if states else ()
    return [_Goods(company, At(*key), units, states[key[2]]) for company, *key, units in rows]


def _change(
    cause: Cause, goods: Sequence[_Goods]
) -> tuple[Counter[UUID], Counter[UUID], dict[UUID, list[Displaced]]]:
    """The goods with the status of their bins. Nobody puts anything into one meanwhile: its row is locked."""
    lock_what_losses_touch([Loss(one.company, one.at.sku, one.at.node, one.lost) for one in goods])
    buckets = lock_buckets(one.at for one in goods)
    wanted: list[tuple[UUID, ChangeStatus]] = []
    picked: Counter[UUID] = Counter()
    for company, at, _, state in goods:
        assert at.bin is not None, "they stand in the bin"
        was, becomes = BECOMES[state]
        if at.status != was or at not in buckets:
            continue
        found = buckets[at]
        picked[at.bin] += found.committed
        if free := found.quantity - found.committed:
            why = f"bin {state}" if becomes == "blocked" else "bin opened"
            wanted.append((at.bin, ChangeStatus(
                company, at.sku, at.node, at.bin, free, was, becomes, why, lot=at.lot, serial=at.serial,
            )))  # fmt: skip
    units: Counter[UUID] = Counter()
    displaced: dict[UUID, list[Displaced]] = {}
    changed = change_status(cause, requests=[one for _, one in wanted])
    for (which, one), answer in zip(wanted, changed, strict=True):
        assert isinstance(answer, StatusChanged), "as many as are free under the lock"
        units[which] += one.quantity
        displaced.setdefault(which, []).extend(answer.displaced)
    return units, picked, displaced


def _numbers(orders: set[UUID]) -> dict[UUID, str]:
    return dict(sql.run(_NUMBERS, {"ids": sorted(orders)})) if orders else {}  # type: ignore[arg-type]


_GOODS = """
SELECT company_id::int, sku_id, node_id, bin_id, owner_id::int, status, lot, serial, quantity FROM stock_bucket
WHERE bin_id = ANY(%(ids)s::uuid[]) AND status IN ('sellable', 'blocked') AND quantity > 0 ORDER BY id
"""

_NUMBERS = "SELECT id, number FROM orders_order WHERE id = ANY(%(ids)s::uuid[])"
