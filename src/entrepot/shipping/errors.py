"""What shipping refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class OnHold(Refused):
    code = "shipping.on_hold"
    says = "Order {order} is held by {hold}. Release the hold first."


class NoService(Refused):
    code = "shipping.no_service"
    says = "No service carries fulfillment {fulfillment}: {reasons}. Pack it in smaller cartons, or register a service."


class TrackingMisread(Refused):
    code = "shipping.tracking_misread"
    kind = "invalid"
    says = (
        "{tracking} can't be the tracking number of {fulfillment} with {carrier}: {problem}."
        " Scan it again from the label."
    )


class NothingToPerform(Refused):
    code = "shipping.nothing_to_perform"
    says = "Order {order} has no service that waits to be performed."


class GoodsFirst(Refused):
    code = "shipping.goods_first"
    says = (
        "Order {order} has {units} units of goods and none has left:"
        " its services are performed with the first shipment."
    )
