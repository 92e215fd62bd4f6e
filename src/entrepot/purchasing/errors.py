"""What purchasing refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class Duplicate(Refused):
    code = "purchasing.duplicate"
    says = "{external_ref} was ordered before, as {number}. Receive that order, or give the new one its own reference."


class NeedsApproval(Refused):
    code = "purchasing.needs_approval"
    says = (
        "Order {number} would be worth {found}, and one person orders up to {expected}. Ask for less, or order what is"
        " more by an order of its own, which another person approves."
    )


class WaitsForApproval(Refused):
    code = "purchasing.waits_for_approval"
    says = "Order {number} waits for another person's approval. It goes to its supplier once it is approved."


class NoticedBefore(Refused):
    code = "purchasing.noticed_before"
    says = "{external_ref} was announced before, as {number}. Receive that one, or give the new one its own number."


class NoticeBegun(Refused):
    code = "purchasing.notice_begun"
    says = (
        "Of {number} {received} units came already, so that it can't be replaced or cancelled as a whole. Receive the"
        " rest, or close it with what came."
    )


class NoticeOvertaken(Refused):
    code = "purchasing.notice_overtaken"
    says = "{external_ref} was said anew later, as {number}, which stays. Drop the older message."


class ExceedsOrdered(Refused):
    code = "purchasing.exceeds_ordered"
    says = (
        "Line {line} has {left} units still to come and may get {tolerance} beyond them, {wanted} were received. "
        "Count again, take what was ordered, or order the rest."
    )


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


class NotBefore(Refused):
    code = "purchasing.not_before"
    says = "Order {order} may not leave before {on}. Its suppliers are asked on that day."


class PastCancelAfter(Refused):
    code = "purchasing.past_cancel_after"
    says = (
        "Order {order} may not leave after {on}, and that day is over. Cancel what has not left, or agree on another"
        " day and change the order."
    )


class BelowFill(Refused):
    code = "purchasing.below_fill"
    says = (
        "Of order {order} {expected} of {ordered} units must have their goods before any leaves, {found} have. Its"
        " suppliers are asked when they do: wait for stock, or change the order."
    )


class Expired(Refused):
    code = "purchasing.expired"
    says = (
        "Lot {lot} of {sku} expired on {expires_on}: it is not taken. Put it aside; a buyer decides about it."
    )


class ShelfLife(Refused):
    code = "purchasing.shelf_life"
    says = (
        "Lot {lot} of {sku} expires on {expires_on}; what comes must keep until {least}. "
        "Put it aside; a buyer decides what becomes of it."
    )


class SerialSeen(Refused):
    code = "purchasing.serial_seen"
    says = "Serial number {serial} was received before, {where}. Scan it again; put the unit aside if it says the same."


class UnknownBarcode(Refused):
    code = "purchasing.unknown_barcode"
    kind = "not_found"
    says = "No SKU and no package has barcode {text}{doubt}. Put the goods aside; somebody looks up what they are."


class PackageReceived(Refused):
    code = "purchasing.package_received"
    says = (
        "Package {sscc} came already, with {notice}; still expected of it is {left}. Look at its label again, or say"
        " how many units came now."
    )


class PalletReceived(Refused):
    code = "purchasing.pallet_received"
    says = (
        "All cartons of pallet {sscc} came already, with {notice}; what they lacked is still expected: {left}. Scan the"
        " carton, and say how many units came now."
    )


class PalletOfSeveral(Refused):
    code = "purchasing.pallet_of_several"
    says = "Pallet {sscc} has cartons of several orders: {orders}. Scan its cartons one by one; each is put on it."


class NotOnPackage(Refused):
    code = "purchasing.not_on_package"
    says = (
        "{sku} was not announced on package {sscc}, or in several lots: announced is {announced}. Name one of these"
        " with its lot, or scan those goods by themselves."
    )


class ElsewhereExpected(Refused):
    code = "purchasing.elsewhere_expected"
    says = "Package {sscc} is of {notice}, which is expected at another node. Put it aside; a buyer decides about it."


class SeveralSkus(Refused):
    code = "purchasing.several_skus"
    says = "Barcode {text} stands on several SKUs: {skus}. Say which one it is by its code."


class NotOrdered(Refused):
    code = "purchasing.not_ordered"
    says = "{sku} is not on {order}. Look for another order, or put the goods aside."


class LandedOtherwise(Refused):
    """The payee's number for a bill stands for another one already."""

    code = "purchasing.landed_otherwise"
    says = (
        "Bill {external_id} of {payee} was taken as {number} over {expected}, not over {found}."
        " Ask {payee} which one is right; a correction is a credit with a number of its own."
    )
