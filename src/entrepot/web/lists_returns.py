"""The lists of returns: store credit, suspicion, staging, departures, recovery, work orders, card holds, reasons."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from entrepot.payments.credit_queries import CreditRow
from entrepot.returns.asked_queries import ReasonRow
from entrepot.returns.departure_queries import DepartureRow
from entrepot.returns.expiry_queries import GivenUpRow, ToCome
from entrepot.returns.fraud_queries import Suspected
from entrepot.returns.hold_queries import HoldRow
from entrepot.returns.pallet_queries import PalletRow
from entrepot.returns.recovery_queries import RecoveryRow
from entrepot.returns.repair_queries import RepairRow
from entrepot.returns.staging_queries import Staged
from entrepot.returns.work_order_queries import WorkOrderRow
from entrepot.web.listing import Head, Listing, cells_of

STORE_CREDITS = Listing(
    "store-credits", "store-credits",
    (
        Head(_("Customer")), Head(_("Balance"), "balance", n=True, sum="balance_minor"),
        Head(_("Held by orders"), "held-by-orders", n=True, sum="held_minor"),
        Head(_("Bonus"), "bonus", n=True, sum="bonus_minor"),
        Head(_("Next ends"), "next-ends"),
    ),
    cells_of(CreditRow),
)  # fmt: skip
SUSPECTED = Listing(
    "suspected-returns", "return-fraud",
    (
        Head(_("Return"), by="number"), Head(_("What was found"), "what-was-found"),
        Head(_("Customer"), "customer", "customer"),
        Head(_("Where it stands"), "where-it-stands", "return_state"),
        Head(_("Goods"), "goods", "value_minor", n=True, sum="value_minor"),
        Head(_("Since"), "since", "decided_at"),
    ),
    cells_of(Suspected),
)  # fmt: skip
STAGING = Listing(
    "returns-staging", "return-staging",
    (
        Head(_("Return"), by="number"), Head(_("SKU"), "sku", "sku_code"), Head(_("Reason"), "reason", "reason"),
        Head(_("Where"), "where", "node"),
        Head(_("To inspect"), "to-inspect", "to_inspect", n=True, sum="to_inspect"),
        Head(_("To dispose of"), "to-dispose-of", "to_dispose", n=True, sum="to_dispose"),
        Head(_("Came"), "came", "received_at"), Head(_("Due"), "due", "due_at"),
    ),
    cells_of(Staged),
)  # fmt: skip
DEPARTURES = Listing(
    "departures", "departures",
    (
        Head(_("Number")), Head(_("Kind"), "kind"), Head(_("State"), "state"),
        Head(_("Units"), "units", n=True, sum="units"), Head(_("Worth"), "worth", n=True, sum="value_minor"),
        Head(_("Owed"), "owed", n=True, sum="owed_minor"), Head(_("Came"), "came", n=True, sum="credited_minor"),
        Head(_("Due"), "due"),
    ),
    cells_of(DepartureRow),
)  # fmt: skip
CARD_HOLDS = Listing(
    "card-holds", "card-holds",
    (
        Head(_("Return")), Head(_("State"), "state"), Head(_("Held"), "held", n=True, sum="amount_minor"),
        Head(_("Taken"), "taken", n=True, sum="taken_minor"), Head(_("Due back"), "due-back"),
        Head(_("The bank ends it"), "the-bank-ends-it"),
    ),
    cells_of(HoldRow),
)  # fmt: skip
RECOVERY = Listing(
    "recovery", "recovery",
    (
        Head(_("Number")), Head(_("Kind"), "kind"), Head(_("State"), "state"),
        Head(_("Claimed"), "claimed", n=True, sum="claimed_minor"), Head(_("Owed"), "owed", n=True, sum="owed_minor"),
        Head(_("Days"), "days", n=True), Head(_("Due"), "due"),
    ),
    cells_of(RecoveryRow),
)  # fmt: skip
WORK_ORDERS = Listing(
    "work-orders", "work-orders",
    (
        Head(_("Number")), Head(_("State"), "state"), Head(_("Return"), "return"), Head(_("Where"), "where"),
        Head(_("Units"), "units", n=True, sum="quantity"), Head(_("Worth"), "worth", n=True, sum="value_minor"),
        Head(_("Work"), "work", n=True, sum="cost_minor"),
        Head(_("Became value"), "became-value", n=True, sum="capitalized_minor"), Head(_("Planned"), "planned"),
    ),
    cells_of(WorkOrderRow),
)  # fmt: skip
REPAIRS = Listing(
    "repairs", "repairs",
    (
        Head(_("Number")), Head(_("State"), "state"), Head(_("Return"), "return"), Head(_("Who pays"), "payer"),
        Head(_("Units"), "units", n=True, sum="quantity"), Head(_("Price"), "price", n=True),
        Head(_("Cost"), "cost", n=True, sum="cost_minor"), Head(_("Parcel"), "parcel"), Head(_("Since"), "since"),
    ),
    cells_of(RepairRow),
)  # fmt: skip
REASONS = Listing(
    "return-reasons", "return-reasons",
    (
        Head(_("Reason"), by="says"), Head(_("Root cause"), "root-cause", "group"),
        Head(_("Category"), "category", "category"), Head(_("Returns"), "returns", "returns", n=True),
        Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("Goods"), "goods", "goods_minor", n=True, sum="goods_minor"),
        Head(_("Refunded"), "refunded", "refunded", n=True, sum="refunded"),
    ),
    cells_of(ReasonRow),
)  # fmt: skip
PALLETS = Listing(
    "return-pallets", "return-pallets",
    (
        Head(_("Pallet"), by="number"), Head(_("Where"), "where", "node_code"), Head(_("State"), "state", "state"),
        Head(_("Parcels"), "parcels", "announced", n=True, sum="announced"),
        Head(_("Counted"), "counted", "seen", n=True, sum="seen"),
        Head(_("Opened"), "opened", "opened", n=True, sum="opened"),
        Head(_("Orders"), "orders", "orders", n=True, sum="orders"),
        Head(_("Units to come"), "to-come", "to_come", n=True, sum="to_come"),
        Head(_("Units in staging"), "staged", "staged", n=True, sum="staged"), Head(_("Due"), "due", "due_at"),
    ),
    cells_of(PalletRow),
)  # fmt: skip
TO_COME = Listing(
    "returns-to-come", "returns-to-come",
    (
        Head(_("Return"), by="number"), Head(_("Reason"), "reason", "reason"), Head(_("To"), "to", "node"),
        Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("Refunded"), "refunded", "refunded", n=True, sum="refunded"), Head(_("Since"), "since", "since"),
        Head(_("Carrier has it"), "scanned", "scanned_at"), Head(_("Reminded"), "reminded", "reminded_at"),
        Head(_("Waited for until"), "until", "due_at"),
    ),
    cells_of(ToCome),
)  # fmt: skip
GIVEN_UP = Listing(
    "returns-given-up", "returns-to-come",
    (
        Head(_("Return"), by="number"), Head(_("When"), "when", "closed_at"), Head(_("Why"), "why", "why"),
        Head(_("Units refunded"), "missing", "missing", n=True, sum="missing"),
        Head(_("Units not refunded"), "cancelled", "cancelled", n=True, sum="cancelled"),
        Head(_("Lost"), "lost", "lost_minor", n=True, sum="lost_minor"),
        Head(_("Came late"), "late", "reopened_at"),
    ),
    cells_of(GivenUpRow),
    part="given-up",
)  # fmt: skip

ALL = (
    STORE_CREDITS,
    SUSPECTED,
    STAGING,
    DEPARTURES,
    CARD_HOLDS,
    RECOVERY,
    WORK_ORDERS,
    REPAIRS,
    REASONS,
    PALLETS,
    TO_COME,
    GIVEN_UP,
)
