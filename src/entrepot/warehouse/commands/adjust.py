"""Correct stock on the floor, and give the promises that break by it back to sourcing in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.stock.commands import adjust as stock
from entrepot.stock.commands.change_status import ChangeStatus, StatusChanged
from entrepot.stock.commands.change_status import change_status as change_in_stock
from entrepot.stock.commands.move import Displaced, lock_serials
from entrepot.warehouse import adjusting
from entrepot.warehouse.adjusting import Goods
from entrepot.warehouse.commands.missing import reopen
from entrepot.warehouse.commands.plan_counts import ask_by_trigger


@command("warehouse.adjust")
def adjust(cause: Cause, /, *, requests: Sequence[stock.Adjust]) -> list[stock.Adjusted | Refused]:
    """As `stock.adjust`; lines whose promises it displaced are open again, with a work item for each order, and what
    was found is offered to those who wait for it.

    Locks: as `stock.adjust`, the SKUs of which serials are found by an advisory lock, in order, then the orders
    displaced in id order. Refuses, Again: as `stock.adjust`; NotFound (a bin that is not of the node, a SKU of another
    company), Invalid (a status that nobody sets, a lot that is missing, more than a unit of a serial, units found in a
    bin out of use), stock.serial_elsewhere.
    Where fewer units were there than were to be taken, the bin is counted, if the policy says so.
    Statements: 1 and those of `stock.adjust`; 1 more where serials are found, 5 where promises were displaced, 11 where
    a bin is to be counted.
    """
    answers = stock.adjust(cause, requests=requests, judge=_judged)
    _pass_on(cause, answers)
    done = [
        (one, answer)
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, stock.Adjusted)
    ]
    less = [(one.bin, one.sku) for one, answer in done if answer.missing]
    if less:
        ask_by_trigger(cause, "negative check", less)
    return answers


@command("warehouse.approve_adjustment")
def approve_adjustment(
    cause: Cause, /, *, requests: Sequence[stock.DecideAdjustment]
) -> list[stock.Adjusted | Refused]:
    """As `stock.approve_adjustment`; lines whose promises it displaced are open again, with a work item for each order.
    What could be when it was asked for, and can't any more, is not approved: the serial stands somewhere by now, or the
    bin is out of use.

    Locks: as `stock.approve_adjustment`, then as `adjust`. Again: as `stock.approve_adjustment`.
    Refuses: as `stock.approve_adjustment`, and for what `adjust` does.
    Statements: its own and 1; 1 more where serials were found, 5 where promises were displaced.
    """
    answers = stock.approve_adjustment(cause, requests=requests, judge=_judged)
    _pass_on(cause, answers)
    return answers


@command("warehouse.change_status")
def change_status(cause: Cause, /, *, requests: Sequence[ChangeStatus]) -> list[StatusChanged | Refused]:
    """As `stock.change_status`, of goods that stay in their bin: some of them turn out to be damaged, or may be sold
    again. Lines whose promises it displaced are open again, with a work item for each order.

    Locks: as `stock.change_status`, then the orders displaced in id order. Again: by key.
    Refuses: as `stock.change_status`; NotFound (a bin that is not of the node, a SKU of another company), Invalid (a
    status that nobody sets, more than a unit of a serial, units that shall be sold from a bin out of use).
    Statements: 1 and those of `stock.change_status`; 5 where promises were displaced.
    """
    known = _goods(requests)
    refusals = {
        place: refusal
        for place, one in enumerate(requests)
        if (refusal := adjusting.misfit_of_change(
            known[place], one.quantity, status=one.status, to_status=one.to_status, serial=one.serial,
        ))
    }  # fmt: skip
    fit = [one for place, one in enumerate(requests) if place not in refusals]
    told = iter(change_in_stock(cause, requests=fit) if fit else ())
    answers = [refusals[place] if place in refusals else next(told) for place in range(len(requests))]
    _pass_on(cause, answers)
    return answers


class _Displacing(Protocol):
    @property
    def displaced(self) -> tuple[Displaced, ...]: ...


def _pass_on(cause: Cause, answers: Iterable[_Displacing | Refused]) -> None:
    reopen(cause, [one for answer in answers if not isinstance(answer, Refused) for one in answer.displaced])


def _judged(said: Sequence[stock.Correction]) -> Callable[[stock.Correction], Refused | None]:
    """What says of corrections, one after the other, why they can't be. Who finds a serial waits for whoever is about
    to find one of the same SKU, and looks then."""
    lock_serials(one.sku for one in said if one.serial and one.delta > 0)
    goods = {_named(one): known for one, known in zip(said, _goods(said), strict=True)}
    stands: dict[tuple[UUID, str], str] = {}

    def misfit(one: stock.Correction) -> Refused | None:
        known = goods[_named(one)]
        serial = one.sku, one.serial
        known = known._replace(elsewhere=known.elsewhere or stands.get(serial, ""))
        refusal = adjusting.misfit(known, one.delta, status=one.status, lot=one.lot, serial=one.serial)
        if not refusal and one.serial and one.delta > 0:
            stands[serial] = known.bin_code
        return refusal

    return misfit


def _named(one: stock.Correction) -> tuple[object, ...]:
    return one.company, one.sku, one.node, one.bin, one.lot, one.serial


def _goods(said: Sequence[stock.Correction | ChangeStatus]) -> list[Goods]:
    """What is known of the goods and the bin of each."""
    named = [
        (place, one.company, one.sku, one.node, one.bin, one.lot, one.serial)
        for place, one in enumerate(said)
    ]
    columns = ("places", "companies", "skus", "nodes", "bins", "lots", "serials")
    return [Goods(*row) for row in sql.run(_GOODS, sql.columns(columns, named))] if named else []


# A serial that stands in the named bin already is refused there too: it can't be found twice.
_GOODS = """
SELECT k.sku::text, k.bin::text, COALESCE(s.code, ''), COALESCE(s.lot_policy, 'none'), COALESCE(b.code, ''),
       COALESCE(b.kind, ''),
       EXISTS (SELECT FROM stock_bucket AS u WHERE u.sku_id = k.sku AND u.node_id = k.node AND u.bin_id = k.bin
                 AND u.lot = k.lot AND u.owner_id = k.company AND u.quantity > 0),
       COALESCE((SELECT o.code FROM stock_bucket AS u JOIN network_bin AS o ON o.id = u.bin_id
                 WHERE k.serial <> '' AND u.serial = k.serial AND u.sku_id = k.sku AND u.quantity > 0
                   AND u.status <> 'researching' ORDER BY u.id LIMIT 1), '')
FROM unnest(%(places)s::int[], %(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(bins)s::uuid[],
            %(lots)s::text[], %(serials)s::text[]) AS k(place, company, sku, node, bin, lot, serial)
LEFT JOIN catalog_sku AS s ON s.id = k.sku AND s.company_id = k.company
LEFT JOIN network_bin AS b ON b.id = k.bin AND b.node_id = k.node
ORDER BY k.place
"""
