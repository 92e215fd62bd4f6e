"""What stock refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class Insufficient(Refused):
    """Fewer units are free for the channel than were asked for."""

    code = "stock.insufficient"
    says = (
        "{wanted} of SKU {sku} asked for at {node}, {free} free for this channel."
        " Ask for fewer, another node, or wait for the next receipt."
    )


class BeyondShown(Refused):
    """A cart asks for more than its channel is told that it may sell."""

    code = "stock.beyond_shown"
    says = (
        "{wanted} of SKU {sku} asked for, and the channel is shown {shown} of it: by its buffer, threshold or limit,"
        " or because the SKU ships later. Ask for no more, or change what the channel is shown."
    )


class NotThere(Refused):
    """The bucket holds fewer free units than the move takes."""

    code = "stock.not_there"
    says = (
        "{wanted} units of SKU {sku} were to leave {where}, {found} are there and not being picked."
        " Count the bin, or report a short pick for those being picked."
    )


class NotPlaceable(Refused):
    """The quantity or the place makes no sense."""

    code = "stock.not_placeable"
    kind = "invalid"
    says = "{field}: expected {expected}, found {found}."


class KitHasNoStock(Refused):
    """A kit is sold as its components, and only they are stocked."""

    code = "stock.kit_has_no_stock"
    kind = "invalid"
    says = "SKU {sku} is a kit, and has no stock of its own. Put in the components that it is made of."


class AlreadyDecided(Refused):
    """The adjustment was approved or rejected before."""

    code = "stock.already_decided"
    says = "Adjustment {number} is {found}; only one that waits can be decided."


class SerialElsewhere(Refused):
    """The ledger has the serial in another place."""

    code = "stock.serial_elsewhere"
    says = (
        "Serial {serial} of SKU {sku} stands in {where} by the records. Count that bin first, or move the unit: it"
        " can't be in two places."
    )


class CorrectedSince(Refused):
    """Somebody corrected the goods after they were counted."""

    code = "stock.corrected_since"
    says = (
        "Stock of SKU {sku} in bin {where} was corrected since it was counted, so the difference may be gone. Have it"
        " counted again."
    )


class NothingReserved(Refused):
    """The reservation expired, was used, or is kept for an order."""

    code = "stock.nothing_reserved"
    kind = "not_found"
    says = "{holder} holds no reservation: it expired, was given back or was ordered. Reserve again."


class TransferClosed(Refused):
    """More was reported than is still on its way."""

    code = "stock.transfer_over"
    says = "Transfer {number} still has {found} units of SKU {sku} on their way, {wanted} were reported."


class PlateNotHere(Refused):
    """The plate holds nothing, stands at another node, or has left."""

    code = "stock.plate_not_here"
    says = (
        "Plate {plate} stands in {where}, and can't leave from here. Scan a plate that stands at this node."
    )


class PlateNotSellable(Refused):
    """Something on the plate may not be sold."""

    code = "stock.plate_not_sellable"
    says = (
        "On plate {plate} {units} units are {status}, and only what may be sold goes to another node."
        " Open the plate and send its other goods, or decide about these first."
    )


class PlateNotComing(Refused):
    """Nothing that is still on its way of the transfer stands on the plate."""

    code = "stock.plate_not_coming"
    says = (
        "Nothing of transfer {number} is on its way on this plate any more. It has come before, or came with another"
        " transfer: scan its goods."
    )


class PlateOnItsWay(Refused):
    """The plate was sent to another node, and has not come."""

    code = "stock.plate_on_its_way"
    says = "Plate {plate} is on its way to {node}. Receive it there first, by a scan of it at Receive."
