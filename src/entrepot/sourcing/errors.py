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


class NothingToSend(Refused):
    """The units of an accepted proposal were promised to others, or are gone."""

    code = "sourcing.nothing_to_send"
    says = "{number}: no unit of SKU {sku} at {node} is free to be sent. Reject it, or send it when stock has come."


class TooFewToSend(Refused):
    """Fewer units are free than were to be sent of an accepted proposal."""

    code = "sourcing.too_few_to_send"
    says = "{number}: {free} of SKU {sku} are free to be sent from {node}, not {wanted}. Send as many; the rest stays."


class AskedAlready(Refused):
    """A node was asked for the same, and has not sent it yet."""

    code = "sourcing.asked_already"
    says = (
        "{number} asks for SKU {sku} from {source} to {target} already, and waits to be sent. Send it, or reject it and"
        " ask for all units that are wanted."
    )


class NothingToReplan(Refused):
    """Nothing of the order is promised."""

    code = "sourcing.nothing_to_replan"
    says = "Nothing of order {order} is promised that could come from elsewhere. Allocate it first."


class ReleasedAlready(Refused):
    """The floor has some of the order, and works on it."""

    code = "sourcing.released_already"
    says = (
        "Order {order} is released: {units} of its units are on the floor, and its promises stay. Take it off the floor"
        " first, if it is to come from elsewhere."
    )


class NothingToReject(Refused):
    """A node has nothing of the order that it could give back."""

    code = "sourcing.nothing_to_reject"
    says = "Nothing of order {order} is promised at node {node} and not begun yet."


class NothingToAskAgain(Refused):
    """No node has rejected a line of the order."""

    code = "sourcing.nothing_to_ask_again"
    says = "No node has rejected a line of order {order}."
