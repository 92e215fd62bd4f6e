"""Change orders with all that sourcing knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.orders.commands import edit as orders
from entrepot.orders.commands.cancel import OrderCancelled
from entrepot.sourcing.commands.cancel import forget


@command("sourcing.edit")
def edit(cause: Cause, /, *, requests: Sequence[orders.EditOrder]) -> list[orders.OrderEdited | Refused]:
    """As `orders.edit`, at the usual prices; backorders of what was taken out end with it, and those of an order that
    became more or less urgent are dated again.

    Locks, Refuses, Again: as `orders.edit`. 5 statements more, 1 where the priority or the promise changes, and
    1 where such an order waits for stock.
    """
    return _edit(cause, requests, own_prices=False)


@command("sourcing.reprice")
def reprice(cause: Cause, /, *, requests: Sequence[orders.EditOrder]) -> list[orders.OrderEdited | Refused]:
    """As `sourcing.edit`, also at prices that are neither the line's nor the catalog's: for those who may give them.

    Locks, Refuses, Again: as `orders.edit`. Statements: as `sourcing.edit`.
    """
    return _edit(cause, requests, own_prices=True)


def _edit(
    cause: Cause, requests: Sequence[orders.EditOrder], *, own_prices: bool
) -> list[orders.OrderEdited | Refused]:
    answers = orders.edit(cause, requests=requests, own_prices=own_prices)
    forget(
        cause,
        [
            OrderCancelled(one.order, one.cancelled, one.cancelled + one.freed, one.status, one.backordered)
            for one in answers
            if isinstance(one, orders.OrderEdited)
        ],
    )
    _hasten(cause, requests, answers)
    return answers


def _hasten(
    cause: Cause, requests: Sequence[orders.EditOrder], answers: Sequence[orders.OrderEdited | Refused]
) -> None:
    """What waits for stock gets its new place among all who do, and its dates follow."""
    moved = [
        (done.order, done.hastened)
        for asked, done in zip(requests, answers, strict=True)
        if isinstance(done, orders.OrderEdited) and (done.hastened or asked.promise_at is not None)
    ]
    if moved:
        waiting = sql.run(_HASTEN, sql.columns(("orders", "more"), moved))
        offer("peg", [(sku, 5, cause.at) for sku in {sku for sku, *_ in waiting}])
        # By the backorders, the most urgent last: what a profile adds is in theirs.
        places = {order: (priority, due) for _, order, priority, due in sorted(waiting, key=itemgetter(2))}
        ready.rank([ready.Offer("allocate", order, *place) for order, place in places.items()])


# Backorders change under the lock of their order.
_HASTEN = """
UPDATE sourcing_backorder AS b SET priority = b.priority + d.more
FROM unnest(%(orders)s::uuid[], %(more)s::int[]) AS d(order_id, more) JOIN orders_order AS o ON o.id = d.order_id
WHERE b.order_id = d.order_id
RETURNING b.sku_id, b.order_id, b.priority::int, COALESCE(o.promise_at, o.placed_at)
"""
