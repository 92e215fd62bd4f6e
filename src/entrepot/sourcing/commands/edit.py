"""Change orders with all that sourcing knows of them."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.orders.commands import edit as orders
from entrepot.orders.commands.cancel import OrderCancelled
from entrepot.sourcing.commands.cancel import forget


@command("sourcing.edit")
def edit(cause: Cause, /, *, requests: Sequence[orders.EditOrder]) -> list[orders.OrderEdited | Refused]:
    """As `orders.edit`, at the usual prices; backorders of what was taken out end with it.

    Locks, Refuses, Again: as `orders.edit`. 4 statements more.
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
    return answers
