"""What shipping refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class OnHold(Refused):
    code = "shipping.on_hold"
    says = "Order {order} is held by {hold}. Release the hold first."


class NoService(Refused):
    code = "shipping.no_service"
    says = "No service carries fulfillment {fulfillment}: {reasons}. Pack it in smaller cartons, or register a service."


class LateByChoice(Refused):
    code = "shipping.late_by_choice"
    kind = "invalid"
    says = (
        "Fulfillment {fulfillment} would come too late with {service}, and in time with another. Say why it goes with"
        " that one, or leave the choice open."
    )


class TrackingMisread(Refused):
    code = "shipping.tracking_misread"
    kind = "invalid"
    says = (
        "{tracking} can't be the tracking number of {fulfillment} with {carrier}: {problem}."
        " Scan it again from the label."
    )


class TrackingInUse(Refused):
    code = "shipping.tracking_in_use"
    says = (
        "{tracking} of {carrier} stands on a parcel of {holder} already. Scan the number from the label on this parcel;"
        " if it is this parcel's after all, void the label of {holder} first."
    )


class Labeled(Refused):
    code = "shipping.labeled"
    says = (
        "Shipment {shipment} has a label on each package already. Print those again, or void what is wrong."
    )


class NumbersAndPackages(Refused):
    code = "shipping.numbers_and_packages"
    kind = "invalid"
    says = (
        "Shipment {shipment} has {packages} packages without a label; {found} tracking numbers were given."
        " Give one for each, all different, and none that another of its packages bears."
    )


class NothingToManifest(Refused):
    code = "shipping.nothing_to_manifest"
    says = (
        "No label of {carrier} waits at that node: its manifest is closed, or nothing was printed."
        " What ships from now on goes on the next one."
    )


class NothingToTell(Refused):
    code = "shipping.nothing_to_tell"
    says = (
        "No carrier is left to be told of manifest {manifest}: those of bought labels know of it, or are being told,"
        " and of other labels only the paper tells."
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


class NotQuoted(Refused):
    code = "shipping.not_quoted"
    says = (
        "{subject} has no service that an adapter quotes. Register one that is live, such as easypost:USPS Priority;"
        " until then the tables' prices stand."
    )


class NoLabelToBuy(Refused):
    code = "shipping.no_label_to_buy"
    says = "Shipment {shipment} has no label to buy: print its labels first, or they are bought already."


class LabelsAwaited(Refused):
    code = "shipping.labels_awaited"
    says = (
        "Fulfillment {fulfillment} leaves when {service} has sold the labels of all its packages, and these are not"
        " bought: {missing}. What is asked for comes within a minute as a rule. For what is refused ask again, name"
        " another service, give the number of a label that you bought by hand, or let it go on paper with a reason."
    )


class NotItsLabel(Refused):
    code = "shipping.not_its_label"
    says = (
        "The labels of all packages of fulfillment {fulfillment} are bought ({bought}), and {tracking} is none of them."
        " Scan the label that its parcel bears. Where it bears another one, void the label that was bought for it, and"
        " give the number again."
    )


class LabelInDoubt(Refused):
    code = "shipping.label_in_doubt"
    says = (
        "A label of shipment {shipment} was asked for, and nobody knows whether it was bought. Look in the account with"
        " {source}. If it is there, void the label here and print it with the carrier's number; if it is not, or is"
        " given back there, ask again and say that it was not bought."
    )


class LabelNotAnswered(Refused):
    code = "shipping.label_not_answered"
    says = (
        "A label of shipment {shipment} was asked for, and {source} has not answered yet. It does within a minute as a"
        " rule: do this again then. Where it is not asked any more, look in the account with it, and say that it was"
        " not bought."
    )


class Claimed(Refused):
    code = "shipping.claimed"
    says = (
        "Shipment {shipment} is claimed as {kind} already ({number}). Follow that claim; for another parcel, where that"
        " one was for a part, say the amount."
    )


class ParcelClaimed(Refused):
    code = "shipping.parcel_claimed"
    says = (
        "All of parcel {tracking} is claimed as {kind} already ({number}). Follow that claim; where it was for a part,"
        " say the amount of another."
    )


class SentAgain(Refused):
    code = "shipping.sent_again"
    says = (
        "Shipment {shipment} was sent again with order {order}. Place another order if that one is lost too."
    )


class InPart(Refused):
    code = "shipping.in_part"
    says = (
        "Some parcels of shipment {shipment} are in trouble or have not come ({missing}), others are well ({well}), and"
        " the supplier has not said what is in which: to send it again would send all. Ask which goods are missing, and"
        " place an order for these."
    )


class WhichParcels(Refused):
    code = "shipping.which_parcels"
    says = (
        "Some parcels of shipment {shipment} have come, and none is in trouble: name those whose goods are sent again"
        " ({parcels})."
    )


class ClaimInPart(Refused):
    code = "shipping.claim_in_part"
    says = (
        "Some parcels of shipment {shipment} are in trouble or have not come ({missing}), others are well ({well}): say"
        " the amount of what was in the former."
    )
