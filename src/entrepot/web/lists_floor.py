"""The lists of drafts, the floor, the dock and the suppliers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from entrepot.orders.queries import DraftRow
from entrepot.purchasing.dock import Check, Notice
from entrepot.purchasing.drop_ship_queries import DropShipRow
from entrepot.purchasing.performance import Performance
from entrepot.purchasing.queries import Proposal
from entrepot.returns.comeback_queries import SentAgain
from entrepot.shipping.queries import ClaimRow, ManifestRow
from entrepot.sourcing.queries import ProposalRow
from entrepot.stock.adjustments import AdjustmentRow
from entrepot.stock.plate_queries import PlateRow
from entrepot.stock.transfer_queries import FinishedTransfer
from entrepot.warehouse.carton_queries import CartonRow
from entrepot.warehouse.counted import CountRow
from entrepot.warehouse.queries import FulfillmentRow, WaveRow
from entrepot.warehouse.shelf_queries import BinUse, FaceRow
from entrepot.warehouse.storing import Waiting
from entrepot.web.listing import Head, Listing, attributes, cells_of

DRAFTS = Listing(
    "drafts", "drafts",
    (
        Head(_("Number"), by="number"), Head(_("Customer"), "customer", "customer"),
        Head(_("Channel"), "channel", "channel"),
        Head(_("Total"), "total", "total_minor", n=True, sum="total_minor"),
        Head(_("Valid until"), "valid-until", "valid_until"),
    ),
    cells_of(DraftRow),
)  # fmt: skip
WAVES = Listing(
    "waves", "floor",
    (
        Head(_("Wave")), Head(_("State"), "state"), Head(_("Method"), "method"),
        Head(_("Orders"), "orders", n=True, sum="orders"), Head(_("Lines"), "lines", n=True, sum="lines"),
        Head(_("Units"), "units", n=True, sum="units"), Head(_("Meters"), "meters", n=True),
        Head(_("Cut-off"), "cut-off"), Head(_("Proposed"), "proposed"),
        Head(_("Stops open"), "stops-open", n=True, sum="open_stops"),
    ),
    cells_of(WaveRow),
)  # fmt: skip
PACKING = Listing(
    "packing", "packings",
    (
        Head(_("Fulfillment"), by="number"), Head(_("Order"), "order", "order_number"),
        Head(_("Node"), "node", "node_code"), Head(_("Units"), "units", "picked", n=True, sum="picked"),
        Head(_("To leave by"), "leave-by", "leave_by"), Head(_("Promised"), "due", "due_at"),
    ),
    cells_of(FulfillmentRow),
)  # fmt: skip
MANIFESTS = Listing(
    "manifests", "manifests",
    (
        Head(_("Manifest")), Head(_("Carrier"), "carrier"), Head(_("Node"), "node"),
        Head(_("Packages"), "packages", n=True, sum="labels"),
        Head(_("Weight"), "weight", n=True), Head(_("Closed"), "closed"), Head(_("Carrier told"), "told"),
    ),
    cells_of(ManifestRow),
)  # fmt: skip
MAP = Listing(
    "floor-map", "floor-map",
    (
        Head(_("Bin"), by="code"), Head(_("Kind"), "kind", "kind"),
        Head(_("Picks"), "picks", "picks", n=True, sum="picks"),
        Head(_("Units picked"), "picked", "picked", n=True, sum="picked"),
        Head(_("Units in stock"), "units", "units", n=True, sum="units"), Head(_("SKUs"), "skus", "skus", n=True),
    ),
    cells_of(BinUse),
)  # fmt: skip
FACES = Listing(
    "pick-faces", "replenishment",
    (
        Head(_("Bin")), Head(_("What"), "what"), Head(_("Node"), "node"),
        Head(_("There"), "there", n=True, sum="there"), Head(_("Coming"), "coming", n=True, sum="coming"),
        Head(_("Promised"), "promised", n=True, sum="demand"),
        Head(_("Minimum"), "minimum", n=True),
        Head(_("Maximum"), "maximum", n=True),
        Head(_("Case"), "case", n=True),
    ),
    cells_of(FaceRow),
)  # fmt: skip
CARTONS = Listing(
    "cartons", "cartons",
    (
        Head(_("Carton"), by="code"), Head(_("Inside, mm"), "inside", "length_mm"),
        Head(_("Outside, mm"), "outside", "outer_length_mm"),
        Head(_("Holds, g"), "holds", "max_weight_g", n=True), Head(_("Weighs, g"), "weighs", "tare_g", n=True),
        Head(_("Costs"), "costs", "cost_minor", n=True), Head(_("Packed of late"), "packed", "packed", n=True),
        Head(_("State"), "state"),
    ),
    cells_of(CartonRow),
)  # fmt: skip
ADJUSTMENTS = Listing(
    "adjustments", "adjustments",
    (
        Head(_("Correction")), Head(_("What"), "what"), Head(_("Bin"), "bin"), Head(_("State"), "state"),
        Head(_("Units"), "units", n=True, sum="delta"), Head(_("Free there now"), "free", n=True),
        Head(_("Value"), "value", n=True, sum="value_minor"), Head(_("Why"), "why"), Head(_("Asked for by"), "asked"),
        Head(_("Decided by"), "decided"),
    ),
    cells_of(AdjustmentRow),
)  # fmt: skip
COUNTS = Listing(
    "counts", "counts",
    (
        Head(_("Count")), Head(_("State"), "state"), Head(_("Bin"), "bin"), Head(_("Why"), "why"),
        Head(_("Goods"), "goods"), Head(_("With"), "with"), Head(_("Due or counted"), "counted"),
    ),
    cells_of(CountRow),
)  # fmt: skip
PUT_AWAY = Listing(
    "put-away", "put-away",
    (
        Head(_("SKU"), by="sku_code"), Head(_("Stands in"), "stands-in", "bin_code"),
        Head(_("Units"), "units", "quantity", n=True, sum="quantity"), Head(_("Since"), "since", "since"),
        Head(_("Goes to"), "goes-to"),
    ),
    cells_of(Waiting),
)  # fmt: skip
SERVICES = Listing(
    "services", "services",
    (
        Head(_("Service"), by="code"), Head(_("Carrier"), "carrier", "carrier"), Head(_("Name"), "name", "name"),
        Head(_("Days"), "days", "transit_days", n=True), Head(_("Up to grams"), "up-to", "max_weight_g", n=True),
        Head(_("Rates"), "rates", "rates", n=True), Head(_("Quoted by"), "quoted-by"), Head(_("State"), "state"),
    ),
    attributes("code", "carrier", "name", "transit_days", "max_weight_g", "rates", "live", "active"),
)  # fmt: skip
BINS = Listing(
    "bins", "bins",
    (
        Head(_("Bin")), Head(_("Node"), "node"), Head(_("Zone"), "zone"), Head(_("Kind"), "kind"),
        Head(_("State"), "state"), Head(_("On the way"), "sequence", n=True), Head(_("At"), "at"),
        Head(_("SKUs"), "skus", n=True), Head(_("Units"), "units", n=True, sum="units"),
    ),
    attributes("code", "node_code", "zone_code", "kind", "state", "pick_sequence", "x", "y", "skus", "units"),
)  # fmt: skip
PLATES = Listing(
    "plates", "plates",
    (
        Head(_("Plate")), Head(_("Stands in"), "stands-in"), Head(_("On it"), "on-it"),
        Head(_("Units"), "units", n=True, sum="units"), Head(_("Made"), "made"), Head(_("Seen"), "seen"),
    ),
    cells_of(PlateRow),
)  # fmt: skip
EXPECTED = Listing(
    "expected", "expected",
    (
        Head(_("Notice")), Head(_("State"), "state"), Head(_("Supplier"), "supplier"),
        Head(_("Node"), "node"), Head(_("Expected"), "expected"),
        Head(_("Packages"), "packages", n=True, sum="packages"),
        Head(_("Units"), "units", n=True, sum="units"),
        Head(_("Received"), "received", n=True, sum="received"),
    ),
    cells_of(Notice),
)  # fmt: skip
SUPPLIERS = Listing(
    "suppliers", "suppliers",
    (
        Head(_("Supplier"), by="name"), Head(_("Lines due"), "lines-due", "lines", n=True, sum="lines"),
        Head(_("On time"), "on-time", "on_time_share", n=True),
        Head(_("In full"), "in-full", "in_full_share", n=True),
        Head(_("Both"), "both", "both_share", n=True),
        Head(_("Units"), "units", "units", n=True, sum="units"), Head(_("Good"), "good", "good_share", n=True),
        Head(_("Lead time, days"), "lead-time-days", "lead_days", n=True),
    ),
    cells_of(Performance),
)  # fmt: skip
REORDERS = Listing(
    "reorders", "reorders",
    (
        Head(_("SKU")), Head(_("Node"), "node"), Head(_("Supplier"), "supplier"),
        Head(_("Units"), "units", n=True, sum="quantity"),
        Head(_("Worth"), "worth", n=True, sum="value_minor"), Head(_("The sum"), "the-sum"),
    ),
    cells_of(Proposal),
)  # fmt: skip
TRANSFERS = Listing(
    "transfers", "transfers",
    (
        Head(_("SKU")), Head(_("From"), "from"), Head(_("To"), "to"),
        Head(_("Units"), "units", n=True, sum="quantity"),
        Head(_("Moving costs"), "moving-costs", n=True, sum="cost_minor"),
        Head(_("Goods worth"), "goods-worth", n=True, sum="value_minor"),
    ),
    cells_of(ProposalRow),
)  # fmt: skip
FINISHED_TRANSFERS = Listing(
    "transfers-finished", "transfers-finished",
    (
        Head(_("Transfer")), Head(_("From"), "from"), Head(_("To"), "to"), Head(_("SKUs"), "skus"),
        Head(_("Sent"), "sent", n=True, sum="sent"), Head(_("Received"), "received", n=True, sum="received"),
        Head(_("Lost"), "lost", n=True, sum="lost"), Head(_("Closed"), "closed"),
    ),
    cells_of(FinishedTransfer),
)  # fmt: skip
DROP_SHIPS = Listing(
    "drop-ships", "drop-ships",
    (Head(_("Units"), n=True, sum="quantity"), Head(_("To come"), n=True, sum="left")),
    cells_of(DropShipRow),
)  # fmt: skip
CLAIMS = Listing(
    "claims", "claims",
    (
        Head(_("Claimed"), n=True, sum="amount_minor"), Head(_("Agreed"), n=True, sum="agreed_minor"),
        Head(_("Credited"), n=True, sum="credited_minor"),
    ),
    cells_of(ClaimRow),
)  # fmt: skip
SENT_AGAIN = Listing(
    "sent-again", "sent-again",
    (
        Head(_("Shipment")), Head(_("Order"), "order"), Head(_("Customer"), "customer"),
        Head(_("First parcel"), "first"), Head(_("Sent again with"), "again"), Head(_("Given twice"), "twice"),
        Head(_("When"), "when"),
    ),
    cells_of(SentAgain) | attributes("twice"),
)  # fmt: skip
CHECKS = Listing(
    "checks", "quality",
    (
        Head(_("Check"), by="number"), Head(_("SKU"), "sku"), Head(_("From"), "from", "supplier_name"),
        Head(_("Bin"), "bin", "node_code"), Head(_("Units"), "units", "quantity", n=True, sum="quantity"),
        Head(_("Look at"), "look-at", "sample", n=True, sum="sample"),
        Head(_("Bad ones found"), "bad-ones-found"),
    ),
    cells_of(Check),
)  # fmt: skip

ALL = (
    DRAFTS,
    WAVES,
    PACKING,
    MANIFESTS,
    FACES,
    CARTONS,
    ADJUSTMENTS,
    COUNTS,
    PUT_AWAY,
    SERVICES,
    MAP,
    PLATES,
    SENT_AGAIN,
    EXPECTED,
    SUPPLIERS,
    REORDERS,
    TRANSFERS,
    FINISHED_TRANSFERS,
    DROP_SHIPS,
    CLAIMS,
    CHECKS,
    BINS,
)
