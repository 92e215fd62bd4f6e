"""What sourcing refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class OnHold(Refused):
    """A hold blocks allocation."""

    code = "sourcing.on_hold"
    says = "Order {order} has a hold that blocks allocation. Release the hold first."


class NothingToAllocate(Refused):
    """No unit of the order is open or backordered."""

    code = "sourcing.nothing_to_allocate"
    says = "Order {order} has no unit that waits for allocation."
