"""What purchasing refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class Duplicate(Refused):
    code = "purchasing.duplicate"
    says = "{external_ref} was ordered before, as {number}. Receive that order, or give the new one its own reference."


class ExceedsOrdered(Refused):
    code = "purchasing.exceeds_ordered"
    says = (
        "Line {line} has {left} units still to come, {wanted} were received. Count again, or order the rest."
    )


class ForeignCurrency(Refused):
    code = "purchasing.foreign_currency"
    says = "The supplier sells in {found}, the company keeps its books in {expected}; such orders are not taken yet."


class LotNeeded(Refused):
    code = "purchasing.lot_needed"
    kind = "invalid"
    says = "SKU {sku} is kept by {policy}: say the lot of what was received on line {line}{also}."


class NoBin(Refused):
    code = "purchasing.no_bin"
    says = "Bin {bin} is not at node {node}, or the node has no bin for receipts. Name one, or register one."


class MoreThanAsked(Refused):
    code = "purchasing.more_than_asked"
    says = "Line {line} of {number} has {left} units still to be sent, {wanted} were told. Ask the supplier again."


class NothingPassed(Refused):
    code = "purchasing.nothing_passed"
    says = "Nothing of order {order} waits to be ordered from a supplier."


class OrderHeld(Refused):
    code = "purchasing.order_held"
    says = "Order {order} is held by {hold}. Release the hold first, then it goes to its supplier."
